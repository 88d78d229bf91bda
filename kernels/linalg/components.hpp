// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

// From eigenpairs of a library's Gram matrix to the coefficients with which library frames make the
// model of a target frame. All arrays on the Exec's device, double unless said.
//
// With library frames x_i, eigenpairs (w_j, v_j) of their Gram matrix, and g_i the scalar product of
// the target with x_i, the target's projection on the first k principal components is
//   sum_i c_i x_i,   c = sum_{j < k} (g . v_j) / w_j  v_j .
// Components with w_j <= n eps w_0 do not exist: they are left out.
//
// Sums of n terms in double, each within n eps of the sum of its terms' sizes; what is float is rounded once. NaN in a
// target's products makes the target's results NaN, in a library's pairs those of its targets. InvalidInput is thrown
// where shapes do not fit.

// b = t where each target t has a library of its own, 0 where one serves all.

/// scores(t, j) = (g(t) . vectors(b, j)) / values(b, j).
///   g (t, n)   values (t or 1, k)   vectors (t or 1, k, n)   scores (t, k)
void component_scores(Exec& exec, Matrix<const double> g, Matrix<const double> values, View<const double, 3> vectors,
                      Matrix<double> scores);

/// c(t, i) = sum over j < counts(t) of scores(t, j) vectors(b, j, i), in single precision.
///   scores (t, k)   vectors (t or 1, k, n)   counts (t)   c (t, n), rows may be apart
void component_coefficients(Exec& exec, Matrix<const double> scores, View<const double, 3> vectors,
                            Vector<const index_t> counts, Matrix<float> c);

/// The same for many numbers of components in one pass over the vectors: c(v) is what component_coefficients() gives
/// with counts[v] for every target, bit by bit. counts: on the host, ascending, 0 .. k.   c (v, t, n)
void component_sweep(Exec& exec, Matrix<const double> scores, View<const double, 3> vectors,
                     const std::vector<index_t>& counts, View<float, 3> c);

/// to(i, j) = from(i, j) in single precision, and 0 where values(j) says that component j does not exist.
/// `by_column`: j counts the components, else i does.
void to_single(Exec& exec, Matrix<const double> from, Vector<const double> values, bool by_column, Matrix<float> to);

/// One number of components for each problem, VIP's rule `auto`: the smallest count at which the
/// standard deviation of the library's residual is less than `tolerance` below that of one
/// component less (2 at least where the library has as many; 0 of an empty library).
///   values (b, k) all eigenvalues of library b   vectors (b, k, n)   sizes (b) rows of library b
///   sums (n) sums of the rows over the pixels   pixels: how many
void automatic_counts(Exec& exec, Matrix<const double> values, View<const double, 3> vectors,
                      Vector<const index_t> sizes, Vector<const double> sums, index_t pixels, double tolerance,
                      Vector<index_t> counts);

}  // namespace hci
