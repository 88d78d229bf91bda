// SPDX-License-Identifier: MIT
#include "kernels/stats/collapse.hpp"

#include <cmath>
#include <cstdint>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/stats/collapse_plan.hpp"
#include "kernels/stats/order_statistic.hpp"
#include "kernels/stats/samples.hpp"
#if HCI_HAVE_CUDA
#include "kernels/stats/collapse_tiles.hpp"
#endif

// Bytes for an output pixel of T frames: 4 T read and 4 written, and 2 T flops in double of the modes that accumulate.
// (489, 210, 210): 86 MB, 0.02 ms on an H200 (4.3 TB/s), 0.27 ms on a GTX 1080 (320 GB/s); the flops 1 us and 0.15 ms
// (34 and 0.28 TFLOP/s in double). A thread has one pixel, in blocks of 32 x 8, so that a warp reads 128 neighbouring
// bytes of each frame.
// An order statistic is found by counting, about 20 passes for hundreds of values, with a load, a compare and an add
// each. Tuned: from shared memory, by the tiles of derotate_collapse() (collapse_tiles.hpp), so that memory is read
// once. 14 M loads of a warp, 1.3 G integer operations for that cube: 0.05 ms on an H200 (132 multiprocessors, one such
// load a clock, 1.8 GHz), 0.4 ms on a GTX 1080. A tile is 32 pixels of one row, a warp's 128 bytes of each frame; 16 or
// 8 where the frames need it, whole sectors of 32 bytes then. Portable, and where a block's shared memory does not hold
// the frames (above 7262 of them on an H200): from memory, or L2 where the cube is smaller than that, 20 passes of 86
// MB, 0.4 ms and 5.7 ms. Not measured on a GPU.

namespace hci {
namespace {

/// How many are not NaN.
HCI_HD index_t valid(const Samples& samples) {
  index_t n = 0;
  for (index_t t = 0; t < samples.count; ++t) n += samples(t) == samples(t);
  return n;
}

/// How many are below the value with this key.
HCI_HD index_t below(const Samples& samples, std::uint32_t key) {
  index_t n = 0;
  for (index_t t = 0; t < samples.count; ++t) {
    const float v = samples(t);
    n += v == v && order_key(v) < key;
  }
  return n;
}

/// Order statistic k (from 0) of the n values that are not NaN.
HCI_HD std::uint32_t key_of_rank(const Samples& samples, index_t k, index_t n) {
  const std::uint32_t prefix = key_prefix_of_rank(
      k, n, KeyRange{}, [&samples](std::uint32_t key) { return below(samples, key); },
      [](index_t left) { return left <= 1; });
  std::uint32_t found = kNanKey;
  for (index_t t = 0; t < samples.count; ++t) {
    const std::uint32_t key = order_key_or_nan(samples(t));
    found = key >= prefix && key < found ? key : found;
  }
  return found;
}

HCI_HD float median(const Samples& samples) {
  const index_t n = valid(samples);
  if (n == 0) return NAN;
  const index_t k = (n - 1) / 2;
  const std::uint32_t low = key_of_rank(samples, k, n);
  if (n % 2 == 1) return middle_of(from_order_key(low), from_order_key(low));
  index_t not_above = 0;
  std::uint32_t next = kNanKey;
  for (index_t t = 0; t < samples.count; ++t) {
    const float v = samples(t);
    if (v != v) continue;
    const std::uint32_t key = order_key(v);
    if (key <= low)
      ++not_above;
    else if (key < next)
      next = key;
  }
  const std::uint32_t high = not_above > k + 1 ? low : next;
  return middle_of(from_order_key(low), from_order_key(high));
}

HCI_HD float trimmed_mean(const Samples& samples, Trim trim) {
  const index_t n = valid(samples);
  if (n <= trim.first) return NAN;
  const index_t last = last_kept(trim, n);
  RunningTrim running{from_order_key(key_of_rank(samples, trim.first, n)),
                      from_order_key(key_of_rank(samples, last, n))};
  for (index_t t = 0; t < samples.count; ++t) running.add(samples(t));
  return running.result(trim.first, last);
}

/// One output pixel: all frames at this place.
struct CollapsePixel {
  Cube<const float> in;
  Collapse mode;
  Trim trim;
  Vector<const double> weights;
  Frame<float> out;

  HCI_HD void operator()(index_t y, index_t x) const {
    const Samples samples{&in(0, y, x), in.stride(0), in.extent(0)};
    if (mode == Collapse::median)
      out(y, x) = median(samples);
    else if (mode == Collapse::trimmean)
      out(y, x) = trimmed_mean(samples, trim);
    else
      out(y, x) = accumulated(samples);
  }

  HCI_HD float accumulated(const Samples& samples) const {
    RunningCollapse running;
    for (index_t t = 0; t < samples.count; ++t) running.add(mode, samples(t), mode == Collapse::wmean ? weights(t) : 1);
    return running.result(mode);
  }
};

#if HCI_HAVE_CUDA
/// Fewer frames of the 256 pixels of a block are less than 32 KB, which L1 keeps from pass to pass, and would leave
/// most of a tile's threads without work: 8 of them rank a pixel.
constexpr index_t kFramesOfTile = 32;
#endif

}  // namespace

Trim trim_of(index_t frames, int keep) {
  if (keep >= frames) return {0, frames};
  return {(frames - keep) / 2, keep + (frames - keep) % 2};
}

void check_collapse(const char* caller, index_t frames, const CollapseOptions& options) {
  require(frames > 0, caller, ": the cube has no frames");
  if (options.mode == Collapse::trimmean)
    require(options.trim_keep >= 1, caller, ": trimmean keeps ", options.trim_keep, " values: it must keep at least 1");
  if (options.mode == Collapse::wmean)
    require(static_cast<index_t>(options.weights.size()) == frames, caller, ": wmean got ", options.weights.size(),
            " weights for ", frames, " frames: give one for each");
  else
    require(options.weights.empty(), caller, ": got ", options.weights.size(),
            " weights, which wmean alone reads: leave them out, or collapse by wmean");
}

void collapse(Exec& exec, Cube<const float> in, const CollapseOptions& options, Frame<float> out) {
  check_collapse("collapse", in.extent(0), options);
  require(in.extent(1) == out.extent(0) && in.extent(2) == out.extent(1), "collapse: frames are ", in.extent(1), " x ",
          in.extent(2), ", the output is ", out.extent(0), " x ", out.extent(1));
  if (out.size() == 0) return;
  if (!exec.on_cuda() && exec.tuned() && in.stride(2) == 1) {
    collapse_cpu(exec, in, options, out);
    return;
  }
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned() && cuda_side::ranks(options.mode) && in.extent(0) >= kFramesOfTile &&
      cuda_side::collapse_by_tiles<cuda_side::TileShape::row, 3>(exec, in, in.extent(0), options, out))
    return;
#endif
  Array<double, 1> weights;
  if (options.mode == Collapse::wmean) weights = to_device(exec, options.weights);
  for_each(exec, out.extents(),
           CollapsePixel{in, options.mode, trim_of(in.extent(0), options.trim_keep), weights.view(), out});
}

}  // namespace hci
