// SPDX-License-Identifier: MIT
// What annular PCA asks for: the Gram matrices of all annuli, and for each frame the top pairs of a library of its own,
// the frames that have turned far enough.
#include <algorithm>
#include <cmath>

#include "bench/kernels/linalg/speckle_rows.hpp"
#include "bench/support/bench.hpp"
#include "kernels/linalg/columns.hpp"
#include "kernels/linalg/eigh_crossover.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/submatrix.hpp"

namespace hci::bench {
namespace {

/// Frames (t, p) of a square, the pixels of an annulus side by side, one annulus after the other.
struct Annuli {
  Array<float, 2> x;
  std::vector<index_t> first{0};  ///< column of each annulus, and the end

  Annuli(Exec& exec, index_t count, index_t frames, index_t size) {
    std::vector<index_t> pixels;
    const double middle = static_cast<double>(size / 2), width = middle / static_cast<double>(count);
    for (index_t a = 0; a < count; ++a) {
      for (index_t i = 0; i < size * size; ++i) {
        const double radius =
            std::hypot(static_cast<double>(i / size) - middle, static_cast<double>(i % size) - middle);
        if (radius >= static_cast<double>(a) * width && radius < static_cast<double>(a + 1) * width)
          pixels.push_back(i);
      }
      first.push_back(static_cast<index_t>(pixels.size()));
    }
    const auto rows = speckle_rows(exec, frames, size, size);
    const auto set = to_device(exec, pixels);
    x = Array<float, 2>(exec, {frames, first.back()});
    gather_columns(exec, rows.view(), set.view(), x.view());
    exec.wait();
  }
  index_t count() const { return static_cast<index_t>(first.size()) - 1; }
  Matrix<const float> operator[](index_t a) const {
    const auto at = static_cast<std::size_t>(a);
    return {x.data() + first[at], {x.extent(0), first[at + 1] - first[at]}, {x.extent(1), 1}};
  }
  void grams(Exec& exec, View<double, 3> g) const { gram_batch(exec, x.view(), first, {}, g); }
};

enum class Grams { together, loop };

Body of_grams(index_t count, index_t frames, index_t size, Grams how) {
  return [=](benchmark::State& state, Exec& exec) {
    const Annuli annuli(exec, count, frames, size);
    Array<double, 3> g(exec, {count, frames, frames});
    const auto go = [&] {
      if (how == Grams::together) return annuli.grams(exec, g.view());
      for (index_t a = 0; a < count; ++a) gram(exec, annuli[a], {}, g.view()[a]);
    };
    go();
    const auto found = to_host(exec, g.view());
    const auto rows = to_host(exec, annuli.x.view());
    double flops = 0;
    for (index_t a = 0; a < count; ++a) {
      const auto at = static_cast<std::size_t>(a);
      double want = 0, size_of = 0;
      for (index_t p = annuli.first[at]; p < annuli.first[at + 1]; ++p) {
        const double term = static_cast<double>(rows.view()(frames - 1, p)) * static_cast<double>(rows.view()(a, p));
        want += term;
        size_of += std::fabs(term);
      }
      const index_t pixels = annuli.first[at + 1] - annuli.first[at];
      if (!(std::fabs(found.view()(a, frames - 1, a) - want) <= 2.3e-16 * 2 * static_cast<double>(pixels) * size_of))
        return state.SkipWithError("a product differs");
      flops += static_cast<double>(frames * (frames + 1) * pixels);
    }
    report_flops(state, exec, timed(state, exec, go), flops, Precision::f64);
  };
}

/// Pairs of one library against its matrix: |A v - w v| and |v| - 1.
bool are_pairs(const Matrix<const double>& a, const IndexSet& set, const Vector<const double>& w,
               const Matrix<const double>& v) {
  double norm = 0;
  for (const index_t i : set)
    for (const index_t j : set) norm += a(i, j) * a(i, j);
  for (index_t pair = 0; pair < w.extent(0); ++pair)
    for (index_t other = 0; other <= pair; ++other) {
      double residual = 0, product = 0;
      for (const index_t i : set) {
        double sum = -w(pair) * v(pair, i);
        for (const index_t j : set) sum += a(i, j) * v(pair, j);
        residual += sum * sum;
        product += v(pair, i) * v(other, i);
      }
      if (!(std::sqrt(residual) <= 10 * 2.3e-16 * static_cast<double>(set.size()) * std::sqrt(norm))) return false;
      if (!(std::fabs(product - (pair == other ? 1 : 0)) <= 1e-11)) return false;
    }
  return true;
}

enum class Way { chosen, cold, started };

/// k pairs for each of the first `targets` frames of all annuli; a window of `left_out` frames about it is not in its
/// library. cold, started: the same submatrices, of the solver that serves them, without and with the start that pairs
/// of the whole matrices are (made anew each time).
Body of_libraries(index_t count, index_t frames, index_t size, index_t targets, index_t left_out, index_t k, Way way) {
  return [=](benchmark::State& state, Exec& exec) {
    const index_t problems = count * targets, order = frames - left_out;
    Array<double, 3> g(exec, {count, frames, frames}), vectors(exec, {problems, k, frames});
    Annuli(exec, count, frames, size).grams(exec, g.view());
    std::vector<IndexSet> sets;
    std::vector<index_t> matrices;
    for (index_t b = 0; b < problems; ++b) {
      sets.emplace_back();
      matrices.push_back(b / targets);
      for (index_t i = 0; i < frames; ++i)
        if ((i - b % targets + left_out / 2 + frames) % frames >= left_out) sets.back().push_back(i);
    }
    const auto of = to_device(exec, matrices);
    Array<double, 2> values(exec, {problems, k});
    const auto go = [&] {
      if (way == Way::chosen) return eigh_top_subsets(exec, g.view(), sets, k, values.view(), vectors.view());
      const auto index = index_table(exec, sets, frames);
      Array<double, 3> sub(exec, {problems, order, order}), found(exec, {problems, k, order});
      gather_submatrices(exec, g.view(), of.view(), index.view(), sub.view(), false);
      Array<double, 3> start(exec, {way == Way::started ? problems : 0, k + crossover::kOversampling, order});
      if (way == Way::started) {
        Array<double, 2> of_whole(exec, {count, start.extent(1)});
        Array<double, 3> whole(exec, {count, start.extent(1), frames});
        eigh_top_batch(exec, g.view(), start.extent(1), of_whole.view(), whole.view());
        gather_entries(exec, whole.view(), of.view(), index.view(), start.view());
      }
      eigh_top_batch(exec, sub.view(), k, values.view(), found.view(), start.view());
      scatter_entries(exec, found.view(), index.view(), vectors.view());
    };
    go();
    const auto v = to_host(exec, vectors.view()), a = to_host(exec, g.view());
    const auto w = to_host(exec, values.view());
    for (const index_t b : {index_t{0}, problems / 2, problems - 1})
      if (!are_pairs(a.view()[b / targets], sets[static_cast<std::size_t>(b)], w.view()[b], v.view()[b]))
        return state.SkipWithError("no eigenpairs");
    const auto n = static_cast<double>(order);  // what a tridiagonalization takes, whatever is done
    report_flops(state, exec, timed(state, exec, go), static_cast<double>(problems) * 4 / 3 * n * n * n,
                 Precision::f64);
  };
}

/// From which number of sets of a matrix on the start pays: crossover::kSetsForAStart.
bool start_of_few_sets() {
  for (const index_t k : {5, 20})
    for (const index_t each : {1, 5, 10, 20}) {
      const std::vector<index_t> shape{4, each, 489, k};
      on_every_device("crossover/subsets_cold", shape, of_libraries(4, 489, 101, each, 20, k, Way::cold));
      on_every_device("crossover/subsets_started", shape, of_libraries(4, 489, 101, each, 20, k, Way::started));
    }
  return true;
}

/// Up to which number of rows regions are better multiplied as one batch.
bool grams_of_few_rows() {
  for (const index_t rows : {61, 128, 192, 256, 257, 320, 489}) {
    on_every_cuda_device("crossover/gram_batch", {rows, 12, 101, 101}, of_grams(12, rows, 101, Grams::together));
    on_every_cuda_device("crossover/gram_loop", {rows, 12, 101, 101}, of_grams(12, rows, 101, Grams::loop));
  }
  return true;
}

const bool registered[] = {
    start_of_few_sets(),
    grams_of_few_rows(),
    on_every_device("gram_batch", {12, 61, 101, 101}, of_grams(12, 61, 101, Grams::together)),
    on_every_device("gram_batch", {25, 489, 210, 210}, of_grams(25, 489, 210, Grams::together)),
    on_the_cpu("crossover/gram_loop", {12, 61, 101, 101}, of_grams(12, 61, 101, Grams::loop)),
    on_the_cpu("crossover/gram_loop", {25, 489, 210, 210}, of_grams(25, 489, 210, Grams::loop)),
    on_every_device("eigh_top_subsets/ncomp5", {732, 61}, of_libraries(12, 61, 101, 61, 5, 5, Way::chosen)),
    on_every_device("eigh_top_subsets/ncomp20", {60, 489}, of_libraries(3, 489, 101, 20, 20, 20, Way::chosen)),
    on_every_device("eigh_top_subsets/ncomp20_cold", {60, 489}, of_libraries(3, 489, 101, 20, 20, 20, Way::cold)),
    on_every_device("eigh_top_subsets/ncomp5", {60, 489}, of_libraries(3, 489, 101, 20, 20, 5, Way::chosen)),
    on_every_device("eigh_top_subsets/ncomp20_of_each_one", {4, 489},
                    of_libraries(4, 489, 101, 1, 20, 20, Way::chosen)),
    on_every_device("eigh_top_subsets/ncomp5_cold", {60, 489}, of_libraries(3, 489, 101, 20, 20, 5, Way::cold))};

}  // namespace
}  // namespace hci::bench
