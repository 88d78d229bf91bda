// SPDX-License-Identifier: MIT
#include "kernels/linalg/gram_cpu.hpp"

#include <cblas.h>

#include <algorithm>
#include <vector>

#include "kernels/linalg/blas_threads.hpp"

namespace hci::cpu {
namespace {

constexpr index_t kTile = 384;  // columns in double at once: the tile and its blocks stay in cache

void convert(const float* from, const std::uint8_t* used, index_t count, double* to) {
  if (used == nullptr)
    for (index_t p = 0; p < count; ++p) to[p] = from[p];
  else
    for (index_t p = 0; p < count; ++p) to[p] = used[p] != 0 ? static_cast<double>(from[p]) : 0.0;
}

/// Blocks of g are tasks. Their size depends on nothing but the shape, so that the bits do not
/// depend on the threads.
index_t block_of(index_t rows) { return std::clamp<index_t>((rows / 4 + 7) / 8 * 8, 16, 128); }

}  // namespace

void cross_gram(int threads, Matrix<const float> a, Matrix<const float> b, UsedColumns used, Matrix<double> g,
                bool lower_only) {
  const index_t rows = a.extent(0), cols = b.extent(0), pixels = a.extent(1);
  const index_t row_block = block_of(rows), col_block = block_of(cols);
  const index_t row_blocks = (rows + row_block - 1) / row_block, col_blocks = (cols + col_block - 1) / col_block;
  std::vector<double> a_tile(static_cast<std::size_t>(rows * kTile));
  std::vector<double> b_tile(lower_only ? 0 : static_cast<std::size_t>(cols * kTile));
  double* const right = lower_only ? a_tile.data() : b_tile.data();
  const OneBlasThread one;
#pragma omp parallel num_threads(threads)
  for (index_t first = 0; first == 0 || first < pixels; first += kTile) {
    const index_t width = std::min(kTile, pixels - first);
    const std::uint8_t* flags = used.size() == 0 ? nullptr : used.data() + first;
#pragma omp for schedule(static)
    for (index_t t = 0; t < (lower_only ? rows : rows + cols); ++t)
      if (t < rows)
        convert(a.data() + t * a.stride(0) + first, flags, width, a_tile.data() + t * kTile);
      else
        convert(b.data() + (t - rows) * b.stride(0) + first, flags, width, b_tile.data() + (t - rows) * kTile);
#pragma omp for schedule(dynamic)
    for (index_t block = 0; block < row_blocks * col_blocks; ++block) {
      const index_t i = block / col_blocks * row_block, j = block % col_blocks * col_block;
      if (lower_only && i < j) continue;
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(std::min(row_block, rows - i)),
                  static_cast<int>(std::min(col_block, cols - j)), static_cast<int>(width), 1,
                  a_tile.data() + i * kTile, static_cast<int>(kTile), right + j * kTile, static_cast<int>(kTile),
                  first == 0 ? 0 : 1, g.data() + i * g.stride(0) + j, static_cast<int>(g.stride(0)));
    }
  }
}

}  // namespace hci::cpu
