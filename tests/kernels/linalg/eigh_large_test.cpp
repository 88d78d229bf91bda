// SPDX-License-Identifier: MIT
#include <cmath>
#include <numbers>

#include "kernels/linalg/eigh_top.hpp"
#include "tests/kernels/linalg/eigenpairs.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

/// Five cosines, orthonormal by their definition (those of the discrete cosine transform), with values that are chosen.
/// Values to n eps of the largest one, vectors to the same over the distance to the next value; ten of it, for the
/// matrix itself rounds, each element by some of its five terms.
void expect_the_closed_form(Exec& exec, index_t n) {
  const index_t k = 5;
  const std::vector<double> want{900, 500, 300, 50, 7};
  const std::vector<index_t> waves{3, 40, 1, n - 1, 7 * n / 20};
  std::vector<std::vector<double>> vectors;
  for (const index_t wave : waves) {
    std::vector<double> v;
    for (index_t i = 0; i < n; ++i)
      v.push_back(std::sqrt(2.0 / double(n)) *
                  std::cos(std::numbers::pi * double(wave * (2 * i + 1) % (4 * n)) / double(2 * n)));
    vectors.push_back(std::move(v));
  }
  Symmetric a(static_cast<std::size_t>(n * n), 0.0);
  for (std::size_t j = 0; j < 5; ++j)
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      const double factor = want[j] * vectors[j][i];
      for (std::size_t m = 0; m < static_cast<std::size_t>(n); ++m)
        a[i * static_cast<std::size_t>(n) + m] += factor * vectors[j][m];
    }
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)  // to the last bit
    for (std::size_t m = 0; m < i; ++m) a[i * static_cast<std::size_t>(n) + m] = a[m * static_cast<std::size_t>(n) + i];
  const Pairs found = top_pairs(exec, a, n, k);
  const double bound = 10 * double(n) * kEps * want[0];
  for (index_t j = 0; j < k; ++j) {
    const auto at = static_cast<std::size_t>(j);
    EXPECT_NEAR(found.values.data()[j], want[at], bound) << j;
    const double* const v = found.vectors.data() + j * n;
    const double along = std::inner_product(v, v + n, vectors[at].begin(), 0.0);
    double square = 0;
    for (index_t i = 0; i < n; ++i) {
      const double wanted = vectors[at][static_cast<std::size_t>(i)];
      square += std::pow(v[i] - std::copysign(wanted, along * wanted), 2);
    }
    const double next = at + 1 < want.size() ? want[at + 1] : 0;
    const double gap = std::min(want[at] - next, at > 0 ? want[at - 1] - want[at] : want[at]);
    EXPECT_LE(std::sqrt(square), 2 * bound / gap) << j;
  }
}

TEST(EighTopOfALargeOrder, IsTheClosedForm) {
  Exec exec({.path = Path::tuned});
  expect_the_closed_form(exec, 2000);
}

class EighTopOfAMiddlingOrder : public OnEveryDevice {};

TEST_P(EighTopOfAMiddlingOrder, IsTheClosedForm) {
  for (const index_t n : {601, 1000}) expect_the_closed_form(exec(), n);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(EighTopOfAMiddlingOrder);

}  // namespace
}  // namespace hci::test
