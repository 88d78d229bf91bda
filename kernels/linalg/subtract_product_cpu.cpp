// SPDX-License-Identifier: MIT
#include "kernels/linalg/subtract_product_cpu.hpp"

#include <cblas.h>

#include <algorithm>
#include <vector>

#include "kernels/core/parallel.hpp"
#include "kernels/linalg/blas_threads.hpp"

namespace hci::cpu {
namespace {

constexpr index_t kTile = 512;  // columns at once: a few hundred rows of them stay in L2

int blas(index_t n) { return static_cast<int>(n); }

void multiply(Matrix<const float> a, const float* y, index_t stride, index_t width, float* product) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, blas(a.extent(0)), blas(width), blas(a.extent(1)), 1, a.data(),
              blas(a.stride(0)), y, blas(stride), 0, product, blas(kTile));
}

}  // namespace

void subtract_product(int threads, Matrix<const float> a, Matrix<const float> b, Matrix<const float> y,
                      Matrix<const float> x, Matrix<float> out) {
  const index_t rows = x.extent(0), pixels = x.extent(1), inner = b.extent(0);
  const index_t tiles = (pixels + kTile - 1) / kTile;
  const OneBlasThread one;
  struct Scratch {
    std::vector<float> scores, model;
  };
  const auto make = [&] {
    return Scratch{std::vector<float>(static_cast<std::size_t>(inner * kTile)),
                   std::vector<float>(static_cast<std::size_t>(rows * kTile))};
  };
  parallel_for(threads, tiles, kEqualShares, make, [&](Scratch& scratch, index_t tile) {
    float *const scores = scratch.scores.data(), *const model = scratch.model.data();
    const index_t first = tile * kTile, width = std::min(kTile, pixels - first);
    if (inner > 0) {
      multiply(b, y.data() + first, y.stride(0), width, scores);
      multiply(a, scores, kTile, width, model);
    } else {
      multiply(a, y.data() + first, y.stride(0), width, model);
    }
    for (index_t t = 0; t < rows; ++t) {
      const float* from = x.data() + t * x.stride(0) + first;
      const float* less = model + t * kTile;
      float* to = out.data() + t * out.stride(0) + first;
      for (index_t p = 0; p < width; ++p) to[p] = from[p] - less[p];
    }
  });
}

}  // namespace hci::cpu
