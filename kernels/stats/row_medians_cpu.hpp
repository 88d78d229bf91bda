// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/.
#include "kernels/stats/row_medians.hpp"

namespace hci {

/// The CPU's tuned row_medians(), of arguments that were checked.
void row_medians_cpu(Exec& exec, Matrix<const float> x, const std::vector<std::vector<index_t>>& sets,
                     Matrix<float> medians);

}  // namespace hci
