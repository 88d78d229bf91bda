// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// How far a frame moves, px: what was at (y, x) is then at (y + dy, x + dx).
struct Shift {
  double dy = 0, dx = 0;
};

/// out(t) = in(t) moved by shifts[t], by a phase ramp on its Fourier transform, in double: VIP's
/// frame_shift(imlib='vip-fft'). Each frame is first surrounded by ceil(max |shift|) zeros on each
/// side and made square and even, so that nothing comes in again on the other side; the real part is
/// taken, which lets a Nyquist term lose what a half-pixel shift makes imaginary. Reversible but for
/// that term and for what leaves the frame.
///   in, out (t, y, x) on the Exec's device, must not overlap; shifts: T of them, host
/// A pixel that is not finite spoils its whole frame.
void shift(Exec& exec, Cube<const float> in, const std::vector<Shift>& shifts, Cube<float> out);

}  // namespace hci
