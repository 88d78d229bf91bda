// SPDX-License-Identifier: MIT
// Finds cuDNN, for Exec and for cudnn.hpp.
#if HCI_HAVE_CUDA
#include "kernels/core/cudnn.hpp"

#include "kernels/core/cuda.hpp"
#if HCI_HAVE_CUDNN
#include <dlfcn.h>

#include <optional>
#endif

namespace hci {
#if HCI_HAVE_CUDNN
namespace {

template <class F>
bool find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  return function != nullptr;
}

/// Nothing where the library lacks something, or is of another major version.
std::optional<Cudnn> table_of(void* library) {
  Cudnn table{};
  const bool complete = find(library, "cudnnGetVersion", table.get_version) &&
                        find(library, "cudnnGetErrorString", table.get_error_string) &&
                        find(library, "cudnnCreate", table.create) && find(library, "cudnnDestroy", table.destroy) &&
                        find(library, "cudnnSetStream", table.set_stream);
  if (!complete || table.get_version() / 10000 != CUDNN_MAJOR) return std::nullopt;
  return table;
}

/// What the process already has (that of another library, or the emulated one of our tests) comes
/// before what the loader finds, unless it is of another version. Never closed: its destructors would run after
/// CUDA's.
std::optional<Cudnn> load() {
  if (const auto table = table_of(RTLD_DEFAULT)) return table;
  const std::string file = "libcudnn.so." + std::to_string(CUDNN_MAJOR);
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? std::nullopt : table_of(library);
}

}  // namespace

const Cudnn* find_cudnn() {
  static const std::optional<Cudnn> table = load();
  return table ? &*table : nullptr;
}

const Cudnn& cudnn() {
  if (const Cudnn* table = find_cudnn()) return *table;
  throw DeviceError("this needs cuDNN " + std::to_string(CUDNN_MAJOR) + ", and libcudnn.so." +
                    std::to_string(CUDNN_MAJOR) +
                    " cannot be loaded: install it, or put its folder into LD_LIBRARY_PATH");
}

void check(cudnnStatus_t status, std::source_location where) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  const std::string text = std::string("cuDNN: ") + cudnn().get_error_string(status) + " (" + where.file_name() + ":" +
                           std::to_string(where.line()) + ")";
  if (status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED) throw OutOfDeviceMemory(text);
  throw DeviceError(text);
}

void destroy_cudnn(cudnnContext* handle) noexcept { static_cast<void>(cudnn().destroy(handle)); }

cudnnContext* CudaContext::cudnn() {
  if (!cudnn_) {
    DeviceGuard guard(device_);
    const Cudnn& library = hci::cudnn();
    cudnnHandle_t handle = nullptr;
    check(library.create(&handle));
    cudnn_ = Handle<cudnnContext*, destroy_cudnn>(handle);
    check(library.set_stream(handle, stream_));
  }
  return cudnn_.get();
}

std::string cudnn_version_text() {
  const Cudnn* library = find_cudnn();
  if (library == nullptr) return "";
  const std::size_t version = library->get_version();
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}
#else
void destroy_cudnn(cudnnContext* /*handle*/) noexcept {}

cudnnContext* CudaContext::cudnn() {
  throw DeviceError("this needs cuDNN, but this build has none: configure with HCI_CUDNN=ON");
}

std::string cudnn_version_text() { return ""; }
#endif

}  // namespace hci
#endif
