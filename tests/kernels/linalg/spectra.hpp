// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "kernels/core/view.hpp"

namespace hci::test {

constexpr double kEps = std::numeric_limits<double>::epsilon();
using Symmetric = std::vector<double>;  // n x n

/// A matrix with exactly these eigenvalues, up to rounding: a diagonal one turned by reflections.
inline Symmetric with_eigenvalues(const std::vector<double>& values, unsigned seed) {
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

/// x xᵀ over the used columns, by plain loops.
inline Symmetric gram_of(const std::vector<float>& x, index_t rows, index_t columns,
                         const std::vector<std::uint8_t>& used) {
  Symmetric g(static_cast<std::size_t>(rows * rows), 0.0);
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < rows; ++j)
      for (index_t p = 0; p < columns; ++p)
        if (used[static_cast<std::size_t>(p)] != 0)
          g[static_cast<std::size_t>(i * rows + j)] +=
              static_cast<double>(x[static_cast<std::size_t>(i * columns + p)]) *
              static_cast<double>(x[static_cast<std::size_t>(j * columns + p)]);
  return g;
}

/// Whether no eigenvalue but those of the k pairs is larger than the last of them. With those pairs lowered to it, that
/// is what Cholesky's decomposition of H = (w_k + t) I - A + sum over j of (w_j - w_k) v_j v_jᵀ tells: it exists where
/// H is positive by more than its own rounding, (n + 1) eps / 2 trace(H) (Demmel 1989; Higham 2002, theorem 10.7), and
/// cannot where another value is above w_k + 2 t. With residuals and scalar products within `bound` (times |A|, those),
/// A + E has exactly such pairs for some |E| <= 2 sqrt(k) bound |A|, and the sum is off by k bound |A|: t is these
/// three.
inline bool are_largest(const Symmetric& a, index_t n, index_t k, const double* values, const double* vectors,
                        double norm, double bound) {
  if (norm == 0) return true;  // all values are 0
  const auto size = static_cast<std::size_t>(n);
  const double last = values[k - 1];
  Symmetric h(a);
  for (double& x : h) x = -x;
  double trace = 0;
  for (index_t j = 0; j + 1 < k; ++j)
    for (std::size_t r = 0; r < size; ++r) {
      const double* const v = vectors + j * n;
      const double factor = (values[j] - last) * v[r];
      for (std::size_t c = r; c < size; ++c) h[r * size + c] += factor * v[c];
    }
  for (std::size_t r = 0; r < size; ++r) trace += h[r * size + r] += last;
  const double t = (2 * std::sqrt(double(k)) + double(k)) * bound * norm + double(n + 1) * kEps / 2 * std::fabs(trace);
  for (std::size_t r = 0; r < size; ++r) h[r * size + r] += t;
  for (std::size_t r = 0; r < size; ++r) {  // by rows of the upper triangle
    const double pivot = h[r * size + r];
    if (!(pivot > 0)) return false;
    for (std::size_t i = r + 1; i < size; ++i) {
      const double factor = h[r * size + i] / pivot;
      if (factor == 0) continue;
      for (std::size_t c = i; c < size; ++c) h[i * size + c] -= factor * h[r * size + c];
    }
  }
  return true;
}

/// Checks what makes eigenpairs right, without another solver: |A v - w v| and |v_i . v_j - delta_ij| at the
/// level of n eps |A| (the constant 10 covers the sums of the check itself), descending order, and that they are the
/// largest.
inline void expect_eigenpairs(const Symmetric& a, index_t n, index_t k, const double* values, const double* vectors,
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
  if (k < n) {
    EXPECT_TRUE(are_largest(a, n, k, values, vectors, norm, bound)) << what << ": a larger value is missing";
  }
}

/// Spectra that are easy, close, degenerate and deficient.
inline std::vector<std::pair<std::string, std::vector<double>>> spectra(index_t n) {
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

}  // namespace hci::test
