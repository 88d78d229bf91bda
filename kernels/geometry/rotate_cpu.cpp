// SPDX-License-Identifier: MIT
#include "kernels/geometry/rotate_cpu.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#endif

#include "kernels/stats/collapse_block.hpp"

namespace hci {
namespace {

template <Rotation method>
void derotate_plainly(const Frame<const float>& in, const Affine& map, const Interpolation& plan, const Rectangle& part,
                      const Target& out, const ValueRange& range) {
  const float* lanczos = plan.lanczos.data();
  for (index_t y = 0; y < part.rows; ++y)
    for (index_t x = 0; x < part.columns; ++x)
      *out.at(y, x) = range.held(sample<method>(in, map, lanczos, plan.border, part.y + y, part.x + x, range.outside));
}

#if defined(__AVX2__) && defined(__FMA__)
constexpr bool kHaveVectors = true;

/// 8 neighbouring output pixels: where the first of their 8 x 8 taps are, and the phases. Made for some
/// rows before any is used: the compiler would else take them from the vectors that they were made in,
/// one by one, which took half of the time (8.6 against 4.7 ns per pixel on a Zen 4, 2026-11-23).
struct Positions {
  alignas(32) std::int32_t x[8], y[8], offset[8], x_phase[8], y_phase[8];  ///< phase: of its weights in the table
  bool inside;                                                             ///< all taps of all pixels are in the frame
  bool outside;                                                            ///< none of any pixel is
};

__m256i load8(const std::int32_t* from) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(from)); }

/// rint(per_x * x * 1024) of 8 pixels from x on.
__m256i grid_columns(double per_x, index_t x) {
  const __m256d first = _mm256_add_pd(_mm256_set1_pd(double(x)), _mm256_setr_pd(0, 1, 2, 3));
  const __m256d second = _mm256_add_pd(first, _mm256_set1_pd(4));
  const __m256d step = _mm256_set1_pd(per_x), scale = _mm256_set1_pd(1024);
  return _mm256_set_m128i(_mm256_cvtpd_epi32(_mm256_mul_pd(_mm256_mul_pd(step, second), scale)),
                          _mm256_cvtpd_epi32(_mm256_mul_pd(_mm256_mul_pd(step, first), scale)));
}

/// The grid positions of one axis split into first tap and phase; whether taps start in [0, most]
/// for all, and whether any pixel has taps in [0, most + 7].
void split_positions(__m256i columns, index_t row, index_t size, std::int32_t* tap, std::int32_t* phase, bool& inside,
                     bool& outside) {
  const __m256i position = _mm256_srai_epi32(_mm256_add_epi32(columns, _mm256_set1_epi32(int(row))), 5);
  const __m256i first = _mm256_sub_epi32(_mm256_srai_epi32(position, 5), _mm256_set1_epi32(3));
  _mm256_store_si256(reinterpret_cast<__m256i*>(tap), first);
  const __m256i weights = _mm256_slli_epi32(_mm256_and_si256(position, _mm256_set1_epi32(31)), 3);
  _mm256_store_si256(reinterpret_cast<__m256i*>(phase), weights);
  const __m256i before = _mm256_cmpgt_epi32(_mm256_setzero_si256(), first);
  const __m256i beyond = _mm256_cmpgt_epi32(first, _mm256_set1_epi32(int(size) - 8));
  inside = inside && _mm256_testz_si256(_mm256_or_si256(before, beyond), _mm256_set1_epi32(-1)) != 0;
  const __m256i all_before = _mm256_cmpgt_epi32(_mm256_set1_epi32(-7), first);
  const __m256i all_beyond = _mm256_cmpgt_epi32(first, _mm256_set1_epi32(int(size) - 1));
  outside = outside || _mm256_movemask_epi8(_mm256_or_si256(all_before, all_beyond)) == -1;
}

