// SPDX-License-Identifier: MIT
#include "kernels/linalg/submatrix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/core/error.hpp"
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

HCI_INSTANTIATE_ON_EVERY_DEVICE(Submatrix);

}  // namespace
}  // namespace hci::test
