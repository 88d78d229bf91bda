// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/border.hpp"

namespace hci {

/// How values between pixels are made.
///
///   | here        | taps   | what it is                                      | VIP                          |
///   |-------------|--------|-------------------------------------------------|------------------------------|
///   | lanczos4    | 8 x 8  | Lanczos-4, positions on a grid of 1/32 px       | opencv: lanczos4             |
///   | bicubic     | 4 x 4  | cubic convolution, A = -0.75                    | opencv: bicubic              |
///   | catmull_rom | 4 x 4  | cubic convolution, A = -0.5 (Keys 1981)         | skimage: bicubic             |
///   | bilinear    | 2 x 2  |                                                 | opencv, skimage: bilinear    |
///   | nearest     | 1      | the pixel at rint(y), rint(x)                   | opencv, skimage: nearneig    |
///   | spline2..5  | (order + 1)² | B-spline through the pixels (spline.hpp)  | ndimage-interp: biquadratic, |
///   |             |        |                                                 | bicubic, biquartic (also for |
///   |             |        |                                                 | lanczos4), biquintic;        |
///   |             |        |                                                 | skimage: all but bicubic     |
///   | fft         | all    | Fourier series of the padded frame, in double   | vip-fft, ndimage-fourier     |
enum class Rotation { lanczos4, bicubic, catmull_rom, bilinear, nearest, spline2, spline3, spline4, spline5, fft };

/// Names for flags, configuration files and headers.
constexpr auto enum_names(Rotation) {
  return std::array<std::pair<std::string_view, Rotation>, 10>{{{"lanczos4", Rotation::lanczos4},
                                                                {"bicubic", Rotation::bicubic},
                                                                {"catmull-rom", Rotation::catmull_rom},
                                                                {"bilinear", Rotation::bilinear},
                                                                {"nearest", Rotation::nearest},
                                                                {"spline2", Rotation::spline2},
                                                                {"spline3", Rotation::spline3},
                                                                {"spline4", Rotation::spline4},
                                                                {"spline5", Rotation::spline5},
                                                                {"fft", Rotation::fft}}};
}

/// VIP's words for some of them, as they are taken, too.
constexpr auto enum_aliases(Rotation) {
  return std::array<std::pair<std::string_view, Rotation>, 3>{
      {{"vip-fft", Rotation::fft}, {"opencv", Rotation::lanczos4}, {"nearneig", Rotation::nearest}}};
}

/// The order of the spline methods, 0 for the others.
HCI_HD constexpr int spline_order(Rotation method) {
  return method >= Rotation::spline2 && method <= Rotation::spline5
             ? 2 + static_cast<int>(method) - static_cast<int>(Rotation::spline2)
             : 0;
}

/// What fills a frame's holes (NaN, and pixels that equal RotateOptions::mask_value) and a margin around it before it
/// turns, so that no edge rings; afterwards the holes are what they were, where they were. As VIP's edge_blend: none,
/// 'interp', 'noise', 'interp+noise'.
///   interp: the mean of the pixels about, weighted by a Gaussian; 0 where the window has none
///   noise: in the margin normal noise of the frame's sigma-clipped median and standard deviation; holes 0
///   interp_noise: the former, in the margin with noise about it
enum class EdgeBlend { none, interp, noise, interp_noise };
constexpr auto enum_names(EdgeBlend) {
  return std::array<std::pair<std::string_view, EdgeBlend>, 4>{{{"none", EdgeBlend::none},
                                                                {"interp", EdgeBlend::interp},
                                                                {"noise", EdgeBlend::noise},
                                                                {"interp+noise", EdgeBlend::interp_noise}}};
}

struct RotateOptions {
  Rotation method = Rotation::lanczos4;
  /// Rotation::fft has zeros outside: it takes constant only.
  Border border = Border::constant;
  /// Centre of rotation (y, x), pixels; unset: frame_centre() of docs/conventions.md. For Rotation::fft
  /// it must be in the frame; any other than frame_centre() takes longer there on the CPU.
  std::optional<std::array<double, 2>> centre = std::nullopt;
  /// Only for Rotation::fft, or with an edge_blend, as in VIP: pixels of the unrotated frame that equal this value are
  /// holes beside the NaN. In the turn a hole counts as 0, or as what the edge_blend fills it with; after it, the hole
  /// is where it was and what it was: NaN stays NaN, whatever the mask_value. The other methods let a NaN reach every
  /// output pixel that reads it (lanczos4: 8 x 8, bicubic: 4 x 4, bilinear: 2 x 2 pixels, also where the weight is 0).
  float mask_value = std::numeric_limits<float>::quiet_NaN();
  /// As VIP's skimage: values stay between the smallest and the largest pixel of the frame that turns, NaN left out,
  /// and beyond a constant border lies the smallest. With an edge_blend, that is the frame with its filled holes and
  /// its margin, noise included. A frame of NaN alone is held to nothing. Not for Rotation::fft.
  bool keep_range = false;
  /// Where mask_value is 0, the zeros are filled with interpolate_zeros only; after the turn they are 0 either way.
  /// Margins are VIP's: 1.5 times the frame for fft, else 1.1 times. It holds 256 MiB of scratch.
  EdgeBlend edge_blend = EdgeBlend::none;
  bool interpolate_zeros = false;
  double blend_fwhm = 1;   ///< of interp's Gaussian, px (VIP's ker)
  std::uint64_t seed = 0;  ///< of the noise; pixel (t, y, x) has its own stream
};

/// out(t) = in(t) derotated by angles[t] degrees: with y upward the image turns counter-clockwise
/// by +angle. It is VIP's cube_derotate(cube, angles) = frame_rotate(frame, -angle).
///   in   (t, y, x) frames, on the Exec's device
///   angles  T of them, host, degrees
///   out  (t, y, x) on the Exec's device, must not overlap `in`; for Rotation::fft, and with an edge_blend, it may be
///        `in` itself
/// The interpolating methods follow OpenCV 5's warpAffine (see docs/conventions.md): lanczos4 on
/// the 1/32 px fixed-point grid, bicubic (A = -0.75), bilinear and nearest at the exact position; the
/// splines and catmull_rom, too, are at the exact position. The splines hold a cube of coefficients;
/// the CPU, of many frames, for each thread a frame with its border about it, up to twice as wide and high.
/// fft is VIP's three-shear rotation (Larkin, Oldenburg & Klemm 1997, Optics Communications 139,
/// 99) in double, on a grid about four times as large; frames that are not square are padded by
/// their longer side. Turns by multiples of 90 degrees of odd square frames are exact, for fft up to
/// rounding to float32. Throws InvalidInput for angles that are not finite or not one per frame, for an overlap (seen
/// where both begin at the same pixel, or are dense), and for options that would do nothing: fft with another border or
/// keep_range; mask_value without fft or edge_blend; interpolate_zeros without edge_blend, blend_fwhm without one that
/// interpolates, seed without one that makes noise.
void derotate(Exec& exec, Cube<const float> in, const std::vector<double>& angles, const RotateOptions& options,
              Cube<float> out);

}  // namespace hci
