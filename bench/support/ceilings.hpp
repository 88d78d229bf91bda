// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"

namespace hci::bench {

/// What a device reaches at best here and now, measured: the yardstick of every benchmark.
struct Ceilings {
  double copy_bytes_per_s;  ///< bytes read plus bytes written, all CPU threads
  double sgemm_flop_per_s;  ///< large square matrix product, float32, no TF32
  double dgemm_flop_per_s;  ///< the same in float64
};

/// Measured when first asked for (about a second), then remembered.
const Ceilings& ceilings(Device device);

}  // namespace hci::bench
