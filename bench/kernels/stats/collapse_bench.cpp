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

/// One pixel by sorting and a mean in double of the values in the middle: for the check.
float expected(const Array<float, 3>& cube, index_t y, index_t x, const CollapseOptions& options) {
  std::vector<float> values;
  for (index_t t = 0; t < cube.extent(0); ++t) values.push_back(cube.view()(t, y, x));
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  std::size_t cut = 0;
  if (options.mode == Collapse::median) cut = (n - 1) / 2;
  if (options.mode == Collapse::trimmean) cut = (n - static_cast<std::size_t>(options.trim_keep)) / 2;
  double sum = 0;
  for (std::size_t i = cut; i < n - cut; ++i) sum += static_cast<double>(values[i]);
  return static_cast<float>(sum / static_cast<double>(n - 2 * cut));
}

void run(benchmark::State& state, Exec& exec, Extents<3> shape, Collapse mode) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 2> out(exec, {shape[1], shape[2]});
  const CollapseOptions options{.mode = mode};
  const auto work = [&] { collapse(exec, in.view(), options, out.view()); };
  work();
  const auto host = to_host(exec, std::as_const(out).view());
  // A median is exact; a mean is a sum in double, in another order, rounded to float once.
  const float share = mode == Collapse::median ? 0 : 2e-7F;
  for (index_t i = 0; i < std::min(shape[1], shape[2]); i += 7) {
    const float want = expected(cube, i, i, options);
    if (!(std::fabs(host.view()(i, i) - want) <= share * std::fabs(want)))
      return state.SkipWithError("a pixel differs from that of the sorted values");
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
