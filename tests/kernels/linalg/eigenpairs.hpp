// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/linalg/eigh_top.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/kernels/linalg/spectra.hpp"

namespace hci::test {

/// Of many matrices, on the host: values (b, k), vectors (b, k, n).
struct Pairs {
  Array<double, 2> values;
  Array<double, 3> vectors;
};

/// What solve(a (b, n, n), values (b, k), vectors (b, k, n)) makes of these matrices on the Exec's device.
template <class Solve>
Pairs pairs_of(Exec& exec, const std::vector<Symmetric>& matrices, index_t n, index_t k, const Solve& solve) {
  const auto count = static_cast<index_t>(matrices.size());
  std::vector<double> all;
  for (const Symmetric& a : matrices) all.insert(all.end(), a.begin(), a.end());
  const auto a = to_device(exec, View<const double, 3>(all.data(), {count, n, n}));
  Array<double, 2> values(exec, {count, k});
  Array<double, 3> vectors(exec, {count, k, n});
  solve(a.view(), values.view(), vectors.view());
  return {to_host(exec, values.view()), to_host(exec, vectors.view())};
}

/// The top pairs of one matrix.
inline Pairs top_pairs(Exec& exec, const Symmetric& a, index_t n, index_t k) {
  return pairs_of(exec, {a}, n, k,
                  [&](View<const double, 3> one, const Matrix<double>& values, const View<double, 3>& vectors) {
                    eigh_top(exec, one[0], k, values[0], vectors[0]);
                  });
}

/// The top pairs of many submatrices, of one matrix or of several.
inline Pairs subset_pairs(Exec& exec, const std::vector<Symmetric>& matrices, index_t n,
                          const std::vector<IndexSet>& sets, index_t k) {
  std::vector<double> all;
  for (const Symmetric& a : matrices) all.insert(all.end(), a.begin(), a.end());
  const auto a = to_device(exec, View<const double, 3>(all.data(), {static_cast<index_t>(matrices.size()), n, n}));
  const auto problems = static_cast<index_t>(sets.size());
  Array<double, 2> values(exec, {problems, k});
  Array<double, 3> vectors(exec, {problems, k, n});
  eigh_top_subsets(exec, a.view(), sets, k, values.view(), vectors.view());
  return {to_host(exec, values.view()), to_host(exec, vectors.view())};
}
inline Pairs subset_pairs(Exec& exec, const Symmetric& a, index_t n, const std::vector<IndexSet>& sets, index_t k) {
  return subset_pairs(exec, std::vector<Symmetric>{a}, n, sets, k);
}

}  // namespace hci::test
