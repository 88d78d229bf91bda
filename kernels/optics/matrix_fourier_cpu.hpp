// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only.
#include <complex>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// matrix_fourier() on the CPU, blocked for its registers; see there. For matrix_fourier.cu only.
void matrix_fourier_cpu(Exec& exec, Cube<const std::complex<float>> in, Matrix<const std::complex<float>> rows,
                        Matrix<const std::complex<float>> columns, Cube<std::complex<float>> out);

}  // namespace hci
