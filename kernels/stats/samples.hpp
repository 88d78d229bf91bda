// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: what a pixel is over time.
#include "kernels/core/view.hpp"

namespace hci {

/// The values of one pixel over all frames.
struct Samples {
  const float* first;
  index_t step, count;

  HCI_HD float operator()(index_t t) const { return first[t * step]; }
};

}  // namespace hci
