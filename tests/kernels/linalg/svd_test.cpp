// SPDX-License-Identifier: MIT
#include "kernels/linalg/svd.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "kernels/core/error.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/kernels/linalg/spectra.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Svd : public OnEveryDevice {};

/// Rows of which `rank` are independent, singular values falling by a half; some columns masked by NaN.
struct Rows {
  static constexpr index_t kRows = 45, kColumns = 601;
  std::vector<float> x = std::vector<float>(kRows * kColumns, 0.0F);
  std::vector<std::uint8_t> used = std::vector<std::uint8_t>(kColumns, 1);
  explicit Rows(index_t rank) {
    for (index_t t = 0; t < kRows; ++t)
      for (index_t p = 0; p < kColumns; ++p) {
        double sum = 0;
        for (index_t r = 0; r < rank; ++r)
          sum += std::pow(0.5, double(r)) * std::cos(0.1 * double((r + 1) * t)) * std::sin(0.37 * double((r + 2) * p));
        x[static_cast<std::size_t>(t * kColumns + p)] = static_cast<float>(sum);
      }
    for (const std::size_t p : {0UL, 300UL, 600UL}) {
      used[p] = 0;
      x[p] = std::numeric_limits<float>::quiet_NaN();
    }
  }
};

TEST_P(Svd, FindsTheSingularVectorsWithoutTheGramMatrix) {
  const Rows rows(Rows::kRows);
  const index_t k = 4;
  const auto x = device_matrix(exec(), rows.x, Rows::kRows, Rows::kColumns);
  const auto used = to_device(exec(), rows.used);
  Array<double, 1> squares(exec(), {k});
  Array<double, 2> left(exec(), {k, Rows::kRows});
  svd_top(exec(), x.view(), used.view(), squares.view(), left.view());
  const auto w = to_host(exec(), squares.view());
  const auto u = to_host(exec(), left.view());
  expect_eigenpairs(gram_of(rows.x, Rows::kRows, Rows::kColumns, rows.used), Rows::kRows, k, w.data(), u.data(), "svd");
  EXPECT_THROW(svd_top(exec(), x.view(), {}, squares.view(), left.view()), InvalidInput);  // NaN
  EXPECT_THROW(svd_top(exec(), x.view(), used.view(), squares.view(), left.view(), {.most_blocks = 1}), NotConverged);
}

TEST_P(Svd, RandomizedOfNaNIsNaN) {
  const Rows rows(Rows::kRows);
  const auto x = device_matrix(exec(), rows.x, Rows::kRows, Rows::kColumns);
  Array<double, 1> squares(exec(), {2});
  Array<double, 2> left(exec(), {2, Rows::kRows});
  svd_randomized(exec(), x.view(), {}, squares.view(), left.view());
  const auto w = to_host(exec(), squares.view());
  const auto u = to_host(exec(), left.view());
  EXPECT_TRUE(std::all_of(w.data(), w.data() + w.size(), [](double value) { return std::isnan(value); }));
  EXPECT_TRUE(std::all_of(u.data(), u.data() + u.size(), [](double value) { return std::isnan(value); }));
}

/// Whole numbers of rank two, and of none: the pairs beyond it are pairs, too.
TEST_P(Svd, FillsUpWhatTheRankDoesNotGive) {
  const index_t rows = 30, columns = 70, k = 7;
  for (const float second : {1.0F, 0.0F}) {
    std::vector<float> x;
    for (index_t t = 0; t < rows; ++t)
      for (index_t p = 0; p < columns; ++p)
        x.push_back(second * static_cast<float>((t % 5 - 1) * (p % 7 - 2) + (t % 3) * (p % 4 - 1)));
    const auto device = device_matrix(exec(), x, rows, columns);
    const Symmetric g = gram_of(x, rows, columns, std::vector<std::uint8_t>(static_cast<std::size_t>(columns), 1));
    const auto matrix = to_device(exec(), View<const double, 3>(g.data(), {1, rows, rows}));
    const auto expect_pairs = [&](const char* what, const auto& solve) {
      Array<double, 1> squares(exec(), {k});
      Array<double, 2> left(exec(), {k, rows});
      solve(squares.view(), left.view());
      const auto w = to_host(exec(), squares.view());
      const auto u = to_host(exec(), left.view());
      expect_eigenpairs(g, rows, k, w.data(), u.data(), what);
    };
    expect_pairs("svd_top", [&](auto w, auto u) { svd_top(exec(), device.view(), {}, w, u); });
    expect_pairs("svd_randomized", [&](auto w, auto u) { svd_randomized(exec(), device.view(), {}, w, u); });
    expect_pairs("eigh_randomized", [&](auto w, auto u) {
      eigh_randomized(exec(), DenseOperator(matrix.view()), {w.data(), {1, k}}, {u.data(), {1, k, rows}});
    });
  }
}

