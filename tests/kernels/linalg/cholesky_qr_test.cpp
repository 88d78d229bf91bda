// SPDX-License-Identifier: MIT
#include "kernels/linalg/cholesky_qr.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class CholeskyQr : public OnEveryDevice {};

std::vector<double> normal(index_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> numbers;
  std::vector<double> values(static_cast<std::size_t>(count));
  for (double& value : values) value = numbers(generator);
  return values;
}

/// Of rows (p, n), made unit vectors first: the root of the ratio of their Gram matrix's extreme eigenvalues, by
/// Jacobi's rotations.
double condition_of_directions(const double* v, index_t p, index_t n) {
  const auto size = static_cast<std::size_t>(p);
  std::vector<double> g(size * size);
  const auto product = [&](index_t i, index_t j) {
    return std::inner_product(v + i * n, v + (i + 1) * n, v + j * n, 0.0);
  };
  for (index_t i = 0; i < p; ++i)
    for (index_t j = 0; j < p; ++j)
      g[static_cast<std::size_t>(i * p + j)] = product(i, j) / std::sqrt(product(i, i) * product(j, j));
  for (int sweep = 0; sweep < 15; ++sweep)
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t j = i + 1; j < size; ++j) {
        const double angle = std::atan2(2 * g[i * size + j], g[j * size + j] - g[i * size + i]) / 2;
        const double c = std::cos(angle), s = std::sin(angle);
        const auto turn = [&](std::size_t at_i, std::size_t at_j) {
          const double of_i = g[at_i], of_j = g[at_j];
          g[at_i] = c * of_i - s * of_j;
          g[at_j] = s * of_i + c * of_j;
        };
        for (std::size_t m = 0; m < size; ++m) turn(m * size + i, m * size + j);
        for (std::size_t m = 0; m < size; ++m) turn(i * size + m, j * size + m);
      }
  double least = INFINITY, most = 0;
  for (std::size_t i = 0; i < size; ++i)
    least = std::min(least, g[i * (size + 1)]), most = std::max(most, g[i * (size + 1)]);
  return std::sqrt(most / least);
}

/// Rows of very different lengths; 70 is more than a block's shared memory takes.
TEST_P(CholeskyQr, MakesRowsOrthonormalInTheSpanOfThoseBefore) {
  for (const auto& [p, n] : {std::pair<index_t, index_t>{1, 1}, {5, 33}, {28, 200}, {70, 150}}) {
    auto v = normal(2 * p * n, 3);
    for (index_t j = 0; j < 2 * p; ++j)
      for (index_t i = 0; i < n; ++i) v[static_cast<std::size_t>(j * n + i)] *= std::pow(10.0, double(j % 9) - 4);
    auto rows = to_device(exec(), View<const double, 3>(v.data(), {2, p, n}));
    Array<double, 3> scratch(exec(), {2, p, n});
    Array<std::uint8_t, 2> alive(exec(), {2, p});
    orthonormalize_rows(exec(), rows.view(), scratch.view(), alive.view());
    const auto q = to_host(exec(), rows.view());
    const auto lives = to_host(exec(), alive.view());
    const double bound = 4 * double(n) * std::numeric_limits<double>::epsilon();  // sums of n, by them and by us
    for (index_t b = 0; b < 2; ++b) {
      const double condition = condition_of_directions(v.data() + b * p * n, p, n);
      ASSERT_LT(condition, 10);  // of normal numbers: (1 + sqrt(p / n)) / (1 - sqrt(p / n)), 5.3 for 70 of 150
      for (index_t i = 0; i < p; ++i) {
        EXPECT_EQ(lives.view()(b, i), 1);
        double length = 0, inside = 0;
        for (index_t c = 0; c < n; ++c) length += std::pow(v[static_cast<std::size_t>((b * p + i) * n + c)], 2);
        for (index_t j = 0; j < p; ++j) {
          double product = 0, share = 0;
          for (index_t c = 0; c < n; ++c) {
            product += q.view()(b, i, c) * q.view()(b, j, c);
            share += v[static_cast<std::size_t>((b * p + i) * n + c)] * q.view()(b, j, c);
          }
          EXPECT_NEAR(product, i == j ? 1 : 0, bound);
          if (j <= i) inside += share * share;
        }
        // The triangular solve may lose as much as the rows of unit length are ill-conditioned.
        EXPECT_NEAR(inside / length, 1, condition * bound);
      }
    }
  }
}

TEST_P(CholeskyQr, KillsDependentRowsAndSpreadsNaN) {
  const index_t p = 5, n = 40;
  auto v = normal(p * n, 5);
  for (index_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    v[at + 2 * n] = 0;                             // nothing
    v[at + 3 * n] = 2 * v[at] - 1e-9 * v[at + n];  // made of the first
    v[at + 4 * n] = 1e-3 * v[at + n] + v[at];      // far enough from it
  }
  auto rows = to_device(exec(), View<const double, 3>(v.data(), {1, p, n}));
  Array<double, 3> scratch(exec(), {1, p, n});
  Array<std::uint8_t, 2> alive(exec(), {1, p});
  orthonormalize_rows(exec(), rows.view(), scratch.view(), alive.view());
  const auto q = to_host(exec(), rows.view());
  const auto lives = to_host(exec(), alive.view());
  EXPECT_EQ(std::vector<int>(lives.data(), lives.data() + p), (std::vector<int>{1, 1, 0, 0, 0}));
  for (const index_t dead : {2, 3, 4})  // row 4 is in the span of the first two
    for (index_t i = 0; i < n; ++i) EXPECT_EQ(q.view()(0, dead, i), 0.0);
  v[7] = std::numeric_limits<double>::quiet_NaN();
  rows = to_device(exec(), View<const double, 3>(v.data(), {1, p, n}));
  orthonormalize_rows(exec(), rows.view(), scratch.view(), alive.view());
  EXPECT_TRUE(std::isnan(to_host(exec(), rows.view()).view()(0, 1, 7)));
}

// A NaN spoils the rows of its block, and no other block: in shared memory and beyond it.
TEST_P(CholeskyQr, KeepsANaNInItsBlock) {
  for (const auto& [p, n] : {std::pair<index_t, index_t>{1, 1}, {3, 33}, {70, 150}}) {
    auto v = normal(3 * p * n, 7);
    const std::vector<double> whole = v;
    v[static_cast<std::size_t>(p * n)] = std::numeric_limits<double>::quiet_NaN();  // of the first row of block 1
    const auto made = [p = p, n = n, this](const std::vector<double>& from) {
      auto rows = to_device(exec(), View<const double, 3>(from.data(), {3, p, n}));
      Array<double, 3> scratch(exec(), {3, p, n});
      Array<std::uint8_t, 2> alive(exec(), {3, p});
      orthonormalize_rows(exec(), rows.view(), scratch.view(), alive.view());
      return to_host(exec(), std::as_const(rows).view());
    };
    const auto got = made(v), want = made(whole);
    for (index_t b : {0, 2})
      for (index_t i = 0; i < p * n; ++i) ASSERT_EQ(got.view()[b].data()[i], want.view()[b].data()[i]) << b;
    for (index_t j = 0; j < p; ++j) {
      bool any = false;
      for (index_t i = 0; i < n; ++i) any = any || std::isnan(got.view()(1, j, i));
      EXPECT_TRUE(any) << p << " x " << n << ", row " << j;
    }
  }
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(CholeskyQr);

}  // namespace
}  // namespace hci::test
