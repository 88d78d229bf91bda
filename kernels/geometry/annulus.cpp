// SPDX-License-Identifier: MIT
#include "kernels/geometry/annulus.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "kernels/core/error.hpp"
#include "kernels/geometry/centre.hpp"

namespace hci {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;

double radians(double degrees) { return degrees * (std::numbers::pi / 180); }

/// Angle of (dy, dx) from +x, in [0, 2 pi]: a hair below +x it rounds to the full turn.
double azimuth(double dy, double dx) {
  const double phi = std::atan2(dy, dx);
  return phi < 0 ? phi + kTwoPi : phi;
}

/// Polar angles, 0 up to 360 degrees, from `start` counter-clockwise to below `end`: all of them where these are the
/// same. Sectors side by side share a bound to the last bit, or a pixel on it might be in none of them, or in both.
class Sector {
 public:
  Sector(double start, double end) : full_(start == end), start_(radians(start)), end_(radians(end)) {}
  /// Of an azimuth(). A full turn is just below the next sector's 0: it belongs to one that reaches there or beyond.
  bool has(double phi) const {
    if (full_ || start_ > end_) return full_ || phi >= start_ || phi < end_;
    return phi >= start_ && phi < end_;  // none between degrees that are the same in radians
  }

 private:
  bool full_;
  double start_, end_;
};

std::array<double, 2> centre_of(const char* caller, index_t ny, index_t nx, const SetCentre& centre) {
  const auto at = centre.value_or(std::array<double, 2>{frame_centre(ny), frame_centre(nx)});
  require(std::isfinite(at[0]) && std::isfinite(at[1]), caller, ": the centre is (", at[0], ", ", at[1],
          "); it must be finite");
  return at;
}

/// Calls visit(index, dy, dx) for the pixels with inner <= r < outer, and for a few beside them, in the order of their
/// indices; offsets are from the centre. A job asks for every annulus of its frames: none looks at all of the pixels.
template <class Visit>
void visit_ring(index_t ny, index_t nx, const std::array<double, 2>& centre, double inner, double outer,
                const Visit& visit) {
  const auto [cy, cx] = centre;
  const auto column = [nx](double x) { return static_cast<index_t>(std::clamp(x, 0.0, static_cast<double>(nx))); };
  for (index_t y = 0; y < ny; ++y) {
    const double dy = static_cast<double>(y) - cy;
    if (std::abs(dy) > outer + 1) continue;
    const double reach = std::sqrt(std::max(0.0, outer * outer - dy * dy)) + 1;
    const double hole = std::abs(dy) < inner ? std::max(0.0, std::sqrt(inner * inner - dy * dy) - 1) : 0;
    const index_t first = column(std::floor(cx - reach)), last = column(std::ceil(cx + reach) + 1);
    const index_t hole_first = column(std::ceil(cx - hole)), hole_last = column(std::floor(cx + hole));
    for (index_t x = first; x < last; ++x) {
      if (x == hole_first) x = std::max(x, hole_last);
      if (x < last) visit(y * nx + x, dy, static_cast<double>(x) - cx);
    }
  }
}

/// The pixels for which inside(dy, dx) holds, all of them within `outer` of the centre, none within `inner`.
template <class Inside>
PixelSet pixels_where(index_t ny, index_t nx, const std::array<double, 2>& centre, double inner, double outer,
                      const Inside& inside) {
  PixelSet set;
  visit_ring(ny, nx, centre, inner, outer, [&](index_t index, double dy, double dx) {
    if (inside(dy, dx)) set.push_back(index);
  });
  return set;
}

}  // namespace

std::vector<PixelSet> annulus_segments(index_t ny, index_t nx, double inner, double width, int segments,
                                       double theta_init, const SetCentre& centre) {
  require(segments >= 1, "annulus: ", segments, " segments; there must be 1 at least");
  require(inner >= 0, "annulus: the inner radius is ", inner, " px; it must not be negative");
  require(width > 0, "annulus: the width is ", width, " px; it must be positive");
  require(theta_init >= 0 && theta_init < 360, "annulus: the first segment starts at ", theta_init,
          " degrees; give an angle from 0 up to 360");
  const double outer = inner + width;
  const auto coverage = static_cast<int>(std::ceil(360.0 / segments));
  const auto bound = [=](int i) {
    const double angle = theta_init + coverage * i % 360;
    return angle < 360 ? angle : angle - 360;
  };
  std::vector<Sector> sectors;
  for (int i = 0; i < segments; ++i) sectors.emplace_back(bound(i), bound(i + 1));
  std::vector<PixelSet> sets(static_cast<std::size_t>(segments));
  visit_ring(ny, nx, centre_of("annulus", ny, nx, centre), inner, outer, [&](index_t index, double dy, double dx) {
    const double r = std::sqrt(dx * dx + dy * dy);
    if (r < inner || r >= outer) return;
    const double phi = azimuth(dy, dx);
    for (std::size_t i = 0; i < sets.size(); ++i)
      if (sectors[i].has(phi)) sets[i].push_back(index);
  });
  return sets;
}

PixelSet circle(index_t ny, index_t nx, double radius, const SetCentre& centre) {
  require(radius >= 0, "circle: the radius is ", radius, " px; it must not be negative");
  return pixels_where(ny, nx, centre_of("circle", ny, nx, centre), 0, radius,
                      [=](double dy, double dx) { return dx * dx + dy * dy < radius * radius; });
}

PixelSet annulus(index_t ny, index_t nx, double inner, double width, const SetCentre& centre) {
  return std::move(annulus_segments(ny, nx, inner, width, 1, 0, centre).front());
}

PixelSet annular_wedge(index_t ny, index_t nx, double inner, double width, double start, double end,
                       const SetCentre& centre) {
  require(inner >= 0 && width > 0, "annular_wedge: the inner radius is ", inner, " px, the width ", width,
          " px; they must be 0 or more, and positive");
  require(start >= 0 && start < 360 && end > start && end <= start + 360, "annular_wedge: from ", start, " to ", end,
          " degrees; the start must be from 0 up to 360, the end beyond it by a turn at most");
  // Beyond a turn by a rounding, the end is the start.
  const Sector sector(start, end < 360 ? end : std::min(end - 360, start));
  return pixels_where(ny, nx, centre_of("annular_wedge", ny, nx, centre), inner, inner + width,
                      [=](double dy, double dx) {
                        const double r = std::sqrt(dx * dx + dy * dy);
                        return r >= inner && r < inner + width && sector.has(azimuth(dy, dx));
                      });
}

PixelSet ellipse(index_t ny, index_t nx, double a, double b, double angle, const SetCentre& centre) {
  require(a >= b && b > 0 && std::isfinite(a), "ellipse: the semi-axes are ", a, " and ", b,
          " px; they must be positive and finite, the longer comes first");
  require(std::isfinite(angle), "ellipse: the angle is ", angle, " degrees; it must be finite");
  // Not a² - b², which rounding may leave below 0 for a circle.
  const double f = std::sqrt((a - b) * (a + b)), fy = f * std::cos(radians(angle)), fx = f * std::sin(radians(angle));
  return pixels_where(ny, nx, centre_of("ellipse", ny, nx, centre), 0, a, [=](double dy, double dx) {
    return std::hypot(dy - fy, dx - fx) + std::hypot(dy + fy, dx + fx) < 2 * a;
  });
}

}  // namespace hci
