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

/// One pixel by the definition, in double: for the check.
float expected(const Array<float, 3>& cube, index_t y, index_t x, const CollapseOptions& options) {
  std::vector<double> values;
  for (index_t t = 0; t < cube.extent(0); ++t) {
    const auto value = static_cast<double>(cube.view()(t, y, x));
    const double weight = options.mode == Collapse::wmean ? options.weights[static_cast<std::size_t>(t)] : 1;
    values.push_back(options.mode == Collapse::absmean ? std::fabs(value) : weight * value);
  }
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  std::size_t cut = 0;
  if (options.mode == Collapse::max) return static_cast<float>(values.back());
  if (options.mode == Collapse::median) cut = (n - 1) / 2;
  if (options.mode == Collapse::trimmean) cut = (n - static_cast<std::size_t>(options.trim_keep)) / 2;
  double sum = 0;
  for (std::size_t i = cut; i < n - cut; ++i) sum += values[i];
  const bool total = options.mode == Collapse::sum || options.mode == Collapse::wmean;
  return static_cast<float>(total ? sum : sum / static_cast<double>(n - 2 * cut));
}

/// Of frames of different quality: they add up to 1.
std::vector<double> weights_of(index_t frames) {
  std::vector<double> weights;
  for (index_t t = 0; t < frames; ++t)
    weights.push_back(2 * static_cast<double>(t + 1) / static_cast<double>(frames * (frames + 1)));
  return weights;
}

void run(benchmark::State& state, Exec& exec, Extents<3> shape, Collapse mode) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 2> out(exec, {shape[1], shape[2]});
  const CollapseOptions options{.mode = mode,
                                .weights = mode == Collapse::wmean ? weights_of(shape[0]) : std::vector<double>{}};
  const auto work = [&] { collapse(exec, in.view(), options, out.view()); };
  work();
  const auto host = to_host(exec, std::as_const(out).view());
  // What is chosen is exact; a mean is a sum in double, in another order, rounded to float once.
  const float share = mode == Collapse::median || mode == Collapse::max ? 0 : 2e-7F;
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

/// From which number of frames on tiles in shared memory rank faster than a thread for each pixel.
bool of_few_frames() {
  for (const index_t frames : {8, 16, 24, 31, 32, 48, 64, 100})
    on_both_paths("collapse_median", {frames, 210, 210}, [=](benchmark::State& state, Exec& exec) {
      run(state, exec, {frames, 210, 210}, Collapse::median);
    });
  for (const index_t frames : {32, 100})
    on_both_paths("collapse_trimmean", {frames, 210, 210}, [=](benchmark::State& state, Exec& exec) {
      run(state, exec, {frames, 210, 210}, Collapse::trimmean);
    });
  return true;
}

const bool registered[] = {
    of_few_frames(),
    add(Collapse::median, {489, 210, 210}),
    add(Collapse::mean, {489, 210, 210}),
    add(Collapse::trimmean, {489, 210, 210}),
    add(Collapse::sum, {489, 210, 210}),
    add(Collapse::max, {489, 210, 210}),
    add(Collapse::absmean, {489, 210, 210}),
    add(Collapse::wmean, {489, 210, 210}),
    add(Collapse::median, {61, 101, 101}),
};

}  // namespace
}  // namespace hci::bench
