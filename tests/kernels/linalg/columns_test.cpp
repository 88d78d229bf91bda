// SPDX-License-Identifier: MIT
#include "kernels/linalg/columns.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Columns : public OnEveryDevice {};

TEST_P(Columns, GoOutAndComeBack) {
  const index_t rows = 3, columns = 70;
  std::vector<float> x(static_cast<std::size_t>(rows * columns));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  const auto device = device_matrix(exec(), x, rows, columns);
  const std::vector<index_t> pixels{0, 3, 4, 33, 69};
  const auto set = to_device(exec(), std::vector<index_t>(pixels));
  Array<float, 2> cut(exec(), {rows, 5});
  gather_columns(exec(), device.view(), set.view(), cut.view());
  auto back = device_matrix(exec(), std::vector<float>(x.size(), -1.0F), rows, columns);
  scatter_columns(exec(), cut.view(), set.view(), back.view());
  const auto cut_host = to_host(exec(), cut.view()), host = to_host(exec(), back.view());
  for (index_t t = 0; t < rows; ++t) {
    for (index_t i = 0; i < 5; ++i)
      EXPECT_EQ(cut_host.view()(t, i), static_cast<float>(t * columns + pixels[static_cast<std::size_t>(i)]));
    for (index_t p = 0; p < columns; ++p) {
      const bool inside = std::find(pixels.begin(), pixels.end(), p) != pixels.end();
      EXPECT_EQ(host.view()(t, p), inside ? static_cast<float>(t * columns + p) : -1.0F);
    }
  }
  fill_columns(exec(), 8, set.view(), back.view());
  EXPECT_EQ(to_host(exec(), back.view()).view()(2, 33), 8);
}

TEST_P(Columns, WithAMaskedPixelInAnyRowAreMaskedInAll) {
  const index_t rows = 4, columns = 1030;
  std::vector<float> x(static_cast<std::size_t>(rows * columns), 1.0F);
  x[static_cast<std::size_t>(2 * columns + 5)] = std::numeric_limits<float>::quiet_NaN();
  x[static_cast<std::size_t>(3 * columns + 1029)] = std::numeric_limits<float>::infinity();
  auto device = device_matrix(exec(), x, rows, columns);
  std::vector<std::uint8_t> flags(static_cast<std::size_t>(columns), 1);
  flags[7] = 0;  // stays out
  auto used = to_device(exec(), std::move(flags));
  unuse_masked_columns(exec(), device.view(), used.view());
  mask_columns(exec(), used.view(), device.view());
  const auto host = to_host(exec(), device.view());
  for (index_t t = 0; t < rows; ++t)
    for (index_t p = 0; p < columns; ++p) ASSERT_EQ(std::isnan(host.view()(t, p)), p == 5 || p == 7 || p == 1029);
}

/// One row, one column, none, and widths beside those of the tiles; NaN goes where its pixel goes.
TEST_P(Columns, OfAnyNumber) {
  for (const auto& [rows, columns] : std::vector<std::pair<index_t, index_t>>{{1, 1}, {1, 513}, {9, 1}, {5, 511}}) {
    std::vector<float> x(static_cast<std::size_t>(rows * columns), 2.0F);
    x.back() = std::numeric_limits<float>::quiet_NaN();
    const auto device = device_matrix(exec(), x, rows, columns);
    const auto last = to_device(exec(), std::vector<index_t>{columns - 1});
    Array<float, 2> one(exec(), {rows, 1}), none(exec(), {rows, 0});
    gather_columns(exec(), device.view(), last.view(), one.view());
    gather_columns(exec(), device.view(), to_device(exec(), std::vector<index_t>{}).view(), none.view());
    const auto cut = to_host(exec(), one.view());
    for (index_t t = 0; t < rows; ++t) EXPECT_EQ(std::isnan(cut.view()(t, 0)), t + 1 == rows) << rows;
    auto used = to_device(exec(), std::vector<std::uint8_t>(static_cast<std::size_t>(columns), 1));
    unuse_masked_columns(exec(), device.view(), used.view());
    const auto flags = to_host(exec(), used.view());
    for (index_t p = 0; p < columns; ++p) ASSERT_EQ(flags.data()[p], p + 1 == columns ? 0 : 1) << columns;
    auto back = device_matrix(exec(), std::vector<float>(x.size(), 7.0F), rows, columns);
    scatter_columns(exec(), one.view(), last.view(), back.view());
    const auto host = to_host(exec(), back.view());
    for (index_t t = 0; t < rows; ++t)
      for (index_t p = 0; p < columns; ++p) {
        const float value = host.view()(t, p);
        if (p + 1 < columns)
          ASSERT_EQ(value, 7.0F);
        else
          ASSERT_TRUE(t + 1 == rows ? std::isnan(value) : value == 2.0F);
      }
  }
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Columns);

}  // namespace
}  // namespace hci::test
