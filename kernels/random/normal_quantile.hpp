// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/core/view.hpp"

namespace hci {

/// -log(p) of a normal p below 1, to 2e-16 of itself for p < 0.1. p = 2^k m with m from sqrt(1/2) to sqrt(2), and
/// log(m) = 2 atanh(s), s = (m - 1) / (m + 1): its series to s^14 with the coefficients that FreeBSD's e_log.c takes
/// (2^-58 of error; Sun Microsystems 1993). Products and sums are fused by name, so it has the same bits everywhere,
/// which std::log() has not.
HCI_HD inline double minus_log(double p) {
  constexpr std::int64_t kRootOfHalf = 0x3FE6A09E00000000, kOne = 0x3FF0000000000000;
  std::int64_t bits = 0;
  std::memcpy(&bits, &p, sizeof bits);
  const std::int64_t k = (bits + (kOne - kRootOfHalf)) >> 52;  // exponent, biased
  bits -= (k - 1023) << 52;
  double m = 0;
  std::memcpy(&m, &bits, sizeof m);
  const double s = (m - 1) / (m + 1), z = s * s;
  double sum = 1.479819860511658591e-01;
  sum = std::fma(sum, z, 1.531383769920937332e-01);
  sum = std::fma(sum, z, 1.818357216161805012e-01);
  sum = std::fma(sum, z, 2.222219843214978396e-01);
  sum = std::fma(sum, z, 2.857142874366239149e-01);
  sum = std::fma(sum, z, 3.999999999940941908e-01);
  sum = std::fma(sum, z, 6.666666666666735130e-01);
  sum = std::fma(sum, z, 2.0);
  return std::fma(static_cast<double>(1023 - k), 0.6931471805599453, -(s * sum));
}

/// Quantile p of the normal distribution of mean 0 and variance 1, for 0 < p < 1, both p and 1 - p normal numbers:
/// rational approximations of degree 7 (Wichura 1988, Applied Statistics 37, 477, AS 241, PPND16), to 1e-15 of itself.
/// In p - 1/2 in the middle, 85 % of all, elsewhere in sqrt(-log(p)) of the nearer end. The same bits on every device:
/// each sum of a product is fused by name, and quotients and roots are rounded as IEEE 754 has it.
HCI_HD inline double normal_quantile(double p) {
  struct Rational {
    double above[8], below[8];  // from the constant on
  };
  static constexpr Rational kMiddle = {
      {3.3871328727963666080e+0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
       4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3},
      {1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3, 2.1213794301586595867e+4,
       3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3}};
  static constexpr Rational kTail = {
      {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
       1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4},
      {1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
       1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9}};
  static constexpr Rational kFarTail = {
      {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
       2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7},
      {1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
       1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15}};
  const double q = p - 0.5;
  const Rational* rational = &kMiddle;
  double r = std::fma(-q, q, 0.180625), factor = q;
  if (r < 0) {
    r = std::sqrt(minus_log(q < 0 ? p : 1 - p));
    rational = r <= 5 ? &kTail : &kFarTail;
    r -= r <= 5 ? 1.6 : 5;
    factor = q < 0 ? -1 : 1;
  }
  const double r2 = r * r, r4 = r2 * r2;
  const double* a = rational->above;
  const double* b = rational->below;
  const double above = std::fma(std::fma(std::fma(a[7], r, a[6]), r2, std::fma(a[5], r, a[4])), r4,
                                std::fma(std::fma(a[3], r, a[2]), r2, std::fma(a[1], r, a[0])));
  const double below = std::fma(std::fma(std::fma(b[7], r, b[6]), r2, std::fma(b[5], r, b[4])), r4,
                                std::fma(std::fma(b[3], r, b[2]), r2, std::fma(b[1], r, b[0])));
  return factor * above / below;
}

}  // namespace hci
