// SPDX-License-Identifier: MIT
#include "kernels/linalg/eigh_top.hpp"

#include <array>
#include <atomic>
#include <cmath>
#include <numeric>
#include <random>

#include "kernels/core/error.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/linalg/eigh_crossover.hpp"
#include "kernels/linalg/jacobi.hpp"
#include "kernels/linalg/subspace.hpp"
#include "tests/kernels/linalg/eigenpairs.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class EighTop : public OnEveryDevice {};

/// The first of a batch, as one for all.
View<const double, 3> alone_first(const Array<double, 3>& batch) { return slice(batch.view(), 0, 1); }

TEST_P(EighTop, FindsTheLargestPairs) {
  for (index_t n : {1, 2, 3, 17, 64, 101})
    for (const auto& [name, spectrum] : spectra(n)) {
      const Symmetric a = with_eigenvalues(spectrum, static_cast<unsigned>(n));
      double norm = 0;
      for (double x : spectrum) norm = std::max(norm, std::fabs(x));
      auto sorted = spectrum;
      std::sort(sorted.rbegin(), sorted.rend());
      for (index_t k : {index_t{1}, (n + 3) / 4, n}) {
        const auto [w, v] = top_pairs(exec(), a, n, k);
        const std::string what = name + ", n " + std::to_string(n) + ", k " + std::to_string(k);
        expect_eigenpairs(a, n, k, w.data(), v.data(), what);
        for (index_t j = 0; j < k;
             ++j)  // Weyl: moved no more than the matrix was rounded, three reflections of n terms
          EXPECT_NEAR(w.data()[j], sorted[static_cast<std::size_t>(j)], 30 * static_cast<double>(n) * kEps * norm)
              << what;
      }
    }
}

TEST_P(EighTop, SolvesSubmatricesAsIfTheyWereAlone) {
  const index_t n = 61, k = 5, columns = 300;
  const auto x = speckle_rows(n, columns);
  Symmetric a(static_cast<std::size_t>(n * n));
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < n; ++j)
      for (index_t p = 0; p < columns; ++p)
        a[static_cast<std::size_t>(i * n + j)] += static_cast<double>(x[static_cast<std::size_t>(i * columns + p)]) *
                                                  static_cast<double>(x[static_cast<std::size_t>(j * columns + p)]);
  std::vector<IndexSet> sets;
  for (index_t b = 0; b < 40; ++b) {  // all but a window around b, as a rotation threshold leaves
    IndexSet set;
    for (index_t i = 0; i < n; ++i)
      if (i < b - 3 || i > b + b % 7) set.push_back(i);
    sets.push_back(set);
  }
  sets.push_back({});
  sets.push_back({7});
  sets.push_back({2, 30, 60});
  const auto [w, v] = subset_pairs(exec(), a, n, sets, k);
  for (index_t b = 0; b < static_cast<index_t>(sets.size()); ++b) {
    const IndexSet& set = sets[static_cast<std::size_t>(b)];
    const auto size = static_cast<index_t>(set.size()), found = std::min(k, size);
    Symmetric sub(static_cast<std::size_t>(size * size));
    std::vector<double> inside(static_cast<std::size_t>(found * size));
    std::vector<char> member(static_cast<std::size_t>(n), 0);
    for (index_t i = 0; i < size; ++i) {
      member[static_cast<std::size_t>(set[static_cast<std::size_t>(i)])] = 1;
      for (index_t j = 0; j < size; ++j)
        sub[static_cast<std::size_t>(i * size + j)] =
            a[static_cast<std::size_t>(set[static_cast<std::size_t>(i)] * n + set[static_cast<std::size_t>(j)])];
      for (index_t j = 0; j < found; ++j)
        inside[static_cast<std::size_t>(j * size + i)] = v.view()(b, j, set[static_cast<std::size_t>(i)]);
    }
    expect_eigenpairs(sub, size, found, w.data() + b * k, inside.data(), "problem " + std::to_string(b));
    for (index_t j = 0; j < k; ++j) {
      if (j >= found) {
        EXPECT_EQ(w.view()(b, j), 0.0);
      }
      for (index_t i = 0; i < n; ++i)
        if (j >= found || member[static_cast<std::size_t>(i)] == 0) {
          ASSERT_EQ(v.view()(b, j, i), 0.0) << b << ", " << j << ", " << i;
        }
    }
  }
}

