// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

// Which eigensolver serves which size: one table for all.
//
// CPU: measured by bench/kernels/linalg/eigh_bench.cpp ("crossover/...") on two cores of an AMD EPYC with AVX2,
// OpenBLAS 0.3.21, 2026-11-23: ms for two problems of 30 speckle patterns and noise, the least of four runs.
//
//     n      k = 5: dense, iteration   k = 10         k = 20         k = 40 (in the noise)
//     192    2.6     2.7               3.5    3.7     5.1    9.7      8.0   27
//     256    4.7     3.3               5.8    5.2     7.9   11       12     48
//     384   11       4.8              13      6.7    16     15       22    125
//     512   24       7.3              26      9.9    30     20       40    168
//     768   63      11                65     18      73     30       86    248
//
// Up to the number of patterns some 5 blocks suffice; among the equal values of noise the iteration needs 10 and more,
// and is given up: see blocks_worth_a_try().
//
// CUDA: guessed, no GPU has run it. What the guesses are made of:
//   Jacobi up to 96: two matrices of that order fit a multiprocessor (77 KB of shared memory and 162 registers each);
//     of 128 (135 KB) one would, and the latency of its rounds would show.
//   The iteration from 128 on: a block takes some 30 launches and calls of 5 us and a wait, whatever n is, and five
//     blocks 1 ms; a dense solver reduces n columns one after the other, each a product and two sums of about 15 us:
//     2 ms at 128. From 5 r on, since 6 r is the order of its own small problems.
// cuSOLVER's other solvers are left out by count: syevjBatched turns rows, columns and vectors (some 12 n^3 flops a
// sweep, ours one set of columns, 6 n^3), and Xgesvdr takes the frames as one dense matrix in double, 172 MB for (489,
// 44100), where svd_randomized() does the same 14 r t p flops on tiles of float frames.

namespace hci::crossover {

/// CUDA: matrices up to this order are solved by Jacobi in shared memory, larger ones by cuSOLVER.
constexpr index_t kJacobiRows = 96;

/// CUDA: from this order on a few pairs of each problem alone are faster than all of many together (to be measured on a
/// GPU). Order and pairs decide, never how many problems there are: their bits must not depend on it.
constexpr index_t kAloneRows = 256;
inline bool few_alone_win(index_t n, index_t k) { return n >= kAloneRows && 3 * k <= n; }

/// From this order on the subspace iteration is faster than a dense solver, as long as the wanted pairs are few:
/// the order is this many times that of a block.
constexpr index_t kSubspaceRowsCpu = 256, kRowsForEachVectorCpu = 13;
constexpr index_t kSubspaceRowsCuda = 128, kRowsForEachVectorCuda = 5;
constexpr index_t kOversampling = 8;

/// Blocks that the space of the iteration holds before it is restarted (where Jacobi serves it: three).
constexpr index_t kSubspaceBlocksCpu = 6;
constexpr index_t kSubspaceBlocksCuda = 6;

inline bool subspace_wins(bool on_cuda, index_t n, index_t k) {
  return n >= (on_cuda ? kSubspaceRowsCuda : kSubspaceRowsCpu) &&
         n >= (on_cuda ? kRowsForEachVectorCuda : kRowsForEachVectorCpu) * (k + kOversampling);
}

/// Blocks that cost as much as the dense solver; more are not worth a try. Fitted to the table above, seconds of one
/// core: the dense solver; of a block of r vectors the products with the matrix, those with the space, and every second
/// time the dense solver for the space.
inline int blocks_worth_a_try(bool on_cuda, index_t n, index_t k) {
  if (on_cuda) return 60;
  const auto order = static_cast<double>(n), block = static_cast<double>(k + kOversampling);
  const double space = kSubspaceBlocksCpu * block;
  const auto dense = [](double of) { return 1.1e-10 * of * of * (of > 1200 ? of : 1200); };
  const double each = 1.3e-10 * order * order * block + 3e-9 * order * block * block + dense(space) / 2;
  const double blocks = dense(order) / each;
  return blocks < 60 ? static_cast<int>(blocks) : 60;
}

}  // namespace hci::crossover
