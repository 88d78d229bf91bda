// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only.
#include <vector>

#include "kernels/linalg/eigh_top.hpp"

namespace hci::cpu {

/// LAPACK. a (n, n) is destroyed. values (k) and vectors (k rows of length n, `stride` apart), descending; all NaN
/// where a holds NaN or infinity.
void lapack_eigh_top(index_t n, double* a, index_t k, double* values, double* vectors, index_t stride);

/// The k largest pairs of a matrix, or of a principal submatrix of one.
struct EighProblem {
  const double* a;  ///< rows `stride` apart
  index_t stride;
  index_t n;                       ///< order, of the submatrix where there is an index
  const index_t* index = nullptr;  ///< n rows and columns of a; nullptr: the first n
  double* values;                  ///< (k)
  Matrix<double> vectors;          ///< (k, order of a) dense; zero at what is not in the index
  index_t row(index_t i) const { return index == nullptr ? i : index[i]; }
  double operator()(index_t i, index_t j) const { return a[row(i) * stride + row(j)]; }
};

/// A problem for each thread at a time. tuned: by our own solver where n suits it. Surplus pairs are zero.
void eigh_problems(int threads, bool tuned, const std::vector<EighProblem>& problems, index_t k);

}  // namespace hci::cpu
