// SPDX-License-Identifier: MIT
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/cuhci/cli.hpp"
#include "kernels/core/exec.hpp"

namespace hci::app {

Subcommand devices_command() {
  return {"devices", "List the devices that work can run on",
          [](Flags& flags) { flags.option("json", "print JSON", "", true); },
          [](Flags& flags) {
            bool json = false;
            flags.settings().take("json", json);
            flags.settings().require_all_used("unknown settings for 'cuhci devices'");
            nlohmann::ordered_json list = nlohmann::ordered_json::array();
            for (const DeviceInfo& info : available_devices()) {
              constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
              if (!json)
                std::printf("%-8s %s, %.1f GiB, %.1f GiB free\n", info.device.name().c_str(), info.description.c_str(),
                            static_cast<double>(info.memory_bytes) / kGiB,
                            static_cast<double>(info.free_memory_bytes) / kGiB);
              list.push_back({{"device", info.device.name()},
                              {"description", info.description},
                              {"memory_bytes", info.memory_bytes},
                              {"free_memory_bytes", info.free_memory_bytes}});
            }
            if (json) std::printf("%s\n", list.dump(2).c_str());
            if (!json && list.size() > 1)
              std::printf("cuDNN    %s\n", cudnn_version().empty() ? "not found" : cudnn_version().c_str());
            if (!json && !built_with_cuda())
              std::printf("This build has no CUDA (HCI_CUDA=OFF, or no toolkit was found).\n");
            return static_cast<int>(kDone);
          }};
}

}  // namespace hci::app
