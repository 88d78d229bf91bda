// SPDX-License-Identifier: MIT
#include "kernels/linalg/eigh_top.hpp"

#include <algorithm>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/linalg/eigh_crossover.hpp"
#include "kernels/linalg/eigh_dense.hpp"
#include "kernels/linalg/eigh_top_cpu.hpp"
#include "kernels/linalg/gemm.hpp"
#include "kernels/linalg/on_threads.hpp"
#include "kernels/linalg/subspace.hpp"

// Floors: the solvers' are at subspace.cu, eigh_dense.cu and jacobi.cu; here is what brings their problems and takes
// their results. Subsets of order m: 8 m^2 bytes of each submatrix are written (and read by the solver; the whole
// matrix stays in the cache), no flops but the squares of short sets, 2 m^2; of the k vectors of length n some 32 bytes
// a number: found, zeroed, scattered, cleared. 732 libraries of 61 frames, k = 5: 22 MB and 7 MB, 7 us on an H200 (4.3
// TB/s), 90 us on a GTX 1080 (0.32 TB/s), where the dense solvers' 4/3 m^3 flops each, 0.22 GFLOP in double, take 7 us
// (34 TFLOP/s) and 0.8 ms (0.28). Shape: blocks of 32 x 8 threads of for_each(), neighbours along a row, so that lines
// move whole; a scattered one is the library's run of neighbours in time.

namespace hci {
namespace {

using crossover::kOversampling;

/// By iteration, and by the dense solver where that has not converged.
void iterate(Exec& exec, View<const double, 3> a, Matrix<double> values, View<double, 3> vectors,
             SubspaceOptions options) {
  options.most_blocks = crossover::blocks_worth_a_try(exec.on_cuda(), a.extent(1), values.extent(1));
  const SubspaceReport report = subspace_top(exec, DenseOperator(a), values, vectors, options);
  for (index_t b = 0; b < a.extent(0); ++b)
    if (report.converged[static_cast<std::size_t>(b)] == 0)
      eigh_dense(exec, slice(a, b, 1), slice(values, b, 1), slice(vectors, b, 1));
}

bool iteration_wins(const Exec& exec, index_t n, index_t k) {
  return exec.tuned() && crossover::subspace_wins(exec.on_cuda(), n, k);
}

/// A start's part for some problems.
View<const double, 3> start_of(const View<const double, 3>& start, index_t first, index_t count) {
  return start.extent(0) > 1 ? slice(start, first, count) : start;
}

/// What the caller of eigh_top_subsets() gives.
struct Subsets {
  View<const double, 3> a;
  const std::vector<IndexSet>& sets;
  index_t each;  ///< sets of a matrix

