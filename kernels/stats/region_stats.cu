// SPDX-License-Identifier: MIT
#include "kernels/stats/region_stats.hpp"

#include <cmath>
#include <numeric>
#include <utility>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/team.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/stats/collapse_plan.hpp"

// A set is read once (4 bytes a pixel, and 8 of its index) into a team's scratch, as integers that order as
// the numbers do; an order statistic is then found by 32 counting passes over the scratch, which is shared
// memory up to 11,000 pixels. 489 frames of 210 x 210 by radius: 0.26 GB from memory, 60 us on an H200 and
// 0.8 ms on a GTX 1080; 97 passes over 21.6 M keys in shared memory (64 bytes a cycle a multiprocessor)
// take 0.6 ms and 3.7 ms. A block has one set of one frame: sets differ in size, so blocks are many.

namespace hci {
namespace {

/// NaN come last.
constexpr std::uint32_t kNanKey = 0xFFFFFFFFU;

/// A set's values in a team's scratch.
template <class Team>
struct Gathered {
  Team team;
  std::uint32_t* keys;
  index_t size;       // with NaN
  index_t count = 0;  // without

  template <class Value>
  HCI_HD void fill(Value value) {
    double valid = 0;
    for (index_t i = team.rank(); i < size; i += team.size()) {
      const float v = value(i);
      keys[i] = std::isnan(v) ? kNanKey : order_key(v);
      valid += std::isnan(v) ? 0 : 1;
    }
    team.sync();
    count = static_cast<index_t>(team.sum(valid));
  }

  HCI_HD index_t below(std::uint32_t key) const {
    index_t smaller = 0;
    for (index_t i = team.rank(); i < size; i += team.size()) smaller += keys[i] < key ? 1 : 0;
    return static_cast<index_t>(team.sum(static_cast<double>(smaller)));
  }
  /// The value of this rank, 0 the least: the largest key below which there are at most `rank` values.
  HCI_HD float ranked(index_t rank) const {
    std::uint32_t key = 0;
    for (int bit = 31; bit >= 0; --bit) {
      const std::uint32_t tried = key | (1U << bit);
      if (below(tried) <= rank) key = tried;
    }
    return from_order_key(key);
  }
  HCI_HD float median() const {
    const float upper = ranked(count / 2);
    return count % 2 == 1 ? middle_of(upper, upper) : middle_of(ranked(count / 2 - 1), upper);
  }
  HCI_HD double quantile(double probability) const {
    const double place = probability * static_cast<double>(count - 1);
    const auto lower = static_cast<index_t>(std::floor(place));
    const double low = static_cast<double>(ranked(lower)), share = place - static_cast<double>(lower);
    return share > 0 ? low + share * (static_cast<double>(ranked(lower + 1)) - low) : low;
  }
};

struct Regions {
  Cube<const float> frames;
  Vector<const index_t> offsets, pixels;
  index_t sets;

  template <class Team>
  HCI_HD Gathered<Team> gather(Team team, index_t problem, double* scratch) const {
    const index_t t = problem / sets, s = problem % sets, first = offsets(s), nx = frames.extent(2);
    Gathered<Team> values{team, reinterpret_cast<std::uint32_t*>(scratch), offsets(s + 1) - first};
    values.fill([&](index_t i) { return frames(t, pixels(first + i) / nx, pixels(first + i) % nx); });
    return values;
  }
};

struct DescribeRegion {
  Regions regions;
  View<double, 3> out;

  template <class Team>
  HCI_HD void operator()(Team team, index_t problem, double* scratch) const {
    const Vector<double> found = out[problem / regions.sets][problem % regions.sets];
    Gathered<Team> values = regions.gather(team, problem, scratch);
    double sum = 0, squares = 0, mean = NAN, deviation = NAN, least = NAN, most = NAN, median = NAN, mad = NAN;
    if (values.count > 0) {
      const auto number = static_cast<double>(values.count);
      for (index_t i = team.rank(); i < values.size; i += team.size())
        if (values.keys[i] != kNanKey) sum += static_cast<double>(from_order_key(values.keys[i]));
      mean = team.sum(sum) / number;
      for (index_t i = team.rank(); i < values.size; i += team.size()) {
        if (values.keys[i] == kNanKey) continue;
        const double d = static_cast<double>(from_order_key(values.keys[i])) - mean;
        squares += d * d;
      }
      deviation = std::sqrt(team.sum(squares) / number);
      least = static_cast<double>(values.ranked(0));
      most = static_cast<double>(values.ranked(values.count - 1));
      const float centre = values.median();
      median = static_cast<double>(centre);
      for (index_t i = team.rank(); i < values.size; i += team.size())  // each member its own
        if (values.keys[i] != kNanKey) values.keys[i] = order_key(std::fabs(from_order_key(values.keys[i]) - centre));
      team.sync();
      mad = static_cast<double>(values.median());
    }
    if (team.rank() != 0) return;
    const double all[kRegionStats] = {static_cast<double>(values.count), mean, deviation, least, most, median, mad};
    for (int stat = 0; stat < kRegionStats; ++stat) found(stat) = all[stat];
  }
};

struct QuantilesOfRegion {
  Regions regions;
  Vector<const double> probabilities;
  View<double, 3> out;

