// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/ and its tests.
#include "kernels/core/view.hpp"

namespace hci {

/// Bytes of scratch that a kernel holds at a time while it takes its frames tile by tile: `wanted`, or less while a
/// ScratchLimit is there. No result depends on it, save for the last bits of sums that cuFFT and cuBLAS make: which
/// kernel they take for a batch is theirs to say.
index_t scratch_bytes(index_t wanted);

/// As long as it lives no tile's scratch is larger, save that of a single frame: so that tests reach a second tile
/// with few small frames. Of the whole process, one at a time.
class ScratchLimit {
 public:
  explicit ScratchLimit(index_t bytes);
  ScratchLimit(const ScratchLimit&) = delete;
  ScratchLimit& operator=(const ScratchLimit&) = delete;
  ~ScratchLimit();
};

}  // namespace hci
