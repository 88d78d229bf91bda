// SPDX-License-Identifier: MIT
#pragma once
// What the benchmarks of eigensolvers share: their matrices, and whether a result is one.
#include <algorithm>
#include <cmath>

#include "bench/kernels/linalg/speckle_rows.hpp"
#include "kernels/linalg/gram.hpp"

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

/// |A v - w v| <= 10 n eps |A| and |v| = 1 for the last pair of the last problem.
inline bool is_right(Exec& exec, const Array<double, 3>& a, const Array<double, 2>& values,
                     const Array<double, 3>& vectors) {
  const index_t b = a.extent(0) - 1, n = a.extent(1), j = values.extent(1) - 1;
  const auto host = to_host(exec, a.view());
  const auto w = to_host(exec, values.view());
  const auto v = to_host(exec, vectors.view());
  double residual = 0, norm = 0, length = 0;
  for (index_t r = 0; r < n; ++r) {
    length += v.view()(b, j, r) * v.view()(b, j, r);
    double sum = -w.view()(b, j) * v.view()(b, j, r);
    for (index_t c = 0; c < n; ++c) {
      sum += host.view()(b, r, c) * v.view()(b, j, c);
      norm += host.view()(b, r, c) * host.view()(b, r, c);
    }
    residual += sum * sum;
  }
  return std::fabs(length - 1) < 1e-10 &&
         std::sqrt(residual) <= 10 * 2.3e-16 * static_cast<double>(n) * std::sqrt(norm);
}

}  // namespace hci::bench
