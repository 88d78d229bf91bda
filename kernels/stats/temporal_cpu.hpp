// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only.
#include <vector>

#include "kernels/stats/clipped_stats.hpp"
#include "kernels/stats/temporal.hpp"

namespace hci::cpu {

/// The functions of these names on the CPU, of arguments that they have checked.
void temporal_quantiles(Exec& exec, Cube<const float> in, const std::vector<double>& probabilities, Cube<float> out);
void temporal_clipped_stats(Exec& exec, Cube<const float> in, const ClippedStatsOptions& options, Frame<float> mean,
                            Frame<float> median, Frame<float> deviation);

}  // namespace hci::cpu
