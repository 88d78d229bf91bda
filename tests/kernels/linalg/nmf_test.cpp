// SPDX-License-Identifier: MIT
#include "kernels/linalg/nmf.hpp"

#include <algorithm>
#include <array>
#include <cfloat>
#include <cmath>
#include <limits>

#include "kernels/linalg/nmf_start.hpp"
#include "kernels/random/philox.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Nmf : public OnEveryDevice {};

/// Row-major, double.
struct Dense {
  index_t rows, columns;
  std::vector<double> v;
  Dense(index_t r, index_t c) : rows(r), columns(c), v(static_cast<std::size_t>(r * c), 0.0) {}
  double& operator()(index_t i, index_t j) { return v[static_cast<std::size_t>(i * columns + j)]; }
  double operator()(index_t i, index_t j) const { return v[static_cast<std::size_t>(i * columns + j)]; }
};

Dense product(const Dense& a, const Dense& b) {
  Dense c(a.rows, b.columns);
  for (index_t i = 0; i < a.rows; ++i)
    for (index_t j = 0; j < b.columns; ++j)
      for (index_t k = 0; k < a.columns; ++k) c(i, j) += a(i, k) * b(k, j);
  return c;
}
Dense transposed(const Dense& a) {
  Dense t(a.columns, a.rows);
  for (index_t i = 0; i < a.rows; ++i)
    for (index_t j = 0; j < a.columns; ++j) t(j, i) = a(i, j);
  return t;
}
double distance(const Dense& x, const Dense& w, const Dense& h) {
  const Dense model = product(w, h);
  double sum = 0;
  for (std::size_t i = 0; i < x.v.size(); ++i) sum += std::pow(x.v[i] - model.v[i], 2);
  return std::sqrt(sum);
}
Dense uniform(index_t rows, index_t columns, std::uint32_t purpose) {
  Dense made(rows, columns);
  RandomStream stream(11, purpose, 0);
  for (double& value : made.v) value = static_cast<double>(static_cast<float>(stream.uniform()));
  return made;
}

struct Found {
  Dense w, h;
  NmfOutcome outcome;
};
template <class T>
Dense dense(const Array<T, 2>& a) {
  Dense made(a.extent(0), a.extent(1));
  for (index_t i = 0; i < a.size(); ++i) made.v[static_cast<std::size_t>(i)] = static_cast<double>(a.data()[i]);
  return made;
}
Array<float, 2> on_device(Exec& exec, const Dense& x) {
  return device_matrix(exec, std::vector<float>(x.v.begin(), x.v.end()), x.rows, x.columns);
}
Found factorise(Exec& exec, const Dense& x, index_t components, const NmfOptions& options) {
  const auto device = on_device(exec, x);
  Array<float, 2> w(exec, {x.rows, components}), h(exec, {components, x.columns});
  const NmfOutcome outcome = nmf(exec, device.view(), options, w.view(), h.view());
  return {dense(to_host(exec, w.view())), dense(to_host(exec, h.view())), outcome};
}

/// Half a round of either rule by the formulas, on dense matrices: target ~ factor other. The sum of the projected
/// gradients before each step.
double naive_half(NmfSolver solver, const Dense& target, Dense& factor, const Dense& other) {
  const Dense s = product(other, transposed(other)), r = product(target, transposed(other));
  const Dense before = factor;
  double violation = 0;
  for (index_t i = 0; i < factor.rows; ++i)
    for (index_t j = 0; j < factor.columns; ++j) {
      double sum = 0;
      for (index_t k = 0; k < factor.columns; ++k)
        sum += s(j, k) * (solver == NmfSolver::cd ? factor(i, k) : before(i, k));
      const double gradient = sum - r(i, j);
      violation += factor(i, j) > 0 || gradient < 0 ? std::fabs(gradient) : 0;
      factor(i, j) =
          solver == NmfSolver::cd ? std::fmax(factor(i, j) - gradient / s(j, j), 0.0) : before(i, j) * r(i, j) / sum;
    }
  return violation;
}
void naive_round(NmfSolver solver, const Dense& x, Dense& w, Dense& h) {
  naive_half(solver, x, w, h);
  Dense ht = transposed(h);
  naive_half(solver, transposed(x), ht, transposed(w));
  h = transposed(ht);
}

