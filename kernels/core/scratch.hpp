// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include "kernels/core/exec.hpp"

namespace hci {

/// How many bytes a kernel may take for the sake of speed, as batches or tiles: a quarter of what the
/// Exec's memory holds now, so that a job whose cube and residual are there stays below 2.5 times its
/// cube; and 256 MiB at the most. The same job gets the same.
inline std::size_t scratch_budget(const Exec& exec) {
  return std::min(exec.memory()->bytes_in_use() / 4, std::size_t{256} << 20);
}

}  // namespace hci
