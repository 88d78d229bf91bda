// SPDX-License-Identifier: MIT
// svd_top_batch() and svd_randomized_batch().
#include <algorithm>
#include <cmath>

#include "kernels/core/error.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/linalg/svd.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/kernels/linalg/spectra.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

/// Squares (b, k), left vectors (b, k, t) and what the report says, on the host.
struct Found {
  Array<double, 2> squares;
  Array<double, 3> left;
  std::vector<std::uint8_t> converged;
  index_t products = 0;
  std::vector<double> of(index_t b) const {
    const index_t k = squares.extent(1), size = k * left.extent(2);
    std::vector<double> all(squares.data() + b * k, squares.data() + (b + 1) * k);
    all.insert(all.end(), left.data() + b * size, left.data() + (b + 1) * size);
    return all;
  }
};

/// Matrices of equal shape and the flags of their columns.
struct Matrices {
  index_t count, rows, columns;
  std::vector<float> x;
  std::vector<std::uint8_t> used;

  Matrices(index_t b, index_t t, index_t p)
      : count(b), rows(t), columns(p), x(at(b * t * p)), used(at(b * p), std::uint8_t{1}) {}
  float& operator()(index_t b, index_t t, index_t p) { return x[at((b * rows + t) * columns + p)]; }
  /// Not used, and NaN.
  void mask(index_t b, index_t p) {
    used[at(b * columns + p)] = 0;
    for (index_t t = 0; t < rows; ++t) (*this)(b, t, p) = kNaN;
  }
  /// x xᵀ of one.
  Symmetric gram(index_t b) const {
    const auto size = static_cast<std::ptrdiff_t>(rows * columns);
    return gram_of({x.begin() + b * size, x.begin() + (b + 1) * size}, rows, columns,
                   {used.begin() + b * columns, used.begin() + (b + 1) * columns});
  }
};

/// Speckles, each with its own pattern.
Matrices speckles(index_t count, index_t rows, index_t columns) {
  Matrices made(count, rows, columns);
  for (index_t b = 0; b < count; ++b) {
    const auto one = speckle_rows(rows, columns, static_cast<unsigned>(b) + 1);
    std::copy(one.begin(), one.end(), made.x.begin() + b * rows * columns);
  }
  return made;
}

enum class Way { exact, randomized };

class SvdBatch : public OnEveryDevice {
 protected:
  Found solve(Way way, const Matrices& m, index_t k, const SubspaceOptions& options = {}) {
    return solve(exec(), way, m, 0, m.count, k, options);
  }
  static Found solve(Exec& exec, Way way, const Matrices& m, index_t first, index_t count, index_t k,
                     const SubspaceOptions& options = {}) {
    const View<const float, 3> all(m.x.data(), {m.count, m.rows, m.columns});
    const auto x = to_device(exec, slice(all, first, count));
    const auto used =
        to_device(exec, slice(Matrix<const std::uint8_t>(m.used.data(), {m.count, m.columns}), first, count));
    return solve(exec, way, x.view(), used.view(), k, options);
  }
  static Found solve(Exec& exec, Way way, View<const float, 3> x, UsedColumnsOfEach used, index_t k,
                     const SubspaceOptions& options = {}) {
    Array<double, 2> squares(exec, {x.extent(0), k});
    Array<double, 3> left(exec, {x.extent(0), k, x.extent(1)});
    SubspaceReport report;
    if (way == Way::exact)
      report = svd_top_batch(exec, x, used, squares.view(), left.view(), options);
    else
      svd_randomized_batch(exec, x, used, squares.view(), left.view());
    return {to_host(exec, squares.view()), to_host(exec, left.view()), report.converged, report.products};
  }
  static void expect_pairs(const Matrices& m, const Found& found, const std::string& what) {
    const index_t k = found.squares.extent(1);
    for (index_t b = 0; b < m.count; ++b)
      expect_eigenpairs(m.gram(b), m.rows, k, &found.squares.view()(b, 0), &found.left.view()(b, 0, 0),
                        what + ", matrix " + std::to_string(b));
  }
};

/// With as many random vectors as there are rows the randomized one is exact, too.
TEST_P(SvdBatch, EachHasItsOwnPairsAndMask) {
  Matrices m = speckles(5, 21, 53);
  for (const index_t p : {0, 26, 52}) m.mask(0, p);
  for (index_t p = 30; p < 53; ++p) m.mask(2, p);
  for (index_t p = 0; p < 53; p += 2) m.mask(4, p);
  for (const Way way : {Way::exact, Way::randomized}) {
    const Found found = solve(way, m, 12);
    expect_pairs(m, found, way == Way::exact ? "svd_top_batch" : "svd_randomized_batch");
    EXPECT_EQ(found.converged, std::vector<std::uint8_t>(way == Way::exact ? 5 : 0, 1));
  }
}

