// SPDX-License-Identifier: MIT
#include "kernels/linalg/submatrix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/core/error.hpp"
#include "kernels/linalg/gemm.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Submatrix : public OnEveryDevice {};

constexpr index_t kOrder = 7;

std::vector<double> numbers(index_t rows, index_t columns = kOrder) {
  std::vector<double> a;
  for (index_t i = 0; i < rows * columns; ++i) a.push_back(static_cast<double>(i * i % 31));
  return a;
}

/// What is expected of sets of one matrix, spelt out. Sums of squares are whole numbers.
void expect_sets(Exec& exec, index_t order, const std::vector<IndexSet>& sets, index_t most) {
  const auto problems = static_cast<index_t>(sets.size());
  const auto a = numbers(order, order);
  const auto device = device_matrix(exec, a, order, order);
  const auto index = index_table(exec, sets, order);
  ASSERT_EQ(index.extents(), (Extents<2>{problems, most}));
  Array<double, 3> sub(exec, {problems, most, most}), cut(exec, {problems, order, most}),
      back(exec, {problems, order, order});
  gather_submatrices(exec, batch_of_one<const double>(device.view()), {}, index.view(), sub.view());
  gather_entries(exec, batch_of_one<const double>(device.view()), {}, index.view(), cut.view());
  scatter_entries(exec, cut.view(), index.view(), back.view());
  const auto found = to_host(exec, sub.view()), rows = to_host(exec, cut.view()), full = to_host(exec, back.view());
  for (std::size_t b = 0; b < sets.size(); ++b) {
    const auto problem = static_cast<index_t>(b), size = static_cast<index_t>(sets[b].size());
    const auto at = [&](index_t row, index_t i) {
      return a[static_cast<std::size_t>(row * order + sets[b][static_cast<std::size_t>(i)])];
    };
    double squares = 0;
    for (const index_t row : sets[b])
      for (index_t i = 0; i < size; ++i) squares += std::pow(at(row, i), 2);
    for (index_t i = 0; i < most; ++i)
      for (index_t j = 0; j < most; ++j) {
        double want = i == j ? -std::sqrt(squares) : 0;
        if (i < size && j < size) want = at(sets[b][static_cast<std::size_t>(i)], j);
        ASSERT_DOUBLE_EQ(found.view()(problem, i, j), want) << order << ", set " << b << ": " << i << ", " << j;
      }
    for (index_t r = 0; r < order; ++r) {
      for (index_t i = 0; i < most; ++i) ASSERT_EQ(rows.view()(problem, r, i), i < size ? at(r, i) : 0.0);
      for (index_t i = 0; i < order; ++i) {
        const bool inside = std::binary_search(sets[b].begin(), sets[b].end(), i);
        ASSERT_EQ(full.view()(problem, r, i), inside ? a[static_cast<std::size_t>(r * order + i)] : 0.0);
      }
    }
  }
}

TEST_P(Submatrix, GathersAndScattersIndexSets) {
  expect_sets(exec(), kOrder, {{0, 2, 3, 6}, {}, {5}}, 4);
  // Sets that are as large as their matrix, and others; larger than a tile and no multiple of one.
  for (const index_t order : {32, 33, 70, 131}) {
    IndexSet all, some, last{order - 1};
    for (index_t i = 0; i < order; ++i) {
      all.push_back(i);
      if (i % 3 != 1) some.push_back(i);
    }
    expect_sets(exec(), order, {some, all, {}, last}, order);
  }
  EXPECT_THROW(index_table(exec(), {{1, 1}}, kOrder), InvalidInput);
  EXPECT_THROW(index_table(exec(), {{0, kOrder}}, kOrder), InvalidInput);
}

