// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/.
#include "kernels/stats/apertures.hpp"

namespace hci {

/// The CPU's tuned aperture_sums(), of arguments that were checked.
void aperture_sums_cpu(int threads, Cube<const float> frames, const std::vector<Position>& positions, double radius,
                       Matrix<double> sums);

}  // namespace hci
