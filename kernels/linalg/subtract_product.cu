// SPDX-License-Identifier: MIT
#include "kernels/linalg/subtract_product.hpp"

#include <algorithm>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/linalg/fits_blas.hpp"
#include "kernels/linalg/subtract_product_cpu.hpp"

// Floors for 20 components of (489, 44100): 4 t k p = 1.7 GFLOP in float; 86 MB are read for the scores, again for the
// difference, and written. H200: 60 us of memory (4.3 TB/s), 26 us of products (67 TFLOP/s). GTX 1080: 0.8 ms of memory
// (0.32 TB/s), 0.2 ms of products (8.9 TFLOP/s). Bound by memory, as long as the model stays in the cache on its way
// from cuBLAS to the difference: tiles of 4 M numbers, 16 MB. A library of its own for each target (c of t columns)
// takes 2 t t p = 21 GFLOP: 0.3 and 2.4 ms, bound by products.

namespace hci {
namespace {

/// product(t, p) = c(t) . y(:, first + p)
struct Multiply {
  Matrix<const float> c, y;
  index_t first;
  Matrix<float> product;
  HCI_HD void operator()(index_t t, index_t p) const {
    float sum = 0;
    for (index_t s = 0; s < c.extent(1); ++s) sum += c(t, s) * y(s, first + p);
    product(t, p) = sum;
  }
};

struct Subtract {
  Matrix<const float> x, model;
  index_t first;
  Matrix<float> out;
  HCI_HD void operator()(index_t t, index_t p) const { out(t, first + p) = x(t, first + p) - model(t, p); }
};

/// product = c y of `width` columns from `first`; product has its own row length.
void multiply(Exec& exec, Matrix<const float> c, Matrix<const float> y, index_t first, index_t width,
              Matrix<float> product) {
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned() && fits_blas(c) &&
      fits_blas(y)) {  // row-major matrices are cuBLAS's transposed ones: productᵀ = yᵀ cᵀ
    const DeviceGuard guard(exec.cuda().device());
    const float one = 1, zero = 0;
    check(cublasSgemm(exec.cuda().cublas(), CUBLAS_OP_N, CUBLAS_OP_N, static_cast<int>(width),
                      static_cast<int>(c.extent(0)), static_cast<int>(c.extent(1)), &one, y.data() + first,
                      static_cast<int>(y.stride(0)), c.data(), static_cast<int>(c.stride(0)), &zero, product.data(),
                      static_cast<int>(product.stride(0))));
    return;
  }
#endif
  for_each(exec, Extents<2>{c.extent(0), width}, Multiply{c, y, first, product});
}

/// In tiles of columns, so that `out` may be x or y and scratch stays small.
void in_tiles(Exec& exec, Matrix<const float> a, Matrix<const float> b, Matrix<const float> y, Matrix<const float> x,
              Matrix<float> out) {
  constexpr index_t kTileElements = index_t{4} << 20;
  const index_t rows = x.extent(0), pixels = x.extent(1);
  const index_t tile = std::clamp<index_t>(kTileElements / rows / 32 * 32, 32, std::max<index_t>(pixels, 32));
  Array<float, 2> scores(exec, {b.extent(0), tile}), model(exec, {rows, tile});
  for (index_t first = 0; first < pixels; first += tile) {
    const index_t width = std::min(tile, pixels - first);
    if (b.extent(0) > 0) {
      multiply(exec, b, y, first, width, scores.view());
      multiply(exec, a, scores.view(), 0, width, model.view());
    } else {
      multiply(exec, a, y, first, width, model.view());
    }
    for_each(exec, Extents<2>{rows, width}, Subtract{x, model.view(), first, out});
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
