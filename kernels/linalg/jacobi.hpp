// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// Largest order that jacobi_eigh() takes on this device: what one block's shared memory holds, 96 at most, since
/// larger ones are cuSOLVER's anyway (eigh_crossover.hpp).
index_t jacobi_most_rows(Exec& exec);

/// The k largest eigenvalues, in descending order, and the eigenvectors of many small symmetric matrices.
///   a (b, n, n) double, dense, both triangles, n <= jacobi_most_rows(), on the Exec's device
///   values (b, k)   vectors (b, k, n) row j is the unit eigenvector of values(b, j); its sign is arbitrary
/// One-sided Jacobi (Hestenes 1958, J. SIAM 6, 51) on a + s, s a little above the norm of a: that matrix is
/// positive definite and well conditioned (at most 9, for a Gram matrix 2), so its columns turn into
/// orthogonal ones, which are the eigenvectors to rounding for any a, singular or indefinite, and no
/// second array is needed for them.
/// Residuals and scalar products of different vectors are at the level of n eps |a|_F.
/// A matrix that holds NaN or infinity, or whose squares overflow, gets NaN for all its results; so does one whose
/// columns are not orthogonal after most_sweeps sweeps, of which the last only looks: 9 to 15 are needed, 20 for
/// spectra of 16 decades, and only rounding could go on turning after 40.
void jacobi_eigh(Exec& exec, View<const double, 3> a, Matrix<double> values, View<double, 3> vectors,
                 int most_sweeps = 40);

}  // namespace hci
