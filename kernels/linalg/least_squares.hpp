// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/linalg/submatrix.hpp"

namespace hci {

// The combinations of library frames that come nearest to target frames, many targets at once, from
// scalar products alone (LOCI: Lafreniere et al. 2007, ApJ 660, 770). With G the products of the frames
// with each other, target b has the library sets[b], and its coefficients c minimise
//   | target - sum_i c_i x_i |^2 = const - 2 c . r + c . G c,   r_i = target . x_i.
//   a (m, n, n) double, dense, symmetric: b / m sets in a row share a matrix (all of them where m is 1)
//   sets: b ascending index sets, may be empty
//   rhs (b, n) double: r, its values outside the set do not matter; rows may be apart
//   c (b, n) double, zero outside the set; rows may be apart
// All arrays on the Exec's device. NaN in the diagonal or the right side of a problem makes all of its c
// in the set NaN, and no other's (a frame's NaN pixel makes its whole row of G NaN). Throw InvalidInput
// where shapes do not fit.

/// Solves (G + damping mean(diag G) 1) c = r by Cholesky's decomposition, in double. A frame which the
/// ones before it reproduce to rounding (its pivot is at most n eps times the largest diagonal element)
/// gets the coefficient zero: the minimum is reached without it.
///   damping: >= 0, damped least squares (Pueyo et al. 2012, ApJS 199, 6); 0: none
void solve_subsets(Exec& exec, View<const double, 3> a, const std::vector<IndexSet>& sets, Matrix<const double> rhs,
                   double damping, Matrix<double> c);

/// The same with c >= 0, by the active-set method of Lawson & Hanson (1974) on the normal equations (Bro &
/// de Jong 1997, J. Chemometrics 11, 393). At the solution, n the size of the set, the gradient w = r - G c has
///   |w_i| <= 2 n eps s_i where c_i > 0,   w_i <= 2 n eps s_i + 10 n eps max |r| elsewhere,
///   s_i = sqrt(G_ii) sum_j sqrt(G_jj) c_j,
/// what Cholesky rounds (Higham 2002, Accuracy and Stability of Numerical Algorithms, theorem 10.4), and what a frame
/// must gain to come in (2 n eps s_i is at most 2 n^2 eps times the condition of G times |r|). A frame that those above
/// zero reproduce to rounding, so that what it gains cannot be told, stays at zero whatever its w_i. Stops after 3 n
/// exchanges: c is feasible then, though perhaps not the minimum.
void solve_nonnegative_subsets(Exec& exec, View<const double, 3> a, const std::vector<IndexSet>& sets,
                               Matrix<const double> rhs, Matrix<double> c);

}  // namespace hci
