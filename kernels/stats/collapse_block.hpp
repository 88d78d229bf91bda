// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: the CPU's tuned collapse of a block of pixels that fits the cache, and the
// loop over such blocks.
#include <algorithm>

#include "kernels/core/array.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/stats/collapse_plan.hpp"

namespace hci {

/// Pixels that are collapsed side by side.
constexpr index_t kCollapseLanes = 8;

/// Frames of a small part of the output. `columns` is a multiple of kCollapseLanes, so it may reach
/// beyond the frame's edge. All frames of 8 neighbouring pixels lie together: they are read often.
struct CollapseBlock {
  float* data;
  index_t frames;
  index_t y, x;  ///< of its first pixel
  index_t rows, columns;
  index_t row_step() const { return columns * frames; }
  index_t group_step() const { return kCollapseLanes * frames; }
  /// Frame t of the group of pixels from (row, column) on; column is a multiple of kCollapseLanes.
  float* group(index_t t, index_t row, index_t column) const {
    return data + row * row_step() + column * frames + t * kCollapseLanes;
  }
};

/// One thread's collapse of a block to rows x columns values. Values beyond the frame's edge are
/// collapsed too, so they must be initialised.
void collapse_block(const CollapseBlock& block, const CollapseOptions& options, float* out);

/// How many pixels a block of so many frames may have to stay in a core's second-level cache.
index_t block_pixels(index_t frames);

/// Covers the output with blocks of rows x columns pixels, in parallel: fill(block) writes each, then
/// it is collapsed. Which block a pixel is in makes no difference to it.
template <class Fill>
void collapse_blocks(Exec& exec, index_t frames, index_t rows, index_t columns, const CollapseOptions& options,
                     Frame<float> out, const Fill& fill) {
  const index_t down = (out.extent(0) + rows - 1) / rows, across = (out.extent(1) + columns - 1) / columns;
  struct Scratch {
    Array<float, 1> values, result;
  };
  const auto make = [&] {
    return Scratch{host_array<float, 1>({frames * rows * columns}), host_array<float, 1>({rows * columns})};
  };
  parallel_for(exec.threads(), down * across, kWhoeverIsFree, make, [&](Scratch& scratch, index_t i) {
    CollapseBlock block{scratch.values.data(), frames, i / across * rows, i % across * columns, rows, columns};
    block.rows = std::min(rows, out.extent(0) - block.y);
    fill(block);
    collapse_block(block, options, scratch.result.data());
    const index_t width = std::min(columns, out.extent(1) - block.x);
    for (index_t y = 0; y < block.rows; ++y)
      for (index_t x = 0; x < width; ++x) out(block.y + y, block.x + x) = scratch.result.data()[y * columns + x];
  });
}

}  // namespace hci
