// SPDX-License-Identifier: MIT
// x is read as it lies: with some twenty components BLAS, and the panels of gram_cpu.cpp, take as long to copy it as to
// multiply it. 20 components of (489, 44100): 100 rounds of the weights alone, whose time is nearly that of one x hᵀ,
// 39 ms, and 58 by the panels; ten rounds by multiplication, both products, 389 and 463 ms (one core of an EPYC, Zen 5,
// processor time, least of several in turn, 2026-11-29).

// Nothing of this crosses a library's boundary, so it is no matter how such vectors are passed.
#pragma GCC diagnostic ignored "-Wpsabi"

#include "kernels/linalg/nmf_cpu.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "kernels/core/parallel.hpp"
#include "kernels/linalg/in_register.hpp"

namespace hci::cpu {
namespace {

// Sums in registers, beside what they are made of.
#if defined(__AVX512F__)
constexpr index_t kVectorBytes = 64;
constexpr int kRows = 4, kComponents = 5;       // of x hᵀ, a vector of columns each
constexpr int kVectors = 2, kMostWeights = 10;  // of wᵀ x: vectors of columns, components
#elif defined(__AVX__)
constexpr index_t kVectorBytes = 32;
constexpr int kRows = 2, kComponents = 5;
constexpr int kVectors = 2, kMostWeights = 5;
#else
constexpr index_t kVectorBytes = 16;
constexpr int kRows = 2, kComponents = 5;
constexpr int kVectors = 2, kMostWeights = 5;
#endif

constexpr index_t kWide = kVectorBytes / static_cast<index_t>(sizeof(double));  // doubles of a vector
constexpr index_t kLanes = kVectorBytes / static_cast<index_t>(sizeof(float)), kStrip = kVectors * kLanes;
constexpr index_t kChunk = 256;     // columns at once: some twenty components of them stay in the first-level cache
constexpr index_t kMostRows = 128;  // of a task, whose sums stay in the second-level cache

index_t divided_up(index_t n, index_t by) { return (n + by - 1) / by; }

using Doubles = double __attribute__((vector_size(kVectorBytes)));
using Floats = float __attribute__((vector_size(kVectorBytes)));

/// By memcpy, since clang 14 takes a vector behind a pointer for aligned in templates, whatever its type says.
template <class Vector, class T>
Vector load(const T* from) {
  Vector loaded;
  std::memcpy(&loaded, from, sizeof(Vector));
  return loaded;
}
template <class Vector, class T>
void store(const Vector& vector, T* to) {
  std::memcpy(to, &vector, sizeof(Vector));
}

/// Adds to sums (row, component, lane), k components of a row, the products of kRows rows x (row, kChunk) with kCount
/// components h (component, kChunk) over `width` columns, a multiple of kWide: each lane its own.
template <int kCount>
void multiply_rows(const double* x, const double* h, index_t width, double* sums, index_t k) {
  Doubles sum[kRows][kCount];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) sum[i][j] = load<Doubles>(sums + (i * k + j) * kWide);
  for (index_t p = 0; p < width; p += kWide) {
    Doubles of_x[kRows];
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      of_x[i] = load<Doubles>(x + i * kChunk + p);
      HCI_IN_REGISTER(of_x[i]);
    }
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) {
      auto of_h = load<Doubles>(h + j * kChunk + p);
      HCI_IN_REGISTER(of_h);
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) sum[i][j] += of_x[i] * of_h;
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) store(sum[i][j], sums + (i * k + j) * kWide);
}
using MultiplyRows = void (*)(const double*, const double*, index_t, double*, index_t);

/// Columns first .. first + width of a row in double, and zeros up to kChunk. Those of row `next` are fetched
/// meanwhile: such short runs, so far apart, the machine does not see coming.
void widen(const Matrix<const float>& m, index_t row, index_t next, index_t first, index_t width, double* to) {
  const float *const from = m.data() + row * m.stride(0) + first, *const soon = m.data() + next * m.stride(0) + first;
  for (index_t p = 0; p < width; p += 16) __builtin_prefetch(soon + p);
  for (index_t p = 0; p < width; ++p) to[p] = static_cast<double>(from[p]);
  std::fill_n(to + width, kChunk - width, 0.0);
}

/// `count` columns of `k` weights (t, k) by kVectors vectors of x's columns, from x on, over `rows` rows. next:
/// columns to be fetched meanwhile, which lie too far apart for the machine to see them coming.
template <int kCount>
void multiply_columns(const float* w, index_t k, const float* x, index_t stride, index_t rows, const float* next,
                      float* out, index_t out_stride) {
  Floats sum[kCount][kVectors] = {};
  for (index_t t = 0; t < rows; ++t, w += k, x += stride, next += stride) {
    __builtin_prefetch(next);
    __builtin_prefetch(next + kLanes * kVectors - 1);
    Floats of_x[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      of_x[v] = load<Floats>(x + v * kLanes);
      HCI_IN_REGISTER(of_x[v]);
    }
#pragma GCC unroll 16
    for (int j = 0; j < kCount; ++j)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[j][v] += w[j] * of_x[v];
  }
#pragma GCC unroll 16
  for (int j = 0; j < kCount; ++j)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(sum[j][v], out + j * out_stride + v * kLanes);
}
using MultiplyColumns = void (*)(const float*, index_t, const float*, index_t, index_t, const float*, float*, index_t);

