// SPDX-License-Identifier: MIT
#include "kernels/core/reduce.hpp"

#include <cfloat>
#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Reduce : public OnEveryDevice {};

/// Sizes about those of warps, blocks and what a thread takes.
constexpr index_t kSizes[] = {1, 2, 31, 33, 255, 257, 4096, 100'003};

TEST_P(Reduce, CountsWhatIsNotZero) {
  for (const index_t n : kSizes) {
    std::vector<std::uint8_t> flags;
    index_t want = 0;
    for (index_t i = 0; i < n; ++i) {
      flags.push_back(static_cast<std::uint8_t>(i % 7 == 3 ? 0 : i % 5 == 0 ? 255 : i % 2));
      want += flags.back() != 0 ? 1 : 0;
    }
    EXPECT_EQ(count_set(exec(), to_device(exec(), flags).view()), want) << n;
  }
}

/// Positive and negative numbers of all sizes; to the rounding of n additions in any order.
TEST_P(Reduce, AddsUp) {
  for (const index_t n : kSizes) {
    std::vector<double> values;
    long double want = 0, size = 0;
    for (index_t i = 0; i < n; ++i) {
      values.push_back(std::ldexp(std::sin(double(i + 1)), static_cast<int>(i % 30)));
      want += values.back();
      size += std::fabs(values.back());
    }
    const double bound = static_cast<double>(n) * DBL_EPSILON * static_cast<double>(size);
    EXPECT_NEAR(sum(exec(), to_device(exec(), values).view()), static_cast<double>(want), bound) << n;
  }
}

/// Exact, beyond 2^53.
TEST_P(Reduce, AddsUpWholeNumbers) {
  for (const index_t n : kSizes) {
    std::vector<index_t> values;
    index_t want = 0;
    for (index_t i = 0; i < n; ++i) {
      values.push_back(i == 0 ? (index_t{1} << 60) + 1 : i * i - 1000);
      want += values.back();
    }
    EXPECT_EQ(sum(exec(), to_device(exec(), values).view()), want) << n;
  }
}

TEST_P(Reduce, SpreadsNaN) {
  std::vector<double> values(1000, 1.0);
  values[997] = NAN;
  EXPECT_TRUE(std::isnan(sum(exec(), to_device(exec(), values).view())));
}

TEST_P(Reduce, OfNothingIsNothing) {
  EXPECT_EQ(count_set(exec(), {}), 0);
  EXPECT_EQ(sum(exec(), Vector<const double>{}), 0);
  EXPECT_EQ(sum(exec(), Vector<const index_t>{}), 0);
}

TEST_P(Reduce, RefusesWhatIsApart) {
  Array<double, 1> values(exec(), {8});
  Array<std::uint8_t, 1> flags(exec(), {8});
  EXPECT_THROW(sum(exec(), Vector<const double>(values.data(), {4}, {2})), InvalidInput);
  EXPECT_THROW(count_set(exec(), {flags.data(), {4}, {2}}), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Reduce);

}  // namespace
}  // namespace hci::test
