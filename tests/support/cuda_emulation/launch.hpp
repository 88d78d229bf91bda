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

/// Enqueues a grid on a stream of the current device.
cudaError_t enqueue_kernel(cudaStream_t stream, Grid grid, const void* kernel);

/// Ends the program if a kernel argument holds an address that the stream's device could not follow.
void check_argument(cudaStream_t stream, const void* argument, std::size_t bytes);

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
  const cudaStream_t stream = exec.cuda().stream();
  const auto values = std::make_shared<std::tuple<P...>>(static_cast<P>(std::forward<A>(arguments))...);
  const auto check_one = [stream](auto& argument) {
    __builtin_clear_padding(&argument);  // what lies there may look like an address
    cuda_emulation::check_argument(stream, &argument, sizeof argument);
  };
  std::apply([&](auto&... each) { (check_one(each), ...); }, *values);
  cuda_emulation::Grid work{grid, block, shared_bytes, [kernel, values] { std::apply(kernel, *values); }};
  check(cuda_emulation::enqueue_kernel(stream, std::move(work), reinterpret_cast<const void*>(kernel)));
  if (sync) exec.wait();
}

}  // namespace hci
