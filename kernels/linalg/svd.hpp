// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "kernels/core/error.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/subspace.hpp"

namespace hci {

// Singular vectors of matrices whose rows are frames, without their Gram matrix: for so many rows that it does not
// fit, or for so few pairs that it is not worth its making. One matrix at a time: up to some 500 rows on a CPU the Gram
// matrices and their top pairs, which come in batches (gram_batch(), eigh_top_batch()), are faster than
// svd_randomized(), and exact: 61 rows of 625 columns, five pairs, 0.17 and 0.46 ms, 489 of 2500, twenty, 38 and 58 ms;
// 1000 of 3600 draw level, 0.24 and 0.23 s (one core of a shared machine, an EPYC, 2026-11-29; CUDA is not counted).
// Of more rows one matrix has work for all threads. Gram matrices that are there in great number have
// eigh_randomized().

/// An iteration did not reach what was asked of it; what() names the remedy. Not the device's fault: another one would
/// not either.
class NotConverged : public Error {
 public:
  using Error::Error;
};

/// x xᵀ that is never formed: v x, then times xᵀ, over tiles of columns, in double precision throughout.
///   x (t, p) float, rows of unit stride, on the Exec's device; columns that are not used count as 0
/// A product of r vectors costs 4 r t p flops, x xᵀ itself t^2 p. Beside the tiles no memory is taken.
class RowsOperator final : public SymmetricOperator {
 public:
  /// Throws InvalidInput for a matrix without entries, and for flags that do not fit.
  RowsOperator(Matrix<const float> x, UsedColumns used);
  index_t batch() const override { return 1; }
  index_t order() const override { return x_.extent(0); }
  void apply(Exec& exec, View<const double, 3> v, View<double, 3> w) const override;
  /// w = v xᵀ for v(r, p) = normal random numbers that depend on (seed, r, p) alone.   w (1, r, t)
  void sketch(Exec& exec, std::uint64_t seed, View<double, 3> w) const;

 private:
  Matrix<const float> x_;
  UsedColumns used_;
};

/// The k largest singular values, squared, in descending order, and the left singular vectors of x: the eigenpairs of
/// x xᵀ at the level of n eps of its norm, as eigh_top() gives them.
///   x (t, p)   squares (k)   left (k, t) dense, row j is a unit vector; its sign is arbitrary
/// Throws InvalidInput for NaN or infinity in a used column, NotConverged where the iteration needs more blocks than
/// the options allow.
void svd_top(Exec& exec, Matrix<const float> x, UsedColumns used, Vector<double> squares, Matrix<double> left,
             const SubspaceOptions& options = {});

struct RandomizedOptions {
  index_t oversampling = 10;  ///< random vectors beyond k
  int power = 2;              ///< multiplications by x xᵀ after the first look
  std::uint64_t seed = 1;
};

/// Approximations of the same by randomized SVD (Halko, Martinsson & Tropp 2011, SIAM Rev. 53, 217,
/// algorithms 4.4 and 5.1): x times random vectors, sharpened by `power` multiplications with x xᵀ, each followed
/// by orthonormalization, then Rayleigh-Ritz. A fixed amount of work and an error that depends on how
/// fast the singular values fall: asked for by name, never a default. The squares are never above the
/// true ones. Where the rank is below k, the last vectors are any unit vectors orthogonal to the others, and their
/// squares 0 to rounding. NaN or infinity in a used column makes all results NaN.
void svd_randomized(Exec& exec, Matrix<const float> x, UsedColumns used, Vector<double> squares, Matrix<double> left,
                    const RandomizedOptions& options = {});

/// The same from symmetric matrices (a Gram matrix that is there already); the first look multiplies with a, too.
///   values (b, k)   vectors (b, k, n)
void eigh_randomized(Exec& exec, const SymmetricOperator& a, Matrix<double> values, View<double, 3> vectors,
                     const RandomizedOptions& options = {});

}  // namespace hci
