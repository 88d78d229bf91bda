// SPDX-License-Identifier: MIT
// What lies between eigenpairs and a residual: products of two stacks, scores, coefficients, numbers of components.
#include "kernels/linalg/components.hpp"

#include <cmath>

#include "bench/kernels/linalg/speckle_rows.hpp"
#include "bench/support/bench.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/svd.hpp"

namespace hci::bench {
namespace {

constexpr index_t kFrames = 489, kSize = 210, kComponents = 20;

/// Targets beside a library of as many frames.
void time_cross(benchmark::State& state, Exec& exec) {
  const auto x = speckle_rows(exec, 2 * kFrames, kSize, kSize);
  const auto a = slice(Matrix<const float>(x.view()), 0, kFrames),
             b = slice(Matrix<const float>(x.view()), kFrames, kFrames);
  Array<double, 2> g(exec, {kFrames, kFrames});
  const auto go = [&] { cross_gram(exec, a, b, {}, g.view()); };
  go();
  const auto found = to_host(exec, g.view());
  const auto rows = to_host(exec, x.view());
  for (index_t i = 0; i < kFrames; i += 61) {
    const index_t j = (7 * i + 5) % kFrames;
    double want = 0, size = 0;
    for (index_t p = 0; p < rows.extent(1); ++p) {
      const double term = double(rows.view()(i, p)) * double(rows.view()(kFrames + j, p));
      want += term;
      size += std::fabs(term);
    }
    if (!(std::fabs(found.view()(i, j) - want) <= 2.3e-16 * 2 * kSize * kSize * size))
      return state.SkipWithError("a product differs");
  }
  report_flops(state, exec, timed(state, exec, go), 2.0 * kFrames * kFrames * kSize * kSize, Precision::f64);
}

/// The scores of 489 targets and their coefficients, a library of its own for each.
struct Libraries {
  Array<double, 2> g, values, scores;
  Array<double, 3> vectors;
  explicit Libraries(Exec& exec) : scores(exec, {kFrames, kComponents}) {
    auto host_g = host_array<double, 2>({kFrames, kFrames}), w = host_array<double, 2>({kFrames, kComponents});
    auto v = host_array<double, 3>({kFrames, kComponents, kFrames});
    for (index_t i = 0; i < host_g.size(); ++i) host_g.data()[i] = std::sin(static_cast<double>(i));
    for (index_t i = 0; i < w.size(); ++i) w.data()[i] = 2 + std::cos(static_cast<double>(i));
    for (index_t i = 0; i < v.size(); ++i) v.data()[i] = std::cos(0.7 * static_cast<double>(i));
    g = to_device(exec, host_g.view());
    values = to_device(exec, w.view());
    vectors = to_device(exec, v.view());
    exec.wait();
  }
};

void time_scores(benchmark::State& state, Exec& exec) {
  Libraries with(exec);
  const auto go = [&] {
    component_scores(exec, with.g.view(), with.values.view(), with.vectors.view(), with.scores.view());
  };
  go();
  const auto found = to_host(exec, with.scores.view()), g = to_host(exec, with.g.view());
  const auto w = to_host(exec, with.values.view());
  const auto v = to_host(exec, with.vectors.view());
  for (index_t t = 0; t < kFrames; t += 37) {
    const index_t j = t % kComponents;
    double want = 0;
    for (index_t i = 0; i < kFrames; ++i) want += g.view()(t, i) * v.view()(t, j, i);
    if (!(std::fabs(found.view()(t, j) - want / w.view()(t, j)) <= 2.3e-16 * 2 * kFrames * kFrames))
      return state.SkipWithError("another score");
  }
  report_bytes(state, exec, timed(state, exec, go), 8.0 * static_cast<double>(with.vectors.size() + with.g.size()));
}

void time_coefficients(benchmark::State& state, Exec& exec) {
  Libraries with(exec);
  component_scores(exec, with.g.view(), with.values.view(), with.vectors.view(), with.scores.view());
  const auto counts = to_device(exec, std::vector<index_t>(kFrames, kComponents));
  Array<float, 2> c(exec, {kFrames, kFrames});
  const auto go = [&] {
    component_coefficients(exec, with.scores.view(), with.vectors.view(), counts.view(), c.view());
  };
  go();
  const auto scores = to_host(exec, with.scores.view());
  const auto v = to_host(exec, with.vectors.view());
  const auto found = to_host(exec, c.view());
  for (index_t t = 0; t < kFrames; t += 37) {
    const index_t i = (11 * t + 3) % kFrames;
    double want = 0, size = 0;
    for (index_t j = 0; j < kComponents; ++j) {
      want += scores.view()(t, j) * v.view()(t, j, i);
      size += std::fabs(scores.view()(t, j) * v.view()(t, j, i));
    }
    if (!(std::fabs(double(found.view()(t, i)) - want) <= 1.2e-7 * size))  // rounded to float once
      return state.SkipWithError("another coefficient");
  }
  report_bytes(state, exec, timed(state, exec, go),
               8.0 * static_cast<double>(with.vectors.size()) + 4.0 * static_cast<double>(c.size()));
}

/// Standard deviation of what a number of components leaves of 61 frames of 900 pixels.
double left(const Array<double, 2>& w, const Array<double, 3>& u, const Array<double, 1>& sums, index_t count) {
  const index_t n = sums.size();
  double squares = 0, sum = 0;
  for (index_t j = count; j < n; ++j) squares += w.view()(0, j);
  for (index_t i = 0; i < n; ++i) sum += sums.data()[i];
  for (index_t j = 0; j < count; ++j) {
    double of_vector = 0, of_rows = 0;
    for (index_t i = 0; i < n; ++i) {
      of_vector += u.view()(0, j, i);
      of_rows += u.view()(0, j, i) * sums.data()[i];
    }
    sum -= of_vector * of_rows;
  }
  const double values = static_cast<double>(n * 900);
  return std::sqrt(squares / values - sum / values * (sum / values));
}

void time_counts(benchmark::State& state, Exec& exec) {
  constexpr index_t kOrder = 61, kProblems = 732;
  constexpr double kTolerance = 0.01;
  const auto x = speckle_rows(exec, kOrder, 30, 30);
  Array<double, 2> g(exec, {kOrder, kOrder}), values(exec, {kProblems, kOrder});
  Array<double, 3> vectors(exec, {kProblems, kOrder, kOrder});
  Array<double, 1> sums(exec, {kOrder});
  gram(exec, x.view(), {}, g.view());
  row_sums(exec, x.view(), {}, sums.view());
  IndexSet all;
  for (index_t i = 0; i < kOrder; ++i) all.push_back(i);
  eigh_top_subsets(exec, {g.data(), {1, kOrder, kOrder}}, std::vector<IndexSet>(kProblems, all), kOrder, values.view(),
                   vectors.view());
  const auto sizes = to_device(exec, std::vector<index_t>(kProblems, kOrder));
  Array<index_t, 1> counts(exec, {kProblems});
  const auto go = [&] {
    automatic_counts(exec, values.view(), vectors.view(), sizes.view(), sums.view(), 900, kTolerance, counts.view());
  };
  go();
  const auto w = to_host(exec, values.view());
  const auto u = to_host(exec, vectors.view());
  const auto s = to_host(exec, sums.view());
  index_t want = 2;
  while (want < kOrder && !(left(w, u, s, want - 1) - left(w, u, s, want) < kTolerance)) ++want;
  const auto found = to_host(exec, counts.view());
  if (want == 2 || want == kOrder || found.data()[0] != want || found.data()[kProblems - 1] != want)
    return state.SkipWithError("another number of components");
  report_bytes(state, exec, timed(state, exec, go), 8.0 * static_cast<double>(vectors.size()));
}

/// The 20 largest pairs of a Gram matrix that is there: 2 n^2 flops for each of 30 vectors and three products.
void time_randomized(benchmark::State& state, Exec& exec) {
  constexpr index_t kOrder = 1000;
  const auto x = speckle_rows(exec, kOrder, 60, 60);
  Array<double, 3> g(exec, {1, kOrder, kOrder}), vectors(exec, {1, kComponents, kOrder});
  Array<double, 2> values(exec, {1, kComponents});
  gram(exec, x.view(), {}, g.view()[0]);
  const DenseOperator matrix(g.view());
  const auto go = [&] { eigh_randomized(exec, matrix, values.view(), vectors.view()); };
  go();
  const auto a = to_host(exec, g.view()), v = to_host(exec, vectors.view());
  const auto w = to_host(exec, values.view());
  double squares = 0;  // of the first pair, whose error the spectrum makes small
  for (index_t i = 0; i < kOrder; ++i) {
    double sum = -w.data()[0] * v.view()(0, 0, i);
    for (index_t j = 0; j < kOrder; ++j) sum += a.view()(0, i, j) * v.view()(0, 0, j);
    squares += sum * sum;
  }
  state.counters["residual"] = std::sqrt(squares) / w.data()[0];
  if (!(std::sqrt(squares) <= 1e-6 * w.data()[0])) return state.SkipWithError("no eigenvector");
  report_flops(state, exec, timed(state, exec, go), 4 * 2.0 * kOrder * kOrder * (kComponents + 10), Precision::f64);
}

const bool registered[] = {
    on_every_device("cross_gram", {kFrames, kFrames, kSize* kSize}, time_cross),
    on_every_device("component_scores", {kFrames, kComponents, kFrames}, time_scores),
    on_every_device("component_coefficients", {kFrames, kComponents, kFrames}, time_coefficients),
    on_every_device("automatic_counts", {732, 61}, time_counts),
    on_every_device("eigh_randomized", {1, 1000, kComponents}, time_randomized)};

}  // namespace
}  // namespace hci::bench
