// SPDX-License-Identifier: MIT
#include "kernels/linalg/least_squares.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/core/scratch.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class LeastSquares : public OnEveryDevice {};

using Numbers = std::vector<double>;

/// Frames as rows, with their scalar products: the last `targets` rows are the targets.
struct Frames {
  index_t n, targets, pixels;
  std::vector<float> x;
  Numbers g;    // (n, n)
  Numbers rhs;  // (targets, n)
};

double product_of(const std::vector<float>& x, index_t pixels, index_t i, index_t j) {
  double sum = 0;
  for (index_t p = 0; p < pixels; ++p)
    sum += static_cast<double>(x[static_cast<std::size_t>(i * pixels + p)]) *
           static_cast<double>(x[static_cast<std::size_t>(j * pixels + p)]);
  return sum;
}

Frames products(std::vector<float> x, index_t n, index_t targets, index_t pixels) {
  Frames f{n, targets, pixels, std::move(x), {}, {}};
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < n; ++j) f.g.push_back(product_of(f.x, pixels, i, j));
  for (index_t b = 0; b < targets; ++b)
    for (index_t j = 0; j < n; ++j) f.rhs.push_back(product_of(f.x, pixels, n + b, j));
  return f;
}

Frames speckle_frames(index_t n, index_t targets, index_t pixels) {
  return products(speckle_rows(n + targets, pixels), n, targets, pixels);
}

/// All members for the first problem; the others' without every third member but the first, another one for each.
std::vector<IndexSet> sets_of(const Frames& f) {
  std::vector<IndexSet> sets;
  for (index_t b = 0; b < f.targets; ++b) {
    IndexSet set;
    for (index_t i = 0; i < f.n; ++i)
      if (b == 0 || i == 0 || (i + b) % 3 != 0) set.push_back(i);
    sets.push_back(set);
  }
  return sets;
}

/// The system of one problem, solved by elimination with pivots in long double.
Numbers eliminate(const Frames& f, index_t b, const IndexSet& set, double damping) {
  const std::size_t m = set.size();
  std::vector<std::vector<long double>> a(m, std::vector<long double>(m + 1));
  long double trace = 0;
  for (index_t i : set) trace += f.g[static_cast<std::size_t>(i * f.n + i)];
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < m; ++j) a[i][j] = f.g[static_cast<std::size_t>(set[i] * f.n + set[j])];
    a[i][i] += damping * trace / static_cast<long double>(m);
    a[i][m] = f.rhs[static_cast<std::size_t>(b * f.n + set[i])];
  }
  for (std::size_t k = 0; k < m; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < m; ++i)
      if (std::fabs(a[i][k]) > std::fabs(a[pivot][k])) pivot = i;
    std::swap(a[k], a[pivot]);
    for (std::size_t i = k + 1; i < m; ++i) {
      const long double factor = a[i][k] / a[k][k];
      for (std::size_t j = k; j <= m; ++j) a[i][j] -= factor * a[k][j];
    }
  }
  Numbers c(m);
  for (std::size_t k = m; k-- > 0;) {
    long double value = a[k][m];
    for (std::size_t j = k + 1; j < m; ++j) value -= a[k][j] * c[j];
    c[k] = static_cast<double>(value / a[k][k]);
  }
  return c;
}

/// |target - sum c x|^2 by the pixels: no scalar product is used.
double distance(const Frames& f, index_t b, const Numbers& c) {
  double sum = 0;
  for (index_t p = 0; p < f.pixels; ++p) {
    double d = f.x[static_cast<std::size_t>((f.n + b) * f.pixels + p)];
    for (index_t i = 0; i < f.n; ++i)
      d -= c[static_cast<std::size_t>(i)] * static_cast<double>(f.x[static_cast<std::size_t>(i * f.pixels + p)]);
    sum += d * d;
  }
  return sum;
}

/// How far distance(c) may be from the least one, where c solves its system to the rounding of Cholesky: the residual
/// of the system, n^2 eps |G| |c|, squared over the smallest eigenvalue (of noise: pixels / 10); and what distance()
/// itself rounds, n + 2 times for each pixel, doubled by the square and by there being two of them.
double distance_bound(const Frames& f, index_t b, const Numbers& c) {
  const auto n = static_cast<double>(f.n), pixels = static_cast<double>(f.pixels);
  double trace = 0, norm = 0, rounding = 0;
  for (index_t i = 0; i < f.n; ++i) {
    trace += f.g[static_cast<std::size_t>(i * f.n + i)];
    norm += std::pow(c[static_cast<std::size_t>(i)], 2);
  }
  for (index_t p = 0; p < f.pixels; ++p) {
    double d = f.x[static_cast<std::size_t>((f.n + b) * f.pixels + p)], size = std::fabs(d);
    for (index_t i = 0; i < f.n; ++i) {
      const double term =
          c[static_cast<std::size_t>(i)] * static_cast<double>(f.x[static_cast<std::size_t>(i * f.pixels + p)]);
      d -= term;
      size += std::fabs(term);
    }
    rounding += 2 * std::fabs(d) * (n + 2) * DBL_EPSILON * size;
  }
  const double residual = n * n * DBL_EPSILON * trace * std::sqrt(norm);
  return residual * residual / (pixels / 10) + 2 * rounding;
}