template <int... kCounts>
constexpr std::array<MultiplyRows, sizeof...(kCounts)> by_rows(std::integer_sequence<int, kCounts...>) {
  return {multiply_rows<kCounts + 1>...};
}
template <int... kCounts>
constexpr std::array<MultiplyColumns, sizeof...(kCounts)> by_columns(std::integer_sequence<int, kCounts...>) {
  return {multiply_columns<kCounts + 1>...};
}
constexpr auto kByRows = by_rows(std::make_integer_sequence<int, kComponents>());
constexpr auto kByColumns = by_columns(std::make_integer_sequence<int, kMostWeights>());

/// Components first .. first + count - 1 of k, in groups of nearly equal size.
struct Group {
  index_t first, count;
  Group(index_t k, index_t groups, index_t g) : first(k * g / groups), count(k * (g + 1) / groups - first) {}
};

}  // namespace

void times_components(int threads, Matrix<const float> x, Matrix<const float> h, Matrix<double> xht) {
  const index_t rows = x.extent(0), pixels = x.extent(1), k = h.extent(0), groups = divided_up(k, kComponents);
  const index_t shares = divided_up(divided_up(rows, kMostRows), threads) * threads;
  const index_t of_task = divided_up(divided_up(rows, shares), kRows) * kRows;
  struct Scratch {
    std::vector<double> x, h, sums;
  };
  const auto make = [k, of_task] {
    return Scratch{std::vector<double>(static_cast<std::size_t>(kRows * kChunk)),
                   std::vector<double>(static_cast<std::size_t>(k * kChunk)),
                   std::vector<double>(static_cast<std::size_t>(of_task * k * kWide))};
  };
  parallel_for(threads, divided_up(rows, of_task), kEqualShares, make, [&](Scratch& scratch, index_t task) {
    const index_t top = task * of_task, bottom = std::min(rows, top + of_task);
    std::fill(scratch.sums.begin(), scratch.sums.end(), 0.0);
    for (index_t first = 0; first < pixels; first += kChunk) {
      const index_t width = std::min(kChunk, pixels - first), vectors = divided_up(width, kWide);
      for (index_t j = 0; j < k; ++j) widen(h, j, std::min(j + 2, k - 1), first, width, scratch.h.data() + j * kChunk);
      for (index_t t = top; t < bottom; t += kRows) {
        for (index_t i = 0; i < kRows && t + i < bottom; ++i)
          widen(x, t + i, std::min(t + i + kRows, bottom - 1), first, width, scratch.x.data() + i * kChunk);
        for (index_t g = 0; g < groups; ++g) {
          const Group group(k, groups, g);
          double* const sums = scratch.sums.data() + ((t - top) * k + group.first) * kWide;
          kByRows[static_cast<std::size_t>(group.count - 1)](scratch.x.data(), scratch.h.data() + group.first * kChunk,
                                                             vectors * kWide, sums, k);
        }
      }
    }
    for (index_t t = top; t < bottom; ++t)
      for (index_t j = 0; j < k; ++j) {
        const double* const lanes = scratch.sums.data() + ((t - top) * k + j) * kWide;
        double sum = 0;
        for (index_t lane = 0; lane < kWide; ++lane) sum += lanes[lane];
        xht(t, j) = sum;
      }
  });
}

void times_weights(int threads, Matrix<const double> w, Matrix<const float> x, Matrix<float> wtx) {
  const index_t rows = x.extent(0), pixels = x.extent(1), k = w.extent(1), groups = divided_up(k, kMostWeights);
  std::vector<float> single(static_cast<std::size_t>(rows * k));
  for (index_t t = 0; t < rows; ++t)
    for (index_t i = 0; i < k; ++i) single[static_cast<std::size_t>(t * k + i)] = static_cast<float>(w(t, i));
  struct Scratch {
    std::vector<float> x, sums;  // of a strip that the last columns do not fill
  };
  const auto make = [rows] {
    return Scratch{std::vector<float>(static_cast<std::size_t>(rows * kStrip)),
                   std::vector<float>(static_cast<std::size_t>(kMostWeights * kStrip))};
  };
  parallel_for(threads, divided_up(pixels, kStrip), kEqualShares, make, [&](Scratch& scratch, index_t strip) {
    const index_t first = strip * kStrip, width = std::min(kStrip, pixels - first);
    const bool whole = width == kStrip;
    if (!whole)
      for (index_t t = 0; t < rows; ++t) std::copy_n(&x(t, first), width, scratch.x.data() + t * kStrip);
    const float* const from = whole ? x.data() + first : scratch.x.data();
    const index_t stride = whole ? x.stride(0) : kStrip;
    const float* const next = first + 2 * kStrip <= pixels ? from + kStrip : from;
    for (index_t g = 0; g < groups; ++g) {
      const Group group(k, groups, g);
      float* const out = whole ? &wtx(group.first, first) : scratch.sums.data();
      kByColumns[static_cast<std::size_t>(group.count - 1)](single.data() + group.first, k, from, stride, rows, next,
                                                            out, whole ? wtx.stride(0) : kStrip);
      if (whole) continue;
      for (index_t i = 0; i < group.count; ++i) std::copy_n(out + i * kStrip, width, &wtx(group.first + i, first));
    }
  });
}

}  // namespace hci::cpu
