// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, its tests and benchmarks.
#include <algorithm>

#include "kernels/core/exec.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// How many problems, for each of which scratch takes so many bytes, are a batch on CUDA, one at least: some hundred of
/// order 100 keep a GPU busy, and their 64 MiB are little beside a cube. A constant, not what is free or in use.
inline index_t batch_of(index_t problems, index_t bytes) {
  return std::clamp<index_t>(scratch_bytes(index_t{64} << 20) / bytes, 1, problems);
}

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
