// SPDX-License-Identifier: MIT
#include "kernels/geometry/rescale.hpp"

#include <string>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/checks.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

/// frames of 39 channels from 1 to 1.7 times the shortest wavelength, as those of an IFS, of `shape` in the sky.
void run(benchmark::State& state, Exec& exec, Extents<3> shape, Rotation method, WavelengthScaling direction) {
  std::vector<double> scales;
  for (index_t t = 0; t < shape[0]; ++t) scales.push_back(1.7 / (1 + 0.7 * double(t % 39) / 38));
  const Extents<2> wide = rescaled_sides({shape[1], shape[2]}, scales), sky{shape[1], shape[2]};
  const bool forward = direction == WavelengthScaling::forward;
  const Extents<2> from = forward ? sky : wide, sides = forward ? wide : sky;
  const auto cube = speckle_cube(shape[0], from[0], from[1]);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, {shape[0], sides[0], sides[1]});
  const auto work = [&] { rescale_wavelengths(exec, in.view(), scales, method, direction, out.view()); };
  work();
  // The first channel, whose sides are those of the result, beside the portable path.
  const auto host = to_host(exec, std::as_const(out).view());
  Exec portable({.path = Path::portable});
  Array<float, 3> want(portable, {1, sides[0], sides[1]});
  rescale_wavelengths(portable, slice(cube.view(), 0, 1), {scales[0]}, method, direction, want.view());
  if (!agree(host.view()[0], std::as_const(want).view()[0], 1e-4))
    return state.SkipWithError("a pixel differs from the portable path's");
  const double seconds = timed(state, exec, work);
  if (method == Rotation::fft) {
    // Two products with matrices of each frame: along x, then along y.
    const auto flops = 2 * static_cast<double>(from[0] * from[1] * sides[1] + sides[0] * from[0] * sides[1]);
    report_flops(state, exec, seconds, static_cast<double>(shape[0]) * flops, Precision::f64);
  } else {
    report_bytes(state, exec, seconds, static_cast<double>(cube.bytes() + out.bytes()));
  }
  state.counters["ns_per_pixel"] = 1e9 * seconds / static_cast<double>(out.size());
}

bool add(Rotation method, Extents<3> shape, WavelengthScaling direction = WavelengthScaling::forward) {
  std::string name = direction == WavelengthScaling::forward ? "rescale/" : "rescale/inverse_";
  for (const auto& [known, value] : enum_names(Rotation{}))
    if (value == method) name += known;
  return on_every_device(name, {shape[0], shape[1], shape[2]},
                         [=](benchmark::State& state, Exec& exec) { run(state, exec, shape, method, direction); });
}

const bool registered[] = {
    add(Rotation::lanczos4, {195, 200, 200}),
    add(Rotation::bilinear, {195, 200, 200}),
    add(Rotation::spline3, {195, 200, 200}),
    add(Rotation::fft, {39, 200, 200}),
    add(Rotation::lanczos4, {195, 200, 200}, WavelengthScaling::inverse),
    add(Rotation::fft, {39, 200, 200}, WavelengthScaling::inverse),
};

}  // namespace
}  // namespace hci::bench
