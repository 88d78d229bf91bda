// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// How values between pixels are made.
enum class Rotation { lanczos4, bicubic, bilinear, nearest, fft };

/// Names for flags, configuration files and headers.
constexpr auto enum_names(Rotation) {
  return std::array<std::pair<std::string_view, Rotation>, 5>{{{"lanczos4", Rotation::lanczos4},
                                                               {"bicubic", Rotation::bicubic},
                                                               {"bilinear", Rotation::bilinear},
                                                               {"nearest", Rotation::nearest},
                                                               {"fft", Rotation::fft}}};
}

/// What is taken to lie outside the frame. `constant` is 0. Not used by Rotation::fft.
enum class Border { constant, edge, symmetric, reflect, wrap };

struct RotateOptions {
  Rotation method = Rotation::lanczos4;
  Border border = Border::constant;
  /// Centre of rotation (y, x), pixels; unset: frame_centre() of docs/conventions.md.
  std::optional<std::array<double, 2>> centre = std::nullopt;
  /// Only for Rotation::fft, as in VIP: pixels of the unrotated frame that equal this value (NaN:
  /// that are NaN) count as 0 in the rotation and get the value back after it, where they were. Any
  /// other NaN counts as 0. The interpolating methods let a NaN reach every output pixel that reads
  /// it (lanczos4: 8 x 8, bicubic: 4 x 4, bilinear: 2 x 2 pixels, also where the weight is 0).
  float mask_value = std::numeric_limits<float>::quiet_NaN();
};

/// out(t) = in(t) derotated by angles[t] degrees: with y upward the image turns counter-clockwise
/// by +angle. It is VIP's cube_derotate(cube, angles) = frame_rotate(frame, -angle).
///   in   (t, y, x) frames, on the Exec's device
///   angles  T of them, host, degrees
///   out  (t, y, x) on the Exec's device, must not overlap `in`; for Rotation::fft it may be `in`
/// The interpolating methods follow OpenCV 5's warpAffine (see docs/conventions.md): lanczos4 on
/// the 1/32 px fixed-point grid, bicubic (A = -0.75), bilinear and nearest at the exact position.
/// fft is VIP's three-shear rotation (Larkin, Oldenburg & Klemm 1997, Optics Communications 139,
/// 99) in double, on a grid about four times as large; frames that are not square are padded by
/// their longer side. Turns by multiples of 90 degrees of odd square frames are exact, for fft up to
/// rounding to float32. Throws InvalidInput for angles that are not finite or not one per frame.
void derotate(Exec& exec, Cube<const float> in, const std::vector<double>& angles, const RotateOptions& options,
              Cube<float> out);

}  // namespace hci
