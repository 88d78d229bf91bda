// SPDX-License-Identifier: MIT
#pragma once
#include <complex>
#include <cstdint>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// A moment in an endless sequence of random maps: `now` times map `index` plus `next` times the one
/// after. With now^2 + next^2 = 1 the variance is that of one map, so cos and sin of a growing angle
/// lead smoothly from one map to the next ("boiling").
struct ScreenEpoch {
  std::uint64_t index = 0;
  float now = 1, next = 0;
};

/// Fourier modes of Gaussian random maps. The backward fft2 of modes(e) is a complex map whose real
/// and imaginary parts are two independent stationary real maps, both of the variance
/// sum(amplitude^2) and the power spectrum amplitude^2.
///   amplitude (v, u) rms of the real and of the imaginary part of each mode, frequency 0 at index 0
///   modes     (e, v, u) one for each epoch, overwritten; both on the Exec's device
/// The draws of a mode depend on (seed, purpose, epoch, v, u) and the width of the maps alone. A map has at most
/// 2^24 modes.
void draw_modes(Exec& exec, std::uint64_t seed, std::uint32_t purpose, const std::vector<ScreenEpoch>& epochs,
                Frame<const float> amplitude, Cube<std::complex<float>> modes);

/// One step of a stationary AR(1) (Ornstein-Uhlenbeck) process for every mode:
/// modes = keep modes + sqrt(1 - keep^2) fresh, `fresh` being map `step` of draw_modes. keep = 0 starts
/// it: the old values are not read then. 0 <= keep <= 1.
void renew_modes(Exec& exec, std::uint64_t seed, std::uint32_t purpose, std::uint64_t step, double keep,
                 Frame<const float> amplitude, Frame<std::complex<float>> modes);

}  // namespace hci
