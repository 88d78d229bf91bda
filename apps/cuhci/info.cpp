// SPDX-License-Identifier: MIT
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/cuhci/cli.hpp"
#include "engine/dataset.hpp"

namespace hci::app {
namespace {

using nlohmann::ordered_json;

std::string shape_text(const std::vector<index_t>& shape) {
  std::string text;
  for (const index_t n : shape) text += (text.empty() ? "" : " x ") + std::to_string(n);
  return text.empty() ? "no data" : text;
}

ordered_json to_json(const FileDescription& file) {
  ordered_json items = ordered_json::array();
  for (const auto& item : file.items)
    items.push_back({{"name", item.name}, {"type", item.type}, {"shape", item.shape}, {"meaning", item.meaning}});
  return {{"path", file.path}, {"format", file.format}, {"bytes", file.bytes}, {"items", items}};
}

void print(const FileDescription& file) {
  std::printf("%s: %s, %.2f MiB\n", file.path.c_str(), file.format.c_str(),
              static_cast<double>(file.bytes) / (1024.0 * 1024.0));
  for (const auto& item : file.items)
    std::printf("  %-16s %-18s %-22s %s\n", item.name.c_str(), item.type.c_str(), shape_text(item.shape).c_str(),
                item.meaning.c_str());
}

}  // namespace

Subcommand info_command() {
  return {"info", "Tell what is in files, as the reader understands them",
          [](Flags& flags) {
            flags.positional("FILE", "FITS, HDF5, text or JSON files", true);
            flags.option("json", "print JSON", "", true);
          },
          [](Flags& flags) {
            bool json = false;
            flags.settings().take("json", json);
            flags.settings().require_all_used("unknown settings for 'cuhci info'");
            ordered_json list = ordered_json::array();
            ExitCode code = kDone;
            for (const std::string& path : flags.values("FILE")) {
              try {
                const FileDescription file = describe_file(path);
                if (json)
                  list.push_back(to_json(file));
                else
                  print(file);
              } catch (const InvalidInput& error) {  // the files after it are shown, too
                code = kBadInput;
                if (json)
                  list.push_back({{"path", path}, {"error", error.what()}});
                else
                  std::fprintf(stderr, "cuhci: error: %s\n", error.what());
              }
              std::fflush(stdout);  // in order with the errors
            }
            if (json) std::printf("%s\n", list.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
            return static_cast<int>(code);
          }};
}

}  // namespace hci::app
