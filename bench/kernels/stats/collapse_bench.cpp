// SPDX-License-Identifier: MIT
#include "kernels/stats/collapse.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

/// The median of one pixel by sorting, for the check.
float sorted_median(const Array<float, 3>& cube, index_t y, index_t x) {
  std::vector<float> values;
  for (index_t t = 0; t < cube.extent(0); ++t) values.push_back(cube.view()(t, y, x));
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return static_cast<float>((double(values[(n - 1) / 2]) + double(values[n / 2])) / 2);
}

void run(benchmark::State& state, Exec& exec, Extents<3> shape, Collapse mode) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 2> out(exec, {shape[1], shape[2]});
  const auto work = [&] { collapse(exec, in.view(), {.mode = mode}, out.view()); };
  work();
  const auto host = to_host(exec, std::as_const(out).view());
  for (index_t i = 0; mode == Collapse::median && i < std::min(shape[1], shape[2]); i += 7)
    if (host.view()(i, i) != sorted_median(cube, i, i)) {
      state.SkipWithError("a median differs from the sorted one");
      return;
    }
  const double seconds = timed(state, exec, work);
  report_bytes(state, exec, seconds, static_cast<double>(cube.bytes() + host.bytes()));
}

bool add(Collapse mode, Extents<3> shape) {
  std::string name = "collapse/";
  for (const auto& [known, value] : enum_names(Collapse{}))
    if (value == mode) name += known;
  return on_every_device(name, {shape[0], shape[1], shape[2]},
                         [=](benchmark::State& state, Exec& exec) { run(state, exec, shape, mode); });
}

const bool registered[] = {
    add(Collapse::median, {489, 210, 210}),
    add(Collapse::mean, {489, 210, 210}),
    add(Collapse::trimmean, {489, 210, 210}),
    add(Collapse::median, {61, 101, 101}),
};

}  // namespace
}  // namespace hci::bench