double largest_of(const Dense& a) { return *std::max_element(a.v.begin(), a.v.end()); }

/// How a round of nmf() differs from one of the formulas: in h, which is rounded to float, and so are its products over
/// `rows` frames, `rows` + 2 roundings of its largest numbers. At random, up to that much.
void disturb(Dense& h, index_t rows, RandomStream& stream) {
  const double most = static_cast<double>(rows + 2) * FLT_EPSILON / 2 * largest_of(h);
  for (double& value : h.v) value = std::fmax(value + (2 * stream.uniform() - 1) * most, 0.0);
}

/// What the formulas make of nmf()'s start in so many rounds, in double, and the same with roundings at random.
struct NaiveRounds {
  Dense w, h, rough_w, rough_h;
};
NaiveRounds naive_rounds(Exec& exec, const Dense& x, index_t components, const NmfOptions& options, index_t rounds) {
  Array<double, 2> w0(exec, {x.rows, components});
  Array<float, 2> h0(exec, {components, x.columns});
  const auto device = on_device(exec, x);
  nmf_start(exec, device.view(), options.start, options.seed, w0.view(), h0.view());
  const Dense w = dense(to_host(exec, w0.view())), h = dense(to_host(exec, h0.view()));
  NaiveRounds made{w, h, w, h};
  RandomStream stream(11, 4, 0);
  for (index_t round = 0; round < rounds; ++round) {
    naive_round(options.solver, x, made.w, made.h);
    naive_round(options.solver, x, made.rough_w, made.rough_h);
    disturb(made.rough_h, x.rows, stream);
  }
  return made;
}

TEST_P(Nmf, GoesThroughTheSameRoundsAsTheFormulas) {
  for (const auto& [rows, columns, components] : std::vector<std::array<index_t, 3>>{
           {1, 1, 1}, {1, 67, 1}, {7, 1, 2}, {7, 30, 3}, {12, 131, 5}, {141, 301, 13}}) {
    const Dense x = uniform(rows, columns, 1);
    for (const auto solver : {NmfSolver::cd, NmfSolver::mu}) {
      constexpr index_t kRounds = 4;
      const NmfOptions options{.solver = solver, .start = NmfStart::random, .max_iter = kRounds, .tol = 0, .seed = 5};
      const NaiveRounds naive = naive_rounds(exec(), x, components, options, kRounds);
      const Dense &w = naive.w, &h = naive.h;
      const Found found = factorise(exec(), x, components, options);
      EXPECT_EQ(found.outcome.iterations, kRounds);
      // Four times what such roundings at random make of the results, and the rounding of w.
      double off = 0;
      for (std::size_t i = 0; i < w.v.size(); ++i) off = std::fmax(off, std::fabs(naive.rough_w.v[i] - w.v[i]));
      for (std::size_t i = 0; i < h.v.size(); ++i) off = std::fmax(off, std::fabs(naive.rough_h.v[i] - h.v[i]));
      const double bound = 4 * off + FLT_EPSILON * largest_of(w);
      for (std::size_t i = 0; i < w.v.size(); ++i) ASSERT_NEAR(found.w.v[i], w.v[i], bound) << rows << ", w " << i;
      for (std::size_t i = 0; i < h.v.size(); ++i) ASSERT_NEAR(found.h.v[i], h.v[i], bound) << rows << ", h " << i;
    }
  }
}

