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
// Of a large product the tiles are larger, of equal rows, so that each part of b is copied for fewer of them. For
// (489, 489)(489, 44100) in float32 that is once: 99.6 ms, with 256 rows to a tile 105, with one call for all, whose
// threads would not keep the bits, 96 (one core of an EPYC, Zen 5, processor time, least of six in turn, 2026-11-29).
// These are 44 tiles: more threads than that have nothing to do.
constexpr index_t kManyTiles = 1024, kRowsOfMany = 512, kColumnsOfMany = 1024;

index_t divided_up(index_t n, index_t by) { return (n + by - 1) / by; }

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
  if (c.size() == 0) return;
  const bool many =
      !what.transposed && c.extent(0) * divided_up(rows, kRows) * divided_up(columns, kColumns) > kManyTiles;
  const index_t tile_rows = many ? divided_up(rows, divided_up(rows, kRowsOfMany)) : kRows;
  const index_t width = what.transposed ? kColumnsOfScalarProducts : many ? kColumnsOfMany : kColumns;
  const index_t row_tiles = divided_up(rows, tile_rows), tiles = row_tiles * divided_up(columns, width);
  const OneBlasThread one;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index_t item = 0; item < c.extent(0) * tiles; ++item) {
    const index_t n = item / tiles, i = item % row_tiles * tile_rows, j = item % tiles / row_tiles * width;
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
