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
///
/// It reads residuals that are there. To evaluate them here instead, X - C X with the coefficients C of
/// X's frames, is decided against: a tile of 32 x 8 pixels reads about 2.3 times its pixels, so that much
/// of the product would be done again. (489, 210, 210), from counts, not measured: a dense C is 48 GFLOP,
/// 0.8 ms on an H200; rank 20 is 0.03 ms of arithmetic there, for 0.04 ms of traffic saved; on two CPU
/// cores writing and reading the residuals takes 10 to 17 ms, against at least 1.3 times the projection's
/// arithmetic. It would save the residual cube's memory, not time.
void derotate_collapse(Exec& exec, Cube<const float> in, const std::vector<double>& angles,
                       const RotateOptions& rotation, const CollapseOptions& collapse, Frame<float> out);

}  // namespace hci
