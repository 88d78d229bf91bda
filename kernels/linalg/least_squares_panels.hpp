// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CUDA only.
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/linalg/least_squares_steps.hpp"
#include "kernels/linalg/submatrix.hpp"

namespace hci {

/// CUDA: sets of that many members are decomposed by panels of columns, smaller ones column by column in shared memory.
/// Counted, see least_squares_panels.cu; no GPU has timed it. bench's "crossover/loci".
constexpr index_t kPanelsFrom = 32;

#if HCI_HAVE_CUDA
/// solve_subsets() of the problems whose sets have kPanelsFrom members or more, one at least; rows of c of the others
/// are left.
void solve_by_panels(Exec& exec, const Problems& problems, const std::vector<IndexSet>& sets, double damping,
                     Matrix<double> c);
#endif

}  // namespace hci
