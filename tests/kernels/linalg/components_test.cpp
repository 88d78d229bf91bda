// SPDX-License-Identifier: MIT
#include "kernels/linalg/components.hpp"

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

TEST_P(Components, AutomaticCountIsWhereTheNoiseStopsFalling) {
  const index_t rows = 12, pixels = 200;
  auto x = speckle_rows(rows, pixels);
  for (index_t t = 0; t < rows; ++t)  // a second and a third pattern, and an offset that has a mean
    for (index_t p = 0; p < pixels; ++p)
      x[static_cast<std::size_t>(t * pixels + p)] +=
          5 * std::sin(static_cast<float>(t)) * std::cos(static_cast<float>(p)) + (t % 3 == 0 ? 4.0F : 0.0F);
  const auto device = device_matrix(exec(), x, rows, pixels);
  Array<double, 2> g(exec(), {rows, rows}), vectors(exec(), {rows, rows});
  Array<double, 1> values(exec(), {rows}), sums(exec(), {rows});
  gram(exec(), device.view(), {}, g.view());
  row_sums(exec(), device.view(), {}, sums.view());
  eigh_top(exec(), g.view(), rows, values.view(), vectors.view());
  const auto v = to_host(exec(), vectors.view());
  const auto sizes = to_device(exec(), std::vector<index_t>{rows});
  Array<index_t, 1> counts(exec(), {1});
  std::vector<index_t> found;
  for (double tolerance : {1e-6, 0.02, 0.1, 0.5, 100.0}) {
    automatic_counts(exec(), {values.data(), {1, rows}}, {vectors.data(), {1, rows, rows}}, sizes.view(), sums.view(),
                     pixels, tolerance, counts.view());
    found.push_back(to_host(exec(), counts.view()).data()[0]);
    EXPECT_EQ(found.back(), count_by_pixels(x, rows, pixels, v.data(), tolerance)) << tolerance;
  }
  EXPECT_GT(found.front(), found.back());  // else the cases above say nothing
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
