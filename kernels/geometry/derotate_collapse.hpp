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
/// It reads residuals that are there. To make them here instead, X - A S with k scores S, was measured and lost
/// (bench/kernels/geometry/derotate_residual_bench.cpp: each tile makes just the rows that its taps read, four frames
/// at a time, in a core's cache). CPU time of both threads, AMD EPYC with AVX2, 2 cores, 2026-11-23, lanczos4 and
/// median, write the residuals and gather them | make them on the fly:
///   (489, 210, 210)   k = 5: 181 | 232 ms   k = 20: 190 | 297 ms   (mean instead of median, k = 5: 184 | 234 ms)
///   (61, 101, 101)    k = 5: 5.4 | 5.4 ms   k = 20: 5.7 | 6.3 ms
/// A tile has 16 x 14 pixels, since its values of all 489 frames fill the cache, and reads some 2.5 times as many: so
/// much of the product is done again, and from scores that no longer fit the cache. What it saves, writing and reading
/// the residuals once, is 20 to 30 ms of the 181. A dense C instead of A S has k = T and loses by far. On CUDA, from
/// counts, not measured: rank 20 is 0.03 ms of arithmetic on an H200 for 0.04 ms of traffic saved, done 2.3 times.
void derotate_collapse(Exec& exec, Cube<const float> in, const std::vector<double>& angles,
                       const RotateOptions& rotation, const CollapseOptions& collapsing, Frame<float> out);

}  // namespace hci
