// SPDX-License-Identifier: MIT
// Apertures, statistics of regions and of pixels over time, sigma clipping.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "bench/support/bench.hpp"
#include "bench/support/flop_counts.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/random/philox.hpp"
#include "kernels/stats/apertures.hpp"
#include "kernels/stats/clipped_stats.hpp"
#include "kernels/stats/region_stats.hpp"
#include "kernels/stats/sigma_clip.hpp"
#include "kernels/stats/temporal.hpp"

namespace hci::bench {
namespace {

constexpr index_t kSize = 210;

/// At random places, between pixels, away from the edges: as along the rings of an S/N map.
void time_apertures(benchmark::State& state, Exec& exec, index_t frames, index_t count, double radius) {
  auto cube = speckle_cube(frames, kSize, kSize);
  for (index_t i = 0; i < cube.size(); ++i) cube.data()[i] = 2;
  const Array<float, 3> in = to_device(exec, cube.view());
  std::vector<Position> positions;
  RandomStream random(1, 0, 0);
  const double edge = radius + 1;
  for (index_t i = 0; i < count; ++i)
    positions.push_back(
        {edge + random.uniform() * (kSize - 1 - 2 * edge), edge + random.uniform() * (kSize - 1 - 2 * edge)});
  Array<double, 2> sums(exec, {frames, count});
  const auto go = [&] { aperture_sums(exec, in.view(), positions, radius, sums.view()); };
  go();
  const double area = std::numbers::pi * radius * radius;
  if (std::fabs(to_host(exec, sums.view()).view()(frames - 1, count - 1) - 2 * area) > 1e-11 * area)
    return state.SkipWithError("the sum over a flat frame is not the disc's area");
  const double seconds = timed(state, exec, go);
  const auto apertures = static_cast<double>(frames * count);
  if (frames == 1) report_flops(state, exec, seconds, aperture_flops(radius) * apertures, Precision::f64);
  state.counters["apertures/s"] = apertures / seconds;
}

double sorted_median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}
double sorted_median(Frame<const float> frame, const PixelSet& set) {
  std::vector<double> values;
  for (const index_t pixel : set) values.push_back(double(frame(pixel / kSize, pixel % kSize)));
  return static_cast<double>(static_cast<float>(sorted_median(std::move(values))));
}

std::vector<double> over_time(Cube<const float> cube, index_t y, index_t x) {
  std::vector<double> values;
  for (index_t t = 0; t < cube.extent(0); ++t) values.push_back(double(cube(t, y, x)));
  return values;
}

double bytes_of_cube(const Extents<3>& extents) { return 4.0 * static_cast<double>(extents.size()); }

void time_regions(benchmark::State& state, Exec& exec) {
  const auto cube = speckle_cube(61, kSize, kSize);
  const DeviceInput<float, 3> in(exec, cube.view());
  const auto bins = radial_bins(kSize, kSize);
  Array<double, 3> out(exec, {61, static_cast<index_t>(bins.size()), kRegionStats});
  const auto go = [&] { region_stats(exec, in.view(), bins, out.view()); };
  go();
  const auto found = to_host(exec, out.view());
  for (std::size_t s = 0; s < bins.size(); s += 10)
    if (found.view()(7, static_cast<index_t>(s), kStatMedian) != sorted_median(cube.view()[7], bins[s]))
      return state.SkipWithError("a median differs from the sorted one");
  report_bytes(state, exec, timed(state, exec, go), bytes_of_cube(cube.extents()));
}

void time_profiles(benchmark::State& state, Exec& exec) {
  auto cube = speckle_cube(61, kSize, kSize);
  const DeviceInput<float, 3> in(exec, cube.view());
  const auto bins = radial_bins(kSize, kSize);
  Array<double, 2> means(exec, {61, static_cast<index_t>(bins.size())});
  const auto go = [&] { radial_profile(exec, in.view(), means.view()); };
  go();
  if (to_host(exec, means.view()).view()(3, 0) != static_cast<double>(cube.view()(3, kSize / 2, kSize / 2)))
    return state.SkipWithError("the first bin is the central pixel");
  double sum = 0;
  for (const index_t pixel : bins[50]) sum += double(cube.view()(7, pixel / kSize, pixel % kSize));
  if (std::fabs(to_host(exec, means.view()).view()(7, 50) / (sum / double(bins[50].size())) - 1) > 1e-9)
    return state.SkipWithError("a mean is wrong");
  report_bytes(state, exec, timed(state, exec, go), bytes_of_cube(cube.extents()));
}

void time_quantiles(benchmark::State& state, Exec& exec) {
  const auto cube = speckle_cube(61, kSize, kSize);
  const DeviceInput<float, 3> in(exec, cube.view());
  const auto bins = radial_bins(kSize, kSize);
  Array<double, 3> out(exec, {61, static_cast<index_t>(bins.size()), 3});
  const auto go = [&] { region_quantiles(exec, in.view(), bins, {0.05, 0.5, 0.95}, out.view()); };
  go();
  const auto found = to_host(exec, out.view());
  for (std::size_t s = 0; s < bins.size(); s += 10)
    if (std::fabs(found.view()(7, static_cast<index_t>(s), 1) / sorted_median(cube.view()[7], bins[s]) - 1) > 1e-6)
      return state.SkipWithError("a median differs from the sorted one");
  report_bytes(state, exec, timed(state, exec, go), bytes_of_cube(cube.extents()));
}

void time_moments(benchmark::State& state, Exec& exec) {
  const auto cube = speckle_cube(489, kSize, kSize);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 2> mean(exec, {kSize, kSize}), deviation(exec, {kSize, kSize});
  const auto go = [&] { temporal_moments(exec, in.view(), mean.view(), deviation.view()); };
  go();
  double sum = 0, squares = 0;
  for (index_t t = 0; t < 489; ++t) sum += double(cube.view()(t, 5, 7)) / 489;
  for (index_t t = 0; t < 489; ++t) squares += std::pow(double(cube.view()(t, 5, 7)) - sum, 2) / 489;
  if (std::fabs(double(to_host(exec, deviation.view()).view()(5, 7)) / std::sqrt(squares) - 1) > 1e-6)
    return state.SkipWithError("a deviation is wrong");
  report_bytes(state, exec, timed(state, exec, go), 2 * bytes_of_cube(cube.extents()));
}

/// The cube is read for the median, read and written as distances, and read again.
void time_mads(benchmark::State& state, Exec& exec) {
  const auto cube = speckle_cube(489, kSize, kSize);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 2> median(exec, {kSize, kSize}), mad(exec, {kSize, kSize});
  const auto go = [&] { temporal_mad(exec, in.view(), median.view(), mad.view()); };
  go();
  const float centre = to_host(exec, median.view()).view()(5, 7);
  std::vector<float> distances;
  for (index_t t = 0; t < 489; ++t) distances.push_back(std::fabs(cube.view()(t, 5, 7) - centre));
  std::nth_element(distances.begin(), distances.begin() + 244, distances.end());
  if (to_host(exec, mad.view()).view()(5, 7) != distances[244]) return state.SkipWithError("a MAD is wrong");
  report_bytes(state, exec, timed(state, exec, go), 4 * bytes_of_cube(cube.extents()));
}

void time_temporal_quantiles(benchmark::State& state, Exec& exec) {
  const auto cube = speckle_cube(489, kSize, kSize);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, {3, kSize, kSize});
  const auto go = [&] { temporal_quantiles(exec, in.view(), {0.05, 0.5, 0.95}, out.view()); };
  go();
  if (to_host(exec, out.view()).view()(1, 5, 7) != static_cast<float>(sorted_median(over_time(cube.view(), 5, 7))))
    return state.SkipWithError("a median differs from the sorted one");
  report_bytes(state, exec, timed(state, exec, go), bytes_of_cube(cube.extents()));
}

