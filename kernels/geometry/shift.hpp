// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/rotate.hpp"

namespace hci {

/// How far a frame moves, px: what was at (y, x) is then at (y + dy, x + dx).
struct Shift {
  double dy = 0, dx = 0;
};

struct ShiftOptions {
  /// How values between pixels are made.
  Rotation method = Rotation::fft;
  /// What lies outside the frame. fft takes constant (zeros) and wrap.
  Border border = Border::constant;
};

/// out(t) = in(t) moved by shifts[t], as VIP's cube_shift.
///   in, out (t, y, x) on the Exec's device, must not overlap; shifts: T of them, host
/// fft (VIP's vip-fft) multiplies the Fourier transform by a phase ramp, in double. With border
/// constant each frame is first surrounded by ceil(max |shift|) zeros on each side and made square
/// and even, so that nothing comes in again on the other side; with wrap it is taken as it is
/// (VIP's ndimage-fourier). The real part is taken, which lets a Nyquist term lose what a shift by
/// parts of a pixel makes imaginary. A pixel that is not finite spoils its whole frame.
/// The splines are those of scipy.ndimage.shift, at the exact position; VIP's border_mode reflect is
/// Border::symmetric (border.hpp). The other methods follow OpenCV 5's warpAffine as derotate() does;
/// for them shifts are rounded to float. All of these let a NaN reach every output pixel that reads it. Taps and sums
/// are float, within 2^-24 of the sum of |tap x value| for each term; fft is in double, rounded once. Throws
/// InvalidInput for shapes or numbers of shifts that do not fit, shifts that are not finite, and borders that fft does
/// not take.
void shift(Exec& exec, Cube<const float> in, const std::vector<Shift>& shifts, const ShiftOptions& options,
           Cube<float> out);

}  // namespace hci
