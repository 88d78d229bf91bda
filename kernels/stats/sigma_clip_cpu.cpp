// SPDX-License-Identifier: MIT
// Sigma clipping on the CPU: eight neighbouring pixels at a time. Their neighbours are sorted side by side
// with minima and maxima, so all lanes take the same way; what has a bad pixel about it, and what lies at the
// left and right edge, goes the portable way.
#include <algorithm>
#include <limits>

#include "kernels/core/array.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/stats/lanes.hpp"
#include "kernels/stats/sigma_clip_plan.hpp"

namespace hci {
namespace {

constexpr index_t kLanes = 8;
using Doubles = double __attribute__((vector_size(32)));

Floats load_anywhere(const float* from) {
  Floats values;
  std::memcpy(&values, from, sizeof values);
  return values;
}
/// Lanes 0 .. 3, or 4 .. 7.
template <int kHalf>
Doubles half_of(Floats values) {
  constexpr int k = 4 * kHalf;
  return __builtin_convertvector(__builtin_shufflevector(values, values, k, k + 1, k + 2, k + 3), Doubles);
}

/// Sorted in each lane, as they come.
template <index_t kMost>
struct SortedLanes {
  Floats values[kMost];
  index_t count = 0;

  void add(Floats v) {
    for (index_t i = 0; i < count; ++i) {
      const Floats here = values[i];
      values[i] = lesser(here, v);
      v = greater(here, v);
    }
    values[count++] = v;
  }
};

/// Statistics of four of the lanes, in double.
template <int kHalf, index_t kMost>
struct Half {
  const SortedLanes<kMost>& sorted;
  index_t count = sorted.count;

  Doubles value(index_t i) const { return half_of<kHalf>(sorted.values[i]); }
  Doubles median() const { return count % 2 == 1 ? value(count / 2) : 0.5 * (value(count / 2 - 1) + value(count / 2)); }
  Doubles deviation() const {
    Doubles mean{}, squares{};
    for (index_t i = 0; i < count; ++i) mean += value(i);
    mean /= static_cast<double>(count);
    for (index_t i = 0; i < count; ++i) squares += (value(i) - mean) * (value(i) - mean);
    squares /= static_cast<double>(count);
    for (int lane = 0; lane < 4; ++lane) squares[lane] = std::sqrt(squares[lane]);
    return squares;
  }
  /// The distance from the centre within which `some` values lie: of all runs of so many, the least of the
  /// distances to their far ends.
  Doubles distance_of(index_t some, Doubles centre) const {
    Doubles least = Doubles{} + std::numeric_limits<double>::infinity();
    for (index_t first = 0; first + some <= count; ++first) {
      const Doubles before = centre - value(first), after = value(first + some - 1) - centre;
      const Doubles farthest = before > after ? before : after;
      least = farthest < least ? farthest : least;
    }
    return least;
  }
  Doubles mad(Doubles centre) const {
    const Doubles upper = distance_of(count / 2 + 1, centre);
    return count % 2 == 1 ? upper : 0.5 * (distance_of(count / 2, centre) + upper);
  }
  void flag(const ClipTask& task, Floats values, index_t t, index_t y, index_t x) const {
    const Doubles centre = median(), sigma = task.use_mad ? mad(centre) : deviation();
    const Doubles low = centre - task.lower * sigma, high = centre + task.upper * sigma;
    const Doubles v = half_of<kHalf>(values);
    for (int lane = 0; lane < 4; ++lane)
      task.bad(t, y, x + 4 * kHalf + lane) = v[lane] < low[lane] || v[lane] > high[lane];
  }
};

/// The rows about one pixel's, NaN for what is known to be bad.
class Band {
 public:
  explicit Band(const ClipTask& task)
      : task_(task), columns_(task.frames.extent(2)), values_(host_array<float, 2>({2 * task.reach.y + 1, columns_})) {}

  void fill(index_t t, Span rows) {
    for (index_t y = rows.first; y <= rows.last; ++y) {
      float* to = values_.data() + (y - rows.first) * columns_;
      std::copy_n(&task_.frames(t, y, 0), columns_, to);
      if (task_.known.size() == 0) continue;
      for (index_t x = 0; x < columns_; ++x)
        if (task_.known(y, x) != 0) to[x] = std::numeric_limits<float>::quiet_NaN();
    }
  }
  Floats at(index_t row, index_t x) const { return load_anywhere(values_.data() + row * columns_ + x); }

 private:
  const ClipTask& task_;
  index_t columns_;
  Array<float, 2> values_;
};

/// Pixels (t, y, x .. x + 7), whose boxes are whole along x; false where something about them is not finite.
template <index_t kMost>
bool clip_lanes(const ClipTask& task, const Band& band, Span rows, index_t t, index_t y, index_t x) {
  const index_t reach = task.reach.x;
  SortedLanes<kMost> neighbors;
  const Floats values = band.at(y - rows.first, x);
  Floats bad = values - values;  // NaN if not finite, else 0
  for (index_t j = rows.first; j <= rows.last; ++j)
    for (index_t i = -reach; i <= reach; ++i) {
      if (j == y && i == 0) continue;
      const Floats v = band.at(j - rows.first, x + i);
      bad += v - v;
      neighbors.add(v);
    }
  if (any(bad != 0)) return false;
  Half<0, kMost>{neighbors}.flag(task, values, t, y, x);
  Half<1, kMost>{neighbors}.flag(task, values, t, y, x);
  return true;
}

template <index_t kMost>
void clip_row(const ClipTask& task, Band& band, index_t t, index_t y) {
  const Clip<kMost> portable{task};
  const index_t nx = task.frames.extent(2), reach = task.reach.x;
  const Span rows(y, task.frames.extent(1), task.reach.y);
  band.fill(t, rows);
  index_t x = 0;
  for (; x < std::min(reach, nx); ++x) portable(t, y, x);
  for (; x + kLanes + reach <= nx; x += kLanes) {
    if (rows.last > rows.first && clip_lanes<kMost>(task, band, rows, t, y, x)) continue;
    for (index_t lane = 0; lane < kLanes; ++lane) portable(t, y, x + lane);
  }
  for (; x < nx; ++x) portable(t, y, x);
}

}  // namespace

void sigma_clip_cpu(Exec& exec, const ClipTask& task) {
  const index_t ny = task.frames.extent(1);
  with_neighbors(task.reach, [&](auto most) {
    parallel_for(
        exec.threads(), task.frames.extent(0) * ny, kEqualShares, [&] { return Band(task); },
        [&](Band& band, index_t row) { clip_row<most>(task, band, row / ny, row % ny); });
  });
}

}  // namespace hci
