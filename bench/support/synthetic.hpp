// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/core/array.hpp"

namespace hci::bench {

/// A host cube (t, y, x) with the numbers' statistics of a coronagraphic ADI sequence: a halo that
/// falls with the radius, 30 speckle patterns whose weights change smoothly with t, white noise.
/// For timing; cuhci simulate makes the honest ones. The same seed gives the same bits.
Array<float, 3> speckle_cube(index_t frames, index_t height, index_t width, std::uint64_t seed = 1);

/// Derotation angles (t) in degrees, evenly spread over the range.
std::vector<double> even_angles(index_t frames, double range_degrees = 80);

}  // namespace hci::bench
