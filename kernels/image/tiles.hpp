// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CUDA only: the tiles of the image filters that read a window about each pixel.
#include <cstddef>

#include "kernels/core/launch.hpp"
#include "kernels/geometry/border.hpp"

#if HCI_HAVE_CUDA
namespace hci::tiles {

/// A block makes kSide x kSide outputs of a frame.
constexpr int kSide = 32;
/// Bytes of shared memory that every device gives a block without being asked.
constexpr std::size_t kMostShared = 48 * 1024;

/// A block for each tile; where there are too many, blocks go on to further rows of tiles and frames.
inline dim3 grid_for(const Extents<3>& extents) {
  return {cuda_side::blocks_for(extents[2], kSide, cuda_side::kMostBlocksX),
          cuda_side::blocks_for(extents[1], kSide, cuda_side::kMostBlocksYZ),
          cuda_side::blocks_for(extents[0], 1, cuda_side::kMostBlocksYZ)};
}

/// Calls store(row, column, value) for rows x columns pixels from (y, x) on, what lies outside the frame
/// as the border says, or 0. All threads of the block share them.
template <int threads, class Store>
__device__ void load(const Frame<const float>& frame, Border border, index_t y, index_t x, int rows, int columns,
                     const Store& store) {
  for (int i = static_cast<int>(threadIdx.x); i < rows * columns; i += threads) {
    const int r = i / columns, c = i % columns;
    const index_t row = border_index(y + r, frame.extent(0), border);
    const index_t column = border_index(x + c, frame.extent(1), border);
    store(r, c, row < 0 || column < 0 ? 0.0F : frame(row, column));
  }
}

}  // namespace hci::tiles
#endif
