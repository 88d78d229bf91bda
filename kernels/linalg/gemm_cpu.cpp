// SPDX-License-Identifier: MIT
#include "kernels/linalg/gemm_cpu.hpp"

#include <cblas.h>

#include <algorithm>
#include <type_traits>

#include "kernels/linalg/blas_threads.hpp"

namespace hci::cpu {
namespace {

// Small enough for two and more threads to share the products of one problem, large enough for BLAS
// to run at its speed.
constexpr index_t kRows = 64, kColumns = 128, kColumnsOfScalarProducts = 32;
// Of a large product there are 16 tiles even of larger ones, of which each copies its part of b for fewer others. For
// (489, 489)(489, 44100) in float32 that is once: 99.6 ms, with 256 rows to a tile 105, with one call for all, whose
// threads would not keep the bits, 96 (one core of an EPYC, Zen 5, processor time, least of six in turn, 2026-11-29).
constexpr index_t kManyTiles = 1024, kRowsOfMany = 512, kColumnsOfMany = 1024;

int blas(index_t n) { return static_cast<int>(n); }

template <class T>
void by_blas(Matrix<const T> a, Matrix<const T> b, bool transposed, T alpha, T beta, Matrix<T> c) {
  const auto routine = [] {
    if constexpr (std::is_same_v<T, double>)
      return cblas_dgemm;
    else
      return cblas_sgemm;
  }();
  routine(CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans, blas(c.extent(0)), blas(c.extent(1)),
          blas(a.extent(1)), alpha, a.data(), blas(a.stride(0)), b.data(), blas(b.stride(0)), beta, c.data(),
          blas(c.stride(0)));
}

/// Rows `row` .. and columns `column` .. of a matrix.
template <class T>
Matrix<T> part(const Matrix<T>& m, index_t row, index_t rows, index_t column, index_t columns) {
  return {m.data() + row * m.stride(0) + column, {rows, columns}, m.strides()};
}

}  // namespace

template <class T>
void gemm(int threads, const Gemm<T>& what, View<T, 3> c) {
  const index_t rows = c.extent(1), columns = c.extent(2), inner = what.a.extent(2);
  const bool many = !what.transposed &&
                    c.extent(0) * ((rows + kRows - 1) / kRows) * ((columns + kColumns - 1) / kColumns) > kManyTiles;
  const index_t tile_rows = many ? kRowsOfMany : kRows;
  const index_t width = what.transposed ? kColumnsOfScalarProducts : many ? kColumnsOfMany : kColumns;
  const index_t row_tiles = (rows + tile_rows - 1) / tile_rows, column_tiles = (columns + width - 1) / width;
  const index_t tiles = row_tiles * column_tiles;
  const OneBlasThread one;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index_t item = 0; item < c.extent(0) * tiles; ++item) {
    const index_t n = item / tiles, i = item % tiles / column_tiles * tile_rows, j = item % column_tiles * width;
    const index_t height = std::min(tile_rows, rows - i), across = std::min(width, columns - j);
    const Matrix<const T> a = what.a[what.a.extent(0) == 1 ? 0 : n], b = what.b[what.b.extent(0) == 1 ? 0 : n];
    by_blas<T>(part(a, i, height, 0, inner),
               what.transposed ? part(b, j, across, 0, inner) : part(b, 0, inner, j, across), what.transposed,
               what.alpha, what.beta, part(c[n], i, height, j, across));
  }
}
template void gemm(int, const Gemm<double>&, View<double, 3>);
template void gemm(int, const Gemm<float>&, View<float, 3>);

void multiply(Matrix<const float> a, Matrix<const float> b, bool transposed, Matrix<float> c) {
  by_blas<float>(a, b, transposed, 1, 0, c);
}
void multiply(Matrix<const double> a, Matrix<const double> b, bool transposed, Matrix<double> c) {
  by_blas<double>(a, b, transposed, 1, 0, c);
}

}  // namespace hci::cpu
