// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// A complex number in device memory; the layout of the FFT libraries' own.
struct Complex {
  double re, im;
};
HCI_HD inline Complex operator*(Complex a, Complex b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }

/// spectrum(b, f) = sum over j of rows(b, j) exp(-2 pi i f j / n), for f = 0 .. n / 2, by FFTW or
/// cuFFT in double. Plans are made once for each length (and on CUDA each number of rows, up to 64 MiB
/// of them). Throws InvalidInput for rows of 2^31 values and more. The bits of a row depend on the rows beside it on
/// CUDA (cuFFT promises none for another batch), within the rounding of a transform: 16 eps log2(4 n) of the row's
/// norm. A NaN or an infinity spoils its row, and no other.
///   rows      (b, n), dense, on the Exec's device
///   spectrum  (b, n / 2 + 1), dense, on CUDA aligned to 16 bytes, as Array makes it; rows that are not are copied
void fft_rows(Exec& exec, Matrix<const double> rows, Matrix<Complex> spectrum);

/// The way back, not normalised: n times what fft_rows was given. Destroys the spectrum.
void inverse_fft_rows(Exec& exec, Matrix<Complex> spectrum, Matrix<double> rows);

}  // namespace hci