/// Adds one row of taps, weighted for its place in y.
template <int tap>
__m256 add_row(__m256 sum, const float* row, __m256 weights) {
  return _mm256_fmadd_ps(_mm256_loadu_ps(row), _mm256_permute_ps(weights, tap * 0x55), sum);
}

/// The 8 columns of a pixel's taps, summed over the rows and weighted; all taps in the frame. Two
/// chains of sums, since one would wait for itself.
inline __m256 weighted_columns(const float* taps, index_t pitch, const float* wy, const float* wx) {
  const __m256 upper = _mm256_broadcast_ps(reinterpret_cast<const __m128*>(wy));
  const __m256 lower = _mm256_broadcast_ps(reinterpret_cast<const __m128*>(wy + 4));
  const float* taps4 = taps + 4 * pitch;
  __m256 a = _mm256_setzero_ps(), b = _mm256_setzero_ps();
  a = add_row<0>(a, taps, upper);
  b = add_row<0>(b, taps4, lower);
  a = add_row<1>(a, taps + pitch, upper);
  b = add_row<1>(b, taps4 + pitch, lower);
  a = add_row<2>(a, taps + 2 * pitch, upper);
  b = add_row<2>(b, taps4 + 2 * pitch, lower);
  a = add_row<3>(a, taps + 3 * pitch, upper);
  b = add_row<3>(b, taps4 + 3 * pitch, lower);
  return _mm256_mul_ps(_mm256_add_ps(a, b), _mm256_load_ps(wx));
}

