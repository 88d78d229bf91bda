// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/image/convolve.hpp"

namespace hci {

/// What convolve() gives, by FFT in double: for large kernels, whose size then makes little difference to the time: the
/// frame grows by it (by half of it with Border::constant). The kernel may be larger than the frame.
///   in, out (t, y, x) on the Exec's device, no overlap
/// NaN as options.masked says, which must not be spread: by FFT one masked pixel would reach the whole frame. Frames
/// with masked pixels take twice as long under leave_out, which waits once to find them. The rounding error is about
/// 1e-15 of the frame's largest value times the kernel's sum of absolute values, and that of the result to float.
/// Throws as convolve() does. Scratch: 64 MiB, or one frame's.
void convolve_fft(Exec& exec, Cube<const float> in, const ConvolutionKernel& kernel, const ConvolveOptions& options,
                  Cube<float> out);

/// Each frame with its frequencies weighted: the real part of ifft2(transfer fft2(in)), frequency
/// (v, u) of transfer as in NumPy's fft2, that is (0, 0) first. In double; the frame is taken to be
/// periodic. Pixels that are not finite count as 0 and are NaN in the result.
///   in, out (t, y, x) on the Exec's device, x of unit stride; transfer (y, x) row by row, host
void filter_frequencies(Exec& exec, Cube<const float> in, const std::vector<double>& transfer, Cube<float> out);

}  // namespace hci
