// SPDX-License-Identifier: MIT
#include "engine/products.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "engine/atomic_file.hpp"
#include "engine/origin.hpp"
#include "engine/version.hpp"
#include "kernels/core/error.hpp"

namespace hci {
namespace fs = std::filesystem;

namespace {

/// UTC as FITS writes it: "2026-11-23T14:05:09".
std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return text;
}

using Json = nlohmann::ordered_json;

Json json_of(const Summary::Value& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

/// The place that a dotted name says.
Json& at(Json& root, const std::string& name) {
  Json* place = &root;
  for (std::size_t begin = 0; begin != std::string::npos;) {
    const std::size_t dot = name.find('.', begin);
    place = &(*place)[name.substr(begin, dot == std::string::npos ? dot : dot - begin)];
    begin = dot == std::string::npos ? dot : dot + 1;
  }
  return *place;
}

}  // namespace

Header provenance_header(const Provenance& provenance) {
  Header header;
  header.set("ORIGIN", kOrigin);
  header.set("CREATOR", "cuHCI " + version(), "version");
  if (!commit().empty()) header.set("HCI COMMIT", commit(), "of the source");
  header.set("DATE", now_text(), "UTC, when this file was made");
  if (!provenance.device.empty()) header.set("HCI DEVICE", provenance.device);
  if (!provenance.command.empty()) header.set("HCI COMMAND", provenance.command);
  int number = 1;
  for (const InputFile& input : provenance.inputs) {
    const std::string prefix = "HCI INPUT" + std::to_string(number++);
    header.set(prefix + " ROLE", input.role);
    header.set(prefix + " FILE", input.path);
    if (const std::string checksum = input.checksum(); !checksum.empty()) header.set(prefix + " SUM", checksum);
  }
  for (const auto& [name, text] : provenance.recipe) header.set("HCI " + name, text);
  return header;
}

void Summary::set(const std::string& name, Value value) {
  for (Entry& entry : entries_)
    if (!entry.item && entry.name == name) {
      entry.fields[0].second = std::move(value);
      return;
    }
  entries_.push_back({name, {{"", std::move(value)}}, false});
}

void Summary::append(const std::string& name, const std::vector<std::pair<std::string, Value>>& fields) {
  entries_.push_back({name, fields, true});
}

void Summary::set(const Provenance& provenance) {
  set("provenance.origin", kOrigin);
  set("provenance.version", version());
  set("provenance.commit", commit());
  set("provenance.date", now_text() + "Z");
  set("provenance.device", provenance.device);
  set("provenance.command", provenance.command);
  for (const auto& [name, text] : provenance.recipe) set("provenance.recipe." + name, text);
  for (const InputFile& input : provenance.inputs)
    append("provenance.inputs", {{"role", input.role}, {"file", input.path}, {"checksum", input.checksum()}});
}

std::string Summary::to_json() const {
  Json root = Json::object();
  for (const Entry& entry : entries_) {
    Json& place = at(root, entry.name);
    if (!entry.item) {
      place = json_of(entry.fields[0].second);
      continue;
    }
    Json item = Json::object();
    for (const auto& [name, value] : entry.fields) item[name] = json_of(value);
    place.push_back(std::move(item));
  }
  return root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

OutputFolder::OutputFolder(const fs::path& path) : path_(path) {
  std::error_code error;
  require(!path_.empty(), "expected the name of an output folder, found nothing");
  require(!fs::exists(path_, error) || fs::is_directory(path_, error), path_.string(),
          " is a file, expected a folder for the output");
  std::vector<fs::path> missing;
  for (fs::path folder = fs::absolute(path_); !folder.empty() && !fs::exists(folder, error);
       folder = folder.parent_path())
    missing.insert(missing.begin(), folder);
  for (const fs::path& folder : missing) {
    if (folder.filename().empty()) continue;  // a trailing slash
    fs::create_directory(folder, error);
    if (error) remove_made();
    require(!error, folder.string(), ": the output folder cannot be made: ", error.message());
    made_.push_back(folder);
    unfinished_.emplace_back(folder);
  }
  // Access bits do not tell everything (read-only or full file systems): try.
  const fs::path probe = path_ / (".cuhci-probe-" + std::to_string(getpid()));
  const Unfinished begun(probe);
  std::ofstream out(probe);
  const bool good = static_cast<bool>(out << "probe" << std::flush);
  const std::string why = good ? "" : std::generic_category().message(errno);
  out.close();
  fs::remove(probe, error);
  if (!good) remove_made();
  require(good, path_.string(), ": the output folder cannot be written: ", why);
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  for (const auto& [staged, final] : files_) fs::remove(staged, ignored);
  remove_made();
}

void OutputFolder::remove_made() noexcept {
  std::error_code ignored;
  for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder) fs::remove(*folder, ignored);
  made_.clear();
}

std::string OutputFolder::staged(const std::string& name) {
  require(!name.empty() && fs::path(name).filename() == name, "OutputFolder: '", name, "' is no name of a file");
  const fs::path staged = path_ / (".cuhci-" + std::to_string(getpid()) + "-" + name);
  files_.emplace_back(staged, path_ / name);
  unfinished_.emplace_back(staged);
  return staged.string();
}

void OutputFolder::write_text(const std::string& name, const std::string& text) { write_text_file(staged(name), text); }

void OutputFolder::keep_apart(const std::vector<std::string>& products, const std::vector<std::string>& inputs) const {
  std::error_code error;
  for (const std::string& input : inputs) {
    const fs::path file = fs::exists(input, error) ? fs::path(input) : fs::path(input.substr(0, input.rfind('[')));
    for (const std::string& product : products)
      require(!fs::equivalent(file, path_ / product, error), input, " is an input, and the product ", product, " in ",
              path_.string(), " would replace it: use another output folder");
  }
}

void OutputFolder::require_own(const std::vector<std::string>& products) const {
  std::error_code error;
  for (const std::string& product : products) {
    const fs::path file = path_ / product;
    const bool there = fs::exists(fs::symlink_status(file, error));
    require(!there || is_own_product(file), file.string(),
            " was not made by cuHCI, and this run would replace or remove it: use another output folder (-o), or "
            "give that file another name");
  }
}

void OutputFolder::commit(const std::vector<std::string>& products) {
  std::error_code error;
  require_own(products);  // what came meanwhile, too
  for (const auto& [staged, final] : files_)
    require(!fs::is_directory(final, error), final.string(), " is a folder, expected to write a file there");
  const SignalsWait together;
  for (const auto& [staged, final] : files_) {
    fs::rename(staged, final, error);
    require(!error, final.string(), ": cannot be given its name: ", error.message());
  }
  for (const std::string& product : products) {
    const auto is_written = [&](const auto& file) { return file.second == path_ / product; };
    if (std::none_of(files_.begin(), files_.end(), is_written) && fs::exists(path_ / product, error))
      fs::remove(path_ / product, error);
  }
  files_.clear();
  made_.clear();
  unfinished_.clear();
}

}  // namespace hci
