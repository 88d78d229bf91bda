// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: what the implementations of the median filter share.
#include "kernels/image/median_filter.hpp"

namespace hci {

/// Row by row: the order of a footprint's offsets inside the kernels.
inline bool is_before(const Footprint::Offset& a, const Footprint::Offset& b) {
  return a.y != b.y ? a.y < b.y : a.x < b.x;
}

/// CUDA's tuned path; false, and nothing done, where the footprint is too large for it. The offsets
/// are in order, each once.
bool median_filter_by_tiles(Exec& exec, Cube<const float> in, const Footprint& footprint, Border border,
                            Cube<float> out);

/// The CPU's tuned path; false, and nothing done, where the footprint reaches so far that the margins would take more
/// memory than they are worth. The offsets are in order, each once.
bool median_filter_cpu(Exec& exec, Cube<const float> in, const Footprint& footprint, Border border, Cube<float> out);

}  // namespace hci