Numbers spread(const Frames& f, const IndexSet& set, const Numbers& c) {
  Numbers all(static_cast<std::size_t>(f.n), 0.0);
  for (std::size_t i = 0; i < set.size(); ++i) all[static_cast<std::size_t>(set[i])] = c[i];
  return all;
}

enum class Sign { any, nonnegative };

std::vector<Numbers> solve(Exec& exec, const Frames& f, const std::vector<IndexSet>& sets, double damping, Sign sign) {
  const auto g = device_matrix(exec, f.g, f.n, f.n);
  const auto rhs = device_matrix(exec, f.rhs, f.targets, f.n);
  Array<double, 2> c(exec, {f.targets, f.n});
  const View<const double, 3> a(g.data(), {1, f.n, f.n});
  if (sign == Sign::any)
    solve_subsets(exec, a, sets, rhs.view(), damping, c.view());
  else
    solve_nonnegative_subsets(exec, a, sets, rhs.view(), c.view());
  const auto host = to_host(exec, c.view());
  std::vector<Numbers> rows;
  for (index_t b = 0; b < f.targets; ++b) rows.emplace_back(&host.view()(b, 0), &host.view()(b, 0) + f.n);
  return rows;
}

/// From 32 members on CUDA goes by panels of 16 columns, of which threads take 256 rows at a time (the right side is
/// the last of them); above 105 a triangle is beyond a block's shared memory; from 144 on BLAS decomposes it on the
/// CPU.
TEST_P(LeastSquares, IsTheSolutionByElimination) {
  for (const auto& [n, targets] : std::vector<std::pair<index_t, index_t>>{
           {1, 1},   {2, 3},   {17, 5},  {31, 2},  {32, 2},  {33, 3},  {48, 2},  {49, 2},  {75, 2},  {105, 1}, {106, 2},
           {130, 3}, {143, 1}, {144, 1}, {145, 2}, {255, 1}, {256, 1}, {257, 1}, {271, 1}, {272, 1}, {310, 2}}) {
    const Frames f = speckle_frames(n, targets, 2 * n + 7);
    const auto sets = sets_of(f);
    for (const double damping : {0.0, 1e-3}) {
      const auto c = solve(exec(), f, sets, damping, Sign::any);
      for (index_t b = 0; b < targets; ++b) {
        const Numbers want =
            spread(f, sets[static_cast<std::size_t>(b)], eliminate(f, b, sets[static_cast<std::size_t>(b)], damping));
        double size = 0;
        for (const double value : want) size = std::fmax(size, std::fabs(value));
        // Largest to smallest eigenvalue: n (100^2) pixels / (pixels / 10), so 1e5 n; eps n of it, twice.
        const double bound = 2e5 * static_cast<double>(n * n) * DBL_EPSILON * size;
        for (std::size_t i = 0; i < want.size(); ++i)
          ASSERT_NEAR(c[static_cast<std::size_t>(b)][i], want[i], bound) << n << ", problem " << b << ", " << i;
      }
    }
  }
}

