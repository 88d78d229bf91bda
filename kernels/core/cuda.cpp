// SPDX-License-Identifier: MIT
// The CUDA half of Exec. Host code only, so that g++ compiles it in every build that has CUDA.
#if HCI_HAVE_CUDA
#include "kernels/core/cuda.hpp"

#include <algorithm>
#include <cstdio>
#include <mutex>

#include "kernels/core/devices.hpp"

namespace hci {
namespace {

std::string at(std::source_location where) {
  return std::string(" (") + where.file_name() + ":" + std::to_string(where.line()) + ")";
}

const char* name_of(cusolverStatus_t status) {
  switch (status) {
    case CUSOLVER_STATUS_NOT_INITIALIZED:
      return "not initialized";
    case CUSOLVER_STATUS_ALLOC_FAILED:
      return "allocation failed";
    case CUSOLVER_STATUS_INVALID_VALUE:
      return "invalid value";
    case CUSOLVER_STATUS_ARCH_MISMATCH:
      return "architecture mismatch";
    case CUSOLVER_STATUS_EXECUTION_FAILED:
      return "execution failed";
    case CUSOLVER_STATUS_INTERNAL_ERROR:
      return "internal error";
    case CUSOLVER_STATUS_NOT_SUPPORTED:
      return "not supported";
    default:
      return "error";
  }
}

const char* name_of(cufftResult status) {
  switch (status) {
    case CUFFT_INVALID_PLAN:
      return "invalid plan";
    case CUFFT_ALLOC_FAILED:
      return "allocation failed";
    case CUFFT_INVALID_VALUE:
      return "invalid value";
    case CUFFT_INTERNAL_ERROR:
      return "internal error";
    case CUFFT_EXEC_FAILED:
      return "execution failed";
    case CUFFT_SETUP_FAILED:
      return "setup failed";
    case CUFFT_INVALID_SIZE:
      return "invalid size";
    default:
      return "error";
  }
}

/// A pool of one device. Not CUDA's default one: how much that keeps is for the rest of the process
/// to say.
class DevicePool {
 public:
  explicit DevicePool(int device) : device_(device) {
    DeviceGuard guard(device);
    cudaMemPoolProps properties{};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.handleTypes = cudaMemHandleTypeNone;
    properties.location = {cudaMemLocationTypeDevice, device};
    check(cudaMemPoolCreate(&pool_, &properties));
    // Keep freed blocks: a reduction asks for the same sizes again and again.
    std::uint64_t threshold = UINT64_MAX;
    const cudaError_t status = cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &threshold);
    if (status != cudaSuccess) static_cast<void>(cudaMemPoolDestroy(pool_));
    check(status);
  }
  DevicePool(const DevicePool&) = delete;
  DevicePool& operator=(const DevicePool&) = delete;
  ~DevicePool() {
    DeviceGuard guard(device_, std::nothrow);
    check_noexcept(cudaMemPoolDestroy(pool_), "cudaMemPoolDestroy");
  }
  cudaMemPool_t get() const { return pool_; }

  static std::shared_ptr<DevicePool> of(int device) {
    static std::mutex mutex;
    static std::map<int, std::weak_ptr<DevicePool>> pools;
    const std::lock_guard lock(mutex);
    std::shared_ptr<DevicePool> pool = pools[device].lock();
    if (!pool) pools[device] = pool = std::make_shared<DevicePool>(device);
    return pool;
  }

 private:
  int device_;
  cudaMemPool_t pool_{};
};

/// Allocates in the order of a context's stream.
class CudaPool final : public Memory {
 public:
  explicit CudaPool(std::shared_ptr<CudaContext> context)
      : context_(std::move(context)), pool_(DevicePool::of(context_->device())) {}
  void* allocate(std::size_t bytes) override {
    DeviceGuard guard(context_->device());
    void* data = nullptr;
    check(cudaMallocFromPoolAsync(&data, bytes == 0 ? 1 : bytes, pool_->get(), context_->stream()));
    return data;
  }
  void deallocate(void* data, std::size_t /*bytes*/) noexcept override {
    DeviceGuard guard(context_->device(), std::nothrow);
    check_noexcept(cudaFreeAsync(data, context_->stream()), "cudaFreeAsync");
  }

