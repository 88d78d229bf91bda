// SPDX-License-Identifier: MIT
// Large orders of full rank whose values fall slowly, so that the iteration needs many blocks and restarts.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/subspace.hpp"
#include "kernels/linalg/svd.hpp"
#include "tests/kernels/linalg/eigenpairs.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

/// Cosine number `wave` of n places, 0 < wave < n: orthonormal by their definition (the discrete cosine transform).
std::vector<double> cosine(index_t wave, index_t n) {
  std::vector<double> v;
  for (index_t i = 0; i < n; ++i)
    v.push_back(std::sqrt(2.0 / double(n)) *
                std::cos(std::numbers::pi * double(wave * (2 * i + 1) % (4 * n)) / double(2 * n)));
  return v;
}

/// A few that stand out, then a tail that falls by a hundredth at a time.
std::vector<double> slow_spectrum(std::size_t count) {
  std::vector<double> values{900, 500, 300, 200, 150};
  while (values.size() < count) values.push_back(values.size() == 5 ? 100 : 0.99 * values.back());
  return values;
}

/// Whether the space was full at least once: it never holds more than six blocks of k + 8 vectors.
bool restarted(const SubspaceReport& report, index_t k) { return report.products > 6 * (k + 8); }

class SubspaceOfALargeOrder : public OnEveryDevice {};

/// Rows and columns with these singular values, cosines both, rounded to float.
std::vector<float> rows_of_cosines(index_t rows, index_t columns, const std::vector<double>& sizes) {
  std::vector<double> sum(static_cast<std::size_t>(rows * columns), 0.0);
  for (std::size_t j = 0; j < sizes.size(); ++j) {
    const auto along = cosine(1 + static_cast<index_t>(j) * 101, rows);
    const auto across = cosine(1 + static_cast<index_t>(j), columns);
    for (std::size_t t = 0; t < along.size(); ++t)
      for (std::size_t p = 0; p < across.size(); ++p) sum[t * across.size() + p] += sizes[j] * along[t] * across[p];
  }
  return {sum.begin(), sum.end()};
}

/// Frames of 70 pixels without their Gram matrix: 28,800 of them where that is quick. Rounding to float moves x by half
/// an eps of its length, so a square by eps times that and the largest size; the pairs are those of x as it was
/// rounded, |x (xᵀ u) - w u| and |u| at the level of n eps as everywhere.
TEST_P(SubspaceOfALargeOrder, RestartsForLongSequencesWithoutTheirGramMatrix) {
  const index_t rows = !exec().on_cuda() && exec().tuned() ? 28'800 : 7'001, columns = 70, k = 3;
  std::vector<double> sizes = slow_spectrum(static_cast<std::size_t>(columns - 1));
  for (double& size : sizes) size = std::sqrt(size);
  const auto x = rows_of_cosines(rows, columns, sizes);
  const auto device = device_matrix(exec(), x, rows, columns);
  Array<double, 2> values(exec(), {1, k});
  Array<double, 3> vectors(exec(), {1, k, rows});
  const auto report = subspace_top(exec(), RowsOperator(device.view(), {}), values.view(), vectors.view());
  ASSERT_TRUE(report.all_converged());
  EXPECT_TRUE(restarted(report, k)) << report.products;
  const auto w = to_host(exec(), values.view());
  const auto u = to_host(exec(), vectors.view());
  const double length = std::sqrt(std::inner_product(sizes.begin(), sizes.end(), sizes.begin(), 0.0));
  const double bound = 10 * double(rows) * kEps;
  for (index_t j = 0; j < k; ++j) {
    EXPECT_NEAR(w.view()(0, j), std::pow(sizes[static_cast<std::size_t>(j)], 2),
                std::numeric_limits<float>::epsilon() * length * sizes[0])
        << j;
    const double* const v = &u.view()(0, j, 0);
    std::vector<double> scores(static_cast<std::size_t>(columns), 0.0);
    for (index_t t = 0; t < rows; ++t)
      for (index_t p = 0; p < columns; ++p)
        scores[static_cast<std::size_t>(p)] += v[t] * double(x[static_cast<std::size_t>(t * columns + p)]);
    double residual = 0;
    for (index_t t = 0; t < rows; ++t)
      residual += std::pow(
          std::inner_product(scores.begin(), scores.end(), x.begin() + t * columns, -w.view()(0, j) * v[t]), 2);
    EXPECT_LE(std::sqrt(residual), bound * w.view()(0, 0)) << j;
    for (index_t i = 0; i <= j; ++i)
      EXPECT_NEAR(std::inner_product(v, v + rows, &u.view()(0, i, 0), 0.0), i == j ? 1 : 0, bound);
  }
}