TEST_P(LeastSquares, ReachesTheMinimumWhereFramesRepeat) {
  auto x = speckle_rows(12, 50);
  std::copy_n(x.begin() + 50, 50, x.begin() + 3 * 50);  // frame 3 is frame 1, frame 7 half of frame 2
  for (std::size_t p = 0; p < 50; ++p) x[7 * 50 + p] = 0.5F * x[2 * 50 + p];
  const Frames f = products(x, 10, 2, 50);
  const IndexSet all{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, distinct{0, 1, 2, 4, 5, 6, 8, 9};
  const auto c = solve(exec(), f, {all, all}, 0, Sign::any);
  for (index_t b = 0; b < 2; ++b) {
    const double least = distance(f, b, spread(f, distinct, eliminate(f, b, distinct, 0)));
    const Numbers& mine = c[static_cast<std::size_t>(b)];
    EXPECT_NEAR(distance(f, b, mine), least, distance_bound(f, b, mine));
  }
  EXPECT_EQ(c[0][3], 0);
  EXPECT_EQ(c[0][7], 0);
}

/// Large libraries that BLAS takes block by block: frames repeat those of their own block and of one before.
TEST_P(LeastSquares, ReachesTheMinimumWhereFramesOfLargeLibrariesRepeat) {
  const index_t n = 215, pixels = n + 60;
  auto x = speckle_rows(n + 2, pixels);
  const std::vector<std::pair<index_t, index_t>> copies{{3, 1}, {100, 2}, {101, 1}, {n - 1, 99}};  // of earlier ones
  for (const auto& [copy, of] : copies)
    for (index_t p = 0; p < pixels; ++p)
      x[static_cast<std::size_t>(copy * pixels + p)] = 0.5F * x[static_cast<std::size_t>(of * pixels + p)];
  Frames f = products(x, n, 2, pixels);
  f.rhs[static_cast<std::size_t>(n + 7)] = std::numeric_limits<double>::quiet_NaN();  // problem 1
  IndexSet all(static_cast<std::size_t>(n)), distinct;
  std::iota(all.begin(), all.end(), 0);
  for (const index_t i : all)
    if (std::none_of(copies.begin(), copies.end(), [i](const auto& pair) { return pair.first == i; }))
      distinct.push_back(i);
  const auto c = solve(exec(), f, {all, all}, 0, Sign::any);
  for (const auto& [copy, of] : copies) EXPECT_EQ(c[0][static_cast<std::size_t>(copy)], 0) << copy;
  const double least = distance(f, 0, spread(f, distinct, eliminate(f, 0, distinct, 0)));
  EXPECT_NEAR(distance(f, 0, c[0]), least, distance_bound(f, 0, c[0]));
  for (const double value : c[1]) EXPECT_TRUE(std::isnan(value));
}

TEST_P(LeastSquares, KeepsProblemsApart) {
  Frames f = speckle_frames(6, 3, 40);
  f.rhs[6 + 2] = std::numeric_limits<double>::quiet_NaN();  // problem 1, index 2
  const std::vector<IndexSet> sets{{1, 2, 5}, {1, 2, 5}, {}};
  for (const auto sign : {Sign::any, Sign::nonnegative}) {
    const auto c = solve(exec(), f, sets, 0, sign);
    for (const std::size_t i : {0, 3, 4}) EXPECT_EQ(c[0][i], 0);
    EXPECT_TRUE(std::isfinite(c[0][1]) && std::isfinite(c[0][2]) && std::isfinite(c[0][5]));
    EXPECT_TRUE(std::isnan(c[1][1]) && std::isnan(c[1][5]));
    EXPECT_EQ(c[1][0], 0);
    EXPECT_EQ(c[2], Numbers(6, 0.0));
  }
}

/// Large sets and small ones in one call; NaN in the matrix, which only those that hold that frame see; matrices, right
/// sides and results of which each problem has its own, the latter two with gaps between their rows.
TEST_P(LeastSquares, KeepsLargeProblemsApart) {
  constexpr index_t kFrames = 50, kProblems = 6, kPitch = 67;
  const Frames first = speckle_frames(kFrames, kProblems / 2, 90);
  const Frames second = products(speckle_rows(kFrames + kProblems / 2, 95, 2), kFrames, kProblems / 2, 95);
  IndexSet all(kFrames), but_one;
  std::iota(all.begin(), all.end(), 0);
  for (const index_t i : all)
    if (i != 35) but_one.push_back(i);
  const std::vector<IndexSet> sets{but_one, {3, 7, 30}, all, {}, but_one, all};
  Numbers g = first.g;
  g.insert(g.end(), second.g.begin(), second.g.end());
  for (const index_t i : all)
    for (const auto at : {35 * kFrames + i, i * kFrames + 35})
      g[static_cast<std::size_t>(at)] = std::numeric_limits<double>::quiet_NaN();  // of the first matrix
  const auto a = to_device(exec(), View<const double, 3>(g.data(), {2, kFrames, kFrames}));
  Array<double, 2> rhs(exec(), {kProblems, kPitch}), c(exec(), {kProblems, kPitch});
  Numbers right(static_cast<std::size_t>(kProblems * kPitch), -7.0);
  for (index_t b = 0; b < kProblems; ++b)
    for (const index_t i : all)
      right[static_cast<std::size_t>(b * kPitch + i)] =
          (b < 3 ? first : second).rhs[static_cast<std::size_t>(b % 3 * kFrames + i)];
  const View<const double, 2> wide(right.data(), {kProblems, kPitch});
  upload(exec(), wide, rhs.view());
  upload(exec(), wide, c.view());
  const auto of_frames = [](const Array<double, 2>& m) {
    return Matrix<double>(const_cast<double*>(m.data()), {kProblems, kFrames}, {kPitch, 1});
  };
  solve_subsets(exec(), a.view(), sets, of_frames(rhs), 1e-3, of_frames(c));
  const auto found = to_host(exec(), c.view());
  for (index_t b = 0; b < kProblems; ++b) {
    const Frames& f = b < 3 ? first : second;
    const IndexSet& set = sets[static_cast<std::size_t>(b)];
    const Numbers want = spread(f, set, eliminate(f, b % 3, set, 1e-3));
    double size = 0;
    for (const double value : want) size = std::fmax(size, std::fabs(value));
    for (index_t i = 0; i < kFrames; ++i) {
      if (b == 2) {
        ASSERT_TRUE(std::isnan(found.view()(b, i))) << i;
        continue;
      }
      const double bound = 2e5 * static_cast<double>(kFrames * kFrames) * DBL_EPSILON * size;  // as above
      ASSERT_NEAR(found.view()(b, i), want[static_cast<std::size_t>(i)], bound) << b << ", " << i;
    }
    for (index_t i = kFrames; i < kPitch; ++i) ASSERT_EQ(found.view()(b, i), -7.0) << "between the rows";
  }
}

/// And one for two problems in a row.
TEST_P(LeastSquares, TakesAMatrixForEachProblem) {
  const Numbers values{4, 0, 0, 5, 1, 0, 0, 2};
  const auto matrices = to_device(exec(), View<const double, 3>(values.data(), {2, 2, 2}));
  for (const auto& [right, want] : {std::pair<Numbers, Numbers>{{8, 15, 3, -8}, {2, 3, 3, -4}},
                                    {{8, 15, 4, -5, 3, -8, 7, 2}, {2, 3, 1, -1, 3, -4, 7, 1}}}) {
    const auto problems = static_cast<index_t>(right.size() / 2);
    const std::vector<IndexSet> sets(static_cast<std::size_t>(problems), {0, 1});
    const auto rhs = device_matrix(exec(), right, problems, 2);
    Array<double, 2> c(exec(), {problems, 2});
    solve_subsets(exec(), matrices.view(), sets, rhs.view(), 0, c.view());
    const auto any = to_host(exec(), c.view());
    solve_nonnegative_subsets(exec(), matrices.view(), sets, rhs.view(), c.view());
    const auto nonnegative = to_host(exec(), c.view());
    for (std::size_t i = 0; i < want.size(); ++i) {  // a root, two divisions: four roundings
      EXPECT_NEAR(any.data()[i], want[i], 4 * DBL_EPSILON * std::fabs(want[i]));
      EXPECT_NEAR(nonnegative.data()[i], std::fmax(want[i], 0.0), 4 * DBL_EPSILON * std::fabs(want[i]));
    }
  }
}

/// The least of all choices of members whose unconstrained solution is not negative.
TEST_P(LeastSquares, NonnegativeIsTheBestOfAllChoices) {
  for (const index_t n : {1, 2, 5, 7}) {
    auto x = speckle_rows(n + 6, 30, static_cast<unsigned>(n));
    for (index_t p = 0; p < 30; ++p)  // targets that want some members less than nothing
      for (index_t b = 0; b < 6; ++b)
        x[static_cast<std::size_t>((n + b) * 30 + p)] -= 1.5F * x[static_cast<std::size_t>(((b + 1) % n) * 30 + p)];
    const Frames f = products(x, n, 6, 30);
    IndexSet all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 0);
    const auto c = solve(exec(), f, std::vector<IndexSet>(6, all), 0, Sign::nonnegative);
    for (index_t b = 0; b < 6; ++b) {
      Numbers best(static_cast<std::size_t>(n), 0.0);
      double least = distance(f, b, best);
      for (unsigned choice = 1; choice < (1U << n); ++choice) {
        IndexSet some;
        for (index_t i = 0; i < n; ++i)
          if ((choice >> i & 1U) != 0) some.push_back(i);
        const Numbers tried = eliminate(f, b, some, 0);
        if (std::any_of(tried.begin(), tried.end(), [](double value) { return value < 0; })) continue;
        const Numbers all_of_it = spread(f, some, tried);
        if (const double here = distance(f, b, all_of_it); here < least) {
          least = here;
          best = all_of_it;
        }
      }
      const Numbers& mine = c[static_cast<std::size_t>(b)];
      for (const double value : mine) EXPECT_GE(value, 0);
      // The rule leaves out whom a gradient of 10 n eps of the right side asks for: twice that times its share.
      double largest = 0, shares = 0;
      for (index_t i = 0; i < n; ++i)
        largest = std::fmax(largest, std::fabs(f.rhs[static_cast<std::size_t>(b * n + i)]));
      for (const double value : best) shares += value;
      const double rule = 2 * 10 * static_cast<double>(n) * DBL_EPSILON * largest * shares;
      EXPECT_NEAR(distance(f, b, mine), least, distance_bound(f, b, mine) + rule) << n << " members, problem " << b;
    }
  }
}

