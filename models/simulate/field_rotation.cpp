// SPDX-License-Identifier: MIT
#include "models/simulate/field_rotation.hpp"

#include <cmath>
#include <numbers>

#include "kernels/core/error.hpp"

namespace hci {
namespace {

constexpr double kRadians = std::numbers::pi / 180;
constexpr double kDegreesPerSecond = 360.0 / 86164.0905;  // of hour angle: one turn in a sidereal day

/// b, plus whole turns such that it lies within 180 degrees of a.
double next_to(double a, double b) { return a + std::remainder(b - a, 360.0); }

/// How far the field turns from middle - half to middle + half (hour angles in degrees), following it.
double rotation(double latitude, double declination, double middle, double half) {
  constexpr int kSteps = 400;
  const double first = parallactic_angle(middle - half, declination, latitude);
  double angle = first;
  for (int i = 1; i <= kSteps; ++i)
    angle = next_to(angle, parallactic_angle(middle - half + 2 * half * i / kSteps, declination, latitude));
  return std::fabs(angle - first);
}

/// Half of the hour-angle range (degrees) in which the field turns by `range`.
double half_range_for(double latitude, double declination, double middle, double range) {
  constexpr double kMost = 75, kStep = 0.25;  // degrees of hour angle; 75 = 5 h
  double low = 0, high = 0;
  // The first step that turns far enough: near the zenith or an elongation the turn is not monotonic.
  double reached = 0;
  while (reached < range && high < kMost) {
    low = high;
    high += kStep;
    reached = rotation(latitude, declination, middle, high);
  }
  require(reached >= range, "simulate: the field turns by ", reached,
          " degrees within 5 h on each side: a rotation_range of ", range, " is out of reach");
  for (int i = 0; i < 60; ++i) {
    const double half = 0.5 * (low + high);
    (rotation(latitude, declination, middle, half) < range ? low : high) = half;
  }
  return high;
}

}  // namespace

double parallactic_angle(double hour_angle, double declination, double latitude) {
  const double h = hour_angle * kRadians, d = declination * kRadians, p = latitude * kRadians;
  return std::atan2(std::cos(p) * std::sin(h), std::sin(p) * std::cos(d) - std::cos(p) * std::sin(d) * std::cos(h)) /
         kRadians;
}

double FieldRotation::angle_at(std::size_t t, double seconds) const {
  if (spacing == 0) return angles[t];
  const double hour_angle = first_hour_angle + kDegreesPerSecond * (static_cast<double>(t) * spacing + seconds);
  return next_to(angles[t], parallactic_angle(hour_angle, declination, latitude));
}

FieldRotation field_rotation(double latitude, double declination, double middle_hours, double range, int frames) {
  require(frames >= 1, "field_rotation: ", frames, " frames");
  require(range >= 0, "field_rotation: a range of ", range, " degrees");
  const double middle = 15 * middle_hours;
  const double half = frames > 1 && range > 0 ? half_range_for(latitude, declination, middle, range) : 0;
  FieldRotation rotation;
  rotation.latitude = latitude;
  rotation.declination = declination;
  rotation.first_hour_angle = middle - half;
  if (frames > 1) rotation.spacing = 2 * half / kDegreesPerSecond / (frames - 1);
  for (int t = 0; t < frames; ++t) {
    const double hour_angle = middle - half + kDegreesPerSecond * rotation.spacing * t;
    const double angle = parallactic_angle(hour_angle, declination, latitude);
    rotation.angles.push_back(t == 0 ? angle : next_to(rotation.angles.back(), angle));
  }
  return rotation;
}

}  // namespace hci
