// SPDX-License-Identifier: MIT
#pragma once
#include <string>

namespace hci {

/// "0.1.0", as in CMakeLists.txt.
std::string version();

/// The git commit that was configured, "1cfbb31" or "1cfbb31-dirty"; empty where there was no git.
std::string commit();

}  // namespace hci
