// SPDX-License-Identifier: MIT
#include "kernels/geometry/polar.hpp"

#include <cmath>
#include <numbers>

namespace hci {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

/// sqrt((a da)² + (b db)²), where no error is no error, whatever it is multiplied with.
double propagated(double a, double da, double b, double db) {
  return std::hypot(da == 0 ? 0 : a * da, db == 0 ? 0 : b * db);
}

}  // namespace

PolarPosition to_polar(const UncertainPosition& at, const Position& centre, AngleOrigin origin) {
  const double dy = at.y - centre.y, dx = at.x - centre.x, r = std::hypot(dy, dx), r2 = r * r;
  return {r, std::atan2(dy, dx) / kDegree - (origin == AngleOrigin::north ? 90 : 0),
          propagated(dx / r, at.x_error, dy / r, at.y_error),
          propagated(dy / r2, at.x_error, dx / r2, at.y_error) / kDegree};
}

UncertainPosition to_cartesian(const PolarPosition& at, const Position& centre, AngleOrigin origin) {
  const double theta = (at.theta + (origin == AngleOrigin::north ? 90 : 0)) * kDegree;
  const double c = std::cos(theta), s = std::sin(theta), across = at.theta_error * kDegree;
  return {centre.y + at.r * s, centre.x + at.r * c, propagated(s, at.r_error, at.r * c, across),
          propagated(c, at.r_error, at.r * s, across)};
}

}  // namespace hci