TEST_P(EighTop, SolvesBatchesOfHardSpectra) {
  for (index_t n : {2, 3, 9, 40})
    for (const auto& [name, spectrum] : spectra(n)) {
      const Symmetric a = with_eigenvalues(spectrum, 5);
      IndexSet everyone(static_cast<std::size_t>(n));
      std::iota(everyone.begin(), everyone.end(), 0);
      const index_t k = std::min<index_t>(n, 12);
      const auto [w, v] = subset_pairs(exec(), a, n, {everyone, everyone, everyone}, k);
      for (index_t b = 0; b < 3; ++b)
        expect_eigenpairs(a, n, k, w.data() + b * k, v.data() + b * k * n, name + ", n " + std::to_string(n));
    }
}

/// Checks the pairs of a principal submatrix: values (k), vectors (k, n), zero outside of the set.
void expect_pairs_of_subset(const Symmetric& a, index_t n, const IndexSet& set, index_t k, const double* values,
                            const double* vectors, const std::string& what) {
  Symmetric sub;
  std::vector<double> inside;
  for (const index_t i : set)
    for (const index_t j : set) sub.push_back(a[static_cast<std::size_t>(i * n + j)]);
  for (index_t j = 0; j < k; ++j)
    for (const index_t i : set) inside.push_back(vectors[j * n + i]);
  expect_eigenpairs(sub, static_cast<index_t>(set.size()), k, values, inside.data(), what);
}

/// Scratch for one or two of them at a time on CUDA, where order 112 is cuSOLVER's and 128 the iteration's. Each set
/// leaves out another index, so that no problem has the pairs of another.
TEST_P(EighTop, SolvesMoreSubsetsThanABatchHolds) {
  const index_t k = 2, problems = 5;
  const ScratchLimit limit(index_t{1} << 20);
  for (const index_t n : {112, 128}) {
    ASSERT_LT(index_t{1} << 20, problems * (16 * n * n + static_cast<index_t>(subspace_bytes(exec(), n, k))));
    std::vector<double> spectrum;
    for (index_t i = 0; i < n; ++i) spectrum.push_back(std::pow(0.3, static_cast<double>(i)));
    const Symmetric a = with_eigenvalues(spectrum, 4);
    std::vector<IndexSet> sets(static_cast<std::size_t>(problems));
    for (index_t b = 0; b < problems; ++b)
      for (index_t i = 0; i < n; ++i)
        if (i != b * 5 % n) sets[static_cast<std::size_t>(b)].push_back(i);
    const Pairs found = subset_pairs(exec(), a, n, sets, k);
    for (index_t b = 0; b < problems; ++b)
      expect_pairs_of_subset(a, n, sets[static_cast<std::size_t>(b)], k, &found.values.view()(b, 0),
                             &found.vectors.view()(b, 0, 0), "problem " + std::to_string(b));
  }
}

