// SPDX-License-Identifier: MIT
#include "engine/settings.hpp"

namespace hci {

void Settings::require_all_used(std::string_view why) const {
  std::string unused;
  for (const auto& [name, entry] : entries_)
    if (!entry.used) unused += (unused.empty() ? "" : ", ") + entry.origin;
  require(unused.empty(), unused, ": ", why);
}

}  // namespace hci
