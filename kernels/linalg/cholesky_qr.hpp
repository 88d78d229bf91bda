// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// Makes the rows of each block of vectors orthonormal, or zero: v <- T v, T lower triangular, so that row j
/// stays in the span of the rows up to j.
///   v (b, p, n) double, rows of unit stride, in and out   scratch (b, p, n) the same, is spoilt
///   alive (b, p) 1, or 0 for rows that are zero now: those that were zero, or whose distance from the
///     span of the rows before was less than 1e-6 of their length
/// CholeskyQR2 (Yamamoto, Nakatsukasa, Yanagisawa & Fukaya 2015, ETNA 44, 306): v vᵀ = L Lᵀ, v <- L⁻¹ v, twice.
/// The scales of the rows do not matter. Scalar products of
/// different rows end at the level of n eps. NaN spreads to the other rows of its block.
void orthonormalize_rows(Exec& exec, View<double, 3> v, View<double, 3> scratch, Matrix<std::uint8_t> alive);

/// When a row counts as dependent on those before it: what is left of it has at most this share of its
/// square, or at most this square.
struct Dependent {
  double share, square;
};
/// Of any rows: what is left must stand above the rounding of the Gram matrix.
constexpr Dependent kOfAnyRows{1e-12, 0};
/// Of rows that were orthonormal but for some rounding: who has lost much was nothing but rounding.
constexpr Dependent kOfGoodRows{0, 0.25};

/// One of the two steps: q <- T v, for whoever has something to do in between. q and v (b, p, n) are different
/// arrays.
void orthonormalize_once(Exec& exec, View<const double, 3> v, Dependent dependent, View<double, 3> q,
                         Matrix<std::uint8_t> alive);

/// For each Gram matrix s (b, p, p) of rows: t (b, p, p) lower triangular with t s tᵀ = 1 on the rows that are
/// alive, zero in the rows and columns of the others; s is destroyed, alive (b, p) as above.
/// A row dies whose squared distance from the span of those before is at most `least` of its square.
void inverse_cholesky(Exec& exec, View<double, 3> s, Dependent dependent, View<double, 3> t,
                      Matrix<std::uint8_t> alive);

}  // namespace hci
