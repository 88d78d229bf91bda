// SPDX-License-Identifier: MIT
#include "kernels/linalg/components.hpp"

#include <array>
#include <cfloat>
#include <cmath>
#include <limits>

#include "kernels/core/error.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/gram.hpp"
#include "tests/kernels/linalg/matrices.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Components : public OnEveryDevice {};

/// Two orthogonal library frames and a target: projections by hand.
TEST_P(Components, GiveTheCoefficientsOfAProjection) {
  // x_0 = (2, 0, 0), x_1 = (0, 1, 0); target (3, 5, 7): c = (3/2, 5), of one component (3/2, 0).
  const auto g = device_matrix<double>(exec(), {6, 5}, 1, 2), values = device_matrix<double>(exec(), {4, 1}, 1, 2);
  auto vectors = device_matrix<double>(exec(), {1, 0, 0, 1}, 2, 2);
  const View<const double, 3> v(vectors.data(), {1, 2, 2});
  Array<double, 2> scores(exec(), {1, 2});
  component_scores(exec(), g.view(), values.view(), v, scores.view());
  for (const auto& [count, second] : std::vector<std::pair<index_t, float>>{{1, 0.0F}, {2, 5.0F}}) {
    const auto counts = to_device(exec(), std::vector<index_t>{count});
    Array<float, 2> c(exec(), {1, 2});
    component_coefficients(exec(), scores.view(), v, counts.view(), c.view());
    const auto host = to_host(exec(), c.view());
    EXPECT_EQ(host.data()[0], 1.5F);
    EXPECT_EQ(host.data()[1], second);
  }
}

std::vector<double> waves(index_t count, double step) {
  std::vector<double> values;
  for (index_t i = 0; i < count; ++i) values.push_back(std::sin(step * static_cast<double>(i + 1)));
  return values;
}

/// Values of each library that fall; where there are several components, the last one of them does not exist.
std::vector<double> falling_values(index_t libraries, index_t k) {
  std::vector<double> values;
  for (index_t b = 0; b < libraries; ++b)
    for (index_t j = 0; j < k; ++j)
      values.push_back(j > 0 && j + 1 == k ? 0 : static_cast<double>(b + 5) / static_cast<double>(j + 1));
  return values;
}

constexpr std::array<std::array<index_t, 3>, 3> kSizes{{{1, 1, 1}, {3, 5, 7}, {17, 4, 33}}};  // targets, k, n

TEST_P(Components, ScoresAreTheirFormula) {
  for (const auto& [targets, k, n] : kSizes)
    for (const index_t libraries : {index_t{1}, targets}) {
      const auto g = waves(targets * n, 0.9), v = waves(libraries * k * n, 0.7), w = falling_values(libraries, k);
      const auto dg = device_matrix(exec(), g, targets, n), dw = device_matrix(exec(), w, libraries, k);
      const auto dv = to_device(exec(), View<const double, 3>(v.data(), {libraries, k, n}));
      Array<double, 2> scores(exec(), {targets, k});
      component_scores(exec(), dg.view(), dw.view(), dv.view(), scores.view());
      const auto host = to_host(exec(), scores.view());
      for (index_t t = 0; t < targets; ++t)
        for (index_t j = 0; j < k; ++j) {
          const index_t b = libraries == 1 ? 0 : t;
          const double value = w[static_cast<std::size_t>(b * k + j)];
          if (value == 0) {
            EXPECT_EQ(host.view()(t, j), 0.0);
            continue;
          }
          double sum = 0, size = 0;
          for (index_t i = 0; i < n; ++i) {
            const double term =
                g[static_cast<std::size_t>(t * n + i)] * v[static_cast<std::size_t>((b * k + j) * n + i)];
            sum += term;
            size += std::fabs(term);
          }
          // n products and sums and a division round, here and there.
          EXPECT_NEAR(host.view()(t, j), sum / value, static_cast<double>(n + 1) * DBL_EPSILON * size / value)
              << targets << ", " << libraries << ": " << t << ", " << j;
        }
    }
}

