// SPDX-License-Identifier: MIT
#include "kernels/geometry/spline.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"

namespace hci {
namespace {

/// The filter's poles inside the unit circle: roots of the sampled B-spline's polynomial.
struct Poles {
  int count;
  double z[2];
};

Poles poles_of(int order) {
  switch (order) {
    case 2:
      return {1, {std::sqrt(8.0) - 3, 0}};
    case 3:
      return {1, {std::sqrt(3.0) - 2, 0}};
    case 4:
      return {2,
              {std::sqrt(664 - std::sqrt(438976.0)) + std::sqrt(304.0) - 19,
               std::sqrt(664 + std::sqrt(438976.0)) - std::sqrt(304.0) - 19}};
    default:
      return {2,
              {std::sqrt(67.5 - std::sqrt(4436.25)) + std::sqrt(26.25) - 6.5,
               std::sqrt(67.5 + std::sqrt(4436.25)) - std::sqrt(26.25) - 6.5}};
  }
}

/// After how many pixels a step has decayed to `rest`.
index_t decay_length(double pole, double rest) {
  return static_cast<index_t>(std::ceil(std::log(rest) / std::log(std::abs(pole))));
}

/// One pole, both ways along a line, in place:
///   forward c(i) = s(i) + z c(i - 1), backward b(i) = z (b(i + 1) - c(i)).
/// Both start `horizon` pixels beyond the line, which goes on as the border says.
struct LineFilter {
  double z;
  index_t horizon;
  Border border;

  HCI_HD void operator()(double* line, index_t step, index_t n) const {
    double before = 0;
    for (index_t k = horizon; k > 0; --k) before = line[border_index(-k, n, border) * step] + z * before;
    double c = before;
    for (index_t i = 0; i < n; ++i) {
      c = line[i * step] + z * c;
      line[i * step] = c;
    }
    // The pixels are gone, but s(i) = c(i) - z c(i - 1).
    double power = 1, sum = 0;
    for (index_t k = 0; k <= horizon; ++k) {
      if (k > 0) {
        const index_t i = border_index(n - 1 + k, n, border);
        c = line[i * step] - z * (i > 0 ? line[(i - 1) * step] : before) + z * c;
        power *= z;
      }
      sum += power * c;
    }
    double b = -z * sum;
    line[(n - 1) * step] = b;
    for (index_t i = n - 2; i >= 0; --i) {
      b = z * (b - line[i * step]);
      line[i * step] = b;
    }
  }
};

/// work (t, y, x) = the frames with their padding; NaN as the value outside.
struct Load {
  Cube<const float> in;
  Border border;
  index_t padding;
  Vector<const float> outside;
  Cube<double> work;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const index_t row = border_index(y - padding, in.extent(1), border);
    const index_t column = border_index(x - padding, in.extent(2), border);
    const double value = outside.extent(0) > 0 ? double(outside(t)) : 0;
    const float pixel = row < 0 || column < 0 ? NAN : in(t, row, column);
    work(t, y, x) = pixel != pixel ? value : double(pixel);
  }
};

/// (t, x): down a column; neighbouring threads have neighbouring columns.
struct FilterColumn {
  LineFilter filter;
  Cube<double> work;
  HCI_HD void operator()(index_t t, index_t x) const { filter(&work(t, 0, x), work.extent(2), work.extent(1)); }
};

/// (t, y): along a row.
struct FilterRow {
  LineFilter filter;
  Cube<double> work;
  HCI_HD void operator()(index_t t, index_t y) const { filter(&work(t, y, 0), 1, work.extent(2)); }
};

/// out = the coefficients, NaN where the pixel was.
struct Store {
  Cube<const float> in;
  Cube<const double> work;
  Border border;
  index_t padding;
  double gain;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const index_t row = border_index(y - padding, in.extent(1), border);
    const index_t column = border_index(x - padding, in.extent(2), border);
    const bool masked = row >= 0 && column >= 0 && in(t, row, column) != in(t, row, column);
    out(t, y, x) = masked ? NAN : static_cast<float>(gain * work(t, y, x));
  }
};

constexpr index_t kScratchBytes = index_t{256} << 20;

}  // namespace

index_t spline_padding(int order, Border border) {
  if (border != Border::constant && border != Border::edge) return 0;
  const Poles poles = poles_of(order);
  return decay_length(poles.z[0], 1e-8) + order / 2 + 1;
}

void spline_coefficients(Exec& exec, Cube<const float> in, int order, Border border, Vector<const float> outside,
                         Cube<float> out) {
  require(order >= kLowestSplineOrder && order <= kHighestSplineOrder, "spline_coefficients: the order is ", order,
          ": it must be ", kLowestSplineOrder, " to ", kHighestSplineOrder);
  const index_t padding = spline_padding(order, border), nt = in.extent(0);
  require(in.size() > 0, "spline_coefficients: the cube is empty");
  require(
      out.extent(0) == nt && out.extent(1) == in.extent(1) + 2 * padding && out.extent(2) == in.extent(2) + 2 * padding,
      "spline_coefficients: frames of ", in.extent(1), " x ", in.extent(2), " with ", padding,
      " pixels beyond each edge do not make ", out.extent(1), " x ", out.extent(2));
  require(outside.extent(0) == 0 || outside.extent(0) == nt, "spline_coefficients: got ", outside.extent(0),
          " values outside for ", nt, " frames");
  const Poles poles = poles_of(order);
  const index_t frame_bytes = out.extent(1) * out.extent(2) * static_cast<index_t>(sizeof(double));
  const index_t frames = std::clamp(kScratchBytes / frame_bytes, index_t{1}, nt);
  Array<double, 3> scratch(exec, {frames, out.extent(1), out.extent(2)});
  for (index_t first = 0; first < nt; first += frames) {
    const index_t count = std::min(frames, nt - first);
    const Cube<double> work = slice(scratch.view(), 0, count);
    const Cube<const float> from = slice(in, first, count);
    const auto values = outside.extent(0) > 0 ? slice(outside, first, count) : outside;
    for_each(exec, work.extents(), Load{from, border, padding, values, work});
    double gain = 1;
    for (int i = 0; i < poles.count; ++i) {
      const double z = poles.z[i];
      gain *= (1 - z) * (1 - 1 / z);
      // What lies beyond the padding is level, whatever the level is.
      const LineFilter filter{z, decay_length(z, 1e-12), border == Border::constant ? Border::edge : border};
      for_each(exec, Extents<2>{count, work.extent(2)}, FilterColumn{filter, work});
      for_each(exec, Extents<2>{count, work.extent(1)}, FilterRow{filter, work});
    }
    for_each(exec, work.extents(), Store{from, work, border, padding, gain * gain, slice(out, first, count)});
  }
}

}  // namespace hci
