// SPDX-License-Identifier: MIT
#include "kernels/linalg/rows_operator.hpp"

#include <cmath>
#include <limits>

#include "kernels/core/error.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/random/philox.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/kernels/linalg/spectra.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class RowsTimes : public OnEveryDevice {};

constexpr index_t kMatrices = 3;

/// Matrices of equal shape, of each other columns masked by NaN, and vectors to multiply with.
struct Problem {
  index_t rows, columns, vectors;
  std::vector<float> x;
  std::vector<std::uint8_t> used;
  std::vector<double> v;

  Problem(index_t t, index_t p, index_t r) : rows(t), columns(p), vectors(r) {
    x = speckle_rows(kMatrices * rows, columns);
    used.assign(static_cast<std::size_t>(kMatrices * columns), 1);
    for (index_t b = 0; b < kMatrices; ++b)
      for (index_t c = b == 1 ? columns - columns / 3 : b; c < columns && columns > 2 * kMatrices;
           c += b == 1 ? 1 : 11) {  // of one the last third
        used[at(b * columns + c)] = 0;
        for (index_t i = 0; i < rows; ++i)
          x[at((b * rows + i) * columns + c)] = std::numeric_limits<float>::quiet_NaN();
      }
    for (index_t i = 0; i < kMatrices * vectors * rows; ++i) v.push_back(static_cast<double>(i * 7 % 23) / 8 - 1);
  }
  static std::size_t at(index_t i) { return static_cast<std::size_t>(i); }
  long double entry(index_t b, index_t t, index_t p) const {
    return used[at(b * columns + p)] != 0 ? static_cast<long double>(x[at((b * rows + t) * columns + p)]) : 0;
  }
  long double vector(index_t b, index_t r, index_t t) const {
    return static_cast<long double>(v[at((b * vectors + r) * rows + t)]);
  }
};

/// A sum and that of the absolute values.
struct Sum {
  long double value = 0, size = 0;
  void add(long double term, long double term_size) {
    value += term;
    size += term_size;
  }
};

void expect_sum(double found, const Sum& want, double roundings, const std::string& what) {
  EXPECT_NEAR(found, static_cast<double>(want.value), roundings * kEps * static_cast<double>(want.size)) << what;
}

/// One row, one column, sizes around those of tiles (of columns 8192 on CUDA, 504, 168 and 24 on the CPU, 256 on its
/// portable path; 256 rows; 8 vectors), all matrices at once and one by one where scratch is short. The sums in long
/// double; what sums in double may differ, whatever their order: each product and sum rounds once, `columns` of them
/// and `rows` for the scores.
TEST_P(RowsTimes, ProductsAreTheSums) {
  for (const auto& [t, p, r] : std::vector<std::tuple<index_t, index_t, index_t>>{
           {1, 1, 1}, {3, 8200, 2}, {300, 37, 11}, {61, 625, 15}, {5, 505, 9}, {7, 168, 8}}) {
    const Problem problem(t, p, r);
    const std::string what = std::to_string(t) + " x " + std::to_string(p) + ", " + std::to_string(r) + " vectors";
    const auto x = to_device(exec(), View<const float, 3>(problem.x.data(), {kMatrices, t, p}));
    const auto used = device_matrix(exec(), problem.used, kMatrices, p);
    const auto v = to_device(exec(), View<const double, 3>(problem.v.data(), {kMatrices, r, t}));
    Array<double, 3> product(exec(), {kMatrices, r, t}), sketch(exec(), {kMatrices, r, t});
    const RowsOperator a(x.view(), used.view());
    for (const index_t room : {index_t{1} << 30, index_t{1}}) {
      const ScratchLimit limit(room);
      a.apply(exec(), v.view(), product.view());
      a.sketch(exec(), 9, sketch.view());
      const auto products = to_host(exec(), product.view()), sketches = to_host(exec(), sketch.view());
      for (index_t b = 0; b < kMatrices; ++b)
        for (index_t i = 0; i < r; ++i) {
          std::vector<Sum> scores(Problem::at(p));
          for (index_t s = 0; s < t; ++s)
            for (index_t c = 0; c < p; ++c) {
              const long double term = problem.vector(b, i, s) * problem.entry(b, s, c);
              scores[Problem::at(c)].add(term, std::fabs(term));
            }
          for (index_t s = 0; s < t; ++s) {
            Sum of_scores, of_random;
            for (index_t c = 0; c < p; ++c) {
              const long double entry = problem.entry(b, s, c);
              of_scores.add(scores[Problem::at(c)].value * entry, scores[Problem::at(c)].size * std::fabs(entry));
              const PhiloxBlock random =
                  philox4x32({{0, 0x5FD, static_cast<std::uint32_t>(c), static_cast<std::uint32_t>(i / 4) << 8}}, 9, 0);
              const long double term = (std::ldexp(random.word[i % 4] + 0.5, -31) - 1) * entry;
              of_random.add(term, std::fabs(term));
            }
            expect_sum(products.view()(b, i, s), of_scores, static_cast<double>(p + t + 3), what);
            expect_sum(sketches.view()(b, i, s), of_random, static_cast<double>(p + 3), what);
          }
        }
    }
  }
}