/// Of one number of components for each target, and of many for all, which are the same bits.
TEST_P(Components, CoefficientsAndTheirSweepAreTheFormula) {
  for (const auto& [size, shared] :
       {std::pair{kSizes[0], false}, {kSizes[1], false}, {kSizes[1], true}, {kSizes[2], false}, {kSizes[2], true}}) {
    const index_t targets = size[0], k = size[1], n = size[2], libraries = shared ? 1 : targets;
    const auto s = waves(targets * k, 1.3), v = waves(libraries * k * n, 0.7);
    const auto ds = device_matrix(exec(), s, targets, k);
    const auto dv = to_device(exec(), View<const double, 3>(v.data(), {libraries, k, n}));
    const auto vector_of = [&, one = shared](index_t t) { return v.begin() + (one ? 0 : t * k * n); };
    const auto expect_coefficients = [&](const float* c, index_t t, index_t count) {
      for (index_t i = 0; i < n; ++i) {
        double want = 0, terms = 0;
        for (index_t j = 0; j < count; ++j) {
          const double term = s[static_cast<std::size_t>(t * k + j)] * vector_of(t)[j * n + i];
          want += term;
          terms += std::fabs(term);
        }
        const double bound = static_cast<double>(count) * DBL_EPSILON * terms + FLT_EPSILON / 2 * std::fabs(want);
        EXPECT_NEAR(c[i], want, bound) << "target " << t << ", " << count << " components, " << i;
      }
    };
    std::vector<index_t> each, sweep_counts{0, 0};
    for (index_t t = 0; t < targets; ++t) each.push_back((t + 1) % (k + 1));
    for (index_t count = 1; count <= k; ++count) sweep_counts.push_back(count);
    const auto counts = to_device(exec(), std::vector<index_t>(each));
    Array<float, 2> c(exec(), {targets, n});
    component_coefficients(exec(), ds.view(), dv.view(), counts.view(), c.view());
    Array<float, 3> sweep(exec(), {k + 2, targets, n});
    component_sweep(exec(), ds.view(), dv.view(), sweep_counts, sweep.view());
    const auto one = to_host(exec(), c.view());
    const auto all = to_host(exec(), sweep.view());
    for (index_t t = 0; t < targets; ++t) {
      const index_t own = each[static_cast<std::size_t>(t)];
      expect_coefficients(&one.view()(t, 0), t, own);
      for (index_t item = 0; item < k + 2; ++item)
        expect_coefficients(&all.view()(item, t, 0), t, sweep_counts[static_cast<std::size_t>(item)]);
      for (index_t i = 0; i < n; ++i) EXPECT_EQ(all.view()(own + 1, t, i), one.view()(t, i));
    }
    std::vector<index_t> wrong(sweep_counts.rbegin(), sweep_counts.rend());
    EXPECT_THROW(component_sweep(exec(), ds.view(), dv.view(), wrong, sweep.view()), InvalidInput);
    if (targets == 3 && !shared) {
      const View<const double, 3> two(dv.data(), {2, k, n});
      EXPECT_THROW(component_sweep(exec(), ds.view(), two, sweep_counts, sweep.view()), InvalidInput);
      EXPECT_THROW(component_coefficients(exec(), ds.view(), two, counts.view(), c.view()), InvalidInput);
    }
    wrong = sweep_counts;
    wrong.back() = k + 1;
    EXPECT_THROW(component_sweep(exec(), ds.view(), dv.view(), wrong, sweep.view()), InvalidInput);
  }
}

/// Three components of two frames, as rows and as columns; the last one does not exist.
TEST_P(Components, GoToSinglePrecisionByRowAndByColumn) {
  const std::vector<double> by_row{0.1, 2, -3, 4, 5, 6}, by_column{0.1, -3, 5, 2, 4, 6};
  const auto rows = device_matrix(exec(), by_row, 3, 2), columns = device_matrix(exec(), by_column, 2, 3);
  const auto values = to_device(exec(), std::vector<double>{8, 1, DBL_EPSILON});
  Array<float, 2> single_rows(exec(), {3, 2}), single_columns(exec(), {2, 3});
  to_single(exec(), rows.view(), values.view(), false, single_rows.view());
  to_single(exec(), columns.view(), values.view(), true, single_columns.view());
  const auto found_rows = to_host(exec(), single_rows.view()), found_columns = to_host(exec(), single_columns.view());
  const std::vector<float> want_rows{0.1F, 2, -3, 4, 0, 0}, want_columns{0.1F, -3, 0, 2, 4, 0};
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(found_rows.data()[i], want_rows[i]) << i;
    EXPECT_EQ(found_columns.data()[i], want_columns[i]) << i;
  }
  const auto two = to_device(exec(), std::vector<double>{8, 1});
  EXPECT_THROW(to_single(exec(), columns.view(), two.view(), true, single_columns.view()), InvalidInput);
}