/// The pairs of a dense matrix by their closed form. Values to n eps of the largest, vectors to the same over the
/// distance to the next value; ten of it, for the matrix itself rounds, each element by some of its terms.
void expect_the_closed_form(const Pairs& found, index_t n, const std::vector<double>& want,
                            const std::vector<std::vector<double>>& cosines) {
  const double bound = 10 * double(n) * kEps * want[0];
  for (index_t j = 0; j < found.values.extent(1); ++j) {
    const auto at = static_cast<std::size_t>(j);
    EXPECT_NEAR(found.values.data()[j], want[at], bound) << n << ", " << j;
    const double* const v = found.vectors.data() + j * n;
    const double along = std::inner_product(v, v + n, cosines[at].begin(), 0.0);
    double square = 0;
    for (std::size_t i = 0; i < cosines[at].size(); ++i)
      square += std::pow(v[i] - std::copysign(1.0, along) * cosines[at][i], 2);
    const double gap = std::min(want[at] - want[at + 1], at > 0 ? want[at - 1] - want[at] : want[at]);
    EXPECT_LE(std::sqrt(square), 2 * bound / gap) << n << ", " << j;
  }
}

/// By the iteration, whose report tells of restarts, and by eigh_top(), which may choose.
void expect_the_pairs_of_a_slow_spectrum(Exec& exec, index_t n, bool by_eigh_top) {
  const index_t k = 5;
  const auto want = slow_spectrum(80);
  std::vector<std::vector<double>> cosines;
  for (std::size_t j = 0; j < want.size(); ++j) cosines.push_back(cosine(3 + static_cast<index_t>(j) * 7, n));
  const auto size = static_cast<std::size_t>(n);
  Symmetric a(size * size, 0.0);
  for (std::size_t j = 0; j < want.size(); ++j)
    for (std::size_t i = 0; i < size; ++i) {
      const double factor = want[j] * cosines[j][i];
      for (std::size_t m = 0; m <= i; ++m) a[i * size + m] += factor * cosines[j][m];
    }
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t m = 0; m < i; ++m) a[m * size + i] = a[i * size + m];
  SubspaceReport report;
  const Pairs iterated =
      pairs_of(exec, {a}, n, k, [&](View<const double, 3> one, const Matrix<double>& w, const View<double, 3>& v) {
        report = subspace_top(exec, DenseOperator(one), w, v);
      });
  ASSERT_TRUE(report.all_converged());
  EXPECT_TRUE(restarted(report, k)) << report.products;
  expect_the_closed_form(iterated, n, want, cosines);
  if (by_eigh_top) expect_the_closed_form(top_pairs(exec, a, n, k), n, want, cosines);
}

TEST_P(SubspaceOfALargeOrder, RestartsForSlowSpectra) { expect_the_pairs_of_a_slow_spectrum(exec(), 601, true); }

TEST(SubspaceOfALargeOrderOnCpu, RestartsForSlowSpectra) {
  Exec exec({.path = Path::tuned});
  expect_the_pairs_of_a_slow_spectrum(exec, 2000, false);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(SubspaceOfALargeOrder);

}  // namespace
}  // namespace hci::test
