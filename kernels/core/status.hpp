// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CUDA only: included by .cu files and by the CUDA halves of .cpp files there, by nobody else.
#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cufft.h>
#include <cusolverDn.h>

#include <source_location>
#include <string>

#include "kernels/core/error.hpp"

namespace hci {

/// Throws DeviceError (OutOfDeviceMemory where that is the cause) unless the status says success.
/// What is thrown names the library, its own word for the error, and the calling file and line.
void check(cudaError_t status, std::source_location where = std::source_location::current());
void check(cublasStatus_t status, std::source_location where = std::source_location::current());
void check(cusolverStatus_t status, std::source_location where = std::source_location::current());
void check(cufftResult status, std::source_location where = std::source_location::current());

/// For destructors: says on stderr what went wrong, never throws.
void check_noexcept(cudaError_t status, const char* doing) noexcept;

}  // namespace hci
