// SPDX-License-Identifier: MIT
#include "kernels/stats/clipped_stats.hpp"

#include <cmath>

#include "kernels/core/error.hpp"
#include "kernels/core/team.hpp"
#include "kernels/stats/region_sets.hpp"
#include "kernels/stats/samples.hpp"
#include "kernels/stats/team_values.hpp"
#include "kernels/stats/temporal_cpu.hpp"

// A team of 128 gathers the keys of a set once (4 bytes a value, and 8 of its place) and then counts, some 20 passes
// for each median, 2 for each deviation and 2 for what a round leaves: 25 passes a round, of 3 rounds for noise with a
// few outliers. 489 frames of 210 x 210: 86 MB from memory, 75 passes over keys of 176 kB a frame, more than shared
// memory holds, so from L2: 6.5 GB, 1.1 ms on an H200 (6 TB/s there), 11 ms on a GTX 1080 (600 GB/s). Flops in double:
// 3 a value and round, 0.2 G, 6 us (34 TFLOP/s) and 0.7 ms (0.28 TFLOP/s).
// Over time a team has a pixel: its values are sectors of 32 bytes apart, of which the teams of seven neighbours use
// the rest soon after, from L2: 0.69 GB, 0.12 ms and 1.2 ms for (489, 210, 210); keys lie in shared memory (2 kB), and
// a pass of 4 values a thread waits for its 9 barriers, some 300 cycles: 75 passes of 16 teams a multiprocessor at a
// time are 0.3 ms on an H200 and 2 ms on a GTX 1080. A thread for each pixel would read all of it from L2 in each pass:
// 6.5 GB. Not measured on a GPU.

namespace hci {
namespace {

struct Clipped {
  double mean = NAN, median = NAN, deviation = NAN;
  index_t count = 0;
};

/// What the options say, for devices.
struct Clipping {
  double lower, upper;
  int rounds;
  float mask_value;

