// SPDX-License-Identifier: MIT
#pragma once
// Stands in for CUB's header of this name where the CUDA path is compiled by g++, which knows no device code: the same
// calls, two steps of asking for scratch and working in it included, one after the other in the emulated stream.
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "cuda_emulation/launch.hpp"

namespace cub {

struct DeviceReduce {
  template <class In, class Out, class Count, class Reduce, class Transform, class T>
  static cudaError_t TransformReduce(void* scratch, std::size_t& bytes, const In* in, Out* out, Count count,
                                     Reduce reduce, Transform transform, T first, cudaStream_t stream = nullptr) {
    const std::size_t needed =
        64 * sizeof(T) + static_cast<std::size_t>(count) / 64;  // any size: whoever guesses shows
    if (scratch == nullptr) {
      bytes = needed;
      return cudaSuccess;
    }
    if (bytes < needed) return cudaErrorInvalidValue;
    for (const void* pointer :
         {static_cast<const void*>(scratch), static_cast<const void*>(in), static_cast<const void*>(out)})
      cuda_emulation::check_argument(stream, &pointer, sizeof pointer);
    cuda_emulation::Grid one{dim3(1), dim3(1), 0, [=] {
                               std::memset(scratch, 0xFF, needed);
                               T sum = first;
                               for (Count i = 0; i < count; ++i) sum = reduce(sum, transform(in[i]));
                               *out = sum;
                             }};
    return cuda_emulation::enqueue_kernel(stream, std::move(one), nullptr);
  }
};

}  // namespace cub
