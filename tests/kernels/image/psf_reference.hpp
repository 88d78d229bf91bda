// SPDX-License-Identifier: MIT
#pragma once
// Point sources in double by their definitions, and how well their pixels tell their parameters: what
// fits are compared with. Derivatives are differences, the inverse is Gauss and Jordan's.
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/image/psf_fit.hpp"

namespace hci::test {

using Parameters = std::array<double, 6>;

inline int parameter_count(PsfModel model) { return model == PsfModel::gauss ? 6 : model == PsfModel::moff ? 5 : 4; }

/// The parameters in the order of PsfFit::covariance.
inline Parameters parameters_of(const PsfShape& s) {
  if (s.model == PsfModel::gauss) return {s.amplitude, s.x, s.y, s.fwhm_x, s.fwhm_y, s.theta};
  // The profile is 1/2 where (1 + (r / gamma)²)^alpha is 2.
  if (s.model == PsfModel::moff)
    return {s.amplitude, s.x, s.y, s.fwhm() / 2 / std::sqrt(std::pow(2.0, 1 / s.alpha) - 1), s.alpha, 0};
  return {s.amplitude, s.x, s.y, s.fwhm() * 1.22 / 1.028, 0, 0};
}

inline double psf_value(PsfModel model, const Parameters& p, index_t y, index_t x) {
  const double dx = double(x) - p[1], dy = double(y) - p[2];
  if (model == PsfModel::gauss) {
    const double t = p[5] * std::numbers::pi / 180;
    const double u = (std::cos(t) * dx + std::sin(t) * dy) / p[3], v = (std::cos(t) * dy - std::sin(t) * dx) / p[4];
    return p[0] * std::exp(-4 * std::numbers::ln2 * (u * u + v * v));
  }
  if (model == PsfModel::moff) return p[0] * std::pow(1 + (dx * dx + dy * dy) / (p[3] * p[3]), -p[4]);
  const double u = std::hypot(dx, dy) / p[3] * 3.8317059702075125;
  return u == 0 ? p[0] : p[0] * std::pow(2 * std::cyl_bessel_j(1.0, u) / u, 2);
}

/// Sum of the squared residuals over the finite pixels.
inline double chi2_of(const Frame<const float>& stamp, PsfModel model, const Parameters& p) {
  double sum = 0;
  for (index_t y = 0; y < stamp.extent(0); ++y)
    for (index_t x = 0; x < stamp.extent(1); ++x)
      if (std::isfinite(stamp(y, x))) sum += std::pow(psf_value(model, p, y, x) - double(stamp(y, x)), 2);
  return sum;
}

using SquareMatrix = std::array<std::array<double, 6>, 6>;

/// Of a symmetric positive matrix of n rows.
inline SquareMatrix inverse_of(SquareMatrix matrix, std::size_t n) {
  SquareMatrix inverse{};
  for (std::size_t i = 0; i < n; ++i) inverse[i][i] = 1;
  for (std::size_t pivot = 0; pivot < n; ++pivot) {
    const double by = 1 / matrix[pivot][pivot];
    for (std::size_t j = 0; j < n; ++j) {
      matrix[pivot][j] *= by;
      inverse[pivot][j] *= by;
    }
    for (std::size_t i = 0; i < n; ++i) {
      const double share = matrix[i][pivot];
      if (i == pivot) continue;
      for (std::size_t j = 0; j < n; ++j) {
        matrix[i][j] -= share * matrix[pivot][j];
        inverse[i][j] -= share * inverse[pivot][j];
      }
    }
  }
  return inverse;
}

/// What a stamp's finite pixels tell about the first `count` parameters.
struct Knowledge {
  SquareMatrix normal{};   ///< J^T J, J the derivatives of the pixels
  SquareMatrix inverse{};  ///< times the residuals' variance: the covariance
  double power = 0;        ///< the model's squares, summed

  /// Differences over 1e-5 of a parameter's scale (1 px for positions) leave 1e-10 of a derivative by
  /// the third one and 1e-11 by rounding.
  Knowledge(const Frame<const float>& stamp, PsfModel model, const Parameters& p, int count) {
    const auto n = static_cast<std::size_t>(count);
    for (index_t y = 0; y < stamp.extent(0); ++y)
      for (index_t x = 0; x < stamp.extent(1); ++x) {
        if (!std::isfinite(stamp(y, x))) continue;
        Parameters by{};
        for (std::size_t k = 0; k < n; ++k) {
          const double step = 1e-5 * (k == 0 ? p[0] : k < 3 ? 1 : k == 5 ? 57 : p[k]);
          Parameters more = p, less = p;
          more[k] += step;
          less[k] -= step;
          by[k] = (psf_value(model, more, y, x) - psf_value(model, less, y, x)) / (more[k] - less[k]);
        }
        for (std::size_t a = 0; a < n; ++a)
          for (std::size_t b = 0; b < n; ++b) normal[a][b] += by[a] * by[b];
        power += std::pow(psf_value(model, p, y, x), 2);
      }
    inverse = inverse_of(normal, n);
  }

  /// How far a fit may end from the parameters p that were drawn and rounded to float: each pixel by up
  /// to 2^-24 of itself, which moves parameter k by at most sqrt(inverse(k, k)) times the root of their
  /// squares' sum (Cauchy and Schwarz); and the walk ends where the squares' sum is below 1e-14 of
  /// `power`, that is up to 1e-7 sqrt(power inverse(k, k)) away.
  double rounding(std::size_t k) const { return (std::ldexp(1, -24) + 1e-7) * std::sqrt(power * inverse[k][k]); }
};

}  // namespace hci::test