/// Singular values, squared, and vectors of all columns, on the host.
std::pair<Array<double, 1>, Array<double, 2>> singular_pairs(Exec& exec, Matrix<const float> x, index_t k,
                                                             bool randomized) {
  Array<double, 1> squares(exec, {k});
  Array<double, 2> left(exec, {k, x.extent(0)});
  if (randomized)
    svd_randomized(exec, x, {}, squares.view(), left.view());
  else
    svd_top(exec, x, {}, squares.view(), left.view());
  return {to_host(exec, squares.view()), to_host(exec, left.view())};
}

/// One row, one column, more rows than columns: what the Gram matrix says, whose rank is the smaller side.
TEST_P(Svd, OfAnyShape) {
  for (const auto& [rows, columns] : std::vector<std::pair<index_t, index_t>>{{1, 1}, {1, 300}, {33, 1}, {40, 7}}) {
    const auto x = speckle_rows(rows, columns);
    const auto device = device_matrix(exec(), x, rows, columns);
    const index_t k = std::min<index_t>(rows, 3);
    const Symmetric g = gram_of(x, rows, columns, std::vector<std::uint8_t>(static_cast<std::size_t>(columns), 1));
    for (const bool randomized : {false, true}) {  // ten vectors beyond k: no fewer than the rank
      const auto [w, u] = singular_pairs(exec(), device.view(), k, randomized);
      expect_eigenpairs(g, rows, k, w.data(), u.data(), std::to_string(rows) + " x " + std::to_string(columns));
    }
  }
}

