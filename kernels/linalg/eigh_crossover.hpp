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

/// From this order on the subspace iteration is faster than a dense solver, as long as the wanted pairs are few.
constexpr index_t kSubspaceRowsCpu = 256;
constexpr index_t kSubspaceRowsCuda = 128;
/// Order for each wanted pair that the iteration needs at least.
constexpr index_t kRowsForEachPair = 12;

/// Blocks that the space of the iteration holds before it is restarted (where Jacobi serves it: three).
constexpr index_t kSubspaceBlocksCpu = 6;
constexpr index_t kSubspaceBlocksCuda = 6;

inline bool subspace_wins(bool on_cuda, index_t n, index_t k) {
  return n >= (on_cuda ? kSubspaceRowsCuda : kSubspaceRowsCpu) && n >= kRowsForEachPair * k;
}

}  // namespace hci::crossover
