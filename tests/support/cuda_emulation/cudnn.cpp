// SPDX-License-Identifier: MIT
// cuDNN: handles only so far. Found by the process's own symbols, as a cuDNN that is loaded already.
#if HCI_HAVE_CUDNN
#include <cudnn.h>

#include "cuda_emulation/machine.hpp"

using namespace cuda_emulation;

struct cudnnContext {
  CUstream_st* stream = nullptr;
};

extern "C" {

std::size_t CUDNNWINAPI cudnnGetVersion() { return CUDNN_VERSION; }

const char* CUDNNWINAPI cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
      return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_EXECUTION_FAILED:
      return "CUDNN_STATUS_EXECUTION_FAILED";
    case CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED:
      return "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED";
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
      return "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED";
    default:
      return "CUDNN_STATUS_INTERNAL_ERROR";
  }
}

cudnnStatus_t CUDNNWINAPI cudnnCreate(cudnnHandle_t* handle) {
  Call call;
  if (call.status() != cudaSuccess) return CUDNN_STATUS_NOT_INITIALIZED;
  if (machine().allocation_fails()) return CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
  *handle = new cudnnContext{&call.device().default_stream()};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t CUDNNWINAPI cudnnDestroy(cudnnHandle_t handle) {
  expect_current_device(*handle->stream, "cudnnDestroy");
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t CUDNNWINAPI cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  Call call(handle->stream->device->index());
  if (!machine().is_stream(stream) || (stream != nullptr && stream->device != handle->stream->device))
    return CUDNN_STATUS_BAD_PARAM;
  handle->stream = stream == nullptr ? &handle->stream->device->default_stream() : stream;
  return CUDNN_STATUS_SUCCESS;
}

}  // extern "C"
#endif
