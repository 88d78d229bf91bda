// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only: products of few vectors in double with float32 rows.
#include "kernels/core/array.hpp"
#include "kernels/linalg/gram.hpp"

namespace hci::cpu {

/// w = v x xᵀ, columns that are not used as 0.   x (t, p) rows of unit stride   v, w (r, t)
/// Same bits for any number of threads.
void multiply_by_rows(Exec& exec, Matrix<const float> x, UsedColumns used, Matrix<const double> v, Matrix<double> w);

/// Vectors (r, p) in the order in which they are multiplied with, for many matrices.
struct PackedVectors {
  Array<double, 1> packed;
  index_t count;  ///< r
};
PackedVectors pack_vectors(Exec& exec, Matrix<const double> v);

/// w = v xᵀ, or w += v xᵀ.   x (t, p)   w (r, t)
/// Whoever multiplies some columns after the others gets the bits of all at once where he cuts at multiples of
/// kTileOfVectors.
constexpr index_t kTileOfVectors = 504;
void multiply_with_rows(Exec& exec, const PackedVectors& v, Matrix<const float> x, UsedColumns used, bool add,
                        Matrix<double> w);

}  // namespace hci::cpu
