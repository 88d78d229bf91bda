// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/linalg/submatrix.hpp"

namespace hci {

// The k largest eigenvalues of symmetric matrices, in descending order, and their eigenvectors. Many small, many
// middling, or one large matrix: by a dense solver or by subspace iteration, whichever was measured to
// be the faster one (kernels/linalg/eigh_crossover.hpp); where the iteration does not converge, the dense solver
// follows. On CUDA our part of a problem's bits depends on its own size, n and k only (of a set's also on whether its
// matrix has sets enough for a start), not on the problems beside it nor on the memory in use; which kernel cuBLAS and
// cuSOLVER take for a batch is theirs to say. Residuals and scalar products of different vectors are at the level of n
// eps |a| in either case. Throws DeviceError where a solver of a library reports that it failed. A matrix that holds
// NaN or infinity gets NaN for all its results, whoever solves it, and the others of its batch get theirs; so does one
// for which our own Jacobi does not end after its 40 sweeps (nobody waits for it, so that it cannot throw; 20 were the
// most ever seen).

/// One matrix.
///   a (n, n) double, dense, both triangles, on the Exec's device
///   values (k)   vectors (k, n) dense, row j is the unit eigenvector of values(j); its sign is arbitrary
///   start (any, n), may be nothing: vectors near the wanted ones, as those of a matrix that is nearly the
///     same; the iteration begins with them. They make it faster, and change results by rounding only.
void eigh_top(Exec& exec, Matrix<const double> a, index_t k, Vector<double> values, Matrix<double> vectors,
              Matrix<const double> start = {});

/// Many matrices of one order.   a (b, n, n) dense   values (b, k)   vectors (b, k, n) dense
///   start (1 or b, any, n), may be nothing: as above, the same for all matrices or for each its own
/// A start is looked at where the iteration serves. There it saves blocks, and moves results within their bounds only;
/// how much it saves, and that it makes up for no dense solver, is in kernels/linalg/eigh_crossover.hpp.
void eigh_top_batch(Exec& exec, View<const double, 3> a, index_t k, Matrix<double> values, View<double, 3> vectors,
                    View<const double, 3> start = {});

/// Many principal submatrices: problem b is the matrix of sets[b] at (i, j) with i, j in the set.
///   a (m, n, n) dense: b / m sets in a row share a matrix, as all of m = 1 do, and those of the frames of an
///     annulus, a segment, a wavelength or an injection
///   values (b, k)   vectors (b, k, n), zero at the indices that are not in the set
/// Where a set has fewer than k members the surplus values and vectors are zero. Where the iteration serves so many
/// sets of a matrix that it pays (10: kSetsForAStart in kernels/linalg/eigh_crossover.hpp), it begins with the
/// eigenvectors of the whole matrix, cut down to the set.
void eigh_top_subsets(Exec& exec, View<const double, 3> a, const std::vector<IndexSet>& sets, index_t k,
                      Matrix<double> values, View<double, 3> vectors);

}  // namespace hci
