// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>

#include "kernels/core/view.hpp"

namespace hci::bench {

/// Whether two frames on the host agree at 40 pixels spread over all of them: |got - want| <= share (1 + |want|).
/// At least ten of them must not be 0, or the frames say nothing.
inline bool agree(Frame<const float> got, Frame<const float> want, double share) {
  if (got.extents() != want.extents()) return false;
  int telling = 0;
  for (index_t i = 0; i < 40; ++i) {
    const index_t y = (37 * i + 11) % want.extent(0), x = (53 * i + 29) % want.extent(1);
    const auto a = static_cast<double>(got(y, x)), b = static_cast<double>(want(y, x));
    if (!(std::fabs(a - b) <= share * (1 + std::fabs(b)))) return false;
    telling += b != 0;
  }
  return telling >= 10;
}

}  // namespace hci::bench
