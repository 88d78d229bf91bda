// SPDX-License-Identifier: MIT
#include "kernels/linalg/eigh_top.hpp"

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "kernels/core/error.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class EighTop : public OnEveryDevice {};

constexpr double kEps = std::numeric_limits<double>::epsilon();
using Symmetric = std::vector<double>;  // n x n

/// A matrix with exactly these eigenvalues, up to rounding: a diagonal one turned by reflections.
Symmetric with_eigenvalues(const std::vector<double>& values, unsigned seed) {
  const std::size_t n = values.size();
  Symmetric a(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) a[i * n + i] = values[i];
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  for (int turn = 0; turn < 3; ++turn) {  // a -> H a H, H = 1 - 2 u uᵀ
    std::vector<double> u(n), au(n, 0.0);
    double length = 0;
    for (double& x : u) x = normal(generator);
    for (double x : u) length += x * x;
    for (double& x : u) x /= std::sqrt(length);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) au[i] += a[i * n + j] * u[j];
    const double uau = std::inner_product(u.begin(), u.end(), au.begin(), 0.0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) a[i * n + j] += -2 * u[i] * au[j] - 2 * au[i] * u[j] + 4 * uau * u[i] * u[j];
  }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) a[i * n + j] = a[j * n + i];
  return a;
}

/// Checks what makes eigenpairs right, without another solver: |A v - w v| and |v_i . v_j - delta_ij| at the
/// level of n eps |A| (the constant 10 covers the sums of the check itself), and descending order.
void expect_eigenpairs(const Symmetric& a, index_t n, index_t k, const double* values, const double* vectors,
                       const std::string& what) {
  double norm = 0;
  for (double x : a) norm += x * x;
  norm = std::sqrt(norm);
  const double bound = 10 * static_cast<double>(n) * kEps;
  for (index_t j = 0; j < k; ++j) {
    const double* v = vectors + j * n;
    double residual = 0;
    for (index_t i = 0; i < n; ++i) {
      const double av = std::inner_product(v, v + n, a.begin() + i * n, 0.0);
      residual += (av - values[j] * v[i]) * (av - values[j] * v[i]);
    }
    EXPECT_LE(std::sqrt(residual), bound * norm) << what << ", pair " << j;
    for (index_t i = 0; i <= j; ++i)
      EXPECT_NEAR(std::inner_product(v, v + n, vectors + i * n, 0.0), i == j ? 1.0 : 0.0, bound)
          << what << ", pairs " << i << ", " << j;
    if (j > 0) {
      EXPECT_GE(values[j - 1], values[j] - bound * norm) << what;
    }
  }
}

/// Spectra that are easy, close, degenerate and deficient.
std::vector<std::pair<std::string, std::vector<double>>> spectra(index_t n) {
  std::vector<double> falling, clustered, same(static_cast<std::size_t>(n), 3.0), deficient, graded;
  for (index_t i = 0; i < n; ++i) {
    falling.push_back(static_cast<double>(n - i));
    clustered.push_back(i < n / 2 ? 1 + 1e-13 * static_cast<double>(i) : 1e-3);
    deficient.push_back(i < 2 ? 5.0 - static_cast<double>(i) : 0.0);
    graded.push_back(1e10 * std::pow(10.0, -0.5 * static_cast<double>(i)));
  }
  return {{"falling", falling},
          {"clustered", clustered},
          {"all the same", same},
          {"deficient", deficient},
          {"graded", graded}};
}

TEST_P(EighTop, FindsTheLargestPairs) {
  for (index_t n : {1, 2, 3, 17, 64, 101})
    for (const auto& [name, spectrum] : spectra(n)) {
      const Symmetric a = with_eigenvalues(spectrum, static_cast<unsigned>(n));
      double norm = 0;
      for (double x : spectrum) norm = std::max(norm, std::fabs(x));
      auto sorted = spectrum;
      std::sort(sorted.rbegin(), sorted.rend());
      for (index_t k : {index_t{1}, (n + 3) / 4, n}) {
        const auto device = device_matrix(exec(), a, n, n);
        Array<double, 1> values(exec(), {k});
        Array<double, 2> vectors(exec(), {k, n});
        eigh_top(exec(), device.view(), k, values.view(), vectors.view());
        const auto w = to_host(exec(), values.view());
        const auto v = to_host(exec(), vectors.view());
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
  const auto problems = static_cast<index_t>(sets.size());
  const auto device = device_matrix(exec(), a, n, n);
  Array<double, 2> values(exec(), {problems, k});
  Array<double, 3> vectors(exec(), {problems, k, n});
  eigh_top_subsets(exec(), device.view(), sets, k, values.view(), vectors.view());
  const auto w = to_host(exec(), values.view());
  const auto v = to_host(exec(), vectors.view());
  for (index_t b = 0; b < problems; ++b) {
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
      const auto device = device_matrix(exec(), a, n, n);
      Array<double, 2> values(exec(), {3, k});
      Array<double, 3> vectors(exec(), {3, k, n});
      eigh_top_subsets(exec(), device.view(), {everyone, everyone, everyone}, k, values.view(), vectors.view());
      const auto w = to_host(exec(), values.view());
      const auto v = to_host(exec(), vectors.view());
      for (index_t b = 0; b < 3; ++b)
        expect_eigenpairs(a, n, k, w.data() + b * k, v.data() + b * k * n, name + ", n " + std::to_string(n));
    }
}

TEST_P(EighTop, RefusesWhatHasNoAnswer) {
  Array<double, 2> a(exec(), {4, 4}), vectors(exec(), {5, 4}), three(exec(), {3, 4});
  Array<double, 1> values(exec(), {5});
  fill_zero(exec(), a.view());
  EXPECT_THROW(eigh_top(exec(), a.view(), 5, values.view(), vectors.view()), InvalidInput);
  EXPECT_THROW(eigh_top(exec(), a.view(), 0, values.view(), vectors.view()), InvalidInput);
  Array<double, 2> w(exec(), {1, 2});
  Array<double, 3> v(exec(), {1, 2, 4});
  EXPECT_THROW(eigh_top_subsets(exec(), a.view(), {{1, 0}}, 2, w.view(), v.view()), InvalidInput);
  EXPECT_THROW(eigh_top_subsets(exec(), a.view(), {{1, 4}}, 2, w.view(), v.view()), InvalidInput);
  EXPECT_THROW(eigh_top_subsets(exec(), a.view(), {{1, 1}}, 2, w.view(), v.view()), InvalidInput);
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
      eigh_top_subsets(exec, device.view(), sets, k, values.view(), vectors.view());
      found.emplace_back(vectors.data(), vectors.data() + problems * k * n);
    }
    EXPECT_EQ(found[0], found[1]);
  }
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(EighTop);

}  // namespace
}  // namespace hci::test
