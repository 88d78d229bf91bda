// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"

namespace hci {

/// One device, without a look at the others (available_devices() makes a CUDA context on each): for
/// the CPU nothing of CUDA is called.
/// Throws DeviceError where it does not exist or cannot be used.
/// threads: of the CPU, for its description; 0: OpenMP's default.
DeviceInfo device_info(Device device, int threads = 0);

/// How many CUDA devices the driver tells of, usable or not; 0 where there is no driver. Touches none of them.
int cuda_device_count() noexcept;

}  // namespace hci
