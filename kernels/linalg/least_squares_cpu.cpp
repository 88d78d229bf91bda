// SPDX-License-Identifier: MIT
#include "kernels/linalg/least_squares_cpu.hpp"

#include <cblas.h>

#include <algorithm>
#include <cfloat>
#include <cstdint>
#include <vector>

#include "kernels/core/alone.hpp"
#include "kernels/core/array.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/linalg/blas_threads.hpp"
#include "kernels/linalg/least_squares_steps.hpp"

namespace hci::cpu {
namespace {

/// A square matrix of which the lower triangle counts.
struct Square {
  double* l;
  index_t row;
  double& operator()(index_t i, index_t j) const { return l[i * row + j]; }
};

/// One thread's.
class Solver {
 public:
  Solver(Exec& exec, index_t most) : l_(exec, {most * most}), y_(exec, {most}), is_zero_(exec, {most}) {}

  void solve(const Problem& problem, double damping, Vector<double> c) {
    const index_t n = problem.size;
    const double largest = largest_diagonal(problem), added = added_to_diagonal(problem, damping);
    for (index_t i = 0; i < c.extent(0); ++i) c(i) = 0;
    if (std::isnan(largest)) {
      for (index_t i = 0; i < n; ++i) c(problem.member[i]) = NAN;
      return;
    }
    const Square l{l_.data(), n};
    for (index_t i = 0; i < n; ++i) {
      for (index_t j = 0; j <= i; ++j) l(i, j) = problem.product(i, j) + (i == j ? added : 0);
      y_.data()[i] = problem.right(i);
    }
    decompose_by_blocks(l, n, static_cast<double>(n) * DBL_EPSILON * largest);
    substitute(CblasNoTrans, n);
    for (index_t i = 0; i < n; ++i)
      if (is_zero_.data()[i] != 0) y_.data()[i] = 0;
    substitute(CblasTrans, n);
    for (index_t i = 0; i < n; ++i) c(problem.member[i]) = y_.data()[i];
  }

 private:
  static constexpr index_t kColumns = 48;
  static int blas(index_t n) { return static_cast<int>(n); }

  /// As decompose(); but a column of zeros has 1 on the diagonal, by which BLAS may divide, and its flag.
  void decompose_by_blocks(const Square& l, index_t n, double least) {
    for (index_t first = 0; first < n; first += kColumns) {
      const index_t width = std::min(kColumns, n - first), below = first + width;
      if (first > 0)
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, blas(n - first), blas(width), blas(first), -1,
                    &l(first, 0), blas(n), &l(first, 0), blas(n), 1, &l(first, first), blas(n));
      const Square diagonal{&l(first, first), n};
      decompose(Alone{}, diagonal, width, least);
      for (index_t j = 0; j < width; ++j) {
        const bool zero = diagonal(j, j) == 0;
        is_zero_.data()[first + j] = zero ? 1 : 0;
        if (zero) diagonal(j, j) = 1;
      }
      if (below == n) break;
      cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, blas(n - below), blas(width), 1,
                  diagonal.l, blas(n), &l(below, first), blas(n));
      for (index_t j = first; j < below; ++j)
        if (is_zero_.data()[j] != 0)
          for (index_t i = below; i < n; ++i) l(i, j) = 0;
    }
  }

  void substitute(CBLAS_TRANSPOSE transposed, index_t n) {
    cblas_dtrsv(CblasRowMajor, CblasLower, transposed, CblasNonUnit, blas(n), l_.data(), blas(n), y_.data(), 1);
  }

  Array<double, 1> l_, y_;
  Array<std::uint8_t, 1> is_zero_;
};

}  // namespace

void solve_large_subsets(Exec& exec, View<const double, 3> a, index_t each, const std::vector<IndexSet>& sets,
                         Matrix<const double> rhs, double damping, Matrix<double> c) {
  std::vector<index_t> large;
  index_t most = 0;
  for (std::size_t b = 0; b < sets.size(); ++b)
    if (const auto size = static_cast<index_t>(sets[b].size()); size >= kBlockedFrom) {
      large.push_back(static_cast<index_t>(b));
      most = std::max(most, size);
    }
  if (large.empty()) return;
  const OneBlasThread one;
  parallel_for(
      exec.threads(), static_cast<index_t>(large.size()), kWhoeverIsFree, [&] { return Solver(exec, most); },
      [&](Solver& solver, index_t i) {
        const index_t b = large[static_cast<std::size_t>(i)];
        const IndexSet& set = sets[static_cast<std::size_t>(b)];
        solver.solve({a[b / each], rhs[b], set.data(), static_cast<index_t>(set.size())}, damping, c[b]);
      });
}

}  // namespace hci::cpu
