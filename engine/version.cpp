// SPDX-License-Identifier: MIT
#include "engine/version.hpp"

namespace hci {

std::string version() { return HCI_VERSION; }

std::string commit() { return HCI_COMMIT; }

}  // namespace hci
