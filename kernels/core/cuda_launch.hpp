// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CUDA only. The one place where a kernel is launched; the emulated device of the tests replaces
// this file and nothing else (tests/support/cuda_emulation/launch.hpp).
#include <cuda_runtime.h>

#include <cstdlib>
#include <utility>

#include "kernels/core/cuda.hpp"

/// Dynamic shared memory of the running block, as an array of T.
#define HCI_DYNAMIC_SHARED(T, name)                                    \
  extern __shared__ __align__(16) unsigned char hci_dynamic_shared_[]; \
  T* name = reinterpret_cast<T*>(hci_dynamic_shared_)
/// A static array of the running block's shared memory. Not plain __shared__, so that the emulated device knows of it.
#define HCI_SHARED(T, name, count) __shared__ T name[count]

namespace hci {

/// Enqueues kernel(arguments...) on the Exec's stream. Waits for it where HCI_SYNC=1 is in the
/// environment, so that a fault shows where it was born.
template <class... P, class... A>
void launch(Exec& exec, dim3 grid, dim3 block, std::size_t shared_bytes, void (*kernel)(P...), A&&... arguments) {
  static const bool sync = [] {
    const char* value = std::getenv("HCI_SYNC");
    return value != nullptr && value[0] == '1';
  }();
  DeviceGuard guard(exec.cuda().device());
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = exec.cuda().stream();
  check(cudaLaunchKernelEx(&config, kernel, std::forward<A>(arguments)...));
  if (sync) exec.wait();
}

}  // namespace hci