/// Beside others or alone, and by any number of threads.
TEST_P(RowsTimes, ProductsOfEachAreItsOwn) {
  if (exec().on_cuda()) GTEST_SKIP() << "cuBLAS promises no bits";
  const index_t t = 61, p = 1300, r = 15;
  const Problem problem(t, p, r);
  const View<const float, 3> x(problem.x.data(), {kMatrices, t, p});
  const Matrix<const std::uint8_t> used(problem.used.data(), {kMatrices, p});
  const View<const double, 3> v(problem.v.data(), {kMatrices, r, t});
  const auto products = [&](int threads, index_t first, index_t count) {
    Exec::Options options = GetParam().options;
    options.threads = threads;
    Exec own(options);
    Array<double, 3> product(own, {count, r, t}), sketch(own, {count, r, t});
    const RowsOperator a(slice(x, first, count), slice(used, first, count));
    a.apply(own, slice(v, first, count), product.view());
    a.sketch(own, 1, sketch.view());
    std::vector<double> both(product.data(), product.data() + product.size());
    both.insert(both.end(), sketch.data(), sketch.data() + sketch.size());
    return both;
  };
  for (index_t b = 0; b < kMatrices; ++b) {
    const auto alone = products(1, b, 1);
    for (const int threads : {1, 2, 5}) {
      EXPECT_EQ(products(threads, b, 1), alone) << threads << " threads";
      const auto all = products(threads, 0, kMatrices);
      const auto size = static_cast<std::ptrdiff_t>(alone.size() / 2);
      for (const std::ptrdiff_t half : {0, 1}) {
        const auto mine = all.begin() + half * kMatrices * size + b * size;
        EXPECT_TRUE(std::equal(mine, mine + size, alone.begin() + half * size)) << threads << " threads, matrix " << b;
      }
    }
  }
}

/// Rows so long that the tuned path takes their scores in several rounds: beside sums in double, in the order of x.
TEST_P(RowsTimes, RowsOfAnyLength) {
  for (const auto& [t, p, r] : std::vector<std::tuple<index_t, index_t, index_t>>{{521, 4100, 9}, {2, 40000, 3}}) {
    const auto x = speckle_rows(t, p);
    std::vector<double> v;
    for (index_t i = 0; i < r * t; ++i) v.push_back(static_cast<double>(i * 7 % 23) / 8 - 1);
    const auto device = device_matrix(exec(), x, t, p);
    const auto vectors = device_matrix(exec(), v, r, t);
    Array<double, 2> product(exec(), {r, t});
    RowsOperator(device.view(), {}).apply(exec(), {vectors.data(), {1, r, t}}, {product.data(), {1, r, t}});
    const auto found = to_host(exec(), product.view());
    for (const index_t i : {index_t{0}, r - 1}) {
      std::vector<double> scores(Problem::at(p), 0.0), sizes(Problem::at(p), 0.0);
      for (index_t s = 0; s < t; ++s)
        for (index_t c = 0; c < p; ++c) {
          const double term = v[Problem::at(i * t + s)] * double(x[Problem::at(s * p + c)]);
          scores[Problem::at(c)] += term;
          sizes[Problem::at(c)] += std::fabs(term);
        }
      for (index_t s = 0; s < t; s += 13) {
        Sum want;
        for (index_t c = 0; c < p; ++c) {
          const double entry = double(x[Problem::at(s * p + c)]);
          want.add(scores[Problem::at(c)] * entry, sizes[Problem::at(c)] * std::fabs(entry));
        }
        expect_sum(found.view()(i, s), want, static_cast<double>(p + 2 * t + 3), std::to_string(t) + " rows");
      }
    }
  }
}

/// In one tile or in many, a sketch is the same to the bit.
TEST_P(RowsTimes, SketchesDoNotDependOnTheirTiles) {
  if (exec().on_cuda()) GTEST_SKIP() << "cuBLAS promises no bits";
  const index_t t = 61, p = 5000, r = 15;
  const auto x = device_matrix(exec(), speckle_rows(t, p), t, p);
  Array<double, 3> at_once(exec(), {1, r, t}), in_tiles(exec(), {1, r, t});
  const RowsOperator a(x.view(), {});
  a.sketch(exec(), 3, at_once.view());
  const ScratchLimit least(1);
  a.sketch(exec(), 3, in_tiles.view());
  for (index_t i = 0; i < at_once.size(); ++i) ASSERT_EQ(at_once.data()[i], in_tiles.data()[i]) << i;
}

/// A matrix without a column in use is zero.
TEST_P(RowsTimes, NoColumnIsZero) {
  const auto x = device_matrix(exec(), std::vector<float>(3 * 30, std::numeric_limits<float>::infinity()), 3, 30);
  const auto used = to_device(exec(), std::vector<std::uint8_t>(30, 0));
  const auto v = to_device(exec(), std::vector<double>(6, 1.0));
  Array<double, 3> w(exec(), {1, 2, 3});
  const RowsOperator a(x.view(), used.view());
  const auto expect_zero = [&] {
    const auto found = to_host(exec(), w.view());
    for (index_t i = 0; i < found.size(); ++i) EXPECT_EQ(found.data()[i], 0);
  };
  a.apply(exec(), {v.data(), {1, 2, 3}}, w.view());
  expect_zero();
  a.sketch(exec(), 1, w.view());
  expect_zero();
}

TEST_P(RowsTimes, RefusesWhatHasNoAnswer) {
  Array<float, 3> two(exec(), {2, 3, 5}), empty(exec(), {2, 3, 0});
  Array<std::uint8_t, 2> flags(exec(), {3, 5}), narrow(exec(), {2, 4});
  EXPECT_THROW(RowsOperator(empty.view(), {}), InvalidInput);
  EXPECT_THROW(RowsOperator(two.view(), flags.view()), InvalidInput);
  EXPECT_THROW(RowsOperator(two.view(), narrow.view()), InvalidInput);
  EXPECT_THROW(RowsOperator(View<const float, 3>(two.data(), {2, 3, 2}, {15, 5, 2}), {}), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(RowsTimes);

}  // namespace
}  // namespace hci::test
