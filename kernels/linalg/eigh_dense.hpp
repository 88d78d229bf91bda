// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// The k largest eigenvalues and their eigenvectors of many symmetric matrices of one order, by the dense
/// solver that was measured to be the fastest (kernels/linalg/eigh_crossover.hpp): a solver in SIMD lanes or
/// LAPACK on the CPU, Jacobi in shared memory or cuSOLVER on CUDA.
///   a (b, n, n) double, dense, both triangles, on the Exec's device
///   values (b, k) descending   vectors (b, k, n) dense, row j is the unit eigenvector of values(b, j)
/// Residuals and scalar products of different vectors are at the level of n eps |a|_F.
/// A matrix that holds NaN or infinity, or for which Jacobi does not end, gets NaN for all its results. Throws
/// DeviceError where a solver of a library fails.
void eigh_dense(Exec& exec, View<const double, 3> a, Matrix<double> values, View<double, 3> vectors);

}  // namespace hci