  /// The values between two keys, from a rank on.
  struct Left {
    KeyRange range;
    index_t first, count;
  };
  template <class Team>
  HCI_HD static Clipped describe(const TeamValues<Team>& values, const Left& left) {
    const KeyRange middle = values.middle(left.first, left.count);
    const double median = 0.5 * (double(from_order_key(middle.least)) + double(from_order_key(middle.most)));
    const auto n = static_cast<double>(left.count);
    const double mean = values.sum(left.range, [](double v) { return v; }) / n;
    const double squares = values.sum(left.range, [mean](double v) { return (v - mean) * (v - mean); });
    return {mean, median, std::sqrt(squares / n), left.count};
  }
  template <class Team>
  HCI_HD Clipped operator()(const TeamValues<Team>& values) const {
    double low = -INFINITY, high = INFINITY;
    Left left{values.range, 0, values.count};
    for (int round = 0; left.count > 0; ++round) {
      const Clipped found = describe(values, left);
      if (round == rounds) return found;
      const double least = found.median - lower * found.deviation, most = found.median + upper * found.deviation;
      low = least > low ? least : low;
      high = most < high ? most : high;
      Left next{{key_from(low), key_up_to(high)}, values.below(key_from(low)), 0};
      next.count = values.below(next.range.most + 1) - next.first;
      if (next.count == left.count) return found;
      left = next;
    }
    return {};
  }
};

/// Values of which those that may not be counted are NaN.
template <class Values>
struct Unmasked {
  Values values;
  float mask_value;
  index_t count;
  HCI_HD float operator()(index_t i) const {
    const float v = values(i);
    return std::isfinite(v) && v != mask_value ? v : NAN;
  }
};

HCI_HD inline void write(const Clipped& found, Vector<double> out) {
  out(kClippedMean) = found.mean;
  out(kClippedMedian) = found.median;
  out(kClippedDeviation) = found.deviation;
  out(kClippedCount) = static_cast<double>(found.count);
}

struct OfSets {
  RegionSets regions;
  View<double, 3> out;
  HCI_HD RegionValues values(index_t problem) const { return regions.values(problem); }
  HCI_HD void take(index_t problem, const Clipped& found) const {
    write(found, out[problem / regions.sets][problem % regions.sets]);
  }
};

struct Pixels {
  const float* frame;
  PlaceInFrame place;
  index_t count;
  HCI_HD float operator()(index_t i) const { return frame[place(i)]; }
};
struct OfFrames {
  Cube<const float> frames;
  PlaceInFrame place;
  Matrix<double> out;
  HCI_HD Pixels values(index_t t) const {
    return {frames.data() + t * frames.stride(0), place, frames.extent(1) * frames.extent(2)};
  }
  HCI_HD void take(index_t t, const Clipped& found) const { write(found, out[t]); }
};

struct OverTime {
  Cube<const float> in;
  Frame<float> mean, median, deviation;
  HCI_HD Samples values(index_t pixel) const {
    return {&in(0, pixel / in.extent(2), pixel % in.extent(2)), in.stride(0), in.extent(0)};
  }
  HCI_HD void take(index_t pixel, const Clipped& found) const {
    const index_t y = pixel / in.extent(2), x = pixel % in.extent(2);
    if (mean.size() != 0) mean(y, x) = static_cast<float>(found.mean);
    if (median.size() != 0) median(y, x) = static_cast<float>(found.median);
    if (deviation.size() != 0) deviation(y, x) = static_cast<float>(found.deviation);
  }
};

template <class Source>
struct ClippedStats {
  Source source;
  Clipping clipping;
  template <class Team>
  HCI_HD void operator()(Team team, index_t problem, double* scratch) const {
    const auto values = source.values(problem);
    const Unmasked<decltype(source.values(problem))> kept{values, clipping.mask_value, values.count};
    const Clipped found = clipping(team_values(team, kept, scratch));
    if (team.rank() == 0) source.take(problem, found);
  }
};

Clipping clipping_of(const char* caller, const ClippedStatsOptions& options) {
  require(options.lower_sigma >= 0 && options.upper_sigma >= 0, caller, ": lower_sigma ", options.lower_sigma,
          " and upper_sigma ", options.upper_sigma, " must be >= 0");
  require(options.rounds >= 0, caller, ": rounds is ", options.rounds, "; it must be >= 0");
  return {options.lower_sigma, options.upper_sigma, options.rounds, options.mask_value};
}

void require_frame(const Cube<const float>& in, const Frame<float>& out) {
  require(out.size() == 0 || out.extents() == Extents<2>{in.extent(1), in.extent(2)},
          "temporal_clipped_stats: frames are ", in.extent(1), " x ", in.extent(2), ", a result is ", out.extent(0),
          " x ", out.extent(1));
}

}  // namespace

void region_clipped_stats(Exec& exec, Cube<const float> frames, const std::vector<PixelSet>& sets,
                          const ClippedStatsOptions& options, View<double, 3> out) {
  const Clipping clipping = clipping_of("region_clipped_stats", options);
  const PackedRegions packed(exec, "region_clipped_stats", frames, sets);
  require(out.extents() == Extents<3>{frames.extent(0), packed.sets.count, kClippedStats},
          "region_clipped_stats: the result is not (", frames.extent(0), ", ", packed.sets.count, ", ",
          static_cast<int>(kClippedStats), ")");
  for_each_team(exec, frames.extent(0) * packed.sets.count, packed.doubles(),
                ClippedStats<OfSets>{{packed.regions(frames), out}, clipping});
}

void frame_clipped_stats(Exec& exec, Cube<const float> frames, const ClippedStatsOptions& options, Matrix<double> out) {
  const Clipping clipping = clipping_of("frame_clipped_stats", options);
  require(out.extents() == Extents<2>{frames.extent(0), kClippedStats}, "frame_clipped_stats: the result is not (",
          frames.extent(0), ", ", static_cast<int>(kClippedStats), ")");
  for_each_team(exec, frames.extent(0), doubles_of_keys(frames.extent(1) * frames.extent(2)),
                ClippedStats<OfFrames>{{frames, PlaceInFrame(frames), out}, clipping});
}

void temporal_clipped_stats(Exec& exec, Cube<const float> in, const ClippedStatsOptions& options, Frame<float> mean,
                            Frame<float> median, Frame<float> deviation) {
  const Clipping clipping = clipping_of("temporal_clipped_stats", options);
  require(in.extent(0) > 0, "temporal_clipped_stats: the cube has no frames");
  for (const Frame<float>& out : {mean, median, deviation}) require_frame(in, out);
  if (mean.size() == 0 && median.size() == 0 && deviation.size() == 0) return;
  if (exec.tuned() && !exec.on_cuda()) return cpu::temporal_clipped_stats(exec, in, options, mean, median, deviation);
  for_each_team(exec, in.extent(1) * in.extent(2), doubles_of_keys(in.extent(0)),
                ClippedStats<OverTime>{{in, mean, median, deviation}, clipping});
}

}  // namespace hci
