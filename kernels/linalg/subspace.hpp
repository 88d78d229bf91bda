// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// A batch of symmetric matrices of one order that are only multiplied with.
class SymmetricOperator {
 public:
  SymmetricOperator() = default;
  SymmetricOperator(const SymmetricOperator&) = delete;
  SymmetricOperator& operator=(const SymmetricOperator&) = delete;
  virtual ~SymmetricOperator() = default;
  virtual index_t batch() const = 0;
  virtual index_t order() const = 0;
  /// w(b) = v(b) a(b).   v, w (b, r, n), any r, rows of unit stride
  virtual void apply(Exec& exec, View<const double, 3> v, View<double, 3> w) const = 0;
};

/// Matrices that lie in memory: a (b, n, n), both triangles.
class DenseOperator final : public SymmetricOperator {
 public:
  explicit DenseOperator(View<const double, 3> a) : a_(a) {}
  index_t batch() const override { return a_.extent(0); }
  index_t order() const override { return a_.extent(1); }
  void apply(Exec& exec, View<const double, 3> v, View<double, 3> w) const override;

 private:
  View<const double, 3> a_;
};

struct SubspaceOptions {
  /// Where to begin, rows on the Exec's device: (1 or b, any number, n); the best first, need not be
  /// orthonormal. What it lacks is filled up with random vectors. Nothing: all are random.
  View<const double, 3> start{};
  /// (b, n) 0 for what is to stay zero in all vectors; the matrix must not couple it with the rest. Nothing: none.
  Matrix<const std::uint8_t> member{};
  std::uint64_t seed = 1;
  /// A pair is found when |a u - w u| <= tolerance w_1. 0: 2 max(n, 64) eps, the level of a dense solver.
  double tolerance = 0;
  /// Multiplications of a block after which it gives up, at once when it sees that it will need more.
  int most_blocks = 60;
  /// Blocks that the space holds before it is restarted; three or more. 0: as many as the device is fastest with.
  index_t space_blocks = 0;
};

struct SubspaceReport {
  std::vector<std::uint8_t> converged;  ///< for each problem; its results are right only then
  index_t products = 0;                 ///< vectors that were multiplied, of each problem
  bool all_converged() const;
};

/// The k largest eigenpairs of many symmetric matrices by block subspace iteration: Rayleigh-Ritz in a space that
/// grows by blocks of k + 8 residuals and their products (a block Krylov space, which needs about a third
/// of the products of plain subspace iteration), restarted from its best Ritz vectors; pairs that
/// have converged are not multiplied any more. Stops by residuals, not by a count.
///   values (b, k) descending   vectors (b, k, n) row j is the unit eigenvector of values(b, j)
/// k + 8 vectors find every eigenvalue of a multiplicity up to that; the eight beyond k make the last
/// ones converge.
/// The start is random by counters (Philox): the same bits for any number of threads. On CUDA our part of a problem's
/// bits does not depend on the others of its batch: all blocks have the full size as long as a problem is open; which
/// kernel cuBLAS and cuSOLVER take for a batch is theirs to say. On the CPU a block has the rows that the hungriest
/// problem needs: give it one problem at a time.
/// For positive semidefinite matrices; where one of the k largest is below 0, the problem does not converge, nor where
/// its matrix holds NaN or infinity. The others of its batch are not touched by that.
///   Golub & Underwood 1977, in Mathematical Software III, 361;  Musco & Musco 2015, NIPS 28
///   Saad 2011, Numerical Methods for Large Eigenvalue Problems, ch. 5 and 6
SubspaceReport subspace_top(Exec& exec, const SymmetricOperator& a, Matrix<double> values, View<double, 3> vectors,
                            const SubspaceOptions& options = {});

/// Bytes that subspace_top() takes for each problem.
std::size_t subspace_bytes(Exec& exec, index_t n, index_t k, index_t space_blocks = 0);

}  // namespace hci
