// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/subspace.hpp"

namespace hci {

/// Which columns of many matrices take part: (b, p) flags for each matrix, or (1, p) for all of them, 0 = left out, the
/// values there (NaN) do not matter. A view of nothing: all.
using UsedColumnsOfEach = Matrix<const std::uint8_t>;

/// x xᵀ of many matrices that is never formed: v x, then times xᵀ, over tiles of columns, in double precision
/// throughout.
///   x (b, t, p) float, rows of unit stride, on the Exec's device; columns that are not used count as 0
/// A product of r vectors costs 4 r t p flops, x xᵀ itself t^2 p. It takes memory for the tiles, for
/// their scores and, on the CPU, for copies of v and w; a sketch for up to 32 MiB of random vectors.
/// The results of a matrix do not depend on those beside it: on the CPU to the bit, on CUDA as far as it is not cuBLAS
/// that chooses by the size of a batch. On the CPU same bits for any number of threads, and columns behind the last one
/// in use cost nothing.
class RowsOperator final : public SymmetricOperator {
 public:
  /// Throws InvalidInput for matrices without entries, and for flags that do not fit.
  RowsOperator(View<const float, 3> x, UsedColumnsOfEach used);
  /// One matrix.
  RowsOperator(Matrix<const float> x, UsedColumns used);
  index_t batch() const override { return x_.extent(0); }
  index_t order() const override { return x_.extent(1); }
  void apply(Exec& exec, View<const double, 3> v, View<double, 3> w) const override;
  /// w(b) = v x(b)ᵀ for v = random_vectors(): the same for all matrices, whatever their number of columns.
  ///   w (b, r, t)
  void sketch(Exec& exec, std::uint64_t seed, View<double, 3> w) const;

  /// Matrices first .. first + count of these.
  RowsOperator some(index_t first, index_t count) const;

 private:
  UsedColumns used_of(index_t b) const;
  View<const float, 3> x_;
  UsedColumnsOfEach used_;
};

/// out(r, i) = random numbers that depend on (seed, r, first + i) alone, uniform in the open interval (-1, 1), 32 bits,
/// the same on all devices: for whoever looks at matrices through random vectors. Halko and others take normal ones;
/// any that are independent, symmetric and bounded do as well ("Matrix decompositions using sub-Gaussian random
/// matrices", arXiv:1602.03360), in a fraction of the time.   first + i < 2^40, r < 2^26
void random_vectors(Exec& exec, std::uint64_t seed, index_t first, Matrix<double> out);

}  // namespace hci
