// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/stats/apertures.hpp"

namespace hci::test {

/// The area of a disc about 0 inside [x0, x1] x [y0, y1]: the integral over x of the part of its chord between y0 and
/// y1, whose ends are on the rim or on the sides, from one place where that changes to the next.
inline double disc_overlap_by_chords(double x0, double x1, double y0, double y1, double radius) {
  const double from = std::max(x0, -radius), to = std::min(x1, radius);
  std::vector<double> places{from, to};
  for (const double y : {y0, y1})
    if (std::abs(y) < radius)
      for (const double sign : {-1.0, 1.0})
        if (const double x = sign * std::sqrt(radius * radius - y * y); x > from && x < to) places.push_back(x);
  std::sort(places.begin(), places.end());
  const auto half_chord = [radius](double x) { return std::sqrt(std::max(0.0, (radius - x) * (radius + x))); };
  const auto half_area = [=](double x) {  // under the rim, from 0 to x
    return (x * half_chord(x) + radius * radius * std::atan2(x, half_chord(x))) / 2;
  };
  double area = 0;
  for (std::size_t i = 0; i + 1 < places.size(); ++i) {
    const double left = places[i], right = places[i + 1], chord = half_chord((left + right) / 2);
    if (left >= right || std::min(y1, chord) <= std::max(y0, -chord)) continue;
    const double under_rim = half_area(right) - half_area(left), width = right - left;
    area += (chord < y1 ? under_rim : y1 * width) + (-chord > y0 ? under_rim : -y0 * width);
  }
  return area;
}

/// aperture_sums() of one position as its contract says.
inline double disc_sum(const Frame<const float>& frame, const Position& at, double radius) {
  double sum = 0;
  const auto first = [=](double centre) { return std::max(index_t{0}, static_cast<index_t>(centre - radius - 1)); };
  for (index_t y = first(at.y); y < frame.extent(0) && double(y) <= at.y + radius + 1; ++y)
    for (index_t x = first(at.x); x < frame.extent(1) && double(x) <= at.x + radius + 1; ++x) {
      const double dy = double(y) - at.y, dx = double(x) - at.x;
      const double nearest = std::hypot(std::max(0.0, std::abs(dy) - 0.5), std::max(0.0, std::abs(dx) - 0.5));
      if (nearest >= radius) continue;
      const bool inside = std::hypot(std::abs(dy) + 0.5, std::abs(dx) + 0.5) <= radius;
      const double share = inside ? 1 : disc_overlap_by_chords(dx - 0.5, dx + 0.5, dy - 0.5, dy + 0.5, radius);
      if (share <= 1e-9) continue;
      const double value = frame(y, x);
      sum += std::isfinite(value) ? share * value : std::numeric_limits<double>::quiet_NaN();
    }
  return sum;
}

}  // namespace hci::test
