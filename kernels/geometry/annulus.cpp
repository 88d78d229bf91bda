// SPDX-License-Identifier: MIT
#include "kernels/geometry/annulus.hpp"

#include <cmath>
#include <numbers>
#include <utility>

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

/// The pixels for which inside(dy, dx) holds, offsets from the centre.
template <class Inside>
PixelSet pixels_where(index_t ny, index_t nx, const Inside& inside) {
  const double cy = frame_centre(ny), cx = frame_centre(nx);
  PixelSet set;
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x)
      if (inside(static_cast<double>(y) - cy, static_cast<double>(x) - cx)) set.push_back(y * nx + x);
  return set;
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
  return pixels_where(ny, nx, [=](double dy, double dx) { return dx * dx + dy * dy < radius * radius; });
}

PixelSet annulus(index_t ny, index_t nx, double inner, double width) {
  return std::move(annulus_segments(ny, nx, inner, width).front());
}

PixelSet annular_wedge(index_t ny, index_t nx, double inner, double width, double start, double end) {
  require(inner >= 0 && width > 0, "annular_wedge: the inner radius is ", inner, " px, the width ", width,
          " px; they must be 0 or more, and positive");
  require(start >= 0 && start < 360 && end > start && end <= start + 360, "annular_wedge: from ", start, " to ", end,
          " degrees; the start must be from 0 up to 360, the end beyond it by a turn at most");
  const double first = radians(start), last = first + radians(end - start);
  return pixels_where(ny, nx, [=](double dy, double dx) {
    const double r = std::sqrt(dx * dx + dy * dy);
    return r >= inner && r < inner + width && in_sector(azimuth(dy, dx), first, last);
  });
}

PixelSet ellipse(index_t ny, index_t nx, double a, double b, double angle) {
  require(a >= b && b > 0, "ellipse: the semi-axes are ", a, " and ", b, " px; the longer comes first");
  const double f = std::sqrt(a * a - b * b), fy = f * std::cos(radians(angle)), fx = f * std::sin(radians(angle));
  return pixels_where(ny, nx, [=](double dy, double dx) {
    return std::hypot(dy - fy, dx - fx) + std::hypot(dy + fy, dx + fx) < 2 * a;
  });
}

}  // namespace hci
