// SPDX-License-Identifier: MIT
// The CUDA runtime: streams, events, launches.
#include <sys/mman.h>

#include <cstdint>
#include <cstring>

#include "cuda_emulation/grid.hpp"
#include "cuda_emulation/launch_bounds.hpp"
#include "cuda_emulation/machine.hpp"
#include "cuda_emulation/status.hpp"

namespace cuda_emulation {
namespace {

constexpr std::uintptr_t kPage = 4096;

bool is_host_memory(std::uintptr_t address) {
  // Below 4 GiB and above the user's half there are numbers, not addresses.
  if (address < (std::uintptr_t{1} << 32) || address >= (std::uintptr_t{1} << 47)) return false;
  for (const auto& [data, bytes] : machine().pinned) {
    const auto start = reinterpret_cast<std::uintptr_t>(data);
    if (address >= start && address < start + bytes) return false;
  }
  unsigned char resident = 0;
  return mincore(reinterpret_cast<void*>(address / kPage * kPage), kPage, &resident) == 0;
}

/// What a kernel's blocks may have of a device's shared memory: dynamic, and static and dynamic together.
struct SharedLimits {
  std::size_t dynamic, both;
};
SharedLimits shared_limits(const void* kernel, const Device& device) {
  const auto asked = machine().shared_limits.find({kernel, &device});
  if (asked == machine().shared_limits.end()) return {kSharedBytes, kSharedBytes};
  return {static_cast<std::size_t>(asked->second), static_cast<std::size_t>(device.shared_on_request)};
}

bool is_valid(const Grid& grid, const SharedLimits& shared) {
  const dim3 g = grid.grid, b = grid.block;
  return g.x > 0 && g.y > 0 && g.z > 0 && b.x > 0 && b.y > 0 && b.z > 0 && g.x <= 0x7fffffffu && g.y <= 65535 &&
         g.z <= 65535 && b.x <= 1024 && b.y <= 1024 && b.z <= 64 && b.x * b.y * b.z <= 1024 &&
         grid.shared_bytes <= shared.dynamic;
}

/// The order of this launch's threads: mixed takes turns.
int order_now() { return machine().order < 3 ? machine().order : static_cast<int>(machine().launches % 3); }

}  // namespace

/// A device cannot follow a host pointer; here it could, so the arguments are searched for one.
void check_argument(cudaStream_t given, const void* argument, std::size_t bytes) {
  Call call;
  const Device& device = *stream_or_default(given).device;
  for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= bytes; at += sizeof(std::uintptr_t)) {
    std::uintptr_t word = 0;
    std::memcpy(&word, static_cast<const char*>(argument) + at, sizeof word);
    void* pointer = reinterpret_cast<void*>(word);
    Device* owner = machine().device_of(pointer);
    if (owner != nullptr && owner != &device && owner->holding(pointer, 0) != nullptr)
      die("launch: a kernel on device %d was given the address %p of device %d", device.index(), pointer,
          owner->index());
    if (owner == nullptr && is_host_memory(word)) die("launch: a kernel was given the host address %p", pointer);
  }
}

cudaError_t enqueue_kernel(cudaStream_t given, Grid grid, const void* kernel) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  Machine& all = machine();
  if (!all.is_stream(given)) return fail(cudaErrorInvalidResourceHandle);
  CUstream_st& stream = stream_or_default(given);
  if (stream.device != &call.device()) return fail(cudaErrorInvalidResourceHandle);
  const SharedLimits shared = shared_limits(kernel, call.device());
  if (!is_valid(grid, shared)) return fail(cudaErrorInvalidConfiguration);
  if (long{1} * grid.block.x * grid.block.y * grid.block.z > most_threads(kernel))
    return fail(cudaErrorLaunchOutOfResources);
  grid.most_shared = shared.both;
  if (all.launches_until_failure > 0 && --all.launches_until_failure == 0) return fail(cudaErrorLaunchOutOfResources);
  ++all.launches;
  if (all.launches_until_fault > 0 && --all.launches_until_fault == 0) {
    all.enqueue(stream, "a kernel", [&stream] { stream.device->broken = cudaErrorIllegalAddress; });
    return cudaSuccess;
  }
  all.enqueue(stream, "a kernel", [grid = std::move(grid), order = order_now()] { run_grid(grid, order); });
  return cudaSuccess;
}

}  // namespace cuda_emulation

