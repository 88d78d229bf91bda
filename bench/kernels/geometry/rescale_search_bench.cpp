// SPDX-License-Identifier: MIT
#include "kernels/geometry/rescale_search.hpp"

#include <cmath>
#include <random>
#include <string>
#include <utility>

#include "bench/support/bench.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

/// Sources at places and of widths that grow with the wavelength: the last channel is the others, magnified.
Array<float, 3> channels_of(const std::vector<double>& wavelengths, index_t side) {
  auto cube = host_array<float, 3>({static_cast<index_t>(wavelengths.size()), side, side});
  std::mt19937 random(1);
  std::uniform_real_distribution<double> place(-0.3 * double(side), 0.3 * double(side)), strength(0.5, 2);
  double sources[20][3];
  for (auto& source : sources) {
    source[0] = place(random);
    source[1] = place(random);
    source[2] = strength(random);
  }
  for (std::size_t c = 0; c < wavelengths.size(); ++c)
    for (index_t y = 0; y < side; ++y)
      for (index_t x = 0; x < side; ++x) {
        const double s = wavelengths.back() / wavelengths[c], sigma = 3 / s;
        double sum = 0;
        for (const auto& [sy, sx, flux] : sources) {
          const double dy = double(y - side / 2) - sy / s, dx = double(x - side / 2) - sx / s;
          sum += flux * std::exp(-(dy * dy + dx * dx) / (2 * sigma * sigma)) * s * s;
        }
        cube.view()(static_cast<index_t>(c), y, x) = static_cast<float>(1000 * sum);
      }
  return cube;
}

void run(benchmark::State& state, Exec& exec, index_t channels, index_t side, Rotation method) {
  std::vector<double> wavelengths;
  for (index_t i = 0; i < channels; ++i) wavelengths.push_back(1 + 0.35 * double(i) / double(channels - 1));
  const std::vector<double> fluxes(wavelengths.size(), 1.0);
  const auto cube = channels_of(wavelengths, side);
  const DeviceInput<float, 3> in(exec, cube.view());
  // The start is wrong by 3 %, as a calibration may be.
  std::vector<double> believed = wavelengths;
  believed.back() *= 1.03;
  const auto found = find_scales(exec, in.view(), believed, fluxes, {.method = method}, {});
  for (std::size_t i = 0; i + 1 < wavelengths.size(); ++i)
    if (!(std::abs(found.scales[i] * wavelengths[i] / wavelengths.back() - 1) < 3e-3))
      return state.SkipWithError("a scale is not what the channels were made with");
  const double seconds =
      timed(state, exec, [&] { find_scales(exec, in.view(), believed, fluxes, {.method = method}, {}); });
  // 4 rounds of 33 trials of each channel but the last: read and written by the scaling, then read beside the last.
  const double trials = 4.0 * 33 * static_cast<double>(channels - 1);
  report_bytes(state, exec, seconds, trials * 16 * static_cast<double>(side * side));
  state.counters["us_per_trial"] = 1e6 * seconds / trials;
}

bool add(index_t channels, index_t side, Rotation method) {
  std::string name = "find_scales/";
  for (const auto& [known, value] : enum_names(Rotation{}))
    if (value == method) name += known;
  return on_every_device(name, {channels, side, side},
                         [=](benchmark::State& state, Exec& exec) { run(state, exec, channels, side, method); });
}

const bool registered[] = {add(39, 200, Rotation::lanczos4), add(5, 200, Rotation::fft), add(39, 200, Rotation::fft)};

}  // namespace
}  // namespace hci::bench
