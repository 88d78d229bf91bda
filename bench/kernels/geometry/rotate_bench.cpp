// SPDX-License-Identifier: MIT
#include "kernels/geometry/rotate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/checks.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

/// Three shears, there and back, of real rows of about four times the side M (2.5 M log2 M flops each way): those of
/// the frame, all columns, those of the frame again.
double shear_flops(Extents<3> shape) {
  const double m = 4 * static_cast<double>(std::max(shape[1], shape[2])), rows = static_cast<double>(shape[1]);
  return static_cast<double>(shape[0]) * (2 * rows + m) * 5 * m * std::log2(m);
}

void run(benchmark::State& state, Exec& exec, Extents<3> shape, const RotateOptions& options) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  const auto angles = even_angles(shape[0]);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, shape);
  const auto work = [&] { derotate(exec, in.view(), angles, options, out.view()); };
  work();
  // One frame beside the portable path; a sum of 64 terms of either sign differs by some 64 eps of their sizes.
  const auto host = to_host(exec, std::as_const(out).view());
  const index_t t = shape[0] / 3;
  Exec portable({.path = Path::portable});
  Array<float, 3> want(portable, {1, shape[1], shape[2]});
  derotate(portable, slice(cube.view(), t, 1), {angles[static_cast<std::size_t>(t)]}, options, want.view());
  if (!agree(host.view()[t], std::as_const(want).view()[0], 1e-4))
    return state.SkipWithError("a pixel differs from the portable path's");
  const double seconds = timed(state, exec, work);
  if (options.method == Rotation::fft)
    report_flops(state, exec, seconds, shear_flops(shape), Precision::f64);
  else
    report_bytes(state, exec, seconds, 2.0 * static_cast<double>(cube.bytes()));
  state.counters["ns_per_pixel"] = 1e9 * seconds / static_cast<double>(shape.size());
}

bool add(const std::string& name, const RotateOptions& options, Extents<3> shape) {
  return on_every_device("rotate/" + name, {shape[0], shape[1], shape[2]},
                         [=](benchmark::State& state, Exec& exec) { run(state, exec, shape, options); });
}

bool add(Rotation method, Extents<3> shape) {
  for (const auto& [name, value] : enum_names(Rotation{}))
    if (value == method) return add(std::string(name), {.method = method}, shape);
  return false;
}

constexpr std::array<double, 2> kOffCentre = {103.25, 108.5};

const bool registered[] = {
    add(Rotation::lanczos4, {489, 210, 210}),
    add(Rotation::lanczos4, {61, 101, 101}),
    add(Rotation::bicubic, {489, 210, 210}),
    add(Rotation::bilinear, {489, 210, 210}),
    add(Rotation::nearest, {489, 210, 210}),
    add(Rotation::catmull_rom, {489, 210, 210}),
    add(Rotation::spline2, {489, 210, 210}),
    add(Rotation::spline3, {489, 210, 210}),
    add(Rotation::spline4, {489, 210, 210}),
    add(Rotation::spline5, {489, 210, 210}),
    add(Rotation::fft, {61, 101, 101}),
    add(Rotation::fft, {61, 210, 210}),
    add("lanczos4_off_centre", {.centre = kOffCentre}, {489, 210, 210}),
    add("lanczos4_edge", {.border = Border::edge}, {489, 210, 210}),
    add("lanczos4_reflect", {.border = Border::reflect}, {489, 210, 210}),
    add("lanczos4_keep_range", {.keep_range = true}, {489, 210, 210}),
    add("fft_off_centre", {.method = Rotation::fft, .centre = kOffCentre}, {61, 210, 210}),
};

}  // namespace
}  // namespace hci::bench
