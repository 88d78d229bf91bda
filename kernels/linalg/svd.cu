// SPDX-License-Identifier: MIT
#include "kernels/linalg/svd.hpp"

#include <algorithm>
#include <string>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/linalg/cholesky_qr.hpp"
#include "kernels/linalg/eigh_dense.hpp"
#include "kernels/linalg/gemm.hpp"
#include "kernels/linalg/widen.hpp"
#include "kernels/random/philox.hpp"

// A product of r vectors with x xᵀ: 4 r t p flops in double by cuBLAS, on tiles of x that are widened on the way (12
// bytes a number: 4 read, 8 written, and read back twice, from the L2 cache where a tile fits it). 20,000 rows of 2000
// pixels and 28 vectors: 4.5 GFLOP and 0.5 GB: 0.13 ms of each on an H200 (34 TFLOP/s, 4.3 TB/s), 16 ms on a GTX 1080
// (0.28 TFLOP/s, double).
// The random numbers, r p of them, take some 100 flops and 100 integer operations each: 2 p r = 10^5, nothing beside
// that.

namespace hci {
namespace {

constexpr std::uint32_t kPurpose = 0x5FD;
constexpr index_t kColumnsCpu = 256;  // at once: few enough for the tile to stay near

/// The same for all problems: the result of one does not depend on its neighbours.
struct RandomTile {
  std::uint64_t seed;
  index_t first, columns;
  View<double, 3> out;
  HCI_HD void operator()(index_t b, index_t r, index_t p) const {
    const auto item = static_cast<std::uint64_t>(r * columns + first + p);
    out(b, r, p) = RandomStream(seed, kPurpose, item).normal();
  }
};

/// Rows that depended on others: random numbers of their own.
struct Refill {
  Matrix<const std::uint8_t> alive;
  std::uint64_t seed;
  View<double, 3> y;
  HCI_HD void operator()(index_t b, index_t r, index_t i) const {
    const auto item = static_cast<std::uint64_t>(r * y.extent(2) + i);
    if (alive(b, r) == 0) y(b, r, i) = RandomStream(seed, kPurpose + 1, item).normal();
  }
};

/// Calls use(tile, first) with tiles of columns of x in double.
template <class Use>
void over_tiles(Exec& exec, Matrix<const float> x, UsedColumns used, const Use& use) {
  const index_t rows = x.extent(0), columns = x.extent(1);
  const index_t width = std::min(exec.on_cuda() ? widened_columns(rows) : kColumnsCpu, columns);
  Array<double, 3> wide(exec, {1, rows, width});
  for (index_t first = 0; first < columns; first += width) {
    const index_t count = std::min(width, columns - first);
    const View<double, 3> tile(wide.data(), {1, rows, count}, wide.view().strides());
    for_each(exec, Extents<2>{rows, count}, Widen{x, used, first, tile[0]});
    use(View<const double, 3>(tile), first);
  }
}

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

void sharpen(Exec& exec, const SymmetricOperator& a, Array<double, 3>& y, const RandomizedOptions& options,
             Matrix<double> values, View<double, 3> vectors) {
  Array<double, 3> other(exec, y.extents());
  Array<std::uint8_t, 2> alive(exec, {y.extent(0), y.extent(1)});
  orthonormalize_rows(exec, y.view(), other.view(), alive.view());
  for (int step = 0; step < options.power; ++step) {
    a.apply(exec, y.view(), other.view());
    orthonormalize_rows(exec, other.view(), y.view(), alive.view());
    y.swap(other);
  }
  for_each(exec, y.extents(), Refill{alive.view(), options.seed, y.view()});  // else zeros would pass for vectors
  orthonormalize_rows(exec, y.view(), other.view(), alive.view());
  rayleigh_ritz(exec, a, y.view(), values, vectors);
}

void check_options(const char* name, const RandomizedOptions& options) {
  require(options.oversampling >= 0 && options.power >= 0, name, ": the oversampling is ", options.oversampling,
          ", the power ", options.power, "; neither may be negative");
}

void check_results(const char* name, index_t rows, Vector<double> squares, Matrix<double> left) {
  const index_t k = squares.extent(0);
  require(k >= 1 && k <= rows, name, ": ", k, " singular vectors of ", rows, " rows");
  require(left.extents() == Extents<2>{k, rows} && left.is_dense() && squares.is_dense(), name,
          ": the results are not (", k, ") and (", k, ", ", rows, ")");
}

}  // namespace

RowsOperator::RowsOperator(Matrix<const float> x, UsedColumns used) : x_(x), used_(used) {
  require(x.size() > 0 && x.stride(1) == 1, "RowsOperator: the matrix is empty, or its rows have gaps");
  require(used.size() == 0 || used.size() == x.extent(1), "RowsOperator: ", used.size(), " flags for ", x.extent(1),
          " columns");
}

void RowsOperator::apply(Exec& exec, View<const double, 3> v, View<double, 3> w) const {
  over_tiles(exec, x_, used_, [&](View<const double, 3> tile, index_t first) {
    Array<double, 3> scores(exec, {1, v.extent(1), tile.extent(2)});
    gemm(exec, {.a = v, .b = tile}, scores.view());
    gemm(exec, {.a = scores.view(), .b = tile, .transposed = true, .beta = first == 0 ? 0.0 : 1.0}, w);
  });
}

void RowsOperator::sketch(Exec& exec, std::uint64_t seed, View<double, 3> w) const {
  over_tiles(exec, x_, used_, [&](View<const double, 3> tile, index_t first) {
    Array<double, 3> random(exec, {1, w.extent(1), tile.extent(2)});
    for_each(exec, random.extents(), RandomTile{seed, first, x_.extent(1), random.view()});
    gemm(exec, {.a = random.view(), .b = tile, .transposed = true, .beta = first == 0 ? 0.0 : 1.0}, w);
  });
}

void svd_top(Exec& exec, Matrix<const float> x, UsedColumns used, Vector<double> squares, Matrix<double> left,
             const SubspaceOptions& options) {
  const RowsOperator a(x, used);
  const index_t k = squares.extent(0), rows = x.extent(0);
  check_results("svd_top", rows, squares, left);
  const auto report = subspace_top(exec, a, {squares.data(), {1, k}}, {left.data(), {1, k, rows}}, options);
  if (report.all_converged()) return;
  Array<double, 1> sums(exec, {rows});
  row_sums(exec, x, used, sums.view());
  require(all_finite(exec, sums.view()),
          "svd_top: the matrix holds NaN or infinity in a used column: mask the column or mend the pixel");
  throw NotConverged("svd_top: " + std::to_string(k) + " singular vectors of " + std::to_string(rows) +
                     " rows did not converge in " + std::to_string(report.products) +
                     " products: ask for fewer, for more blocks, or for svd_randomized()");
}

void svd_randomized(Exec& exec, Matrix<const float> x, UsedColumns used, Vector<double> squares, Matrix<double> left,
                    const RandomizedOptions& options) {
  const RowsOperator a(x, used);
  const index_t k = squares.extent(0), rows = x.extent(0);
  check_results("svd_randomized", rows, squares, left);
  check_options("svd_randomized", options);
  Array<double, 3> y(exec, {1, std::min(k + options.oversampling, rows), rows});
  a.sketch(exec, options.seed, y.view());
  sharpen(exec, a, y, options, {squares.data(), {1, k}}, {left.data(), {1, k, rows}});
}

void eigh_randomized(Exec& exec, const SymmetricOperator& a, Matrix<double> values, View<double, 3> vectors,
                     const RandomizedOptions& options) {
  const index_t batch = a.batch(), n = a.order(), k = values.extent(1);
  check_options("eigh_randomized", options);
  require(k >= 1 && k <= n && values.extent(0) == batch && vectors.extents() == Extents<3>{batch, k, n},
          "eigh_randomized: the results do not fit ", k, " pairs of ", batch, " matrices of order ", n);
  if (batch == 0) return;
  const index_t size = std::min(k + options.oversampling, n);
  Array<double, 3> random(exec, {batch, size, n}), y(exec, {batch, size, n});
  for_each(exec, random.extents(), RandomTile{options.seed, 0, n, random.view()});
  a.apply(exec, random.view(), y.view());
  sharpen(exec, a, y, options, values, vectors);
}

}  // namespace hci
