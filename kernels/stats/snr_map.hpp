// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

struct SnrMapOptions {
  /// Diameter of the apertures, px.
  double fwhm = 0;
  /// Pixels with inner <= r < outer (px from frame_centre()) and r > fwhm / 2 get a value; 0 <= inner < outer.
  double inner = 0, outer = 0;
  /// Leaves out the apertures next to the tested one.
  bool exclude_negative_lobes = false;
  /// Takes the noise from the second frame only.
  bool noise_from_second_only = false;
  /// A pixel that is exactly 0 in the frame gets 0.
  bool skip_zeros = true;
  /// One value for each pixel, row by row: pixels where it is 0 are left out. Empty: all.
  std::vector<std::uint8_t> wanted{};
};

/// out = for each pixel the S/N of a point source at it (Mawet et al. 2014, ApJ 792, 97, eq. 9):
///   (f - mean) / (std sqrt(1 + 1/n)),  std with n - 1
/// f is the sum over the aperture at the pixel, mean and std are those of the n apertures that fit
/// beside it on its ring. They follow each other clockwise (y upward) from the pixel in steps of
/// 2 asin(fwhm / 2 / r), floor(2 pi / step) in all with the first, so that a gap narrower than an
/// aperture is left at the end. Sums are exact, as in aperture_sums().
///   frame, second, out  (y, x) on the Exec's device; second: a frame of the same shape in which the
///   same apertures, that at the pixel too, give more samples of the noise; or an empty view
/// Only pixels of the range that are wanted are written. An aperture that covers a pixel that is not
/// finite drops out of the ring; out is NaN where the tested aperture is such a one and where fewer
/// than two others are left. The variance is that of the differences to the first aperture, in double, in one pass:
/// where all apertures lie within D of one another and hold F, it is within n eps (F + D) D of its value, so that a
/// ring that is flat to less than some 1e-14 of its level has no S/N of meaning. Throws InvalidInput for a fwhm that is
/// not above 0, inner or outer that do not fit, and shapes or flags that differ.
void snr_map(Exec& exec, Frame<const float> frame, Frame<const float> second, const SnrMapOptions& options,
             Frame<float> out);

}  // namespace hci
