// SPDX-License-Identifier: MIT
// Gram matrices of a cube with fake companions, from that of the cube.
#include "kernels/linalg/gram_update.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include "bench/kernels/linalg/speckle_rows.hpp"
#include "bench/support/bench.hpp"
#include "kernels/linalg/gram.hpp"

namespace hci::bench {
namespace {

constexpr index_t kSize = 210, kStamp = 10, kMoves = 10;  // a pixel further every so many frames

/// So many fake companions, each on its own, at places of their own; beside gram() of the same matrix.
void time_injections(benchmark::State& state, Exec& exec, index_t injections, index_t frames) {
  const auto x = speckle_rows(exec, frames, kSize, kSize);
  auto columns = host_array<index_t>(Extents<3>{injections, frames, kStamp * kStamp});
  auto values = host_array<float>(columns.extents());
  for (index_t b = 0; b < injections; ++b)
    for (index_t t = 0; t < frames; ++t)
      for (index_t s = 0; s < kStamp * kStamp; ++s) {
        const index_t y = 20 + 7 * b % 120 + t / kMoves + s / kStamp, left = 20 + 13 * b % 160;
        columns.view()(b, t, s) = y * kSize + left + s % kStamp;
        values.view()(b, t, s) = 1 + 0.001F * static_cast<float>(b);
      }
  const auto at = to_device(exec, columns.view());
  const auto stamps = to_device(exec, values.view());
  Array<double, 2> g(exec, {frames, frames});
  Array<double, 3> out(exec, {injections, frames, frames});
  gram(exec, x.view(), {}, g.view());
  const auto go = [&] { injected_grams(exec, x.view(), g.view(), at.view(), stamps.view(), out.view()); };
  go();
  const auto rows = to_host(exec, x.view());
  const auto found = to_host(exec, out.view());
  for (index_t b = 0; b < injections; b += 29)
    for (const auto& [t, u] : {std::pair<index_t, index_t>{7, 7}, {frames - 1, 3}, {3, frames - 1}}) {
      std::vector<double> one(static_cast<std::size_t>(kSize * kSize)), other = one;
      for (index_t p = 0; p < kSize * kSize; ++p) {
        one[static_cast<std::size_t>(p)] = static_cast<double>(rows.view()(t, p));
        other[static_cast<std::size_t>(p)] = static_cast<double>(rows.view()(u, p));
      }
      for (index_t s = 0; s < kStamp * kStamp; ++s) {
        one[static_cast<std::size_t>(columns.view()(b, t, s))] += static_cast<double>(values.view()(b, t, s));
        other[static_cast<std::size_t>(columns.view()(b, u, s))] += static_cast<double>(values.view()(b, u, s));
      }
      double want = 0;
      for (std::size_t p = 0; p < one.size(); ++p) want += one[p] * other[p];
      if (!(std::fabs(found.view()(b, t, u) - want) <= 1e-10 * std::fabs(want)))
        return state.SkipWithError("the updated Gram matrix is wrong");
    }
  // Two gathered products for each pair of rows and pixel of a stamp; pairs u <= t.
  const double flops =
      4.0 * kStamp * kStamp * static_cast<double>(injections) * static_cast<double>(frames * (frames + 1)) / 2;
  report_flops(state, exec, timed(state, exec, go), flops, Precision::f64);
}

bool add(const char* name, index_t injections, index_t frames) {
  return on_every_device(name, {frames, kStamp, kStamp}, [=](benchmark::State& state, Exec& exec) {
    time_injections(state, exec, injections, frames);
  });
}

const bool registered[] = {add("injected_grams/one", 1, 489), add("injected_grams/100", 100, 489),
                           add("injected_grams/1000", 1000, 61)};

}  // namespace
}  // namespace hci::bench
