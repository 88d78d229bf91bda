// SPDX-License-Identifier: MIT
#include "kernels/core/copy.hpp"
#if HCI_HAVE_CUDA
#include "kernels/core/cuda.hpp"
#endif

namespace hci {
namespace {

enum class Direction { upload, download, within };

void transfer(Exec& exec, const void* from, void* to, std::size_t bytes, [[maybe_unused]] Direction direction) {
  if (bytes == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    DeviceGuard guard(exec.cuda().device());
    const cudaMemcpyKind kind = direction == Direction::upload     ? cudaMemcpyHostToDevice
                                : direction == Direction::download ? cudaMemcpyDeviceToHost
                                                                   : cudaMemcpyDeviceToDevice;
    check(cudaMemcpyAsync(to, from, bytes, kind, exec.cuda().stream()));
    return;
  }
#endif
  static_cast<void>(exec);
  std::memcpy(to, from, bytes);
}

}  // namespace

void upload_bytes(Exec& exec, const void* host, void* device, std::size_t bytes) {
  transfer(exec, host, device, bytes, Direction::upload);
}

void download_bytes(Exec& exec, const void* device, void* host, std::size_t bytes) {
  transfer(exec, device, host, bytes, Direction::download);
}

void copy_bytes(Exec& exec, const void* from, void* to, std::size_t bytes) {
  transfer(exec, from, to, bytes, Direction::within);
}

void fill_bytes(Exec& exec, void* device, unsigned char value, std::size_t bytes) {
  if (bytes == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    DeviceGuard guard(exec.cuda().device());
    check(cudaMemsetAsync(device, value, bytes, exec.cuda().stream()));
    return;
  }
#endif
  static_cast<void>(exec);
  std::memset(device, value, bytes);
}

}  // namespace hci
