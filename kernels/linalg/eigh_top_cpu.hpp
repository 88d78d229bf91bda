// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/linalg/eigh_top.hpp"

namespace hci::cpu {

/// LAPACK. a (n, n) is destroyed. values (k) and vectors (k rows of length n, `stride` apart), descending.
void lapack_eigh_top(index_t n, double* a, index_t k, double* values, double* vectors, index_t stride);

/// eigh_top_subsets() with a problem for each thread. tuned: by our own solver where n suits it.
void eigh_top_subsets(int threads, bool tuned, Matrix<const double> a, const std::vector<IndexSet>& sets, index_t k,
                      Matrix<double> values, View<double, 3> vectors);

}  // namespace hci::cpu
