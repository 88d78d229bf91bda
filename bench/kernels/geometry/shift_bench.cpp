// SPDX-License-Identifier: MIT
#include "kernels/geometry/shift.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

void run(benchmark::State& state, Exec& exec, Extents<3> shape, const ShiftOptions& options) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  std::vector<Shift> shifts = {{2, -3}};  // the first frame's are whole pixels, for the check
  for (index_t t = 1; t < shape[0]; ++t) shifts.push_back({1.7 * std::cos(double(t)), 1.7 * std::sin(double(t))});
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, shape);
  const auto work = [&] { shift(exec, in.view(), shifts, options, out.view()); };
  work();
  const auto host = to_host(exec, std::as_const(out).view());
  for (index_t i = 5; i + 5 < std::min(shape[1], shape[2]); i += 7) {
    const float want = cube.view()(0, i, i), got = host.view()(0, i + 2, i - 3);
    if (!(std::abs(got - want) <= 1e-4F * (1 + std::abs(want)))) return state.SkipWithError("a pixel is not there");
  }
  const double seconds = timed(state, exec, work);
  report_bytes(state, exec, seconds, 2.0 * static_cast<double>(cube.bytes()));
  state.counters["ns_per_pixel"] = 1e9 * seconds / static_cast<double>(shape.size());
}

bool add(Rotation method, Extents<3> shape, Border border = Border::constant) {
  std::string name = "shift/";
  for (const auto& [known, value] : enum_names(Rotation{}))
    if (value == method) name += known;
  if (border == Border::wrap) name += "_wrap";
  return on_every_device(name, {shape[0], shape[1], shape[2]}, [=](benchmark::State& state, Exec& exec) {
    run(state, exec, shape, {.method = method, .border = border});
  });
}

bool add_paths(const char* name, Rotation method) {
  return on_both_paths(name, {61, 210, 210}, [=](benchmark::State& state, Exec& exec) {
    run(state, exec, {61, 210, 210}, {.method = method});
  });
}

constexpr Extents<3> kCube{489, 210, 210}, kSmall{61, 101, 101};
const bool registered[] = {
    add_paths("shift_lanczos4", Rotation::lanczos4),
    add_paths("shift_bilinear", Rotation::bilinear),
    add(Rotation::lanczos4, kCube),
    add(Rotation::bicubic, kCube),
    add(Rotation::catmull_rom, kCube),
    add(Rotation::bilinear, kCube),
    add(Rotation::nearest, kCube),
    add(Rotation::spline2, kCube),
    add(Rotation::spline3, kCube),
    add(Rotation::spline4, kCube),
    add(Rotation::spline5, kCube),
    add(Rotation::fft, kCube),
    add(Rotation::fft, kSmall),
    add(Rotation::fft, kSmall, Border::wrap),
};

}  // namespace
}  // namespace hci::bench
