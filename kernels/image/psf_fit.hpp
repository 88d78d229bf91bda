// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/core/array.hpp"

namespace hci {

/// Shapes of a point source.
enum class PsfModel { gauss, moff, airy };

constexpr auto enum_names(PsfModel) {
  return std::array<std::pair<std::string_view, PsfModel>, 3>{
      {{"gauss", PsfModel::gauss}, {"moff", PsfModel::moff}, {"airy", PsfModel::airy}}};
}

/// A point source: where, how high, how wide.
struct PsfShape {
  PsfModel model = PsfModel::gauss;
  double amplitude = 1;
  double y = 0, x = 0;            ///< centre, px
  double fwhm_y = 4, fwhm_x = 4;  ///< px; alike for moff and airy
  double theta = 0;               ///< gauss: the x width's direction, degrees from +x counter-clockwise
  double alpha = 1;               ///< moff: its power

  double fwhm() const { return (fwhm_y + fwhm_x) / 2; }
  /// moff: core width, px. The profile is (1 + (r / gamma)²)^-alpha.
  double gamma() const;
  /// airy: radius of the first zero, px, taken as 1.22 / 1.028 of the FWHM.
  double airy_radius() const;
};

/// The shape drawn: its value at the centres of the pixels. Host.
Array<float, 2> draw_psf(Extents<2> extents, const PsfShape& shape);

/// How a fit ended. no_minimum: 300 steps led to none, or further than 10^6 px away, or to a Moffat
/// profile that has no width (alpha not positive); or all pixels are 0.
enum class FitStatus : std::int32_t { converged, no_minimum, too_few_pixels };

struct PsfFit {
  PsfShape shape;
  /// Standard errors, from the residuals' scatter and the curvature at the minimum; amplitude, y, x,
  /// fwhm_y, fwhm_x, theta (degrees) and alpha mean what they mean in a shape. NaN where the
  /// curvature says nothing (theta of a circle).
  PsfShape error;
  double gamma_error = 0;  ///< moff; fwhm's error is that at the fitted alpha
  /// Of amplitude, x, y and then gauss: fwhm_x, fwhm_y, theta (degrees); moff: gamma, alpha; airy:
  /// radius of the first zero. Rows and columns beyond the model's are 0.
  std::array<std::array<double, 6>, 6> covariance{};
  double chi2 = 0;     ///< the squared residuals' sum, in the stamp's units
  index_t pixels = 0;  ///< that took part
  int steps = 0;       ///< of the walk
  FitStatus status = FitStatus::converged;
  /// False: the shape's, the errors' and the covariance's values are NaN.
  bool converged = false;
};

/// The shape of least squares of each stamp, all pixels alike, without a background. Levenberg and
/// Marquardt's method in double (Marquardt 1963, J. SIAM 11, 431) with the derivatives in closed
/// form, started at the centre of mass (the highest pixel where that lies outside) with circular
/// width fwhm_start (moff: gamma fwhm_start / 2, alpha 1), as VIP's fit_2dgaussian, fit_2dmoffat and
/// fit_2dairydisk. Widths come out positive, theta within -90 .. 90 degrees.
///   stamps (n, y, x) on the Exec's device; positions are within the stamp
/// Pixels that are not finite are left out. One result for each stamp: none is thrown for. Throws
/// InvalidInput for stamps of more than 2^30 pixels. Waits.
std::vector<PsfFit> fit_psfs(Exec& exec, Cube<const float> stamps, PsfModel model = PsfModel::gauss,
                             double fwhm_start = 4);

/// fit_psfs() of one stamp (y, x) in host memory, on the CPU. Throws InvalidInput if no more finite
/// pixels are left than there are parameters.
PsfFit fit_psf(Frame<const float> stamp, PsfModel model = PsfModel::gauss, double fwhm_start = 4);

}  // namespace hci
