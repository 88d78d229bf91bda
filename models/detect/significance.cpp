// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/core/error.hpp"
#include "models/detect/snr.hpp"

namespace hci {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// ln Gamma(x), x > 0. Not std::lgamma: that one writes a global.
double log_gamma(double x) {
  int sign = 0;
  return lgamma_r(x, &sign);
}

/// ln of the regularised incomplete beta function I_x(a, b), by its continued fraction (Lentz's
/// method); converges fast for x < (a + 1) / (a + b + 2).
double log_incomplete_beta(double x, double a, double b) {
  constexpr double tiny = 1e-300;
  const auto guarded = [](double value) { return std::fabs(value) < tiny ? tiny : value; };
  double c = 1, d = 1 / guarded(1 - (a + b) * x / (a + 1)), fraction = d;
  for (int m = 1; m < 10000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    double step = 1;
    for (const double term : {even, odd}) {
      d = 1 / guarded(1 + term * d);
      c = guarded(1 + term / c);
      step = d * c;
      fraction *= step;
    }
    if (std::fabs(step - 1) < 1e-15) break;
  }
  const double log_beta = log_gamma(a) + log_gamma(b) - log_gamma(a + b);
  return a * std::log(x) + b * std::log1p(-x) - log_beta - std::log(a) + std::log(fraction);
}

/// ln P(T > t), t >= 0, for Student's t with nu degrees of freedom.
double log_student_tail(double t, double nu) {
  if (t == 0) return -std::numbers::ln2;
  const double x = nu / (nu + t * t), a = nu / 2;
  if (x < (a + 1) / (a + 2.5)) return log_incomplete_beta(x, a, 0.5) - std::numbers::ln2;
  // Near the middle, through the complement; no cancellation: the tail is then not small.
  return std::log1p(-std::exp(log_incomplete_beta(t * t / (nu + t * t), 0.5, a))) - std::numbers::ln2;
}

/// ln P(Z > z), z >= 0, for the normal distribution.
double log_normal_tail(double z) {
  if (z < 30) return std::log(std::erfc(z / std::numbers::sqrt2) / 2);
  // Mills' ratio as an asymptotic series: the next term is below 1e-9 of it at z = 30.
  const double w = 1 / (z * z);
  const double series = 1 - w * (1 - 3 * w * (1 - 5 * w * (1 - 7 * w)));
  return -z * z / 2 - std::log(z) - std::log(2 * std::numbers::pi) / 2 + std::log(series);
}

/// t >= 0 with log_tail(t) = level: bisection on a falling function.
template <class Tail>
double where_tail_is(double level, Tail log_tail) {
  double low = 0, high = 1;
  while (log_tail(high) > level) {
    low = high;
    high *= 2;
    if (!std::isfinite(high)) return std::numeric_limits<double>::infinity();
  }
  for (int step = 0; step < 200 && high - low > 1e-15 * high; ++step) {
    const double middle = (low + high) / 2;
    (log_tail(middle) > level ? low : high) = middle;
  }
  return (low + high) / 2;
}

double degrees_of_freedom(double radius, double fwhm) {
  require(radius > 0 && fwhm > 0, "significance: radius ", radius, " px and fwhm ", fwhm, " px must be positive");
  return radius / fwhm * 2 * std::numbers::pi - 2;
}

}  // namespace

double significance(double snr, double radius, double fwhm) {
  const double nu = degrees_of_freedom(radius, fwhm);
  if (!(nu > 0) || std::isnan(snr)) return kNaN;
  return std::copysign(where_tail_is(log_student_tail(std::fabs(snr), nu), log_normal_tail), snr);
}

double snr_of_significance(double sigma, double radius, double fwhm) {
  const double nu = degrees_of_freedom(radius, fwhm);
  if (!(nu > 0) || std::isnan(sigma)) return kNaN;
  const double level = log_normal_tail(std::fabs(sigma));
  return std::copysign(where_tail_is(level, [nu](double t) { return log_student_tail(t, nu); }), sigma);
}

}  // namespace hci
