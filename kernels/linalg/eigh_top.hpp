// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// Rows (and columns) of a matrix: ascending, on the host.
using IndexSet = std::vector<index_t>;

/// The k largest eigenvalues of a symmetric matrix, in descending order, and their eigenvectors.
///   a (n, n) double, dense, both triangles, on the Exec's device
///   values (k)   vectors (k, n) row j is the unit eigenvector of values(j); its sign is arbitrary
/// Residuals and scalar products of different vectors are at the level of n eps |a|.
/// Throws DeviceError where the solver fails, as it does for a matrix that holds NaN.
void eigh_top(Exec& exec, Matrix<const double> a, index_t k, Vector<double> values, Matrix<double> vectors);

/// The same for many principal submatrices of one matrix: problem b is a(i, j) with i, j in sets[b].
///   values (b, k)   vectors (b, k, n), zero at the indices that are not in the set
/// Where a set has fewer than k members the surplus values and vectors are zero.
void eigh_top_subsets(Exec& exec, Matrix<const double> a, const std::vector<IndexSet>& sets, index_t k,
                      Matrix<double> values, View<double, 3> vectors);

}  // namespace hci
