// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/rotate.hpp"

namespace hci {

/// What shall be least where a rescaled channel is subtracted from the last one: the variance of what is left, or the
/// mean of its squares. Both have their least where VIP's fm 'stddev' and 'sum' have theirs, which are their root and
/// their product with the number of pixels: it is one for all scales in VIP, which knows no NaN. (VIP's stddev leaves
/// out pixels where exactly 0 is left.)
enum class ResidualMeasure { stddev, sum };
constexpr auto enum_names(ResidualMeasure) {
  return std::array<std::pair<std::string_view, ResidualMeasure>, 2>{
      {{"stddev", ResidualMeasure::stddev}, {"sum", ResidualMeasure::sum}}};
}

struct ScaleSearch {
  Rotation method = Rotation::fft;
  ResidualMeasure measure = ResidualMeasure::stddev;
  /// Whether the channels' flux factors are found as well, or given.
  bool fit_flux = true;
  /// The scales that are tried lie within this share of longest wavelength / wavelength.
  double range = 0.1;
};

struct ChannelScales {
  std::vector<double> scales;  ///< the smallest is 1
  std::vector<double> fluxes;  ///< what a channel is to be multiplied with
};

/// The scales, and flux factors, at which channels cancel the last one best: VIP's find_scal_vector. Scales are tried
/// on a grid and three refined ones, all of a grid at once; the flux factor for each scale is the exact minimum.
/// So it is the least of the range where it is the least of a first grid of 33, to the last grid's steps:
/// 1.5e-5 range of the scale, 1.5e-6 of it for the default range. Not so for methods that move in steps, which leave
/// a staircase: there it is one of many scales whose residuals are alike to 1e-5 (lanczos4: steps of 1/32 px, scales
/// some 1e-4 apart; fft: the next ratio of sides, see rescale()). How far the least is from the true scale is the
/// method's matter: for lanczos4 some 1e-4 of it on frames of 50 px.
///   channels    (wavelength, y, x) on the Exec's device
///   wavelengths as many, host, any unit
///   fluxes      as many, host: of the star in each channel; used as factors fluxes.back() / flux where not fitted
///   mask        (y, x) on the Exec's device, or empty: pixels count where it is not 0
/// Pixels where either frame is NaN do not count, nor do those that read a channel's NaN when it is rescaled (see
/// rescale()). With fft these are all, so that only the last channel, which is not rescaled, may have NaN. Waits.
/// Throws InvalidInput where no pixel of a channel counts.
ChannelScales find_scales(Exec& exec, Cube<const float> channels, const std::vector<double>& wavelengths,
                          const std::vector<double>& fluxes, const ScaleSearch& search, Frame<const float> mask);

}  // namespace hci
