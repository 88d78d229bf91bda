// SPDX-License-Identifier: MIT
#include <cstdio>
#include <vector>

#include "engine/version.hpp"
#include "kernels/core/exec.hpp"
#include "models/detect/peak.hpp"

int main() {
  std::vector<float> map(16 * 9, 0.0f);
  map[5 * 9 + 7] = 3.0f;
  const hci::Peak peak = hci::highest_pixel(hci::Frame<const float>(map.data(), {16, 9}));
  std::printf("cuHCI %s on %s: peak at y %ld, x %ld\n", hci::version().c_str(), hci::Exec().device().name().c_str(),
              static_cast<long>(peak.y), static_cast<long>(peak.x));
  return peak.y == 5 && peak.x == 7 ? 0 : 1;
}
