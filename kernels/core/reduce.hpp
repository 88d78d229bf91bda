// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: what a whole array comes to, as one number on the host. By CUB on CUDA, a loop on the CPU.
#include <cstdint>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// How many flags are not 0; dense, on the Exec's device. Waits.
index_t count_set(Exec& exec, Vector<const std::uint8_t> flags);

/// The sum of the values; dense, on the Exec's device. On the CPU in their order; on CUDA in an order that is always
/// the same on the same kind of device. NaN where one is. Waits.
double sum(Exec& exec, Vector<const double> values);
index_t sum(Exec& exec, Vector<const index_t> values);

}  // namespace hci
