// SPDX-License-Identifier: MIT
#include "kernels/stats/row_medians.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/core/error.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/median_of.hpp"

namespace hci::test {
namespace {

class RowMedians : public OnEveryDevice {};

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST_P(RowMedians, AreThoseOfTheSortedValues) {
  const index_t rows = 60;
  std::vector<std::vector<index_t>> sets;
  for (index_t count : {1, 2, 3, 4, 23, 24, 25, 26, 47, 60}) {
    std::vector<index_t> set;
    for (index_t i = 0; i < count; ++i) set.push_back((i * 7 + count) % rows);
    sets.push_back(set);
  }
  for (const index_t columns : {1, 32, 37, 256 + 41}) {
    auto x = speckle_rows(rows, columns);
    if (columns > 4) {
      for (index_t t = 0; t < rows; t += 2) x[static_cast<std::size_t>(t * columns + 3)] = -0.5F;  // many equal ones
      for (index_t t = 0; t < rows; ++t) x[static_cast<std::size_t>(t * columns + 4)] = t < 30 ? -0.0F : 0.0F;
    }
    const auto device = device_matrix(exec(), x, rows, columns);
    Array<float, 2> medians(exec(), {static_cast<index_t>(sets.size()), columns});
    row_medians(exec(), device.view(), sets, medians.view());
    const auto host = to_host(exec(), medians.view());
    for (std::size_t s = 0; s < sets.size(); ++s)
      for (index_t p = 0; p < columns; ++p) {
        std::vector<double> values;
        for (index_t row : sets[s]) values.push_back(x[static_cast<std::size_t>(row * columns + p)]);
        ASSERT_EQ(host.view()(static_cast<index_t>(s), p), static_cast<float>(median_of(values)))
            << sets[s].size() << " values of " << columns;
      }
  }
}

TEST_P(RowMedians, AreNaNWhereAValueIsOrNoneIsThere) {
  const index_t rows = 40;
  std::vector<float> x(static_cast<std::size_t>(rows * 2), 1.0F);
  x[static_cast<std::size_t>(5 * 2 + 1)] = kNaN;
  std::vector<index_t> everyone;
  for (index_t t = 0; t < rows; ++t) everyone.push_back(t);
  const auto device = device_matrix(exec(), x, rows, 2);
  Array<float, 2> medians(exec(), {4, 2});
  row_medians(exec(), device.view(), {everyone, {4, 5, 6}, {4, 6}, {}}, medians.view());
  const auto host = to_host(exec(), medians.view());
  EXPECT_EQ(host.view()(0, 0), 1);
  EXPECT_TRUE(std::isnan(host.view()(0, 1)));
  EXPECT_TRUE(std::isnan(host.view()(1, 1)));
  EXPECT_EQ(host.view()(2, 1), 1);
  EXPECT_TRUE(std::isnan(host.view()(3, 0)));
}

TEST_P(RowMedians, AreSubtractedAndMaskWholeColumns) {
  const std::vector<float> x{1, 2, 3, 4, kNaN, 9};
  const auto device = device_matrix(exec(), x, 2, 3);
  const auto model = device_matrix<float>(exec(), {2.5F, 1, 6}, 1, 3);
  Array<float, 2> out(exec(), {2, 3});
  subtract_rows(exec(), device.view(), model.view(), {}, out.view());
  auto host = to_host(exec(), out.view());
  EXPECT_EQ(host.view()(0, 0), -1.5F);
  EXPECT_EQ(host.view()(1, 2), 3.0F);
  EXPECT_TRUE(std::isnan(host.view()(0, 1)));
  EXPECT_TRUE(std::isnan(host.view()(1, 1)));
  const auto models = device_matrix<float>(exec(), {1, 1, 1, 2, 2, 2}, 2, 3);
  const auto factors = to_device(exec(), std::vector<double>{2, 0.5});
  subtract_rows(exec(), device.view(), models.view(), factors.view(), out.view());
  host = to_host(exec(), out.view());
  EXPECT_EQ(host.view()(0, 0), -1);
  EXPECT_EQ(host.view()(1, 0), 3);
  EXPECT_TRUE(std::isnan(host.view()(0, 1)));  // the column is masked in row 1
}

TEST_P(RowMedians, OfOneValue) {
  const auto x = device_matrix<float>(exec(), {4.5F}, 1, 1);
  Array<float, 2> medians(exec(), {1, 1}), out(exec(), {1, 1});
  row_medians(exec(), x.view(), {{0}}, medians.view());
  EXPECT_EQ(to_host(exec(), medians.view()).data()[0], 4.5F);
  subtract_rows(exec(), x.view(), medians.view(), {}, out.view());
  EXPECT_EQ(to_host(exec(), out.view()).data()[0], 0);
}

// More columns than a tile of the CPU, and no multiple of it; in place.
TEST_P(RowMedians, AreSubtractedFromWideRows) {
  const index_t rows = 5, columns = 2 * 256 + 37;
  const auto x = speckle_rows(rows, columns), m = speckle_rows(1, columns);
  auto device = device_matrix(exec(), x, rows, columns);
  const auto model = device_matrix(exec(), m, 1, columns);
  subtract_rows(exec(), std::as_const(device).view(), model.view(), {}, device.view());
  const auto host = to_host(exec(), std::as_const(device).view());
  for (index_t i = 0; i < rows * columns; ++i)
    ASSERT_EQ(host.data()[i], x[static_cast<std::size_t>(i)] - m[static_cast<std::size_t>(i % columns)]);
}

// x - factor model in double, rounded to float: its product and its difference too where it is made in float, 3 x 2^-24
// of their sizes. One model for all rows or one for each, one row, one pixel; a NaN masks its column.
TEST_P(RowMedians, AreSubtractedTimesAFactor) {
  for (const auto& [rows, columns] :
       std::vector<std::pair<index_t, index_t>>{{1, 1}, {1, 40}, {9, 1}, {7, 33}, {6, 2 * 256 + 5}})
    for (const bool each : {false, true}) {
      auto x = speckle_rows(rows, columns);
      const auto m = speckle_rows(each ? rows : 1, columns, 3);
      if (columns > 1) x[static_cast<std::size_t>((rows - 1) * columns + columns / 2)] = kNaN;
      std::vector<double> by;
      for (index_t t = 0; t < rows; ++t) by.push_back(1.7 - 0.31 * static_cast<double>(t));
      const auto device = device_matrix(exec(), x, rows, columns);
      const auto models = device_matrix(exec(), m, each ? rows : 1, columns);
      const auto factors = to_device(exec(), std::vector<double>(by));
      Array<float, 2> out(exec(), {rows, columns});
      subtract_rows(exec(), device.view(), models.view(), factors.view(), out.view());
      const auto host = to_host(exec(), std::as_const(out).view());
      for (index_t t = 0; t < rows; ++t)
        for (index_t p = 0; p < columns; ++p) {
          if (columns > 1 && p == columns / 2) {
            ASSERT_TRUE(std::isnan(host.view()(t, p)));
            continue;
          }
          const double value = x[static_cast<std::size_t>(t * columns + p)];
          const double taken =
              by[static_cast<std::size_t>(t)] * double(m[static_cast<std::size_t>((each ? t * columns : 0) + p)]);
          ASSERT_NEAR(host.view()(t, p), value - taken, 3 * std::ldexp(std::fabs(value) + std::fabs(taken), -24))
              << rows << " x " << columns << ": " << t << ", " << p;
        }
    }
}

// Every third column, into every second one.
TEST_P(RowMedians, ReadAndWriteRowsOfAnyStride) {
  const index_t rows = 7, columns = 21;
  const auto x = speckle_rows(rows, 3 * columns);
  const auto wide = device_matrix(exec(), x, rows, 3 * columns);
  std::vector<float> some;
  for (index_t t = 0; t < rows; ++t)
    for (index_t p = 0; p < columns; ++p) some.push_back(x[static_cast<std::size_t>((t * columns + p) * 3)]);
  const auto dense = device_matrix(exec(), some, rows, columns);
  const std::vector<std::vector<index_t>> sets{{0, 1, 2, 3, 4, 5, 6}, {6, 2}, {3}};
  Array<float, 2> want(exec(), {3, columns}), sparse(exec(), {3, 2 * columns}), out(exec(), {rows, columns});
  row_medians(exec(), std::as_const(dense).view(), sets, want.view());
  const Matrix<const float> thirds(wide.data(), {rows, columns}, {3 * columns, 3});
  const Matrix<float> halves(sparse.data(), {3, columns}, {2 * columns, 2});
  row_medians(exec(), thirds, sets, halves);
  const auto a = to_host(exec(), std::as_const(want).view()), b = to_host(exec(), std::as_const(sparse).view());
  for (index_t s = 0; s < 3; ++s)
    for (index_t p = 0; p < columns; ++p) ASSERT_EQ(b.view()(s, 2 * p), a.view()(s, p)) << s << " " << p;
  subtract_rows(exec(), thirds, slice(halves, 2, 1), {}, out.view());
  const auto left = to_host(exec(), std::as_const(out).view());
  for (index_t t = 0; t < rows; ++t)
    for (index_t p = 0; p < columns; ++p)
      ASSERT_EQ(left.view()(t, p),
                some[static_cast<std::size_t>(t * columns + p)] - some[static_cast<std::size_t>(3 * columns + p)]);
}

TEST_P(RowMedians, RefuseRowsThatAreNotThere) {
  Array<float, 2> x(exec(), {2, 3}), medians(exec(), {1, 3});
  EXPECT_THROW(row_medians(exec(), x.view(), {{2}}, medians.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(RowMedians);

}  // namespace
}  // namespace hci::test
