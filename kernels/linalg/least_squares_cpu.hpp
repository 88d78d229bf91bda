// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only.
#include <vector>

#include "kernels/linalg/submatrix.hpp"

namespace hci::cpu {

/// Sets of that many members are decomposed by BLAS, block of columns by block. One thread of an AMD EPYC with AVX-512,
/// 2026-11-29, the loops of a team of one against it: 35 and 30 us for 105 members, 86 and 63 for 150, 160 and 110 for
/// 200, 1800 and 980 for 469.
constexpr index_t kBlockedFrom = 144;

/// solve_subsets(), `each` sets of a matrix: of the problems whose sets have kBlockedFrom members or more; rows of c of
/// the others are left.
void solve_large_subsets(Exec& exec, View<const double, 3> a, index_t each, const std::vector<IndexSet>& sets,
                         Matrix<const double> rhs, double damping, Matrix<double> c);

}  // namespace hci::cpu