/// 28,800 frames, whose Gram matrix would take 6.6 GB: cosines over time, orthonormal by their definition, times
/// cosines over the columns. Rounding to float moves x by eps / 2 of its length, 1.06 times the largest
/// size, and so a square by 1.06 eps of the largest one at most; the pairs are those of x as it was rounded, |x (xᵀ u)
/// - w u| and |u| at the level of n eps as everywhere.
TEST_P(Svd, OfAsManyRowsAsALongSequenceHas) {
  const index_t rows = 28'800, columns = 13, k = 3;
  const std::vector<double> sizes{900, 300, 100, 40, 5};
  const std::vector<index_t> waves{3, 1, 28'000, 700, 4};
  std::vector<float> x;
  const auto cosine = [](index_t wave, index_t i, index_t n) {
    return std::sqrt(2.0 / double(n)) *
           std::cos(std::numbers::pi * double(wave * (2 * i + 1) % (4 * n)) / double(2 * n));
  };
  for (index_t t = 0; t < rows; ++t)
    for (index_t p = 0; p < columns; ++p) {
      double sum = 0;
      for (std::size_t j = 0; j < sizes.size(); ++j)
        sum += sizes[j] * cosine(waves[j], t, rows) * cosine(static_cast<index_t>(j) + 2, p, columns);
      x.push_back(static_cast<float>(sum));
    }
  const auto device = device_matrix(exec(), x, rows, columns);
  const double bound = 10 * static_cast<double>(rows) * kEps;
  for (const bool randomized : {false, true}) {  // ten vectors beyond k: no fewer than the rank
    const auto [w, u] = singular_pairs(exec(), device.view(), k, randomized);
    for (index_t j = 0; j < k; ++j) {
      const double want = std::pow(sizes[static_cast<std::size_t>(j)], 2);
      EXPECT_NEAR(w.data()[j], want, 1.1 * std::numeric_limits<float>::epsilon() * sizes[0] * sizes[0]);
      std::vector<double> scores(static_cast<std::size_t>(columns), 0.0);
      for (index_t t = 0; t < rows; ++t)
        for (index_t p = 0; p < columns; ++p)
          scores[static_cast<std::size_t>(p)] +=
              u.view()(j, t) * static_cast<double>(x[static_cast<std::size_t>(t * columns + p)]);
      double residual = 0;
      for (index_t t = 0; t < rows; ++t) {
        double sum = -w.data()[j] * u.view()(j, t);
        for (index_t p = 0; p < columns; ++p)
          sum +=
              static_cast<double>(x[static_cast<std::size_t>(t * columns + p)]) * scores[static_cast<std::size_t>(p)];
        residual += sum * sum;
      }
      EXPECT_LE(std::sqrt(residual), bound * w.data()[0]) << randomized << ", " << j;
      for (index_t i = 0; i <= j; ++i)
        EXPECT_NEAR(std::inner_product(&u.view()(j, 0), &u.view()(j, 0) + rows, &u.view()(i, 0), 0.0), i == j ? 1 : 0,
                    bound);
    }
  }
}

/// Where the rank is no more than the number of random vectors their span holds everything: exact, up to the
/// float32 rounding of the rows, which lifts the rank: 2^-24 of the largest entry, sqrt(t p) times for the matrix.
TEST_P(Svd, RandomizedIsExactForLowRank) {
  const index_t rank = 6, k = 3;
  const Rows rows(rank);
  const auto x = device_matrix(exec(), rows.x, Rows::kRows, Rows::kColumns);
  const auto used = to_device(exec(), rows.used);
  const Symmetric g = gram_of(rows.x, Rows::kRows, Rows::kColumns, rows.used);
  const auto on_device = to_device(exec(), View<const double, 3>(g.data(), {1, Rows::kRows, Rows::kRows}));
  for (const bool from_gram : {false, true}) {
    Array<double, 2> values(exec(), {1, k});
    Array<double, 3> vectors(exec(), {1, k, Rows::kRows});
    const RandomizedOptions options{.oversampling = 5, .power = 1, .seed = 3};
    if (from_gram)
      eigh_randomized(exec(), DenseOperator(on_device.view()), values.view(), vectors.view(), options);
    else
      svd_randomized(exec(), x.view(), used.view(), {values.data(), {k}}, {vectors.data(), {k, Rows::kRows}}, options);
    const auto w = to_host(exec(), values.view());
    const auto u = to_host(exec(), vectors.view());
    const double noise = std::pow(2.0, -24) * std::sqrt(double(Rows::kRows * Rows::kColumns)) * std::sqrt(w.data()[0]);
    for (index_t j = 0; j < k; ++j) {
      double residual = 0;
      for (index_t i = 0; i < Rows::kRows; ++i) {
        const double gu = std::inner_product(u.data() + j * Rows::kRows, u.data() + (j + 1) * Rows::kRows,
                                             g.begin() + i * Rows::kRows, 0.0);
        residual += std::pow(gu - w.data()[j] * u.data()[j * Rows::kRows + i], 2);
      }
      EXPECT_LE(std::sqrt(residual), noise) << j;
    }
  }
}

/// Rows of length n.
using Block = std::vector<std::vector<double>>;

Block times(const Block& y, const Symmetric& a) {
  const std::size_t n = y[0].size();
  Block product(y.size(), std::vector<double>(n, 0.0));
  for (std::size_t r = 0; r < y.size(); ++r)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) product[r][j] += y[r][i] * a[i * n + j];
  return product;
}
double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}
/// Gram and Schmidt's, twice.
void orthonormalize(Block& y) {
  for (int turn = 0; turn < 2; ++turn)
    for (std::size_t r = 0; r < y.size(); ++r) {
      for (std::size_t before = 0; before < r; ++before) {
        const double share = dot(y[r], y[before]);
        for (std::size_t i = 0; i < y[r].size(); ++i) y[r][i] -= share * y[before][i];
      }
      const double length = std::sqrt(dot(y[r], y[r]));
      for (double& value : y[r]) value /= length;
    }
}
/// All eigenvalues, descending, by Jacobi's rotations.
std::vector<double> eigenvalues(Block a) {
  const std::size_t n = a.size();
  for (int sweep = 0; sweep < 30; ++sweep)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = i + 1; j < n; ++j) {
        const double angle = std::atan2(2 * a[i][j], a[j][j] - a[i][i]) / 2, c = std::cos(angle), s = std::sin(angle);
        for (std::size_t m = 0; m < n; ++m) {
          const double of_i = a[m][i], of_j = a[m][j];
          a[m][i] = c * of_i - s * of_j;
          a[m][j] = s * of_i + c * of_j;
        }
        for (std::size_t m = 0; m < n; ++m) {
          const double of_i = a[i][m], of_j = a[j][m];
          a[i][m] = c * of_i - s * of_j;
          a[j][m] = s * of_i + c * of_j;
        }
      }
  std::vector<double> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(a[i][i]);
  std::sort(values.rbegin(), values.rend());
  return values;
}
/// Halko's algorithm with the random vectors `y`: what the span of y a^(power + 1) holds of a.
std::vector<double> values_in_span(const Symmetric& a, Block y, int power) {
  y = times(y, a);
  orthonormalize(y);
  for (int step = 0; step < power; ++step) {
    y = times(y, a);
    orthonormalize(y);
  }
  const Block product = times(y, a);
  Block projected(y.size(), std::vector<double>(y.size()));
  for (std::size_t i = 0; i < y.size(); ++i)
    for (std::size_t j = 0; j < y.size(); ++j) projected[i][j] = dot(y[i], product[j]);
  return eigenvalues(projected);
}

