// SPDX-License-Identifier: MIT
#include "kernels/stats/snr_map_approximated.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/geometry/centre.hpp"

// Averages: of a disc of 2.4 px 21 reads of 4 bytes, shared with neighbours (L1), and as many additions. Circles:
// 5.7 r points, each 12 bytes from L2 and 10 flops in double. (210, 210): 13 M points, 0.15 GB and 0.13 GFLOP, 0.03
// ms on an H200 (6 TB/s from L2), 0.5 ms on a GTX 1080 (0.28 TFLOP/s); threads are pixels, and a warp's 32
// neighbours in a row have nearly the same circle, so its points come from L1. The host's work on the circles
// between the two kernels takes longer than both on an H200, 0.5 ms: this map is for a quick look.

namespace hci {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Mean over the pixels whose centres are within the radius.
struct DiscMean {
  Frame<const float> in;
  double radius;
  float masked;  // NaN
  Frame<float> out;

  HCI_HD void operator()(index_t y, index_t x) const {
    const auto reach = static_cast<index_t>(radius);
    double sum = 0;
    index_t count = 0;
    for (index_t dy = -reach; dy <= reach; ++dy)
      for (index_t dx = -reach; dx <= reach; ++dx) {
        if (static_cast<double>(dy * dy + dx * dx) > radius * radius) continue;
        const index_t j = y + dy, i = x + dx;
        const bool inside = j >= 0 && j < in.extent(0) && i >= 0 && i < in.extent(1);
        const double value = inside ? in(j, i) : 0.0F;
        if (!std::isfinite(value)) continue;
        sum += value;
        ++count;
      }
    out(y, x) = count == 0 ? masked : static_cast<float>(sum / static_cast<double>(count));
  }
};

struct Offset {
  std::int32_t y = 0, x = 0;
};

/// Circles about the centre, of radius 0, 1, 2, ...
struct Circles {
  std::vector<std::int32_t> first;  ///< of circle k in `points`; one more at the end
  std::vector<Offset> points;
  std::vector<float> spread;  ///< median absolute deviation of circle k
};

/// Bresenham's circle: eight points for each step, without regard to repetition.
void append_circle(int radius, std::vector<Offset>& points) {
  int column = 0, row = radius, decision = 3 - 2 * radius;
  while (row >= column) {
    for (const auto& [a, b] : {Offset{row, column}, Offset{column, row}})
      for (const int sign : {1, -1}) {
        points.push_back({a, sign * b});
        points.push_back({-a, sign * b});
      }
    if (decision < 0) {
      decision += 4 * column + 6;
    } else {
      decision += 4 * (column - row) + 10;
      --row;
    }
    ++column;
  }
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

float median_absolute_deviation(std::vector<double> values) {
  if (values.empty()) return kNaN;
  const double centre = median(values);
  for (double& value : values) value = std::fabs(value - centre);
  return static_cast<float>(median(values));
}

Circles circles_of(Frame<const float> averaged, int count) {
  const auto cy = static_cast<index_t>(frame_centre(averaged.extent(0)));
  const auto cx = static_cast<index_t>(frame_centre(averaged.extent(1)));
  Circles circles;
  for (int radius = 0; radius < count; ++radius) {
    circles.first.push_back(static_cast<std::int32_t>(circles.points.size()));
    append_circle(radius, circles.points);
    std::vector<double> values;
    for (auto p = circles.points.begin() + circles.first.back(); p != circles.points.end(); ++p)
      if (const double value = averaged(cy + p->y, cx + p->x); std::isfinite(value)) values.push_back(value);
    circles.spread.push_back(median_absolute_deviation(std::move(values)));
  }
  circles.first.push_back(static_cast<std::int32_t>(circles.points.size()));
  return circles;
}

struct Zero {
  Frame<float> out;
  HCI_HD void operator()(index_t y, index_t x) const { out(y, x) = 0; }
};

struct SnrOnCircle {
  Frame<const float> averaged;
  Vector<const std::int32_t> first;
  Vector<const Offset> points;
  Vector<const float> spread;
  index_t cy, cx;
  double fwhm, inner, outer, two_pi;
  float masked;  // NaN
  Frame<float> out;

  HCI_HD void operator()(index_t y, index_t x) const {
    const auto dy = static_cast<double>(y - cy), dx = static_cast<double>(x - cx);
    const double r = std::sqrt(dy * dy + dx * dx);
    if (r < inner || r >= outer || averaged(y, x) == 0) {
      out(y, x) = 0;
      return;
    }
    const auto circle = static_cast<index_t>(r);
    const double limit = fwhm * fwhm / 4, origin = spread(circle);
    double sum = 0, squares = 0, count = 0;
    for (std::int32_t p = first(circle); p < first(circle + 1); ++p) {
      const double py = points(p).y, px = points(p).x;
      const bool near = (py - dy) * (py - dy) + (px - dx) * (px - dx) < limit;
      const double value = near ? spread(circle) : averaged(cy + points(p).y, cx + points(p).x);
      if (!std::isfinite(value)) continue;
      sum += value - origin;
      squares += (value - origin) * (value - origin);
      count += 1;
    }
    const double mean = sum / count, variance = (squares - sum * mean) / (count - 1);
    const double n = two_pi * r / fwhm - 1;
    const double noise = std::sqrt((variance > 0 ? variance : 0) * (1 + 1 / n));
    out(y, x) = count < 2 ? masked : static_cast<float>((averaged(y, x) - origin - mean) / noise);
  }
};

}  // namespace

void snr_map_approximated(Exec& exec, Frame<const float> frame, double fwhm, Frame<float> out) {
  require(std::isfinite(fwhm) && fwhm > 0, "snr_map_approximated: fwhm is ", fwhm, " px, it must be positive");
  require(out.extents() == frame.extents(), "snr_map_approximated: frame and map differ in shape");
  const double inner = fwhm / 2 + 1;
  const double width = static_cast<double>(std::min(frame.extent(0), frame.extent(1))) / 2 - 1.5 * fwhm - 1;
  if (width <= 0) {
    for_each(exec, out.extents(), Zero{out});
    return;
  }
  Array<float, 2> averaged(exec, frame.extents());
  for_each(exec, frame.extents(), DiscMean{frame, fwhm / 2, kNaN, averaged.view()});
  const auto averaged_host = to_host(exec, averaged.view());
  Circles circles = circles_of(averaged_host.view(), static_cast<int>(std::ceil(inner + width)));
  const auto first = to_device(exec, std::move(circles.first));
  const auto points = to_device(exec, std::move(circles.points));
  const auto spread = to_device(exec, std::move(circles.spread));
  for_each(exec, frame.extents(),
           SnrOnCircle{.averaged = averaged.view(),
                       .first = first.view(),
                       .points = points.view(),
                       .spread = spread.view(),
                       .cy = static_cast<index_t>(frame_centre(frame.extent(0))),
                       .cx = static_cast<index_t>(frame_centre(frame.extent(1))),
                       .fwhm = fwhm,
                       .inner = inner,
                       .outer = inner + width,
                       .two_pi = 2 * std::numbers::pi,
                       .masked = kNaN,
                       .out = out});
}

}  // namespace hci
