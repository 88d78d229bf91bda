// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: how a value between pixels is made, for functors on either device. Follows
// what OpenCV 5's warpAffine was measured to do (docs/conventions.md).
#include <cmath>
#include <type_traits>
#include <vector>

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

/// Positions beyond this, px, are refused: the fixed-point ones of lanczos4 would not fit 32 bits.
constexpr double kFarthestPosition = 1e5;

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

/// The sum of N x N pixels from (y, x) on, weighted by wy and wx; beyond a constant border lies `outside`. Pixels: a
/// frame, or what gives a frame's pixels as one does.
template <int N, class Pixels>
HCI_HD float weighted_sum(const Pixels& in, index_t y, index_t x, const float* wy, const float* wx, Border border,
                          float outside) {
  float sum = 0;
  for (int j = 0; j < N; ++j) {
    const index_t row = border_index(y + j, in.extent(0), border);
    float row_sum = 0;
    for (int i = 0; i < N; ++i) {
      const index_t column = border_index(x + i, in.extent(1), border);
      row_sum = fmaf(wx[i], row < 0 || column < 0 ? outside : in(row, column), row_sum);
    }
    sum = fmaf(wy[j], row_sum, sum);
  }
  return sum;
}

/// a b + c with one rounding, by name: left to the compiler, two kernels that promise the same bits might round apart.
/// T: float, or several of them side by side (sample_lanes_cpu.hpp).
template <class T>
HCI_HD T fused(T a, T b, T c);
template <>
HCI_HD inline float fused(float a, float b, float c) {
  return fmaf(a, b, c);
}

/// The sum of c[i] x^i, from the highest power down. T as for fused().
template <class T>
HCI_HD T polynomial(T, float c) {
  return T{} + c;
}
template <class T, class... C>
HCI_HD T polynomial(T x, float first, C... others) {
  return fused(x, polynomial(x, others...), T{} + first);
}

/// Weights of the pixels -1 .. 2 at a fraction of a pixel: cubic convolution (Keys 1981). T as for fused().
template <class T>
HCI_HD void cubic_weights(float a, T fraction, T* w) {
  const T f = fraction, g = 1.0F - fraction;
  w[0] = polynomial(f + 1.0F, -4 * a, 8 * a, -5 * a, a);
  w[1] = polynomial(f, 1.0F, 0.0F, -(a + 3), a + 2);
  w[2] = polynomial(g, 1.0F, 0.0F, -(a + 3), a + 2);
  w[3] = 1.0F - w[0] - w[1] - w[2];
}

/// B-spline weights at t from the tap in the middle (even orders, |t| <= 1/2), or right of the tap
/// left of the middle (odd orders, 0 <= t <= 1). T as for fused().
template <int order, class T>
HCI_HD void spline_weights(T t, T* w) {
  if constexpr (order == 2) {
    w[0] = 0.5F * (0.5F - t) * (0.5F - t);
    w[1] = polynomial(t, 0.75F, 0.0F, -1.0F);
    w[2] = 0.5F * (0.5F + t) * (0.5F + t);
  } else if constexpr (order == 3) {
    const T g = 1.0F - t;
    w[0] = g * g * g / 6.0F;
    w[1] = polynomial(t, 4.0F, 0.0F, -6.0F, 3.0F) / 6.0F;
    w[2] = polynomial(g, 4.0F, 0.0F, -6.0F, 3.0F) / 6.0F;
    w[3] = t * t * t / 6.0F;
  } else if constexpr (order == 4) {
    const T l = 0.5F - t, r = 0.5F + t;
    w[0] = l * l * l * l / 24.0F;
    w[1] = polynomial(t, 19.0F, -44.0F, 24.0F, 16.0F, -16.0F) / 96.0F;
    w[2] = polynomial(t, 115.0F, 0.0F, -120.0F, 0.0F, 48.0F) / 192.0F;
    w[3] = polynomial(t, 19.0F, 44.0F, 24.0F, -16.0F, -16.0F) / 96.0F;
    w[4] = r * r * r * r / 24.0F;
  } else {
    const T g = 1.0F - t;
    w[0] = g * g * g * g * g / 120.0F;
    w[1] = polynomial(t, 26.0F, -50.0F, 20.0F, 20.0F, -20.0F, 5.0F) / 120.0F;
    w[2] = polynomial(t, 66.0F, 0.0F, -60.0F, 0.0F, 30.0F, -10.0F) / 120.0F;
    w[3] = polynomial(g, 66.0F, 0.0F, -60.0F, 0.0F, 30.0F, -10.0F) / 120.0F;
    w[4] = polynomial(g, 26.0F, -50.0F, 20.0F, 20.0F, -20.0F, 5.0F) / 120.0F;
    w[5] = t * t * t * t * t / 120.0F;
  }
}

