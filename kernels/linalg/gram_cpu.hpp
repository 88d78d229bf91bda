// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only.
#include "kernels/linalg/gram.hpp"

namespace hci::cpu {

/// cross_gram() for the CPU. symmetric: a and b are the same; half of the products are made, both
/// triangles of g are filled.
void cross_gram(Exec& exec, Matrix<const float> a, Matrix<const float> b, UsedColumns used, Matrix<double> g,
                bool symmetric);

}  // namespace hci::cpu