/// The conditions of Karush, Kuhn and Tucker, on problems that change their minds; the last ones exceed a block's
/// shared memory.
TEST_P(LeastSquares, NonnegativeMeetsTheOptimumConditions) {
  for (const index_t n : {40, 120}) {
    std::vector<float> x = speckle_rows(n + 4, n + 30, 5);
    for (std::size_t i = 0; i < x.size(); i += 2) x[i] *= -0.2F;
    const Frames f = products(x, n, 4, n + 30);
    const auto sets = sets_of(f);
    const auto c = solve(exec(), f, sets, 0, Sign::nonnegative);
    for (index_t b = 0; b < 4; ++b) {
      const Numbers& mine = c[static_cast<std::size_t>(b)];
      const IndexSet& set = sets[static_cast<std::size_t>(b)];
      const double rounding = static_cast<double>(set.size()) * DBL_EPSILON;
      double largest = 0, size = 0;
      index_t above = 0;
      for (const index_t i : set) {
        largest = std::fmax(largest, std::fabs(f.rhs[static_cast<std::size_t>(b * n + i)]));
        size += std::sqrt(f.g[static_cast<std::size_t>(i * n + i)]) * mine[static_cast<std::size_t>(i)];
      }
      for (const index_t i : set) {  // the contract's bounds, nothing added: the gradient here is in long double
        long double w = f.rhs[static_cast<std::size_t>(b * n + i)];
        for (index_t j = 0; j < n; ++j)
          w -= static_cast<long double>(f.g[static_cast<std::size_t>(i * n + j)]) * mine[static_cast<std::size_t>(j)];
        ASSERT_GE(mine[static_cast<std::size_t>(i)], 0);
        const bool free = mine[static_cast<std::size_t>(i)] > 0;
        above += free;
        const double of_solve = 2 * rounding * std::sqrt(f.g[static_cast<std::size_t>(i * n + i)]) * size;
        ASSERT_LE(static_cast<double>(free ? std::fabs(w) : w), of_solve + (free ? 0 : 10 * rounding * largest))
            << n << ", " << i;
      }
      EXPECT_GT(above, n / 8) << "a test of hardly anything";
    }
  }
}

