// SPDX-License-Identifier: MIT
#include "kernels/stats/row_medians.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

/// For each of the frames the `neighbors` nearest in time: the annular median subtraction's sets.
std::vector<std::vector<index_t>> sets_of(index_t frames, index_t neighbors) {
  std::vector<std::vector<index_t>> sets;
  for (index_t t = 0; t < frames; ++t) {
    const index_t first = std::clamp<index_t>(t - neighbors / 2, 0, frames - neighbors);
    std::vector<index_t> set;
    for (index_t i = 0; i < neighbors; ++i) set.push_back(first + i);
    sets.push_back(set);
  }
  return sets;
}

void time_medians(benchmark::State& state, Exec& exec, Extents<3> shape, index_t neighbors) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  const index_t columns = shape[1] * shape[2];
  const Matrix<const float> host(cube.data(), {shape[0], columns});
  const DeviceInput<float, 2> x(exec, host);
  const auto sets = sets_of(shape[0], neighbors);
  Array<float, 2> medians(exec, {shape[0], columns});
  const auto work = [&] { row_medians(exec, x.view(), sets, medians.view()); };
  work();
  const auto found = to_host(exec, std::as_const(medians).view());
  for (index_t s = 0; s < shape[0]; s += 17)
    for (index_t p = s; p < columns; p += 1009) {
      std::vector<double> values;
      for (const index_t row : sets[static_cast<std::size_t>(s)]) values.push_back(host(row, p));
      std::sort(values.begin(), values.end());
      const std::size_t n = values.size();
      const auto want = static_cast<float>((values[(n - 1) / 2] + values[n / 2]) / 2);
      if (std::fabs(found.view()(s, p) - want) > 1e-6F * std::fabs(want))
        return state.SkipWithError("a median differs from the sorted one");
    }
  const double seconds = timed(state, exec, work);
  report_bytes(state, exec, seconds, 2.0 * static_cast<double>(cube.bytes()));
  state.counters["ns_per_median"] = 1e9 * seconds / static_cast<double>(shape.size());
}

void time_subtraction(benchmark::State& state, Exec& exec, Extents<3> shape) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  const index_t columns = shape[1] * shape[2];
  const Matrix<const float> host(cube.data(), {shape[0], columns});
  const DeviceInput<float, 2> x(exec, host);
  Array<float, 2> out(exec, {shape[0], columns});
  const Matrix<const float> model(x.view().data(), {1, columns});
  const auto work = [&] { subtract_rows(exec, x.view(), model, {}, out.view()); };
  work();
  const auto found = to_host(exec, std::as_const(out).view());
  for (index_t p = 0; p < columns; p += 101)
    if (found.view()(shape[0] - 1, p) != host(shape[0] - 1, p) - host(0, p))
      return state.SkipWithError("a difference is wrong");
  // Read twice, since a NaN anywhere masks a column, and written once.
  report_bytes(state, exec, timed(state, exec, work), 3.0 * static_cast<double>(cube.bytes()));
}

bool add_medians(Extents<3> shape, index_t neighbors) {
  return on_every_device("row_medians/" + std::to_string(neighbors), {shape[0], shape[1], shape[2]},
                         [=](benchmark::State& state, Exec& exec) { time_medians(state, exec, shape, neighbors); });
}

/// From which size on counting finds the middle faster than sorting does.
bool of_few_rows() {
  for (const index_t neighbors : {8, 12, 16, 20, 24, 25, 28, 32, 48})
    on_every_cuda_device("crossover/row_medians", {neighbors, 61, 101, 101}, [=](benchmark::State& state, Exec& exec) {
      time_medians(state, exec, {61, 101, 101}, neighbors);
    });
  return true;
}

const bool registered[] = {
    of_few_rows(),
    add_medians({61, 101, 101}, 4),
    add_medians({61, 101, 101}, 48),
    on_every_device("subtract_rows", {489, 210, 210},
                    [](auto& state, Exec& exec) {
                      time_subtraction(state, exec, {489, 210, 210});
                    }),
};

}  // namespace
}  // namespace hci::bench
