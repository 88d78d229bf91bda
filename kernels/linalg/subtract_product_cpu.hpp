// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only.
#include "kernels/linalg/subtract_product.hpp"

namespace hci::cpu {

/// Both forms of subtract_product() on the CPU; b of no rows: the first one.
void subtract_product(int threads, Matrix<const float> a, Matrix<const float> b, Matrix<const float> y,
                      Matrix<const float> x, Matrix<float> out);

}  // namespace hci::cpu
