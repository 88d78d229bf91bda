// SPDX-License-Identifier: MIT
// What the solver in lanes promises on its own: it says which answers are right, and is not wrong then.
#include "kernels/linalg/eigh_lanes_cpu.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace hci::test {
namespace {

constexpr int kLanes = cpu::EighLanes::kLanes;

/// The second-difference matrix: eigenvalues 2 - 2 cos(pi j / (n + 1)), scaled by 1 + lane.
double laplacian(index_t i, index_t j, int lane) {
  const double scale = 1.0 + lane;
  return i == j ? 2 * scale : (i - j == 1 ? -scale : 0.0);
}

TEST(EighLanes, SolvesWellSeparatedEigenvaluesInEveryLane) {
  for (index_t n : {3, 8, 50, 128})
    for (index_t k : {index_t{1}, index_t{2}, std::min<index_t>(n, 9)}) {
      cpu::EighLanes lanes;
      lanes.resize(n, k);
      for (index_t i = 0; i < n; ++i)
        for (index_t j = 0; j <= i; ++j)
          for (int lane = 0; lane < kLanes; ++lane) lanes.lower(i, j)[lane] = laplacian(i, j, lane);
      ASSERT_EQ(lanes.solve(), (1U << kLanes) - 1) << n << ", " << k;
      for (int lane = 0; lane < kLanes; ++lane)
        for (index_t j = 0; j < k; ++j) {
          const double angle = std::acos(-1.0) * static_cast<double>(n - j) / static_cast<double>(n + 1);
          // n eps of the norm, which is below 4
          const double bound = 4 * (1.0 + lane) * static_cast<double>(n) * std::numeric_limits<double>::epsilon();
          EXPECT_NEAR(lanes.value(j, lane), (1.0 + lane) * (2 - 2 * std::cos(angle)), bound);
        }
    }
}

TEST(EighLanes, ReportsTheLanesThatItCannotSolve) {
  const index_t n = 6, k = 2;
  cpu::EighLanes lanes;
  lanes.resize(n, k);
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j <= i; ++j) {
      for (int lane = 0; lane < kLanes; ++lane) lanes.lower(i, j)[lane] = laplacian(i, j, 0);
      lanes.lower(i, j)[0] = i == j ? 1.0 : 0.0;                        // all eigenvalues equal
      lanes.lower(i, j)[1] = std::numeric_limits<double>::quiet_NaN();  // none
    }
  EXPECT_EQ(lanes.solve(), ((1U << kLanes) - 1) & ~3U);
}

}  // namespace
}  // namespace hci::test
