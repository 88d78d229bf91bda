// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only: a tile of scalar products in registers, by the compiler's vector
// extensions; its size is what the registers of the machine that we compile for hold.
#include "kernels/core/view.hpp"
#include "kernels/linalg/in_register.hpp"

namespace hci::cpu {

#if defined(__AVX512F__)
constexpr int kTileLanes = 8, kTileVectors = 3, kTileRows = 8;  // 24 sums, 3 of b and 1 of a in 32 registers
#elif defined(__AVX__)
constexpr int kTileLanes = 4, kTileVectors = 3, kTileRows = 4;  // 12 sums, 3 of b and 1 of a in 16 registers
#else
constexpr int kTileLanes = 2, kTileVectors = 2, kTileRows = 4;  // 8 sums, 2 of b and 1 of a in 16 registers or more
#endif

/// Rows that are packed together. A panel: (column, row of it), dense.
constexpr index_t kPanel = kTileLanes * kTileVectors;
static_assert(kPanel % kTileRows == 0 && kPanel % 4 == 0);

/// Columns p .. p + 3 of 4 rows, in double, to to[column * kPanel + row].
inline void turn_4x4(const float* const* row, index_t p, double* to) {
  using Floats4 = float __attribute__((vector_size(16), aligned(4)));
  using Doubles4 = double __attribute__((vector_size(32)));
  const auto load = [&](int r) {
    return __builtin_convertvector(*reinterpret_cast<const Floats4*>(row[r] + p), Doubles4);
  };
  const Doubles4 a = load(0), b = load(1), c = load(2), d = load(3);
  const Doubles4 ab02 = __builtin_shufflevector(a, b, 0, 4, 2, 6), ab13 = __builtin_shufflevector(a, b, 1, 5, 3, 7);
  const Doubles4 cd02 = __builtin_shufflevector(c, d, 0, 4, 2, 6), cd13 = __builtin_shufflevector(c, d, 1, 5, 3, 7);
  const auto store = [&](index_t column, const Doubles4& v) { *reinterpret_cast<Doubles4*>(to + column * kPanel) = v; };
  store(0, __builtin_shufflevector(ab02, cd02, 0, 1, 4, 5));
  store(1, __builtin_shufflevector(ab13, cd13, 0, 1, 4, 5));
  store(2, __builtin_shufflevector(ab02, cd02, 2, 3, 6, 7));
  store(3, __builtin_shufflevector(ab13, cd13, 2, 3, 6, 7));
}

/// kTileRows rows of a tile of sums, in their first kVectors vectors.
template <int kVectors>
inline void add_rows(const double* x, const double* b, index_t depth, bool start, double* sums) {
  using Lanes = double __attribute__((vector_size(kTileLanes * sizeof(double))));
  Lanes* const out = reinterpret_cast<Lanes*>(sums);
  Lanes sum[kTileRows][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kTileRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) sum[i][j] = start ? Lanes{} : out[i * kTileVectors + j];
  const Lanes* y = reinterpret_cast<const Lanes*>(b);
  for (index_t p = 0; p < depth; ++p, x += kPanel, y += kTileVectors) {
    Lanes of_b[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      of_b[j] = y[j];
      HCI_IN_REGISTER(of_b[j]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < kTileRows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[i][j] += x[i] * of_b[j];
  }
#pragma GCC unroll 8
  for (int i = 0; i < kTileRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) out[i * kTileVectors + j] = sum[i][j];
}

/// sums(i, j) (+)= a(:, i) . b(:, j) over `depth` columns, in order, for all j of two panels and the first `rows` i, or
/// a few more. lower: those of j > i are left out but for a few.
inline void add_products(const double* a, const double* b, index_t depth, bool start, index_t rows, bool lower,
                         double* sums) {
  for (index_t first = 0; first < rows; first += kTileRows) {
    const index_t vectors = lower ? (first + kTileRows - 1) / kTileLanes + 1 : kTileVectors;
    double* const out = sums + first * kPanel;
    if (vectors == 1)
      add_rows<1>(a + first, b, depth, start, out);
    else if (vectors == 2)
      add_rows<2>(a + first, b, depth, start, out);
    else
      add_rows<kTileVectors>(a + first, b, depth, start, out);
  }
}

}  // namespace hci::cpu
