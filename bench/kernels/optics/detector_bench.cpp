// SPDX-License-Identifier: MIT
#include "kernels/optics/detector.hpp"

#include <algorithm>
#include <cmath>

#include "bench/support/bench.hpp"
#include "kernels/core/array.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

/// Photons, sky and read noise, 100 electrons a pixel. expose() works in place, so each call is given the light anew:
/// time and bytes are those of the copy, too.
void time_expose(benchmark::State& state, Exec& exec) {
  constexpr double kLight = 100, kSky = 20, kRead = 3;
  const Extents<3> shape{61, 210, 210};
  auto light = host_array<float, 3>(shape);
  std::fill_n(light.data(), light.size(), static_cast<float>(kLight));
  const auto before = to_device(exec, light.view());
  Array<float, 3> cube(exec, shape);
  const auto go = [&] {
    copy(exec, before.view(), cube.view());
    expose(exec, 1, 2, {.sky = kSky, .read_noise = kRead}, cube.view());
  };
  go();
  const auto found = to_host(exec, cube.view());
  double sum = 0, squares = 0;
  for (index_t i = 0; i < found.size(); ++i) {
    const double off = static_cast<double>(found.data()[i]) - kLight;
    sum += off;
    squares += off * off;
  }
  const double variance = kLight + kSky + kRead * kRead, count = static_cast<double>(found.size());
  if (!(std::fabs(sum / count) <= 6 * std::sqrt(variance / count) &&
        std::fabs(squares / count / variance - 1) <= 6 * std::sqrt(2.01 / count)))  // six standard errors
    return state.SkipWithError("mean or variance is wrong");
  const double seconds = timed(state, exec, go);
  report_values(state, seconds, count);
  report_bytes(state, exec, seconds, 4.0 * static_cast<double>(cube.bytes()));
  report_flops(state, exec, seconds, 250 * count, Precision::f64);  // kernels/optics/detector.cu says of what
}

const bool registered = on_every_device("expose", {61, 210, 210}, time_expose);

}  // namespace
}  // namespace hci::bench
