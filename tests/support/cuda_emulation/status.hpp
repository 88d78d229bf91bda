// SPDX-License-Identifier: MIT
#pragma once
// Runtime errors as an entry point returns them. Internal to the library.
#include <cuda_runtime_api.h>

namespace cuda_emulation {

constexpr int kSharedBytes = 48 * 1024;            ///< of a block
constexpr int kSharedBytesOnRequest = 227 * 1024;  ///< after cudaFuncSetAttribute

/// What cudaGetLastError() tells this thread.
inline cudaError_t& last_error() {
  static thread_local cudaError_t error = cudaSuccess;
  return error;
}

/// Remembers an error and returns it; success passes.
inline cudaError_t fail(cudaError_t error) {
  if (error != cudaSuccess) last_error() = error;
  return error;
}

}  // namespace cuda_emulation