  const IndexSet& operator[](index_t b) const { return sets[static_cast<std::size_t>(b)]; }
  index_t size(index_t b) const { return static_cast<index_t>((*this)[b].size()); }
  index_t order() const { return a.extent(1); }
  index_t count() const { return static_cast<index_t>(sets.size()); }
};

/// More pairs of the whole matrices than are wanted, with which the iteration of their sets begins; of those matrices
/// only that have so many iterated sets that it pays.
struct Start {
  std::vector<bool> made;  ///< for each matrix
  Array<double, 3> pairs;  ///< (m, count, n), not set where none are made; nothing where there are none at all
};

/// iterated: of each set, whether it is.
Start start_for(Exec& exec, const Subsets& subsets, const std::vector<bool>& iterated, index_t k) {
  const index_t matrices = subsets.a.extent(0), n = subsets.order(), count = std::min(k + kOversampling, n);
  Start start;
  for (auto first = iterated.begin(); first != iterated.end(); first += subsets.each)
    start.made.push_back(std::count(first, first + subsets.each, true) >= crossover::kSetsForAStart);
  const auto none = start.made.end();
  auto from = std::find(start.made.begin(), none, true);
  start.pairs = Array<double, 3>(exec, {from == none ? 0 : matrices, count, n});
  while (from != none) {
    const auto to = std::find(from, none, false);
    const index_t first = from - start.made.begin(), some = to - from;
    Array<double, 2> values(exec, {some, count});
    eigh_top_batch(exec, slice(subsets.a, first, some), count, values.view(), slice(start.pairs.view(), first, some));
    from = std::find(to, none, true);
  }
  return start;
}

/// Problems `which` by iteration on the CPU.
void iterate_subsets(Exec& exec, const Subsets& subsets, const std::vector<index_t>& which, const Start& whole,
                     Matrix<double> values, View<double, 3> vectors) {
  const index_t k = values.extent(1);
  on_threads(exec, static_cast<index_t>(which.size()), [&](Exec& one, index_t item) {
    const index_t b = which[static_cast<std::size_t>(item)], of = b / subsets.each;
    const auto index = index_table(one, {subsets[b]}, subsets.order());
    const index_t m = index.extent(1);
    const bool started = whole.made[static_cast<std::size_t>(of)];
    Array<double, 3> sub(one, {1, m, m}), found(one, {1, k, m});
    Array<double, 3> start(one, {started ? 1 : 0, whole.pairs.extent(1), m});
    gather_submatrices(one, slice(subsets.a, of, 1), {}, index.view(), sub.view(), subsets[b].empty());
    if (started) gather_entries(one, slice(whole.pairs.view(), of, 1), {}, index.view(), start.view());
    iterate(one, sub.view(), slice(values, b, 1), found.view(), {.start = start.view()});
    scatter_entries(one, found.view(), index.view(), slice(vectors, b, 1));
  });
}

void subsets_on_cpu(Exec& exec, const Subsets& subsets, Matrix<double> values, View<double, 3> vectors) {
  const index_t k = values.extent(1);
  std::vector<cpu::EighProblem> dense;
  std::vector<bool> iterated;
  std::vector<index_t> which;  // are
  for (index_t b = 0; b < subsets.count(); ++b) {
    iterated.push_back(iteration_wins(exec, subsets.size(b), k));
    if (iterated.back())
      which.push_back(b);
    else
      dense.push_back({.a = subsets.a[b / subsets.each].data(),
                       .stride = subsets.order(),
                       .n = subsets.size(b),
                       .index = subsets[b].data(),
                       .values = &values(b, 0),
                       .vectors = vectors[b]});
  }
  cpu::eigh_problems(exec, dense, k);
  if (which.empty()) return;
  iterate_subsets(exec, subsets, which, start_for(exec, subsets, iterated, k), values, vectors);
}

#if HCI_HAVE_CUDA
/// Pairs that a problem has not got are zero.
struct ClearSurplus {
  Vector<const index_t> sizes;
  Matrix<double> values;
  View<double, 3> vectors;
  HCI_HD void operator()(index_t b, index_t j, index_t i) const {
    if (j < sizes(b)) return;
    vectors(b, j, i) = 0;
    if (i == 0) values(b, j) = 0;
  }
};

struct CopyValues {
  Matrix<const double> from;
  Matrix<double> to;
  HCI_HD void operator()(index_t b, index_t j) const { to(b, j) = from(b, j); }
};

struct HasIndex {
  Matrix<const index_t> index;
  Matrix<std::uint8_t> member;
  HCI_HD void operator()(index_t b, index_t i) const { member(b, i) = index(b, i) >= 0 ? 1 : 0; }
};

/// From compact pairs to the caller's arrays, which may hold more pairs than there are.
void put_back(Exec& exec, Matrix<const double> w, View<const double, 3> v, Matrix<const index_t> index,
              Vector<const index_t> sizes, Matrix<double> values, View<double, 3> vectors) {
  const index_t batch = values.extent(0), pairs = w.extent(1);
  const View<double, 3> head(vectors.data(), {batch, pairs, vectors.extent(2)}, vectors.strides());
  scatter_entries(exec, v, index, head);
  for_each(exec, w.extents(), CopyValues{w, values});
  for_each(exec, vectors.extents(), ClearSurplus{sizes, values, vectors});
}

/// How a problem is solved. Nothing but its own size, n and k decide, and for the start how many sets of its matrix are
/// iterated, so that our part of its bits does not depend on the problems beside it otherwise (see eigh_top.hpp).
/// Orders come in steps: neighbours in time, whose libraries are about as large, share a batch.
struct Plan {
  index_t order;
  bool iterated, started;
  bool operator==(const Plan&) const = default;
};
Plan plan_for(const Exec& exec, index_t n, index_t k, index_t size) {
  const index_t step = std::max<index_t>(n / 8, 16);
  const index_t order = std::clamp<index_t>((size + step - 1) / step * step, 1, n);
  return {order, iteration_wins(exec, order, k) && size >= k + kOversampling, false};
}

/// Problems of one plan, from `begin` on. whole: the iteration's start, of the matrices that have one.
void solve_alike(Exec& exec, const Subsets& subsets, index_t begin, const Plan& plan, View<const double, 3> whole,
                 Matrix<double> values, View<double, 3> vectors) {
  const index_t m = plan.order, problems = values.extent(0), k = values.extent(1), pairs = std::min(k, m);
  const auto first_set = subsets.sets.begin() + begin;
  const auto index = index_table(exec, {first_set, first_set + problems}, subsets.order(), m);
  std::vector<index_t> sizes, matrices;
  for (index_t b = begin; b < begin + problems; ++b) {
    sizes.push_back(subsets.size(b));
    matrices.push_back(b / subsets.each);
  }
  const auto all_of = to_device(exec, std::move(matrices)), all_sizes = to_device(exec, std::move(sizes));

  // A matrix, its pairs, and what solves it: cuSOLVER takes about two matrices and a copy.
  const index_t square = 8 * m * m;
  const index_t bytes = 2 * square + (plan.iterated ? static_cast<index_t>(subspace_bytes(exec, m, k)) : 3 * square);
  const index_t most = batch_of(problems, bytes);
  Array<double, 3> sub(exec, {most, m, m}), found(exec, {most, pairs, m});
  Array<double, 2> w(exec, {most, pairs});
  Array<double, 3> start(exec, {plan.started ? most : 0, whole.extent(1), m});
  Array<std::uint8_t, 2> member(exec, {most, m});
  for (index_t first = 0; first < problems; first += most) {
    const index_t batch = std::min(most, problems - first);
    const auto some = slice(index.view(), first, batch);
    const auto of = slice(all_of.view(), first, batch), of_size = slice(all_sizes.view(), first, batch);
    const auto a_b = slice(sub.view(), 0, batch);
    const auto w_b = slice(w.view(), 0, batch);
    const auto v_b = slice(found.view(), 0, batch);
    const bool any_short = std::any_of(first_set + first, first_set + first + batch,
                                       [m](const IndexSet& set) { return static_cast<index_t>(set.size()) < m; });
    gather_submatrices(exec, subsets.a, of, some, a_b, any_short);
    if (plan.iterated) {
      for_each(exec, some.extents(), HasIndex{some, member.view()});
      const auto start_b = slice(start.view(), 0, plan.started ? batch : 0);
      if (plan.started) gather_entries(exec, whole, of, some, start_b);
      iterate(exec, a_b, w_b, v_b,
              {.start = start_b, .member = slice(Matrix<const std::uint8_t>(member.view()), 0, batch)});
    } else {
      eigh_dense(exec, a_b, w_b, v_b);
    }
    put_back(exec, w_b, v_b, some, of_size, slice(values, first, batch), slice(vectors, first, batch));
  }
}

void subsets_on_cuda(Exec& exec, const Subsets& subsets, Matrix<double> values, View<double, 3> vectors) {
  const index_t n = subsets.order(), k = values.extent(1);
  std::vector<Plan> plans;
  std::vector<bool> iterated;
  for (index_t b = 0; b < subsets.count(); ++b) {
    plans.push_back(plan_for(exec, n, k, subsets.size(b)));
    iterated.push_back(plans.back().iterated);
  }
  const Start start = start_for(exec, subsets, iterated, k);
  for (std::size_t b = 0; b < plans.size(); ++b)
    plans[b].started = iterated[b] && start.made[b / static_cast<std::size_t>(subsets.each)];
  for (auto from = plans.begin(); from != plans.end();) {
    const auto to = std::find_if(from, plans.end(), [&](const Plan& plan) { return plan != *from; });
    const index_t first = from - plans.begin(), count = to - from;
    solve_alike(exec, subsets, first, *from, start.pairs.view(), slice(values, first, count),
                slice(vectors, first, count));
    from = to;
  }
}
#endif

}  // namespace

void eigh_top(Exec& exec, Matrix<const double> a, index_t k, Vector<double> values, Matrix<double> vectors,
              Matrix<const double> start) {
  const index_t n = a.extent(0);
  require(n > 0 && a.extent(1) == n && a.is_dense(), "eigh_top: the matrix is (", n, ", ", a.extent(1), ")");
  require(k >= 1 && k <= n, "eigh_top: ", k, " eigenpairs of a matrix of order ", n);
  require(values.extent(0) == k && vectors.extent(0) == k && vectors.extent(1) == n && vectors.is_dense(),
          "eigh_top: the results are not (", k, ") and (", k, ", ", n, ")");
  require(start.size() == 0 || start.extent(1) == n, "eigh_top: the start has vectors of length ", start.extent(1),
          ", the matrix order ", n);
  const View<const double, 3> one(a.data(), {1, n, n});
  const Matrix<double> w(values.data(), {1, k});
  const View<double, 3> v(vectors.data(), {1, k, n});
  eigh_top_batch(exec, one, k, w, v, start.size() > 0 ? batch_of_one(start) : View<const double, 3>{});
}

void eigh_top_batch(Exec& exec, View<const double, 3> a, index_t k, Matrix<double> values, View<double, 3> vectors,
                    View<const double, 3> start) {
  const index_t batch = a.extent(0), n = a.extent(1);
  require(n > 0 && a.extent(2) == n && a.is_dense(), "eigh_top_batch: the matrices are (", n, ", ", a.extent(2), ")");
  require(k >= 1 && k <= n, "eigh_top_batch: ", k, " eigenpairs of matrices of order ", n);
  require(values.extents() == Extents<2>{batch, k} && values.is_dense() &&
              vectors.extents() == Extents<3>{batch, k, n} && vectors.is_dense(),
          "eigh_top_batch: the results do not fit ", batch, " problems");
  require(start.size() == 0 || (start.extent(2) == n && (start.extent(0) == 1 || start.extent(0) == batch)),
          "eigh_top_batch: the start is (", start.extent(0), ", ", start.extent(1), ", ", start.extent(2), ") for ",
          batch, " matrices of order ", n);
  if (!iteration_wins(exec, n, k)) return eigh_dense(exec, a, values, vectors);
  if (!exec.on_cuda()) {
    const auto solve = [&](Exec& one, index_t b) {
      iterate(one, slice(a, b, 1), slice(values, b, 1), slice(vectors, b, 1), {.start = start_of(start, b, 1)});
    };
    return one_by_one(exec, batch, solve);
  }
  if (batch == 0) return;
  const index_t most = batch_of(batch, static_cast<index_t>(subspace_bytes(exec, n, k)));
  for (index_t first = 0; first < batch; first += most) {
    const index_t count = std::min(most, batch - first);
    iterate(exec, slice(a, first, count), slice(values, first, count), slice(vectors, first, count),
            {.start = start_of(start, first, count)});
  }
}

void eigh_top_subsets(Exec& exec, View<const double, 3> a, const std::vector<IndexSet>& sets, index_t k,
                      Matrix<double> values, View<double, 3> vectors) {
  const index_t n = a.extent(1), problems = static_cast<index_t>(sets.size());
  require(n > 0 && a.extent(2) == n && a.is_dense(), "eigh_top_subsets: the matrices are (", n, ", ", a.extent(2), ")");
  require(k >= 1 && k <= n, "eigh_top_subsets: ", k, " eigenpairs of matrices of order ", n, " at most");
  require(values.extents() == Extents<2>{problems, k} && values.is_dense() &&
              vectors.extents() == Extents<3>{problems, k, n} && vectors.is_dense(),
          "eigh_top_subsets: the results do not fit ", problems, " problems");
  check_sets("eigh_top_subsets", sets, n);
  const Subsets subsets{a, sets, sets_of_each("eigh_top_subsets", a.extent(0), problems)};
  if (problems == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) return subsets_on_cuda(exec, subsets, values, vectors);
#endif
  subsets_on_cpu(exec, subsets, values, vectors);
}

}  // namespace hci
