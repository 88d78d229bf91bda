// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "kernels/core/exec.hpp"

namespace hci::bench {

/// What a device reaches at best here and now, measured: the yardstick of every benchmark.
struct Ceilings {
  double copy_bytes_per_s;  ///< bytes read plus bytes written, all CPU threads
  double sgemm_flop_per_s;  ///< large square matrix product, float32, no TF32
  double dgemm_flop_per_s;  ///< the same in float64
};

/// Measured when first asked for (some seconds), then remembered; or taken from the environment, so that many processes
/// of one run share one yardstick.
const Ceilings& ceilings(Device device);

/// The environment's variable with what told() gave for each device, separated by white space.
inline constexpr const char* kCeilingsVariable = "HCI_BENCH_CEILINGS";

/// Name of the device and its three numbers, for that variable.
std::string told(Device device);

}  // namespace hci::bench