/// As near as the formulas come from the same start in as many rounds, in double, and no nearer than rounding lets it:
/// four times what roundings at random make of the distance, and that of w.
TEST_P(Nmf, FindsFactorsThatThereAre) {
  for (const index_t columns : {40, 1030}) {  // one chunk and two for |x|, by which the multiplicative rule stops
    Dense w = uniform(9, 2, 2), h = uniform(2, columns, 3);
    for (index_t i = 0; i < 9; ++i) w(i, i % 2) += 3;  // each frame has one of them before all
    const Dense x = product(w, h);
    const double size = distance(x, Dense(9, 1), Dense(1, columns));
    for (const auto solver : {NmfSolver::cd, NmfSolver::mu})
      for (const auto start : {NmfStart::nndsvd, NmfStart::nndsvda, NmfStart::random}) {
        if (solver == NmfSolver::mu && start == NmfStart::nndsvd) continue;  // its zeros stay, whatever x is
        const NmfOptions options{.solver = solver, .start = start, .max_iter = 150, .tol = 1e-3, .seed = 3};
        const Found found = factorise(exec(), x, 2, options);
        EXPECT_TRUE(found.outcome.converged);
        const NaiveRounds begun = naive_rounds(exec(), x, 2, options, 0);
        const NaiveRounds naive = naive_rounds(exec(), x, 2, options, found.outcome.iterations);
        const double before = distance(x, begun.w, begun.h), want = distance(x, naive.w, naive.h);
        const double bound = 4 * std::fabs(distance(x, naive.rough_w, naive.rough_h) - want) + FLT_EPSILON * size;
        EXPECT_NEAR(distance(x, found.w, found.h), want, bound)
            << static_cast<int>(solver) << static_cast<int>(start) << ", " << found.outcome.iterations << " rounds";
        EXPECT_LT(want + bound, before / 2) << "a test of hardly anything";
        for (const double value : found.w.v) ASSERT_GE(value, 0);
        for (const double value : found.h.v) ASSERT_GE(value, 0);
      }
  }
}

/// [[5, 1], [1, 2]] has the values (7 +- sqrt 13) / 2; of its second vector (x, y), y = -(5 - value) x.
TEST_P(Nmf, StartsAtTheNonNegativePartsOfTheSingularVectors) {
  Dense x(2, 2);
  x.v = {5, 1, 1, 2};
  const double first = (7 + std::sqrt(13.0)) / 2, second = (7 - std::sqrt(13.0)) / 2;
  const double small = 1 / std::hypot(1, 5 - second), large = (5 - second) * small;
  const std::vector<double> want_w{std::sqrt(first) * large, 0, std::sqrt(first) * small, std::sqrt(second) * large};
  const std::vector<double> want_h{std::sqrt(first) * large, std::sqrt(first) * small, 0, std::sqrt(second) * large};
  const auto device = on_device(exec(), x);
  Array<double, 2> w(exec(), {2, 2});
  Array<float, 2> h(exec(), {2, 2});
  for (const double instead : {0.0, 9.0 / 4}) {
    nmf_start(exec(), device.view(), instead == 0 ? NmfStart::nndsvd : NmfStart::nndsvda, 0, w.view(), h.view());
    const Dense got_w = dense(to_host(exec(), w.view())), got_h = dense(to_host(exec(), h.view()));
    for (std::size_t i = 0; i < 4; ++i) {  // four roundings to float on the way
      EXPECT_NEAR(got_w.v[i], want_w[i] == 0 ? instead : want_w[i], 4 * FLT_EPSILON * 3) << i;
      EXPECT_NEAR(got_h.v[i], want_h[i] == 0 ? instead : want_h[i], 4 * FLT_EPSILON * 3) << i;
    }
  }
}

/// x = u s v, u (t, j), v (j, p), in falling order.
struct Singular {
  Dense u, v;
  std::vector<double> s;
};