/// {median, deviation} of what astropy's sigma_clipped_stats leaves.
std::array<double, 2> clipped_by_sorting(std::vector<double> values) {
  for (int round = 0;; ++round) {
    const auto n = static_cast<double>(values.size());
    double mean = 0, squares = 0;
    for (const double v : values) mean += v / n;
    for (const double v : values) squares += (v - mean) * (v - mean) / n;
    const double median = sorted_median(values), limit = 3 * std::sqrt(squares);
    if (round == 5 || std::erase_if(values, [&](double v) { return std::fabs(v - median) > limit; }) == 0)
      return {median, std::sqrt(squares)};
  }
}
bool equal(double a, double b) { return std::fabs(a / b - 1) < 1e-6; }

void time_clipped_frames(benchmark::State& state, Exec& exec) {
  const auto cube = speckle_cube(61, kSize, kSize);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<double, 2> out(exec, {61, kClippedStats});
  const auto go = [&] { frame_clipped_stats(exec, in.view(), {}, out.view()); };
  go();
  const auto found = to_host(exec, out.view());
  const float* frame = cube.data() + 7 * kSize * kSize;
  const auto [median, deviation] = clipped_by_sorting({frame, frame + kSize * kSize});
  if (!equal(found.view()(7, kClippedMedian), median) || !equal(found.view()(7, kClippedDeviation), deviation))
    return state.SkipWithError("a frame's statistics differ from the definition");
  report_bytes(state, exec, timed(state, exec, go), bytes_of_cube(cube.extents()));
}

