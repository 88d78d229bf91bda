// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/rotate.hpp"

namespace hci {

/// The pixels of a window, from its origin.
struct Footprint {
  struct Offset {
    index_t y = 0, x = 0;
    friend bool operator==(const Offset&, const Offset&) = default;
  };
  std::vector<Offset> offsets{};
};

/// ny x nx pixels with the origin at (ny / 2, nx / 2), as in SciPy.
Footprint box_footprint(index_t ny, index_t nx);
/// All pixels with y² + x² <= radius² (skimage's disk() where the radius is whole).
Footprint disc_footprint(double radius);

/// out(t, y, x) = the median of the frame's pixels under the footprint put at (y, x). Of an even
/// number it is the larger of the middle two, so that it always is a value of the frame, as in
/// SciPy's median_filter. Pixels that are NaN are left out; NaN where no other is under the footprint.
/// Outside the frame `border` holds (Border::edge: SciPy's and VIP's `nearest`).
///   in, out (t, y, x) on the Exec's device, no overlap
/// Exact, so alike on all devices (up to the sign of zero). On the CPU the window slides: the time
/// for a pixel grows with the footprint's edge, not with its area.
void median_filter(Exec& exec, Cube<const float> in, const Footprint& footprint, Border border, Cube<float> out);

}  // namespace hci