/// Sets that no block's shared memory holds, and scratch of the device for one or two blocks: each solves one problem
/// after the other where the last one's numbers lie.
TEST_P(LeastSquares, TakesTurnsInTheSameScratch) {
  const index_t n = 110, problems = 3;
  const Frames f = speckle_frames(n, problems, n + 20);
  IndexSet all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  const std::vector<IndexSet> sets{all, IndexSet(all.begin() + 1, all.end()), all};
  for (const auto sign : {Sign::any, Sign::nonnegative}) {
    const auto want = solve(exec(), f, sets, 0, sign);
    for (const index_t bytes : {1, 110'000}) {  // less than a problem takes, and somewhat more than two do
      const ScratchLimit limit(bytes);
      EXPECT_EQ(solve(exec(), f, sets, 0, sign), want) << bytes;
    }
  }
}

TEST_P(LeastSquares, RefusesWhatDoesNotFit) {
  Array<double, 3> a(exec(), {2, 4, 4});
  Array<double, 2> rhs(exec(), {1, 4}), c(exec(), {1, 4}), narrow(exec(), {1, 3});
  const View<const double, 3> one(a.data(), {1, 4, 4});
  EXPECT_THROW(solve_subsets(exec(), a.view(), {{0}}, rhs.view(), 0, c.view()), InvalidInput);
  EXPECT_THROW(solve_subsets(exec(), one, {{0}}, rhs.view(), -1, c.view()), InvalidInput);
  EXPECT_THROW(solve_subsets(exec(), one, {{0, 4}}, rhs.view(), 0, c.view()), InvalidInput);
  EXPECT_THROW(solve_nonnegative_subsets(exec(), one, {{1, 0}}, rhs.view(), c.view()), InvalidInput);
  EXPECT_THROW(solve_nonnegative_subsets(exec(), one, {{1}}, rhs.view(), narrow.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(LeastSquares);

}  // namespace
}  // namespace hci::test
