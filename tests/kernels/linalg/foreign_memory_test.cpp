// SPDX-License-Identifier: MIT
// What the linear algebra of the CPU takes beside its results comes from the allocator that the caller gave.
#include <numeric>

#include "kernels/linalg/eigh_dense.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/least_squares.hpp"
#include "kernels/linalg/subspace.hpp"
#include "tests/kernels/linalg/eigenpairs.hpp"

namespace hci::test {
namespace {

class ForeignMemory : public ::testing::TestWithParam<Path> {
 protected:
  /// Bytes that work() takes from the foreign memory at a time, beside what is in use there before.
  template <class Work>
  std::size_t taken(const Work& work) {
    const std::size_t before = memory_->bytes_in_use();
    work();
    EXPECT_EQ(memory_->bytes_in_use(), before);
    return memory_->peak_bytes() - before;
  }
  static std::size_t doubles(index_t count) { return static_cast<std::size_t>(count) * sizeof(double); }

  std::shared_ptr<CountedMemory> memory_ = std::make_shared<CountedMemory>(host_memory());
  Exec exec_{{.memory = memory_, .threads = 2, .path = GetParam()}};
};

TEST_P(ForeignMemory, ServesGramMatrices) {
  const index_t rows = 100, columns = 300;
  const auto x = device_matrix(exec_, speckle_rows(rows, columns), rows, columns);
  Array<double, 2> g(exec_, {rows, rows});
  const std::size_t bytes = taken([&] { gram(exec_, x.view(), {}, g.view()); });
  EXPECT_GE(bytes, GetParam() == Path::tuned ? doubles(rows * rows) : 0);  // the sums in tiles
}

/// Each thread has an Exec of its own, which iterates in that memory; subspace_bytes() is the most that one takes.
TEST_P(ForeignMemory, ServesTheExecsOfAllThreads) {
  const index_t n = 300, k = 3, problems = 3;
  std::vector<double> spectrum(static_cast<std::size_t>(n), 0.0);
  for (std::size_t i = 0; i < 5; ++i) spectrum[i] = std::pow(0.5, double(i));
  const Symmetric a = with_eigenvalues(spectrum, 3);
  std::vector<double> all;
  for (index_t b = 0; b < problems; ++b) all.insert(all.end(), a.begin(), a.end());
  const auto matrices = to_device(exec_, View<const double, 3>(all.data(), {problems, n, n}));
  Array<double, 2> values(exec_, {problems, k});
  Array<double, 3> vectors(exec_, {problems, k, n});
  const std::size_t bytes = taken([&] { eigh_top_batch(exec_, matrices.view(), k, values.view(), vectors.view()); });
  EXPECT_GE(bytes, GetParam() == Path::tuned ? subspace_bytes(exec_, n, k) / 2 : doubles(n * n));
  for (index_t b = 0; b < problems; ++b)
    expect_eigenpairs(a, n, k, &values.view()(b, 0), &vectors.view()(b, 0, 0), "problem " + std::to_string(b));
}

/// LAPACK's matrix, the one it is kept in, and its work: by some pairs, and by all.
TEST_P(ForeignMemory, ServesTheDenseSolver) {
  const index_t n = 150;
  const Symmetric a = with_eigenvalues(spectra(n)[0].second, 3);
  const auto matrix = device_matrix(exec_, a, n, n);
  for (const index_t k : {4, 100}) {
    Array<double, 2> values(exec_, {1, k});
    Array<double, 3> vectors(exec_, {1, k, n});
    const View<const double, 3> one(matrix.data(), {1, n, n});
    EXPECT_GE(taken([&] { eigh_dense(exec_, one, values.view(), vectors.view()); }), doubles(2 * n * n)) << k;
    expect_eigenpairs(a, n, k, values.data(), vectors.data(), std::to_string(k) + " pairs");
  }
}

/// The triangle that BLAS decomposes.
TEST_P(ForeignMemory, ServesLeastSquares) {
  const index_t n = 150;
  const Symmetric a = with_eigenvalues(std::vector<double>(static_cast<std::size_t>(n), 2.0), 3);
  const auto matrix = device_matrix(exec_, a, n, n);
  const auto rhs = device_matrix(exec_, std::vector<double>(static_cast<std::size_t>(n), 1.0), 1, n);
  IndexSet everyone(static_cast<std::size_t>(n));
  std::iota(everyone.begin(), everyone.end(), 0);
  Array<double, 2> c(exec_, {1, n});
  const View<const double, 3> one(matrix.data(), {1, n, n});
  const std::size_t bytes = taken([&] { solve_subsets(exec_, one, {everyone}, rhs.view(), 0, c.view()); });
  EXPECT_GE(bytes, GetParam() == Path::tuned ? doubles(n * n) : 0);
  // 2 c = 1; the matrix is rounded by three reflections of n terms, the solution by as much and a Cholesky's n.
  for (index_t i = 0; i < n; ++i) EXPECT_NEAR(c.data()[i], 0.5, 40 * static_cast<double>(n) * kEps);
}

std::string name_of_path(const ::testing::TestParamInfo<Path>& tested) {
  return tested.param == Path::tuned ? "CpuTuned" : "CpuPortable";
}
INSTANTIATE_TEST_SUITE_P(, ForeignMemory, ::testing::Values(Path::portable, Path::tuned), name_of_path);

}  // namespace
}  // namespace hci::test
