// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string_view>

#include "kernels/geometry/rotate.hpp"
#include "kernels/geometry/shift.hpp"

namespace hci {

/// What VIP's frame_rotate and cube_derotate mean by their imlib, interpolation and border_mode; nothing
/// for words that they do not know. The table is in rotate.hpp.
std::optional<RotateOptions> rotation_in_vip_words(std::string_view imlib, std::string_view interpolation,
                                                   std::string_view border_mode);

/// The same for frame_shift and cube_shift, whose border_mode has scipy.ndimage's words (border.hpp).
/// scipy's own constant and wrap, which ndimage-interp has, are others than grid-constant and grid-wrap:
/// the spline near the edge knows nothing of what is beyond, and wrap repeats after n - 1 pixels. Here
/// they are Border::constant and Border::wrap.
std::optional<ShiftOptions> shift_in_vip_words(std::string_view imlib, std::string_view interpolation,
                                               std::string_view border_mode);

}  // namespace hci