 private:
  std::shared_ptr<CudaContext> context_;
  std::shared_ptr<DevicePool> pool_;
};

}  // namespace

void check(cudaError_t status, std::source_location where) {
  if (status == cudaSuccess) return;
  const std::string text = std::string("CUDA: ") + cudaGetErrorString(status) + at(where);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());  // not sticky: the device is still good
    throw OutOfDeviceMemory(text);
  }
  throw DeviceError(text);
}

void check(cublasStatus_t status, std::source_location where) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const std::string text = std::string("cuBLAS: ") + cublasGetStatusString(status) + at(where);
  if (status == CUBLAS_STATUS_ALLOC_FAILED) throw OutOfDeviceMemory(text);
  throw DeviceError(text);
}

void check(cusolverStatus_t status, std::source_location where) {
  if (status == CUSOLVER_STATUS_SUCCESS) return;
  const std::string text = std::string("cuSOLVER: ") + name_of(status) + at(where);
  if (status == CUSOLVER_STATUS_ALLOC_FAILED) throw OutOfDeviceMemory(text);
  throw DeviceError(text);
}

void check(cufftResult status, std::source_location where) {
  if (status == CUFFT_SUCCESS) return;
  const std::string text = std::string("cuFFT: ") + name_of(status) + at(where);
  if (status == CUFFT_ALLOC_FAILED) throw OutOfDeviceMemory(text);
  throw DeviceError(text);
}

void check_noexcept(cudaError_t status, const char* doing) noexcept {
  if (status != cudaSuccess) std::fprintf(stderr, "cuhci: %s: %s\n", doing, cudaGetErrorString(status));
}

DeviceGuard::DeviceGuard(int device) {
  check(cudaGetDevice(&former_));
  if (former_ == device) return;
  const cudaError_t status = cudaSetDevice(device);
  if (status != cudaSuccess) static_cast<void>(cudaSetDevice(former_));  // a broken device may be current all the same
  check(status);
  changed_ = true;
}

DeviceGuard::DeviceGuard(int device, std::nothrow_t) noexcept {
  check_noexcept(cudaGetDevice(&former_), "cudaGetDevice");
  if (former_ == device) return;
  check_noexcept(cudaSetDevice(device), "cudaSetDevice");
  changed_ = true;
}

DeviceGuard::~DeviceGuard() {
  if (changed_) check_noexcept(cudaSetDevice(former_), "cudaSetDevice");
}

void allow_shared_memory(Exec& exec, const void* kernel, std::size_t bytes) {
  static std::mutex mutex;
  static std::map<std::pair<const void*, int>, std::size_t> limits;
  const int device = exec.cuda().device();
  const DeviceGuard guard(device);
  const std::lock_guard lock(mutex);
  std::size_t& limit = limits[{kernel, device}];
  const std::size_t wanted = std::max(limit, bytes);
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(wanted)));
  limit = wanted;
}

CudaContext::CudaContext(int device, void* stream) : device_(device) {
  if (const int count = cuda_device_count(); device >= count || device < 0)
    throw DeviceError("there is no CUDA device " + std::to_string(device) + " (found " + std::to_string(count) +
                      "): see 'cuhci devices'");
  DeviceGuard guard(device_);
  if (stream != nullptr) {
    stream_ = static_cast<cudaStream_t>(stream);
    return;
  }
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  own_stream_ = Handle<cudaStream_t, cudaStreamDestroy>(stream_);
}

/// Libraries destroy on the device that is current.
CudaContext::~CudaContext() {
  const DeviceGuard guard(device_, std::nothrow);
  for (auto& [key, cached] : fft_plans_) static_cast<void>(cufftDestroy(cached.plan.handle));
  cudnn_ = {};
  cusolver_params_ = {};
  cusolver_ = {};
  cublas_ = {};
  own_stream_ = {};
}

cublasHandle_t CudaContext::cublas() {
  if (!cublas_) {
    DeviceGuard guard(device_);
    cublasHandle_t handle = nullptr;
    check(cublasCreate(&handle));
    cublas_ = Handle<cublasHandle_t, cublasDestroy_v2>(handle);
    check(cublasSetStream(handle, stream_));
    check(cublasSetMathMode(handle, CUBLAS_DEFAULT_MATH));  // float32 means float32, no TF32
  }
  return cublas_.get();
}

