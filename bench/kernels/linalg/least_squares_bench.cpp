// SPDX-License-Identifier: MIT
// LOCI's normal equations: 12 annuli of 61 frames, or one of 489, each frame with a library of its own.
#include "kernels/linalg/least_squares.hpp"

#include <algorithm>
#include <cmath>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/linalg/gram.hpp"

namespace hci::bench {
namespace {

/// Problem b is frame b % frames, whose library lacks the frames about it.
struct Shape {
  index_t problems, frames, left_out;
};
constexpr Shape kNaco{732, 61, 5}, kSphere{489, 489, 21};

struct Systems {
  Array<double, 2> g, rhs, c;
  std::vector<IndexSet> sets;
  double flops = 0;  ///< of a Cholesky decomposition and two substitutions each
};

Systems systems(Exec& exec, const Shape& shape) {
  const auto [problems, frames, left_out] = shape;
  const auto cube = speckle_cube(frames, 30, 30);
  const DeviceInput<float, 2> x(exec, as_matrix(static_cast<const Array<float, 3>&>(cube).view()));
  Systems s{{exec, {frames, frames}}, {exec, {problems, frames}}, {exec, {problems, frames}}, {}};
  gram(exec, x.view(), {}, s.g.view());
  for (index_t b = 0; b < problems; ++b) {
    const index_t t = b % frames;
    copy(exec, static_cast<const Array<double, 2>&>(s.g).view()[t], s.rhs.view()[b]);
    IndexSet set;
    for (index_t i = 0; i < frames; ++i)
      if (std::abs(i - t) > left_out / 2) set.push_back(i);
    const auto n = static_cast<double>(set.size());
    s.flops += n * n * n / 3 + 2 * n * n;
    s.sets.push_back(set);
  }
  exec.wait();
  return s;
}

/// The gradient r - (G + damping mean(diag G)) c of one problem vanishes, or pushes against the bound.
bool is_minimum(Exec& exec, const Systems& s, index_t b, double damping, bool nonnegative) {
  const auto g = to_host(exec, s.g.view()), c = to_host(exec, s.c.view());
  const index_t frames = g.extent(0), t = b % frames;
  const IndexSet& set = s.sets[static_cast<std::size_t>(b)];
  double added = 0;
  for (const index_t i : set) added += damping * g.view()(i, i) / static_cast<double>(set.size());
  for (const index_t i : set) {
    double gradient = g.view()(t, i) - added * c.view()(b, i);
    for (index_t j = 0; j < frames; ++j) gradient -= g.view()(i, j) * c.view()(b, j);
    const bool bound = nonnegative && c.view()(b, i) == 0;
    if ((bound ? gradient : std::fabs(gradient)) > 1e-9 * g.view()(i, i)) return false;
  }
  return true;
}

void time_cholesky(benchmark::State& state, Exec& exec, const Shape& shape, double damping) {
  Systems s = systems(exec, shape);
  const View<const double, 3> a(s.g.data(), {1, shape.frames, shape.frames});
  const auto go = [&] { solve_subsets(exec, a, s.sets, s.rhs.view(), damping, s.c.view()); };
  go();
  if (!is_minimum(exec, s, 100, damping, false)) return state.SkipWithError("not the minimum");
  report_flops(state, exec, timed(state, exec, go), s.flops, Precision::f64);
}

void time_nonnegative(benchmark::State& state, Exec& exec, const Shape& shape) {
  Systems s = systems(exec, shape);
  const View<const double, 3> a(s.g.data(), {1, shape.frames, shape.frames});
  const auto go = [&] { solve_nonnegative_subsets(exec, a, s.sets, s.rhs.view(), s.c.view()); };
  go();
  if (!is_minimum(exec, s, 100, 0, true)) return state.SkipWithError("not the minimum");
  // What cannot be left out, for who knew which members are above zero: their Cholesky solve, and the gradient once.
  const auto c = to_host(exec, s.c.view());
  double flops = 0;
  for (index_t problem = 0; problem < shape.problems; ++problem) {
    const double* const row = &c.view()(problem, 0);
    const auto n = static_cast<double>(s.sets[static_cast<std::size_t>(problem)].size());
    const auto above =
        static_cast<double>(std::count_if(row, row + shape.frames, [](double value) { return value > 0; }));
    flops += above * above * above / 3 + 2 * above * above + 2 * n * above;
  }
  report_flops(state, exec, timed(state, exec, go), flops, Precision::f64);
}

bool add(const char* name, const Shape& shape, double damping) {
  return on_every_device(name, {shape.problems, shape.frames},
                         [=](benchmark::State& state, Exec& exec) { time_cholesky(state, exec, shape, damping); });
}
bool add_nonnegative(const Shape& shape) {
  return on_every_device("solve_nonnegative_subsets", {shape.problems, shape.frames},
                         [=](benchmark::State& state, Exec& exec) { time_nonnegative(state, exec, shape); });
}

/// LOCI's sets column by column in shared memory (in L2 above 105 members), and by panels.
bool of_sizes() {
  for (const index_t frames : {21, 29, 37, 53, 66, 85, 110, 111, 125, 205, 305, 489}) {
    const Shape shape{frames < 200 ? 732 : 489, frames, 5};
    on_both_paths("loci", {frames - shape.left_out, shape.problems},
                  [=](benchmark::State& state, Exec& exec) { time_cholesky(state, exec, shape, 1e-3); });
  }
  return true;
}

const bool registered[] = {of_sizes(),
                           add("solve_subsets", kNaco, 0),
                           add("solve_subsets", kSphere, 0),
                           add("solve_subsets/damped", kSphere, 1e-3),
                           add_nonnegative(kNaco),
                           add_nonnegative(kSphere)};

}  // namespace
}  // namespace hci::bench