/// Annuli of one reduction: the sets of each matrix side by side. Lanes and Jacobi at order 21, LAPACK and cuSOLVER at
/// 110, the iteration from 140 (CUDA) and 310 on. Scratch for less than all of them, so that a batch on CUDA ends
/// between and within the sets of a matrix.
TEST_P(EighTop, SolvesSubsetsOfManyMatrices) {
  const index_t k = 3, annuli = 3, each = 4;
  const ScratchLimit limit(index_t{1} << 20);
  for (const index_t n : {21, 110, 140, 310}) {
    std::vector<Symmetric> matrices;
    std::vector<IndexSet> sets(static_cast<std::size_t>(annuli * each));
    for (index_t b = 0; b < annuli; ++b) {
      std::vector<double> spectrum;
      for (index_t i = 0; i < n; ++i) spectrum.push_back(std::pow(0.4 + 0.1 * double(b), double(i)));
      matrices.push_back(with_eigenvalues(spectrum, static_cast<unsigned>(b + 1)));
      for (index_t s = 0; s < each; ++s)
        for (index_t i = 0; i < n; ++i)
          if (i < 2 * s || i > 2 * s + 1) sets[static_cast<std::size_t>(b * each + s)].push_back(i);
    }
    const Pairs found = subset_pairs(exec(), matrices, n, sets, k);
    for (index_t b = 0; b < annuli * each; ++b)
      expect_pairs_of_subset(matrices[static_cast<std::size_t>(b / each)], n, sets[static_cast<std::size_t>(b)], k,
                             &found.values.view()(b, 0), &found.vectors.view()(b, 0, 0),
                             "order " + std::to_string(n) + ", problem " + std::to_string(b));
  }
}

/// The large sets are the iteration's, the small ones others'. Of four matrices one has sets enough for a start, one
/// lacks one such set, one has none, and one has enough again.
TEST_P(EighTop, SolvesSubsetsWithAndWithoutAStart) {
  const index_t n = exec().on_cuda() ? 140 : 280, k = 2, each = crossover::kSetsForAStart;
  const ScratchLimit limit(index_t{8} << 20);
  std::vector<Symmetric> matrices;
  std::vector<IndexSet> sets;
  for (const index_t iterated : {each, each - 1, index_t{0}, each}) {
    std::vector<double> spectrum;
    for (index_t i = 0; i < n; ++i) spectrum.push_back(std::pow(0.3, static_cast<double>(i)));
    matrices.push_back(with_eigenvalues(spectrum, static_cast<unsigned>(matrices.size() + 1)));
    for (index_t s = 0; s < each; ++s) {
      sets.emplace_back();
      for (index_t i = 0; i < (s < iterated ? n : 40); ++i)
        if (i < 3 * s || i >= 3 * s + 3) sets.back().push_back(i);
    }
  }
  const Pairs found = subset_pairs(exec(), matrices, n, sets, k);
  for (index_t b = 0; b < 4 * each; ++b)
    expect_pairs_of_subset(matrices[static_cast<std::size_t>(b / each)], n, sets[static_cast<std::size_t>(b)], k,
                           &found.values.view()(b, 0), &found.vectors.view()(b, 0, 0), "problem " + std::to_string(b));
}

/// The pairs are those without a start: the residuals of both are within the bound, and so their values within twice
/// that. Order 20 is for the dense solvers, which have no use for a start.
TEST_P(EighTop, BatchBeginsWhereItIsTold) {
  const index_t k = 4, problems = 3;
  const ScratchLimit limit(index_t{1} << 20);
  for (const index_t n : {20, 130, 280}) {
    std::vector<double> spectrum;
    for (index_t i = 0; i < n; ++i) spectrum.push_back(std::pow(1.0 + double(i), -2.0));
    std::vector<Symmetric> matrices;
    for (index_t b = 0; b < problems; ++b) matrices.push_back(with_eigenvalues(spectrum, static_cast<unsigned>(b + 1)));
    const auto solve = [&](View<const double, 3> start) {
      return pairs_of(exec(), matrices, n, k,
                      [&](View<const double, 3> all, const Matrix<double>& values, const View<double, 3>& vectors) {
                        eigh_top_batch(exec(), all, k, values, vectors, start);
                      });
    };
    const Pairs cold = solve({});
    std::vector<double> begin(cold.vectors.data(), cold.vectors.data() + cold.vectors.size());
    for (std::size_t i = 0; i < begin.size(); ++i) begin[i] += 1e-6 * std::sin(static_cast<double>(i));
    const auto near = to_device(exec(), View<const double, 3>(begin.data(), cold.vectors.extents()));
    double norm = 0;
    for (const double value : spectrum) norm += value * value;
    const double bound = 20 * static_cast<double>(n) * kEps * std::sqrt(norm);
    for (const View<const double, 3>& start : {View<const double, 3>(near.view()), alone_first(near)}) {
      const Pairs warm = solve(start);
      for (index_t b = 0; b < problems; ++b) {
        expect_eigenpairs(matrices[static_cast<std::size_t>(b)], n, k, &warm.values.view()(b, 0),
                          &warm.vectors.view()(b, 0, 0), "order " + std::to_string(n));
        for (index_t j = 0; j < k; ++j)
          EXPECT_NEAR(warm.values.view()(b, j), cold.values.view()(b, j), bound) << n << ", " << b << ", " << j;
      }
    }
  }
}

