// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <optional>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/rotate.hpp"

namespace hci {

struct RescaleOptions {
  /// How values between pixels are made.
  Rotation method = Rotation::lanczos4;
  /// What lies outside the frame; fft knows constant (zeros) only.
  Border border = Border::constant;
  /// The point (y, x) that stays; unset: frame_centre(), which fft must have.
  std::optional<std::array<double, 2>> centre = std::nullopt;
  /// Scales along x, one for each frame, where they are others than along y (VIP's scale_x); none: those along y, which
  /// fft must have.
  std::vector<double> scales_x = {};
};

/// out(t) = in(t) magnified by scales[t] about the centre and divided by scales[t]² (by the product of both scales), so
/// that the flux of a source stays, as VIP's cube_rescaling.
///   in (t, y, x), out (t, Y, X) on the Exec's device, not overlapping; scales: T of them, host
/// `out` may have other sides: the frames' centres lie on one another. The interpolating methods follow OpenCV 5's
/// warpAffine as derotate() does; they let a NaN reach every output pixel that reads it. The splines (VIP's ndimage) go
/// on as the border says where they read beyond the edge; with constant, as the frame's mirror image, and what comes
/// from beyond the outermost pixels' middles is 0. fft (VIP's vip-fft) crops or
/// extends the Fourier transform of frames padded such that the ratio of two even sides is closest to the scale, in
/// double, by matrix products; a NaN spoils its frame. Axes apart: taps, not taps², for each pixel.
void rescale(Exec& exec, Cube<const float> in, const std::vector<double>& scales, const RescaleOptions& options,
             Cube<float> out);

/// The sides of the frames that rescale_wavelengths() makes: ceil(largest scale x side), of the same parity; the
/// sides themselves where no scale is above 1.
Extents<2> rescaled_sides(Extents<2> sides, const std::vector<double>& scales);

/// forward brings the speckles of all wavelengths to the same radius, inverse brings the field back.
enum class WavelengthScaling { forward, inverse };

/// VIP's cube_rescaling_wavelengths. scales (largest wavelength / wavelength): T of them, host.
///   forward: in (t, y, x), out (t, rescaled_sides): magnified by scales[t]; beyond their edge frames go on as their
///     mirror image (the edge pixel not repeated) up to the larger sides, and are 0 from there on.
///   inverse: in (t, Y, X), out (t, y, x): magnified by 1 / scales[t] and cropped about the centre.
void rescale_wavelengths(Exec& exec, Cube<const float> in, const std::vector<double>& scales, Rotation method,
                         WavelengthScaling direction, Cube<float> out);

}  // namespace hci
