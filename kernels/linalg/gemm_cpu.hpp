// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only.
#include "kernels/linalg/gemm.hpp"

namespace hci::cpu {

/// gemm() by OpenBLAS, in tiles that do not depend on the number of threads.
template <class T>
void gemm(int threads, const Gemm<T>& what, View<T, 3> c);

/// c = a b, or a bᵀ, by OpenBLAS on the calling thread, which holds a OneBlasThread. Rows fit_blas().
void multiply(Matrix<const float> a, Matrix<const float> b, bool transposed, Matrix<float> c);
void multiply(Matrix<const double> a, Matrix<const double> b, bool transposed, Matrix<double> c);

}  // namespace hci::cpu