/// Rings of a pixel's width.
void time_clipped_rings(benchmark::State& state, Exec& exec) {
  const auto cube = speckle_cube(61, kSize, kSize);
  const auto sets = radial_bins(kSize, kSize);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<double, 3> out(exec, {61, static_cast<index_t>(sets.size()), kClippedStats});
  const auto go = [&] { region_clipped_stats(exec, in.view(), sets, {}, out.view()); };
  go();
  const auto found = to_host(exec, out.view());
  std::vector<double> ring;
  for (const index_t pixel : sets[40]) ring.push_back(double(cube.view()(7, pixel / kSize, pixel % kSize)));
  const auto [median, deviation] = clipped_by_sorting(ring);
  if (!equal(found.view()(7, 40, kClippedMedian), median) || !equal(found.view()(7, 40, kClippedDeviation), deviation))
    return state.SkipWithError("a ring's statistics differ from the definition");
  report_bytes(state, exec, timed(state, exec, go), bytes_of_cube(cube.extents()));
}

void time_clipped_over_time(benchmark::State& state, Exec& exec) {
  auto cube = speckle_cube(489, kSize, kSize);
  for (index_t i = 0; i < cube.size(); i += 101) cube.data()[i] += 1e4F;  // cosmic rays
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 2> mean(exec, {kSize, kSize}), median(exec, {kSize, kSize}), deviation(exec, {kSize, kSize});
  const auto go = [&] { temporal_clipped_stats(exec, in.view(), {}, mean.view(), median.view(), deviation.view()); };
  go();
  const auto [centre, width] = clipped_by_sorting(over_time(cube.view(), 5, 7));
  if (!equal(double(to_host(exec, median.view()).view()(5, 7)), centre) ||
      !equal(double(to_host(exec, deviation.view()).view()(5, 7)), width))
    return state.SkipWithError("a pixel's statistics differ from the definition");
  report_bytes(state, exec, timed(state, exec, go), bytes_of_cube(cube.extents()));
}

/// Of a box of 5 by its median absolute deviation, away from the edges.
bool is_outlier(Frame<const float> frame, index_t y, index_t x, const SigmaClipOptions& options) {
  std::vector<double> near, distances;
  for (index_t j = y - 2; j <= y + 2; ++j)
    for (index_t i = x - 2; i <= x + 2; ++i)
      if (j != y || i != x) near.push_back(double(frame(j, i)));
  const double centre = sorted_median(near);
  for (const double value : near) distances.push_back(std::fabs(value - centre));
  const double sigma = sorted_median(distances), value = double(frame(y, x));
  return value < centre - options.lower_sigma * sigma || value > centre + options.upper_sigma * sigma;
}

void time_clip(benchmark::State& state, Exec& exec) {
  auto cube = speckle_cube(61, kSize, kSize);
  cube.view()(3, 20, 30) = 1e6F;
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<std::uint8_t, 3> bad(exec, cube.extents());
  const SigmaClipOptions options{.neighbor = {5}, .mad = true};
  const auto go = [&] { sigma_clip(exec, in.view(), {}, options, bad.view()); };
  go();
  const auto found = to_host(exec, bad.view());
  if (found.view()(3, 20, 30) != 1) return state.SkipWithError("the outlier was not found");
  for (index_t x = 10; x < kSize - 10; ++x)
    if ((found.view()(3, 22, x) != 0) != is_outlier(cube.view()[3], 22, x, options))
      return state.SkipWithError("a flag differs from the definition");
  report_bytes(state, exec, timed(state, exec, go), 1.25 * bytes_of_cube(cube.extents()));
}

const bool registered[] = {on_every_device("aperture_sums", {20000, kSize, kSize},
                                           [](auto& state, Exec& exec) { time_apertures(state, exec, 1, 20000, 2.4); }),
                           on_every_device("aperture_sums/of_61_frames", {2000, kSize, kSize},
                                           [](auto& state, Exec& exec) { time_apertures(state, exec, 61, 2000, 2.4); }),
                           on_every_device("aperture_sums/12_px", {2000, kSize, kSize},
                                           [](auto& state, Exec& exec) { time_apertures(state, exec, 1, 2000, 12); }),
                           on_every_device("region_stats/by_radius", {61, kSize, kSize}, time_regions),
                           on_every_device("region_quantiles/by_radius", {61, kSize, kSize}, time_quantiles),
                           on_every_device("radial_profile", {61, kSize, kSize}, time_profiles),
                           on_every_device("temporal_mad", {489, kSize, kSize}, time_mads),
                           on_every_device("temporal_moments", {489, kSize, kSize}, time_moments),
                           on_every_device("temporal_quantiles", {489, kSize, kSize}, time_temporal_quantiles),
                           on_every_device("clipped_stats/frames", {61, kSize, kSize}, time_clipped_frames),
                           on_every_device("clipped_stats/by_radius", {61, kSize, kSize}, time_clipped_rings),
                           on_every_device("clipped_stats/over_time", {489, kSize, kSize}, time_clipped_over_time),
                           on_every_device("sigma_clip/5_mad", {61, kSize, kSize}, time_clip)};

}  // namespace
}  // namespace hci::bench