/// How many pixels a method reads along each axis.
HCI_HD constexpr int taps_of(Rotation method) {
  return method == Rotation::lanczos4                                     ? kLanczosTaps
         : method == Rotation::bicubic || method == Rotation::catmull_rom ? 4
         : method == Rotation::bilinear                                   ? 2
         : method == Rotation::nearest                                    ? 1
                                                                          : spline_order(method) + 1;
}

/// The first of the taps_of(method) pixels for the exact position along one axis, and their weights.
/// Not for lanczos4, whose weights are tabulated.
template <Rotation method>
HCI_HD index_t taps(double position, float* w) {
  if constexpr (method == Rotation::nearest) {
    w[0] = 1;
    return static_cast<index_t>(rint(position));
  } else {
    constexpr int order = spline_order(method);
    const double whole = order == 2 || order == 4 ? floor(position + 0.5) : floor(position);
    const auto fraction = static_cast<float>(position - whole);
    if constexpr (method == Rotation::bilinear) {
      w[0] = 1 - fraction;
      w[1] = fraction;
    } else if constexpr (method == Rotation::bicubic || method == Rotation::catmull_rom) {
      cubic_weights(method == Rotation::bicubic ? -0.75F : -0.5F, fraction, w);
    } else {
      spline_weights<order>(fraction, w);
    }
    return static_cast<index_t>(whole) - (taps_of(method) - 1) / 2;
  }
}

/// The value of the frame (for splines: from its coefficients) at a position. Not for lanczos4.
template <Rotation method, class Pixels>
HCI_HD float sample_at(const Pixels& in, double y, double x, Border border, float outside) {
  float wy[taps_of(method)], wx[taps_of(method)];
  const index_t row = taps<method>(y, wy), column = taps<method>(x, wx);
  return weighted_sum<taps_of(method)>(in, row, column, wy, wx, border, outside);
}

/// The value of the frame at the place where output pixel (y, x) comes from. lanczos: the table of
/// lanczos4_weights(), read by lanczos4 only.
template <Rotation method, class Pixels>
HCI_HD float sample(const Pixels& in, const Affine& map, const float* lanczos, Border border, index_t y, index_t x,
                    float outside = 0) {
  if constexpr (method == Rotation::lanczos4) {
    const index_t px = (lanczos4_column(map.xx, x) + lanczos4_row(map.xy, y, map.x0)) >> 5;
    const index_t py = (lanczos4_column(map.yx, x) + lanczos4_row(map.yy, y, map.y0)) >> 5;
    return weighted_sum<8>(in, (py >> 5) - 3, (px >> 5) - 3, lanczos + (py & 31) * kLanczosTaps,
                           lanczos + (px & 31) * kLanczosTaps, border, outside);
  } else {
    return sample_at<method>(in, map.source_y(y, x), map.source_x(y, x), border, outside);
  }
}

/// Calls f(std::integral_constant<Rotation, method>{}) for a method known at run time; not for fft.
template <class F>
void with_interpolation(Rotation method, const F& f) {
  switch (method) {
    case Rotation::lanczos4:
      return f(std::integral_constant<Rotation, Rotation::lanczos4>{});
    case Rotation::bicubic:
      return f(std::integral_constant<Rotation, Rotation::bicubic>{});
    case Rotation::catmull_rom:
      return f(std::integral_constant<Rotation, Rotation::catmull_rom>{});
    case Rotation::bilinear:
      return f(std::integral_constant<Rotation, Rotation::bilinear>{});
    case Rotation::nearest:
      return f(std::integral_constant<Rotation, Rotation::nearest>{});
    case Rotation::spline2:
      return f(std::integral_constant<Rotation, Rotation::spline2>{});
    case Rotation::spline3:
      return f(std::integral_constant<Rotation, Rotation::spline3>{});
    case Rotation::spline4:
      return f(std::integral_constant<Rotation, Rotation::spline4>{});
    case Rotation::spline5:
      return f(std::integral_constant<Rotation, Rotation::spline5>{});
    case Rotation::fft:
      return;
  }
}

}  // namespace hci
