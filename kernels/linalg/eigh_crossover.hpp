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
// With a warm start, the pairs of the sequence for its copies with a fake companion each ("crossover/injected/..."), us
// for a problem on one core of another EPYC that others used, too, and vectors that were multiplied; 2026-11-29:
//
//     n      k = 5: dense, cold, warm (vectors)        k = 20
//     128    80     1065    1443    (65, 65)           130    6608    8095    (140, 118)
//     256           2465    2368    (65, 65)           6809   9293    6852    (140, 114)
//     489           2798    2914    (65, 65)                  13228   9012    (140, 106)
//
// It pays for many pairs, whose last ones take most blocks: 20 at order 489 come 1.4 times as fast. Five come in five
// blocks from anywhere. It does not move the crossover: 20 pairs at order 256 draw level with the dense solver, and
// lanes stay ten times ahead.
//
// The start that eigh_top_subsets() makes for itself costs the pairs of the whole matrix, more than those of a set.
// Libraries of 469 of 489 frames of 4 annuli ("crossover/subsets_..."), ms of processor time of one thread on an EPYC
// that others used, too, the least of 3 runs and more, 2026-11-29:
//
//     sets of each matrix      1            5            10           20
//     k = 5: cold, started     6.1   18     31    40     64    71     124   125
//     k = 20                   19    41     92    98     189   170    366   307
//
// It pays from some 7 sets on for 20 pairs, from some 20 on for 5, and there hardly. It is made from 10 on, where the
// one gains as much as the other loses, a tenth.
//
// CUDA: all of it is counted, no GPU has run it. `bench/run --crossovers` on a GPU times every way at every size and
// tells which of the constants below follow. What they were counted from, for one problem alone on an H200:
//   A dense solver reduces n columns one after the other, each a product and two sums: about 15 us; 2 ms for n = 128.
//   Jacobi up to 96: two matrices of that order fit a multiprocessor (81 KB of shared memory and 162 registers each);
//     of 128 (139 KB) one would, and the latency of its rounds would show. 12 sweeps of n - 1 rounds, each n^2 / 8
//     cycles of traffic and 300 of latency (jacobi.cu): 0.07 ms for 27, 0.4 ms for 75, 0.9 ms for 96.
//   The iteration takes some five blocks of r = k + 8 vectors, and for each a look at a space of up to 3 r: by Jacobi
//     while that is an order of its, else by cuSOLVER. What is around it, 30 launches and calls of 5 us and a wait, is
//     less than what is saved only if the looks together take less than the dense solver: from 128 on, and where one
//     look takes at most a fifth of it. At n = 128 up to k = 14; at 489 while Jacobi looks, up to k = 24.
// One table serves all devices, those with few units for double precision too, of which a GTX 1080 has 1 for 32 (an
// H200 1 for 2):
//   What a dense solver takes is the latency of its n steps on either; its arithmetic on all multiprocessors, 2 ms of a
//     GTX 1080 at n = 489, comes on top of 7.
//   Jacobi's 48 n^3 flops on one multiprocessor of a GTX 1080 (8 a clock) take 0.5 ms for 54, 1.5 ms for 74, 3 times
//     what is counted above. But 74 is the most that its shared memory holds (jacobi_most_rows()), where cuSOLVER takes
//     1.1 ms for one problem, and for twenty, if one follows the other, 22 ms to Jacobi's 1.5: many small problems are
//     what the limit is for.
//   With looks three times as dear one problem alone loses by the iteration where 8 to 14 pairs of order 128 are wanted
//     (2.7 times at worst; 12 to 21 of 256: 1.8 times; of 489 none). But looks at twenty problems share the
//     multiprocessors, 0.15 ms a problem for five of order 54 where a dense solver takes 1.9. Regions come by the
//     dozen, and how many there are must not decide.
// Beside them bench times what kernels/ does not call. Nothing but a count speaks against it so far: syevjBatched turns
// rows, columns and vectors, some 12 n^3 flops a sweep, ours one set of columns, 4 n^3. Xgesvdr takes the frames as one
// dense matrix in double, 172 MB for (489, 44100), where svd_randomized() does the same 14 r t p flops on tiles of
// float frames.

namespace hci::crossover {

/// CUDA: matrices up to this order are solved by Jacobi in shared memory, larger ones by cuSOLVER.
constexpr index_t kJacobiRows = 96;

/// CUDA: from this order on a few pairs of each problem alone are faster than all of many together. Order and pairs
/// decide, never how many problems there are: our part of their bits must not depend on it.
constexpr index_t kAloneRows = 256;
inline bool few_alone_win(index_t n, index_t k) { return n >= kAloneRows && 3 * k <= n; }

/// From this order on the subspace iteration is faster than a dense solver, as long as the wanted pairs are few: on the
/// CPU, the order is this many times that of a block.
constexpr index_t kSubspaceRowsCpu = 256, kRowsForEachVectorCpu = 13;
constexpr index_t kSubspaceRowsCuda = 128;
constexpr index_t kOversampling = 8;

/// So many iterated sets of a matrix are worth the pairs of the whole as a start, see above; on CUDA a guess from
/// there.
constexpr index_t kSetsForAStart = 10;

/// Blocks that the space of the iteration holds before it is restarted (where Jacobi serves it: three).
constexpr index_t kSubspaceBlocksCpu = 6;
constexpr index_t kSubspaceBlocksCuda = 6;

/// Microseconds, see above.
inline double cuda_dense(index_t n) { return 15 * static_cast<double>(n); }
inline double cuda_jacobi(index_t n) {
  const auto u = static_cast<double>(n);
  return 12 * (u - 1) * (u * u / 8 + 300) / 1800;
}
inline double cuda_look(index_t k) {
  const index_t space = 3 * (k + kOversampling);
  return space <= kJacobiRows ? cuda_jacobi(space) : cuda_dense(space);
}

inline bool subspace_wins(bool on_cuda, index_t n, index_t k) {
  if (on_cuda) return n >= kSubspaceRowsCuda && 5 * cuda_look(k) <= cuda_dense(n);
  return n >= kSubspaceRowsCpu && n >= kRowsForEachVectorCpu * (k + kOversampling);
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
