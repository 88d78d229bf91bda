// SPDX-License-Identifier: MIT
#pragma once
// Exact overlap of a disc and pixels, in closed form; for the kernels that sum over apertures.
//
// With the disc scaled to radius 1 and centre 0, let F(x, y) be its area left of x and below y. A
// pixel's overlap is F(x1,y1) - F(x0,y1) - F(x1,y0) + F(x0,y0). F itself is made of one function of
// one variable, the area G(t) of the upper half disc between 0 and t: inside the disc
// F = pi/4 + G(x) + G(y) + xy, outside it is the area beyond one line or two that do not meet.
#include <cmath>

#include "kernels/core/view.hpp"

namespace hci::disc {

constexpr double kQuarterPi = 0.78539816339744830962;

/// A pixel that is not finite spoils an aperture that covers more than this area of it, px². Below
/// it lies the rounding of an overlap that is zero.
constexpr double kLeastOverlap = 1e-9;

/// P(d): the half disc's area between 1 - d and 1 is d sqrt(d) P(d), for d in [0, 1]. Interpolates
/// the integral of sqrt(2u - u²) at 14 Chebyshev points; error of the area below 2e-14. V: double,
/// or a vector of them.
template <class V>
HCI_HD inline V rim_polynomial(V d) {
  constexpr int terms = 14;
  constexpr double rim[terms] = {0.9428090415820726,      -0.14142135624089244,   -0.012626906575323761,
                                 -0.002455237746118866,   -0.0006276810025693471, -0.00018651691346129403,
                                 -5.738191047571913e-05,  -3.123199533404344e-05, 1.6345831920894258e-05,
                                 -4.1489950371695656e-05, 4.1425005769481285e-05, -3.1232327633342245e-05,
                                 1.320332628496162e-05,   -2.8176864026457455e-06};
  V p = d * rim[terms - 1] + rim[terms - 2];
  for (int n = terms - 3; n >= 0; --n) p = p * d + rim[n];
  return p;
}

/// G(t): odd, and +-pi/4 beyond the rim.
HCI_HD inline double half_area(double t) {
  const double distance = 1 - std::fabs(t);
  const double d = distance > 0 ? distance : 0;
  return std::copysign(kQuarterPi - d * std::sqrt(d) * rim_polynomial(d), t);
}

/// F(x, y), given a = half_area(x) and b = half_area(y).
HCI_HD inline double corner(double x, double y, double a, double b) {
  if (x * x + y * y < 1) return kQuarterPi + a + b + x * y;
  if (y < 0) return x < 0 ? 0 : 2 * (kQuarterPi + b);
  return 2 * (a + (x < 0 ? kQuarterPi : b));
}

/// Sum of a frame over one disc, pixels weighted with the share that the disc covers.
struct Sum {
  double value = 0;
  bool masked = false;  ///< the disc covers a pixel that is not finite
};

/// The pixels from which to which a disc reaches along an axis of n pixels; none where first > last.
struct Reach {
  index_t first = 0, last = -1;
  HCI_HD Reach(double centre, double radius, index_t n) {
    const double low = std::floor(centre - radius + 0.5), high = std::floor(centre + radius + 0.5);
    // Held to the frame before they are cast: a disc may lie further off than an index can tell.
    const auto end = static_cast<double>(n);
    first = low > 0 ? static_cast<index_t>(low < end ? low : end) : 0;
    last = high < end - 1 ? static_cast<index_t>(high > -1 ? high : -1) : n - 1;
  }
};

/// A disc's G at the right edge of each column, made when asked for: what a GPU has no memory for.
struct EdgeAreas {
  double x, scale;
  HCI_HD double edge(index_t i) const { return (static_cast<double>(i) + 0.5 - x) * scale; }
  HCI_HD double operator()(index_t i) const { return half_area(edge(i)); }
};
/// The same, kept for all rows.
struct KeptEdgeAreas {
  static constexpr index_t kMost = 64;
  EdgeAreas areas;
  index_t first;
  double kept[kMost];
  HCI_HD KeptEdgeAreas(const EdgeAreas& made, const Reach& columns) : areas(made), first(columns.first) {
    for (index_t i = first; i <= columns.last && i - first < kMost; ++i) kept[i - first] = areas(i);
  }
  HCI_HD double operator()(index_t i) const { return i - first < kMost ? kept[i - first] : areas(i); }
};

/// Calls visit(j, i, overlap) for the pixels of a frame of ny x nx that the disc covers by more than kLeastOverlap;
/// overlaps are in units of radius². Areas: EdgeAreas or what gives the same.
template <class Areas, class Visit>
HCI_HD inline void visit_pixels(index_t ny, index_t nx, double y, double x, double radius, const Areas& areas,
                                const Visit& visit) {
  const Reach rows(y, radius, ny), columns(x, radius, nx);
  const double scale = 1 / radius, least = kLeastOverlap * scale * scale;
  for (index_t j = rows.first; j <= rows.last; ++j) {
    const double y0 = (static_cast<double>(j) - 0.5 - y) * scale, y1 = y0 + scale;
    const double b0 = half_area(y0), b1 = half_area(y1);
    double x0 = (static_cast<double>(columns.first) - 0.5 - x) * scale;
    double a0 = half_area(x0);
    double left = corner(x0, y1, a0, b1) - corner(x0, y0, a0, b0);
    for (index_t i = columns.first; i <= columns.last; ++i) {
      const double x1 = (static_cast<double>(i) + 0.5 - x) * scale, a1 = areas(i);
      const double right = corner(x1, y1, a1, b1) - corner(x1, y0, a1, b0);
      const double overlap = right - left;
      left = right;
      if (overlap > least) visit(j, i, overlap);
    }
  }
}

/// Pixels outside the frame add nothing.
template <class Areas>
HCI_HD inline Sum sum(const Frame<const float>& frame, double y, double x, double radius, const Areas& areas) {
  Sum result;
  visit_pixels(frame.extent(0), frame.extent(1), y, x, radius, areas, [&](index_t j, index_t i, double overlap) {
    const double value = frame(j, i);
    if (std::isfinite(value))
      result.value += overlap * value;
    else
      result.masked = true;
  });
  result.value *= radius * radius;
  return result;
}
HCI_HD inline Sum sum(const Frame<const float>& frame, double y, double x, double radius) {
  return sum(frame, y, x, radius, EdgeAreas{x, 1 / radius});
}

}  // namespace hci::disc
