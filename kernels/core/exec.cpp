// SPDX-License-Identifier: MIT
#include "kernels/core/exec.hpp"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "kernels/core/devices.hpp"
#include "kernels/core/error.hpp"
#if HCI_HAVE_CUDA
#include "kernels/core/cuda.hpp"
#endif

namespace hci {
namespace {

std::string cpu_model() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const auto colon = line.find(':');
    if (colon != std::string::npos && colon + 2 <= line.size()) return line.substr(colon + 2);
  }
  return "CPU";
}

}  // namespace

std::string Device::name() const { return kind == Kind::cpu ? "cpu" : "cuda:" + std::to_string(index); }

bool built_with_cuda() { return HCI_HAVE_CUDA != 0; }

std::string cudnn_version() {
#if HCI_HAVE_CUDA
  return cudnn_version_text();
#else
  return "";
#endif
}

#if !HCI_HAVE_CUDA
int cuda_device_count() noexcept { return 0; }
#endif

DeviceInfo device_info(Device device, int threads) {
  if (device.kind == Device::Kind::cuda) {
#if HCI_HAVE_CUDA
    DeviceGuard guard(device.index);
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, device.index));
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total));
    return {.device = device,
            .description = std::string(properties.name) + ", compute capability " + std::to_string(properties.major) +
                           "." + std::to_string(properties.minor),
            .memory_bytes = total,
            .free_memory_bytes = free};
#else
    throw DeviceError("there is no " + device.name() + ": this build has no CUDA");
#endif
  }
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const int count = threads > 0 ? threads : omp_get_max_threads();
  return {.device = {},
          .description = cpu_model() + ", " + std::to_string(count) + (count == 1 ? " thread" : " threads"),
          .memory_bytes = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * page,
          .free_memory_bytes = static_cast<std::size_t>(sysconf(_SC_AVPHYS_PAGES)) * page};
}

std::vector<DeviceInfo> available_devices() {
  std::vector<DeviceInfo> devices{device_info({})};
#if HCI_HAVE_CUDA
  for (DeviceInfo& info : cuda_devices()) devices.push_back(std::move(info));
#endif
  return devices;
}

Exec::Exec() : Exec(Options{}) {}

Exec::Exec(Options options) : options_(std::move(options)) {
  if (options_.threads <= 0) options_.threads = std::max(1, omp_get_max_threads());
  if (on_cuda()) {
#if HCI_HAVE_CUDA
    cuda_ = std::make_shared<CudaContext>(options_.device.index, options_.stream);
    if (!options_.memory) options_.memory = cuda_pool(cuda_);
#else
    throw DeviceError("device " + options_.device.name() +
                      " was asked for, but this build has no CUDA: configure with HCI_CUDA=ON, or use --device cpu");
#endif
  } else {
    require(options_.stream == nullptr, "Exec: a CUDA stream was given for the CPU");
    if (!options_.memory) options_.memory = host_memory();
  }
  memory_ = std::make_shared<CountedMemory>(options_.memory);
}

Exec::Exec(Exec&&) noexcept = default;
Exec& Exec::operator=(Exec&& other) noexcept {
  if (this == &other) return *this;
  finish_copies();
  options_ = std::move(other.options_);
  cuda_ = std::move(other.cuda_);
  memory_ = std::move(other.memory_);
  kept_ = std::move(other.kept_);
  return *this;
}
Exec::~Exec() { finish_copies(); }

void Exec::finish_copies() noexcept {
#if HCI_HAVE_CUDA
  if (cuda_ && !kept_.empty()) cuda_->wait_noexcept();  // copies may still read what is kept
#endif
}

void Exec::wait() {
#if HCI_HAVE_CUDA
  if (cuda_) cuda_->wait();
#endif
  kept_.clear();
}

void Exec::keep_until_wait(std::shared_ptr<const void> data) {
  if (on_cuda()) kept_.push_back(std::move(data));
}

CudaContext& Exec::cuda() {
  if (!cuda_) throw DeviceError("Exec::cuda() on " + device().name());
  return *cuda_;
}

}  // namespace hci
