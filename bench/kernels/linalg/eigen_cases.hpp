// SPDX-License-Identifier: MIT
#pragma once
// What the benchmarks of eigensolvers share: their matrices, and whether a result is one.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "bench/kernels/linalg/speckle_rows.hpp"
#include "kernels/linalg/gram.hpp"

extern "C" void dsyevr_(const char*, const char*, const char*, const int*, double*, const int*, const double*,
                        const double*, const int*, const int*, const double*, int*, double*, double*, const int*, int*,
                        double*, const int*, int*, const int*, int*);

namespace hci::bench {

/// Gram matrices of `batch` pieces of a sequence of speckles.
inline Array<double, 3> grams(Exec& exec, index_t batch, index_t n) {
  constexpr index_t kSide = 40, kStep = 3;
  const index_t different = std::min<index_t>(batch, 20);
  const auto x = speckle_rows(exec, n + kStep * different, kSide, kSide);
  Array<double, 3> g(exec, {batch, n, n});
  for (index_t b = 0; b < batch; ++b)
    gram(exec, slice(Matrix<const float>(x.view()), kStep * (b % different), n), {}, g.view()[b]);
  exec.wait();
  return g;
}

/// The k largest eigenvalues of a symmetric matrix, descending, by LAPACK's dense solver.
inline std::vector<double> largest_eigenvalues(std::vector<double> a, int n, int k) {
  const auto size = static_cast<std::size_t>(n);
  const int least = n - k + 1, one = 1, lwork = 40 * n, liwork = 12 * n;
  const double nothing = 0;
  int found = 0, info = 0;
  double no_vectors = 0;
  std::vector<double> values(size), work(40 * size);
  std::vector<int> support(2 * size), iwork(12 * size);
  dsyevr_("N", "I", "U", &n, a.data(), &n, &nothing, &nothing, &least, &n, &nothing, &found, values.data(), &no_vectors,
          &one, support.data(), work.data(), &lwork, iwork.data(), &liwork, &info);
  if (info != 0 || found != k) throw std::runtime_error("dsyevr found no eigenvalues");
  values.resize(static_cast<std::size_t>(k));
  std::reverse(values.begin(), values.end());
  return values;
}

/// Of the last problem: all values are a dense solver's to 10 n eps |A|, so that no larger one is missing, and for the
/// last pair |A v - w v| is within the same, |v| = 1.
inline bool is_right(Exec& exec, const Array<double, 3>& a, const Array<double, 2>& values,
                     const Array<double, 3>& vectors) {
  const index_t b = a.extent(0) - 1, n = a.extent(1), k = values.extent(1), j = k - 1;
  const auto matrix = to_host(exec, View<const double, 2>(a.view()[b]));
  const auto w = to_host(exec, View<const double, 1>(values.view()[b]));
  const auto v = to_host(exec, View<const double, 1>(vectors.view()[b][j]));
  double residual = 0, norm = 0, length = 0;
  for (index_t r = 0; r < n; ++r) {
    length += v.view()(r) * v.view()(r);
    double sum = -w.view()(j) * v.view()(r);
    for (index_t c = 0; c < n; ++c) {
      sum += matrix.view()(r, c) * v.view()(c);
      norm += matrix.view()(r, c) * matrix.view()(r, c);
    }
    residual += sum * sum;
  }
  const double bound = 10 * 2.3e-16 * static_cast<double>(n) * std::sqrt(norm);
  const auto want =
      largest_eigenvalues({matrix.data(), matrix.data() + n * n}, static_cast<int>(n), static_cast<int>(k));
  for (index_t i = 0; i < k; ++i)
    if (!(std::fabs(w.view()(i) - want[static_cast<std::size_t>(i)]) <= bound)) return false;
  return std::fabs(length - 1) < 1e-10 && std::sqrt(residual) <= bound;
}

}  // namespace hci::bench
