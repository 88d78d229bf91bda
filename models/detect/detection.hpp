// SPDX-License-Identifier: MIT
#pragma once

#include "kernels/core/exec.hpp"
#include "kernels/stats/apertures.hpp"

namespace hci {

/// The brightest point of a map: what `cuhci reduce` prints.
struct Detection {
  index_t pixel_y = 0, pixel_x = 0;  ///< of the highest S/N
  double snr = 0;                    ///< the map's value there
  double significance = 0;           ///< sigma with the same false-alarm probability; NaN close in
  double y = 0, x = 0;               ///< the source in the frame, px
  bool refined = false;              ///< false: no fit was good, (y, x) is the pixel
  double flux = 0;                   ///< sum over the aperture of diameter FWHM at (y, x), unit of the frame
  double radius = 0;                 ///< px from frame_centre()
  /// Direction from the centre, degrees, from +x counter-clockwise with y upward, 0 .. 360.
  double theta = 0;
  /// The same from +y counter-clockwise. It is the position angle (East of North) only where the
  /// derotation angles bring North up and the detector is not mirrored: nothing in a cube tells.
  double pa_from_up = 0;
};

/// The highest finite pixel of an S/N map, refined on the frame by Gaussian fits to the square of
/// pixels within round(fwhm / 2) + 1 px, first about the pixel and then about the first fit. They
/// count if the source is within one FWHM of the pixel and between 1/3 and 3 FWHM wide.
///   frame, map (y, x), of one shape, on the Exec's device. Waits.
/// Throws InvalidInput if the map has no finite pixel.
Detection find_peak(Exec& exec, Frame<const float> frame, Frame<const float> map, double fwhm);

/// Flux of a source over that of its star: the frame's sum over the aperture of diameter FWHM at the
/// position, over what the same aperture holds of the star (NormalizedPsf::flux). Not corrected for
/// the throughput of the PSF subtraction, which takes a part of every planet: the true contrast is
/// higher. The star's PSF must be in the frame's unit (same exposure, same filter). Waits.
double flux_ratio(Exec& exec, Frame<const float> frame, Position at, double fwhm, double star_flux);

}  // namespace hci
