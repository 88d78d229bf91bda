// SPDX-License-Identifier: MIT
#pragma once
// Magnified frames from the definitions, in double: one axis after the other.
#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/geometry/turn_reference.hpp"

namespace hci::test {

/// What rescale() makes of a frame without a border, about its centre: zeros are outside; splines go on as the mirror
/// image, and what comes from beyond the outermost pixels' middles is 0. Not fft. A NaN reaches what reads it.
class MagnifiedFrame {
 public:
  MagnifiedFrame(const Frame<const float>& in, Rotation method)
      : method_(method), border_(spline_order(method) > 0 ? Border::reflect : Border::constant) {
    auto filled = host_array<float, 2>(in.extents());
    for (index_t y = 0; y < in.extent(0); ++y)
      for (index_t x = 0; x < in.extent(1); ++x) filled.view()(y, x) = std::isnan(in(y, x)) ? 0 : in(y, x);
    frame_ = reference_frame(Frame<const float>(filled.view()), method, border_);
    for (index_t y = 0; y < in.extent(0); ++y)
      for (index_t x = 0; x < in.extent(1); ++x)
        if (std::isnan(in(y, x))) frame_.at(y, x) = std::numeric_limits<double>::quiet_NaN();
  }
  std::vector<double> operator()(double scale, Extents<2> sides) const {
    std::vector<double> rows, out(static_cast<std::size_t>(sides.size()), 0.0);  // rows: (y, x of the output)
    for (index_t y = 0; y < frame_.ny; ++y)
      for (index_t i = 0; i < sides[1]; ++i) {
        double sum = 0;
        for (const Tap& tap : taps(i, sides[1], frame_.nx, scale, true)) sum += tap.weight * frame_.at(y, tap.pixel);
        rows.push_back(sum);
      }
    for (index_t j = 0; j < sides[0]; ++j)
      for (const Tap& tap : taps(j, sides[0], frame_.ny, scale, false))
        for (index_t i = 0; i < sides[1]; ++i)
          out[static_cast<std::size_t>(j * sides[1] + i)] +=
              tap.weight * rows[static_cast<std::size_t>(tap.pixel * sides[1] + i)] / (scale * scale);
    return out;
  }

 private:
  struct Tap {
    index_t pixel;
    double weight;
  };
  /// Of output pixel i of an axis.
  std::vector<Tap> taps(index_t i, index_t side, index_t n, double scale, bool is_column) const {
    const double centre = double(n / 2), at = double(i - side / 2 + n / 2);
    double from = centre + (at - centre) / scale;
    if (spline_order(method_) > 0 && (from < 0 || from > double(n - 1))) return {};
    if (method_ == Rotation::lanczos4)
      from = is_column ? on_lanczos4_grid(at / scale, from - at / scale) : on_lanczos4_grid(0, from);
    const auto [count, first] = window(method_, from);
    std::vector<Tap> read;
    double sum = 0;
    for (index_t k = first; k < first + count; ++k) {
      const double weight = method_ == Rotation::nearest ? 1 : kernel(method_, double(k) - from);
      sum += weight;
      if (const index_t pixel = continued(k, n, border_); pixel >= 0) read.push_back({pixel, weight});
    }
    for (Tap& tap : read) tap.weight /= sum;
    return read;
  }
  Rotation method_;
  Border border_;
  ReferenceFrame frame_;
};

}  // namespace hci::test
