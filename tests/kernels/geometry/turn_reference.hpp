// SPDX-License-Identifier: MIT
#pragma once
// Turned frames from the definitions, in double.
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "kernels/core/array.hpp"
#include "kernels/geometry/centre.hpp"
#include "tests/kernels/geometry/fourier_reference.hpp"
#include "tests/kernels/geometry/interpolation_reference.hpp"

namespace hci::test {

/// Where the light of (y, x) came from: turned clockwise by the angle (y up).
inline std::pair<double, double> turned_back(Extents<2> shape, double angle, const RotateOptions& options, double y,
                                             double x) {
  const double cy = options.centre ? (*options.centre)[0] : frame_centre(shape[0]);
  const double cx = options.centre ? (*options.centre)[1] : frame_centre(shape[1]);
  const double c = std::cos(angle * M_PI / 180), s = std::sin(angle * M_PI / 180);
  return {cy - s * (x - cx) + c * (y - cy), cx + c * (x - cx) + s * (y - cy)};
}

inline double reference_pixel(const ReferenceFrame& in, double angle, const RotateOptions& options, index_t y,
                              index_t x) {
  const auto [sy, sx] = turned_back({in.ny, in.nx}, angle, options, double(y), double(x));
  return reference_value(in, options.method, options.border, sy, sx);
}

// Weights and 16 products in float32: 16 x 6e-8 of values up to 50, and the fraction of a pixel is
// rounded to 6e-8, times a slope of 100. Splines: coefficients are up to 30 times the pixels (4.4^2 and
// more at order 5 for noise), rounded to 6e-8 and read through 36 weights of sum 1 that err by 1e-7.
// lanczos4: the weights of an axis have sizes of sum 1.72 at most; themselves, 8 sums along a row and 8 of rows are
// rounded: (2 + 8 + 8) x 6e-8 x 1.72^2 x 50. fft is in double, rounded to float32.
inline double rounding_of(Rotation method) {
  return spline_order(method) > 0 ? 4e-4 : method == Rotation::lanczos4 ? 1.6e-4 : 1e-4;
}

/// How many pixels the definition of a method reads along an axis, and the first of them about a place.
inline std::pair<index_t, index_t> window(Rotation method, double place) {
  const int order = spline_order(method);
  const index_t taps = order > 0                      ? order + 1
                       : method == Rotation::lanczos4 ? 8
                       : method == Rotation::nearest  ? 1
                       : method == Rotation::bilinear ? 2
                                                      : 4;
  const double raised = taps % 2 == 1 ? place + 0.5 : place;  // an odd number lies about the nearest pixel
  return {taps, static_cast<index_t>(std::floor(raised)) - (taps - 1) / 2};
}

/// A place on lanczos4's grid: what the column and what the row of the output give is rounded to 1/1024 px each, their
/// sum to the next 1/32 px (OpenCV's warpAffine).
inline double on_lanczos4_grid(double by_column, double by_row) {
  return std::floor((std::rint(by_column * 1024) + std::rint(by_row * 1024) + 16) / 32) / 32;
}

/// A frame that turns by an interpolating method, with holes: NaN counts as 0 in what splines are made of, and reaches
/// every place that reads it.
class TurnedFrame {
 public:
  TurnedFrame(const Frame<const float>& in, double angle, const RotateOptions& options)
      : shape_(in.extents()), angle_(angle), options_(options) {
    auto filled = host_array<float, 2>(shape_);
    for (index_t y = 0; y < shape_[0]; ++y)
      for (index_t x = 0; x < shape_[1]; ++x) {
        const bool hole = std::isnan(in(y, x));
        filled.view()(y, x) = hole ? 0 : in(y, x);
        if (hole) holes_.emplace_back(y, x);
      }
    frame_ = reference_frame(Frame<const float>(filled.view()), options.method, options.border);
  }
  /// The value at (y, x) after the turn, in the frame or not. Of a fraction of a pixel, lanczos4's column has none.
  double operator()(double y, double x) const {
    auto [sy, sx] = turned_back(shape_, angle_, options_, y, x);
    if (options_.method == Rotation::lanczos4) {
      const double c = std::cos(angle_ * M_PI / 180), s = std::sin(angle_ * M_PI / 180), column = std::floor(x);
      sy = on_lanczos4_grid(-s * column, sy + s * column);
      sx = on_lanczos4_grid(c * column, sx - c * column);
    }
    const auto [taps, row] = window(options_.method, sy);
    const index_t column = window(options_.method, sx).second;
    for (index_t j = 0; j < taps && !holes_.empty(); ++j)
      for (index_t i = 0; i < taps; ++i)
        for (const auto& [hole_y, hole_x] : holes_)
          if (continued(row + j, shape_[0], options_.border) == hole_y &&
              continued(column + i, shape_[1], options_.border) == hole_x)
            return std::numeric_limits<double>::quiet_NaN();
    return reference_value(frame_, options_.method, options_.border, sy, sx);
  }

 private:
  Extents<2> shape_;
  double angle_;
  RotateOptions options_;
  std::vector<std::pair<index_t, index_t>> holes_;
  ReferenceFrame frame_;
};

/// A frame turned by Rotation::fft: whole quarters by pixels, then rows, columns and rows of a square of `length`
/// pixels, four times the frame's longer side (two less where that is odd, of a square), moved in turn, complex until
/// the end; about the point (y, x) off the frame's centre. NaN counts as 0 and is not put back.
inline std::vector<double> turned_by_shears(const Frame<const float>& in, double angle, index_t length, double y = 0,
                                            double x = 0) {
  const double quarters = std::rint(angle / 90);
  const double rest = (angle - 90 * quarters) * M_PI / 180;
  const index_t ny = in.extent(0), nx = in.extent(1);
  Plane plane(length, length);
  for (index_t dy = -length / 2; dy < length / 2; ++dy)
    for (index_t dx = -length / 2; dx < length / 2; ++dx) {
      index_t sy = dy, sx = dx;  // where the light came from: turned back by whole quarters
      for (int q = 0; q < (int(quarters) % 4 + 4) % 4; ++q) sx = std::exchange(sy, -sx);
      const index_t row = sy + ny / 2, column = sx + nx / 2;
      const bool inside = row >= 0 && row < ny && column >= 0 && column < nx;
      if (inside && !std::isnan(in(row, column))) plane.at(dy, dx) = double(in(row, column));
    }
  const auto offset = [length](index_t i) { return double(i < length / 2 ? i : i - length); };
  const double a = -std::tan(rest / 2), b = std::sin(rest);
  // Where whole quarters put the point, and where it must be before the last shear to come back to (y, x).
  double turned_y = y, turned_x = x;
  for (int q = 0; q < (int(quarters) % 4 + 4) % 4; ++q) turned_x = -std::exchange(turned_y, turned_x);
  const double before = x - a * y;
  plane.move_rows([&](index_t i) { return a * (offset(i) - turned_y) + before - turned_x; });
  plane.move_columns([&](index_t i) { return b * (offset(i) - before) + y - turned_y; });
  plane.move_rows([&](index_t i) { return a * offset(i); });
  std::vector<double> out;
  for (index_t i = 0; i < ny; ++i)
    for (index_t j = 0; j < nx; ++j) out.push_back(plane.at(i - ny / 2, j - nx / 2).real());
  return out;
}

}  // namespace hci::test
