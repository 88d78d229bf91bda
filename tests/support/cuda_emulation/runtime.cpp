// SPDX-License-Identifier: MIT
// The CUDA runtime: devices, errors, memory and copies. Streams, events and launches are in streams.cpp.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cuda_emulation/machine.hpp"
#include "cuda_emulation/status.hpp"

using namespace cuda_emulation;

extern "C" {

const char* CUDARTAPI cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorLaunchOutOfResources:
      return "cudaErrorLaunchOutOfResources";
    case cudaErrorDevicesUnavailable:
      return "cudaErrorDevicesUnavailable";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    default:
      return "cudaErrorUnknown";
  }
}

const char* CUDARTAPI cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorLaunchOutOfResources:
      return "too many resources requested for launch";
    case cudaErrorDevicesUnavailable:
      return "CUDA-capable device(s) is/are busy or unavailable";
    case cudaErrorNotReady:
      return "device not ready";
    default:
      return "unknown error";
  }
}

cudaError_t CUDARTAPI cudaGetLastError() {
  const cudaError_t error = last_error();
  Call call;
  last_error() = call.status();  // a broken device stays broken
  return error;
}

cudaError_t CUDARTAPI cudaPeekAtLastError() { return last_error(); }

cudaError_t CUDARTAPI cudaGetDeviceCount(int* count) {
  *count = static_cast<int>(machine().devices.size());
  return *count == 0 ? fail(cudaErrorNoDevice) : cudaSuccess;
}

cudaError_t CUDARTAPI cudaGetDevice(int* device) {
  *device = current_device();
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaSetDevice(int device) {
  Call call(device);
  if (device >= 0 && device < static_cast<int>(machine().devices.size())) current_device() = device;  // broken or not
  return fail(call.status());
}

cudaError_t CUDARTAPI cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  Call call(device);
  if (call.status() != cudaSuccess) return fail(call.status());
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "emulated device %d", device);
  properties->totalGlobalMem = call.device().memory;
  properties->major = 9;
  properties->warpSize = 32;
  properties->multiProcessorCount = 4;
  properties->maxThreadsPerBlock = 1024;
  properties->sharedMemPerBlock = kSharedBytes;
  properties->sharedMemPerBlockOptin = static_cast<std::size_t>(call.device().shared_on_request);
  properties->unifiedAddressing = 1;
  properties->memoryPoolsSupported = 1;
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  Call call(device);
  if (call.status() != cudaSuccess) return fail(call.status());
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = 4;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = kSharedBytes;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = call.device().shared_on_request;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = call.device().shared_on_request + 1024;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = 9;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = 0;
      return cudaSuccess;
    case cudaDevAttrMemoryPoolsSupported:
      *value = 1;
      return cudaSuccess;
    default:
      die("cudaDeviceGetAttribute: attribute %d is not emulated", static_cast<int>(attribute));
  }
}

cudaError_t CUDARTAPI cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  *total = call.device().memory;
  *free = *total - std::min(*total, call.device().in_use);
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

// Memory. A pool holds nothing back: it only says whose memory it gives.

cudaError_t CUDARTAPI cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  const bool valid =
      properties->allocType == cudaMemAllocationTypePinned && properties->location.type == cudaMemLocationTypeDevice;
  if (!valid) return fail(cudaErrorInvalidValue);
  Call call(properties->location.id);
  if (call.status() != cudaSuccess) return fail(call.status());
  *pool = new CUmemPoolHandle_st{&call.device(), 0};
  machine().pools.insert(*pool);
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaMemPoolDestroy(cudaMemPool_t pool) {
  Call call;
  if (machine().pools.erase(pool) == 0) return fail(cudaErrorInvalidValue);
  delete pool;  // what it gave stays until it is freed
  return fail(call.status());
}

cudaError_t CUDARTAPI cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  Call call(device);
  if (call.status() == cudaSuccess) *pool = &call.device().default_pool();
  return fail(call.status());
}

cudaError_t CUDARTAPI cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  Call call;
  if (!machine().is_pool(pool) || attribute != cudaMemPoolAttrReleaseThreshold) return fail(cudaErrorInvalidValue);
  std::memcpy(&pool->release_threshold, value, sizeof pool->release_threshold);
  return fail(call.status());
}

cudaError_t CUDARTAPI cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  Call call;
  if (!machine().is_pool(pool) || attribute != cudaMemPoolAttrReleaseThreshold) return fail(cudaErrorInvalidValue);
  std::memcpy(value, &pool->release_threshold, sizeof pool->release_threshold);
  return fail(call.status());
}

cudaError_t CUDARTAPI cudaMemPoolTrimTo(cudaMemPool_t pool, std::size_t /*kept*/) {
  Call call;
  if (!machine().is_pool(pool)) return fail(cudaErrorInvalidValue);
  return fail(call.status());
}

