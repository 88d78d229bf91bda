// SPDX-License-Identifier: MIT
// Ten rounds of non-negative factorisation.
#include "kernels/linalg/nmf.hpp"

#include <cmath>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/linalg/nmf_start.hpp"

namespace hci::bench {
namespace {

constexpr index_t kFrames = 489, kSize = 210, kComponents = 20;

Array<float, 2> rows_of_speckles(Exec& exec) {
  auto cube = speckle_cube(kFrames, kSize, kSize);
  for (index_t i = 0; i < cube.size(); ++i) cube.data()[i] = std::fmax(cube.data()[i], 0.0F);
  Array<float, 2> rows(exec, {kFrames, kSize * kSize});
  upload(exec, View<const float, 2>(as_matrix(cube.view())), rows.view());
  exec.wait();
  return rows;
}

/// The last step sets the last row of h to its non-negative minimum, all else given: there the gradient is 0 where h
/// is not, and not negative where it is. Products in single precision, as many as there are frames and components.
bool is_at_its_minimum(const Array<float, 2>& x, const Array<float, 2>& w, const Array<float, 2>& h) {
  constexpr index_t kLast = kComponents - 1;
  constexpr double kBound = 6e-8 * (kFrames + kComponents + 2);
  int positive = 0;
  for (index_t p = 3; p < x.extent(1); p += 53) {
    double gradient = 0, size = 0;
    for (index_t t = 0; t < kFrames; ++t) {
      double rest = -static_cast<double>(x.view()(t, p)), sizes = -rest;
      for (index_t j = 0; j < kComponents; ++j) {
        const double term = static_cast<double>(w.view()(t, j)) * static_cast<double>(h.view()(j, p));
        if (!(term >= 0)) return false;
        rest += term;
        sizes += term;
      }
      gradient += static_cast<double>(w.view()(t, kLast)) * rest;
      size += static_cast<double>(w.view()(t, kLast)) * sizes;
    }
    const bool free = h.view()(kLast, p) > 0;
    positive += free;
    if (!(gradient >= -kBound * size && (!free || gradient <= kBound * size))) return false;
  }
  return positive > 0;
}

/// The start and ten rounds.
void time_nmf(benchmark::State& state, Exec& exec) {
  const auto x = rows_of_speckles(exec);
  Array<float, 2> w(exec, {kFrames, kComponents}), h(exec, {kComponents, kSize * kSize});
  const NmfOptions ten{.start = NmfStart::random, .max_iter = 10, .tol = 0, .seed = 1};
  const auto go = [&] { nmf(exec, x.view(), ten, w.view(), h.view()); };
  go();
  if (!is_at_its_minimum(to_host(exec, x.view()), to_host(exec, w.view()), to_host(exec, h.view())))
    return state.SkipWithError("the component that was improved last is not at its minimum");
  const double flops = 10.0 * 4 * static_cast<double>(kFrames * kSize * kSize * kComponents);
  report_flops(state, exec, timed(state, exec, go), flops, Precision::f32);
}

double distance(const Array<float, 2>& x, const Array<float, 2>& w, const Array<float, 2>& h) {
  double squares = 0;
  for (index_t p = 3; p < x.extent(1); p += 53)
    for (index_t t = 0; t < kFrames; ++t) {
      double rest = static_cast<double>(x.view()(t, p));
      for (index_t j = 0; j < w.extent(1); ++j)
        rest -= static_cast<double>(w.view()(t, j)) * static_cast<double>(h.view()(j, p));
      squares += rest * rest;
    }
  return squares;
}

/// The start and ten rounds, which never go away from x.
void time_multiplication(benchmark::State& state, Exec& exec) {
  const auto x = rows_of_speckles(exec);
  Array<float, 2> w(exec, {kFrames, kComponents}), h(exec, {kComponents, kSize * kSize});
  const auto host = to_host(exec, x.view());
  const auto after = [&](index_t rounds) {
    const NmfOptions options{
        .solver = NmfSolver::mu, .start = NmfStart::random, .max_iter = rounds, .tol = 0, .seed = 1};
    nmf(exec, x.view(), options, w.view(), h.view());
  };
  after(1);
  const double first = distance(host, to_host(exec, w.view()), to_host(exec, h.view()));
  after(10);
  const double tenth = distance(host, to_host(exec, w.view()), to_host(exec, h.view()));
  if (!(tenth < first)) return state.SkipWithError("ten rounds are no better than one");
  const double flops = 10.0 * 4 * static_cast<double>(kFrames * kSize * kSize * kComponents);
  report_flops(state, exec, timed(state, exec, [&] { after(10); }), flops, Precision::f32);
}

/// The start alone, of which the Gram matrix is most: t (t + 1) p flops in double.
void time_start(benchmark::State& state, Exec& exec) {
  const auto x = rows_of_speckles(exec);
  Array<double, 2> w(exec, {kFrames, kComponents});
  Array<float, 2> h(exec, {kComponents, kSize * kSize});
  const auto go = [&] { nmf_start(exec, x.view(), NmfStart::nndsvd, 0, w.view(), h.view()); };
  go();
  const auto host = to_host(exec, x.view()), host_h = to_host(exec, h.view());
  const auto host_w = to_host(exec, w.view());
  auto single = host_array<float, 2>(host_w.extents()), nothing = host_array<float, 2>(host_w.extents());
  for (index_t i = 0; i < single.size(); ++i) {
    if (!(host_w.data()[i] >= 0)) return state.SkipWithError("a negative factor");
    single.data()[i] = static_cast<float>(host_w.data()[i]);
    nothing.data()[i] = 0;
  }
  if (!(distance(host, single, host_h) < 0.5 * distance(host, nothing, host_h)))
    return state.SkipWithError("a start that is no nearer than nothing");
  report_flops(state, exec, timed(state, exec, go), static_cast<double>(kFrames * (kFrames + 1) * kSize * kSize),
               Precision::f64);
}

/// A hundred rounds for the weights in components that another factorisation's start gave.
void time_weights(benchmark::State& state, Exec& exec) {
  const auto x = rows_of_speckles(exec);
  constexpr index_t kRounds = 100;
  Array<double, 2> start(exec, {kFrames, kComponents});
  Array<float, 2> w(exec, {kFrames, kComponents}), h(exec, {kComponents, kSize * kSize});
  nmf_start(exec, x.view(), NmfStart::nndsvd, 0, start.view(), h.view());
  const auto go = [&] { nmf_weights(exec, x.view(), h.view(), {.max_iter = kRounds, .tol = 0}, w.view()); };
  go();
  const auto host_x = to_host(exec, x.view()), host_h = to_host(exec, h.view()), host_w = to_host(exec, w.view());
  double gradient = 0, size = 0;  // of the weight that was improved last, which is then at its minimum
  for (index_t p = 0; p < host_x.extent(1); ++p) {
    double rest = -static_cast<double>(host_x.view()(7, p)), sizes = -rest;
    for (index_t j = 0; j < kComponents; ++j) {
      const double term = static_cast<double>(host_w.view()(7, j)) * static_cast<double>(host_h.view()(j, p));
      rest += term;
      sizes += term;
    }
    gradient += static_cast<double>(host_h.view()(kComponents - 1, p)) * rest;
    size += static_cast<double>(host_h.view()(kComponents - 1, p)) * sizes;
  }
  const bool free = host_w.view()(7, kComponents - 1) > 0;
  if (!(size > 0 && gradient >= -1.2e-7 * size && (!free || gradient <= 1.2e-7 * size)))
    return state.SkipWithError("the weight that was improved last is not at its minimum");
  const double flops = static_cast<double>(2 * kFrames * kComponents * (kSize * kSize + kRounds * kComponents));
  report_flops(state, exec, timed(state, exec, go), flops, Precision::f64);
}

const bool registered[] = {on_every_device("nmf_weights/ncomp20/100_rounds", {kFrames, kSize, kSize}, time_weights),
                           on_every_device("nmf/ncomp20/10_rounds", {kFrames, kSize, kSize}, time_nmf),
                           on_every_device("nmf/mu/ncomp20/10_rounds", {kFrames, kSize, kSize}, time_multiplication),
                           on_every_device("nmf_start/nndsvd/ncomp20", {kFrames, kSize, kSize}, time_start)};

}  // namespace
}  // namespace hci::bench