/// One row, one column, more rows than columns, all pairs; and none to solve.
TEST_P(SvdBatch, OfAnyShape) {
  for (const auto& [rows, columns, k] :
       std::vector<std::tuple<index_t, index_t, index_t>>{{1, 1, 1}, {1, 300, 1}, {33, 1, 3}, {14, 7, 4}, {9, 31, 9}})
    for (const Way way : {Way::exact, Way::randomized}) {
      const Matrices m = speckles(3, rows, columns);
      expect_pairs(m, solve(way, m, k), std::to_string(rows) + " x " + std::to_string(columns));
    }
  for (const Way way : {Way::exact, Way::randomized}) EXPECT_TRUE(solve(way, Matrices(0, 4, 5), 2).converged.empty());
}

/// Rank two, none, and all: the pairs beyond it are pairs, too.
TEST_P(SvdBatch, FillsUpWhatARankDoesNotGive) {
  Matrices m = speckles(3, 30, 70);
  for (index_t t = 0; t < 30; ++t)
    for (index_t p = 0; p < 70; ++p) {
      m(0, t, p) = static_cast<float>((t % 5 - 1) * (p % 7 - 2) + (t % 3) * (p % 4 - 1));
      m(1, t, p) = 0;
    }
  expect_pairs(m, solve(Way::exact, m, 7), "exact");
  const Found found = solve(Way::randomized, m, 7);
  for (const index_t b : {0, 1})
    expect_eigenpairs(m.gram(b), 30, 7, &found.squares.view()(b, 0), &found.left.view()(b, 0, 0),
                      "randomized, matrix " + std::to_string(b));
}

