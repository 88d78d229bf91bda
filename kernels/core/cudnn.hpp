// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CUDA only, as cuda.hpp; for what runs neural networks. cuDNN is not linked: it is
// loaded when first used, so that programs start on machines without it. This file and its .cpp are the
// only ones that know: everybody else calls library->name(...) through the table, and
// exec.cuda().cudnn() for a handle.
#if HCI_HAVE_CUDNN
#include <cudnn.h>

#include <source_location>

#include "kernels/core/cuda.hpp"

namespace hci {

/// The entry points of cuDNN that we call. A new one is added here, to find_cudnn() and to the
/// emulated device.
struct Cudnn {
  decltype(&cudnnGetVersion) get_version;
  decltype(&cudnnGetErrorString) get_error_string;
  decltype(&cudnnCreate) create;
  decltype(&cudnnDestroy) destroy;
  decltype(&cudnnSetStream) set_stream;
};

/// cuDNN, loaded by the first call; nullptr where this machine has none of the version that this
/// was built for.
const Cudnn* find_cudnn();

/// The same; throws DeviceError where there is none, with what to do about it.
const Cudnn& cudnn();

/// As those of status.hpp.
void check(cudnnStatus_t status, std::source_location where = std::source_location::current());

}  // namespace hci
#endif
