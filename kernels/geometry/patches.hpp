// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/rotate.hpp"
#include "kernels/stats/apertures.hpp"

namespace hci {

/// Samples of a detector: small windows of all slices of a stack.
template <class T>
using Patches = View<T, 4>;  ///< (sample, slice, y, x)

/// What becomes 0 to 1: nothing, each slice of each sample, or each sample as a whole.
enum class PatchScaling { none, slice, sample };
constexpr auto enum_names(PatchScaling) {
  return std::array<std::pair<std::string_view, PatchScaling>, 3>{
      {{"none", PatchScaling::none}, {"slice", PatchScaling::slice}, {"sample", PatchScaling::sample}}};
}

struct PatchOptions {
  /// Angles of derotation of the slices, degrees, as derotate() takes them; empty: no turn.
  std::vector<double> angles = {};
  /// How values between pixels are made: lanczos4, bicubic, bilinear or nearest; the others throw InvalidInput.
  /// Without angles, centres on whole pixels need none.
  Rotation method = Rotation::bilinear;
  /// What lies outside the stack's frames; constant is 0.
  Border border = Border::constant;
  /// Centre of rotation (y, x), pixels; unset: frame_centre(), as it must be without angles.
  std::optional<std::array<double, 2>> centre = std::nullopt;
  PatchScaling scaling = PatchScaling::none;
};

/// out(b, k, i, j) = slice k, derotated by angles[k], at (centres[b].y + i - py / 2, centres[b].x + j - px / 2),
/// integer divisions: the window's frame_centre() is on the centre. Then scaled, see scale_patches().
///   stack (k, y, x) on the Exec's device; centres B of them, host, pixels, whole or not, inside the frames or not
///   out (b, k, py, px) on the Exec's device, sides below 1e5, any strides; must not overlap the stack
/// Each value is gathered straight from the slice before it turned, with the methods of derotate(): a window that
/// lies within the frame agrees with that of the derotated frame to rounding, one that hangs over its edge goes on
/// to show what the turn brought there, and `border` beyond the edge of the slice itself.
/// A NaN is copied with its pixel; interpolated, it reaches every value that reads it, as in derotate().
/// Windows on whole pixels that overlap much share the work of turning, in up to 256 MiB of scratch.
void extract_patches(Exec& exec, Cube<const float> stack, const std::vector<Position>& centres,
                     const PatchOptions& options, Patches<float> out);

/// In place: x = (x - min) / (max - min) over each slice, or over each whole sample; 0 where all values are equal.
///   patches (b, k, y, x) on the Exec's device, any strides
/// Only finite values count for min and max. NaN stays NaN.
void scale_patches(Exec& exec, PatchScaling scaling, Patches<float> patches);

}  // namespace hci
