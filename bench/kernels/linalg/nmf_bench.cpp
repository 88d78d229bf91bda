// SPDX-License-Identifier: MIT
// One round of non-negative factorisation, and the Gram matrix of an injected cube.
#include "kernels/linalg/nmf.hpp"

#include <cmath>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/gram_update.hpp"

namespace hci::bench {
namespace {

constexpr index_t kFrames = 489, kSize = 210, kComponents = 20, kStamp = 10;

Array<float, 2> rows_of_speckles(Exec& exec) {
  auto cube = speckle_cube(kFrames, kSize, kSize);
  for (index_t i = 0; i < cube.size(); ++i) cube.data()[i] = std::fmax(cube.data()[i], 0.0F);
  Array<float, 2> rows(exec, {kFrames, kSize * kSize});
  upload(exec, View<const float, 2>(as_matrix(cube.view())), rows.view());
  exec.wait();
  return rows;
}

/// The start and ten rounds.
void time_nmf(benchmark::State& state, Exec& exec) {
  const auto x = rows_of_speckles(exec);
  Array<float, 2> w(exec, {kFrames, kComponents}), h(exec, {kComponents, kSize * kSize});
  const NmfOptions ten{.start = NmfStart::random, .max_iter = 10, .tol = 0, .seed = 1};
  const auto go = [&] { nmf(exec, x.view(), ten, w.view(), h.view()); };
  go();
  const auto host = to_host(exec, h.view());
  for (index_t i = 0; i < host.size(); ++i)
    if (!(host.data()[i] >= 0)) return state.SkipWithError("a factor is negative");
  const double flops = 10.0 * 4 * static_cast<double>(kFrames * kSize * kSize * kComponents);
  report_flops(state, exec, timed(state, exec, go), flops, Precision::f32);
}

/// One fake companion that moves a pixel a frame; beside gram() of the same matrix.
void time_injection(benchmark::State& state, Exec& exec) {
  const auto x = rows_of_speckles(exec);
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

const bool registered[] = {on_every_device("nmf/ncomp20/10_rounds", {kFrames, kSize, kSize}, time_nmf),
                           on_every_device("injected_grams/one", {kFrames, kStamp, kStamp}, time_injection)};

}  // namespace
}  // namespace hci::bench
