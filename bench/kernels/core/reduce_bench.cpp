// SPDX-License-Identifier: MIT
// What whole arrays come to: flags of a cube, and as many sums as a factorization has columns.
#include "kernels/core/reduce.hpp"

#include <cmath>

#include "bench/support/bench.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

void time_count(benchmark::State& state, Exec& exec, index_t size) {
  std::vector<std::uint8_t> flags;
  index_t want = 0;
  for (index_t i = 0; i < size; ++i) {
    flags.push_back(i % 101 == 0 ? 1 : 0);
    want += flags.back();
  }
  const auto in = to_device(exec, flags);
  index_t found = 0;
  const auto go = [&] { found = count_set(exec, in.view()); };
  go();
  if (found != want) return state.SkipWithError("another count");
  report_bytes(state, exec, timed(state, exec, go), static_cast<double>(size));
}

void time_sum(benchmark::State& state, Exec& exec, index_t size) {
  std::vector<double> values;
  long double want = 0;
  for (index_t i = 0; i < size; ++i) {
    values.push_back(1 + std::sin(static_cast<double>(i)));
    want += values.back();
  }
  const auto in = to_device(exec, values);
  double found = 0;
  const auto go = [&] { found = sum(exec, in.view()); };
  go();
  if (!(std::fabs(found / static_cast<double>(want) - 1) <= 1.2e-16 * static_cast<double>(size)))
    return state.SkipWithError("another sum");
  report_bytes(state, exec, timed(state, exec, go), 8.0 * static_cast<double>(size));
}

const bool registered[] = {
    on_every_device("count_set", {61, 210, 210},
                    [](benchmark::State& state, Exec& exec) { time_count(state, exec, 61 * 210 * 210); }),
    on_every_device("sum", {44100}, [](benchmark::State& state, Exec& exec) { time_sum(state, exec, 44100); })};

}  // namespace
}  // namespace hci::bench
