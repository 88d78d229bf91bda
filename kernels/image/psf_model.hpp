// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: the shapes of a point source with their derivatives, for one pixel (V is
// double) or several side by side (V is a class of them with its own operators, exp_of() and so on).
#include <cmath>
#include <cstdint>

#include "kernels/core/unroll.hpp"
#include "kernels/core/view.hpp"
#include "kernels/image/psf_fit.hpp"

namespace hci::psf {

constexpr double kSigmaToFwhm = 2.35482004503094938202;  // 2 sqrt(2 ln 2)
constexpr double kFirstZero = 3.83170597020751231561;    // of the Bessel function J1
constexpr double kAiryRadiusOfFwhm = 1.22 / 1.028;

HCI_HD inline double exp_of(double x) { return exp(x); }
HCI_HD inline double log_of(double x) { return log(x); }
HCI_HD inline double root_of(double x) { return sqrt(x); }

/// FWHM of a Moffat profile over its gamma. NaN for negative powers, which have no maximum, and infinite
/// where it passes what a double holds (alpha below 1e-3).
HCI_HD inline double moffat_width(double alpha) { return 2 * sqrt(expm1(0.69314718055994530942 / alpha)); }

/// The field of an Airy disk 2 J1(u) / u, and its slope over u, -2 J2(u) / u². Both even: a walk may pass
/// through negative radii.
template <class V>
struct AiryField {
  V value, slope;
};
HCI_HD inline AiryField<double> airy_field(double u) {
  const double uu = u * u;
  if (fabs(u) < 0.05)  // series: the terms left out are below 1e-12
    return {1 - uu / 8 * (1 - uu / 24 * (1 - uu / 48)), -0.25 * (1 - uu / 12 * (1 - uu / 32))};
  const double value = 2 * j1(u) / u;
  return {value, 2 * (j0(u) - value) / uu};
}

/// Amplitude, x, y, sigma_x, sigma_y, theta (radians).
struct Gauss {
  static constexpr int count = 6;
  double amplitude, x0, y0, c, s, wu, wv, inverse_u, inverse_v;

  HCI_HD explicit Gauss(const double* p)
      : amplitude(p[0]), x0(p[1]), y0(p[2]), c(cos(p[5])), s(sin(p[5])), inverse_u(1 / p[3]), inverse_v(1 / p[4]) {
    wu = inverse_u * inverse_u;
    wv = inverse_v * inverse_v;
  }
  /// The largest FWHM, px.
  HCI_HD static double widest(const double* p) { return kSigmaToFwhm * fmax(fabs(p[3]), fabs(p[4])); }
  /// The value, and in `by` its derivatives by the parameters.
  template <class V>
  HCI_HD V operator()(V y, V x, V* by) const {
    const V dx = x - x0, dy = y - y0;
    const V u = c * dx + s * dy, v = c * dy - s * dx, tu = u * wu, tv = v * wv;
    by[0] = exp_of(-0.5 * (u * tu + v * tv));
    const V value = amplitude * by[0];
    by[1] = value * (tu * c - tv * s);
    by[2] = value * (tu * s + tv * c);
    by[3] = value * u * tu * inverse_u;
    by[4] = value * v * tv * inverse_v;
    by[5] = value * u * v * (wv - wu);
    return value;
  }
};

/// Amplitude, x, y, gamma, alpha.
struct Moffat {
  static constexpr int count = 5;
  double amplitude, x0, y0, inverse, w, alpha;

  HCI_HD explicit Moffat(const double* p)
      : amplitude(p[0]), x0(p[1]), y0(p[2]), inverse(1 / p[3]), w(inverse * inverse), alpha(p[4]) {}
  HCI_HD static double widest(const double* p) { return fabs(p[3]) * moffat_width(p[4]); }
  template <class V>
  HCI_HD V operator()(V y, V x, V* by) const {
    const V dx = x - x0, dy = y - y0, rr = (dx * dx + dy * dy) * w, base = 1 + rr, logarithm = log_of(base);
    by[0] = exp_of(-alpha * logarithm);
    const V value = amplitude * by[0], slope = 2 * alpha * value / base;
    by[1] = slope * dx * w;
    by[2] = slope * dy * w;
    by[3] = slope * rr * inverse;
    by[4] = -value * logarithm;
    return value;
  }
};

/// Amplitude, x, y, radius of the first zero.
struct Airy {
  static constexpr int count = 4;
  double amplitude, x0, y0, inverse, k;

  HCI_HD explicit Airy(const double* p)
      : amplitude(p[0]), x0(p[1]), y0(p[2]), inverse(1 / p[3]), k(kFirstZero * inverse) {}
  HCI_HD static double widest(const double* p) { return fabs(p[3]) / kAiryRadiusOfFwhm; }
  template <class V>
  HCI_HD V operator()(V y, V x, V* by) const {
    const V dx = x - x0, dy = y - y0, rr = dx * dx + dy * dy;
    const auto field = airy_field(k * root_of(rr));
    by[0] = field.value * field.value;
    const V slope = 2 * amplitude * k * k * field.value * field.slope;  // d value / d r, over r
    by[1] = -slope * dx;
    by[2] = -slope * dy;
    by[3] = -slope * rr * inverse;
    return amplitude * by[0];
  }
};

/// J^T J (lower triangle, row by row), J^T residual and the sum of squared residuals, of pixels.
template <class V, int n>
struct Normal {
  V matrix[n * (n + 1) / 2] = {}, right[n] = {}, squares = {};

  HCI_HD void add(V residual, const V* by) {
    squares += residual * residual;
    int k = 0;
    HCI_UNROLL
    for (int i = 0; i < n; ++i) {
      right[i] += by[i] * residual;
      HCI_UNROLL
      for (int j = 0; j <= i; ++j) matrix[k++] += by[i] * by[j];
    }
  }
};

}  // namespace hci::psf
