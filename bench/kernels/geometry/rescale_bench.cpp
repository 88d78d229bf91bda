// SPDX-License-Identifier: MIT
#include "kernels/geometry/rescale.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

/// frames of 39 channels from 1 to 1.7 times the shortest wavelength, as those of an IFS.
void run(benchmark::State& state, Exec& exec, Extents<3> shape, Rotation method) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  std::vector<double> scales;
  for (index_t t = 0; t < shape[0]; ++t) scales.push_back(1.7 / (1 + 0.7 * double(t % 39) / 38));
  const Extents<2> sides = rescaled_sides({shape[1], shape[2]}, scales);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, {shape[0], sides[0], sides[1]});
  const auto work = [&] {
    rescale_wavelengths(exec, in.view(), scales, method, WavelengthScaling::forward, out.view());
  };
  work();
  // The centre stays in place, the last channel has a scale of 1.
  const auto host = to_host(exec, std::as_const(out).view());
  const float want = cube.view()(38, shape[1] / 2, shape[2] / 2), got = host.view()(38, sides[0] / 2, sides[1] / 2);
  if (std::abs(got - want) > 1e-4F * (1 + std::abs(want))) return state.SkipWithError("the centre of a frame changed");
  const double seconds = timed(state, exec, work);
  report_bytes(state, exec, seconds, static_cast<double>(cube.bytes() + out.bytes()));
  state.counters["ns_per_pixel"] = 1e9 * seconds / static_cast<double>(out.size());
}

bool add(Rotation method, Extents<3> shape) {
  std::string name = "rescale/";
  for (const auto& [known, value] : enum_names(Rotation{}))
    if (value == method) name += known;
  return on_every_device(name, {shape[0], shape[1], shape[2]},
                         [=](benchmark::State& state, Exec& exec) { run(state, exec, shape, method); });
}

const bool registered[] = {
    add(Rotation::lanczos4, {195, 200, 200}),
    add(Rotation::bilinear, {195, 200, 200}),
    add(Rotation::fft, {39, 200, 200}),
};

}  // namespace
}  // namespace hci::bench
