// SPDX-License-Identifier: MIT
// What moves rows and columns about, bound by memory: scaling, cutting out regions, masks, principal submatrices,
// coefficients of all ncomp; and the orthonormal rows of the eigensolvers.
#include <algorithm>
#include <cmath>

#include "bench/kernels/linalg/speckle_rows.hpp"
#include "bench/support/bench.hpp"
#include "kernels/linalg/cholesky_qr.hpp"
#include "kernels/linalg/columns.hpp"
#include "kernels/linalg/components.hpp"
#include "kernels/linalg/gemm.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/scale_rows.hpp"
#include "kernels/linalg/submatrix.hpp"

namespace hci::bench {
namespace {

constexpr index_t kFrames = 489, kSize = 210, kPixels = kSize * kSize;
constexpr double kCube = 4.0 * kFrames * kPixels;  // bytes

/// Bytes: each number read once and written once.
Body scaling(Scaling how) {
  return [how](benchmark::State& state, Exec& exec) {
    const auto x = speckle_rows(exec, kFrames, kSize, kSize);
    Array<float, 2> out(exec, x.extents());
    const auto go = [&] { scale_rows(exec, x.view(), {}, how, out.view()); };
    go();
    const auto host = to_host(exec, out.view());
    const bool temporal = how == Scaling::temp_standard;
    double sum = 0, squares = 0;  // of the last column, or row
    const index_t count = temporal ? kFrames : kPixels;
    for (index_t i = 0; i < count; ++i) {
      const double value = temporal ? host.view()(i, kPixels - 1) : host.view()(kFrames - 1, i);
      sum += value;
      squares += value * value;
    }
    const auto n = static_cast<double>(count);
    if (std::fabs(sum) > 1e-5 * n || std::fabs(squares - n) > 1e-5 * n) return state.SkipWithError("not standardized");
    report_bytes(state, exec, timed(state, exec, go), 2 * kCube);
  };
}

/// Every pixel of a disc of 60 px, as a region has them: runs of neighbours.
std::vector<index_t> disc() {
  std::vector<index_t> pixels;
  for (index_t y = 0; y < kSize; ++y)
    for (index_t x = 0; x < kSize; ++x)
      if (std::hypot(y - kSize / 2, x - kSize / 2) < 60) pixels.push_back(y * kSize + x);
  return pixels;
}

void time_gather(benchmark::State& state, Exec& exec) {
  const auto x = speckle_rows(exec, kFrames, kSize, kSize);
  const std::vector<index_t> pixels = disc();
  const auto set = to_device(exec, pixels);
  const auto count = static_cast<index_t>(pixels.size());
  Array<float, 2> cut(exec, {kFrames, count});
  const auto go = [&] { gather_columns(exec, x.view(), set.view(), cut.view()); };
  go();
  const auto host = to_host(exec, cut.view()), all = to_host(exec, x.view());
  for (index_t p = 0; p < count; ++p)
    if (host.view()(kFrames - 1, p) != all.view()(kFrames - 1, pixels[static_cast<std::size_t>(p)]))
      return state.SkipWithError("another pixel");
  report_bytes(state, exec, timed(state, exec, go), 8.0 * static_cast<double>(cut.size()));
}

void time_scatter(benchmark::State& state, Exec& exec) {
  const std::vector<index_t> pixels = disc();
  const auto set = to_device(exec, pixels);
  const auto count = static_cast<index_t>(pixels.size());
  const auto cut = speckle_rows(exec, kFrames, 1, count);
  Array<float, 2> out(exec, {kFrames, kPixels});
  fill_zero(exec, out.view());
  const auto go = [&] { scatter_columns(exec, cut.view(), set.view(), out.view()); };
  go();
  const auto host = to_host(exec, cut.view()), all = to_host(exec, out.view());
  for (index_t p = 0; p < count; ++p)
    if (host.view()(kFrames - 1, p) != all.view()(kFrames - 1, pixels[static_cast<std::size_t>(p)]))
      return state.SkipWithError("another pixel");
  report_bytes(state, exec, timed(state, exec, go), 8.0 * static_cast<double>(cut.size()));
}

void time_masked(benchmark::State& state, Exec& exec) {
  const auto x = speckle_rows(exec, kFrames, kSize, kSize);
  auto used = to_device(exec, std::vector<std::uint8_t>(kPixels, 1));
  const auto go = [&] { unuse_masked_columns(exec, x.view(), used.view()); };
  go();
  const auto flags = to_host(exec, used.view());
  if (std::count(flags.data(), flags.data() + kPixels, 1) != kPixels) return state.SkipWithError("nothing was masked");
  report_bytes(state, exec, timed(state, exec, go), kCube);
}

void time_fill(benchmark::State& state, Exec& exec) {
  const std::vector<index_t> pixels = disc();
  const auto set = to_device(exec, pixels);
  Array<float, 2> out(exec, {kFrames, kPixels});
  fill_zero(exec, out.view());
  const auto go = [&] { fill_columns(exec, 2.5F, set.view(), out.view()); };
  go();
  const auto all = to_host(exec, out.view());
  double sum = 0;
  for (index_t i = 0; i < all.size(); ++i) sum += static_cast<double>(all.data()[i]);
  const double filled = static_cast<double>(kFrames) * static_cast<double>(pixels.size());
  if (sum != 2.5 * filled || all.view()(kFrames - 1, pixels.back()) != 2.5F) return state.SkipWithError("other pixels");
  report_bytes(state, exec, timed(state, exec, go), 4.0 * filled);
}

/// Every tenth column: a byte read for each number, and the numbers of a tenth written.
void time_mask(benchmark::State& state, Exec& exec) {
  auto x = speckle_rows(exec, kFrames, kSize, kSize);
  std::vector<std::uint8_t> flags(kPixels, 1);
  for (std::size_t p = 0; p < flags.size(); p += 10) flags[p] = 0;
  const auto used = to_device(exec, flags);
  const auto go = [&] { mask_columns(exec, used.view(), x.view()); };
  go();
  const auto all = to_host(exec, x.view());
  for (index_t p = 0; p < kPixels; ++p)
    if (std::isnan(all.view()(kFrames - 1, p)) != (p % 10 == 0)) return state.SkipWithError("other columns");
  report_bytes(state, exec, timed(state, exec, go), static_cast<double>(x.size()) * (1 + 4.0 / 10));
}

/// 28 vectors of 489 cut down to 100 libraries of 469, as the iteration begins with them, and put back.
struct Entries {
  static constexpr index_t kProblems = 100, kOut = 20, kVectors = 28;
  std::vector<IndexSet> sets{static_cast<std::size_t>(kProblems)};
  Array<double, 2> whole;
  Array<index_t, 2> index;
  Array<double, 3> cut;
  explicit Entries(Exec& exec) : cut(exec, {kProblems, kVectors, kFrames - kOut}) {
    for (index_t b = 0; b < kProblems; ++b)
      for (index_t i = 0; i < kFrames; ++i)
        if (i < b || i >= b + kOut) sets[static_cast<std::size_t>(b)].push_back(i);
    auto host = host_array<double, 2>({kVectors, kFrames});
    for (index_t i = 0; i < host.size(); ++i) host.data()[i] = std::sin(static_cast<double>(i + 1));
    whole = to_device(exec, host.view());
    index = index_table(exec, sets, kFrames);
    exec.wait();
  }
};

void time_gather_entries(benchmark::State& state, Exec& exec) {
  Entries e(exec);
  const auto go = [&] {
    gather_entries(exec, batch_of_one<const double>(e.whole.view()), {}, e.index.view(), e.cut.view());
  };
  go();
  const auto found = to_host(exec, e.cut.view());
  const IndexSet& set = e.sets.back();
  for (std::size_t i = 0; i < set.size(); ++i)
    if (found.view()(Entries::kProblems - 1, 27, static_cast<index_t>(i)) !=
        std::sin(static_cast<double>(27 * kFrames + set[i] + 1)))
      return state.SkipWithError("another entry");
  report_bytes(state, exec, timed(state, exec, go), 16.0 * static_cast<double>(e.cut.size()));
}

/// Zeros everywhere, then the entries: read once, written twice.
void time_scatter_entries(benchmark::State& state, Exec& exec) {
  Entries e(exec);
  gather_entries(exec, batch_of_one<const double>(e.whole.view()), {}, e.index.view(), e.cut.view());
  Array<double, 3> out(exec, {Entries::kProblems, Entries::kVectors, kFrames});
  const auto go = [&] { scatter_entries(exec, e.cut.view(), e.index.view(), out.view()); };
  go();
  const auto found = to_host(exec, out.view());
  for (index_t i = 0; i < kFrames; ++i) {
    const index_t b = Entries::kProblems - 1;
    const bool left_out = i >= b && i < b + Entries::kOut;
    if (found.view()(b, 27, i) != (left_out ? 0 : std::sin(static_cast<double>(27 * kFrames + i + 1))))
      return state.SkipWithError("another entry");
  }
  report_bytes(state, exec, timed(state, exec, go),
               16.0 * static_cast<double>(e.cut.size()) + 8.0 * static_cast<double>(out.size()));
}

/// The library's submatrices of 100 targets, 20 frames of 489 left out: entries read twice and written once.
void time_submatrices(benchmark::State& state, Exec& exec) {
  constexpr index_t kProblems = 100, kOut = 20, kOrder = kFrames - kOut;
  const auto x = speckle_rows(exec, kFrames, 30, 30);
  Array<double, 2> g(exec, {kFrames, kFrames});
  gram(exec, x.view(), {}, g.view());
  std::vector<IndexSet> sets(kProblems);
  for (index_t b = 0; b < kProblems; ++b)
    for (index_t i = 0; i < kFrames; ++i)
      if (i < b || i >= b + kOut) sets[static_cast<std::size_t>(b)].push_back(i);
  const auto index = index_table(exec, sets, kFrames);
  Array<double, 3> out(exec, {kProblems, kOrder, kOrder});
  const auto go = [&] { gather_submatrices(exec, batch_of_one<const double>(g.view()), {}, index.view(), out.view()); };
  go();
  const auto found = to_host(exec, slice(Matrix<const double>(out.view()[kProblems - 1]), kOrder - 1, 1));
  const auto want = to_host(exec, slice(Matrix<const double>(g.view()), kFrames - 1, 1));
  for (index_t i = 0; i < kOrder; ++i)
    if (found.data()[i] != want.data()[sets.back()[static_cast<std::size_t>(i)]])
      return state.SkipWithError("another entry");
  report_bytes(state, exec, timed(state, exec, go), 24.0 * static_cast<double>(out.size()));
}

/// Coefficients of 1 .. 20 components for 489 targets with a library each: vectors read, coefficients written.
void time_sweep(benchmark::State& state, Exec& exec) {
  constexpr index_t kComponents = 20;
  auto of_scores = host_array<double, 2>({kFrames, kComponents});
  auto of_vectors = host_array<double, 3>({kFrames, kComponents, kFrames});
  for (index_t i = 0; i < of_scores.size(); ++i) of_scores.data()[i] = std::sin(static_cast<double>(i));
  for (index_t i = 0; i < of_vectors.size(); ++i) of_vectors.data()[i] = std::cos(0.7 * static_cast<double>(i));
  const auto scores = to_device(exec, of_scores.view());
  const auto vectors = to_device(exec, of_vectors.view());
  std::vector<index_t> counts;
  for (index_t j = 1; j <= kComponents; ++j) counts.push_back(j);
  Array<float, 3> c(exec, {kComponents, kFrames, kFrames});
  const auto go = [&] { component_sweep(exec, scores.view(), vectors.view(), counts, c.view()); };
  go();
  const auto host = to_host(exec, c.view());
  double want = 0;
  for (index_t j = 0; j < 7; ++j) want += of_scores.view()(488, j) * of_vectors.view()(488, j, 488);
  if (std::fabs(host.view()(6, 488, 488) - want) > 1e-6) return state.SkipWithError("another coefficient");
  report_bytes(state, exec, timed(state, exec, go),
               8.0 * static_cast<double>(vectors.size()) + 4.0 * static_cast<double>(c.size()));
}

/// Blocks of 28 (or another number of) vectors of length 489, as 100 subspace iterations have them. Two steps, each a
/// Gram matrix and a product: 8 p^2 n flops.
void time_orthonormal(benchmark::State& state, Exec& exec, index_t rows_each) {
  constexpr index_t kBatch = 100;
  const auto rows = speckle_rows(exec, kBatch * rows_each, 1, kFrames);
  const auto host = to_host(exec, rows.view());
  auto wide = host_array<double, 3>({kBatch, rows_each, kFrames});
  std::copy_n(host.data(), host.size(), wide.data());
  const auto start = to_device(exec, wide.view());
  Array<double, 3> v(exec, start.extents()), scratch(exec, start.extents());
  Array<std::uint8_t, 2> alive(exec, {kBatch, rows_each});
  const auto go = [&] {
    copy(exec, start.view(), v.view());
    orthonormalize_rows(exec, v.view(), scratch.view(), alive.view());
  };
  go();
  const auto q = to_host(exec, v.view());
  for (index_t i = 0; i < rows_each; ++i) {
    double product = 0;
    for (index_t c = 0; c < kFrames; ++c) product += q.view()(99, i, c) * q.view()(99, rows_each - 1, c);
    if (std::fabs(product - (i == rows_each - 1 ? 1 : 0)) > 4 * kFrames * 2.3e-16)
      return state.SkipWithError("not orthonormal");
  }
  report_flops(state, exec, timed(state, exec, go), 8.0 * kBatch * static_cast<double>(rows_each * rows_each) * kFrames,
               Precision::f64);
}

/// Triangles in shared memory and in the cache: up to which order.
bool orthonormal_of_sizes() {
  for (const index_t rows : {13, 28, 48, 64, 65, 80, 96})
    on_both_paths("orthonormalize_rows", {rows, 100, kFrames},
                  [=](benchmark::State& state, Exec& exec) { time_orthonormal(state, exec, rows); });
  return true;
}

const bool registered[] = {
    orthonormal_of_sizes(),
    on_every_device("scale_rows/temp_standard", {kFrames, kSize, kSize}, scaling(Scaling::temp_standard)),
    on_every_device("scale_rows/spat_standard", {kFrames, kSize, kSize}, scaling(Scaling::spat_standard)),
    on_every_device("gather_columns/disc60", {kFrames, kSize, kSize}, time_gather),
    on_every_device("scatter_columns/disc60", {kFrames, kSize, kSize}, time_scatter),
    on_every_device("unuse_masked_columns", {kFrames, kSize, kSize}, time_masked),
    on_every_device("fill_columns/disc60", {kFrames, kSize, kSize}, time_fill),
    on_every_device("mask_columns", {kFrames, kSize, kSize}, time_mask),
    on_every_device("gather_entries", {100, 28, 469}, time_gather_entries),
    on_every_device("scatter_entries", {100, 28, 489}, time_scatter_entries),
    on_every_device("gather_submatrices", {100, 469, 469}, time_submatrices),
    on_every_device("component_sweep/ncomp1to20", {kFrames, kFrames}, time_sweep),
    on_every_device("orthonormalize_rows", {100, 28, kFrames},
                    [](benchmark::State& state, Exec& exec) { time_orthonormal(state, exec, 28); })};

}  // namespace
}  // namespace hci::bench