/// The same of whole matrices.
TEST_P(EighTop, SolvesMoreMatricesThanABatchHolds) {
  const index_t n = 128, k = 4, problems = 5;
  const ScratchLimit limit(index_t{512} << 10);
  ASSERT_LT(index_t{512} << 10, problems * static_cast<index_t>(subspace_bytes(exec(), n, k)));
  std::vector<Symmetric> matrices(static_cast<std::size_t>(problems), Symmetric(static_cast<std::size_t>(n * n), 0.0));
  for (index_t b = 0; b < problems; ++b)  // of rank 4, which a block holds: solved at once. Entries of its own
    for (index_t j = 0; j < k; ++j)
      matrices[static_cast<std::size_t>(b)][static_cast<std::size_t>((b + 7 * j) % n * (n + 1))] =
          static_cast<double>(j + 1) + static_cast<double>(b) / 256;
  const Pairs found =
      pairs_of(exec(), matrices, n, k,
               [&](View<const double, 3> all, const Matrix<double>& values, const View<double, 3>& vectors) {
                 eigh_top_batch(exec(), all, k, values, vectors);
               });
  for (index_t b = 0; b < problems; ++b)
    expect_eigenpairs(matrices[static_cast<std::size_t>(b)], n, k, &found.values.view()(b, 0),
                      &found.vectors.view()(b, 0, 0), "problem " + std::to_string(b));
}

TEST_P(EighTop, RefusesWhatHasNoAnswer) {
  Array<double, 2> a(exec(), {4, 4}), vectors(exec(), {5, 4}), three(exec(), {3, 4});
  Array<double, 1> values(exec(), {5});
  fill_zero(exec(), a.view());
  EXPECT_THROW(eigh_top(exec(), a.view(), 5, values.view(), vectors.view()), InvalidInput);
  EXPECT_THROW(eigh_top(exec(), a.view(), 0, values.view(), vectors.view()), InvalidInput);
  Array<double, 2> w(exec(), {1, 2});
  Array<double, 3> v(exec(), {1, 2, 4});
  const View<const double, 3> one(a.data(), {1, 4, 4}), two(a.data(), {2, 2, 2}), start(a.data(), {2, 1, 4});
  EXPECT_THROW(eigh_top_subsets(exec(), one, {{1, 0}}, 2, w.view(), v.view()), InvalidInput);
  EXPECT_THROW(eigh_top_subsets(exec(), one, {{1, 4}}, 2, w.view(), v.view()), InvalidInput);
  EXPECT_THROW(eigh_top_subsets(exec(), one, {{1, 1}}, 2, w.view(), v.view()), InvalidInput);
  EXPECT_THROW(eigh_top_batch(exec(), one, 2, w.view(), v.view(), start), InvalidInput);  // of two for one
  Array<double, 2> w3(exec(), {3, 1});
  Array<double, 3> v3(exec(), {3, 1, 2});
  EXPECT_THROW(eigh_top_subsets(exec(), two, {{0}, {1}, {0, 1}}, 1, w3.view(), v3.view()), InvalidInput);
  const View<const double, 3> none(a.data(), {0, 2, 2});
  EXPECT_THROW(eigh_top_subsets(exec(), none, {{0}, {1}, {0, 1}}, 1, w3.view(), v3.view()), InvalidInput);
}

