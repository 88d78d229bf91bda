// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <optional>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/rotate.hpp"

namespace hci {

struct CropOptions {
  /// The pixel (y, x) of the input that comes to the output's frame_centre(); unset: the input's frame_centre().
  std::optional<std::array<index_t, 2>> centre = std::nullopt;
  /// What lies outside the input; unset: nothing may, and a window that leaves the frame is an error.
  std::optional<Border> border = std::nullopt;
  /// The value outside where the border is constant; NaN is a mask.
  float outside = 0;
};

/// out(t) = a window of in(t), larger or smaller than it, as VIP's cube_crop_frames and frame_pad. Values are copied,
/// NaN as well.
///   in (t, y, x), out (t, Y, X) on the Exec's device, any strides, not overlapping
void crop_or_pad(Exec& exec, Cube<const float> in, const CropOptions& options, Cube<float> out);

/// VIP's side of a frame padded by a factor >= 1: round(factor x side), one less where the parity is not the side's.
index_t padded_side(index_t side, double factor);

}  // namespace hci
