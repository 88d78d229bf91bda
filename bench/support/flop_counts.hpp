// SPDX-License-Identifier: MIT
#pragma once
#include <numbers>

namespace hci::bench {

/// The least that closed forms take for a sum over a disc: 36 flops at each line of the grid, along both axes, 12 for
/// each of some 8 r pixels on the rim, 2 for each inside.
inline double aperture_flops(double radius) {
  return 2 * 36 * (2 * radius + 2) + 12 * 8 * radius + 2 * std::numbers::pi * radius * radius;
}

}  // namespace hci::bench
