// SPDX-License-Identifier: MIT
#pragma once
#include <optional>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/rotate.hpp"

namespace hci {

struct ResampleOptions {
  /// How values between pixels are made.
  Rotation method = Rotation::fft;
  /// Whether frame_centre() goes to frame_centre(), as fft always does; else the edges of the frames coincide (for
  /// splines the middles of the outermost pixels).
  bool keep_centre = false;
  /// The scale along x, where it is another than along y; fft must have one.
  std::optional<double> scale_x = std::nullopt;
};

/// The sides of frames whose pixels are 1 / scale as wide: round(scale x side), halves to even; for fft of the
/// parity of the side, as VIP's frame_px_resampling; at least one pixel, or two for the even sides of fft.
/// scale_x: along x, where it is another.
Extents<2> resampled_sides(Extents<2> sides, double scale, Rotation method,
                           std::optional<double> scale_x = std::nullopt);

/// out = in on pixels 1 / scale as wide, divided by scale² (by the product of both scales), so that the
/// flux of a source stays.
///   in (t, y, x), out (t, resampled_sides) on the Exec's device, not overlapping
/// The interpolating methods follow OpenCV 5's resize: exact weights, frames continued by their edge pixels; a NaN
/// reaches every output pixel that reads it. The splines follow scipy.ndimage.zoom: the middles of the outermost pixels
/// coincide (unless keep_centre), frames go on as their mirror image. fft as in rescale(): about the centre, zeros
/// outside, a NaN spoils its frame.
void resample(Exec& exec, Cube<const float> in, double scale, const ResampleOptions& options, Cube<float> out);

}  // namespace hci
