// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>

#include "kernels/stats/collapse_block.hpp"
#include "kernels/stats/lanes.hpp"

namespace hci {
namespace {

/// 8 neighbouring pixels, all frames.
struct Columns {
  const float* first;
  index_t frames;
  Floats row(index_t t) const { return load(first + t * kCollapseLanes); }
  float value(index_t t, index_t lane) const { return first[t * kCollapseLanes + lane]; }
};

/// What one look at the values tells.
struct Range {
  Ints valid;  ///< how many are not NaN
  Floats low, high;
};

Range range_of(const Columns& values) {
  Range range{Ints{}, broadcast(std::numeric_limits<float>::infinity()),
              broadcast(-std::numeric_limits<float>::infinity())};
  for (index_t t = 0; t < values.frames; ++t) {
    const Floats v = values.row(t);
    range.valid -= v == v;
    range.low = v < range.low ? v : range.low;
    range.high = v > range.high ? v : range.high;
  }
  return range;
}

Ints count_not_above(const Columns& values, Floats limit) {
  Ints even{}, odd{};  // two chains of additions: one would wait for itself
  const index_t pairs = values.frames / 2;
#pragma GCC unroll 4
  for (index_t i = 0; i < pairs; ++i) {
    even -= values.row(2 * i) <= limit;
    odd -= values.row(2 * i + 1) <= limit;
  }
  if (values.frames % 2 == 1) even -= values.row(values.frames - 1) <= limit;
  return even + odd;
}

/// Neighbours of a limit among the values: the largest not above it, the smallest above it.
struct Neighbours {
  Floats not_above, above;
};
Neighbours neighbours_of(const Columns& values, Floats limit) {
  Neighbours found{broadcast(-std::numeric_limits<float>::infinity()),
                   broadcast(std::numeric_limits<float>::infinity())};
  for (index_t t = 0; t < values.frames; ++t) {
    const Floats v = values.row(t);
    const Floats below = v <= limit ? v : found.not_above;
    const Floats above = v > limit ? v : found.above;
    found.not_above = below > found.not_above ? below : found.not_above;
    found.above = above < found.above ? above : found.above;
  }
  return found;
}

/// Order statistics rank and rank + 1 (from 0; the second is infinite where there is none).
struct Ranked {
  Floats value, next;
};

/// Finds, in each lane, the value of a rank by counting values below a limit: first at limits that
/// interpolate the counts, which lands within a few values of the rank at once where the values are
/// spread like noise, and then by halving the distance in representable numbers, which ends for any
/// values. The answer is exact. All values are finite; 0 <= rank < valid, except in lanes without
/// values, whose answer means nothing.
Ranked value_of_rank(const Columns& values, const Range& range, Ints rank) {
  const Ints empty = range.valid == 0;
  // count(v <= low) <= rank < count(v <= high), always. Keys order as the floats do.
  Ints low_key = empty ? Ints{} : key_of(range.low) - 1, high_key = empty ? Ints{} : key_of(range.high);
  Ints low_count{}, high_count = empty ? rank + 1 : range.valid;
  for (int step = 0;; ++step) {
    const Ints open = (high_count != rank + 1) & (low_key + 1 != high_key);
    if (!any(open)) break;
    const Floats low = from_key(low_key), high = from_key(high_key);
    if (step % 8 == 7) {  // many equal values: close in on what is really there
      const Floats first = neighbours_of(values, low).above, last = neighbours_of(values, high).not_above;
      low_key = open ? key_of(first) - 1 : low_key;
      high_key = open ? key_of(last) : high_key;
      continue;
    }
    Ints key = average(low_key, high_key);
    if (step < 14) {
      // Aim beyond the rank on the side that is further away, so that both limits close in.
      const Floats inside = to_floats(high_count - low_count), wanted = to_floats(rank - low_count) + 0.5F;
      const Floats margin = 0.06F * inside;
      const Floats target = 2 * wanted < inside ? wanted + margin : wanted - margin;
      const Ints guess = key_of(low + (high - low) * (target / inside));
      key = (guess > low_key) & (guess < high_key) ? guess : key;
    }
    const Ints count = count_not_above(values, from_key(key));
    const Ints enough = open & (count > rank), few = open & (count <= rank);
    high_key = enough ? key : high_key;
    high_count = enough ? count : high_count;
    low_key = few ? key : low_key;
    low_count = few ? count : low_count;
  }
  const Neighbours found = neighbours_of(values, from_key(high_key));
  return {found.not_above, high_count > rank + 1 ? found.not_above : found.above};
}

bool all_finite(const Range& range) {
  const float most = std::numeric_limits<float>::max();
  return !any((range.valid != 0) & ((range.low < -most) | (range.high > most)));
}

/// The same for one pixel with any values, infinities included.
void sorted_values(const Columns& values, index_t lane, std::vector<float>& sorted) {
  sorted.clear();
  for (index_t t = 0; t < values.frames; ++t)
    if (const float v = values.value(t, lane); v == v) sorted.push_back(v);
  std::sort(sorted.begin(), sorted.end());
}

void median_of(const Columns& values, float* out) {
  const Range range = range_of(values);
  if (!all_finite(range)) {
    std::vector<float> sorted;
    for (index_t lane = 0; lane < kCollapseLanes; ++lane) {
      sorted_values(values, lane, sorted);
      const std::size_t n = sorted.size();
      out[lane] = n == 0 ? NAN : middle_of(sorted[(n - 1) / 2], sorted[n / 2]);
    }
    return;
  }
  const Ranked middle = value_of_rank(values, range, (range.valid - 1) / 2);
  for (index_t lane = 0; lane < kCollapseLanes; ++lane) {
    const int n = range.valid[lane];
    const float low = middle.value[lane];
    out[lane] = n == 0 ? NAN : middle_of(low, n % 2 == 1 ? low : middle.next[lane]);
  }
}

/// The trimmed mean of one pixel whose kept values lie between two of them, both included.
float trimmed_mean(const Columns& values, index_t lane, float low, float high, index_t first, index_t last) {
  double between = 0;
  index_t not_above_low = 0, below_high = 0;
  for (index_t t = 0; t < values.frames; ++t) {
    const float v = values.value(t, lane);
    not_above_low += v <= low;
    below_high += v < high;
    between += v > low && v < high ? double(v) : 0.0;
  }
  const double sum = trimmed_sum(low, high, between, first, last, not_above_low, below_high);
  return static_cast<float>(sum / static_cast<double>(last - first + 1));
}

void trimmed_mean_of(const Columns& values, Trim trim, float* out) {
  const Range range = range_of(values);
  const bool finite = all_finite(range);
  const Ints first = range.valid * 0 + static_cast<int>(trim.first);
  const Ints end = range.valid * 0 + static_cast<int>(trim.first + trim.count);
  const Ints last = (end < range.valid ? end : range.valid) - 1, rank_limit = range.valid - 1;
  Ranked low{}, high{};
  if (finite) {
    low = value_of_rank(values, range, first < rank_limit ? first : rank_limit);
    high = value_of_rank(values, range, last);
  }
  std::vector<float> sorted;
  for (index_t lane = 0; lane < kCollapseLanes; ++lane) {
    if (range.valid[lane] <= trim.first) {
      out[lane] = NAN;
      continue;
    }
    float low_value = low.value[lane], high_value = high.value[lane];
    if (!finite) {
      sorted_values(values, lane, sorted);
      low_value = sorted[static_cast<std::size_t>(trim.first)];
      high_value = sorted[static_cast<std::size_t>(last[lane])];
    }
    out[lane] = trimmed_mean(values, lane, low_value, high_value, trim.first, last[lane]);
  }
}

/// The modes that need one pass: 8 sums side by side, in the order of the frames.
template <Collapse mode>
void accumulate(const Columns& values, const std::vector<double>& weights, float* out) {
  double sum[kCollapseLanes] = {};
  float largest[kCollapseLanes];
  int valid[kCollapseLanes] = {};
  std::fill_n(largest, kCollapseLanes, -std::numeric_limits<float>::infinity());
  for (index_t t = 0; t < values.frames; ++t) {
    const float* row = values.first + t * kCollapseLanes;
    const double weight = mode == Collapse::wmean ? weights[static_cast<std::size_t>(t)] : 0;
    for (index_t lane = 0; lane < kCollapseLanes; ++lane) {
      const float v = row[lane];
      const bool there = v == v;
      valid[lane] += there;
      if constexpr (mode == Collapse::max) {
        largest[lane] = v > largest[lane] ? v : largest[lane];
      } else {
        const double value = there ? double(v) : 0.0;
        if constexpr (mode == Collapse::wmean)
          sum[lane] = std::fma(weight, value, sum[lane]);
        else
          sum[lane] += mode == Collapse::absmean ? std::abs(value) : value;
      }
    }
  }
  for (index_t lane = 0; lane < kCollapseLanes; ++lane) {
    if (mode == Collapse::sum || mode == Collapse::wmean)
      out[lane] = static_cast<float>(sum[lane]);
    else if (valid[lane] == 0)
      out[lane] = NAN;
    else
      out[lane] = mode == Collapse::max ? largest[lane] : static_cast<float>(sum[lane] / valid[lane]);
  }
}

void collapse_lanes(const Columns& values, const CollapseOptions& options, float* out) {
  switch (options.mode) {
    case Collapse::median:
      return median_of(values, out);
    case Collapse::trimmean:
      return trimmed_mean_of(values, trim_of(values.frames, options.trim_keep), out);
    case Collapse::mean:
      return accumulate<Collapse::mean>(values, options.weights, out);
    case Collapse::sum:
      return accumulate<Collapse::sum>(values, options.weights, out);
    case Collapse::max:
      return accumulate<Collapse::max>(values, options.weights, out);
    case Collapse::absmean:
      return accumulate<Collapse::absmean>(values, options.weights, out);
    case Collapse::wmean:
      return accumulate<Collapse::wmean>(values, options.weights, out);
  }
}

}  // namespace

void collapse_block(const CollapseBlock& block, const CollapseOptions& options, float* out) {
  for (index_t first = 0; first < block.rows * block.columns; first += kCollapseLanes)
    collapse_lanes({block.data + first * block.frames, block.frames}, options, out + first);
}

index_t block_pixels(index_t frames) {
  constexpr index_t kCacheBytes = index_t{448} << 10;  // most of what Zen, or an older Xeon, has per core
  const index_t pixels = kCacheBytes / (frames * static_cast<index_t>(sizeof(float)));
  return std::clamp(pixels / kCollapseLanes * kCollapseLanes, kCollapseLanes, index_t{4096});
}

void collapse_cpu(Exec& exec, Cube<const float> in, const CollapseOptions& options, Frame<float> out) {
  const index_t nt = in.extent(0), nx = in.extent(2);
  const index_t padded = (nx + kCollapseLanes - 1) / kCollapseLanes * kCollapseLanes;
  const index_t pixels = block_pixels(nt), columns = std::min(pixels, padded);
  const auto fill = [&](const CollapseBlock& block) {
    for (index_t t = 0; t < nt; ++t)
      for (index_t y = 0; y < block.rows; ++y)
        for (index_t x = 0; x < block.columns; x += kCollapseLanes) {
          const index_t width = std::clamp(nx - block.x - x, index_t{0}, kCollapseLanes);
          float* group = block.group(t, y, x);
          if (width == kCollapseLanes) {
            std::copy_n(&in(t, block.y + y, block.x + x), kCollapseLanes, group);
          } else {
            std::fill_n(group, kCollapseLanes, 0.0F);
            for (index_t i = 0; i < width; ++i) group[i] = in(t, block.y + y, block.x + x + i);
          }
        }
  };
  collapse_blocks(exec, nt, std::max(index_t{1}, pixels / columns), columns, options, out, fill);
}

}  // namespace hci
