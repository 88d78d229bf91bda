// SPDX-License-Identifier: MIT
#include "kernels/stats/sigma_clip.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"

// A pixel reads its n = side^2 - 1 neighbours, which its own neighbours read too (L1), and sorts them by
// insertion: n^2 / 4 moves on average, each a read, a comparison and a write of the thread's local memory, as
// the places are not known to the compiler; then n reads for sigma. That memory lies in L1 too, which serves
// a warp a cycle and multiprocessor. (489, 210, 210) with a side of 5: 0.1 GB from memory (0.03 ms on an H200,
// 0.3 ms on a GTX 1080), but 340 accesses a pixel, 230 M of warps: 0.9 ms and 6.6 ms, and up to twice that as
// a warp's lanes wait for the longest move. To rank 24 values in registers takes 24^2 comparisons and as many
// additions: 1.5 ms and 12 ms. A thread has one pixel, in blocks of 32 x 8 that share their rows; the memory
// for its values is as large as the box needs, as the GPU reserves it for every thread that fits on it.

namespace hci {
namespace {

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

template <index_t kMost>
struct Clip {
  Cube<const float> frames;
  View<const std::uint8_t, 2> known;
  Reach reach;
  double lower, upper;
  bool use_mad;
  View<std::uint8_t, 3> bad;

  HCI_HD bool good(index_t t, index_t y, index_t x) const {
    return !std::isnan(frames(t, y, x)) && (known.size() == 0 || known(y, x) == 0);
  }
  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    bad(t, y, x) = 0;
    if (!good(t, y, x)) return;
    const Span rows(y, frames.extent(1), reach.y), columns(x, frames.extent(2), reach.x);
    Sorted<kMost> neighbors;
    for (index_t j = rows.first; j <= rows.last; ++j)
      for (index_t i = columns.first; i <= columns.last; ++i)
        if ((j != y || i != x) && good(t, j, i)) neighbors.add(frames(t, j, i));
    if (neighbors.count == 0) return;
    const double median = neighbors.median(), sigma = use_mad ? neighbors.mad(median) : neighbors.deviation();
    const double value = static_cast<double>(frames(t, y, x));
    bad(t, y, x) = value < median - lower * sigma || value > median + upper * sigma;
  }
};

template <index_t kMost>
struct Replace {
  Cube<float> frames;
  View<const std::uint8_t, 3> before;
  Reach reach;
  index_t least;
  View<std::uint8_t, 3> after;
  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    after(t, y, x) = before(t, y, x) != 0;
    if (before(t, y, x) == 0) return;
    const Span rows(y, frames.extent(1), reach.y), columns(x, frames.extent(2), reach.x);
    Sorted<kMost> neighbors;
    for (index_t j = rows.first; j <= rows.last; ++j)
      for (index_t i = columns.first; i <= columns.last; ++i)
        if (before(t, j, i) == 0 && !std::isnan(frames(t, j, i))) neighbors.add(frames(t, j, i));
    if (neighbors.count == 0 || neighbors.count < least) return;
    frames(t, y, x) = static_cast<float>(neighbors.median());
    after(t, y, x) = 0;
  }
};

struct FlagNan {
  Cube<const float> frames;
  View<std::uint8_t, 3> flags;
  HCI_HD void operator()(index_t t, index_t y, index_t x) const { flags(t, y, x) = std::isnan(frames(t, y, x)); }
};

struct CountRow {
  View<const std::uint8_t, 3> flags;
  Matrix<index_t> counts;
  HCI_HD void operator()(index_t t, index_t y) const {
    index_t count = 0;
    for (index_t x = 0; x < flags.extent(2); ++x) count += flags(t, y, x) != 0 ? 1 : 0;
    counts(t, y) = count;
  }
};

index_t count_flags(Exec& exec, View<const std::uint8_t, 3> flags) {
  Array<index_t, 2> counts(exec, {flags.extent(0), flags.extent(1)});
  for_each(exec, counts.extents(), CountRow{flags, counts.view()});
  const auto host = to_host(exec, counts.view());
  index_t total = 0;
  for (index_t i = 0; i < host.size(); ++i) total += host.data()[i];
  return total;
}

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

void check_box(const char* what, const NeighborBox& box) {
  require(box.side >= 2 && box.side <= kMostSide, what, ": the box has a side of ", box.side, " px; it must be 3 .. ",
          kMostSide);
}

}  // namespace

void sigma_clip(Exec& exec, Cube<const float> frames, View<const std::uint8_t, 2> known,
                const SigmaClipOptions& options, View<std::uint8_t, 3> bad) {
  check_box("sigma_clip", options.neighbor);
  require(bad.extents() == frames.extents(), "sigma_clip: frames and flags differ in shape");
  require(known.size() == 0 || known.extents() == Extents<2>{frames.extent(1), frames.extent(2)},
          "sigma_clip: the known bad pixels are ", known.extent(0), " x ", known.extent(1), ", the frames ",
          frames.extent(1), " x ", frames.extent(2));
  require(options.lower_sigma >= 0 && options.upper_sigma >= 0, "sigma_clip: lower_sigma ", options.lower_sigma,
          " and upper_sigma ", options.upper_sigma, " must be >= 0");
  const Reach reach(options.neighbor);
  with_neighbors(reach, [&](auto most) {
    for_each(exec, frames.extents(),
             Clip<most>{frames, known, reach, options.lower_sigma, options.upper_sigma, options.mad, bad});
  });
}

index_t sigma_filter(Exec& exec, Cube<float> frames, View<std::uint8_t, 3> bad, const NeighborBox& box,
                     index_t min_neighbors) {
  check_box("sigma_filter", box);
  require(bad.extents() == frames.extents() && bad.is_dense(), "sigma_filter: frames and flags differ in shape");
  require(min_neighbors >= 1, "sigma_filter: min_neighbors is ", min_neighbors, "; it must be at least 1");
  Array<std::uint8_t, 3> before(exec, bad.extents());
  index_t left = count_flags(exec, bad);
  while (left > 0) {
    copy(exec, View<const std::uint8_t, 3>(bad), before.view());
    with_neighbors(Reach(box), [&](auto most) {
      for_each(exec, bad.extents(), Replace<most>{frames, before.view(), Reach(box), min_neighbors, bad});
    });
    const index_t now = count_flags(exec, bad);
    if (now == left) break;
    left = now;
  }
  return left;
}

index_t correct_nan(Exec& exec, Cube<float> frames, const NeighborBox& box, index_t min_neighbors) {
  Array<std::uint8_t, 3> flags(exec, frames.extents());
  for_each(exec, frames.extents(), FlagNan{frames, flags.view()});
  return sigma_filter(exec, frames, flags.view(), box, min_neighbors);
}

}  // namespace hci
