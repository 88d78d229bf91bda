// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: BLAS, LAPACK and cuBLAS count rows and what lies between them in 32 bits.
#include <limits>

#include "kernels/core/view.hpp"

namespace hci {

/// Whether they can take the rows of these matrices (the last two axes): neither more of them nor farther apart than
/// an int says, and not overlapping or backwards, nor at one place, which no width of zero allows either. Where not,
/// the portable functors serve.
template <class T, int N>
bool fits_blas(const View<T, N>& v) {
  constexpr index_t kMost = std::numeric_limits<int>::max();
  const index_t apart = v.stride(N - 2);
  return v.extent(N - 2) <= kMost && apart >= v.extent(N - 1) && apart > 0 && apart <= kMost;
}

}  // namespace hci
