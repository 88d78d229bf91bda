// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only: the overlaps of kernels/stats/disc_overlap.hpp eight pixels at a time.
// What makes it fast: F is made at the corners of the grid, not for each pixel four times, its two
// transcendental functions at the grid lines only; eight corners of a line at a time.
#include <cmath>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#include "kernels/stats/disc_overlap.hpp"

// Nothing of this crosses a library's boundary, so it is no matter how such vectors are passed.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace hci::disc {

using Doubles = double __attribute__((vector_size(32)));

inline Doubles vector_of(double value) { return Doubles{value, value, value, value}; }

inline Doubles square_root(Doubles v) {
#if defined(__AVX__)
  return Doubles(_mm256_sqrt_pd(__m256d(v)));
#else
  for (int k = 0; k < 4; ++k) v[k] = std::sqrt(v[k]);
  return v;
#endif
}

/// Eight neighbouring lines, or pixels, of a row.
constexpr int kLanes = 8;
struct Lanes {
  Doubles low, high;
};

inline Doubles load(const float* from) {
#if defined(__AVX__)
  return Doubles(_mm256_cvtps_pd(_mm_loadu_ps(from)));
#else
  return Doubles{from[0], from[1], from[2], from[3]};
#endif
}

/// Several vectors that go through the same arithmetic side by side, to hide its latency.
template <int N>
struct Pack {
  Doubles v[N];
  friend Pack operator*(Pack a, const Pack& b) {
    for (int k = 0; k < N; ++k) a.v[k] *= b.v[k];
    return a;
  }
  friend Pack operator*(Pack a, double b) {
    for (int k = 0; k < N; ++k) a.v[k] *= b;
    return a;
  }
  friend Pack operator+(Pack a, double b) {
    for (int k = 0; k < N; ++k) a.v[k] += b;
    return a;
  }
};

/// half_area() of all values.
template <int N>
Pack<N> half_areas(const Pack<N>& t) {
  Pack<N> d, area;
  for (int k = 0; k < N; ++k) {
    const Doubles size = t.v[k] < 0 ? -t.v[k] : t.v[k];
    d.v[k] = size < 1 ? 1 - size : Doubles{};
  }
  const Pack<N> polynomial = rim_polynomial(d);
  for (int k = 0; k < N; ++k) {
    const Doubles half = kQuarterPi - d.v[k] * square_root(d.v[k]) * polynomial.v[k];
    area.v[k] = t.v[k] < 0 ? -half : half;
  }
  return area;
}

/// The overlaps of one aperture with at most kRows rows of kPixels pixels.
constexpr int kRows = 15, kPixels = kLanes - 1;
struct Patch {
  index_t y = 0, x = 0;
  int rows = 0;
  Lanes overlap[kRows];  // the last lane is 0
};

/// What corner() needs of the lines y: F = inside + a + x y where x² < limit, else
/// both a + (x < 0 ? left : right), a = G(x).
struct LinesY {
  Doubles y[4], limit[4], inside[4], both[4], left[4], right[4];

  void set(int k, Doubles lines, Doubles areas) {
    y[k] = lines;
    limit[k] = 1 - lines * lines;
    inside[k] = kQuarterPi + areas;
    both[k] = lines < 0 ? Doubles{} : vector_of(2);
    left[k] = lines < 0 ? Doubles{} : vector_of(2 * kQuarterPi);
    right[k] = 2 * (lines < 0 ? inside[k] : areas);
  }
};

inline Doubles broadcast(const Doubles* values, int k) { return vector_of(reinterpret_cast<const double*>(values)[k]); }

/// Eight lines x: their places, their half areas, their squares.
struct LinesX {
  Lanes x, area, square;
};

/// F where the lines x cross line y number l.
inline Lanes corners(const LinesX& lines, const LinesY& across, int l) {
  const Doubles y = broadcast(across.y, l), limit = broadcast(across.limit, l), base = broadcast(across.inside, l);
  const Doubles both = broadcast(across.both, l), left = broadcast(across.left, l), right = broadcast(across.right, l);
  const auto at = [&](Doubles x, Doubles a, Doubles square) -> Doubles {
    const Doubles inside = base + a + x * y, outside = both * a + (x < 0 ? left : right);
    return square < limit ? inside : outside;
  };
  return {at(lines.x.low, lines.area.low, lines.square.low), at(lines.x.high, lines.area.high, lines.square.high)};
}

/// Lane k becomes lane k + 1 minus lane k; the last lane becomes 0.
inline Lanes differences(const Lanes& s) {
  const Doubles low = __builtin_shufflevector(s.low, s.high, 1, 2, 3, 4) - s.low;
  const Doubles high = __builtin_shufflevector(s.high, s.high, 1, 2, 3, 3) - s.high;
  return {low, high};
}

/// Overlaps, in units of radius², of the disc about (y, x) with the patch's pixels, whose rows lie
/// between no more than 4 N lines.
template <int N>
[[gnu::noinline]] void cover(double y, double x, double scale, Patch& patch) {
  const double bottom = (static_cast<double>(patch.y) - 0.5 - y) * scale;
  const double left = (static_cast<double>(patch.x) - 0.5 - x) * scale;
  Pack<N + 2> lines;
  for (int k = 0; k < N; ++k) lines.v[k] = bottom + scale * (4.0 * k + Doubles{0, 1, 2, 3});
  lines.v[N] = left + scale * Doubles{0, 1, 2, 3};
  lines.v[N + 1] = left + scale * Doubles{4, 5, 6, 7};
  const Pack<N + 2> areas = half_areas(lines);
  LinesY across;
  for (int k = 0; k < N; ++k) across.set(k, lines.v[k], areas.v[k]);
  const LinesX along{{lines.v[N], lines.v[N + 1]},
                     {areas.v[N], areas.v[N + 1]},
                     {lines.v[N] * lines.v[N], lines.v[N + 1] * lines.v[N + 1]}};
  Lanes below = corners(along, across, 0);
  for (int row = 0; row < patch.rows; ++row) {
    const Lanes above = corners(along, across, row + 1);
    patch.overlap[row] = differences({above.low - below.low, above.high - below.high});
    below = above;
  }
}

}  // namespace hci::disc
