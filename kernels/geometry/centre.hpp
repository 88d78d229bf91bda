// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/view.hpp"

namespace hci {

/// The pixel about which frames of n pixels turn, VIP's convention: (n - 1) / 2 for odd n, n / 2
/// for even n (the top right one of the four central pixels). Always an integer.
HCI_HD constexpr double frame_centre(index_t n) { return static_cast<double>(n / 2); }

}  // namespace hci
