// SPDX-License-Identifier: MIT
#include "kernels/linalg/jacobi.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/kernels/linalg/eigenpairs.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

class Jacobi : public OnEveryDevice {
 protected:
  Pairs solved(const std::vector<Symmetric>& matrices, index_t n, index_t k) {
    return pairs_of(exec(), matrices, n, k,
                    [&](View<const double, 3> a, const Matrix<double>& values, const View<double, 3>& vectors) {
                      jacobi_eigh(exec(), a, values, vectors);
                    });
  }
};

TEST_P(Jacobi, FindsThePairsOfHardSpectraOfManySizes) {
  for (index_t n : {1, 2, 3, 8, 17, 33, 64}) {
    std::vector<Symmetric> matrices;
    std::vector<std::vector<double>> wanted;
    for (auto& [name, spectrum] : spectra(n)) {
      matrices.push_back(with_eigenvalues(spectrum, static_cast<unsigned>(n)));
      std::sort(spectrum.rbegin(), spectrum.rend());
      wanted.push_back(spectrum);
    }
    for (index_t k : {(n + 2) / 3, n}) {
      const Pairs found = solved(matrices, n, k);
      for (std::size_t b = 0; b < matrices.size(); ++b) {
        const auto problem = static_cast<index_t>(b);
        const std::string what = "matrix " + std::to_string(b) + " of order " + std::to_string(n);
        expect_eigenpairs(matrices[b], n, k, &found.values.view()(problem, 0), &found.vectors.view()(problem, 0, 0),
                          what);
        const double norm = std::fabs(wanted[b][0]);
        for (index_t j = 0; j < k; ++j)  // as in EighTop: the matrix itself was rounded by three reflections
          EXPECT_NEAR(found.values.view()(problem, j), wanted[b][static_cast<std::size_t>(j)],
                      30 * static_cast<double>(n) * kEps * std::sqrt(static_cast<double>(n)) * norm)
              << what;
      }
    }
  }
}

/// Second differences: eigenvalues 2 - 2 cos(pi j / (n + 1)), with both signs after the shift by -2.
TEST_P(Jacobi, SolvesTheLargestOrderAndIndefiniteMatrices) {
  for (const index_t n : {jacobi_most_rows(exec()) - 1, jacobi_most_rows(exec())}) {
    Symmetric a(static_cast<std::size_t>(n * n), 0.0);
    for (index_t i = 0; i + 1 < n; ++i)
      a[static_cast<std::size_t>(i * n + i + 1)] = a[static_cast<std::size_t>((i + 1) * n + i)] = -1;
    const Pairs found = solved({a}, n, n);
    expect_eigenpairs(a, n, n, found.values.data(), found.vectors.data(), "order " + std::to_string(n));
    for (index_t j = 0; j < n; ++j)  // n eps of the norm, which is sqrt(2 n)
      EXPECT_NEAR(found.values.data()[j], 2 * std::cos(std::acos(-1.0) * double(j + 1) / double(n + 1)),
                  static_cast<double>(n) * kEps * std::sqrt(2.0 * static_cast<double>(n)));
  }
}

/// On CUDA a lane has 24 rows there. Noise: the eigenvalues are not known, but their sum is the trace, and the sum of
/// their squares that of the elements: to n eps of the norm each, times sqrt(n), and times the norm.
TEST_P(Jacobi, SolvesDenseMatricesOfMoreThan64Rows) {
  for (const index_t n : {65, 78, 95}) {
    if (n > jacobi_most_rows(exec())) continue;
    const auto values = noise<2>({n, n}, static_cast<unsigned>(n));
    Symmetric a(static_cast<std::size_t>(n * n));
    double trace = 0, squares = 0;
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j) {
        const double value = double(values.view()(i, j)) + double(values.view()(j, i));
        a[static_cast<std::size_t>(i * n + j)] = value;
        trace += i == j ? value : 0;
        squares += value * value;
      }
    const Symmetric known = with_eigenvalues(spectra(n)[0].second, static_cast<unsigned>(n));
    const Pairs found = solved({a, known}, n, n);
    double sum = 0, sum_of_squares = 0;
    for (index_t j = 0; j < n; ++j) {
      const double w = found.values.view()(0, j);
      sum += w;
      sum_of_squares += w * w;
      // as above: the matrix itself was rounded by three reflections
      EXPECT_NEAR(found.values.view()(1, j), double(n - j), 30 * double(n) * kEps * std::sqrt(double(n)) * double(n));
    }
    const std::string what = "order " + std::to_string(n);
    for (const index_t b : {0, 1})
      expect_eigenpairs(b == 0 ? a : known, n, n, &found.values.view()(b, 0), &found.vectors.view()(b, 0, 0), what);
    const double bound = double(n) * kEps * std::sqrt(squares);
    EXPECT_NEAR(sum, trace, std::sqrt(double(n)) * bound) << what;
    EXPECT_NEAR(sum_of_squares, squares, 2 * bound * std::sqrt(squares)) << what;
  }
}