/// Order 1, no sets at all, and NaN that goes with its rows and columns only.
TEST_P(Submatrix, OfOneAndOfNaN) {
  const auto one = device_matrix<double>(exec(), {5}, 1, 1);
  const auto index = index_table(exec(), {{0}, {}}, 1);
  Array<double, 3> sub(exec(), {2, 1, 1}), none(exec(), {0, 1, 1});
  gather_submatrices(exec(), batch_of_one<const double>(one.view()), {}, index.view(), sub.view());
  EXPECT_EQ(to_host(exec(), sub.view()).data()[0], 5.0);
  EXPECT_EQ(to_host(exec(), sub.view()).data()[1], 0.0);
  gather_submatrices(exec(), batch_of_one<const double>(one.view()), {}, index_table(exec(), {}, 1).view(),
                     none.view());
  auto a = numbers(kOrder);
  for (index_t i = 0; i < kOrder; ++i)
    a[static_cast<std::size_t>(3 * kOrder + i)] = a[static_cast<std::size_t>(i * kOrder + 3)] =
        std::numeric_limits<double>::quiet_NaN();
  const auto device = device_matrix(exec(), a, kOrder, kOrder);
  const auto sets = index_table(exec(), {{0, 2, 4}, {1, 3, 5}}, kOrder);
  Array<double, 3> two(exec(), {2, 3, 3});
  gather_submatrices(exec(), batch_of_one<const double>(device.view()), {}, sets.view(), two.view());
  const auto host = to_host(exec(), two.view());
  for (index_t i = 0; i < 3; ++i)
    for (index_t j = 0; j < 3; ++j) {
      EXPECT_FALSE(std::isnan(host.view()(0, i, j)));
      EXPECT_EQ(std::isnan(host.view()(1, i, j)), i == 1 || j == 1);
    }
}

/// What is known to hold no short set needs no squares: the same submatrices.
TEST_P(Submatrix, WithoutShortSetsAreTheSame) {
  const auto device = device_matrix(exec(), numbers(kOrder), kOrder, kOrder);
  const auto index = index_table(exec(), {{0, 2, 3}, {1, 5, 6}}, kOrder);
  Array<double, 3> either(exec(), {2, 3, 3}), full(exec(), {2, 3, 3});
  gather_submatrices(exec(), batch_of_one<const double>(device.view()), {}, index.view(), either.view());
  gather_submatrices(exec(), batch_of_one<const double>(device.view()), {}, index.view(), full.view(), false);
  const auto want = to_host(exec(), either.view()), got = to_host(exec(), full.view());
  for (index_t i = 0; i < want.size(); ++i) EXPECT_EQ(got.data()[i], want.data()[i]);
}

/// Each set of its own matrix, one of which is not square where only entries are taken; the sets are short, so that
/// the diagonals are those of that matrix, too.
TEST_P(Submatrix, OfManyMatrices) {
  const auto all = numbers(3 * kOrder);
  const auto device = to_device(exec(), View<const double, 3>(all.data(), {3, kOrder, kOrder}));
  const std::vector<index_t> matrices{2, 0, 2, 1};
  const auto of = to_device(exec(), std::vector<index_t>(matrices));
  const std::vector<IndexSet> sets{{0, 2, 6}, {1, 5}, {4}, {3, 4, 5}};
  const auto index = index_table(exec(), sets, kOrder);
  Array<double, 3> sub(exec(), {4, 3, 3}), cut(exec(), {4, 2, 3}), alone_sub(exec(), {1, 3, 3});
  gather_submatrices(exec(), device.view(), of.view(), index.view(), sub.view());
  const View<const double, 3> two_rows(device.data(), {3, 2, kOrder}, device.view().strides());
  gather_entries(exec(), two_rows, of.view(), index.view(), cut.view());
  const auto found = to_host(exec(), sub.view()), entries = to_host(exec(), cut.view());
  for (index_t b = 0; b < 4; ++b) {
    const index_t matrix = matrices[static_cast<std::size_t>(b)];
    gather_submatrices(exec(), slice(View<const double, 3>(device.view()), matrix, 1), {}, slice(index.view(), b, 1),
                       alone_sub.view());
    const auto want = to_host(exec(), alone_sub.view());
    for (index_t i = 0; i < 9; ++i) EXPECT_EQ(found.data()[9 * b + i], want.data()[i]) << b << ", " << i;
    const IndexSet& set = sets[static_cast<std::size_t>(b)];
    for (index_t r = 0; r < 2; ++r)
      for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ(entries.view()(b, r, static_cast<index_t>(i)),
                  i < set.size() ? all[static_cast<std::size_t>((matrix * kOrder + r) * kOrder + set[i])] : 0.0);
  }
  EXPECT_EQ(sets_of_each("test", 3, 12), 4);
  EXPECT_EQ(sets_of_each("test", 3, 0), 0);
  EXPECT_THROW(sets_of_each("test", 3, 4), InvalidInput);
  EXPECT_THROW(sets_of_each("test", 0, 0), InvalidInput);
  EXPECT_THROW(gather_submatrices(exec(), device.view(), slice(of.view(), 0, 3), index.view(), sub.view()),
               InvalidInput);
  EXPECT_THROW(gather_entries(exec(), two_rows, slice(of.view(), 0, 3), index.view(), cut.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Submatrix);

}  // namespace
}  // namespace hci::test
