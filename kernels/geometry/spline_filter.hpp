// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: how a line of pixels becomes spline coefficients, for any device and any number of lines side by
// side.
#include <cmath>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/border.hpp"

namespace hci {

/// One pole z inside the unit circle, both ways along a line, in place:
///   forward c(i) = s(i) + z c(i - 1), backward b(i) = z (b(i + 1) - c(i)).
/// Both start `horizon` pixels beyond the line, which goes on as the border says.
struct PoleFilter {
  double z;
  index_t horizon;
  Border border;

  /// V: double, or several lines' side by side.
  template <class V>
  HCI_HD void operator()(V* line, index_t step, index_t n) const {
    V before = {};
    for (index_t k = horizon; k > 0; --k) before = line[border_index(-k, n, border) * step] + z * before;
    V c = before;
    for (index_t i = 0; i < n; ++i) {
      c = line[i * step] + z * c;
      line[i * step] = c;
    }
    // The pixels are gone, but s(i) = c(i) - z c(i - 1).
    double power = 1;
    V sum = {};
    for (index_t k = 0; k <= horizon; ++k) {
      if (k > 0) {
        const index_t i = border_index(n - 1 + k, n, border);
        c = line[i * step] - z * (i > 0 ? line[(i - 1) * step] : before) + z * c;
        power *= z;
      }
      sum += power * c;
    }
    V b = -z * sum;
    line[(n - 1) * step] = b;
    for (index_t i = n - 2; i >= 0; --i) {
      b = z * (b - line[i * step]);
      line[i * step] = b;
    }
  }
};

/// All poles of an order, one after the other.
struct LineFilter {
  int count;
  PoleFilter poles[2];
  double gain;  ///< of one axis: coefficients are this times what the filter leaves

  template <class V>
  HCI_HD void operator()(V* line, index_t step, index_t n) const {
    for (int i = 0; i < count; ++i) poles[i](line, step, n);
  }
};

/// The frames with their padding.
struct PaddedPixels {
  Cube<const float> in;
  Border border;
  index_t padding;
  Vector<const float> outside;

  HCI_HD index_t row(index_t y) const { return border_index(y - padding, in.extent(1), border); }
  HCI_HD index_t column(index_t x) const { return border_index(x - padding, in.extent(2), border); }
  /// What lies beyond a constant border, and what stands for NaN.
  HCI_HD double beyond(index_t t) const { return outside.extent(0) > 0 ? double(outside(t)) : 0; }
  HCI_HD double value(index_t t, index_t row, index_t column) const {
    const float pixel = row < 0 || column < 0 ? NAN : in(t, row, column);
    return pixel != pixel ? beyond(t) : double(pixel);
  }
  HCI_HD bool masked(index_t t, index_t row, index_t column) const {
    return row >= 0 && column >= 0 && in(t, row, column) != in(t, row, column);
  }
};

/// The CPU's tuned spline_coefficients(): eight lines side by side.
void spline_coefficients_cpu(Exec& exec, const PaddedPixels& pixels, const LineFilter& filter, Cube<float> out);

}  // namespace hci
