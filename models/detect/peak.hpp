// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/view.hpp"

namespace hci {

/// A pixel and its value.
struct Peak {
  index_t y = 0, x = 0;
  double value = 0;
};

/// The largest finite value of a host map; throws InvalidInput if there is none.
Peak highest_pixel(Frame<const float> map);

}  // namespace hci
