// SPDX-License-Identifier: MIT
// What the tests of eigensolvers rely on: that a larger value that was passed over is seen.
#include "tests/kernels/linalg/spectra.hpp"

#include <algorithm>

namespace hci::test {
namespace {

/// The diagonal's own pairs: the values at `places`, unit vectors.
bool are_largest_of_diagonal(const std::vector<double>& diagonal, const std::vector<std::size_t>& places) {
  const std::size_t n = diagonal.size();
  Symmetric a(n * n, 0.0);
  double norm = 0;
  for (std::size_t i = 0; i < n; ++i) a[i * n + i] = diagonal[i], norm += diagonal[i] * diagonal[i];
  std::vector<double> values, vectors(places.size() * n, 0.0);
  for (std::size_t j = 0; j < places.size(); ++j) {
    values.push_back(diagonal[places[j]]);
    vectors[j * n + places[j]] = 1;
  }
  return are_largest(a, static_cast<index_t>(n), static_cast<index_t>(places.size()), values.data(), vectors.data(),
                     std::sqrt(norm), 10 * double(n) * kEps);
}

TEST(Spectra, LargestPairsAreToldFromOthers) {
  for (const index_t n : {5, 40, 300})
    for (const auto& [name, spectrum] : spectra(n)) {
      auto sorted = spectrum;
      std::sort(sorted.rbegin(), sorted.rend());
      EXPECT_TRUE(are_largest_of_diagonal(sorted, {0, 1, 2})) << name;
      // Passed over: the largest, one in the middle, the last. Of values that are alike no one can say.
      for (const std::vector<std::size_t>& places : {std::vector<std::size_t>{1, 2, 3}, {0, 2, 3}, {0, 1, 3}}) {
        const std::size_t missing = places[0] == 1 ? 0 : places[1] == 2 ? 1 : 2;
        const double gap = sorted[missing] - sorted[3];
        if (gap < 1e-9 * sorted[0]) continue;
        EXPECT_FALSE(are_largest_of_diagonal(sorted, places)) << name << ", order " << n << ": " << missing;
      }
    }
}

TEST(Spectra, LargestPairsOfIndefiniteMatricesToo) {
  const std::vector<double> diagonal{-1, 4, -7, 2, 1e-3, -5};
  EXPECT_TRUE(are_largest_of_diagonal(diagonal, {1, 3, 4, 0}));
  EXPECT_FALSE(are_largest_of_diagonal(diagonal, {1, 3, 0}));
  EXPECT_FALSE(are_largest_of_diagonal(diagonal, {1, 0, 5}));
}

}  // namespace
}  // namespace hci::test
