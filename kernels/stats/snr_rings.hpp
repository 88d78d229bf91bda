// SPDX-License-Identifier: MIT
#pragma once
// What the portable and the tuned S/N map share. For kernels/stats/snr_map*.
#include <cstdint>
#include <vector>

#include "kernels/stats/snr_map.hpp"

namespace hci {

/// The apertures of one pixel and of the three that a quarter turn about the centre makes of it:
/// since the centre is a pixel, their rings are one pattern, turned.
struct SnrRing {
  std::int32_t dy = 0, dx = 0;  ///< the pixel from the centre, dx > 0, dy >= 0
  std::int32_t apertures = 0;   ///< with that at the pixel itself
  std::uint32_t turns = 0;      ///< bit q: the pixel after q quarter turns (ccw) is to be done
  double cosine = 1, sine = 0;  ///< of the step

  /// Whether the i-th aperture, 0 < i, gives noise.
  HCI_HD bool counts(std::int32_t i, bool exclude_negative_lobes) const {
    return !(exclude_negative_lobes && (i == 1 || i == apertures - 1));
  }
};

/// Offset (y, x) after q quarter turns counter-clockwise, y upward.
struct Turned {
  double y, x;
  HCI_HD Turned(double dy, double dx, int q)
      : y(q == 0   ? dy
          : q == 1 ? dx
          : q == 2 ? -dy
                   : -dx),
        x(q == 0   ? dx
          : q == 1 ? -dy
          : q == 2 ? -dx
                   : dy) {}
};

/// All rings of the frame, by radius (and then by dy): neighbours cost the same and read the same.
std::vector<SnrRing> snr_rings(Extents<2> frame, const SnrMapOptions& options);

/// The tuned CPU path of snr_map().
void snr_map_cpu(Exec& exec, Frame<const float> frame, Frame<const float> second, const SnrMapOptions& options,
                 const std::vector<SnrRing>& rings, Frame<float> out);

}  // namespace hci
