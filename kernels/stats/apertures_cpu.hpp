// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/.
#include "kernels/stats/apertures.hpp"

namespace hci {

/// The CPU's tuned aperture_sums(), of arguments that were checked.
void aperture_sums_cpu(int threads, Frame<const float> frame, const std::vector<Position>& positions, double radius,
                       Vector<double> sums);

}  // namespace hci