/// Whoever solves it: lanes and Jacobi at orders of 20, LAPACK and cuSOLVER, the iteration from 130 (CUDA) and 300 on.
/// A neighbour is solved as if nothing were.
TEST_P(EighTop, GivesNaNForNaNAndInfinityAndSolvesTheNeighbours) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    for (const index_t n : {1, 2, 20, 61, 130, 260}) {
      if (n > 61 && !std::isnan(bad)) continue;  // the emulated device is slow
      std::vector<double> spectrum;
      for (index_t i = 0; i < n; ++i) spectrum.push_back(std::pow(1.0 + double(i), -2.0));
      const Symmetric good = with_eigenvalues(spectrum, 3);
      Symmetric a = good;
      a.back() = bad;
      const index_t k = std::min<index_t>(n, 4);
      const auto expect_nan = [&](const Pairs& found, index_t b) {
        for (index_t j = 0; j < k; ++j) {
          EXPECT_TRUE(std::isnan(found.values.view()(b, j))) << bad << ", order " << n;
          for (index_t i = 0; i < n; ++i) ASSERT_TRUE(std::isnan(found.vectors.view()(b, j, i))) << bad << ", " << n;
        }
      };
      expect_nan(top_pairs(exec(), a, n, k), 0);
      const Pairs batch =
          pairs_of(exec(), {a, good, a}, n, k,
                   [&](View<const double, 3> all, const Matrix<double>& values, const View<double, 3>& vectors) {
                     eigh_top_batch(exec(), all, k, values, vectors);
                   });
      expect_nan(batch, 0);
      expect_eigenpairs(good, n, k, &batch.values.view()(1, 0), &batch.vectors.view()(1, 0, 0), "a neighbour");
      expect_nan(batch, 2);
    }
}

/// The last row and column hold NaN: the sets without them are solved, those with them are NaN where they are not zero.
TEST_P(EighTop, GivesNaNForSubsetsWithNaNOnly) {
  for (const index_t n : {21, 61, 140, 310}) {
    const index_t k = 4;
    std::vector<double> spectrum;
    for (index_t i = 0; i + 1 < n; ++i) spectrum.push_back(std::pow(1.0 + double(i), -2.0));
    const Symmetric inner = with_eigenvalues(spectrum, 3);
    Symmetric a(static_cast<std::size_t>(n * n), std::numeric_limits<double>::quiet_NaN());
    IndexSet everyone, clean;
    for (index_t i = 0; i < n; ++i) {
      everyone.push_back(i);
      if (i + 1 == n) continue;
      clean.push_back(i);
      for (index_t j = 0; j + 1 < n; ++j)
        a[static_cast<std::size_t>(i * n + j)] = inner[static_cast<std::size_t>(i * (n - 1) + j)];
    }
    const Pairs found = subset_pairs(exec(), a, n, {clean, everyone, clean}, k);
    for (const index_t b : {0, 2}) {
      std::vector<double> inside;
      for (index_t j = 0; j < k; ++j)
        for (const index_t i : clean) inside.push_back(found.vectors.view()(b, j, i));
      expect_eigenpairs(inner, n - 1, k, &found.values.view()(b, 0), inside.data(), "order " + std::to_string(n));
    }
    for (index_t j = 0; j < k; ++j) EXPECT_TRUE(std::isnan(found.values.view()(1, j))) << "order " << n;
  }
}

