// SPDX-License-Identifier: MIT
#pragma once
// Stands in for kernels/core/cuda_launch.hpp, and for nothing else: CUDA's keywords for g++, and a
// launch() that puts the kernel into the emulated stream.
#include <cstdlib>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cuda_emulation/device_functions.hpp"
#include "kernels/core/cuda.hpp"

namespace cuda_emulation {

/// Enqueues a grid. `arguments` are searched for host pointers, which a device could not follow.
cudaError_t enqueue_kernel(cudaStream_t stream, Grid grid, const void* kernel, const void* arguments,
                           std::size_t argument_bytes);

}  // namespace cuda_emulation

namespace hci {

/// Enqueues kernel(arguments...) on the Exec's stream. Waits for it where HCI_SYNC=1 is in the
/// environment, so that a fault shows where it was born.
template <class... P, class... A>
void launch(Exec& exec, dim3 grid, dim3 block, std::size_t shared_bytes, void (*kernel)(P...), A&&... arguments) {
  static_assert((!std::is_reference_v<P> && ...), "a kernel cannot take references: they are host addresses");
  static_assert((std::is_trivially_copyable_v<P> && ...), "kernel arguments are copied byte by byte");
  static_assert((sizeof(P) + ... + 0) <= 4096, "CUDA takes at most 4096 bytes of kernel arguments");
  static const bool sync = [] {
    const char* value = std::getenv("HCI_SYNC");
    return value != nullptr && value[0] == '1';
  }();
  DeviceGuard guard(exec.cuda().device());
  const auto values = std::make_shared<std::tuple<P...>>(static_cast<P>(std::forward<A>(arguments))...);
  cuda_emulation::Grid work{grid, block, shared_bytes, [kernel, values] { std::apply(kernel, *values); }};
  check(cuda_emulation::enqueue_kernel(exec.cuda().stream(), std::move(work), reinterpret_cast<const void*>(kernel),
                                       values.get(), sizeof(*values)));
  if (sync) exec.wait();
}

}  // namespace hci
