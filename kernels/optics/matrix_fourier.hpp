// SPDX-License-Identifier: MIT
#pragma once
#include <complex>
#include <vector>

#include "kernels/core/array.hpp"

namespace hci {

/// The matrix exp(sign 2 pi i frequency position) scale, one row for each frequency and one column for
/// each position, on the Exec's device. Computed in double.
Array<std::complex<float>, 2> fourier_matrix(Exec& exec, const std::vector<double>& frequencies,
                                             const std::vector<double>& positions, double sign, double scale);

/// Matrix Fourier transform: out(t) = rows in(t) columns^T (Soummer, Pueyo, Sivaramakrishnan & Vanderbei
/// 2007, Optics Express 15, 15935). From a pupil to any set of equidistant focal points, so that the
/// detector's pixel scale is exact at every wavelength, and for less work than a padded FFT when few
/// points are wanted.
///   in (t, k, l), rows (v, k), columns (u, l), out (t, v, u); dense, on the Exec's device; out is not in
/// Scratch: (t, k, u), on the CPU with tuned code only that of a frame for each thread.
/// Float throughout: sums of n unit phasors err by about n eps / 2 at the worst, which is 1e-5 of the
/// peak's amplitude and 1e-10 of its intensity for n = 200, far below any halo.
void matrix_fourier(Exec& exec, Cube<const std::complex<float>> in, Matrix<const std::complex<float>> rows,
                    Matrix<const std::complex<float>> columns, Cube<std::complex<float>> out);

}  // namespace hci
