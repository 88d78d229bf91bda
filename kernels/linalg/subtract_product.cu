// SPDX-License-Identifier: MIT
#include "kernels/linalg/subtract_product.hpp"

#include <algorithm>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/linalg/fits_blas.hpp"
#include "kernels/linalg/gemm.hpp"
#include "kernels/linalg/subtract_product_cpu.hpp"

// Floors for 20 components of (489, 44100): 4 t k p = 1.7 GFLOP in float; 86 MB are read for the scores, again for the
// difference, and written. H200: 60 us of memory (4.3 TB/s), 26 us of products (67 TFLOP/s). GTX 1080: 0.8 ms of memory
// (0.32 TB/s), 0.2 ms of products (8.9 TFLOP/s). Bound by memory, as long as the model stays in the cache on its way
// from cuBLAS to the difference: tiles of 4 M numbers, 16 MB, a third of an H200's L2. A GTX 1080 (2 MB) writes and
// reads it once more, 172 MB, 0.5 ms. The difference runs in blocks of 32 x 8, warps along a row: each number is read
// once. A library of its own for each target (c of t columns) takes 2 t t p = 21 GFLOP: 0.3 and 2.4 ms, bound by
// products. Not measured on a GPU.

namespace hci {
namespace {

constexpr index_t kTileBytes = index_t{16} << 20;

struct Subtract {
  Matrix<const float> x, model;
  index_t first;
  Matrix<float> out;
  HCI_HD void operator()(index_t t, index_t p) const { out(t, first + p) = x(t, first + p) - model(t, p); }
};

/// Columns first .. first + width.
template <class T>
Matrix<T> columns_of(const Matrix<T>& m, index_t first, index_t width) {
  return {m.data() + first, {m.extent(0), width}, m.strides()};
}

/// product = c y
void multiply(Exec& exec, Matrix<const float> c, Matrix<const float> y, Matrix<float> product) {
  gemm(exec, {.a = batch_of_one(c), .b = batch_of_one(y)}, batch_of_one(product));
}

/// In tiles of columns, so that `out` may be x or y and scratch stays small.
void in_tiles(Exec& exec, Matrix<const float> a, Matrix<const float> b, Matrix<const float> y, Matrix<const float> x,
              Matrix<float> out) {
  const index_t rows = x.extent(0), pixels = x.extent(1);
  const index_t numbers = scratch_bytes(kTileBytes) / index_t{sizeof(float)};
  const index_t tile = std::clamp<index_t>(numbers / rows / 32 * 32, 32, std::max<index_t>(pixels, 32));
  Array<float, 2> scores(exec, {b.extent(0), tile}), model(exec, {rows, tile});
  for (index_t first = 0; first < pixels; first += tile) {
    const index_t width = std::min(tile, pixels - first);
    const Matrix<const float> y_of_tile = columns_of(y, first, width);
    const Matrix<float> scores_of_tile = columns_of(scores.view(), 0, width),
                        of_tile = columns_of(model.view(), 0, width);
    if (b.extent(0) > 0) {
      multiply(exec, b, y_of_tile, scores_of_tile);
      multiply(exec, a, scores_of_tile, of_tile);
    } else {
      multiply(exec, a, y_of_tile, of_tile);
    }
    for_each(exec, of_tile.extents(), Subtract{x, of_tile, first, out});
  }
}

void subtract(Exec& exec, Matrix<const float> a, Matrix<const float> b, Matrix<const float> y, Matrix<const float> x,
              Matrix<float> out) {
  require(x.extents() == out.extents() && a.extent(0) == x.extent(0) && y.extent(1) == x.extent(1),
          "subtract_product: shapes differ");
  require(a.stride(1) == 1 && y.stride(1) == 1 && x.stride(1) == 1 && out.stride(1) == 1,
          "subtract_product: rows have gaps");
  if (x.size() == 0) return;
  if (exec.tuned() && !exec.on_cuda() && fits_blas(a) && (b.extent(0) == 0 || fits_blas(b)) && fits_blas(y))
    return cpu::subtract_product(exec.threads(), a, b, y, x, out);
  in_tiles(exec, a, b, y, x, out);
}

}  // namespace

void subtract_product(Exec& exec, Matrix<const float> c, Matrix<const float> y, Matrix<const float> x,
                      Matrix<float> out) {
  require(c.extent(1) == y.extent(0), "subtract_product: ", c.extent(1), " coefficients for ", y.extent(0), " frames");
  subtract(exec, c, Matrix<const float>(nullptr, {0, 0}), y, x, out);
}

void subtract_product(Exec& exec, Matrix<const float> a, Matrix<const float> b, Matrix<const float> y,
                      Matrix<const float> x, Matrix<float> out) {
  require(a.extent(1) == b.extent(0) && b.extent(1) == y.extent(0) && b.extent(0) > 0 && b.stride(1) == 1,
          "subtract_product: shapes differ");
  subtract(exec, a, b, y, x, out);
}

}  // namespace hci
