// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only: the products of a non-negative factorisation, whose factors are narrow.
#include "kernels/core/view.hpp"

namespace hci::cpu {

/// xht = x hᵀ in double.   x (t, p) and h (k, p), rows of unit stride   xht (t, k) dense
void times_components(int threads, Matrix<const float> x, Matrix<const float> h, Matrix<double> xht);

/// wtx = wᵀ x, w rounded to float and all sums in float, over t in order.   w (t, k)   x (t, p), rows of unit stride
/// wtx (k, p) dense
void times_weights(int threads, Matrix<const double> w, Matrix<const float> x, Matrix<float> wtx);

}  // namespace hci::cpu