/// The same, bit for bit, where some taps may lie outside and count as 0.
__m256 weighted_columns_at_edge(const Frame<const float>& in, index_t y, index_t x, const float* wy, const float* wx) {
  const __m256i column = _mm256_add_epi32(_mm256_set1_epi32(int(x)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  const __m256i here = _mm256_and_si256(_mm256_cmpgt_epi32(column, _mm256_set1_epi32(-1)),
                                        _mm256_cmpgt_epi32(_mm256_set1_epi32(int(in.extent(1))), column));
  const index_t first = std::max(index_t{0}, -y), last = std::min(index_t{8}, in.extent(0) - y);
  const index_t middle = std::clamp(index_t{4}, first, std::max(first, last));
  const auto sum_rows = [&](index_t from, index_t to) {
    __m256 sum = _mm256_setzero_ps();
    const float* row = in.data() + (y + from) * in.stride(0) + x;
    for (index_t j = from; j < to; ++j, row += in.stride(0))
      sum = _mm256_fmadd_ps(_mm256_maskload_ps(row, here), _mm256_broadcast_ss(wy + j), sum);
    return sum;
  };
  return _mm256_mul_ps(_mm256_add_ps(sum_rows(first, middle), sum_rows(middle, last)), _mm256_load_ps(wx));
}

/// 8 neighbouring output pixels, border constant: the columns of each, then the sums of these.
template <bool inside>
__m256 lanczos4_pixels(const Frame<const float>& in, const Positions& at, const float* table) {
  const index_t pitch = in.stride(0);
  const auto columns = [&](int i) __attribute__((always_inline)) {
    const float *wy = table + at.y_phase[i], *wx = table + at.x_phase[i];
    const auto is_in = [](index_t first, index_t size) { return first >= 0 && first <= size - kLanczosTaps; };
    if (inside || (is_in(at.y[i], in.extent(0)) && is_in(at.x[i], in.extent(1))))
      return weighted_columns(in.data() + at.offset[i], pitch, wy, wx);
    return weighted_columns_at_edge(in, at.y[i], at.x[i], wy, wx);
  };
  const auto pair = [&](int i) __attribute__((always_inline)) { return _mm256_hadd_ps(columns(i), columns(i + 1)); };
  const __m256 a = _mm256_hadd_ps(pair(0), pair(2)), b = _mm256_hadd_ps(pair(4), pair(6));
  return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}

/// At most kRowsAtOnce rows of a rectangle, in strips of 8 columns.
constexpr index_t kRowsAtOnce = 32;
void lanczos4_rows(const Frame<const float>& in, const Affine& map, const float* table, const Rectangle& part,
                   const Target& out) {
  index_t x_rows[kRowsAtOnce], y_rows[kRowsAtOnce];
  Positions positions[kRowsAtOnce];
  for (index_t y = 0; y < part.rows; ++y) {
    x_rows[y] = lanczos4_row(map.xy, part.y + y, map.x0);
    y_rows[y] = lanczos4_row(map.yy, part.y + y, map.y0);
  }
  for (index_t x = 0; x < part.columns; x += 8) {
    const __m256i x_columns = grid_columns(map.xx, part.x + x), y_columns = grid_columns(map.yx, part.x + x);
    for (index_t y = 0; y < part.rows; ++y) {
      Positions& at = positions[y];
      at.inside = true;
      at.outside = false;
      split_positions(x_columns, x_rows[y], in.extent(1), at.x, at.x_phase, at.inside, at.outside);
      split_positions(y_columns, y_rows[y], in.extent(0), at.y, at.y_phase, at.inside, at.outside);
      const __m256i rows = _mm256_mullo_epi32(load8(at.y), _mm256_set1_epi32(int(in.stride(0))));
      _mm256_store_si256(reinterpret_cast<__m256i*>(at.offset), _mm256_add_epi32(rows, load8(at.x)));
    }
    for (index_t y = 0; y < part.rows; ++y) {
      const Positions& at = positions[y];
      const __m256 values = at.outside  ? _mm256_setzero_ps()
                            : at.inside ? lanczos4_pixels<true>(in, at, table)
                                        : lanczos4_pixels<false>(in, at, table);
      float* to = out.at(y, x);
      if (part.columns - x >= 8) {
        _mm256_storeu_ps(to, values);
      } else {
        alignas(32) float some[8];
        _mm256_store_ps(some, values);
        std::copy_n(some, part.columns - x, to);
      }
    }
  }
}

void lanczos4_rectangle(const Frame<const float>& in, const Affine& map, const float* table, const Rectangle& part,
                        const Target& out) {
  for (index_t y = 0; y < part.rows; y += kRowsAtOnce) {
    const Rectangle rows{part.y + y, part.x, std::min(kRowsAtOnce, part.rows - y), part.columns};
    lanczos4_rows(in, map, table, rows, {out.at(y, 0), out.row_step, out.group_step});
  }
}
#else
constexpr bool kHaveVectors = false;
void lanczos4_rectangle(const Frame<const float>&, const Affine&, const float*, const Rectangle&, const Target&) {}
#endif

/// Whether the vectors' 32 bits hold a frame's offsets and its places in 1/1024 px. Turned about a centre that is in
/// the frame or within kFarthestPosition, pixels of sides below 2^20 come from less than sqrt(2) 2^20 + 2^19 < 2^21 px
/// off; so do those of patches (see extract_patches()). Not a matter of the rectangle, on which no bit may depend.
bool fits_32_bits(const Frame<const float>& in) {
  constexpr index_t kSide = index_t{1} << 20, kOffsets = index_t{1} << 31;
  return in.extent(0) < kSide && in.extent(1) < kSide &&
         std::abs(in.stride(0)) < (kOffsets - in.extent(1)) / in.extent(0);
}

constexpr index_t kFloatsOfALine = 16;

/// To be read, or to be written.
template <bool write>
void prefetch_rows(const Frame<const float>& frame, index_t first, index_t rows) {
  for (index_t row = first; row < std::min(first + rows, frame.extent(0)); ++row)
    for (index_t column = 0; column < frame.extent(1); column += kFloatsOfALine)
      __builtin_prefetch(frame.data() + row * frame.stride(0) + column, write, 2);
}

}  // namespace

void derotate_rectangle(const Frame<const float>& in, const Affine& map, const Interpolation& plan,
                        const Rectangle& part, const Target& out, const ValueRange* range) {
  if (kHaveVectors && plan.method == Rotation::lanczos4 && plan.border == Border::constant && range == nullptr &&
      fits_32_bits(in))
    return lanczos4_rectangle(in, map, plan.lanczos.data(), part, out);
  const ValueRange held = range != nullptr ? *range : ValueRange{-INFINITY, INFINITY, 0};
  with_interpolation(plan.method, [&]<Rotation method>(std::integral_constant<Rotation, method>) {
    derotate_plainly<method>(in, map, plan, part, out, held);
  });
}

void prefetch_rectangle(const Frame<const float>& in, const Affine& map, const Rectangle& part) {
  const double x = map.source_x(part.y, part.x), y = map.source_y(part.y, part.x);
  const double right = double(part.columns), down = double(part.rows);
  const double across_x = right * map.xx, across_y = right * map.yx, down_x = down * map.xy, down_y = down * map.yy;
  constexpr double kReach = kLanczosTaps / 2;
  const auto bounds = [](double start, double a, double b, index_t size, index_t& low, index_t& high) {
    low = std::max(index_t{0}, static_cast<index_t>(start + std::min(a, 0.0) + std::min(b, 0.0) - kReach));
    high = std::min(size - 1, static_cast<index_t>(start + std::max(a, 0.0) + std::max(b, 0.0) + kReach));
  };
  index_t top, bottom, first, last;
  bounds(y, across_y, down_y, in.extent(0), top, bottom);
  bounds(x, across_x, down_x, in.extent(1), first, last);
  for (index_t row = top; row <= bottom; ++row)
    for (index_t column = first; column <= last; column += kFloatsOfALine)
      __builtin_prefetch(in.data() + row * in.stride(0) + column, 0, 2);
}

void derotate_cpu(Exec& exec, const Interpolation& plan, Cube<float> out) {
  const index_t nt = out.extent(0), ny = out.extent(1), nx = out.extent(2);
  constexpr index_t kRows = 32;
  const index_t parts = (ny + kRows - 1) / kRows;
#pragma omp parallel for schedule(static) num_threads(exec.threads())
  for (index_t i = 0; i < nt * parts; ++i) {
    const index_t t = i / parts, y = i % parts * kRows;
    const Rectangle part{y, 0, std::min(kRows, ny - y), nx};
    // The source is read along slanted lines, which no prefetcher foresees: ask for the next frame's share.
    if (t + 1 < nt) prefetch_rows<false>(frame_of(plan.source, t + 1), y, part.rows);
    prefetch_rows<true>(frame_of(out, t), y, part.rows);
    derotate_rectangle(frame_of(plan.source, t), plan.maps.data()[t], plan, part, {&out(t, y, 0), out.stride(1), 8},
                       plan.range(t));
  }
}

void derotate_collapse_cpu(Exec& exec, const Interpolation& plan, const CollapseOptions& collapsing, Frame<float> out) {
  const Cube<const float>& in = plan.source;
  const index_t nt = in.extent(0), pixels = block_pixels(nt);
  // About square: the taps beyond the edge of a tile are read in vain.
  const auto side = static_cast<index_t>(std::sqrt(double(pixels)));
  const index_t columns = std::max(index_t{1}, side / kCollapseLanes) * kCollapseLanes;
  const index_t rows = std::clamp(pixels / columns, index_t{1}, out.extent(0));
  collapse_blocks(exec, nt, rows, columns, collapsing, out, [&](const CollapseBlock& block) {
    const Rectangle part{block.y, block.x, block.rows, block.columns};
    for (index_t t = 0; t < nt; ++t) {
      if (t + 1 < nt) prefetch_rectangle(frame_of(in, t + 1), plan.maps.data()[t + 1], part);
      derotate_rectangle(frame_of(in, t), plan.maps.data()[t], plan, part,
                         {block.group(t, 0, 0), block.row_step(), block.group_step()}, plan.range(t));
    }
  });
}

}  // namespace hci
