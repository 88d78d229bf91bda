// SPDX-License-Identifier: MIT
#include "kernels/geometry/derotate_collapse.hpp"

#include <cstring>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

void run(benchmark::State& state, Exec& exec, Extents<3> shape, Collapse mode) {
  CollapseOptions collapsing{.mode = mode};
  if (mode == Collapse::wmean)
    for (index_t t = 0; t < shape[0]; ++t) collapsing.weights.push_back(1.0 / static_cast<double>(t + 7));
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  const auto angles = even_angles(shape[0]);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 2> out(exec, {shape[1], shape[2]}), expected(exec, {shape[1], shape[2]});
  {
    Array<float, 3> derotated(exec, shape);
    derotate(exec, in.view(), angles, {}, derotated.view());
    collapse(exec, derotated.view(), collapsing, expected.view());
  }
  const auto work = [&] { derotate_collapse(exec, in.view(), angles, {}, collapsing, out.view()); };
  work();
  const auto got = to_host(exec, std::as_const(out).view()), want = to_host(exec, std::as_const(expected).view());
  if (std::memcmp(got.data(), want.data(), got.bytes()) != 0) {
    state.SkipWithError("differs from derotating and then collapsing");
    return;
  }
  const double seconds = timed(state, exec, work);
  report_bytes(state, exec, seconds, static_cast<double>(cube.bytes() + got.bytes()));
  state.counters["ns_per_sample"] = 1e9 * seconds / static_cast<double>(shape.size());
}

bool add(const char* name, Collapse mode, Extents<3> shape) {
  return on_every_device(name, {shape[0], shape[1], shape[2]},
                         [=](benchmark::State& state, Exec& exec) { run(state, exec, shape, mode); });
}

bool add_paths(Collapse mode, Extents<3> shape) {
  return on_both_paths(mode == Collapse::median ? "derotate_collapse_median" : "derotate_collapse_mean",
                       {shape[0], shape[1], shape[2]},
                       [=](benchmark::State& state, Exec& exec) { run(state, exec, shape, mode); });
}

const bool registered[] = {
    add_paths(Collapse::median, {20, 210, 210}),
    add_paths(Collapse::median, {61, 210, 210}),
    add_paths(Collapse::median, {200, 210, 210}),
    add_paths(Collapse::mean, {61, 210, 210}),
    add("derotate_collapse/lanczos4_median", Collapse::median, {489, 210, 210}),
    add("derotate_collapse/lanczos4_mean", Collapse::mean, {489, 210, 210}),
    add("derotate_collapse/lanczos4_trimmean", Collapse::trimmean, {489, 210, 210}),
    add("derotate_collapse/lanczos4_wmean", Collapse::wmean, {489, 210, 210}),
    add("derotate_collapse/lanczos4_sum", Collapse::sum, {489, 210, 210}),
    add("derotate_collapse/lanczos4_max", Collapse::max, {489, 210, 210}),
    add("derotate_collapse/lanczos4_absmean", Collapse::absmean, {489, 210, 210}),
    add("derotate_collapse/lanczos4_median", Collapse::median, {61, 101, 101}),
    add("derotate_collapse/lanczos4_median", Collapse::median, {489, 512, 512}),
};

}  // namespace
}  // namespace hci::bench
