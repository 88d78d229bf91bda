// SPDX-License-Identifier: MIT
// Top-k eigenpairs: thousands of small, hundreds of middling and single large matrices, beside LAPACK; and both of
// our ways at each size, from which kernels/linalg/eigh_crossover.hpp is set ("crossover/..."; cuSOLVER's ways and
// Jacobi are in cusolver_bench.cu).
#include <algorithm>
#include <cmath>

#include "bench/kernels/linalg/eigen_cases.hpp"
#include "bench/support/bench.hpp"
#include "kernels/linalg/blas_threads.hpp"
#include "kernels/linalg/eigh_crossover.hpp"
#include "kernels/linalg/eigh_dense.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/gram_update.hpp"
#include "kernels/linalg/jacobi.hpp"
#include "kernels/linalg/subspace.hpp"

namespace hci::bench {
namespace {

/// Gram matrices of a sequence with a fake companion each, at another place and of another flux; and the pairs of the
/// sequence without one, from which a warm start is made.
struct Injected {
  Array<double, 3> g, near;
  Injected(Exec& exec, index_t batch, index_t n, index_t pairs)
      : g(exec, {batch, n, n}), near(exec, {1, std::min(pairs, n), n}) {
    constexpr index_t kSide = 101, kStamp = 8;
    const auto x = speckle_rows(exec, n, kSide, kSide);
    auto columns = host_array<index_t>(Extents<3>{batch, n, kStamp * kStamp});
    auto values = host_array<float>(columns.extents());
    for (index_t b = 0; b < batch; ++b)
      for (index_t t = 0; t < n; ++t)
        for (index_t s = 0; s < kStamp * kStamp; ++s) {
          const double angle = 0.3 * static_cast<double>(b) + 1.4 * static_cast<double>(t) / static_cast<double>(n);
          const double radius = 8 + 30 * static_cast<double>(b % 7) / 7;
          const index_t y = kSide / 2 - kStamp / 2 + static_cast<index_t>(std::lround(radius * std::sin(angle)));
          const index_t left = kSide / 2 - kStamp / 2 + static_cast<index_t>(std::lround(radius * std::cos(angle)));
          columns.view()(b, t, s) = (y + s / kStamp) * kSide + left + s % kStamp;
          values.view()(b, t, s) = 1.0F + static_cast<float>(b % 3);  // the noise is 0.3
        }
    Array<double, 2> whole(exec, {n, n}), of_near(exec, {1, near.extent(1)});
    gram(exec, x.view(), {}, whole.view());
    eigh_top_batch(exec, {whole.data(), {1, n, n}}, near.extent(1), of_near.view(), near.view());
    const auto at = to_device(exec, columns.view());
    const auto stamps = to_device(exec, values.view());
    injected_grams(exec, x.view(), whole.view(), at.view(), stamps.view(), g.view());
    exec.wait();
  }
};

using Solver = void (*)(Exec&, View<const double, 3>, Matrix<double>, View<double, 3>);

void by_batch(Exec& exec, View<const double, 3> a, Matrix<double> values, View<double, 3> vectors) {
  eigh_top_batch(exec, a, values.extent(1), values, vectors);
}

void by_jacobi(Exec& exec, View<const double, 3> a, Matrix<double> values, View<double, 3> vectors) {
  jacobi_eigh(exec, a, values, vectors);
}

void by_iteration(Exec& exec, View<const double, 3> a, Matrix<double> values, View<double, 3> vectors) {
  if (!subspace_top(exec, DenseOperator(a), values, vectors).all_converged()) throw std::runtime_error("not converged");
}

/// The peer: LAPACK's dsyevr for each, range of the k largest, problems spread over the same threads.
void by_dsyevr(Exec& exec, View<const double, 3> a, Matrix<double> values, View<double, 3> vectors) {
  const int n = static_cast<int>(a.extent(1)), k = static_cast<int>(values.extent(1)), il = n - k + 1;
  const cpu::OneBlasThread one;
#pragma omp parallel num_threads(exec.threads())
  {
    const auto size = static_cast<std::size_t>(n);
    std::vector<double> copy(size * size), w(size), z(size * static_cast<std::size_t>(k)), work(40 * size);
    std::vector<int> support(2 * size), iwork(12 * size);
    const int lwork = static_cast<int>(work.size()), liwork = static_cast<int>(iwork.size());
#pragma omp for schedule(dynamic)
    for (index_t b = 0; b < a.extent(0); ++b) {
      std::copy_n(&a(b, 0, 0), copy.size(), copy.data());
      int info = 0, found = 0;
      const double nothing = 0;
      dsyevr_("V", "I", "U", &n, copy.data(), &n, &nothing, &nothing, &il, &n, &nothing, &found, w.data(), z.data(), &n,
              support.data(), work.data(), &lwork, iwork.data(), &liwork, &info);
      for (int j = 0; j < k; ++j) {
        values(b, j) = w[static_cast<std::size_t>(k - 1 - j)];
        std::copy_n(&z[static_cast<std::size_t>(k - 1 - j) * size], n, &vectors(b, j, 0));
      }
    }
  }
}

Body solving(index_t batch, index_t n, index_t k, Solver solve) {
  return [=](benchmark::State& state, Exec& exec) {
    if (solve == by_dsyevr && exec.on_cuda()) return state.SkipWithError("the peer is on the CPU");
    const auto a = grams(exec, batch, n);
    Array<double, 2> values(exec, {batch, k});
    Array<double, 3> vectors(exec, {batch, k, n});
    const auto go = [&] { solve(exec, a.view(), values.view(), vectors.view()); };
    try {
      go();
    } catch (const std::runtime_error& error) {
      return state.SkipWithError(error.what());
    }
    if (!is_right(exec, a, values, vectors)) return state.SkipWithError("no eigenpair");
    const double seconds = timed(state, exec, go);
    state.counters["us/problem"] = seconds / static_cast<double>(batch) * 1e6;
    state.counters["iteration_chosen"] = crossover::subspace_wins(exec.on_cuda(), n, k) ? 1 : 0;
    if (solve == by_iteration)
      state.counters["blocks"] =
          static_cast<double>(subspace_top(exec, DenseOperator(a.view()), values.view(), vectors.view()).products) /
          static_cast<double>(k + crossover::kOversampling);
    const auto order =
        static_cast<double>(n);  // what a tridiagonalization takes, whatever is done: so the ways compare
    report_flops(state, exec, seconds, static_cast<double>(batch) * 4 / 3 * order * order * order, Precision::f64);
  };
}

/// The same for a space of so many blocks: crossover::kSubspaceBlocksCuda.
Body in_a_space(index_t batch, index_t n, index_t k, index_t blocks) {
  return [=](benchmark::State& state, Exec& exec) {
    const auto a = grams(exec, batch, n);
    Array<double, 2> values(exec, {batch, k});
    Array<double, 3> vectors(exec, {batch, k, n});
    bool converged = true;
    const auto go = [&] {
      converged = subspace_top(exec, DenseOperator(a.view()), values.view(), vectors.view(), {.space_blocks = blocks})
                      .all_converged();
    };
    go();
    if (!converged) return state.SkipWithError("not converged");
    if (!is_right(exec, a, values, vectors)) return state.SkipWithError("no eigenpair");
    state.counters["us/problem"] = timed(state, exec, go) / static_cast<double>(batch) * 1e6;
  };
}

enum class Begin { cold, warm };

/// Matrices near a known one: by the solver that eigh_top_batch() chooses, or by the iteration whatever it would
/// choose.
Body of_injected(index_t batch, index_t n, index_t k, Begin begin, bool iterated) {
  return [=](benchmark::State& state, Exec& exec) {
    const Injected with(exec, batch, n, k + 8);
    const auto start = begin == Begin::warm ? with.near.view() : View<const double, 3>{};
    Array<double, 2> values(exec, {batch, k});
    Array<double, 3> vectors(exec, {batch, k, n});
    const auto iterate = [&](index_t b) {
      return subspace_top(exec, DenseOperator(slice(with.g.view(), b, 1)), slice(values.view(), b, 1),
                          slice(vectors.view(), b, 1), {.start = start});
    };
    const auto go = [&] {
      if (!iterated) return eigh_top_batch(exec, with.g.view(), k, values.view(), vectors.view(), start);
      for (index_t b = 0; b < batch; ++b)
        if (!iterate(b).all_converged()) throw std::runtime_error("not converged");
    };
    try {
      go();
    } catch (const std::runtime_error& error) {
      return state.SkipWithError(error.what());
    }
    if (!is_right(exec, with.g, values, vectors)) return state.SkipWithError("no eigenpair");
    const double seconds = timed(state, exec, go);
    state.counters["us/problem"] = seconds / static_cast<double>(batch) * 1e6;
    if (iterated) state.counters["products"] = static_cast<double>(iterate(batch - 1).products);
    const auto order = static_cast<double>(n);
    report_flops(state, exec, seconds, static_cast<double>(batch) * 4 / 3 * order * order * order, Precision::f64);
  };
}

void register_crossover() {
  for (const index_t n : {128, 192, 256, 384, 512, 768})
    for (const index_t k : {5, 10, 20, 40}) {
      const std::vector<index_t> shape{2, n, k};
      on_every_device("crossover/dense", shape, solving(2, n, k, eigh_dense));
      on_every_device("crossover/iteration", shape, solving(2, n, k, by_iteration));
      on_the_cpu("crossover/chosen", shape, solving(2, n, k, by_batch));
    }
  for (const index_t blocks : {3, 4, 5, 6, 8})
    for (const index_t k : {5, 20, 40})
      on_every_cuda_device("crossover/space", {blocks, 2, 489, k}, in_a_space(2, 489, k, blocks));
  for (const index_t n : {61, 128, 192, 256, 384, 489})
    for (const index_t k : {5, 20}) {
      on_every_device("crossover/injected/chosen", {10, n, k}, of_injected(10, n, k, Begin::cold, false));
      on_every_device("crossover/injected/cold", {10, n, k}, of_injected(10, n, k, Begin::cold, true));
      on_every_device("crossover/injected/warm", {10, n, k}, of_injected(10, n, k, Begin::warm, true));
    }
}

const bool registered = [] {
  for (const auto& [batch, n, k] : {std::tuple<index_t, index_t, index_t>{4000, 32, 5},
                                    {4000, 61, 5},
                                    {1000, 128, 10},
                                    {100, 256, 20},
                                    {100, 489, 20},
                                    {1, 489, 20},
                                    {1, 1000, 50}}) {
    on_every_device("eigh_top_batch", {batch, n, k}, solving(batch, n, k, by_batch));
    on_every_device("peer/dsyevr", {batch, n, k}, solving(batch, n, k, by_dsyevr));
  }
  on_every_device("jacobi_eigh", {100, 64, 10}, solving(100, 64, 10, by_jacobi));
  on_every_device("peer/dsyevr", {100, 64, 10}, solving(100, 64, 10, by_dsyevr));
  on_every_device("subspace_top", {20, 489, 20}, solving(20, 489, 20, by_iteration));
  on_every_device("peer/dsyevr", {20, 489, 20}, solving(20, 489, 20, by_dsyevr));
  on_every_device("eigh_top_batch/injected_cold", {20, 489, 20}, of_injected(20, 489, 20, Begin::cold, false));
  on_every_device("eigh_top_batch/injected_warm", {20, 489, 20}, of_injected(20, 489, 20, Begin::warm, false));
  register_crossover();
  return true;
}();

}  // namespace
}  // namespace hci::bench