/// By Jacobi's rotations of pairs of rows, until all rows are orthogonal.
Singular singular_values(const Dense& x) {
  Dense a = x, turned(x.rows, x.rows);
  for (index_t i = 0; i < x.rows; ++i) turned(i, i) = 1;
  const auto turn = [](Dense& m, index_t i, index_t j, double c, double s) {
    for (index_t p = 0; p < m.columns; ++p) {
      const double of_i = m(i, p), of_j = m(j, p);
      m(i, p) = c * of_i - s * of_j;
      m(j, p) = s * of_i + c * of_j;
    }
  };
  for (int sweep = 0; sweep < 30; ++sweep)
    for (index_t i = 0; i < x.rows; ++i)
      for (index_t j = i + 1; j < x.rows; ++j) {
        double ii = 0, jj = 0, ij = 0;
        for (index_t p = 0; p < x.columns; ++p) {
          ii += a(i, p) * a(i, p);
          jj += a(j, p) * a(j, p);
          ij += a(i, p) * a(j, p);
        }
        const double angle = std::atan2(2 * ij, jj - ii) / 2;
        turn(a, i, j, std::cos(angle), std::sin(angle));
        turn(turned, i, j, std::cos(angle), std::sin(angle));
      }
  std::vector<std::pair<double, index_t>> order;
  for (index_t i = 0; i < x.rows; ++i) {
    double squares = 0;
    for (index_t p = 0; p < x.columns; ++p) squares += a(i, p) * a(i, p);
    order.emplace_back(-std::sqrt(squares), i);
  }
  std::sort(order.begin(), order.end());
  Singular found{Dense(x.rows, x.rows), Dense(x.rows, x.columns), {}};
  for (index_t j = 0; j < x.rows; ++j) {
    const auto [minus, row] = order[static_cast<std::size_t>(j)];
    found.s.push_back(-minus);
    for (index_t t = 0; t < x.rows; ++t) found.u(t, j) = turned(row, t);
    for (index_t p = 0; p < x.columns; ++p) found.v(j, p) = a(row, p) / -minus;
  }
  return found;
}

/// The rule of Boutsidis and Gallopoulos from the vectors above.
TEST_P(Nmf, StartsAsTheRuleSays) {
  for (const auto& [rows, columns, components] :
       std::vector<std::array<index_t, 3>>{{7, 30, 3}, {12, 131, 5}, {4, 1025, 3}, {5, 2100, 3}}) {
    const Dense x = uniform(rows, columns, 4);
    const Singular svd = singular_values(x);
    const auto device = on_device(exec(), x);
    Array<double, 2> w(exec(), {rows, components});
    Array<float, 2> h(exec(), {components, columns});
    nmf_start(exec(), device.view(), NmfStart::nndsvd, 0, w.view(), h.view());
    const Dense got_w = dense(to_host(exec(), w.view())), got_h = dense(to_host(exec(), h.view()));
    for (index_t j = 0; j < components; ++j) {
      const double s = svd.s[static_cast<std::size_t>(j)];
      // v from sums over the frames in float: u / s rounds, then each product and sum, of numbers up to 1.
      const double noise = static_cast<double>(rows + 3) * FLT_EPSILON * std::sqrt(static_cast<double>(rows)) / s;
      std::array<double, 2> of_u{}, of_v{};
      for (index_t t = 0; t < rows; ++t) of_u[svd.u(t, j) < 0 ? 1 : 0] += std::pow(svd.u(t, j), 2);
      for (index_t p = 0; p < columns; ++p) of_v[svd.v(j, p) < 0 ? 1 : 0] += std::pow(svd.v(j, p), 2);
      const std::size_t part = of_u[0] * of_v[0] > of_u[1] * of_v[1] ? 0 : 1;
      const double sign = part == 0 ? 1 : -1, norm_u = std::sqrt(of_u[part]), norm_v = std::sqrt(of_v[part]);
      const double size = std::sqrt(s * norm_u * norm_v);
      const double of_norm = std::sqrt(static_cast<double>(columns)) * noise / norm_v;  // what it is of the norm
      const auto expect_part = [&, rows = rows](double got, double unit, double bound) {
        const double want = size * std::fmax(sign * unit, 0.0);
        if (std::fabs(want - 1e-6) <= bound) return;  // on either side of what counts as nothing
        EXPECT_NEAR(got, want < 1e-6 ? 0 : want, bound) << rows << " frames";
      };
      for (index_t t = 0; t < rows; ++t) {
        const double unit = svd.u(t, j) / norm_u;
        expect_part(got_w(t, j), unit, size * std::fabs(unit) * (of_norm + FLT_EPSILON));
      }
      for (index_t p = 0; p < columns; ++p) {
        const double unit = svd.v(j, p) / norm_v;
        expect_part(got_h(j, p), unit, size * (noise / norm_v + std::fabs(unit) * (of_norm + FLT_EPSILON)));
      }
    }
  }
}

