// SPDX-License-Identifier: MIT
#include "models/detect/peak.hpp"

#include <cmath>

#include "kernels/core/error.hpp"

namespace hci {

Peak highest_pixel(Frame<const float> map) {
  Peak peak;
  bool found = false;
  for (index_t y = 0; y < map.extent(0); ++y)
    for (index_t x = 0; x < map.extent(1); ++x) {
      const double value = map(y, x);
      if (!std::isfinite(value) || (found && value <= peak.value)) continue;
      peak = {y, x, value};
      found = true;
    }
  require(found, "no finite pixel in the map");
  return peak;
}

}  // namespace hci
