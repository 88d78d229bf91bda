// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/geometry/rotate.hpp"
#include "kernels/stats/collapse.hpp"

namespace hci {

/// out = collapse(derotate(in)): the same values, bit for bit, as derotate() followed by collapse(),
/// for any number of threads.
///   in (t, y, x), out (y, x), on the Exec's device; angles: T of them, host, degrees.
/// NaN: as in these two. The interpolating methods never hold the derotated cube. On CUDA's tuned path a
/// tile's values stay in a block's shared memory, which median and trimmean need for all T frames at once:
/// up to T = 7262 where a block may have 227 KiB, 1534 where 48 KiB. On the CPU's tuned path tiles of half a
/// megabyte for each thread; else rows of all frames up to 64 MiB (one row, if that is more). The splines
/// hold the cube of their coefficients. Rotation::fft and edge blends hold a derotated cube as large as the
/// input, and up to 256 MiB (one frame padded to 4 times its side, if that is more) of scratch on CUDA.
void derotate_collapse(Exec& exec, Cube<const float> in, const std::vector<double>& angles,
                       const RotateOptions& rotation, const CollapseOptions& collapse, Frame<float> out);

}  // namespace hci
