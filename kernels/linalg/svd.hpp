// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "kernels/core/error.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/rows_operator.hpp"
#include "kernels/linalg/subspace.hpp"

namespace hci {

// Singular vectors of matrices whose rows are frames, without their Gram matrices: for so many rows that those do not
// fit, or for so few pairs that they are not worth their making. ms for a matrix of a batch on one core of an EPYC
// (Zen 5), processor time while others used the machine, 2026-11-29; by Gram matrices: gram_batch(), eigh_top_batch().
// CUDA is not counted.
//
//     rows x columns, pairs     by Gram matrices    svd_top_batch()    svd_randomized_batch()
//      61 x  625,  5               0.054               0.75               0.17
//     200 x 1600, 10               1.9                 3.5                1.2
//     489 x 2500, 20              12                  15                  6.7
//    1000 x 3600, 20              43                  35                 18
//    4000 x 8100, 20 (one)      1420                 301                205
//
// So Gram matrices are the way to exact pairs of up to some 700 rows, and faster than approximate ones of up to some
// 100. Gram matrices that are there have eigh_randomized().
//
// Matrices of one batch have one shape. Regions of different width share one by columns that are not used: widths
// w(b), p the largest of them, 0 in the flags (b, p) from column w(b) on. The results are then those of the region
// alone, to rounding. On the CPU such columns cost nothing, on CUDA as much as others: regions of about one width
// belong together.
//
// Right singular vectors are not made: what subtracts components needs scores of frames, which are the left ones, or
// products with the frames (subtract_product()); v(j) = left(j) x / sqrt(squares(j)) is a gemm().

/// An iteration did not reach what was asked of it; what() names the remedy. Not the device's fault: another one would
/// not either.
class NotConverged : public Error {
 public:
  using Error::Error;
};

/// The k largest singular values, squared, in descending order, and the left singular vectors of x: the eigenpairs of
/// x xᵀ at the level of n eps of its norm, as eigh_top() gives them.
///   x (t, p)   squares (k)   left (k, t) dense, row j is a unit vector; its sign is arbitrary
/// Throws InvalidInput for NaN or infinity in a used column, NotConverged where the iteration needs more blocks than
/// the options allow.
void svd_top(Exec& exec, Matrix<const float> x, UsedColumns used, Vector<double> squares, Matrix<double> left,
             const SubspaceOptions& options = {});

/// The same of many matrices, NaN for those that did not converge or hold NaN or infinity in a used column: which,
/// says the report (its products are those of the hungriest matrix). The others are not touched by that.
///   x (b, t, p), rows of unit stride   used (b, p), (1, p), or nothing: all   squares (b, k)   left (b, k, t) dense
///   options.start (1 or b, any number, t)
/// On the CPU a matrix has the bits that it has alone, on CUDA as far as subspace_top() promises.
SubspaceReport svd_top_batch(Exec& exec, View<const float, 3> x, UsedColumnsOfEach used, Matrix<double> squares,
                             View<double, 3> left, const SubspaceOptions& options = {});

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

/// The same of many matrices: with the same random numbers, so that each has the results that it has alone (on the CPU
/// the bits, on CUDA as far as cuBLAS promises), whatever its neighbours hold.
///   x (b, t, p), rows of unit stride   used (b, p), (1, p), or nothing: all   squares (b, k)   left (b, k, t) dense
void svd_randomized_batch(Exec& exec, View<const float, 3> x, UsedColumnsOfEach used, Matrix<double> squares,
                          View<double, 3> left, const RandomizedOptions& options = {});

/// The same from symmetric matrices (a Gram matrix that is there already); the first look multiplies with a, too.
///   values (b, k)   vectors (b, k, n)
void eigh_randomized(Exec& exec, const SymmetricOperator& a, Matrix<double> values, View<double, 3> vectors,
                     const RandomizedOptions& options = {});

}  // namespace hci
