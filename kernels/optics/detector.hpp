// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// What a detector adds to the light, for one frame.
struct DetectorNoise {
  double sky = 0;         ///< photo-electrons per pixel from sky and telescope
  double read_noise = 0;  ///< electrons rms per pixel
};

/// Turns expected into read photo-electrons, in place: Poisson(value + sky) + read noise - sky, the sky's
/// mean being known. Pixel i of the cube draws from the stream (seed, purpose, i). NaN stays NaN.
///   cube (t, y, x), dense, on the Exec's device
void expose(Exec& exec, std::uint64_t seed, std::uint32_t purpose, const DetectorNoise& noise, Cube<float> cube);

}  // namespace hci
