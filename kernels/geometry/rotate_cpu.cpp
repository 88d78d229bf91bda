// SPDX-License-Identifier: MIT
#include "kernels/geometry/rotate_cpu.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/core/array.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/stats/collapse_block.hpp"
#if defined(__AVX2__) && defined(__FMA__)
#include "kernels/geometry/sample_lanes_cpu.hpp"
#endif

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
/// rint(per_x * x * 1024) of 8 pixels.
__m256i grid_columns(double per_x, const LaneColumns& columns) {
  const auto on_grid = [step = _mm256_set1_pd(per_x)](__m256d x) {
    return _mm256_cvtpd_epi32(_mm256_mul_pd(_mm256_mul_pd(step, x), _mm256_set1_pd(1024)));
  };
  return _mm256_set_m128i(on_grid(columns.high), on_grid(columns.low));
}

/// The first taps of the grid positions of one axis; where their weights begin in the table.
__m256i split_positions(__m256i columns, index_t row, std::int32_t* phase) {
  const __m256i position = _mm256_srai_epi32(_mm256_add_epi32(columns, _mm256_set1_epi32(int(row))), 5);
  const __m256i weights = _mm256_slli_epi32(_mm256_and_si256(position, _mm256_set1_epi32(31)), 3);
  _mm256_store_si256(reinterpret_cast<__m256i*>(phase), weights);
  return _mm256_sub_epi32(_mm256_srai_epi32(position, 5), _mm256_set1_epi32(3));
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

/// Lanczos-4: the columns of 8 neighbouring output pixels, then the sums of these.
class LanczosLanes {
 public:
  struct Columns {
    __m256i x, y;
  };
  struct Places : LaneTaps {
    alignas(32) std::int32_t x_phase[8], y_phase[8];  ///< of a pixel's weights in the table
  };

  LanczosLanes(const Frame<const float>& in, const Affine& map, const float* table, Border border, float outside,
               index_t rim)
      : in_(in),
        map_(map),
        table_(table),
        border_(border),
        outside_(outside),
        rim_(rim),
        short_offsets_(has_short_offsets(in, rim)) {}

  void take_rows(index_t y, index_t count) {
    for (index_t row = 0; row < count; ++row) {
      x_of_row_[row] = lanczos4_row(map_.xy, y + row, map_.x0);
      y_of_row_[row] = lanczos4_row(map_.yy, y + row, map_.y0);
    }
  }

  Columns take_columns(index_t x) const {
    const LaneColumns columns(x);
    return {grid_columns(map_.xx, columns), grid_columns(map_.yx, columns)};
  }

  void place(const Columns& columns, index_t row, Places& at) const {
    const __m256i x = split_positions(columns.x, x_of_row_[row], at.x_phase);
    const __m256i y = split_positions(columns.y, y_of_row_[row], at.y_phase);
    at.put(x, y, kLanczosTaps, kLanczosTaps, in_, rim_);
  }

  __m256 values(const Places& at) const {
    if (at.edges.inside && short_offsets_) return sums<true>(at);
    return at.edges.outside && border_ == Border::constant && outside_ == 0 ? _mm256_setzero_ps() : sums<false>(at);
  }

 private:
  template <bool inside>
  __m256 sums(const Places& at) const {
    return sums_of_eight([&](int i) __attribute__((always_inline)) {
      const float *wy = table_ + at.y_phase[i], *wx = table_ + at.x_phase[i];
      const auto is_in = [](index_t first, index_t size) { return first >= 0 && first <= size - kLanczosTaps; };
      if (inside) return weighted_columns(in_.data() + at.offset[i], in_.stride(0), wy, wx);
      if (is_in(at.y[i], in_.extent(0)) && is_in(at.x[i], in_.extent(1)))
        return weighted_columns(&in_(at.y[i], at.x[i]), in_.stride(0), wy, wx);
      if (border_ == Border::constant && outside_ == 0) return weighted_columns_at_edge(in_, at.y[i], at.x[i], wy, wx);
      float taps[kLanczosTaps * kLanczosTaps];
      copy_taps<kLanczosTaps, kLanczosTaps>(in_, at.y[i], at.x[i], border_, outside_, taps);
      return weighted_columns(taps, kLanczosTaps, wy, wx);
    });
  }

  Frame<const float> in_;
  Affine map_;
  const float* table_;
  Border border_;
  float outside_;
  index_t rim_;
  bool short_offsets_;
  index_t x_of_row_[kRowsAtOnce], y_of_row_[kRowsAtOnce];
};

/// At most kRowsAtOnce rows of a rectangle, in strips of 8 columns.
template <class Lanes>
void sample_rows(const Lanes& lanes, const Rectangle& part, const Target& out, const ValueRange& range) {
  typename Lanes::Places places[kRowsAtOnce];
  const __m256 low = _mm256_set1_ps(range.low), high = _mm256_set1_ps(range.high);
  for (index_t x = 0; x < part.columns; x += 8) {
    const auto columns = lanes.take_columns(part.x + x);
    for (index_t y = 0; y < part.rows; ++y) lanes.place(columns, y, places[y]);
    for (index_t y = 0; y < part.rows; ++y) {
      // In this order, of the operands too, NaN stays NaN.
      const __m256 values = _mm256_min_ps(high, _mm256_max_ps(low, lanes.values(places[y])));
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

template <class Lanes>
void sample_rectangle(Lanes lanes, const Rectangle& part, const Target& out, const ValueRange& range) {
  for (index_t y = 0; y < part.rows; y += kRowsAtOnce) {
    const Rectangle rows{part.y + y, part.x, std::min(kRowsAtOnce, part.rows - y), part.columns};
    lanes.take_rows(rows.y, rows.rows);
    sample_rows(lanes, rows, {out.at(y, 0), out.row_step, out.group_step}, range);
  }
}

/// Whether there are vectors; then the rectangle is done.
template <Rotation method>
bool derotate_by_lanes(const Frame<const float>& in, const Affine& map, const Interpolation& plan,
                       const Rectangle& part, const Target& out, const ValueRange& range, index_t rim) {
  if constexpr (method == Rotation::lanczos4)
    sample_rectangle(LanczosLanes(in, map, plan.lanczos.data(), plan.border, range.outside, rim), part, out, range);
  else
    sample_rectangle(ExactLanes<method>(in, map, plan.border, range.outside, rim), part, out, range);
  return true;
}
#else
template <Rotation method>
bool derotate_by_lanes(const Frame<const float>&, const Affine&, const Interpolation&, const Rectangle&, const Target&,
                       const ValueRange&, index_t) {
  return false;
}
#endif

/// Whether the vectors' 32 bits hold a frame's places in 1/1024 px. Turned about a centre that is in the frame or
/// within kFarthestPosition, pixels of sides below 2^20 come from less than sqrt(2) 2^20 + 2^19 < 2^21 px off; so do
/// those of patches (see extract_patches()). Not a matter of the rectangle, on which no bit may depend.
bool has_short_places(const Frame<const float>& in) {
  constexpr index_t kSide = index_t{1} << 20;
  return in.extent(0) < kSide && in.extent(1) < kSide;
}

void derotate_with_rim(const Frame<const float>& in, const Affine& map, const Interpolation& plan,
                       const Rectangle& part, const Target& out, const ValueRange* range, index_t rim) {
  const ValueRange held = range != nullptr ? *range : ValueRange{-INFINITY, INFINITY, 0};
  const bool by_lanes = has_short_places(in);
  with_interpolation(plan.method, [&]<Rotation method>(std::integral_constant<Rotation, method>) {
    if (!by_lanes || !derotate_by_lanes<method>(in, map, plan, part, out, held, rim))
      derotate_plainly<method>(in, map, plan, part, out, held);
  });
}

/// How far beyond a source the map of a frame of `pixels` reads with kLanczosTaps taps; 0 where that is more than half
/// a side, of which a copy would cost more than it saves.
index_t rim_of(const Affine& map, Extents<2> pixels, Extents<2> source) {
  double most = 0;
  for (const index_t y : {index_t{0}, pixels[0] - 1})
    for (const index_t x : {index_t{0}, pixels[1] - 1}) {
      const double at_y = map.source_y(y, x), at_x = map.source_x(y, x);
      most = std::max({most, -at_y, at_y - double(source[0] - 1), -at_x, at_x - double(source[1] - 1)});
    }
  most += kLanczosTaps + 8;  // and the columns that fill the last vector
  return most <= double(std::min(source[0], source[1])) / 2 ? static_cast<index_t>(most) : 0;
}

/// Whether there are vectors, and taps beside the pixel itself.
bool reads_neighbours(const Interpolation& plan) {
#if defined(__AVX2__) && defined(__FMA__)
  return plan.method != Rotation::nearest;
#else
  return static_cast<void>(plan), false;
#endif
}

/// A frame in the middle of what its border puts about it.
class Rimmed {
 public:
  Rimmed(Extents<2> frame, index_t most)
      : pixels_(host_array<float, 1>({(frame[0] + 2 * most) * (frame[1] + 2 * most)})) {}

  /// Pixels from -rim to side + rim - 1 may be read from the view that it gives.
  Frame<const float> fill(const Frame<const float>& in, index_t rim, Border border, float outside) {
    const index_t ny = in.extent(0), nx = in.extent(1), stride = nx + 2 * rim;
    float* const first = pixels_.data() + rim * stride + rim;
    for (index_t y = 0; y < ny; ++y) {
      const float* const from = in.data() + y * in.stride(0);
      float* const to = first + y * stride;
      std::copy_n(from, nx, to);
      for (index_t i = 1; i <= rim; ++i) {
        const index_t left = border_index(-i, nx, border), right = border_index(nx - 1 + i, nx, border);
        to[-i] = left < 0 ? outside : from[left];
        to[nx - 1 + i] = right < 0 ? outside : from[right];
      }
    }
    for (index_t i = 1; i <= rim; ++i)
      for (const index_t y : {-i, ny - 1 + i}) {
        const index_t row = border_index(y, ny, border);
        if (row < 0)
          std::fill_n(first + y * stride - rim, stride, outside);
        else
          std::copy_n(first + row * stride - rim, stride, first + y * stride - rim);
      }
    return {first, {ny, nx}, {stride, 1}};
  }

 private:
  Array<float, 1> pixels_;
};

/// Frame by frame, each copied with its border about it: taps that lie outside are read as those inside are. (489, 210,
/// 210) by lanczos4 take 65 ms on a border of zeros and 64 and 71 ms on edge and reflect; taps copied or masked pixel
/// by pixel 105, 219 and 238 ms. On zeros bicubic takes 58 and 79 ms, catmull_rom 58 and 78; bilinear gains 1.08,
/// splines of order 2 and 3 1.06 and 1.13 (one core of an EPYC, Zen 5, processor time, least of two in turn,
/// 2026-11-29).
void derotate_rimmed(Exec& exec, const Interpolation& plan, Cube<float> out) {
  const Extents<2> pixels{out.extent(1), out.extent(2)}, sides{plan.source.extent(1), plan.source.extent(2)};
  const auto rim_of_frame = [&](index_t t) { return rim_of(plan.maps.data()[t], pixels, sides); };
  index_t most = 0;
  for (index_t t = 0; t < out.extent(0); ++t) most = std::max(most, rim_of_frame(t));
  const auto make = [&] { return Rimmed(sides, most); };
  parallel_for(exec.threads(), out.extent(0), kWhoeverIsFree, make, [&](Rimmed& rimmed, index_t t) {
    const ValueRange* const range = plan.range(t);
    const index_t rim = rim_of_frame(t);
    const Frame<const float> source = frame_of(plan.source, t);
    const auto from = rim > 0 ? rimmed.fill(source, rim, plan.border, range == nullptr ? 0 : range->outside) : source;
    derotate_with_rim(from, plan.maps.data()[t], plan, {0, 0, pixels[0], pixels[1]}, {&out(t, 0, 0), out.stride(1), 8},
                      range, rim);
  });
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
  derotate_with_rim(in, map, plan, part, out, range, 0);
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

/// So many for each thread are shared out evenly enough, frame by frame; of fewer a frame is cut into parts.
constexpr index_t kFramesOfAThread = 4;

void derotate_cpu(Exec& exec, const Interpolation& plan, Cube<float> out) {
  const index_t nt = out.extent(0), ny = out.extent(1), nx = out.extent(2);
  constexpr index_t kRows = 32;
  const index_t parts = (ny + kRows - 1) / kRows;
  if (reads_neighbours(plan) && nt >= kFramesOfAThread * exec.threads()) return derotate_rimmed(exec, plan, out);
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
