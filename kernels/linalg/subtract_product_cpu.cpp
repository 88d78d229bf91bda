// SPDX-License-Identifier: MIT
#include "kernels/linalg/subtract_product_cpu.hpp"

#include <algorithm>
#include <vector>

#include "kernels/core/parallel.hpp"
#include "kernels/linalg/blas_threads.hpp"
#include "kernels/linalg/gemm_cpu.hpp"
#include "kernels/linalg/in_register.hpp"

namespace hci::cpu {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
constexpr int kVectors = 3, kRows = 4;         // 12 sums, 3 of the scores and 1 coefficient in 16 registers
constexpr index_t kStrip = kLanes * kVectors;  // columns of which the sums are in registers
constexpr index_t kTile = 480;                 // columns at once: a few hundred rows of them stay in L2
static_assert(kTile % kStrip == 0);

/// Groups of 4 rows of a, (group, column, row of it), 0 beyond the last row.
std::vector<float> packed_groups(Matrix<const float> a) {
  const index_t groups = (a.extent(0) + kRows - 1) / kRows, inner = a.extent(1);
  std::vector<float> packed(static_cast<std::size_t>(groups * inner * kRows), 0.0F);
  for (index_t t = 0; t < a.extent(0); ++t)
    for (index_t k = 0; k < inner; ++k)
      packed[static_cast<std::size_t>((t / kRows * inner + k) * kRows + t % kRows)] = a(t, k);
  return packed;
}

/// A group of rows times a strip of the scores (k, kTile); model: (row of the group, kStrip).
void multiply_strip(const float* group, const float* scores, index_t inner, float* model) {
  using Lanes = float __attribute__((vector_size(kLanes * sizeof(float)), aligned(4)));
  Lanes sum[kRows][kVectors] = {};
  for (index_t k = 0; k < inner; ++k, group += kRows, scores += kTile) {
    Lanes score[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      score[j] = reinterpret_cast<const Lanes*>(scores)[j];
      HCI_IN_REGISTER(score[j]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[i][j] += group[i] * score[j];
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) reinterpret_cast<Lanes*>(model)[i * kVectors + j] = sum[i][j];
}

/// Columns first .. first + width: out = x - a scores. sgemm's passes over the product would take as
/// long as the sums of some 20 products.
void subtract_scores(const float* packed, index_t inner, const float* scores, Matrix<const float> x, index_t first,
                     index_t width, Matrix<float> out) {
  alignas(64) float model[kRows * kStrip];
  for (index_t t = 0; t < x.extent(0); t += kRows)
    for (index_t p = 0; p < width; p += kStrip) {
      multiply_strip(packed + t * inner, scores + p, inner, model);
      const index_t rows = std::min<index_t>(kRows, x.extent(0) - t), columns = std::min(kStrip, width - p);
      for (index_t r = 0; r < rows; ++r) {
        const float* from = x.data() + (t + r) * x.stride(0) + first + p;
        float* to = out.data() + (t + r) * out.stride(0) + first + p;
        if (columns == kStrip)
          for (index_t i = 0; i < kStrip; ++i) to[i] = from[i] - model[r * kStrip + i];
        else
          for (index_t i = 0; i < columns; ++i) to[i] = from[i] - model[r * kStrip + i];
      }
    }
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
                   std::vector<float>(static_cast<std::size_t>(inner > 0 ? 0 : rows * kTile))};
  };
  const std::vector<float> packed = inner > 0 ? packed_groups(a) : std::vector<float>();
  parallel_for(threads, tiles, kEqualShares, make, [&](Scratch& scratch, index_t tile) {
    float *const scores = scratch.scores.data(), *const model = scratch.model.data();
    const index_t first = tile * kTile, width = std::min(kTile, pixels - first);
    const Matrix<const float> of_y(y.data() + first, {y.extent(0), width}, y.strides());
    if (inner > 0) {
      multiply(b, of_y, false, {scores, {inner, width}, {kTile, 1}});
      return subtract_scores(packed.data(), inner, scores, x, first, width, out);
    }
    multiply(a, of_y, false, {model, {rows, width}, {kTile, 1}});
    for (index_t t = 0; t < rows; ++t) {
      const float* from = x.data() + t * x.stride(0) + first;
      const float* less = model + t * kTile;
      float* to = out.data() + t * out.stride(0) + first;
      for (index_t p = 0; p < width; ++p) to[p] = from[p] - less[p];
    }
  });
}

}  // namespace hci::cpu
