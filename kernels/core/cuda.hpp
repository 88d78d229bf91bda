// SPDX-License-Identifier: MIT
#pragma once
// CUDA only: included by .cu files and by the CUDA halves of .cpp files in kernels/, by nobody else.
#include <map>
#include <memory>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/status.hpp"

namespace hci {

/// Makes a device current for a scope and puts the former one back.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device);
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;
  ~DeviceGuard();

 private:
  int former_ = 0;
  bool changed_ = false;
};

/// A handle of a CUDA library: made by its owner, destroyed once, moved but never copied.
template <class T, auto destroy>
class Handle {
 public:
  Handle() = default;
  explicit Handle(T handle) : handle_(handle) {}
  Handle(Handle&& other) noexcept : handle_(std::exchange(other.handle_, T{})) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Handle() {
    if (handle_ != T{}) static_cast<void>(destroy(handle_));
  }
  T get() const { return handle_; }
  explicit operator bool() const { return handle_ != T{}; }

 private:
  T handle_{};
};

/// The CUDA half of an Exec: device, stream, and one handle for each library, made when first used
/// and bound to the stream.
class CudaContext {
 public:
  /// stream: a foreign cudaStream_t, or nullptr for one of our own.
  CudaContext(int device, void* stream);
  ~CudaContext();
  CudaContext(const CudaContext&) = delete;
  CudaContext& operator=(const CudaContext&) = delete;

  int device() const { return device_; }
  cudaStream_t stream() const { return stream_; }
  cublasHandle_t cublas();
  cusolverDnHandle_t cusolver();
  cusolverDnParams_t cusolver_params();
  /// The plan of `batch` transforms of length n: real to complex, complex to real, or complex, in
  /// double or single precision, rows dense (n reals, n/2 + 1 complex). Made once for each shape.
  cufftHandle fft_plan(cufftType type, int n, int batch);
  /// The same for `batch` complex transforms of dense (ny, nx) frames.
  cufftHandle fft2_plan(cufftType type, int ny, int nx, int batch);

  void wait();
  void wait_noexcept() noexcept;

 private:
  int device_ = 0;
  Handle<cudaStream_t, cudaStreamDestroy> own_stream_;
  cudaStream_t stream_ = nullptr;
  Handle<cublasHandle_t, cublasDestroy_v2> cublas_;
  Handle<cusolverDnHandle_t, cusolverDnDestroy> cusolver_;
  Handle<cusolverDnParams_t, cusolverDnDestroyParams> cusolver_params_;
  struct PlanKey {
    cufftType type;
    int ny, nx, batch;  // ny = 0: one-dimensional, which differs from frames of one row
    auto operator<=>(const PlanKey&) const = default;
  };
  cufftHandle cached_plan(const PlanKey& key);
  std::map<PlanKey, cufftHandle> fft_plans_;
};

/// The stream-ordered pool of the context's device. Keeps the context alive.
std::shared_ptr<Memory> cuda_pool(std::shared_ptr<CudaContext> context);

/// All usable CUDA devices; none where there is no driver.
std::vector<DeviceInfo> cuda_devices();

}  // namespace hci