TEST_P(Nmf, LeavesOutComponentsThatDoNotExist) {
  Dense x(4, 9);
  for (index_t i = 0; i < 4; ++i)
    for (index_t j = 0; j < 9; ++j) x(i, j) = static_cast<double>((i + 1) * (j + 2));
  const Found found = factorise(exec(), x, 3, {});
  // Of one component, which a round makes exact: h takes the products over four frames, a division and its own
  // rounding, w its own, in float.
  EXPECT_LT(distance(x, found.w, found.h), (4 + 3) * FLT_EPSILON * distance(x, Dense(4, 1), Dense(1, 9)));
  for (const double value : found.w.v) EXPECT_TRUE(std::isfinite(value));
  for (const double value : found.h.v) EXPECT_TRUE(std::isfinite(value));
}

TEST_P(Nmf, RefusesWhatIsNotNonNegative) {
  const Dense x = uniform(4, 9, 1);
  Array<float, 2> w(exec(), {4, 2}), h(exec(), {2, 9}), wide(exec(), {4, 5}), high(exec(), {5, 9});
  const auto fine = on_device(exec(), x);
  EXPECT_THROW(nmf(exec(), fine.view(), {}, wide.view(), high.view()), InvalidInput);
  EXPECT_THROW(nmf(exec(), fine.view(), {.max_iter = 0}, w.view(), h.view()), InvalidInput);
  EXPECT_THROW(nmf(exec(), fine.view(), {.tol = -1}, w.view(), h.view()), InvalidInput);
  EXPECT_THROW(nmf(exec(), fine.view(), {}, w.view(), high.view()), InvalidInput);
  for (const index_t columns : {9, 1025, 2100}) {  // the bad one is the last of all, beyond one and two chunks
    Dense long_x = uniform(4, columns, 1);
    Array<float, 2> long_h(exec(), {2, columns});
    for (const double bad :
         {-1e-3, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      long_x(3, columns - 1) = bad;
      const auto device = on_device(exec(), long_x);
      EXPECT_THROW(nmf(exec(), device.view(), {}, w.view(), long_h.view()), InvalidInput) << columns;
    }
  }
}

class NmfWeights : public OnEveryDevice {};

struct FoundWeights {
  Dense w;
  NmfOutcome outcome;
};
FoundWeights weigh(Exec& exec, const Dense& x, const Dense& h, const NmfWeightsOptions& options) {
  const auto frames = on_device(exec, x), components = on_device(exec, h);
  Array<float, 2> w(exec, {x.rows, h.rows});
  const NmfOutcome outcome = nmf_weights(exec, frames.view(), components.view(), options, w.view());
  return {dense(to_host(exec, w.view())), outcome};
}

/// Where scikit-learn's transform() starts.
Dense start_of_weights(NmfSolver solver, const Dense& x, const Dense& h) {
  double mean = 0;
  for (const double value : x.v) mean += value / static_cast<double>(x.v.size());
  Dense w(x.rows, h.rows);
  if (solver == NmfSolver::mu) std::fill(w.v.begin(), w.v.end(), std::sqrt(mean / static_cast<double>(h.rows)));
  return w;
}

/// Frames, one column a component and a half: more components than frames, one pixel, sums of two chunks.
const std::vector<std::array<index_t, 3>> kShapesOfWeights{{1, 1, 1},    {1, 67, 3},   {7, 1, 1},   {3, 30, 7},
                                                           {12, 131, 5}, {5, 1030, 4}, {257, 40, 3}};

/// Positive components of which each has pixels of its own, so that their system's condition stays below 30: what is
/// theirs is 3 .. 4, the rest below 1, and (3 + 0.5)^2 / 3^2 is what two of them share at most.
Dense components_apart(index_t components, index_t columns) {
  Dense h = uniform(components, columns, 7);
  for (index_t p = 0; p < columns; ++p) h(p % components, p) += 3;
  return h;
}

TEST_P(NmfWeights, GoThroughTheSameRoundsAsTheFormulas) {
  for (const auto& [rows, columns, components] : kShapesOfWeights) {
    const Dense x = uniform(rows, columns, 6), h = components_apart(components, columns);
    for (const auto solver : {NmfSolver::cd, NmfSolver::mu}) {
      Dense w = start_of_weights(solver, x, h);
      constexpr index_t kRounds = 4;
      for (index_t round = 0; round < kRounds; ++round) naive_half(solver, x, w, h);
      const FoundWeights found = weigh(exec(), x, h, {.solver = solver, .max_iter = kRounds, .tol = 0});
      EXPECT_LE(found.outcome.iterations, kRounds);
      // All in double: sums over the pixels and the components on either side, which a round enlarges by the share of
      // the diagonal in a row of h h^T, below components + 1; then the result is rounded to float.
      double size = 0;
      for (const double value : w.v) size = std::fmax(size, value);
      const double bound = FLT_EPSILON * size + 2.0 * kRounds * static_cast<double>(components + 1) *
                                                    static_cast<double>(columns + components) * DBL_EPSILON * size;
      for (std::size_t i = 0; i < w.v.size(); ++i)
        ASSERT_NEAR(found.w.v[i], w.v[i], bound) << rows << " x " << columns << ", w " << i;
    }
  }
}

/// The optimum conditions of Karush, Kuhn and Tucker, in double from the pixels.
TEST_P(NmfWeights, ReachTheNonNegativeLeastSquares) {
  for (const auto& [rows, columns, components] : kShapesOfWeights) {
    const Dense x = uniform(rows, columns, 6), h = components_apart(components, columns);
    const FoundWeights found = weigh(exec(), x, h, {.max_iter = 10'000, .tol = 1e-14});
    EXPECT_TRUE(found.outcome.converged);
    const Dense hht = product(h, transposed(h)), xht = product(x, transposed(h));
    for (index_t t = 0; t < rows; ++t)
      for (index_t i = 0; i < components; ++i) {
        double gradient = -xht(t, i), size = xht(t, i);
        for (index_t j = 0; j < components; ++j) {
          gradient += found.w(t, j) * hht(j, i);
          size += found.w(t, j) * hht(j, i);
        }
        ASSERT_GE(found.w(t, i), 0);
        ASSERT_GE(gradient, -FLT_EPSILON * size) << rows << " x " << columns;  // w rounds to float, by half of that
        const double above = found.w(t, i) > 0 ? gradient : 0;
        ASSERT_LE(above, FLT_EPSILON * size) << rows << " x " << columns;
      }
  }
}

TEST_P(NmfWeights, StopByTheRule) {
  const Dense x = uniform(31, 200, 8), h = uniform(4, 200, 9);  // components that share much: some rounds
  for (const double tol : {1e-1, 1e-3, 1e-6}) {
    Dense w = start_of_weights(NmfSolver::cd, x, h);
    const double first = naive_half(NmfSolver::cd, x, w, h);
    index_t rounds = 1;
    while (naive_half(NmfSolver::cd, x, w, h) > tol * first) ++rounds;
    const FoundWeights found = weigh(exec(), x, h, {.tol = tol});
    EXPECT_EQ(found.outcome.iterations, rounds + 1) << tol;
    EXPECT_TRUE(found.outcome.converged);
  }
  Dense w = start_of_weights(NmfSolver::mu, x, h);
  const double first = distance(x, w, h);
  double before = first, now = first;
  index_t rounds = 0;
  do {
    before = now;
    for (int i = 0; i < 10; ++i) naive_half(NmfSolver::mu, x, w, h);
    rounds += 10;
    now = distance(x, w, h);
  } while (before - now >= 1e-4 * first);
  EXPECT_GT(rounds, 10) << "a test of hardly anything";
  const FoundWeights found = weigh(exec(), x, h, {.solver = NmfSolver::mu, .max_iter = 1000});
  EXPECT_EQ(found.outcome.iterations, rounds);
  EXPECT_FALSE(weigh(exec(), x, h, {.max_iter = 1}).outcome.converged);
}

/// The weights that a factorisation ends with are those that its components ask for.
TEST_P(NmfWeights, AgreeWithTheFactorisationThatMadeTheComponents) {
  Dense of_frames = uniform(9, 2, 2), parts = uniform(2, 140, 3);
  for (index_t i = 0; i < 9; ++i) of_frames(i, i % 2) += 3;
  const Dense x = product(of_frames, parts);
  const NmfOptions options{.max_iter = 2000, .tol = 1e-9};
  const Found both = factorise(exec(), x, 2, options);
  const FoundWeights again = weigh(exec(), x, both.h, {.max_iter = 2000, .tol = 1e-12});
  // As near to x as the formulas come, and roundings of h let it: four times what such at random make of the distance.
  const NaiveRounds naive = naive_rounds(exec(), x, 2, options, both.outcome.iterations);
  const double rounding_of_w = FLT_EPSILON * distance(x, Dense(9, 1), Dense(1, 140));
  const double want = distance(x, naive.w, naive.h), found = distance(x, again.w, both.h);
  EXPECT_NEAR(found, want, 4 * std::fabs(distance(x, naive.rough_w, naive.rough_h) - want) + rounding_of_w);
  EXPECT_LE(found, distance(x, both.w, both.h) + rounding_of_w);  // w by least squares for this h: none is better
}

TEST_P(NmfWeights, LeaveOutComponentsOfZeros) {
  const Dense x = uniform(3, 50, 6);
  Dense h = uniform(3, 50, 7);
  for (index_t p = 0; p < 50; ++p) h(1, p) = 0;
  for (const auto solver : {NmfSolver::cd, NmfSolver::mu}) {
    const FoundWeights found = weigh(exec(), x, h, {.solver = solver});
    for (index_t t = 0; t < 3; ++t) {
      EXPECT_EQ(found.w(t, 1), 0);
      EXPECT_GT(found.w(t, 0) + found.w(t, 2), 0);
    }
  }
  const FoundWeights nothing = weigh(exec(), Dense(2, 50), h, {});
  EXPECT_TRUE(nothing.outcome.converged);
  EXPECT_EQ(nothing.outcome.iterations, 1);
  EXPECT_EQ(nothing.w.v, std::vector<double>(6, 0.0));
}

/// Rows of a larger matrix, whose other columns do not matter.
TEST_P(NmfWeights, TakeRowsThatAreApart) {
  const Dense wide = uniform(5, 70, 6), h = components_apart(2, 63);
  Dense x(5, 63);
  for (index_t t = 0; t < 5; ++t)
    for (index_t p = 0; p < 63; ++p) x(t, p) = wide(t, p);
  const auto device = on_device(exec(), wide), components = on_device(exec(), h);
  Array<float, 2> w(exec(), {5, 2});
  nmf_weights(exec(), Matrix<const float>(device.data(), {5, 63}, {70, 1}), components.view(), {}, w.view());
  EXPECT_EQ(dense(to_host(exec(), w.view())).v, weigh(exec(), x, h, {}).w.v);
}

TEST_P(NmfWeights, RefuseWhatIsNotNonNegative) {
  const Dense x = uniform(4, 1030, 1), h = uniform(2, 1030, 2);
  for (const double bad : {-1e-3, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Dense spoilt_x = x, spoilt_h = h;
    spoilt_x(3, 1029) = spoilt_h(1, 1029) = bad;
    EXPECT_THROW(weigh(exec(), spoilt_x, h, {}), InvalidInput);
    EXPECT_THROW(weigh(exec(), x, spoilt_h, {}), InvalidInput);
  }
  EXPECT_THROW(weigh(exec(), x, h, {.max_iter = 0}), InvalidInput);
  EXPECT_THROW(weigh(exec(), x, h, {.tol = -1}), InvalidInput);
  EXPECT_THROW(weigh(exec(), x, h, {.tol = std::numeric_limits<double>::quiet_NaN()}), InvalidInput);
  EXPECT_THROW(weigh(exec(), x, uniform(2, 1029, 2), {}), InvalidInput);
  EXPECT_THROW(weigh(exec(), x, Dense(0, 1030), {}), InvalidInput);
  EXPECT_THROW(weigh(exec(), Dense(0, 1030), h, {}), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Nmf);
HCI_INSTANTIATE_ON_EVERY_DEVICE(NmfWeights);

}  // namespace
}  // namespace hci::test
