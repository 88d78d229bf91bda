// SPDX-License-Identifier: MIT
#include "kernels/geometry/polar.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace hci::test {
namespace {

constexpr double kTiny = 1e-12;

TEST(Polar, AnglesCountFromXOrFromNorth) {
  const Position centre{10, 20};
  const PolarPosition up = to_polar({.y = 13, .x = 20}, centre, AngleOrigin::x_axis);
  EXPECT_NEAR(up.r, 3, kTiny);
  EXPECT_NEAR(up.theta, 90, kTiny);
  EXPECT_NEAR(to_polar({.y = 13, .x = 20}, centre, AngleOrigin::north).theta, 0, kTiny);
  // Left is East: 90 degrees from North.
  EXPECT_NEAR(to_polar({.y = 10, .x = 18}, centre, AngleOrigin::north).theta, 90, kTiny);
  EXPECT_NEAR(to_polar({.y = 9, .x = 21}, centre, AngleOrigin::x_axis).theta, -45, kTiny);
}

TEST(Polar, ThereAndBackIsTheSamePlace) {
  const Position centre{3.5, -2};
  for (const AngleOrigin origin : {AngleOrigin::x_axis, AngleOrigin::north})
    for (const UncertainPosition at : {UncertainPosition{7, 9}, {-4, 1}, {3.5, -8}, {2, -2}}) {
      const UncertainPosition back = to_cartesian(to_polar(at, centre, origin), centre, origin);
      EXPECT_NEAR(back.y, at.y, kTiny);
      EXPECT_NEAR(back.x, at.x, kTiny);
      EXPECT_EQ(back.y_error, 0);
      EXPECT_EQ(back.x_error, 0);
    }
}

// 200000 draws give a standard deviation to 0.16 %; errors of 0.01 in 5 px leave second orders of 1e-5.
TEST(Polar, ErrorsAreThoseOfDraws) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  const Position centre{1, 2};
  const UncertainPosition at{.y = 4, .x = 6, .y_error = 0.01, .x_error = 0.03};
  const PolarPosition there = to_polar(at, centre, AngleOrigin::x_axis);
  const PolarPosition from{.r = 5, .theta = 40, .r_error = 0.02, .theta_error = 0.3};
  const UncertainPosition back = to_cartesian(from, centre, AngleOrigin::north);
  constexpr int kDraws = 200000;
  double r = 0, theta = 0, y = 0, x = 0;
  for (int i = 0; i < kDraws; ++i) {
    const PolarPosition p =
        to_polar({.y = at.y + 0.01 * normal(random), .x = at.x + 0.03 * normal(random)}, centre, AngleOrigin::x_axis);
    r += std::pow(p.r - there.r, 2) / kDraws;
    theta += std::pow(p.theta - there.theta, 2) / kDraws;
    const UncertainPosition c =
        to_cartesian({.r = 5 + 0.02 * normal(random), .theta = 40 + 0.3 * normal(random)}, centre, AngleOrigin::north);
    y += std::pow(c.y - back.y, 2) / kDraws;
    x += std::pow(c.x - back.x, 2) / kDraws;
  }
  EXPECT_NEAR(there.r_error / std::sqrt(r), 1, 0.008);
  EXPECT_NEAR(there.theta_error / std::sqrt(theta), 1, 0.008);
  EXPECT_NEAR(back.y_error / std::sqrt(y), 1, 0.008);
  EXPECT_NEAR(back.x_error / std::sqrt(x), 1, 0.008);
}

}  // namespace
}  // namespace hci::test
