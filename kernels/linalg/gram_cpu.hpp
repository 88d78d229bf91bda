// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/linalg/gram.hpp"

namespace hci::cpu {

/// cross_gram() for the CPU. lower_only: a and b are the same, only blocks with row >= column are
/// made.
void cross_gram(int threads, Matrix<const float> a, Matrix<const float> b, UsedColumns used, Matrix<double> g,
                bool lower_only);

}  // namespace hci::cpu
