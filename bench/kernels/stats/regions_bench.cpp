// SPDX-License-Identifier: MIT
// Apertures, statistics of regions and of pixels over time, sigma clipping.
#include <cmath>
#include <numbers>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/random/philox.hpp"
#include "kernels/stats/apertures.hpp"
#include "kernels/stats/region_stats.hpp"
#include "kernels/stats/sigma_clip.hpp"
#include "kernels/stats/temporal.hpp"

namespace hci::bench {
namespace {

constexpr index_t kSize = 210;

/// At random places, between pixels, away from the edges: as along the rings of an S/N map.
void time_apertures(benchmark::State& state, Exec& exec, index_t count, double radius) {
  auto cube = speckle_cube(1, kSize, kSize);
  for (index_t i = 0; i < cube.size(); ++i) cube.data()[i] = 2;
  const Array<float, 3> frame = to_device(exec, cube.view());
  std::vector<Position> positions;
  RandomStream random(1, 0, 0);
  const double edge = radius + 1;
  for (index_t i = 0; i < count; ++i)
    positions.push_back(
        {edge + random.uniform() * (kSize - 1 - 2 * edge), edge + random.uniform() * (kSize - 1 - 2 * edge)});
  Array<double, 1> sums(exec, {count});
  const auto go = [&] { aperture_sums(exec, frame.view()[0], positions, radius, sums.view()); };
  go();
  const double area = std::numbers::pi * radius * radius;
  if (std::fabs(to_host(exec, sums.view()).view()(count - 1) - 2 * area) > 1e-11 * area)
    return state.SkipWithError("the sum over a flat frame is not the disc's area");
  state.counters["apertures/s"] = static_cast<double>(count) / timed(state, exec, go);
}

double bytes_of_cube(const Extents<3>& extents) { return 4.0 * static_cast<double>(extents.size()); }

void time_regions(benchmark::State& state, Exec& exec) {
  const auto cube = speckle_cube(61, kSize, kSize);
  const DeviceInput<float, 3> in(exec, cube.view());
  const auto bins = radial_bins(kSize, kSize);
  Array<double, 3> out(exec, {61, static_cast<index_t>(bins.size()), kRegionStats});
  const auto go = [&] { region_stats(exec, in.view(), bins, out.view()); };
  go();
  if (to_host(exec, out.view()).view()(0, 0, kStatCount) != 1) return state.SkipWithError("the first bin is one pixel");
  report_bytes(state, exec, timed(state, exec, go), bytes_of_cube(cube.extents()));
}

void time_moments(benchmark::State& state, Exec& exec) {
  const auto cube = speckle_cube(489, kSize, kSize);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 2> mean(exec, {kSize, kSize}), deviation(exec, {kSize, kSize});
  const auto go = [&] { temporal_moments(exec, in.view(), mean.view(), deviation.view()); };
  go();
  if (!(to_host(exec, deviation.view()).view()(5, 5) > 0)) return state.SkipWithError("noise has no deviation");
  report_bytes(state, exec, timed(state, exec, go), 2 * bytes_of_cube(cube.extents()));
}

void time_clip(benchmark::State& state, Exec& exec) {
  auto cube = speckle_cube(61, kSize, kSize);
  cube.view()(3, 20, 30) = 1e6F;
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<std::uint8_t, 3> bad(exec, cube.extents());
  const SigmaClipOptions options{.neighbor = {5}, .mad = true};
  const auto go = [&] { sigma_clip(exec, in.view(), {}, options, bad.view()); };
  go();
  if (to_host(exec, bad.view()).view()(3, 20, 30) != 1) return state.SkipWithError("the outlier was not found");
  report_bytes(state, exec, timed(state, exec, go), 1.25 * bytes_of_cube(cube.extents()));
}

const bool registered[] = {on_every_device("aperture_sums", {20000, kSize, kSize},
                                           [](auto& state, Exec& exec) { time_apertures(state, exec, 20000, 2.4); }),
                           on_every_device("aperture_sums/12_px", {2000, kSize, kSize},
                                           [](auto& state, Exec& exec) { time_apertures(state, exec, 2000, 12); }),
                           on_every_device("region_stats/by_radius", {61, kSize, kSize}, time_regions),
                           on_every_device("temporal_moments", {489, kSize, kSize}, time_moments),
                           on_every_device("sigma_clip/5_mad", {61, kSize, kSize}, time_clip)};

}  // namespace
}  // namespace hci::bench
