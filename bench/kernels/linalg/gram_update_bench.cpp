// SPDX-License-Identifier: MIT
// The Gram matrix of a cube with a fake companion, from that of the cube.
#include "kernels/linalg/gram_update.hpp"

#include <cmath>

#include "bench/kernels/linalg/speckle_rows.hpp"
#include "bench/support/bench.hpp"
#include "kernels/linalg/gram.hpp"

namespace hci::bench {
namespace {

constexpr index_t kFrames = 489, kSize = 210, kStamp = 10;

/// One fake companion that moves a pixel a frame; beside gram() of the same matrix.
void time_injection(benchmark::State& state, Exec& exec) {
  const auto x = speckle_rows(exec, kFrames, kSize, kSize);
  auto columns = host_array<index_t>(Extents<3>{1, kFrames, kStamp * kStamp});
  auto values = host_array<float>(columns.extents());
  for (index_t t = 0; t < kFrames; ++t)
    for (index_t s = 0; s < kStamp * kStamp; ++s) {
      const index_t y = 60 + t / 10 + s / kStamp, column = y * kSize + 100 + s % kStamp;
      columns.view()(0, t, s) = column;
      values.view()(0, t, s) = 1;
    }
  const auto at = to_device(exec, columns.view());
  const auto stamps = to_device(exec, values.view());
  Array<double, 2> g(exec, {kFrames, kFrames});
  Array<double, 3> out(exec, {1, kFrames, kFrames});
  gram(exec, x.view(), {}, g.view());
  const auto go = [&] { injected_grams(exec, x.view(), g.view(), at.view(), stamps.view(), out.view()); };
  go();
  const auto row = to_host(exec, x.view());
  double square = 0;
  for (index_t p = 0; p < row.extent(1); ++p) square += std::pow(static_cast<double>(row.view()(7, p)), 2);
  for (index_t s = 0; s < kStamp * kStamp; ++s)
    square += 1 + 2 * static_cast<double>(row.view()(7, columns.view()(0, 7, s)));
  if (std::fabs(to_host(exec, out.view()).view()(0, 7, 7) - square) > 1e-10 * square)
    return state.SkipWithError("the updated Gram matrix is wrong");
  // Two gathered products for each pair of rows and pixel of a stamp; pairs u <= t.
  const double flops = 4.0 * kStamp * kStamp * kFrames * (kFrames + 1) / 2;
  report_flops(state, exec, timed(state, exec, go), flops, Precision::f64);
}

const bool registered = on_every_device("injected_grams/one", {kFrames, kStamp, kStamp}, time_injection);

}  // namespace
}  // namespace hci::bench