TEST_P(Jacobi, GivesNaNForNaNAndSolvesTheNeighbours) {
  const index_t n = 5, k = 2;
  const Symmetric good = with_eigenvalues({5, 4, 3, 2, 1}, 3);
  Symmetric nan = good, huge = good;
  nan[7] = std::numeric_limits<double>::quiet_NaN();
  huge[12] = 1e200;
  const Pairs found = solved({nan, good, huge}, n, k);
  for (index_t j = 0; j < k; ++j) {
    EXPECT_NEAR(found.values.view()(1, j), 5.0 - static_cast<double>(j), 1e-13);
    for (index_t b : {0, 2}) {
      EXPECT_TRUE(std::isnan(found.values.view()(b, j)));
      for (index_t i = 0; i < n; ++i) EXPECT_TRUE(std::isnan(found.vectors.view()(b, j, i)));
    }
  }
}

/// One sweep turns what is not diagonal, and cannot have seen that it is solved: two do for a matrix of order 2.
TEST_P(Jacobi, GivesNaNWhereTheSweepsDoNotSuffice) {
  const std::vector<double> both{2, 1, 1, 2, 3, 0, 0, 5};  // two matrices, the second one diagonal
  const auto a = to_device(exec(), View<const double, 3>(both.data(), {2, 2, 2}));
  Array<double, 2> values(exec(), {2, 2});
  Array<double, 3> vectors(exec(), {2, 2, 2});
  jacobi_eigh(exec(), a.view(), values.view(), vectors.view(), 1);
  const auto one = to_host(exec(), values.view());
  const auto of_one = to_host(exec(), vectors.view());
  jacobi_eigh(exec(), a.view(), values.view(), vectors.view(), 2);
  const auto two = to_host(exec(), values.view());
  for (index_t j = 0; j < 2; ++j) {
    EXPECT_TRUE(std::isnan(one.view()(0, j)));
    for (index_t i = 0; i < 2; ++i) EXPECT_TRUE(std::isnan(of_one.view()(0, j, i)));
    EXPECT_EQ(one.view()(1, j), 5.0 - 2.0 * static_cast<double>(j));
    EXPECT_NEAR(two.view()(0, j), 3.0 - 2.0 * static_cast<double>(j), 10 * kEps);  // sums of four terms up to 3
  }
}

/// Squares of lengths are multiplied with each other: matrices of any size are brought to one.
TEST_P(Jacobi, SolvesMatricesOfAnySize) {
  const index_t n = 6;
  for (const double size : {1e-150, 1e150}) {
    Symmetric a = with_eigenvalues({6, 5, 4, 3, 2, 1}, 2);
    for (double& x : a) x *= size;
    const Pairs found = solved({a}, n, n);
    for (index_t j = 0; j < n; ++j) {
      for (index_t i = 0; i < n; ++i) {  // |a v - w v|, n eps of the norm; squares of it would not be there
        double sum = -found.values.view()(0, j) * found.vectors.view()(0, j, i);
        for (index_t r = 0; r < n; ++r) sum += a[static_cast<std::size_t>(i * n + r)] * found.vectors.view()(0, j, r);
        EXPECT_NEAR(sum / size, 0, 10 * static_cast<double>(n) * kEps * 6) << size;
      }
      EXPECT_NEAR(found.values.view()(0, j) / size, 6.0 - static_cast<double>(j), 30 * 6 * kEps * 6) << size;
    }
  }
}

TEST_P(Jacobi, RefusesWhatDoesNotFit) {
  const index_t n = jacobi_most_rows(exec()) + 1;
  Array<double, 3> a(exec(), {1, n, n}), vectors(exec(), {1, 1, n}), small(exec(), {1, 4, 4}), four(exec(), {1, 5, 4});
  Array<double, 2> one(exec(), {1, 1}), five(exec(), {1, 5});
  EXPECT_THROW(jacobi_eigh(exec(), a.view(), one.view(), vectors.view()), InvalidInput);
  EXPECT_THROW(jacobi_eigh(exec(), small.view(), five.view(), four.view()), InvalidInput);
  Array<double, 3> fits(exec(), {1, 1, 4});
  EXPECT_THROW(jacobi_eigh(exec(), small.view(), one.view(), fits.view(), 0), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Jacobi);

}  // namespace
}  // namespace hci::test
