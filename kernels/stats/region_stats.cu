// SPDX-License-Identifier: MIT
#include "kernels/stats/region_stats.hpp"

#include <cmath>

#include "kernels/core/error.hpp"
#include "kernels/core/team.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/stats/region_sets.hpp"
#include "kernels/stats/team_values.hpp"

// A set is read once (4 bytes a pixel, and 8 of its place) into a team's scratch, as integers that order as
// the numbers do; order statistics are then found by counting passes over the scratch, which is shared
// memory up to 11,000 pixels: some 12 for the median of some hundred values (until no other value begins
// with the same bits), 16 for the MAD, and 10 besides. 489 frames of 210 x 210 by radius: 0.26 GB from
// memory, 60 us on an H200 and 0.8 ms on a GTX 1080; 38 passes over 21.6 M keys in shared memory (128 bytes
// a cycle a multiprocessor) take 0.1 ms and 0.8 ms. Flops: 4 in double a pixel (mean, deviation), 86 MFLOP, 3 us
// (34 TFLOP/s) and 0.3 ms (0.28 TFLOP/s); a comparison and an addition in each pass, 1.6 G in 32 bits, 0.1 ms and
// 0.4 ms. Quantiles: 20 passes and 3 flops each. Means by radius: 12 bytes and 2 flops in double a pixel, 60 us and
// 0.8 ms. A block of 128 threads has one set of one frame: sets differ in size, so blocks are many.

namespace hci {
namespace {

struct DescribeRegion {
  RegionSets regions;
  View<double, 3> out;

  template <class Team>
  HCI_HD void operator()(Team team, index_t problem, double* scratch) const {
    const Vector<double> found = out[problem / regions.sets][problem % regions.sets];
    TeamValues<Team> values = team_values(team, regions.values(problem), scratch);
    double all[kRegionStats] = {static_cast<double>(values.count), NAN, NAN, NAN, NAN, NAN, NAN};
    if (values.count > 0) {
      const auto number = static_cast<double>(values.count);
      const double mean = values.sum(values.range, [](double v) { return v; }) / number;
      all[kStatMean] = mean;
      all[kStatDeviation] =
          std::sqrt(values.sum(values.range, [mean](double v) { return (v - mean) * (v - mean); }) / number);
      all[kStatMin] = static_cast<double>(from_order_key(values.range.least));
      all[kStatMax] = static_cast<double>(from_order_key(values.range.most));
      const float centre = values.median();
      all[kStatMedian] = static_cast<double>(centre);
      if (std::isfinite(centre)) {  // else inf - inf
        values.replace([centre](float v) { return std::fabs(v - centre); });
        all[kStatMad] = static_cast<double>(values.median());
      }
    }
    if (team.rank() != 0) return;
    for (int stat = 0; stat < kRegionStats; ++stat) found(stat) = all[stat];
  }
};

struct QuantilesOfRegion {
  RegionSets regions;
  Vector<const double> probabilities;
  View<double, 3> out;

  template <class Team>
  HCI_HD void operator()(Team team, index_t problem, double* scratch) const {
    find_quantiles(team_values(team, regions.values(problem), scratch), probabilities,
                   out[problem / regions.sets][problem % regions.sets]);
  }
};

struct MeanOfRegion {
  RegionSets regions;
  Matrix<double> means;

  template <class Team>
  HCI_HD void operator()(Team team, index_t problem, double*) const {
    const RegionValues values = regions.values(problem);
    double sum = 0, count = 0;
    for (index_t i = team.rank(); i < values.count; i += team.size()) {
      const float value = values(i);
      if (std::isnan(value)) continue;
      sum += static_cast<double>(value);
      count += 1;
    }
    sum = team.sum(sum);
    count = team.sum(count);
    if (team.rank() == 0) means(problem / regions.sets, problem % regions.sets) = sum / count;  // 0 / 0: NaN
  }
};

}  // namespace

void region_stats(Exec& exec, Cube<const float> frames, const std::vector<PixelSet>& sets, View<double, 3> out) {
  const PackedRegions packed(exec, "region_stats", frames, sets);
  require(out.extents() == Extents<3>{frames.extent(0), packed.sets.count, kRegionStats},
          "region_stats: the result is not (", frames.extent(0), ", ", packed.sets.count, ", ",
          static_cast<int>(kRegionStats), ")");
  for_each_team(exec, frames.extent(0) * packed.sets.count, packed.doubles(),
                DescribeRegion{packed.regions(frames), out});
}

void region_quantiles(Exec& exec, Cube<const float> frames, const std::vector<PixelSet>& sets,
                      const std::vector<double>& probabilities, View<double, 3> out) {
  const PackedRegions packed(exec, "region_quantiles", frames, sets);
  const auto wanted = static_cast<index_t>(probabilities.size());
  check_probabilities("region_quantiles", probabilities);
  require(out.extents() == Extents<3>{frames.extent(0), packed.sets.count, wanted},
          "region_quantiles: the result is not (", frames.extent(0), ", ", packed.sets.count, ", ", wanted, ")");
  const auto device = to_device(exec, probabilities);
  for_each_team(exec, frames.extent(0) * packed.sets.count, packed.doubles(),
                QuantilesOfRegion{packed.regions(frames), device.view(), out});
}

std::vector<PixelSet> radial_bins(index_t ny, index_t nx, const SetCentre& centre) {
  constexpr double kFarthest = 1e6;  // there is a set for each radius, however far the frame lies
  const auto [cy, cx] = centre.value_or(std::array<double, 2>{frame_centre(ny), frame_centre(nx)});
  require(cy >= -kFarthest && cy <= double(ny) + kFarthest && cx >= -kFarthest && cx <= double(nx) + kFarthest,
          "radial_bins: the centre is (", cy, ", ", cx, "); it must be within ", kFarthest, " px of the frame");
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

void radial_profile(Exec& exec, Cube<const float> frames, Matrix<double> means, const SetCentre& centre) {
  std::vector<PixelSet> bins = radial_bins(frames.extent(1), frames.extent(2), centre);
  require(means.extent(0) == frames.extent(0) && means.extent(1) <= static_cast<index_t>(bins.size()),
          "radial_profile: the result is (", means.extent(0), ", ", means.extent(1), ") for ", frames.extent(0),
          " frames of ", bins.size(), " whole radii");
  bins.resize(static_cast<std::size_t>(means.extent(1)));
  const PackedRegions packed(exec, "radial_profile", frames, bins);
  for_each_team(exec, frames.extent(0) * packed.sets.count, 0, MeanOfRegion{packed.regions(frames), means});
}

}  // namespace hci
