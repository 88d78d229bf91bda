// SPDX-License-Identifier: MIT
#pragma once
#include <string>

namespace hci {

/// "0.1.0", as in CMakeLists.txt.
std::string version();

}  // namespace hci