TEST_P(Components, ThatAreOnlyRoundingAreLeftOut) {
  const double rounding = 4 * std::numeric_limits<double>::epsilon();
  const auto g = device_matrix<double>(exec(), {1, 1}, 1, 2),
             values = device_matrix<double>(exec(), {4, rounding}, 1, 2);
  const auto vectors = device_matrix<double>(exec(), {1, 0, 0, 1}, 2, 2);
  Array<double, 2> scores(exec(), {1, 2});
  component_scores(exec(), g.view(), values.view(), {vectors.data(), {1, 2, 2}}, scores.view());
  EXPECT_EQ(to_host(exec(), scores.view()).data()[0], 0.25);
  EXPECT_EQ(to_host(exec(), scores.view()).data()[1], 0.0);
  Array<float, 2> single(exec(), {2, 2});
  to_single(exec(), vectors.view(), {values.data(), {2}}, false, single.view());
  const auto rows = to_host(exec(), single.view());
  EXPECT_EQ(rows.data()[0], 1.0F);
  EXPECT_EQ(rows.data()[3], 0.0F);
}

/// The rule spelled out: residuals made pixel by pixel, their standard deviation, the first drop below
/// the tolerance.
index_t count_by_pixels(const std::vector<float>& x, index_t rows, index_t pixels, const double* vectors,
                        double tolerance) {
  std::vector<double> residual(x.begin(), x.end());
  double before = 0;
  for (index_t j = 0; j < rows; ++j) {
    for (index_t p = 0; p < pixels; ++p) {
      double score = 0;
      for (index_t t = 0; t < rows; ++t)
        score += vectors[j * rows + t] * static_cast<double>(x[static_cast<std::size_t>(t * pixels + p)]);
      for (index_t t = 0; t < rows; ++t)
        residual[static_cast<std::size_t>(t * pixels + p)] -= score * vectors[j * rows + t];
    }
    double mean = 0, variance = 0;
    const auto entries = static_cast<double>(residual.size());
    for (double r : residual) mean += r / entries;
    for (double r : residual) variance += (r - mean) * (r - mean) / entries;
    const double noise = std::sqrt(variance);
    if (j > 0 && before - noise < tolerance) return j + 1;
    before = noise;
  }
  return rows;
}

/// All frames as one library, with all its pairs.
struct WholeLibrary {
  WholeLibrary(Exec& exec, const std::vector<float>& x, index_t rows, index_t columns)
      : pixels(columns), values(exec, {1, rows}), sums(exec, {rows}), vectors(exec, {1, rows, rows}) {
    const auto device = device_matrix(exec, x, rows, pixels);
    Array<double, 2> g(exec, {rows, rows});
    gram(exec, device.view(), {}, g.view());
    row_sums(exec, device.view(), {}, sums.view());
    eigh_top(exec, g.view(), rows, values.view()[0], vectors.view()[0]);
    pairs = to_host(exec, vectors.view());
  }
  index_t automatic_count(Exec& exec, double tolerance) const {
    const auto sizes = to_device(exec, std::vector<index_t>{sums.extent(0)});
    Array<index_t, 1> counts(exec, {1});
    automatic_counts(exec, values.view(), vectors.view(), sizes.view(), sums.view(), pixels, tolerance, counts.view());
    return to_host(exec, counts.view()).data()[0];
  }

  index_t pixels;
  Array<double, 2> values;
  Array<double, 1> sums;
  Array<double, 3> vectors, pairs;  ///< pairs: the vectors on the host
};

TEST_P(Components, AutomaticCountIsWhereTheNoiseStopsFalling) {
  const index_t rows = 12, pixels = 200;
  auto x = speckle_rows(rows, pixels);
  for (index_t t = 0; t < rows; ++t)  // a second and a third pattern, and an offset that has a mean
    for (index_t p = 0; p < pixels; ++p)
      x[static_cast<std::size_t>(t * pixels + p)] +=
          5 * std::sin(static_cast<float>(t)) * std::cos(static_cast<float>(p)) + (t % 3 == 0 ? 4.0F : 0.0F);
  const WholeLibrary library(exec(), x, rows, pixels);
  std::vector<index_t> found;
  for (double tolerance : {1e-6, 0.02, 0.1, 0.5, 100.0}) {
    found.push_back(library.automatic_count(exec(), tolerance));
    EXPECT_EQ(found.back(), count_by_pixels(x, rows, pixels, library.pairs.data(), tolerance)) << tolerance;
  }
  EXPECT_GT(found.front(), found.back());  // else the cases above say nothing
}

