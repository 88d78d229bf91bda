// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci::crossover {

// Which eigensolver serves which size: one table for all, measured by bench/kernels/linalg/eigh_bench.cpp
// ("crossover/..."). CPU: on two cores of an AMD EPYC with AVX2, OpenBLAS 0.3.21. CUDA: from the counts in the
// comments at the kernels; to be measured on a GPU.

/// CUDA: matrices up to this order are solved by Jacobi in shared memory, larger ones by cuSOLVER.
constexpr index_t kJacobiRows = 96;

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

/// Blocks that cost as much as the dense solver; more are not worth a try. On one EPYC core the dense solver takes
/// 1.1e-10 n^3 s, a block of r vectors with all that belongs to it 1.3e-10 n^2 r s.
inline int blocks_worth_a_try(bool on_cuda, index_t n, index_t k) {
  if (on_cuda) return 60;
  const index_t blocks = 4 * n / (5 * (k + kOversampling));
  return static_cast<int>(blocks < 60 ? blocks : 60);
}

}  // namespace hci::crossover
