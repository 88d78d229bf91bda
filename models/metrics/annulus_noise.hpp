// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <optional>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

struct AnnulusNoiseOptions {
  double fwhm = 0;
  double separation = 1;                ///< px from radius to radius
  std::optional<double> first{};        ///< first radius, px; unset: one FWHM
  std::array<double, 2> wedge{0, 360};  ///< azimuths, degrees from +x counter-clockwise
};

/// One value for each radius.
struct AnnulusNoise {
  std::vector<double> radius;  ///< px
  std::vector<double> noise;   ///< standard deviation of the apertures' sums (n, not n - 1)
  std::vector<double> level;   ///< their mean
};

/// Scatter of the fluxes in apertures of diameter FWHM, side by side along circles (VIP's
/// noise_per_annulus): int(wedge x r / fwhm) of them, one FWHM of arc apart, from the wedge's start
/// on; floor((cy - first) / separation) - 1 circles.
///   frame (y, x) on the Exec's device. Waits.
/// Apertures that cover pixels that are not finite are left out; NaN where none is left.
AnnulusNoise noise_per_annulus(Exec& exec, Frame<const float> frame, const AnnulusNoiseOptions& options);

}  // namespace hci
