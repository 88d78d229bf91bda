// SPDX-License-Identifier: MIT
// Rotation of frames with holes and margins that are filled first.
#include <cmath>
#include <limits>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/geometry/rotate.hpp"

namespace hci::bench {
namespace {

constexpr Extents<3> kShape{61, 210, 210};

/// Bilinear turns are quick, so that what is timed is the filling.
void run(benchmark::State& state, Exec& exec, EdgeBlend blend) {
  auto cube = speckle_cube(kShape[0], kShape[1], kShape[2]);
  for (index_t t = 0; t < kShape[0]; ++t)
    for (index_t y = 20; y < 26; ++y)
      for (index_t x = 30; x < 36; ++x) cube.view()(t, y, x) = std::numeric_limits<float>::quiet_NaN();
  const auto angles = even_angles(kShape[0]);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, kShape);
  RotateOptions options{.method = Rotation::bilinear, .edge_blend = blend};
  if (blend == EdgeBlend::interp) options.blend_fwhm = 4;
  const auto work = [&] { derotate(exec, in.view(), angles, options, out.view()); };
  work();
  // Holes come back where they were; the centre turns in place; corners are filled, not masked.
  const auto found = to_host(exec, std::as_const(out).view());
  const index_t t = kShape[0] / 2, y = kShape[1] / 2, x = kShape[2] / 2;
  const float want = cube.view()(t, y, x);
  if (!std::isnan(found.view()(t, 22, 32)) || !std::isfinite(found.view()(t, 0, 0)) ||
      std::fabs(found.view()(t, y, x) - want) > 1e-4F * (1 + std::fabs(want)))
    return state.SkipWithError("the hole, the corner or the centre is not what it must be");
  report_bytes(state, exec, timed(state, exec, work), 2.0 * static_cast<double>(cube.bytes()));
}

bool add(const char* name, EdgeBlend blend) {
  return on_every_device(name, {kShape[0], kShape[1], kShape[2]},
                         [=](benchmark::State& state, Exec& exec) { run(state, exec, blend); });
}

const bool registered[] = {add("rotate_blended/noise", EdgeBlend::noise),
                           add("rotate_blended/interp", EdgeBlend::interp)};

}  // namespace
}  // namespace hci::bench
