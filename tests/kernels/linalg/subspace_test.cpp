// SPDX-License-Identifier: MIT
#include "kernels/linalg/subspace.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "tests/kernels/linalg/eigenpairs.hpp"
#include "tests/support/devices.hpp"
#if defined(HCI_CUDA_EMULATED)
#include "cuda_emulation/control.hpp"
#endif

namespace hci::test {
namespace {

class Subspace : public OnEveryDevice {
 protected:
  struct Solved : Pairs {
    SubspaceReport report;
  };
  Solved solved(const std::vector<Symmetric>& matrices, index_t n, index_t k, const SubspaceOptions& options = {}) {
    SubspaceReport report;
    Pairs pairs = pairs_of(exec(), matrices, n, k,
                           [&](View<const double, 3> a, const Matrix<double>& values, const View<double, 3>& vectors) {
                             report = subspace_top(exec(), DenseOperator(a), values, vectors, options);
                           });
    return {std::move(pairs), std::move(report)};
  }
};

/// As they come from speckles: a strong mean, then a power law.
std::vector<double> falling(index_t n, double power) {
  std::vector<double> values;
  for (index_t i = 0; i < n; ++i) values.push_back((i == 0 ? 100.0 : 1.0) * std::pow(1.0 + double(i), -power));
  return values;
}

TEST_P(Subspace, FindsThePairsOfFallingSpectra) {
  for (const auto& [n, k, power] : {std::tuple<index_t, index_t, double>{120, 10, 2.5},
                                    {150, 3, 1.0},
                                    {40, 40, 2.0},
                                    {1, 1, 1.0},
                                    {2, 1, 1.0},
                                    {9, 7, 1.0}}) {
    const auto spectrum = falling(n, power);
    const Symmetric a = with_eigenvalues(spectrum, 7);
    const Solved found = solved({a}, n, k);
    ASSERT_TRUE(found.report.all_converged()) << n << ", " << k;
    expect_eigenpairs(a, n, k, found.values.data(), found.vectors.data(), "n " + std::to_string(n));
    for (index_t j = 0; j < k; ++j)  // as in EighTop
      EXPECT_NEAR(found.values.data()[j], spectrum[static_cast<std::size_t>(j)],
                  30 * static_cast<double>(n) * kEps * spectrum[0]);
  }
}

/// Each problem of a batch ends when it has converged, whatever the others need.
TEST_P(Subspace, SolvesHardSpectraTogether) {
  const index_t n = 40, k = 5;
  std::vector<Symmetric> matrices;
  for (const auto& [name, spectrum] : spectra(n)) matrices.push_back(with_eigenvalues(spectrum, 3));
  const Solved found = solved(matrices, n, k);
  EXPECT_EQ(found.report.converged, std::vector<std::uint8_t>(matrices.size(), 1));
  for (std::size_t b = 0; b < matrices.size(); ++b) {
    const auto problem = static_cast<index_t>(b);
    expect_eigenpairs(matrices[b], n, k, &found.values.view()(problem, 0), &found.vectors.view()(problem, 0, 0),
                      "matrix " + std::to_string(b));
  }
}

TEST_P(Subspace, SaysThatAnIndefiniteMatrixIsNotItsOwn) {
  std::vector<double> spectrum(50, -1.0);
  for (std::size_t i = 0; i < 3; ++i) spectrum[i] = 3;
  EXPECT_FALSE(solved({with_eigenvalues(spectrum, 3)}, 50, 5).report.all_converged());
}

/// A multiplicity of k + 8 is found to the last, and so are the values below it.
TEST_P(Subspace, FindsAllOfAMultipleEigenvalue) {
  const index_t n = 90, k = 12;
  std::vector<double> spectrum(static_cast<std::size_t>(n), 0.0);
  for (std::size_t i = 0; i < 60; ++i) spectrum[i] = i < 10 ? 7.0 : 3.0 * std::pow(0.8, double(i - 10));
  const Symmetric a = with_eigenvalues(spectrum, 4);
  const Solved found = solved({a}, n, k);
  ASSERT_TRUE(found.report.all_converged());
  expect_eigenpairs(a, n, k, found.values.data(), found.vectors.data(), "multiplicity 10");
  for (index_t j = 0; j < k; ++j)
    EXPECT_NEAR(found.values.data()[j], spectrum[static_cast<std::size_t>(j)], 30 * static_cast<double>(n) * kEps * 7);
}

TEST_P(Subspace, FillsUpMatricesOfLowRank) {
  const index_t n = 60, k = 20;
  std::vector<double> spectrum(static_cast<std::size_t>(n), 0.0);
  for (std::size_t i = 0; i < 15; ++i) spectrum[i] = std::pow(0.5, double(i));
  for (const bool nothing : {false, true}) {
    const Symmetric a = with_eigenvalues(nothing ? std::vector<double>(static_cast<std::size_t>(n), 0.0) : spectrum, 4);
    const Solved found = solved({a}, n, k);
    ASSERT_TRUE(found.report.all_converged());
    expect_eigenpairs(a, n, k, found.values.data(), found.vectors.data(), "low rank");
  }
}

/// The same pairs with fewer products; the difference is that of two backward stable solvers: rotations by at most
/// residual / gap.
TEST_P(Subspace, StartsWhereItIsTold) {
  const index_t n = 130, k = 8;
  const auto spectrum = falling(n, 2.5);
  const Symmetric a = with_eigenvalues(spectrum, 9);
  const Solved cold = solved({a}, n, k);
  std::vector<double> begin(cold.vectors.data(), cold.vectors.data() + k * n);
  for (std::size_t i = 0; i < begin.size(); ++i) begin[i] += 1e-5 * std::sin(static_cast<double>(i));
  const auto start = to_device(exec(), View<const double, 3>(begin.data(), {1, k, n}));
  const Solved warm = solved({a}, n, k, {.start = start.view()});
  ASSERT_TRUE(warm.report.all_converged());
  EXPECT_LT(warm.report.products, cold.report.products);
  expect_eigenpairs(a, n, k, warm.values.data(), warm.vectors.data(), "warm");
  const double residual = 2 * static_cast<double>(n) * kEps * spectrum[0];
  for (index_t j = 0; j < k; ++j) {
    const auto at = static_cast<std::size_t>(j);
    const double gap = std::min(j > 0 ? spectrum[at - 1] - spectrum[at] : spectrum[0], spectrum[at] - spectrum[at + 1]);
    const double sign = std::inner_product(warm.vectors.data() + j * n, warm.vectors.data() + (j + 1) * n,
                                           cold.vectors.data() + j * n, 0.0);
    double square = 0;
    for (index_t i = 0; i < n; ++i)
      square += std::pow(warm.vectors.view()(0, j, i) - (sign < 0 ? -1 : 1) * cold.vectors.view()(0, j, i), 2);
    EXPECT_LE(std::sqrt(square), 4 * residual / gap) << j;  // each of the two by sqrt(2) residual / gap at most
  }
}

/// Each problem of a batch from its own vectors: fewer products, and none is told another's.
TEST_P(Subspace, StartsEachProblemWhereItIsTold) {
  const index_t n = 130, k = 5;
  const std::vector<Symmetric> matrices{with_eigenvalues(falling(n, 2.5), 9), with_eigenvalues(falling(n, 2), 4)};
  const Solved cold = solved(matrices, n, k);
  std::vector<double> begin(cold.vectors.data(), cold.vectors.data() + cold.vectors.size());
  for (std::size_t i = 0; i < begin.size(); ++i) begin[i] += 1e-6 * std::sin(static_cast<double>(i));
  const auto near = to_device(exec(), View<const double, 3>(begin.data(), {2, k, n}));
  std::vector<double> of_the_other(begin.begin() + k * n, begin.end());
  of_the_other.insert(of_the_other.end(), begin.begin(), begin.begin() + k * n);
  const auto swapped = to_device(exec(), View<const double, 3>(of_the_other.data(), {2, k, n}));
  const Solved warm = solved(matrices, n, k, {.start = near.view()});
  const Solved misled = solved(matrices, n, k, {.start = swapped.view()});
  ASSERT_TRUE(warm.report.all_converged() && misled.report.all_converged());
  EXPECT_LT(warm.report.products, cold.report.products);
  EXPECT_LT(warm.report.products, misled.report.products);
  for (const Solved* found : {&warm, &misled})
    for (index_t b = 0; b < 2; ++b)
      expect_eigenpairs(matrices[static_cast<std::size_t>(b)], n, k, &found->values.view()(b, 0),
                        &found->vectors.view()(b, 0, 0), "matrix " + std::to_string(b));
}

/// A start of zeros, of one vector many times, and of too many.
TEST_P(Subspace, TakesPoorStarts) {
  const index_t n = 50, k = 4;
  const Symmetric a = with_eigenvalues(falling(n, 2), 2);
  for (const double value : {0.0, 1.0}) {
    const std::vector<double> begin(static_cast<std::size_t>(30 * n), value);
    const auto start = to_device(exec(), View<const double, 3>(begin.data(), {1, 30, n}));
    const Solved found = solved({a, a}, n, k, {.start = start.view()});
    ASSERT_TRUE(found.report.all_converged());
    expect_eigenpairs(a, n, k, found.values.data(), found.vectors.data(), "poor start");
  }
}

/// Spaces that are restarted after every second block, and hardly ever.
TEST_P(Subspace, TakesASpaceOfAnySize) {
  const index_t n = 130, k = 5;
  const Symmetric a = with_eigenvalues(falling(n, 1), 7);
  for (const index_t blocks : {3, 4, 7, 12}) {  // the last holds more rows than there are
    const Solved found = solved({a}, n, k, {.space_blocks = blocks});
    ASSERT_TRUE(found.report.all_converged()) << blocks;
    expect_eigenpairs(a, n, k, found.values.data(), found.vectors.data(), std::to_string(blocks) + " blocks");
  }
}

TEST_P(Subspace, SaysWhenItDoesNotConverge) {
  const index_t n = 80, k = 3;
  const Symmetric a = with_eigenvalues(falling(n, 0.1), 2);
  EXPECT_FALSE(solved({a}, n, k, {.most_blocks = 2}).report.all_converged());
}

/// And the neighbours are solved.
TEST_P(Subspace, DoesNotConvergeForNaNAndInfinity) {
  const index_t n = 70, k = 3;
  const Symmetric good = with_eigenvalues(falling(n, 2), 2);
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Symmetric a = good;
    a.back() = bad;
    const Solved found = solved({good, a, good}, n, k);
    EXPECT_EQ(found.report.converged, (std::vector<std::uint8_t>{1, 0, 1}));
    for (index_t b : {0, 2})
      expect_eigenpairs(good, n, k, &found.values.view()(b, 0), &found.vectors.view()(b, 0, 0), "a neighbour");
  }
}

TEST_P(Subspace, RefusesWhatDoesNotFit) {
  const index_t n = 40;
  const Symmetric a = with_eigenvalues(falling(n, 1), 2);
  EXPECT_THROW(solved({a}, n, 41), InvalidInput);
  EXPECT_THROW(solved({a}, n, 3, {.tolerance = -1}), InvalidInput);
  EXPECT_THROW(solved({a}, n, 3, {.space_blocks = 2}), InvalidInput);
  const auto start = to_device(exec(), View<const double, 3>(a.data(), {1, 2, 39}));
  EXPECT_THROW(solved({a}, n, 3, {.start = start.view()}), InvalidInput);
}

/// Orders at which the iteration serves eigh_top; what it does not solve the dense solver does.
TEST_P(Subspace, ServesEighTop) {
  const index_t n = 300, k = 6;
  for (const double power : {2.0, 0.02}) {
    const Symmetric a = with_eigenvalues(falling(n, power), 6);
    const Pairs found = top_pairs(exec(), a, n, k);
    expect_eigenpairs(a, n, k, found.values.data(), found.vectors.data(), "power " + std::to_string(power));
  }
}

TEST_P(Subspace, ServesSubsets) {
  const index_t n = 310, k = 4;
  const Symmetric a = with_eigenvalues(falling(n, 2), 6);
  std::vector<IndexSet> sets(3);
  for (index_t b = 0; b < 3; ++b)
    for (index_t i = 0; i < n; ++i)
      if (i < 50 * b || i > 50 * b + 7 + b) sets[static_cast<std::size_t>(b)].push_back(i);
  const auto [w, v] = subset_pairs(exec(), a, n, sets, k);
  for (index_t b = 0; b < 3; ++b) {
    const IndexSet& set = sets[static_cast<std::size_t>(b)];
    const auto m = static_cast<index_t>(set.size());
    Symmetric sub;
    std::vector<double> inside;
    for (const index_t i : set)
      for (const index_t j : set) sub.push_back(a[static_cast<std::size_t>(i * n + j)]);
    for (index_t j = 0; j < k; ++j)
      for (const index_t i : set) inside.push_back(v.view()(b, j, i));
    expect_eigenpairs(sub, m, k, &w.view()(b, 0), inside.data(), "set " + std::to_string(b));
    for (index_t j = 0; j < k; ++j) EXPECT_EQ(v.view()(b, j, 50 * b + 3), 0.0);
  }
}

#if defined(HCI_CUDA_EMULATED)
/// A space of three blocks is for the device whose blocks can diagonalize it by Jacobi: 84 rows need 60 KB. With 48 KiB
/// (a GTX 1080) cuSOLVER has to, and the space has as many blocks as suit that.
TEST(SubspaceOnCuda, HasTheShapeThatTheDeviceCanDiagonalize) {
  const index_t n = 130, k = 20;
  const Symmetric a = with_eigenvalues(falling(n, 2.5), 9);
  Exec exec({.device = {Device::Kind::cuda, 0}});
  const std::size_t by_jacobi = subspace_bytes(exec, n, k);
  cuda_emulation::set_shared_on_request(0, 48 << 10);
  EXPECT_GT(subspace_bytes(exec, n, k), by_jacobi);
  const Pairs found = pairs_of(exec, {a}, n, k, [&](const auto& matrices, const auto& values, const auto& vectors) {
    EXPECT_TRUE(subspace_top(exec, DenseOperator(matrices), values, vectors).all_converged());
  });
  cuda_emulation::set_shared_on_request(0, 227 << 10);
  expect_eigenpairs(a, n, k, found.values.data(), found.vectors.data(), "48 KiB");
}
#endif

TEST(SubspaceOnCpu, BitsDoNotDependOnThreads) {
  const index_t n = 300, k = 7;
  const Symmetric a = with_eigenvalues(falling(n, 2), 8);
  for (const Path path : {Path::portable, Path::tuned}) {
    std::vector<std::vector<double>> found;
    for (const int threads : {1, 2, 3}) {
      Exec exec({.threads = threads, .path = path});
      const auto device = device_matrix(exec, a, n, n);
      Array<double, 2> values(exec, {1, k});
      Array<double, 3> vectors(exec, {1, k, n});
      const View<const double, 3> one(device.data(), {1, n, n});
      EXPECT_TRUE(subspace_top(exec, DenseOperator(one), values.view(), vectors.view()).all_converged());
      found.emplace_back(vectors.data(), vectors.data() + k * n);
    }
    EXPECT_EQ(found[0], found[1]);
    EXPECT_EQ(found[0], found[2]);
  }
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Subspace);

}  // namespace
}  // namespace hci::test