using namespace cuda_emulation;

extern "C" {

cudaError_t CUDARTAPI cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (value < 0 || value > call.device().shared_on_request) return fail(cudaErrorInvalidValue);
  machine().shared_limits[{kernel, &call.device()}] = value;
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned /*flags*/) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  *stream = new CUstream_st{&call.device(), {}};
  machine().streams.insert(*stream);
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, 0); }

cudaError_t CUDARTAPI cudaStreamDestroy(cudaStream_t stream) {
  Call call;
  if (stream == nullptr || !machine().is_stream(stream)) return fail(cudaErrorInvalidResourceHandle);
  machine().drain(*stream);  // what is enqueued still runs
  machine().streams.erase(stream);
  delete stream;
  return fail(call.status());
}

cudaError_t CUDARTAPI cudaStreamSynchronize(cudaStream_t given) {
  Call call(given == nullptr || !machine().is_stream(given) ? current_device() : given->device->index());
  if (!machine().is_stream(given)) return fail(cudaErrorInvalidResourceHandle);
  CUstream_st& stream = stream_or_default(given);
  machine().drain(stream);
  return fail(stream.device->broken);
}

/// Each question lets one operation run, so that whoever asks until the answer is yes gets there.
cudaError_t CUDARTAPI cudaStreamQuery(cudaStream_t given) {
  Call call;
  if (!machine().is_stream(given)) return fail(cudaErrorInvalidResourceHandle);
  CUstream_st& stream = stream_or_default(given);
  if (stream.device->broken != cudaSuccess) return fail(stream.device->broken);
  if (stream.queue.empty()) return cudaSuccess;
  machine().step(stream);
  return cudaErrorNotReady;
}

cudaError_t CUDARTAPI cudaDeviceSynchronize() {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  machine().drain_device(call.device());
  return fail(call.device().broken);
}

cudaError_t CUDARTAPI cudaLaunchHostFunc(cudaStream_t given, cudaHostFn_t function, void* data) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  if (!machine().is_stream(given)) return fail(cudaErrorInvalidResourceHandle);
  machine().enqueue(stream_or_default(given), "a host function", [=] { function(data); });
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaEventCreateWithFlags(cudaEvent_t* event, unsigned /*flags*/) {
  Call call;
  if (call.status() == cudaSuccess) *event = new CUevent_st;
  return fail(call.status());
}

cudaError_t CUDARTAPI cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }

cudaError_t CUDARTAPI cudaEventDestroy(cudaEvent_t event) {
  Call call;
  delete event;
  return fail(call.status());
}

cudaError_t CUDARTAPI cudaEventRecord(cudaEvent_t event, cudaStream_t given) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  if (!machine().is_stream(given)) return fail(cudaErrorInvalidResourceHandle);
  event->marker = machine().mark(stream_or_default(given));
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaStreamWaitEvent(cudaStream_t given, cudaEvent_t event, unsigned /*flags*/) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  if (!machine().is_stream(given)) return fail(cudaErrorInvalidResourceHandle);
  if (event->marker)
    machine().enqueue(stream_or_default(given), "a wait for an event",
                      [marker = event->marker] { machine().reach(marker); });
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaEventSynchronize(cudaEvent_t event) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  if (!event->marker) return cudaSuccess;
  machine().reach(event->marker);
  return fail(event->marker->device->broken);
}

cudaError_t CUDARTAPI cudaEventQuery(cudaEvent_t event) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  if (!event->marker || event->marker->done) return cudaSuccess;
  if (!event->marker->stream->queue.empty()) machine().step(*event->marker->stream);
  return cudaErrorNotReady;
}

cudaError_t CUDARTAPI cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  if (!start->marker || !end->marker) return fail(cudaErrorInvalidResourceHandle);
  if (!start->marker->done || !end->marker->done) return cudaErrorNotReady;
  *milliseconds = static_cast<float>((end->marker->seconds - start->marker->seconds) * 1e3);
  return cudaSuccess;
}

}  // extern "C"
