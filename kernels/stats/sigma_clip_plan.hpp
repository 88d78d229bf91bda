// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: what the implementations of sigma clipping share.
#include <cmath>
#include <type_traits>

#include "kernels/stats/sigma_clip.hpp"

namespace hci {

constexpr index_t kMostSide = 15;

/// First and last index of the box along one axis.
struct Span {
  index_t first, last;
  HCI_HD Span(index_t at, index_t n, index_t reach) {
    index_t before = at < reach ? at : reach, after = n - 1 - at < reach ? n - 1 - at : reach;
    const index_t lacks_before = reach - before, lacks_after = reach - after;
    if (before < after)
      after += lacks_before;
    else if (after < before)
      before += lacks_after;
    first = at > before ? at - before : 0;
    last = at + after < n ? at + after : n - 1;
  }
};

/// At most kMost values, sorted as they come.
template <index_t kMost>
struct Sorted {
  float values[kMost];
  index_t count = 0;
  HCI_HD void add(float value) {
    index_t place = count++;
    for (; place > 0 && values[place - 1] > value; --place) values[place] = values[place - 1];
    values[place] = value;
  }
  HCI_HD double median() const {
    const double upper = static_cast<double>(values[count / 2]);
    return count % 2 == 1 ? upper : 0.5 * (static_cast<double>(values[count / 2 - 1]) + upper);
  }
  HCI_HD double deviation() const {
    double mean = 0, squares = 0;
    for (index_t i = 0; i < count; ++i) mean += static_cast<double>(values[i]);
    mean /= static_cast<double>(count);
    for (index_t i = 0; i < count; ++i) {
      const double d = static_cast<double>(values[i]) - mean;
      squares += d * d;
    }
    return std::sqrt(squares / static_cast<double>(count));
  }
  /// The median of |value - centre|: from both ends of the sorted values inwards, the largest first.
  HCI_HD double mad(double centre) const {
    index_t low = 0, high = count - 1;
    double upper = 0, lower = 0;
    for (index_t rank = count - 1; rank >= (count - 1) / 2; --rank) {  // down to the lower middle
      const double left = std::fabs(static_cast<double>(values[low]) - centre);
      const double right = std::fabs(static_cast<double>(values[high]) - centre);
      upper = lower;
      if (left > right) {
        lower = left;
        ++low;
      } else {
        lower = right;
        --high;
      }
    }
    return count % 2 == 1 ? lower : 0.5 * (lower + upper);
  }
};

struct Reach {
  index_t y, x;
  explicit Reach(const NeighborBox& box) : y(box.side / 2), x(box.side / 2) {
    if (box.half_res_y) y = std::max<index_t>(1, x / 2);
  }
};

/// What sigma_clip() was asked.
struct ClipTask {
  Cube<const float> frames;
  View<const std::uint8_t, 2> known;
  Reach reach;
  double lower, upper;
  bool use_mad;
  View<std::uint8_t, 3> bad;
};

template <index_t kMost>
struct Clip {
  ClipTask task;

  HCI_HD bool good(index_t t, index_t y, index_t x) const {
    return !std::isnan(task.frames(t, y, x)) && (task.known.size() == 0 || task.known(y, x) == 0);
  }
  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    task.bad(t, y, x) = 0;
    if (!good(t, y, x)) return;
    const Span rows(y, task.frames.extent(1), task.reach.y), columns(x, task.frames.extent(2), task.reach.x);
    Sorted<kMost> neighbors;
    for (index_t j = rows.first; j <= rows.last; ++j)
      for (index_t i = columns.first; i <= columns.last; ++i)
        if ((j != y || i != x) && good(t, j, i)) neighbors.add(task.frames(t, j, i));
    if (neighbors.count == 0) return;
    const double median = neighbors.median(), sigma = task.use_mad ? neighbors.mad(median) : neighbors.deviation();
    const double value = static_cast<double>(task.frames(t, y, x));
    task.bad(t, y, x) = value < median - task.lower * sigma || value > median + task.upper * sigma;
  }
};

/// Calls run(n), n a constant, the neighbours that a box of this reach has at most: rounded up to that of a
/// side of 3, 5, 7 or 15.
template <class Run>
void with_neighbors(const Reach& reach, const Run& run) {
  const index_t side = 2 * reach.x + 1;  // never less than 2 reach.y + 1
  const auto square = [&](auto most) { run(std::integral_constant<index_t, most * most - 1>()); };
  if (side <= 3)
    square(std::integral_constant<index_t, 3>());
  else if (side <= 5)
    square(std::integral_constant<index_t, 5>());
  else if (side <= 7)
    square(std::integral_constant<index_t, 7>());
  else
    square(std::integral_constant<index_t, kMostSide>());
}

/// The CPU's tuned sigma_clip() of frames whose x axis is dense.
void sigma_clip_cpu(Exec& exec, const ClipTask& task);

}  // namespace hci
