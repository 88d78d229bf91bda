// SPDX-License-Identifier: MIT
#include "kernels/geometry/rotate.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

void run(benchmark::State& state, Exec& exec, Extents<3> shape, Rotation method) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  const auto angles = even_angles(shape[0]);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, shape);
  const auto work = [&] { derotate(exec, in.view(), angles, {.method = method}, out.view()); };
  work();
  // The centre turns in place: the value of the same pixel, to rounding.
  const auto host = to_host(exec, std::as_const(out).view());
  const index_t t = shape[0] / 2, y = shape[1] / 2, x = shape[2] / 2;
  const float want = cube.view()(t, y, x), got = host.view()(t, y, x);
  if (std::abs(got - want) > 1e-4F * (1 + std::abs(want))) {
    state.SkipWithError("the centre of a frame changed");
    return;
  }
  const double seconds = timed(state, exec, work);
  report_bytes(state, exec, seconds, 2.0 * static_cast<double>(cube.bytes()));
  state.counters["ns_per_pixel"] = 1e9 * seconds / static_cast<double>(shape.size());
}

bool add(Rotation method, Extents<3> shape) {
  std::string name = "rotate/";
  for (const auto& [known, value] : enum_names(Rotation{}))
    if (value == method) name += known;
  return on_every_device(name, {shape[0], shape[1], shape[2]},
                         [=](benchmark::State& state, Exec& exec) { run(state, exec, shape, method); });
}

const bool registered[] = {
    add(Rotation::lanczos4, {489, 210, 210}), add(Rotation::lanczos4, {61, 101, 101}),
    add(Rotation::bicubic, {489, 210, 210}),  add(Rotation::bilinear, {489, 210, 210}),
    add(Rotation::nearest, {489, 210, 210}),  add(Rotation::fft, {61, 101, 101}),
    add(Rotation::fft, {61, 210, 210}),
};

}  // namespace
}  // namespace hci::bench
