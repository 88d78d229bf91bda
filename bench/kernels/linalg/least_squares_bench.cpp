// SPDX-License-Identifier: MIT
// LOCI's normal equations: 12 annuli of 61 frames, each frame with a library of its own.
#include "kernels/linalg/least_squares.hpp"

#include <algorithm>
#include <cmath>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/linalg/gram.hpp"

namespace hci::bench {
namespace {

constexpr index_t kFrames = 61, kProblems = 732, kLeftOut = 5;

struct Systems {
  Array<double, 2> g, rhs, c;
  std::vector<IndexSet> sets;
};

Systems systems(Exec& exec) {
  const auto cube = speckle_cube(kFrames, 30, 30);
  const DeviceInput<float, 2> x(exec, as_matrix(static_cast<const Array<float, 3>&>(cube).view()));
  Systems s{{exec, {kFrames, kFrames}}, {exec, {kProblems, kFrames}}, {exec, {kProblems, kFrames}}, {}};
  gram(exec, x.view(), {}, s.g.view());
  for (index_t b = 0; b < kProblems; ++b) {
    const index_t t = b % kFrames;
    copy(exec, static_cast<const Array<double, 2>&>(s.g).view()[t], s.rhs.view()[b]);
    IndexSet set;
    for (index_t i = 0; i < kFrames; ++i)
      if (std::abs(i - t) > kLeftOut / 2) set.push_back(i);
    s.sets.push_back(set);
  }
  exec.wait();
  return s;
}

/// The gradient r - G c of one problem vanishes, or pushes against the bound.
bool is_minimum(Exec& exec, const Systems& s, index_t b, bool nonnegative) {
  const auto g = to_host(exec, s.g.view()), c = to_host(exec, s.c.view());
  const index_t t = b % kFrames;
  for (index_t i : s.sets[static_cast<std::size_t>(b)]) {
    double gradient = g.view()(t, i);
    for (index_t j = 0; j < kFrames; ++j) gradient -= g.view()(i, j) * c.view()(b, j);
    const bool bound = nonnegative && c.view()(b, i) == 0;
    if ((bound ? gradient : std::fabs(gradient)) > 1e-9 * g.view()(i, i)) return false;
  }
  return true;
}

void time_cholesky(benchmark::State& state, Exec& exec) {
  Systems s = systems(exec);
  const View<const double, 3> a(s.g.data(), {1, kFrames, kFrames});
  const auto go = [&] { solve_subsets(exec, a, s.sets, s.rhs.view(), 0, s.c.view()); };
  go();
  if (!is_minimum(exec, s, 100, false)) return state.SkipWithError("not the minimum");
  const double n = kFrames - kLeftOut;
  report_flops(state, exec, timed(state, exec, go), kProblems * (n * n * n / 3 + 2 * n * n), Precision::f64);
}

void time_nonnegative(benchmark::State& state, Exec& exec) {
  Systems s = systems(exec);
  const View<const double, 3> a(s.g.data(), {1, kFrames, kFrames});
  const auto go = [&] { solve_nonnegative_subsets(exec, a, s.sets, s.rhs.view(), s.c.view()); };
  go();
  if (!is_minimum(exec, s, 100, true)) return state.SkipWithError("not the minimum");
  // What cannot be left out, for who knew which members are above zero: their Cholesky solve, and the gradient once.
  const auto c = to_host(exec, s.c.view());
  const double n = kFrames - kLeftOut;
  double flops = 0;
  for (index_t problem = 0; problem < kProblems; ++problem) {
    const double* const row = &c.view()(problem, 0);
    const auto above = static_cast<double>(std::count_if(row, row + kFrames, [](double value) { return value > 0; }));
    flops += above * above * above / 3 + 2 * above * above + 2 * n * above;
  }
  report_flops(state, exec, timed(state, exec, go), flops, Precision::f64);
}

const bool registered[] = {on_every_device("solve_subsets", {kProblems, kFrames}, time_cholesky),
                           on_every_device("solve_nonnegative_subsets", {kProblems, kFrames}, time_nonnegative)};

}  // namespace
}  // namespace hci::bench
