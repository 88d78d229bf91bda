// SPDX-License-Identifier: MIT
#include "models/simulate/field_rotation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "kernels/core/error.hpp"

namespace hci::test {
namespace {

constexpr double kRadians = std::numbers::pi / 180;

TEST(ParallacticAngle, IsZeroOrAHalfTurnOnTheMeridian) {
  EXPECT_NEAR(parallactic_angle(0, -51, -24.6), 0, 1e-12);                // culminates south of the zenith
  EXPECT_NEAR(std::fabs(parallactic_angle(0, -2.5, -24.6)), 180, 1e-12);  // north of it
  EXPECT_NEAR(parallactic_angle(0, 10, 50), 0, 1e-12);
}

TEST(ParallacticAngle, IsConstantWhereTheZenithIsAPole) {
  for (const double h : {-70.0, -10.0, 33.0, 120.0}) {
    EXPECT_NEAR(parallactic_angle(h, 20, 90), 0, 1e-9);
    EXPECT_NEAR(std::fabs(parallactic_angle(h, -20, -90)), 180, 1e-9);
  }
}

// Seen from the equator, a star on the celestial equator moves along the vertical: the zenith is due
// east of it after transit and due west before.
TEST(ParallacticAngle, IsARightAngleOnTheVerticalOfTheEquator) {
  for (const double h : {5.0, 40.0}) {
    EXPECT_NEAR(parallactic_angle(h, 0, 0), 90, 1e-9);
    EXPECT_NEAR(parallactic_angle(-h, 0, 0), -90, 1e-9);
  }
}

// The law of sines in the triangle pole - zenith - star: sin q / cos latitude = sin h / sin z.
TEST(ParallacticAngle, ObeysTheLawOfSines) {
  for (const double declination : {-51.0, -2.5, 35.0})
    for (const double h : {-50.0, -7.0, 20.0, 65.0}) {
      const double latitude = -24.6;
      const double cos_z = std::sin(latitude * kRadians) * std::sin(declination * kRadians) +
                           std::cos(latitude * kRadians) * std::cos(declination * kRadians) * std::cos(h * kRadians);
      const double sin_z = std::sqrt(1 - cos_z * cos_z);
      EXPECT_NEAR(std::sin(parallactic_angle(h, declination, latitude) * kRadians) * sin_z,
                  std::cos(latitude * kRadians) * std::sin(h * kRadians), 1e-12);
    }
}

TEST(FieldRotation, TurnsByTheRangeWithoutJumps) {
  for (const double declination : {-51.0, -2.5, -39.9, 12.0}) {
    const FieldRotation r = field_rotation(-24.6, declination, 0.3, 40, 30);
    EXPECT_NEAR(std::fabs(r.angles.back() - r.angles.front()), 40, 1e-9);
    for (std::size_t t = 1; t < 30; ++t) EXPECT_LT(std::fabs(r.angles[t] - r.angles[t - 1]), 20);
    for (std::size_t t = 0; t < 30; ++t) EXPECT_NEAR(r.angle_at(t, 0), r.angles[t], 1e-9);
    // Halfway in time lies between two frames.
    const double half = r.angle_at(4, r.spacing / 2);
    EXPECT_LE(std::min(r.angles[4], r.angles[5]), half);
    EXPECT_GE(std::max(r.angles[4], r.angles[5]), half);
  }
}

// At transit dq/dh = cos(latitude) / sin(latitude - declination), from the closed form.
TEST(FieldRotation, TakesTheTimeOfTheSky) {
  const FieldRotation r = field_rotation(-24.6, -51.0, 0.0, 1.0, 2);
  const double rate = std::cos(24.6 * kRadians) / std::sin(26.4 * kRadians);
  EXPECT_NEAR(r.spacing, 1.0 / rate * 86164.0905 / 360, 0.01);
}

TEST(FieldRotation, OfRangeZeroOrOneFrameStandsStill) {
  EXPECT_EQ(field_rotation(-24.6, -51.0, 1.0, 80, 1).angles.size(), 1u);
  const FieldRotation r = field_rotation(-24.6, -51.0, 1.0, 0, 3);
  EXPECT_EQ(r.angles[0], r.angles[2]);
  EXPECT_EQ(r.angle_at(0, 100), r.angles[0]);
}

TEST(FieldRotation, OutOfReachIsRefused) { EXPECT_THROW(field_rotation(-24.6, 60, 0, 300, 5), InvalidInput); }

}  // namespace
}  // namespace hci::test