cusolverDnHandle_t CudaContext::cusolver() {
  if (!cusolver_) {
    DeviceGuard guard(device_);
    cusolverDnHandle_t handle = nullptr;
    check(cusolverDnCreate(&handle));
    cusolver_ = Handle<cusolverDnHandle_t, cusolverDnDestroy>(handle);
    check(cusolverDnSetStream(handle, stream_));
  }
  return cusolver_.get();
}

cusolverDnParams_t CudaContext::cusolver_params() {
  if (!cusolver_params_) {
    DeviceGuard guard(device_);
    cusolverDnParams_t params = nullptr;
    check(cusolverDnCreateParams(&params));
    cusolver_params_ = Handle<cusolverDnParams_t, cusolverDnDestroyParams>(params);
  }
  return cusolver_params_.get();
}

FftPlan CudaContext::fft_plan(cufftType type, int n, int batch) { return cached_plan({type, 0, n, batch}); }

FftPlan CudaContext::fft2_plan(cufftType type, int ny, int nx, int batch) { return cached_plan({type, ny, nx, batch}); }

FftPlan CudaContext::cached_plan(const PlanKey& key) {
  ++plans_asked_for_;
  if (const auto found = fft_plans_.find(key); found != fft_plans_.end()) {
    found->second.asked_for = plans_asked_for_;
    return found->second.plan;
  }
  DeviceGuard guard(device_);
  if (fft_plans_.size() == kMostPlans) drop_oldest_plan();
  FftPlan plan;
  check(cufftCreate(&plan.handle));
  try {
    check(cufftSetAutoAllocation(plan.handle, 0));
    int sizes[] = {key.ny, key.nx};
    if (key.ny == 0)
      check(cufftMakePlan1d(plan.handle, key.nx, key.type, key.batch, &plan.work_bytes));
    else
      check(cufftMakePlanMany(plan.handle, 2, sizes, nullptr, 1, 0, nullptr, 1, 0, key.type, key.batch,
                              &plan.work_bytes));
    check(cufftSetStream(plan.handle, stream_));
    fft_plans_.emplace(key, CachedPlan{plan, plans_asked_for_});
  } catch (...) {
    static_cast<void>(cufftDestroy(plan.handle));
    throw;
  }
  return plan;
}

void CudaContext::drop_oldest_plan() {
  const auto oldest = std::min_element(fft_plans_.begin(), fft_plans_.end(), [](const auto& a, const auto& b) {
    return a.second.asked_for < b.second.asked_for;
  });
  wait();  // transforms under way read the plan's tables
  const cufftHandle handle = oldest->second.plan.handle;
  fft_plans_.erase(oldest);  // first: whether or not it can be destroyed, nobody is to be given it again
  check(cufftDestroy(handle));
}

FftCall::FftCall(Exec& exec, const FftPlan& plan)
    : guard_(exec.cuda().device()), work_(exec, {static_cast<index_t>(plan.work_bytes)}), plan_(plan.handle) {
  if (plan.work_bytes > 0) check(cufftSetWorkArea(plan_, work_.data()));
}

void CudaContext::wait() {
  DeviceGuard guard(device_);
  check(cudaStreamSynchronize(stream_));
}

void CudaContext::wait_noexcept() noexcept {
  DeviceGuard guard(device_, std::nothrow);
  check_noexcept(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
}

std::shared_ptr<Memory> cuda_pool(std::shared_ptr<CudaContext> context) {
  return std::make_shared<CudaPool>(std::move(context));
}

int cuda_device_count() noexcept {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  static_cast<void>(cudaGetLastError());
  return 0;
}

std::vector<DeviceInfo> cuda_devices() {
  std::vector<DeviceInfo> devices;
  for (int i = 0; i < cuda_device_count(); ++i) try {
      devices.push_back(device_info({Device::Kind::cuda, i}));
    } catch (const DeviceError&) {  // lost, or taken by somebody else: not usable
      static_cast<void>(cudaGetLastError());
    }
  return devices;
}

}  // namespace hci
#endif
