// SPDX-License-Identifier: MIT
// Singular vectors of rows, one matrix and many: without the Gram matrix, by it, and randomized.
#include <algorithm>
#include <cmath>

#include "bench/kernels/linalg/eigen_cases.hpp"
#include "bench/kernels/linalg/speckle_rows.hpp"
#include "bench/support/bench.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/svd.hpp"

namespace hci::bench {
namespace {

/// Pair j of x xᵀ: how far it is from one, as a share of the largest value.   x on the host
double residual_of_pair(Exec& exec, Matrix<const float> x, Vector<const double> values, Matrix<const double> vectors,
                        index_t j) {
  const auto w = to_host(exec, values);
  const auto u = to_host(exec, vectors);
  const index_t n = x.extent(0), pixels = x.extent(1);
  std::vector<double> scores(static_cast<std::size_t>(pixels), 0.0);
  for (index_t t = 0; t < n; ++t)
    for (index_t p = 0; p < pixels; ++p)
      scores[static_cast<std::size_t>(p)] += u.view()(j, t) * static_cast<double>(x(t, p));
  double squares = 0, length = 0;
  for (index_t t = 0; t < n; ++t) {
    double sum = -w.data()[j] * u.view()(j, t);
    for (index_t p = 0; p < pixels; ++p) sum += static_cast<double>(x(t, p)) * scores[static_cast<std::size_t>(p)];
    squares += sum * sum;
    length += u.view()(j, t) * u.view()(j, t);
  }
  return std::fabs(length - 1) < 1e-10 ? std::sqrt(squares) / w.data()[0] : 1;
}

enum class Way { matrix_free, by_gram, randomized };

/// The k + 1 largest eigenvalues of x xᵀ by LAPACK, from it or from xᵀ x, whichever is smaller.   x on the host
std::vector<double> largest_squares(Matrix<const float> x, index_t k) {
  Exec cpu;
  const index_t n = std::min(x.extent(0), x.extent(1)), p = std::max(x.extent(0), x.extent(1));
  auto rows = host_array<float>(Extents<2>{n, p});
  for (index_t t = 0; t < n; ++t)
    for (index_t i = 0; i < p; ++i) rows.view()(t, i) = n == x.extent(0) ? x(t, i) : x(i, t);
  Array<double, 2> g(cpu, {n, n});
  gram(cpu, rows.view(), {}, g.view());
  return largest_eigenvalues({g.data(), g.data() + g.size()}, static_cast<int>(n), static_cast<int>(k + 1));
}

/// All values are those of LAPACK to 10 n eps of the largest, so that no larger one is missing, and the last pair is
/// one as well. Randomized ones are never above the true ones, nor below them by more than the square of what Halko,
/// Martinsson & Tropp (2011, corollary 10.10, k = 20, p = 10, q = 2, 28,800 rows) expect of the distance from x,
/// 3 times the next singular value; the first pair is as good as exact.
bool is_right(Exec& exec, Matrix<const float> x, Vector<const double> values, double residual, Way way) {
  const index_t n = x.extent(0), k = values.extent(0);
  const auto found = to_host(exec, values);
  const auto want = largest_squares(x, k);
  const double rounding = 10 * 2.3e-16 * static_cast<double>(std::max(n, x.extent(1))) * want[0];
  for (index_t j = 0; j < k; ++j) {
    const double less = want[static_cast<std::size_t>(j)] - found.view()(j);
    if (!(less >= -rounding && less <= rounding + (way == Way::randomized ? 9 * want.back() : 0))) return false;
  }
  return residual <= (way == Way::randomized ? 1e-6 : 10 * 2.3e-16 * static_cast<double>(n));
}

/// The k largest pairs of many rows, with and without a Gram matrix. Flops: of that matrix, n (n + 1) p; of the others
/// those of the products with x and its transpose, 4 n p for each vector.
Body of_rows(index_t n, index_t height, index_t width, index_t k, Way way) {
  return [=](benchmark::State& state, Exec& exec) {
    const auto x = speckle_rows(exec, n, height, width);
    Array<double, 1> values(exec, {k});
    Array<double, 2> vectors(exec, {k, n});
    const auto go = [&] {
      if (way == Way::matrix_free) return svd_top(exec, x.view(), {}, values.view(), vectors.view());
      if (way == Way::randomized) return svd_randomized(exec, x.view(), {}, values.view(), vectors.view());
      Array<double, 2> g(exec, {n, n});
      gram(exec, x.view(), {}, g.view());
      eigh_top(exec, g.view(), k, values.view(), vectors.view());
    };
    go();
    const auto host = to_host(exec, x.view());
    const double residual =
        residual_of_pair(exec, host.view(), values.view(), vectors.view(), way == Way::randomized ? 0 : k - 1);
    state.counters["residual"] = residual;
    if (!is_right(exec, host.view(), values.view(), residual, way)) return state.SkipWithError("no singular vectors");
    double flops = static_cast<double>(n) * static_cast<double>(height * width);
    if (way == Way::by_gram) flops *= static_cast<double>(n + 1);
    if (way == Way::randomized) flops *= 14 * static_cast<double>(k + 10);  // the first look is half a product
    if (way == Way::matrix_free)
      flops *= 4 * static_cast<double>(subspace_top(exec, RowsOperator(x.view(), {}), {values.data(), {1, k}},
                                                    {vectors.data(), {1, k, n}})
                                           .products);
    report_flops(state, exec, timed(state, exec, go), flops, Precision::f64);
  };
}

/// A batch of regions of one sequence, side by side: squares of side x side pixels. By Gram matrices: gram_batch() and
/// eigh_top_batch().
Body of_regions(index_t batch, index_t n, index_t side, index_t k, Way way) {
  return [=](benchmark::State& state, Exec& exec) {
    constexpr index_t kDifferent = 20;  // random numbers for more take longer than what is timed
    const index_t pixels = side * side, different = std::min(batch, kDifferent);
    const auto some = speckle_cube(n, different * side, side);
    auto rows = host_array<float>(Extents<2>{n, batch * pixels});
    for (index_t t = 0; t < n; ++t)
      for (index_t b = 0; b < batch; b += different)
        std::copy_n(&some.view()(t, 0, 0), std::min(different, batch - b) * pixels, &rows.view()(t, b * pixels));
    const auto x = to_device(exec, rows.view());
    exec.wait();
    const View<const float, 3> regions(x.data(), {batch, n, pixels}, {pixels, batch * pixels, 1});
    std::vector<index_t> borders;
    for (index_t b = 0; b <= batch; ++b) borders.push_back(b * pixels);
    Array<double, 2> values(exec, {batch, k});
    Array<double, 3> vectors(exec, {batch, k, n});
    const auto go = [&] {
      if (way == Way::matrix_free) {
        svd_top_batch(exec, regions, {}, values.view(), vectors.view());
      } else if (way == Way::randomized) {
        svd_randomized_batch(exec, regions, {}, values.view(), vectors.view());
      } else {
        Array<double, 3> g(exec, {batch, n, n});
        gram_batch(exec, x.view(), borders, {}, g.view());
        eigh_top_batch(exec, g.view(), k, values.view(), vectors.view());
      }
    };
    go();
    const Matrix<const float> last(&rows.view()(0, (batch - 1) * pixels), {n, pixels}, {batch * pixels, 1});
    const double residual = residual_of_pair(exec, last, values.view()[batch - 1], vectors.view()[batch - 1],
                                             way == Way::randomized ? 0 : k - 1);
    state.counters["residual"] = residual;
    if (!is_right(exec, last, values.view()[batch - 1], residual, way))
      return state.SkipWithError("no singular vectors");
    const double seconds = timed(state, exec, go);
    state.counters["us/problem"] = seconds / static_cast<double>(batch) * 1e6;
    const auto numbers = static_cast<double>(batch * n * pixels);  // of the matrix-free way: of one product
    const auto each = static_cast<double>(way == Way::by_gram      ? n + 1
                                          : way == Way::randomized ? 14 * (k + 10)
                                                                   : 4 * (k + 8));
    report_flops(state, exec, seconds, numbers * each, Precision::f64);
  };
}

const bool registered = [] {
  on_every_device("svd_top/matrix_free", {4000, 90, 90, 20}, of_rows(4000, 90, 90, 20, Way::matrix_free));
  on_every_device("svd_top/by_gram", {4000, 90, 90, 20}, of_rows(4000, 90, 90, 20, Way::by_gram));
  on_every_device("svd_randomized", {4000, 90, 90, 20}, of_rows(4000, 90, 90, 20, Way::randomized));
  on_every_device("svd_top/matrix_free", {20000, 40, 50, 20}, of_rows(20000, 40, 50, 20, Way::matrix_free));
  on_every_device("svd_top/matrix_free", {28800, 32, 32, 10}, of_rows(28800, 32, 32, 10, Way::matrix_free));
  on_every_device("svd_randomized", {28800, 32, 32, 10}, of_rows(28800, 32, 32, 10, Way::randomized));
  on_every_device("svd_randomized", {20000, 40, 50, 20}, of_rows(20000, 40, 50, 20, Way::randomized));
  for (const auto& [n, side, k] : {std::tuple<index_t, index_t, index_t>{61, 25, 5}, {489, 50, 20}, {1000, 60, 20}}) {
    on_every_device("crossover/svd_by_gram", {n, side, side, k}, of_rows(n, side, side, k, Way::by_gram));
    on_every_device("crossover/svd_randomized", {n, side, side, k}, of_rows(n, side, side, k, Way::randomized));
  }
  for (const auto& [batch, n, side, k] : {std::tuple<index_t, index_t, index_t, index_t>{1000, 61, 25, 5},
                                          {200, 200, 40, 10},
                                          {100, 489, 50, 20},
                                          {20, 1000, 60, 20}}) {
    const std::vector<index_t> shape{batch, n, side * side, k};
    on_every_device("svd_randomized_batch", shape, of_regions(batch, n, side, k, Way::randomized));
    on_every_device("svd_top_batch/matrix_free", shape, of_regions(batch, n, side, k, Way::matrix_free));
    on_every_device("svd_top_batch/by_gram", shape, of_regions(batch, n, side, k, Way::by_gram));
  }
  return true;
}();

}  // namespace
}  // namespace hci::bench