/// All results of subsets `first` .. `last` - 1, solved together.
std::vector<double> pairs_of_subsets(Exec& exec, Matrix<const double> a, const std::vector<IndexSet>& sets,
                                     index_t first, index_t last, index_t k) {
  const index_t problems = last - first, n = a.extent(0);
  Array<double, 2> values(exec, {problems, k});
  Array<double, 3> vectors(exec, {problems, k, n});
  const View<const double, 3> one(a.data(), {1, n, n});
  eigh_top_subsets(exec, one, {sets.begin() + first, sets.begin() + last}, k, values.view(), vectors.view());
  const auto w = to_host(exec, values.view());
  const auto v = to_host(exec, vectors.view());
  std::vector<double> all;
  for (index_t b = 0; b < problems; ++b) {
    all.insert(all.end(), w.data() + b * k, w.data() + (b + 1) * k);
    all.insert(all.end(), v.data() + b * k * n, v.data() + (b + 1) * k * n);
  }
  return all;
}

/// Ours are; which kernels cuBLAS and cuSOLVER take for a batch is theirs to say, so that for those who call them only
/// the bounds are.
TEST(EighTopOnCuda, BitsOfJacobiDependOnNeitherNeighboursNorMemory) {
  if (available_devices().size() < 2) GTEST_SKIP() << "cuda:0 is not there";
  // Jacobi, the iteration, cuSOLVER for many, cuSOLVER for one
  for (const auto& [n, k] : {std::pair<index_t, index_t>{20, 4}, {140, 1}, {120, 20}, {260, 60}}) {
    Exec exec(Device{Device::Kind::cuda, 0});
    std::vector<double> spectrum;  // a few large ones, then many that are close
    for (index_t i = 0; i < n; ++i) spectrum.push_back(i < 6 ? 10.0 - double(i) : 1 / (1 + 0.01 * double(i)));
    const Symmetric a = with_eigenvalues(spectrum, 3);
    const auto device = device_matrix(exec, a, n, n);
    std::vector<IndexSet> sets(2);  // of two sizes; the first one is solved alone, too
    for (index_t b = 0; b < 2; ++b)
      for (index_t i = 0; i < n; ++i)
        if (i % 17 != 3 * b && (b != 1 || i % 3 > 0)) sets[std::size_t(b)].push_back(i);
    const std::vector<double> together = pairs_of_subsets(exec, device.view(), sets, 0, 2, k);
    const Array<float, 1> held(exec, {index_t{50} << 20});
    std::vector<double> apart = pairs_of_subsets(exec, device.view(), sets, 0, 1, k);
    const std::vector<double> rest = pairs_of_subsets(exec, device.view(), sets, 1, 2, k);
    apart.insert(apart.end(), rest.begin(), rest.end());
    if (n <= jacobi_most_rows(exec)) {
      EXPECT_EQ(apart, together) << "order " << n;
    }
    for (index_t b = 0; b < 2; ++b)
      for (const std::vector<double>* all : {&std::as_const(apart), &together}) {
        const double* values = all->data() + b * k * (n + 1);
        expect_pairs_of_subset(a, n, sets[std::size_t(b)], k, values, values + k, "order " + std::to_string(n));
      }
  }
}

/// Counts what the iteration takes for each look and each block.
class CountingMemory final : public Memory {
 public:
  void* allocate(std::size_t bytes) override {
    ++allocations;
    return host_memory()->allocate(bytes);
  }
  void deallocate(void* data, std::size_t bytes) noexcept override { host_memory()->deallocate(data, bytes); }
  std::atomic<int> allocations = 0;
};

/// A warm start saves looks and blocks; one for all matrices, and one for each.
TEST(EighTopOnCpu, TakesFewerStepsFromAStart) {
  const index_t n = 280, k = 4, problems = 3;
  std::vector<double> spectrum;
  for (index_t i = 0; i < n; ++i) spectrum.push_back(std::pow(1.0 + double(i), -2.0));
  const Symmetric a = with_eigenvalues(spectrum, 5);
  std::vector<double> all;
  for (index_t b = 0; b < problems; ++b) all.insert(all.end(), a.begin(), a.end());
  const auto memory = std::make_shared<CountingMemory>();
  Exec exec({.memory = memory, .path = Path::tuned});
  Array<double, 2> values(exec, {problems, k});
  Array<double, 3> vectors(exec, {problems, k, n}), from_start(exec, {problems, k, n});
  const View<const double, 3> matrices(all.data(), {problems, n, n});
  const auto allocations_from = [&](View<const double, 3> start, View<double, 3> out) {
    const int before = memory->allocations;
    eigh_top_batch(exec, matrices, k, values.view(), out, start);
    return memory->allocations - before;
  };
  const int cold = allocations_from({}, vectors.view());
  EXPECT_LT(2 * allocations_from(vectors.view(), from_start.view()), cold);
  EXPECT_LT(2 * allocations_from({vectors.data(), {1, k, n}}, from_start.view()), cold);
}

