// SPDX-License-Identifier: MIT
#include "kernels/geometry/resample.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/checks.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/geometry/resample_time.hpp"

namespace hci::bench {
namespace {

void pixels(benchmark::State& state, Exec& exec, Extents<3> shape, double scale, Rotation method) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  const Extents<2> sides = resampled_sides({shape[1], shape[2]}, scale, method);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, {shape[0], sides[0], sides[1]});
  const auto work = [&] { resample(exec, in.view(), scale, {.method = method, .keep_centre = true}, out.view()); };
  work();
  const auto host = to_host(exec, std::as_const(out).view());
  const index_t t = shape[0] / 2;
  Exec portable({.path = Path::portable});
  Array<float, 3> want(portable, {1, sides[0], sides[1]});
  resample(portable, slice(cube.view(), t, 1), scale, {.method = method, .keep_centre = true}, want.view());
  if (!agree(host.view()[t], std::as_const(want).view()[0], 1e-4))
    return state.SkipWithError("a pixel differs from the portable path's");
  const double seconds = timed(state, exec, work);
  report_bytes(state, exec, seconds, static_cast<double>(cube.bytes() + out.bytes()));
  state.counters["ns_per_pixel"] = 1e9 * seconds / static_cast<double>(std::max(cube.size(), out.size()));
}

void frames(benchmark::State& state, Exec& exec, Extents<3> shape, index_t group, Collapse mode) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, {shape[0] / group, shape[1], shape[2]});
  const auto work = [&] { subsample(exec, in.view(), group, {.mode = mode}, out.view()); };
  work();
  const auto host = to_host(exec, std::as_const(out).view());
  std::vector<double> values;
  for (index_t t = 0; t < shape[0]; ++t) values.push_back(cube.view()(t, 5, 7));
  const auto want = subsample(values, group, mode);
  for (std::size_t i = 0; i < want.size(); ++i)
    if (!(std::abs(host.view()(index_t(i), 5, 7) - want[i]) <= 1e-6 * std::abs(want[i])))
      return state.SkipWithError("a pixel differs");
  const double seconds = timed(state, exec, work);
  report_bytes(state, exec, seconds, static_cast<double>(cube.bytes() + out.bytes()));
}

bool add(double scale, Rotation method, Extents<3> shape) {
  std::string name = "resample/";
  for (const auto& [known, value] : enum_names(Rotation{}))
    if (value == method) name += known;
  name += scale > 1 ? "_finer" : "_coarser";
  return on_every_device(name, {shape[0], shape[1], shape[2]},
                         [=](benchmark::State& state, Exec& exec) { pixels(state, exec, shape, scale, method); });
}

bool add(const char* name, index_t group, Collapse mode, Extents<3> shape) {
  return on_every_device(name, {shape[0], shape[1], shape[2], group},
                         [=](benchmark::State& state, Exec& exec) { frames(state, exec, shape, group, mode); });
}

constexpr Extents<3> kCube{489, 210, 210}, kSmall{61, 210, 210};
const bool registered[] = {
    add(0.5, Rotation::lanczos4, kCube),
    add(2, Rotation::lanczos4, kSmall),
    add(0.5, Rotation::bicubic, kCube),
    add(0.5, Rotation::bilinear, kCube),
    add(2, Rotation::spline3, kSmall),
    add(0.5, Rotation::fft, kSmall),
    add(2, Rotation::fft, kSmall),
    add("subsample/median", 10, Collapse::median, kCube),
    add("subsample/mean", 10, Collapse::mean, kCube),
};

}  // namespace
}  // namespace hci::bench
