// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>
#include <utility>

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

struct PsfFit {
  PsfShape shape;
  /// Standard errors, from the residuals' scatter and the curvature at the minimum; amplitude, y, x,
  /// fwhm_y, fwhm_x, theta (degrees) and alpha mean what they mean in a shape.
  PsfShape error;
  double gamma_error = 0;  ///< moff; fwhm's error is that at the fitted alpha
  /// False: no minimum was found; the shape's values are NaN then.
  bool converged = false;
};

/// The shape of least squares, all pixels alike, without a background. Levenberg and Marquardt's
/// method in double (Marquardt 1963, J. SIAM 11, 431), started at the centre of mass with circular
/// width fwhm_start (alpha 1 for moff), as VIP's fit_2dgaussian, fit_2dmoffat and fit_2dairydisk.
/// On the host, one stamp (y, x) in host memory at a time. Pixels that are not finite are left out.
/// Throws InvalidInput if fewer finite pixels are left than there are parameters.
PsfFit fit_psf(Frame<const float> stamp, PsfModel model = PsfModel::gauss, double fwhm_start = 4);

}  // namespace hci
