// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only.
#include <vector>

#include "kernels/linalg/eigh_top.hpp"

namespace hci::cpu {

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

/// A problem for each thread at a time, by LAPACK, or, if tuned, by our own solver where n suits it. Surplus pairs are
/// zero.
void eigh_problems(Exec& exec, const std::vector<EighProblem>& problems, index_t k);

}  // namespace hci::cpu
