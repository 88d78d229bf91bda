// SPDX-License-Identifier: MIT
#include "kernels/linalg/scale_rows.hpp"

#include <cmath>
#include <limits>

#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class ScaleRows : public OnEveryDevice {};

struct Sums {
  double mean = 0, deviation = 0;
};
/// Of count values a stride apart, two passes in double.
Sums sums_of(const float* x, index_t count, index_t stride) {
  Sums sums;
  for (index_t i = 0; i < count; ++i) sums.mean += static_cast<double>(x[i * stride]) / static_cast<double>(count);
  for (index_t i = 0; i < count; ++i)
    sums.deviation += std::pow(static_cast<double>(x[i * stride]) - sums.mean, 2) / static_cast<double>(count);
  sums.deviation = std::sqrt(sums.deviation);
  return sums;
}

TEST_P(ScaleRows, CentresAndStandardizesAlongEitherAxis) {
  for (const auto& [rows, columns] :
       std::vector<std::pair<index_t, index_t>>{{1, 1}, {1, 5}, {6, 1}, {9, 1025}, {40, 130}}) {
    const auto x = speckle_rows(rows, columns);
    const auto device = device_matrix(exec(), x, rows, columns);
    for (const auto scaling :
         {Scaling::none, Scaling::temp_mean, Scaling::spat_mean, Scaling::temp_standard, Scaling::spat_standard}) {
      Array<float, 2> out(exec(), {rows, columns});
      scale_rows(exec(), device.view(), {}, scaling, out.view());
      const auto host = to_host(exec(), out.view());
      const bool temp = scaling == Scaling::temp_mean || scaling == Scaling::temp_standard;
      const bool standard = scaling == Scaling::temp_standard || scaling == Scaling::spat_standard;
      for (index_t t = 0; t < rows; ++t)
        for (index_t p = 0; p < columns; ++p) {
          const double value = x[static_cast<std::size_t>(t * columns + p)];
          const Sums sums = temp ? sums_of(&x[static_cast<std::size_t>(p)], rows, columns)
                                 : sums_of(&x[static_cast<std::size_t>(t * columns)], columns, 1);
          const double factor = standard && sums.deviation > 0 ? 1 / sums.deviation : 1;
          const double want = scaling == Scaling::none ? value : (value - sums.mean) * factor;
          // One rounding to float of the result; the double sums before it round at 1e-13 of the values.
          const double bound = 1e-7 * std::fabs(want) + 1e-12 * std::fabs(value) * factor;
          ASSERT_NEAR(host.view()(t, p), want, bound) << rows << " x " << columns << ", " << static_cast<int>(scaling);
        }
    }
  }
}

TEST_P(ScaleRows, LeavesConstantsAtZeroInPlace) {
  auto x = device_matrix(exec(), std::vector<float>(60, 0.1F), 6, 10);
  scale_rows(exec(), x.view(), {}, Scaling::temp_standard, x.view());
  const auto host = to_host(exec(), x.view());
  for (index_t i = 0; i < host.size(); ++i) EXPECT_NEAR(host.data()[i], 0.0F, 1e-15F);  // rounding of the mean
}

TEST_P(ScaleRows, TakesTheMeanOfTheUsedColumnsOnly) {
  const std::vector<float> x{1, 2, std::numeric_limits<float>::quiet_NaN(), 6, 5, 5, 5, 8};
  const auto device = device_matrix(exec(), x, 2, 4);
  const auto used = to_device(exec(), std::vector<std::uint8_t>{1, 1, 0, 1});
  Array<float, 2> out(exec(), {2, 4});
  scale_rows(exec(), device.view(), used.view(), Scaling::spat_mean, out.view());
  const auto host = to_host(exec(), out.view());
  EXPECT_EQ(host.view()(0, 0), -2);
  EXPECT_EQ(host.view()(0, 3), 3);
  EXPECT_TRUE(std::isnan(host.view()(0, 2)));
  EXPECT_EQ(host.view()(1, 2), -1);
}

/// Several chunks of columns, flags on both sides of their borders; the columns that are not used are scaled with the
/// others, and NaN there stays where it is.
TEST_P(ScaleRows, StandardizesByTheUsedColumnsOnly) {
  const index_t rows = 3, columns = 2100;
  auto x = speckle_rows(rows, columns);
  std::vector<std::uint8_t> used(static_cast<std::size_t>(columns), 1);
  for (const index_t p : {0, 700, 1023, 1024, 2047, 2048, 2099}) {
    used[static_cast<std::size_t>(p)] = 0;
    x[static_cast<std::size_t>(columns + p)] = std::numeric_limits<float>::quiet_NaN();
    x[static_cast<std::size_t>(p)] = 1e6F;
  }
  const auto device = device_matrix(exec(), x, rows, columns);
  const auto flags = to_device(exec(), std::vector<std::uint8_t>(used));
  for (const auto scaling : {Scaling::spat_mean, Scaling::spat_standard}) {
    Array<float, 2> out(exec(), {rows, columns});
    scale_rows(exec(), device.view(), flags.view(), scaling, out.view());
    const auto host = to_host(exec(), out.view());
    for (index_t t = 0; t < rows; ++t) {
      std::vector<float> kept;
      for (index_t p = 0; p < columns; ++p)
        if (used[static_cast<std::size_t>(p)] != 0) kept.push_back(x[static_cast<std::size_t>(t * columns + p)]);
      const Sums sums = sums_of(kept.data(), static_cast<index_t>(kept.size()), 1);
      const double factor = scaling == Scaling::spat_standard ? 1 / sums.deviation : 1;
      for (index_t p = 0; p < columns; ++p) {
        const double value = x[static_cast<std::size_t>(t * columns + p)], want = (value - sums.mean) * factor;
        if (std::isnan(value)) {
          ASSERT_TRUE(std::isnan(host.view()(t, p))) << t << ", " << p;
          continue;
        }
        const double bound = 1e-7 * std::fabs(want) + 1e-12 * std::fabs(value) * factor;  // as above
        ASSERT_NEAR(host.view()(t, p), want, bound) << static_cast<int>(scaling) << ": " << t << ", " << p;
      }
    }
  }
}

TEST_P(ScaleRows, SpreadsNaNAlongTheAxisOfTheMean) {
  const index_t rows = 5, columns = 131;
  auto x = speckle_rows(rows, columns);
  x[static_cast<std::size_t>(3 * columns + 70)] = std::numeric_limits<float>::quiet_NaN();
  const auto device = device_matrix(exec(), x, rows, columns);
  for (const auto scaling : {Scaling::temp_mean, Scaling::spat_mean, Scaling::temp_standard, Scaling::spat_standard}) {
    Array<float, 2> out(exec(), {rows, columns});
    scale_rows(exec(), device.view(), {}, scaling, out.view());
    const auto host = to_host(exec(), out.view());
    const bool temp = scaling == Scaling::temp_mean || scaling == Scaling::temp_standard;
    for (index_t t = 0; t < rows; ++t)
      for (index_t p = 0; p < columns; ++p) ASSERT_EQ(std::isnan(host.view()(t, p)), temp ? p == 70 : t == 3);
  }
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(ScaleRows);

}  // namespace
}  // namespace hci::test
