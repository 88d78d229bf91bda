// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// The box about a pixel from which its neighbours are taken. At an edge it is moved inwards, so that it
/// keeps its size, as in VIP.
struct NeighborBox {
  index_t side = 3;         ///< 3 .. 15 px; an even one counts as the next odd one
  bool half_res_y = false;  ///< half as high: every two rows of the frame are the same (SINFONI)
};

struct SigmaClipOptions {
  double lower_sigma = 5, upper_sigma = 5;
  NeighborBox neighbor = {};
  bool mad = false;  ///< sigma is the median absolute deviation (unscaled), not the standard deviation
};

/// Finds outliers: bad(t, y, x) = 1 where a value lies below median - lower_sigma sigma or above median +
/// upper_sigma sigma of its neighbours (VIP's clip_array with neighbor=True); 0 elsewhere, at known bad
/// pixels too. NaN and known bad pixels are nobody's neighbours, and are not looked at themselves.
///   frames (t, y, x) float   known (y, x) or nothing: 1 = bad before   bad (t, y, x); all on the device, any strides
void sigma_clip(Exec& exec, Cube<const float> frames, View<const std::uint8_t, 2> known,
                const SigmaClipOptions& options, View<std::uint8_t, 3> bad);

/// Replaces bad pixels by the median of the good ones in their box, where there are at least
/// `min_neighbors`, again and again, those mended counting as good the next time (VIP's sigma_filter).
///   frames (t, y, x) float, any strides, in place   bad (t, y, x), dense: 1 = to replace; on return those that could
///   not be
/// Returns how many are left: of a frame with too few good pixels anywhere. Waits in each round.
index_t sigma_filter(Exec& exec, Cube<float> frames, View<std::uint8_t, 3> bad, const NeighborBox& box,
                     index_t min_neighbors = 3);

/// Replaces NaN so, by sigma_filter(); returns how many are left (VIP's cube_correct_nan).
index_t correct_nan(Exec& exec, Cube<float> frames, const NeighborBox& box, index_t min_neighbors = 3);

}  // namespace hci
