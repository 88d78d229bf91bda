// SPDX-License-Identifier: MIT
#include "kernels/geometry/annulus.hpp"

#include <cmath>
#include <numbers>

#include "kernels/core/error.hpp"
#include "kernels/geometry/centre.hpp"

namespace hci {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;

double radians(double degrees) { return degrees * (std::numbers::pi / 180); }

/// Angle of (dy, dx) from +x, in [0, 2 pi).
double azimuth(double dy, double dx) {
  const double phi = std::atan2(dy, dx);
  return phi < 0 ? phi + kTwoPi : phi;
}

/// Whether phi in [0, 2 pi) lies in [start, end), where either may be beyond a full turn.
bool in_sector(double phi, double start, double end) {
  if (start < kTwoPi && end > kTwoPi) return phi >= start || phi < end - kTwoPi;
  if (start >= kTwoPi && end > kTwoPi) return phi >= start - kTwoPi && phi < end - kTwoPi;
  return phi >= start && phi < end;
}

}  // namespace

std::vector<PixelSet> annulus_segments(index_t ny, index_t nx, double inner, double width, int segments,
                                       double theta_init) {
  require(segments >= 1, "annulus: ", segments, " segments; there must be 1 at least");
  require(inner >= 0, "annulus: the inner radius is ", inner, " px; it must not be negative");
  require(width > 0, "annulus: the width is ", width, " px; it must be positive");
  require(theta_init >= 0 && theta_init < 360, "annulus: the first segment starts at ", theta_init,
          " degrees; give an angle from 0 up to 360");
  const double cy = frame_centre(ny), cx = frame_centre(nx), outer = inner + width;
  const double coverage = radians(std::ceil(360.0 / segments)), first = radians(theta_init);
  std::vector<PixelSet> sets(static_cast<std::size_t>(segments));
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) {
      const double dy = static_cast<double>(y) - cy, dx = static_cast<double>(x) - cx;
      const double r = std::sqrt(dx * dx + dy * dy);
      if (r < inner || r >= outer) continue;
      const double phi = azimuth(dy, dx);
      for (int i = 0; i < segments; ++i) {
        const double start = first + i * coverage;
        if (in_sector(phi, start, start + coverage)) sets[static_cast<std::size_t>(i)].push_back(y * nx + x);
      }
    }
  return sets;
}

PixelSet circle(index_t ny, index_t nx, double radius) {
  require(radius >= 0, "circle: the radius is ", radius, " px; it must not be negative");
  const double cy = frame_centre(ny), cx = frame_centre(nx);
  PixelSet set;
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) {
      const double dy = static_cast<double>(y) - cy, dx = static_cast<double>(x) - cx;
      if (dx * dx + dy * dy < radius * radius) set.push_back(y * nx + x);
    }
  return set;
}

}  // namespace hci
