// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CUDA only: included by .cu files and by the CUDA halves of .cpp files there, by nobody else.
#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/exec.hpp"
#include "kernels/core/status.hpp"

struct cudnnContext;  // cuDNN's handle; its header is only for those who include cudnn.hpp

namespace hci {

/// Makes a device current for a scope and puts the former one back.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device);
  /// For destructors: says on stderr what went wrong.
  DeviceGuard(int device, std::nothrow_t) noexcept;
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;
  ~DeviceGuard();

 private:
  int former_ = 0;
  bool changed_ = false;
};

/// Lets launches of a kernel on this Exec's device ask for so many bytes of dynamic shared memory, more than the 48 KiB
/// that every kernel may. The limit belongs to the whole process and is never lowered: another thread may be about to
/// launch the same kernel with more.
void allow_shared_memory(Exec& exec, const void* kernel, std::size_t bytes);
template <class... P>
void allow_shared_memory(Exec& exec, void (*kernel)(P...), std::size_t bytes) {
  allow_shared_memory(exec, reinterpret_cast<const void*>(kernel), bytes);
}

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

/// A plan of cuFFT that has no work area: FftCall gives it one while it is used. Valid until its context has been asked
/// for CudaContext::kMostPlans others.
struct FftPlan {
  cufftHandle handle{};
  std::size_t work_bytes = 0;
};

void destroy_cudnn(cudnnContext* handle) noexcept;

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
  /// Throws DeviceError where there is no cuDNN. See cudnn.hpp.
  cudnnContext* cudnn();
  /// The plan of `batch` transforms of length n: real to complex, complex to real, or complex, in
  /// double or single precision, rows dense (n reals, n/2 + 1 complex). Made once for each shape, as long as that is
  /// among the last kMostPlans that were asked for: a plan keeps tables on the device, outside all accounting. Making
  /// one may wait for the stream: the oldest goes for it when transforms that read its tables are done.
  FftPlan fft_plan(cufftType type, int n, int batch);
  /// The same for `batch` dense (ny, nx) frames, real ones with half spectra (ny, nx / 2 + 1).
  FftPlan fft2_plan(cufftType type, int ny, int nx, int batch);
  static constexpr std::size_t kMostPlans = 32;

  void wait();
  void wait_noexcept() noexcept;

 private:
  int device_ = 0;
  Handle<cudaStream_t, cudaStreamDestroy> own_stream_;
  cudaStream_t stream_ = nullptr;
  Handle<cublasHandle_t, cublasDestroy_v2> cublas_;
  Handle<cusolverDnHandle_t, cusolverDnDestroy> cusolver_;
  Handle<cusolverDnParams_t, cusolverDnDestroyParams> cusolver_params_;
  Handle<cudnnContext*, destroy_cudnn> cudnn_;
  struct PlanKey {
    cufftType type;
    int ny, nx, batch;  // ny = 0: one-dimensional, which differs from frames of one row
    auto operator<=>(const PlanKey&) const = default;
  };
  struct CachedPlan {
    FftPlan plan;
    long asked_for;  // when, counted in plans
  };
  FftPlan cached_plan(const PlanKey& key);
  void drop_oldest_plan();
  std::map<PlanKey, CachedPlan> fft_plans_;
  long plans_asked_for_ = 0;
};

/// Whether cuFFT takes a pointer: it wants each aligned to its complex type, those to reals, too.
template <class Real>
bool is_aligned_for_fft(const Real* numbers) {
  return reinterpret_cast<std::uintptr_t>(numbers) % (2 * sizeof(Real)) == 0;
}
/// Throws InvalidInput where it does not: for complex numbers, given as the reals that they are made of.
template <class Real>
void check_aligned_for_fft(const char* caller, const Real* numbers) {
  require(is_aligned_for_fft(numbers), caller, ": complex numbers begin at ", static_cast<const void*>(numbers),
          "; on CUDA they must be aligned to ", 2 * sizeof(Real), " bytes");
}

/// One use of a plan: makes its device current, and lends it a work area from the Exec's memory, which
/// goes back in the order of the stream. cuFFT's own would lie outside all accounting, one for each
/// plan. Example: check(cufftExecD2Z(FftCall(exec, exec.cuda().fft_plan(...)).plan(), in, out)).
class FftCall {
 public:
  FftCall(Exec& exec, const FftPlan& plan);
  cufftHandle plan() const { return plan_; }

 private:
  DeviceGuard guard_;
  Array<std::byte, 1> work_;
  cufftHandle plan_;
};

/// Our own stream-ordered pool of the context's device; all Execs there share it, and it goes with the
/// last of them (and of their arrays). Keeps the context alive.
std::shared_ptr<Memory> cuda_pool(std::shared_ptr<CudaContext> context);

/// All usable CUDA devices; none where there is no driver.
std::vector<DeviceInfo> cuda_devices();

/// See cudnn_version().
std::string cudnn_version_text();

}  // namespace hci
