// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/geometry/rotate.hpp"
#include "kernels/stats/collapse.hpp"

namespace hci {

/// out = collapse(derotate(in)), without ever holding the derotated cube: same values, bit for bit,
/// as derotate() followed by collapse(). Rotation::fft works in tiles of frames and rows within the
/// scratch it may use, the interpolating methods gather for each output pixel.
///   in (t, y, x), out (y, x), on the Exec's device; angles: T of them, host, degrees.
void derotate_collapse(Exec& exec, Cube<const float> in, const std::vector<double>& angles,
                       const RotateOptions& rotation, const CollapseOptions& collapse, Frame<float> out);

}  // namespace hci