/// Of parts of the frames, of one, and of none, which has no components: `--min-frames-lib 0` makes such libraries.
TEST_P(Components, AutomaticCountOfSmallLibraries) {
  const index_t rows = 12, pixels = 200;
  const double tolerance = 0.05;
  const auto x = speckle_rows(rows, pixels);
  const std::vector<IndexSet> sets{{}, {4}, {1, 2, 5, 9}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {}};
  const auto problems = static_cast<index_t>(sets.size());
  const auto device = device_matrix(exec(), x, rows, pixels);
  Array<double, 2> g(exec(), {rows, rows}), values(exec(), {problems, rows});
  Array<double, 3> vectors(exec(), {problems, rows, rows});
  Array<double, 1> sums(exec(), {rows});
  gram(exec(), device.view(), {}, g.view());
  row_sums(exec(), device.view(), {}, sums.view());
  eigh_top_subsets(exec(), {g.data(), {1, rows, rows}}, sets, rows, values.view(), vectors.view());
  std::vector<index_t> sizes;
  for (const IndexSet& set : sets) sizes.push_back(static_cast<index_t>(set.size()));
  const auto device_sizes = to_device(exec(), sizes);
  auto counts = to_device(exec(), std::vector<index_t>(sets.size(), 1'000'000));  // what must not stay
  automatic_counts(exec(), values.view(), vectors.view(), device_sizes.view(), sums.view(), pixels, tolerance,
                   counts.view());
  const auto v = to_host(exec(), vectors.view());
  const auto found = to_host(exec(), counts.view());
  for (index_t b = 0; b < problems; ++b) {
    const IndexSet& set = sets[static_cast<std::size_t>(b)];
    std::vector<float> of_set;
    std::vector<double> pairs;
    for (const index_t t : set) of_set.insert(of_set.end(), x.begin() + t * pixels, x.begin() + (t + 1) * pixels);
    for (index_t j = 0; j < static_cast<index_t>(set.size()); ++j)
      for (const index_t t : set) pairs.push_back(v.view()(b, j, t));
    EXPECT_EQ(found.data()[b],
              count_by_pixels(of_set, static_cast<index_t>(set.size()), pixels, pairs.data(), tolerance))
        << "library " << b;
  }
}

/// Libraries of one, two, odd and even numbers of frames, on as few pixels as there are frames and on more: the rule
/// itself, at tolerances that lie between two drops, where no rounding decides.
TEST_P(Components, AutomaticCountOfLibrariesOfAnySize) {
  for (const auto& [rows, pixels] :
       std::vector<std::pair<index_t, index_t>>{{1, 1}, {2, 1}, {2, 70}, {33, 33}, {40, 257}}) {
    const auto x = speckle_rows(rows, pixels);
    const WholeLibrary library(exec(), x, rows, pixels);
    for (const double tolerance : {0.011, 0.031, 0.3})
      EXPECT_EQ(library.automatic_count(exec(), tolerance),
                count_by_pixels(x, rows, pixels, library.pairs.data(), tolerance))
          << rows << " x " << pixels << ", " << tolerance;
  }
}

/// One frame, one component; and NaN in a target's products, which is its own affair.
TEST_P(Components, OfOneFrameAndOfNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto g = device_matrix<double>(exec(), {6, static_cast<double>(nan), 2}, 3, 1);
  const auto values = device_matrix<double>(exec(), {4}, 1, 1), vectors = device_matrix<double>(exec(), {1}, 1, 1);
  Array<double, 2> scores(exec(), {3, 1});
  component_scores(exec(), g.view(), values.view(), {vectors.data(), {1, 1, 1}}, scores.view());
  const auto ones = device_matrix<double>(exec(), {1, 1, 1}, 3, 1);
  const auto counts = to_device(exec(), std::vector<index_t>{1, 1, 0});
  Array<float, 2> c(exec(), {3, 1});
  component_coefficients(exec(), scores.view(), {ones.data(), {3, 1, 1}}, counts.view(), c.view());
  const auto host = to_host(exec(), c.view());
  EXPECT_EQ(host.data()[0], 1.5F);
  EXPECT_TRUE(std::isnan(host.data()[1]));
  EXPECT_EQ(host.data()[2], 0.0F);
  Array<float, 3> sweep(exec(), {2, 3, 1});
  component_sweep(exec(), scores.view(), {ones.data(), {3, 1, 1}}, {0, 1}, sweep.view());
  const auto all = to_host(exec(), sweep.view());
  EXPECT_EQ(all.data()[1], 0.0F);
  EXPECT_TRUE(std::isnan(all.data()[4]));
  EXPECT_EQ(all.data()[5], 0.5F);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Components);

}  // namespace
}  // namespace hci::test
