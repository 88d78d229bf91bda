// SPDX-License-Identifier: MIT
#pragma once
#include <complex>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// Sign of the exponent: forward is exp(-2 pi i ...), backward exp(+2 pi i ...).
enum class FftDirection { forward, backward };

/// The 2-D discrete Fourier transform of each frame, not normalised: backward after forward
/// multiplies by y x.
///   out(t, v, u) = sum over y, x of in(t, y, x) exp(-+2 pi i (v y / Y + u x / X))
/// Frequency 0 is at index 0, as in NumPy's fft2.
///   in, out (t, y, x), dense, on the Exec's device; the same view (in place) or not overlapping; on CUDA aligned to
///           their complex type's size, as Array makes them
/// Any size, primes too. A NaN anywhere makes its whole frame NaN. The error grows as
/// machine epsilon times log2(y x), relative to the frame's L2 norm. Plans are kept for each shape.
void fft2(Exec& exec, Cube<const std::complex<double>> in, Cube<std::complex<double>> out, FftDirection direction);
void fft2(Exec& exec, Cube<const std::complex<float>> in, Cube<std::complex<float>> out, FftDirection direction);

/// The same of real frames, forward: the half of the frequencies that says all, u = 0 .. x / 2. What is left out is
/// conj(spectrum(t, -v, -u)), indices modulo Y and X. Half the work, half the bytes.
///   in        (t, y, x), dense, on the Exec's device; left alone
///   spectrum  (t, y, x / 2 + 1), dense, no overlap; on CUDA aligned to its type's size. Real frames that are not are
///             copied
/// NaN and the error are those of fft2().
void fft2_real(Exec& exec, Cube<const double> in, Cube<std::complex<double>> spectrum);
void fft2_real(Exec& exec, Cube<const float> in, Cube<std::complex<float>> spectrum);

/// The way back, not normalised: y x times what fft2_real was given. Destroys the spectrum. What is its own mirror
/// image, columns u = 0 and (x even) x / 2, must be conjugate to it, spectrum(t, v, u) = conj(spectrum(t, -v, u)), to
/// rounding: libraries differ in what they make of the rest.
void inverse_fft2_real(Exec& exec, Cube<std::complex<double>> spectrum, Cube<double> out);
void inverse_fft2_real(Exec& exec, Cube<std::complex<float>> spectrum, Cube<float> out);

}  // namespace hci