/// The pairs of the whole matrix are made, and save blocks, where enough of its sets are iterated; else each set takes
/// what it takes alone.
TEST(EighTopOnCpu, MakesAStartForManySetsOnly) {
  const index_t n = 280, k = 4, many = crossover::kSetsForAStart;
  std::vector<double> spectrum;
  for (index_t i = 0; i < n; ++i) spectrum.push_back(std::pow(1.0 + double(i), -2.0));
  const Symmetric a = with_eigenvalues(spectrum, 5);
  IndexSet large(static_cast<std::size_t>(n - 1)), small(40);
  std::iota(large.begin(), large.end(), 0);
  std::iota(small.begin(), small.end(), 0);
  const auto memory = std::make_shared<CountingMemory>();
  Exec exec({.memory = memory, .threads = 1, .path = Path::tuned});
  const auto allocations_for = [&](std::size_t iterated, std::size_t dense) {
    std::vector<IndexSet> sets(iterated, large);
    sets.resize(iterated + dense, small);
    const auto problems = static_cast<index_t>(sets.size());
    Array<double, 2> values(exec, {problems, k});
    Array<double, 3> vectors(exec, {problems, k, n});
    const int before = memory->allocations;
    eigh_top_subsets(exec, {a.data(), {1, n, n}}, sets, k, values.view(), vectors.view());
    return memory->allocations - before;
  };
  const auto enough = static_cast<std::size_t>(many);
  const int one = allocations_for(1, 0);
  for (const std::size_t fewer : {std::size_t{2}, enough - 1})
    EXPECT_LE(allocations_for(fewer, 0), static_cast<int>(fewer) * one) << fewer;
  EXPECT_LE(allocations_for(enough - 1, 1), static_cast<int>(enough) * one);
  EXPECT_LT(allocations_for(enough, 0), allocations_for(enough - 1, 0));
}

/// Neither the library's own threads nor OpenMP's may show: a region of one thread is none to OpenBLAS.
TEST(EighTopOnCpu, BitsDoNotDependOnThreads) {
  const index_t n = 150, k = 60, problems = 4;  // too many pairs for the solver in lanes: LAPACK's turn
  std::vector<double> spectrum;
  for (index_t i = 0; i < n; ++i) spectrum.push_back(std::pow(0.97, static_cast<double>(i)));
  const Symmetric a = with_eigenvalues(spectrum, 8);
  std::vector<IndexSet> sets(problems);
  for (index_t b = 0; b < problems; ++b)
    for (index_t i = b; i < n; ++i) sets[static_cast<std::size_t>(b)].push_back(i);
  for (const Path path : {Path::portable, Path::tuned}) {
    std::vector<std::vector<double>> found;
    for (const int threads : {1, 2}) {
      Exec exec({.threads = threads, .path = path});
      const auto device = device_matrix(exec, a, n, n);
      Array<double, 2> values(exec, {problems, k});
      Array<double, 3> vectors(exec, {problems, k, n});
      eigh_top_subsets(exec, {device.data(), {1, n, n}}, sets, k, values.view(), vectors.view());
      found.emplace_back(vectors.data(), vectors.data() + problems * k * n);
    }
    EXPECT_EQ(found[0], found[1]);
  }
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(EighTop);

}  // namespace
}  // namespace hci::test