  template <class Team>
  HCI_HD void operator()(Team team, index_t problem, double* scratch) const {
    const Vector<double> found = out[problem / regions.sets][problem % regions.sets];
    const Gathered<Team> values = regions.gather(team, problem, scratch);
    for (index_t q = 0; q < probabilities.extent(0); ++q) {
      const double value = values.count > 0 ? values.quantile(probabilities(q)) : NAN;
      if (team.rank() == 0) found(q) = value;
    }
  }
};

struct MeanOfRegion {
  Regions regions;
  Matrix<double> means;

  template <class Team>
  HCI_HD void operator()(Team team, index_t problem, double*) const {
    const index_t t = problem / regions.sets, s = problem % regions.sets, nx = regions.frames.extent(2);
    double sum = 0, count = 0;
    for (index_t i = regions.offsets(s) + team.rank(); i < regions.offsets(s + 1); i += team.size()) {
      const float value = regions.frames(t, regions.pixels(i) / nx, regions.pixels(i) % nx);
      if (std::isnan(value)) continue;
      sum += static_cast<double>(value);
      count += 1;
    }
    sum = team.sum(sum);
    count = team.sum(count);
    if (team.rank() == 0) means(t, s) = sum / count;  // 0 / 0: NaN
  }
};

/// The sets on the device.
struct Packed {
  Array<index_t, 1> offsets, pixels;
  index_t sets = 0, most = 0;

  Packed(Exec& exec, const char* what, Cube<const float> frames, const std::vector<PixelSet>& given)
      : sets(static_cast<index_t>(given.size())) {
    const index_t size = frames.extent(1) * frames.extent(2);
    std::vector<index_t> starts{0}, all;
    for (const PixelSet& set : given) {
      for (const index_t pixel : set)
        require(pixel >= 0 && pixel < size, what, ": pixel ", pixel, " of a frame of ", size);
      all.insert(all.end(), set.begin(), set.end());
      starts.push_back(static_cast<index_t>(all.size()));
      most = std::max(most, static_cast<index_t>(set.size()));
    }
    offsets = to_device(exec, std::move(starts));
    pixels = to_device(exec, std::move(all));
  }
  Regions regions(Cube<const float> frames) const { return {frames, offsets.view(), pixels.view(), sets}; }
  /// Two keys to a double.
  index_t doubles() const { return (most + 1) / 2; }
};

}  // namespace

void region_stats(Exec& exec, Cube<const float> frames, const std::vector<PixelSet>& sets, View<double, 3> out) {
  const Packed packed(exec, "region_stats", frames, sets);
  require(out.extents() == Extents<3>{frames.extent(0), packed.sets, kRegionStats}, "region_stats: the result is not (",
          frames.extent(0), ", ", packed.sets, ", ", static_cast<int>(kRegionStats), ")");
  for_each_team(exec, frames.extent(0) * packed.sets, packed.doubles(), DescribeRegion{packed.regions(frames), out});
}

void region_quantiles(Exec& exec, Cube<const float> frames, const std::vector<PixelSet>& sets,
                      const std::vector<double>& probabilities, View<double, 3> out) {
  const Packed packed(exec, "region_quantiles", frames, sets);
  const auto wanted = static_cast<index_t>(probabilities.size());
  for (const double probability : probabilities)
    require(probability >= 0 && probability <= 1, "region_quantiles: probability ", probability, " is outside [0, 1]");
  require(out.extents() == Extents<3>{frames.extent(0), packed.sets, wanted}, "region_quantiles: the result is not (",
          frames.extent(0), ", ", packed.sets, ", ", wanted, ")");
  const auto device = to_device(exec, probabilities);
  for_each_team(exec, frames.extent(0) * packed.sets, packed.doubles(),
                QuantilesOfRegion{packed.regions(frames), device.view(), out});
}

std::vector<PixelSet> radial_bins(index_t ny, index_t nx) {
  const double cy = static_cast<double>(frame_centre(ny)), cx = static_cast<double>(frame_centre(nx));
  std::vector<PixelSet> bins;
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) {
      const double dy = static_cast<double>(y) - cy, dx = static_cast<double>(x) - cx;
      const auto bin = static_cast<std::size_t>(std::sqrt(dy * dy + dx * dx));
      if (bin >= bins.size()) bins.resize(bin + 1);
      bins[bin].push_back(y * nx + x);
    }
  return bins;
}

void radial_profile(Exec& exec, Cube<const float> frames, Matrix<double> means) {
  std::vector<PixelSet> bins = radial_bins(frames.extent(1), frames.extent(2));
  require(means.extent(0) == frames.extent(0) && means.extent(1) <= static_cast<index_t>(bins.size()),
          "radial_profile: the result is (", means.extent(0), ", ", means.extent(1), ") for ", frames.extent(0),
          " frames of ", bins.size(), " whole radii");
  bins.resize(static_cast<std::size_t>(means.extent(1)));
  const Packed packed(exec, "radial_profile", frames, bins);
  for_each_team(exec, frames.extent(0) * packed.sets, 0, MeanOfRegion{packed.regions(frames), means});
}

}  // namespace hci