cudaError_t CUDARTAPI cudaMallocFromPoolAsync(void** data, std::size_t bytes, cudaMemPool_t pool, cudaStream_t given) {
  Call call(given == nullptr ? current_device() : given->device->index());
  if (call.status() != cudaSuccess) return fail(call.status());
  CUstream_st& stream = stream_or_default(given);
  if (!machine().is_pool(pool) || pool->device != stream.device) return fail(cudaErrorInvalidValue);
  Device& device = *stream.device;
  Block* block = machine().allocation_fails() ? nullptr : device.reserve(bytes);
  if (block == nullptr) return fail(cudaErrorMemoryAllocation);
  machine().enqueue(stream, "cudaMallocFromPoolAsync", [&device, block] { device.map(*block); });
  *data = block->data;
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaFreeAsync(void* data, cudaStream_t given) {
  if (data == nullptr) return cudaSuccess;
  Call call(given == nullptr ? current_device() : given->device->index());
  CUstream_st& stream = stream_or_default(given);
  Device* device = machine().device_of(data);
  Block* block = device == nullptr ? nullptr : device->starting_at(data);
  if (block == nullptr) die("cudaFreeAsync: %p is not an allocation, or was freed before", data);
  device->give_back(*block);
  machine().enqueue(stream, "cudaFreeAsync", [device, block] { device->release(*block); });
  return fail(call.status());
}

cudaError_t CUDARTAPI cudaMalloc(void** data, std::size_t bytes) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  Block* block = machine().allocation_fails() ? nullptr : call.device().reserve(bytes);
  if (block == nullptr) return fail(cudaErrorMemoryAllocation);
  call.device().map(*block);
  *data = block->data;
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaFree(void* data) {
  Call call;
  if (data == nullptr) return fail(call.status());
  Device* device = machine().device_of(data);
  Block* block = device == nullptr ? nullptr : device->starting_at(data);
  if (block == nullptr) die("cudaFree: %p is not an allocation, or was freed before", data);
  device->give_back(*block);
  machine().drain_device(*device);
  device->release(*block);
  return fail(device->broken);
}

cudaError_t CUDARTAPI cudaHostAlloc(void** data, std::size_t bytes, unsigned /*flags*/) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  *data = std::aligned_alloc(4096, (bytes + 4096) / 4096 * 4096);
  if (*data == nullptr) return fail(cudaErrorMemoryAllocation);
  machine().pinned[*data] = bytes;
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaMallocHost(void** data, std::size_t bytes) { return cudaHostAlloc(data, bytes, 0); }

cudaError_t CUDARTAPI cudaFreeHost(void* data) {
  Call call;
  if (data == nullptr) return fail(call.status());
  for (const auto& device : machine().devices) machine().drain_device(*device);
  if (machine().pinned.erase(data) == 0) die("cudaFreeHost: %p is not an allocation", data);
  std::free(data);
  return fail(call.status());
}

cudaError_t CUDARTAPI cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                                      cudaStream_t given) {
  return cudaMemcpy2DAsync(to, bytes, from, bytes, bytes, 1, kind, given);
}

cudaError_t CUDARTAPI cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                                        std::size_t width, std::size_t height, cudaMemcpyKind kind,
                                        cudaStream_t given) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  if (!machine().is_stream(given)) return fail(cudaErrorInvalidResourceHandle);
  if (width == 0 || height == 0) return cudaSuccess;
  if (width > to_pitch || width > from_pitch) return fail(cudaErrorInvalidValue);
  CUstream_st& stream = stream_or_default(given);
  Device* to_device = machine().device_of(to);
  Device* from_device = machine().device_of(from);
  const bool to_host = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyHostToHost;
  const bool from_host = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyHostToHost;
  if (kind != cudaMemcpyDefault && (to_host != (to_device == nullptr) || from_host != (from_device == nullptr)))
    return fail(cudaErrorInvalidValue);
  const auto inside = [&](Device* device, const void* data, std::size_t pitch) {
    return device == nullptr || device->holding(data, (height - 1) * pitch + width) != nullptr;
  };
  if (!inside(to_device, to, to_pitch) || !inside(from_device, from, from_pitch)) return fail(cudaErrorInvalidValue);
  machine().enqueue(stream, "a copy", [=] {
    for (Device* device : {to_device, from_device})
      if (device != nullptr) device->open();
    for (std::size_t row = 0; row < height; ++row)
      std::memmove(static_cast<char*>(to) + row * to_pitch, static_cast<const char*>(from) + row * from_pitch, width);
    for (Device* device : {to_device, from_device})
      if (device != nullptr) device->close();
  });
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const cudaError_t status = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
  return status == cudaSuccess ? cudaStreamSynchronize(nullptr) : status;
}

cudaError_t CUDARTAPI cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t given) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  if (!machine().is_stream(given)) return fail(cudaErrorInvalidResourceHandle);
  if (bytes == 0) return cudaSuccess;
  Device* device = machine().device_of(data);
  if (device == nullptr || device->holding(data, bytes) == nullptr) return fail(cudaErrorInvalidValue);
  machine().enqueue(stream_or_default(given), "cudaMemsetAsync", [=] {
    device->open();
    std::memset(data, value, bytes);
    device->close();
  });
  return cudaSuccess;
}

cudaError_t CUDARTAPI cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* data) {
  Call call;
  if (call.status() != cudaSuccess) return fail(call.status());
  *attributes = {};
  attributes->type = cudaMemoryTypeUnregistered;
  attributes->device = -2;
  if (Device* device = machine().device_of(data)) {
    attributes->type = cudaMemoryTypeDevice;
    attributes->device = device->index();
    attributes->devicePointer = const_cast<void*>(data);
  }
  return cudaSuccess;
}

}  // extern "C"
