// SPDX-License-Identifier: MIT
#include "kernels/linalg/submatrix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/core/error.hpp"
#include "kernels/linalg/components.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Submatrix : public OnEveryDevice {};

constexpr index_t kOrder = 7;

std::vector<double> numbers(index_t rows) {
  std::vector<double> a;
  for (index_t i = 0; i < rows * kOrder; ++i) a.push_back(static_cast<double>(i * i % 31));
  return a;
}

TEST_P(Submatrix, GathersAndScattersIndexSets) {
  const auto a = numbers(kOrder);
  const std::vector<IndexSet> sets{{0, 2, 3, 6}, {}, {5}};
  const auto device = device_matrix(exec(), a, kOrder, kOrder);
  const auto index = index_table(exec(), sets, kOrder);
  ASSERT_EQ(index.extents(), (Extents<2>{3, 4}));
  Array<double, 3> sub(exec(), {3, 4, 4}), cut(exec(), {3, kOrder, 4}), back(exec(), {3, kOrder, kOrder});
  gather_submatrices(exec(), device.view(), index.view(), sub.view());
  gather_entries(exec(), device.view(), index.view(), cut.view());
  scatter_entries(exec(), cut.view(), index.view(), back.view());
  const auto found = to_host(exec(), sub.view()), rows = to_host(exec(), cut.view()),
             full = to_host(exec(), back.view());
  for (std::size_t b = 0; b < sets.size(); ++b) {
    const auto problem = static_cast<index_t>(b), size = static_cast<index_t>(sets[b].size());
    double squares = 0;
    for (const index_t i : sets[b])
      for (const index_t j : sets[b]) squares += std::pow(a[static_cast<std::size_t>(i * kOrder + j)], 2);
    for (index_t i = 0; i < 4; ++i)
      for (index_t j = 0; j < 4; ++j) {
        double want = i == j ? -std::sqrt(squares) : 0;
        if (i < size && j < size)
          want = a[static_cast<std::size_t>(sets[b][static_cast<std::size_t>(i)] * kOrder +
                                            sets[b][static_cast<std::size_t>(j)])];
        EXPECT_DOUBLE_EQ(found.view()(problem, i, j), want);
      }
    for (index_t r = 0; r < kOrder; ++r) {
      for (index_t i = size; i < 4; ++i) EXPECT_EQ(rows.view()(problem, r, i), 0.0);
      for (index_t i = 0; i < kOrder; ++i) {
        const bool inside = std::find(sets[b].begin(), sets[b].end(), i) != sets[b].end();
        EXPECT_EQ(full.view()(problem, r, i), inside ? a[static_cast<std::size_t>(r * kOrder + i)] : 0.0);
      }
    }
  }
  EXPECT_THROW(index_table(exec(), {{1, 1}}, kOrder), InvalidInput);
  EXPECT_THROW(index_table(exec(), {{0, kOrder}}, kOrder), InvalidInput);
}

/// Order 1, no sets at all, and NaN that goes with its rows and columns only.
TEST_P(Submatrix, OfOneAndOfNaN) {
  const auto one = device_matrix<double>(exec(), {5}, 1, 1);
  const auto index = index_table(exec(), {{0}, {}}, 1);
  Array<double, 3> sub(exec(), {2, 1, 1}), none(exec(), {0, 1, 1});
  gather_submatrices(exec(), one.view(), index.view(), sub.view());
  EXPECT_EQ(to_host(exec(), sub.view()).data()[0], 5.0);
  EXPECT_EQ(to_host(exec(), sub.view()).data()[1], 0.0);
  gather_submatrices(exec(), one.view(), index_table(exec(), {}, 1).view(), none.view());
  auto a = numbers(kOrder);
  for (index_t i = 0; i < kOrder; ++i)
    a[static_cast<std::size_t>(3 * kOrder + i)] = a[static_cast<std::size_t>(i * kOrder + 3)] =
        std::numeric_limits<double>::quiet_NaN();
  const auto device = device_matrix(exec(), a, kOrder, kOrder);
  const auto sets = index_table(exec(), {{0, 2, 4}, {1, 3, 5}}, kOrder);
  Array<double, 3> two(exec(), {2, 3, 3});
  gather_submatrices(exec(), device.view(), sets.view(), two.view());
  const auto host = to_host(exec(), two.view());
  for (index_t i = 0; i < 3; ++i)
    for (index_t j = 0; j < 3; ++j) {
      EXPECT_FALSE(std::isnan(host.view()(0, i, j)));
      EXPECT_EQ(std::isnan(host.view()(1, i, j)), i == 1 || j == 1);
    }
}

TEST_P(Submatrix, SweepGivesTheCoefficientsOfEachCount) {
  const index_t targets = 3, k = 5;
  const std::vector<index_t> counts{0, 1, 1, 4, 5};
  std::vector<double> scores, vectors;
  for (index_t i = 0; i < targets * k; ++i) scores.push_back(std::sin(static_cast<double>(i)));
  for (index_t i = 0; i < targets * k * kOrder; ++i) vectors.push_back(std::cos(0.7 * static_cast<double>(i)));
  const auto s = to_device(exec(), View<const double, 2>(scores.data(), {targets, k}));
  const auto v = to_device(exec(), View<const double, 3>(vectors.data(), {targets, k, kOrder}));
  Array<float, 3> sweep(exec(), {5, targets, kOrder});
  Array<float, 2> one(exec(), {targets, kOrder});
  component_sweep(exec(), s.view(), v.view(), counts, sweep.view());
  const auto all = to_host(exec(), sweep.view());
  for (std::size_t item = 0; item < counts.size(); ++item) {
    const auto same = to_device(exec(), std::vector<index_t>(static_cast<std::size_t>(targets), counts[item]));
    component_coefficients(exec(), s.view(), v.view(), same.view(), one.view());
    const auto want = to_host(exec(), one.view());
    for (index_t i = 0; i < targets * kOrder; ++i)
      EXPECT_EQ(all.data()[static_cast<index_t>(item) * targets * kOrder + i], want.data()[i]) << item;
  }
  EXPECT_THROW(component_sweep(exec(), s.view(), v.view(), {1, 0, 1, 1, 1}, sweep.view()), InvalidInput);
  EXPECT_THROW(component_sweep(exec(), s.view(), v.view(), {1, 1, 1, 1, 6}, sweep.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Submatrix);

}  // namespace
}  // namespace hci::test
