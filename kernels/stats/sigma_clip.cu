// SPDX-License-Identifier: MIT
#include "kernels/stats/sigma_clip.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/reduce.hpp"
#include "kernels/stats/sigma_clip_plan.hpp"

// A pixel reads its n = side^2 - 1 neighbours, which its own neighbours read too (L1), and sorts them by
// insertion: n^2 / 4 moves on average, each a read, a comparison and a write of the thread's local memory, as
// the places are not known to the compiler; then n reads for sigma. That memory lies in L1 too, which serves
// a warp a cycle and multiprocessor. (489, 210, 210) with a side of 5: 0.1 GB from memory (0.03 ms on an H200,
// 0.3 ms on a GTX 1080), but 340 accesses a pixel, 230 M of warps: 0.9 ms and 6.6 ms, and up to twice that as
// a warp's lanes wait for the longest move. To rank 24 values in registers takes 24^2 comparisons and as many
// additions: 1.5 ms and 12 ms. A thread has one pixel, in blocks of 32 x 8 that share their rows; the memory
// for its values is as large as the box needs, as the GPU reserves it for every thread that fits on it.
// Flops in double: 3 a neighbour for the deviation, 2 for each of some 24 distances of the MAD, about 75 a pixel: 1.6
// GFLOP, 0.05 ms (34 TFLOP/s) and 5.8 ms (0.28 TFLOP/s), which a GTX 1080 does beside its accesses.

namespace hci {
namespace {

/// One pixel of a round of sigma_filter(). 2 bytes a pixel (flags in and out), and 2 for the copy of the flags before:
/// (61, 210, 210) is 11 MB, 3 us on an H200 (4.3 TB/s), 34 us on a GTX 1080 (320 GB/s). A bad pixel reads 5 bytes of
/// each of its n neighbours, from L1, and sorts them as above; no flops but the mean of two. With 1 % of bad pixels 27
/// % of the warps have one and wait for its 340 accesses: 7 M of warps, 30 us and 0.2 ms. Blocks of 32 x 8 share rows.
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

/// 5 bytes a pixel: (61, 210, 210) is 13 MB, 3 us on an H200 (4.3 TB/s) and 42 us on a GTX 1080 (320 GB/s).
struct FlagNan {
  Cube<const float> frames;
  View<std::uint8_t, 3> flags;
  HCI_HD void operator()(index_t t, index_t y, index_t x) const { flags(t, y, x) = std::isnan(frames(t, y, x)); }
};

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
  const ClipTask task{frames, known, reach, options.lower_sigma, options.upper_sigma, options.mad, bad};
  if (!exec.on_cuda() && exec.tuned() && frames.stride(2) == 1) return sigma_clip_cpu(exec, task);
  with_neighbors(reach, [&](auto most) { for_each(exec, frames.extents(), Clip<most>{task}); });
}

index_t sigma_filter(Exec& exec, Cube<float> frames, View<std::uint8_t, 3> bad, const NeighborBox& box,
                     index_t min_neighbors) {
  check_box("sigma_filter", box);
  require(bad.extents() == frames.extents(), "sigma_filter: frames and flags differ in shape");
  require(bad.is_dense(), "sigma_filter: the flags are not dense, they have strides of ", bad.stride(0), ", ",
          bad.stride(1), ", ", bad.stride(2));
  require(min_neighbors >= 1, "sigma_filter: min_neighbors is ", min_neighbors, "; it must be at least 1");
  Array<std::uint8_t, 3> before(exec, bad.extents());
  index_t left = count_set(exec, flattened(View<const std::uint8_t, 3>(bad)));
  while (left > 0) {
    copy(exec, View<const std::uint8_t, 3>(bad), before.view());
    with_neighbors(Reach(box), [&](auto most) {
      for_each(exec, bad.extents(), Replace<most>{frames, before.view(), Reach(box), min_neighbors, bad});
    });
    const index_t now = count_set(exec, flattened(View<const std::uint8_t, 3>(bad)));
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
