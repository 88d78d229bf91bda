// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: how a value between pixels is made, for functors on either device. Follows
// what OpenCV 5's warpAffine was measured to do (docs/conventions.md).
#include <cmath>

#include "kernels/core/view.hpp"
#include "kernels/geometry/rotate.hpp"

namespace hci {

/// Where an output pixel (y, x) comes from: source x = xx x + xy y + x0, source y = yx x + yy y + y0.
struct Affine {
  double xx, xy, x0;
  double yx, yy, y0;

  HCI_HD double source_x(index_t y, index_t x) const { return fma(xx, double(x), fma(xy, double(y), x0)); }
  HCI_HD double source_y(index_t y, index_t x) const { return fma(yx, double(x), fma(yy, double(y), y0)); }
};

/// The map of a frame that is to turn by +angle degrees, counter-clockwise with y upward, about
/// (y, x) = centre: the inverse of the turn, computed with the steps of OpenCV's
/// getRotationMatrix2D (whose centre is float32) and warpAffine, since lanczos4 rounds it.
Affine derotation(double angle, double centre_y, double centre_x);

/// Lanczos-4 positions are on a grid of 1/32 px.
constexpr int kLanczosPhases = 32;
constexpr int kLanczosTaps = 8;
/// (phase, tap): the weights of the pixels -3 .. 4 beside the one that the position is in. Each
/// phase sums to 1.
std::vector<float> lanczos4_weights();

/// A position on the grid: (32 x whole pixels + phase). The column and the row part are rounded
/// apart, to 1/1024 px.
HCI_HD inline index_t lanczos4_column(double per_x, index_t x) {
  return static_cast<index_t>(rint(per_x * double(x) * 1024));
}
HCI_HD inline index_t lanczos4_row(double per_y, index_t y, double offset) {
  return static_cast<index_t>(rint(fma(per_y, double(y), offset) * 1024)) + 16;
}

/// The pixel that stands in for pixel i of n; -1 for none (border constant, outside).
HCI_HD inline index_t border_index(index_t i, index_t n, Border border) {
  if (i >= 0 && i < n) return i;
  if (border == Border::constant) return -1;
  if (border == Border::edge) return i < 0 ? 0 : n - 1;
  if (n == 1) return 0;
  const index_t period = border == Border::symmetric ? 2 * n : border == Border::reflect ? 2 * n - 2 : n;
  index_t j = i % period;
  if (j < 0) j += period;
  if (j < n) return j;
  return border == Border::symmetric ? 2 * n - 1 - j : 2 * n - 2 - j;
}

/// The sum of N x N pixels from (y, x) on, weighted by wy and wx.
template <int N>
HCI_HD float weighted_sum(const Frame<const float>& in, index_t y, index_t x, const float* wy, const float* wx,
                          Border border) {
  float sum = 0;
  for (int j = 0; j < N; ++j) {
    const index_t row = border_index(y + j, in.extent(0), border);
    if (row < 0) continue;
    float row_sum = 0;
    for (int i = 0; i < N; ++i) {
      const index_t column = border_index(x + i, in.extent(1), border);
      if (column >= 0) row_sum = fmaf(wx[i], in(row, column), row_sum);
    }
    sum = fmaf(wy[j], row_sum, sum);
  }
  return sum;
}

/// Weights of the pixels -1 .. 2 at a fraction of a pixel: cubic convolution with A = -0.75.
HCI_HD inline void bicubic_weights(float fraction, float* w) {
  const float a = -0.75F, f = fraction, g = 1 - fraction;
  w[0] = ((a * (f + 1) - 5 * a) * (f + 1) + 8 * a) * (f + 1) - 4 * a;
  w[1] = ((a + 2) * f - (a + 3)) * f * f + 1;
  w[2] = ((a + 2) * g - (a + 3)) * g * g + 1;
  w[3] = 1 - w[0] - w[1] - w[2];
}

/// The value of the frame at the place where output pixel (y, x) comes from. lanczos: the table of
/// lanczos4_weights(), read by lanczos4 only.
template <Rotation method>
HCI_HD float sample(const Frame<const float>& in, const Affine& map, const float* lanczos, Border border, index_t y,
                    index_t x) {
  if constexpr (method == Rotation::lanczos4) {
    const index_t px = (lanczos4_column(map.xx, x) + lanczos4_row(map.xy, y, map.x0)) >> 5;
    const index_t py = (lanczos4_column(map.yx, x) + lanczos4_row(map.yy, y, map.y0)) >> 5;
    return weighted_sum<8>(in, (py >> 5) - 3, (px >> 5) - 3, lanczos + (py & 31) * kLanczosTaps,
                           lanczos + (px & 31) * kLanczosTaps, border);
  } else {
    const double sx = map.source_x(y, x), sy = map.source_y(y, x);
    if constexpr (method == Rotation::nearest) {
      const index_t row = border_index(static_cast<index_t>(rint(sy)), in.extent(0), border);
      const index_t column = border_index(static_cast<index_t>(rint(sx)), in.extent(1), border);
      return row < 0 || column < 0 ? 0.0F : in(row, column);
    } else {
      const double fx = floor(sx), fy = floor(sy);
      const auto column = static_cast<index_t>(fx), row = static_cast<index_t>(fy);
      const auto right = static_cast<float>(sx - fx), down = static_cast<float>(sy - fy);
      if constexpr (method == Rotation::bilinear) {
        const float wx[2] = {1 - right, right}, wy[2] = {1 - down, down};
        return weighted_sum<2>(in, row, column, wy, wx, border);
      } else {
        float wx[4], wy[4];
        bicubic_weights(right, wx);
        bicubic_weights(down, wy);
        return weighted_sum<4>(in, row - 1, column - 1, wy, wx, border);
      }
    }
  }
}

}  // namespace hci
