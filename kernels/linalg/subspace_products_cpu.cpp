// SPDX-License-Identifier: MIT
#include "kernels/linalg/subspace_products_cpu.hpp"

#include <cblas.h>

#include <algorithm>

#include "kernels/linalg/blas_threads.hpp"

namespace hci::cpu {
namespace {

// Small enough for two and more threads to share the products of one problem, large enough for dgemm
// to run at its speed.
constexpr index_t kRows = 64, kColumns = 128, kColumnsOfScalarProducts = 32;

}  // namespace

void batched_product(int threads, const BatchedProduct& what, View<double, 3> c) {
  const index_t batch = c.extent(0), rows = c.extent(1), columns = c.extent(2), inner = what.a.extent(2);
  const index_t width = what.transposed ? kColumnsOfScalarProducts : kColumns;
  const index_t row_tiles = (rows + kRows - 1) / kRows, column_tiles = (columns + width - 1) / width;
  const index_t tiles = row_tiles * column_tiles;
  const auto size = [](index_t n) { return static_cast<int>(n); };
  const OneBlasThread one;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index_t item = 0; item < batch * tiles; ++item) {
    const index_t b = item / tiles, i = item % tiles / column_tiles * kRows, j = item % column_tiles * width;
    const double* a = what.a.data() + (what.a.extent(0) == 1 ? 0 : b * what.a.stride(0)) + i * what.a.stride(1);
    const double* m = what.m.data() + (what.m.extent(0) == 1 ? 0 : b * what.m.stride(0)) +
                      (what.transposed ? j * what.m.stride(1) : j);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, what.transposed ? CblasTrans : CblasNoTrans,
                size(std::min(kRows, rows - i)), size(std::min(width, columns - j)), size(inner), what.alpha, a,
                size(what.a.stride(1)), m, size(what.m.stride(1)), what.beta,
                c.data() + b * c.stride(0) + i * c.stride(1) + j, size(c.stride(1)));
  }
}

}  // namespace hci::cpu