/// Where the values fall slowly, so that what is found depends on the random numbers. CPU: the same bits, for any
/// number of threads. CUDA: of the values only rounding may differ, n eps of the largest, as in EighTop. In batches of
/// all, of some (short scratch), and of one.
TEST_P(SvdBatch, FindsWhatItFindsAlone) {
  const index_t count = 7, rows = 40, k = 3;
  const Matrices m = speckles(count, rows, 300);
  for (const Way way : {Way::exact, Way::randomized}) {
    std::vector<std::vector<double>> alone;
    for (index_t b = 0; b < count; ++b) alone.push_back(solve(exec(), way, m, b, 1, k).of(0));
    const auto expect_alone = [&](const Found& found, index_t b) {
      const auto one = found.of(b);
      if (!exec().on_cuda()) {
        EXPECT_EQ(one, alone[at(b)]) << b;
      }
      for (std::size_t j = 0; j < at(k); ++j)
        EXPECT_NEAR(one[j], alone[at(b)][j], 30 * static_cast<double>(rows) * kEps * one[0]);
    };
    for (const index_t room : {index_t{1} << 30, index_t{60'000}}) {
      const ScratchLimit limit(room);
      const Found all = solve(way, m, k);
      for (index_t b = 0; b < count; ++b) expect_alone(all, b);
    }
    if (exec().on_cuda()) continue;
    for (const int threads : {1, 3, 8}) {
      Exec::Options options = GetParam().options;
      options.threads = threads;
      Exec own(options);
      const Found all = solve(own, way, m, 0, count, k);
      for (index_t b = 0; b < count; ++b) expect_alone(all, b);
    }
  }
}

TEST_P(SvdBatch, FlagsOfAllAreThoseOfEach) {
  Matrices m = speckles(4, 17, 90);
  for (index_t b = 0; b < 4; ++b)
    for (const index_t p : {3, 44, 89}) m.mask(b, p);
  const auto x = to_device(exec(), View<const float, 3>(m.x.data(), {4, 17, 90}));
  const auto used = device_matrix(exec(), m.used, 4, 90);
  for (const Way way : {Way::exact, Way::randomized}) {
    const Found each = solve(exec(), way, x.view(), used.view(), 2);
    const Found shared = solve(exec(), way, x.view(), slice(used.view(), 0, 1), 2);
    for (index_t b = 0; b < 4; ++b) EXPECT_EQ(each.of(b), shared.of(b));
  }
}

/// NaN in a used column of one matrix is NaN in its results, and in none of the others'.
TEST_P(SvdBatch, NaNStaysInItsMatrix) {
  Matrices m = speckles(4, 25, 80);
  for (const Way way : {Way::exact, Way::randomized}) {
    const Found clean = solve(way, m, 3);
    const float former = m(2, 11, 40);
    for (const float bad : {kNaN, std::numeric_limits<float>::infinity()}) {
      m(2, 11, 40) = bad;
      const Found found = solve(way, m, 3);
      for (const double value : found.of(2)) EXPECT_TRUE(std::isnan(value));
      for (const index_t b : {0, 1, 3}) EXPECT_EQ(found.of(b), clean.of(b)) << b;
      if (way == Way::exact) {
        EXPECT_EQ(found.converged, (std::vector<std::uint8_t>{1, 1, 0, 1}));
      }
    }
    m(2, 11, 40) = former;
  }
}

/// Regions of different width, filled up by columns that are not used, and alone without those: the values that
/// depend on the random numbers agree but for rounding, as above.
TEST_P(SvdBatch, WidthsMayDiffer) {
  const index_t rows = 40, widest = 700, k = 3;
  const std::vector<index_t> widths{530, 700, 300};
  Matrices m = speckles(3, rows, widest);
  for (index_t b = 0; b < 3; ++b)
    for (index_t p = widths[at(b)]; p < widest; ++p) m.mask(b, p);
  for (const Way way : {Way::exact, Way::randomized}) {
    const Found found = solve(way, m, k);
    for (index_t b = 0; b < 3; ++b) {
      Matrices alone(1, rows, widths[at(b)]);
      for (index_t t = 0; t < rows; ++t)
        for (index_t p = 0; p < alone.columns; ++p) alone(0, t, p) = m(b, t, p);
      const Found want = solve(way, alone, k);
      for (index_t j = 0; j < k; ++j)
        EXPECT_NEAR(found.squares.view()(b, j), want.squares.view()(0, j),
                    30 * static_cast<double>(rows) * kEps * want.squares.view()(0, 0));
    }
  }
}

/// Which did not converge, is said and NaN, and nothing is thrown. A diagonal matrix of one value needs no second
/// block.
TEST_P(SvdBatch, ReportsWhoDidNotConverge) {
  const index_t n = 60;
  Matrices m = speckles(3, n, n);
  for (index_t t = 0; t < n; ++t)
    for (index_t p = 0; p < n; ++p) m(1, t, p) = t == p ? 2 : 0;
  const Found found = solve(Way::exact, m, 3, {.most_blocks = 1});
  EXPECT_EQ(found.converged, (std::vector<std::uint8_t>{0, 1, 0}));
  for (const index_t b : {0, 2})
    for (const double value : found.of(b)) EXPECT_TRUE(std::isnan(value));
  expect_eigenpairs(m.gram(1), n, 3, &found.squares.view()(1, 0), &found.left.view()(1, 0, 0), "the unit matrix");
}

/// From the pairs of each it takes fewer products than from random vectors, or from those of another.
TEST_P(SvdBatch, StartsOfEach) {
  const index_t count = 3, rows = 80, k = 4;
  const Matrices m = speckles(count, rows, 200);
  const Found cold = solve(Way::exact, m, k + 8);  // a whole block
  const auto start = to_device(exec(), cold.left.view());
  for (const index_t room : {index_t{1} << 30, index_t{1}}) {  // all at once on CUDA, and one by one
    const ScratchLimit limit(room);
    const Found of_each = solve(Way::exact, m, k, {.start = start.view()});
    const Found of_first = solve(Way::exact, m, k, {.start = slice(start.view(), 0, 1)});
    expect_pairs(m, of_each, "a start of each");
    expect_pairs(m, of_first, "a start of one");
    EXPECT_EQ(of_each.products, k + 8);  // one block, which holds the pairs
    EXPECT_GT(of_first.products, k + 8);
  }
}

TEST_P(SvdBatch, RefusesWhatHasNoAnswer) {
  Array<float, 3> x(exec(), {2, 3, 5});
  Array<std::uint8_t, 2> flags(exec(), {3, 5});
  Array<double, 2> squares(exec(), {2, 2}), too_many(exec(), {2, 4}), one(exec(), {1, 2});
  Array<double, 3> left(exec(), {2, 2, 3}), wide(exec(), {2, 4, 3});
  EXPECT_THROW(svd_top_batch(exec(), x.view(), flags.view(), squares.view(), left.view()), InvalidInput);
  EXPECT_THROW(svd_top_batch(exec(), x.view(), {}, too_many.view(), wide.view()), InvalidInput);
  EXPECT_THROW(svd_randomized_batch(exec(), x.view(), {}, one.view(), left.view()), InvalidInput);
  EXPECT_THROW(svd_randomized_batch(exec(), x.view(), {}, squares.view(), wide.view()), InvalidInput);
  EXPECT_THROW(svd_randomized_batch(exec(), x.view(), {}, squares.view(), left.view(), {.power = -1}), InvalidInput);
  Array<double, 3> starts(exec(), {3, 2, 3});
  Array<std::uint8_t, 2> members(exec(), {1, 3});
  EXPECT_THROW(svd_top_batch(exec(), x.view(), {}, squares.view(), left.view(), {.start = starts.view()}),
               InvalidInput);
  EXPECT_THROW(svd_top_batch(exec(), x.view(), {}, squares.view(), left.view(), {.member = members.view()}),
               InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(SvdBatch);

}  // namespace
}  // namespace hci::test
