// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/linalg/nmf.hpp"

namespace hci {

/// The start of nmf(): w (t, k) double and h (k, p) float, both dense.
void nmf_start(Exec& exec, Matrix<const float> x, NmfStart start, std::uint64_t seed, Matrix<double> w,
               Matrix<float> h);

/// The mean of all numbers of x. Waits.
double mean_of(Exec& exec, Matrix<const float> x);

}  // namespace hci
