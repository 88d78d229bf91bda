// SPDX-License-Identifier: MIT
#include "kernels/linalg/svd.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/linalg/cholesky_qr.hpp"
#include "kernels/linalg/eigh_dense.hpp"
#include "kernels/linalg/gemm.hpp"
#include "kernels/linalg/on_threads.hpp"
#include "kernels/random/philox.hpp"

// Nearly all of the work are the products with x: rows_operator.cu. Of svd_randomized() there are 2 + 4 (power + 1) r t
// p flops of them, 14 r t p by default; orthonormalization takes 8 r^2 t for each of its power + 2 turns, the product
// with the small pairs 2 k r t: r / p of that, and the dense solver's r^3, for r = 15 .. 30, a launch of Jacobi.

namespace hci {
namespace {

constexpr std::uint32_t kPurpose = 0x5FE;

/// Rows that depended on others: random numbers of their own.
struct Refill {
  Matrix<const std::uint8_t> alive;
  std::uint64_t seed;
  View<double, 3> y;
  HCI_HD void operator()(index_t b, index_t r, index_t i) const {
    const auto item = static_cast<std::uint64_t>(r * y.extent(2) + i);
    if (alive(b, r) == 0) y(b, r, i) = RandomStream(seed, kPurpose, item).normal();
  }
};

/// Orthonormal rows y; the best of their span.
void rayleigh_ritz(Exec& exec, const SymmetricOperator& a, View<const double, 3> y, Matrix<double> values,
                   View<double, 3> vectors) {
  const index_t batch = y.extent(0), size = y.extent(1), k = values.extent(1);
  Array<double, 3> product(exec, y.extents()), projected(exec, {batch, size, size}), s(exec, {batch, k, size});
  a.apply(exec, y, product.view());
  gemm(exec, {.a = y, .b = product.view(), .transposed = true}, projected.view());
  eigh_dense(exec, projected.view(), values, s.view());
  gemm(exec, {.a = s.view(), .b = y}, vectors);
}

/// y is spoilt.
void sharpen(Exec& exec, const SymmetricOperator& a, View<double, 3> y, const RandomizedOptions& options,
             Matrix<double> values, View<double, 3> vectors) {
  Array<double, 3> spare(exec, y.extents());
  View<double, 3> other = spare.view();
  Array<std::uint8_t, 2> alive(exec, {y.extent(0), y.extent(1)});
  orthonormalize_rows(exec, y, other, alive.view());
  for (int step = 0; step < options.power; ++step) {
    a.apply(exec, y, other);
    orthonormalize_rows(exec, other, y, alive.view());
    std::swap(y, other);
  }
  for_each(exec, y.extents(), Refill{alive.view(), options.seed, y});  // else zeros would pass for vectors
  orthonormalize_rows(exec, y, other, alive.view());
  rayleigh_ritz(exec, a, y, values, vectors);
}

/// NaN for the pairs of problems that did not converge.
struct MarkFailed {
  Vector<const std::uint8_t> converged;
  Matrix<double> squares;
  View<double, 3> left;
  HCI_HD void operator()(index_t b, index_t j, index_t i) const {
    if (converged(b) != 0) return;
    left(b, j, i) = NAN;
    if (i == 0) squares(b, j) = NAN;
  }
};

void check_options(const char* name, const RandomizedOptions& options) {
  require(options.oversampling >= 0 && options.power >= 0, name, ": the oversampling is ", options.oversampling,
          ", the power ", options.power, "; neither may be negative");
}

void check_results(const char* name, const RowsOperator& a, Matrix<double> squares, View<double, 3> left) {
  const index_t k = squares.extent(1), batch = a.batch(), rows = a.order();
  require(k >= 1 && k <= rows, name, ": ", k, " singular vectors of ", rows, " rows");
  require(squares.extent(0) == batch && left.extents() == Extents<3>{batch, k, rows} && left.is_dense() &&
              squares.is_dense(),
          name, ": the results are not (", batch, ", ", k, ") and (", batch, ", ", k, ", ", rows, ")");
}

/// The options for some problems of a batch.
SubspaceOptions options_for(const SubspaceOptions& all, index_t first, index_t count) {
  SubspaceOptions some = all;
  if (all.start.extent(0) > 1) some.start = slice(all.start, first, count);
  if (all.member.size() > 0) some.member = slice(all.member, first, count);
  return some;
}

// One matrix and its results as a batch.
UsedColumnsOfEach of_one(const UsedColumns& used) {
  return {used.data(), {used.size() > 0 ? 1 : 0, used.size()}, {used.size(), used.stride(0)}};
}
Matrix<double> of_one(const Vector<double>& v) { return {v.data(), {1, v.size()}, {v.size(), v.stride(0)}}; }
View<double, 3> of_one(const Matrix<double>& m) {
  return {m.data(), {1, m.extent(0), m.extent(1)}, {m.size(), m.stride(0), m.stride(1)}};
}

}  // namespace

SubspaceReport svd_top_batch(Exec& exec, View<const float, 3> x, UsedColumnsOfEach used, Matrix<double> squares,
                             View<double, 3> left, const SubspaceOptions& options) {
  const RowsOperator a(x, used);
  check_results("svd_top", a, squares, left);
  const index_t batch = a.batch(), k = squares.extent(1), starts = options.start.extent(0);
  require(starts <= 1 || starts == batch, "svd_top: ", starts, " starts for ", batch, " matrices");
  require(options.member.size() == 0 || options.member.extent(0) == batch, "svd_top: members of ",
          options.member.extent(0), " matrices for ", batch);
  SubspaceReport report;
  report.converged.assign(static_cast<std::size_t>(batch), 0);
  if (batch == 0) return report;
  std::vector<index_t> products(report.converged.size(), 0);
  const auto solve = [&](Exec& one, index_t first, index_t count) {
    const SubspaceReport found = subspace_top(one, a.some(first, count), slice(squares, first, count),
                                              slice(left, first, count), options_for(options, first, count));
    std::copy(found.converged.begin(), found.converged.end(), report.converged.begin() + first);
    products[static_cast<std::size_t>(first)] = found.products;
  };
  if (!exec.on_cuda()) {
    one_by_one(exec, batch, [&](Exec& one, index_t b) { solve(one, b, 1); });
  } else {
    const index_t most =
        batch_of(batch, static_cast<index_t>(subspace_bytes(exec, a.order(), k, options.space_blocks)));
    for (index_t first = 0; first < batch; first += most) solve(exec, first, std::min(most, batch - first));
  }
  report.products = *std::max_element(products.begin(), products.end());
  if (!report.all_converged()) {
    const auto converged = to_device(exec, report.converged);
    for_each(exec, left.extents(), MarkFailed{converged.view(), squares, left});
  }
  return report;
}

void svd_top(Exec& exec, Matrix<const float> x, UsedColumns used, Vector<double> squares, Matrix<double> left,
             const SubspaceOptions& options) {
  const index_t k = squares.extent(0), rows = x.extent(0);
  const auto report = svd_top_batch(exec, batch_of_one(x), of_one(used), of_one(squares), of_one(left), options);
  if (report.all_converged()) return;
  Array<double, 1> sums(exec, {rows});
  row_sums(exec, x, used, sums.view());
  require(all_finite(exec, sums.view()),
          "svd_top: the matrix holds NaN or infinity in a used column: mask the column or mend the pixel");
  throw NotConverged("svd_top: " + std::to_string(k) + " singular vectors of " + std::to_string(rows) +
                     " rows did not converge in " + std::to_string(report.products) +
                     " products: ask for fewer, for more blocks, or for svd_randomized()");
}

void svd_randomized_batch(Exec& exec, View<const float, 3> x, UsedColumnsOfEach used, Matrix<double> squares,
                          View<double, 3> left, const RandomizedOptions& options) {
  const RowsOperator a(x, used);
  check_results("svd_randomized", a, squares, left);
  check_options("svd_randomized", options);
  const index_t batch = a.batch(), rows = a.order(), size = std::min(squares.extent(1) + options.oversampling, rows);
  if (batch == 0) return;
  // Two blocks of vectors, their products, and what is packed or projected.
  const index_t most = batch_of(batch, (4 * size * rows + 4 * size * size) * static_cast<index_t>(sizeof(double)));
  for (index_t first = 0; first < batch; first += most) {
    const index_t count = std::min(most, batch - first);
    const RowsOperator some = a.some(first, count);
    Array<double, 3> y(exec, {count, size, rows});
    some.sketch(exec, options.seed, y.view());
    if (exec.on_cuda()) {
      sharpen(exec, some, y.view(), options, slice(squares, first, count), slice(left, first, count));
      continue;
    }
    one_by_one(exec, count, [&](Exec& one, index_t b) {
      sharpen(one, some.some(b, 1), slice(y.view(), b, 1), options, slice(squares, first + b, 1),
              slice(left, first + b, 1));
    });
  }
}

void svd_randomized(Exec& exec, Matrix<const float> x, UsedColumns used, Vector<double> squares, Matrix<double> left,
                    const RandomizedOptions& options) {
  svd_randomized_batch(exec, batch_of_one(x), of_one(used), of_one(squares), of_one(left), options);
}

void eigh_randomized(Exec& exec, const SymmetricOperator& a, Matrix<double> values, View<double, 3> vectors,
                     const RandomizedOptions& options) {
  const index_t batch = a.batch(), n = a.order(), k = values.extent(1);
  check_options("eigh_randomized", options);
  require(k >= 1 && k <= n && values.extent(0) == batch && vectors.extents() == Extents<3>{batch, k, n},
          "eigh_randomized: the results do not fit ", k, " pairs of ", batch, " matrices of order ", n);
  if (batch == 0) return;
  const index_t size = std::min(k + options.oversampling, n);
  Array<double, 2> random(exec, {size, n});
  Array<double, 3> y(exec, {batch, size, n});
  random_vectors(exec, options.seed, 0, random.view());
  a.apply(exec, {random.data(), {batch, size, n}, {0, n, 1}}, y.view());  // the same for all
  sharpen(exec, a, y.view(), options, values, vectors);
}

}  // namespace hci