/// A spectrum that falls slowly: the values that the algorithm has by its definition from the same random vectors,
/// below the true ones; a fixed seed's bits, another's others. The random vectors are what sketch() makes of the
/// identity.
TEST_P(Svd, RandomizedIsAnApproximationFromBelow) {
  const index_t n = 60, k = 5, size = 9;
  std::vector<double> spectrum;
  for (index_t i = 0; i < n; ++i) spectrum.push_back(std::pow(1.0 + double(i), -1.5));
  const Symmetric a = with_eigenvalues(spectrum, 11);
  const auto on_device = to_device(exec(), View<const double, 3>(a.data(), {1, n, n}));
  const auto solve = [&](int power, std::uint64_t seed) {
    Array<double, 2> values(exec(), {1, k});
    Array<double, 3> vectors(exec(), {1, k, n});
    eigh_randomized(exec(), DenseOperator(on_device.view()), values.view(), vectors.view(),
                    {.oversampling = size - k, .power = power, .seed = seed});
    const auto w = to_host(exec(), values.view());
    return std::vector<double>(w.data(), w.data() + k);
  };
  std::vector<float> identity(static_cast<std::size_t>(n * n), 0.0F);
  for (index_t i = 0; i < n; ++i) identity[static_cast<std::size_t>(i * n + i)] = 1;
  const auto unit = device_matrix(exec(), identity, n, n);
  Array<double, 3> sketch(exec(), {1, size, n});
  RowsOperator(unit.view(), {}).sketch(exec(), 1, sketch.view());
  const auto random = to_host(exec(), sketch.view());
  Block y;
  for (index_t r = 0; r < size; ++r) y.emplace_back(random.data() + r * n, random.data() + (r + 1) * n);
  const double rounding = 30 * double(n) * kEps;  // of the matrix, as in EighTop
  std::vector<double> last;
  for (const int power : {0, 3}) {
    const auto found = solve(power, 1), want = values_in_span(a, y, power);
    for (std::size_t j = 0; j < static_cast<std::size_t>(k); ++j) {
      EXPECT_NEAR(found[j], want[j], rounding) << "power " << power << ", " << j;
      EXPECT_LE(found[j], spectrum[j] + rounding);
      EXPECT_GE(found[j], power > 0 ? last[j] - rounding : 0.0);
    }
    last = found;
  }
  EXPECT_EQ(last, solve(3, 1));
  EXPECT_NE(solve(0, 1), solve(0, 2));
}

TEST_P(Svd, RefusesWhatHasNoAnswer) {
  Array<float, 2> x(exec(), {3, 5}), empty(exec(), {3, 0});
  EXPECT_THROW(RowsOperator(empty.view(), {}), InvalidInput);
  Array<double, 1> four(exec(), {4}), two(exec(), {2});
  Array<double, 2> wide(exec(), {4, 3}), left(exec(), {2, 3});
  EXPECT_THROW(svd_top(exec(), x.view(), {}, four.view(), wide.view()), InvalidInput);
  EXPECT_THROW(svd_randomized(exec(), x.view(), {}, two.view(), wide.view()), InvalidInput);
  EXPECT_THROW(svd_randomized(exec(), x.view(), {}, two.view(), left.view(), {.power = -1}), InvalidInput);
  EXPECT_THROW(svd_randomized(exec(), x.view(), {}, two.view(), left.view(), {.oversampling = -1}), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Svd);

}  // namespace
}  // namespace hci::test
