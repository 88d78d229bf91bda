// SPDX-License-Identifier: MIT
#include "kernels/stats/snr_map.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "bench/support/bench.hpp"
#include "bench/support/flop_counts.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/stats/apertures.hpp"
#include "kernels/stats/snr_map_approximated.hpp"

namespace hci::bench {
namespace {

constexpr double kFwhm = 4.8;

/// The S/N of one pixel by its definition.
double snr_of(Exec& exec, Frame<const float> frame, double y, double x) {
  const double cy = frame_centre(frame.extent(0)), cx = frame_centre(frame.extent(1));
  const double r = std::hypot(y - cy, x - cx), theta = std::atan2(y - cy, x - cx), step = 2 * std::asin(kFwhm / 2 / r);
  std::vector<Position> ring;
  for (int i = 0; i < static_cast<int>(2 * std::numbers::pi / step); ++i)
    ring.push_back({cy + r * std::sin(theta - i * step), cx + r * std::cos(theta - i * step)});
  const auto sums = aperture_sums(exec, frame, ring, kFwhm / 2);
  const double n = static_cast<double>(sums.size()) - 1;
  double mean = 0, squares = 0;
  for (std::size_t i = 1; i < sums.size(); ++i) mean += sums[i] / n;
  for (std::size_t i = 1; i < sums.size(); ++i) squares += (sums[i] - mean) * (sums[i] - mean);
  return (sums[0] - mean) / std::sqrt(squares / (n - 1) * (1 + 1 / n));
}

void run(benchmark::State& state, Exec& exec, index_t side) {
  const auto cube = speckle_cube(1, side, side);
  const auto frame = to_device(exec, cube.view()[0]);
  Array<float, 2> map(exec, frame.extents());
  const SnrMapOptions options{.fwhm = kFwhm, .inner = kFwhm, .outer = static_cast<double>(side) / 2 - kFwhm / 2};
  const auto work = [&] { snr_map(exec, std::as_const(frame).view(), {}, options, map.view()); };
  work();
  const auto host = to_host(exec, std::as_const(map).view());
  const index_t y = side / 2 + side / 5, x = side / 2 - side / 7;
  const double want = snr_of(exec, std::as_const(frame).view(), static_cast<double>(y), static_cast<double>(x));
  if (std::abs(host.view()(y, x) - want) > 1e-5 * (1 + std::abs(want))) {
    state.SkipWithError("the map differs from its definition");
    return;
  }
  const double seconds = timed(state, exec, work);
  // Rings of 2 pi r / fwhm apertures, over the disc of the map.
  const double outer = options.outer, apertures = 4 * std::pow(std::numbers::pi, 2) / 3 * std::pow(outer, 3) / kFwhm;
  report_flops(state, exec, seconds, aperture_flops(kFwhm / 2) * apertures, Precision::f64);
  state.counters["ns_per_aperture"] = 1e9 * seconds / apertures;
}

/// The quick map: a disc's mean for each pixel, then its circle. The source stands out where it was put.
void run_approximated(benchmark::State& state, Exec& exec, index_t side) {
  auto cube = speckle_cube(1, side, side);
  const index_t y = side / 2 + side / 5, x = side / 2 - side / 7;
  for (index_t j = -2; j <= 2; ++j)
    for (index_t i = -2; i <= 2; ++i)
      if (j * j + i * i <= 5) cube.view()(0, y + j, x + i) += 1e4F;
  const auto frame = to_device(exec, cube.view()[0]);
  Array<float, 2> map(exec, frame.extents());
  const auto work = [&] { snr_map_approximated(exec, std::as_const(frame).view(), kFwhm, map.view()); };
  work();
  const auto host = to_host(exec, std::as_const(map).view());
  const index_t best = std::max_element(host.data(), host.data() + host.size()) - host.data();
  if (std::abs(best / side - y) > 2 || std::abs(best % side - x) > 2)
    return state.SkipWithError("the source is not where it was put");
  const double seconds = timed(state, exec, work);
  // A frame in, an average out and in, a map out; 8 r pixels of a circle for each pixel.
  report_bytes(state, exec, seconds, 4 * static_cast<double>(frame.bytes()));
  state.counters["ns_per_pixel"] = 1e9 * seconds / static_cast<double>(side * side);
}

const bool registered[] = {
    on_every_device("snr_map/approximated", {210, 210},
                    [](auto& state, Exec& exec) { run_approximated(state, exec, 210); }),
    on_every_device("snr_map/exact", {101, 101}, [](auto& state, Exec& exec) { run(state, exec, 101); }),
    on_every_device("snr_map/exact", {210, 210}, [](auto& state, Exec& exec) { run(state, exec, 210); }),
    on_every_device("snr_map/exact", {1024, 1024}, [](auto& state, Exec& exec) { run(state, exec, 1024); }),
};

}  // namespace
}  // namespace hci::bench
