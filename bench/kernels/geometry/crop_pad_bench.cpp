// SPDX-License-Identifier: MIT
#include "kernels/geometry/crop_pad.hpp"

#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

/// shape: frames, side before, side after.
void run(benchmark::State& state, Exec& exec, Extents<3> shape, Border border) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[1]);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, {shape[0], shape[2], shape[2]});
  const auto work = [&] { crop_or_pad(exec, in.view(), {.border = border}, out.view()); };
  work();
  const auto host = to_host(exec, std::as_const(out).view());
  if (host.view()(1, shape[2] / 2, shape[2] / 2) != cube.view()(1, shape[1] / 2, shape[1] / 2))
    return state.SkipWithError("the centre moved");
  const double seconds = timed(state, exec, work);
  const index_t read = shape[0] * std::min(shape[1], shape[2]) * std::min(shape[1], shape[2]);
  report_bytes(state, exec, seconds, 4.0 * static_cast<double>(read + out.size()));
}

bool add(const char* name, Extents<3> shape, Border border) {
  return on_every_device(name, {shape[0], shape[1], shape[2]},
                         [=](benchmark::State& state, Exec& exec) { run(state, exec, shape, border); });
}

const bool registered[] = {
    add("crop", {489, 512, 256}, Border::constant),
    add("pad/constant", {489, 210, 316}, Border::constant),
    add("pad/reflect", {489, 210, 316}, Border::reflect),
};

}  // namespace
}  // namespace hci::bench
