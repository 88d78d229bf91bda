// SPDX-License-Identifier: MIT
#include "kernels/stats/temporal.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <random>

#include "kernels/core/copy.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/median_of.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

class Temporal : public OnEveryDevice {};

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Array<float, 3> noisy_cube(index_t nt, index_t ny, index_t nx) {
  auto cube = host_array<float>(Extents<3>{nt, ny, nx});
  std::mt19937 generator(9);
  std::normal_distribution<float> normal(1000, 20);
  for (index_t i = 0; i < cube.size(); ++i) cube.data()[i] = i % 11 == 5 ? kNan : normal(generator);
  for (index_t t = 0; t < nt; ++t) cube.view()(t, ny - 1, nx - 1) = kNan;  // without any value
  return cube;
}

TEST_P(Temporal, AreTheStatisticsOfEachPixel) {
  for (const auto& [nt, ny, nx] :
       std::vector<std::array<index_t, 3>>{{1, 2, 1}, {2, 1, 64}, {8, 3, 65}, {61, 9, 130}}) {
    const auto host = noisy_cube(nt, ny, nx);
    const DeviceInput<float, 3> cube(exec(), host.view());
    Array<float, 2> mean(exec(), {ny, nx}), deviation(exec(), {ny, nx}), median(exec(), {ny, nx}),
        mad(exec(), {ny, nx});
    temporal_moments(exec(), cube.view(), mean.view(), deviation.view());
    temporal_mad(exec(), cube.view(), median.view(), mad.view());
    const auto means = to_host(exec(), mean.view()), deviations = to_host(exec(), deviation.view());
    const auto medians = to_host(exec(), median.view()), mads = to_host(exec(), mad.view());
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        std::vector<double> values;
        for (index_t t = 0; t < nt; ++t)
          if (!std::isnan(host.view()(t, y, x))) values.push_back(static_cast<double>(host.view()(t, y, x)));
        if (values.empty()) {
          for (const auto* found : {&means, &deviations, &medians, &mads}) ASSERT_TRUE(std::isnan(found->view()(y, x)));
          continue;
        }
        const auto n = static_cast<double>(values.size());
        double want = 0, squares = 0;
        for (const double value : values) want += value / n;
        for (const double value : values) squares += (value - want) * (value - want) / n;
        std::vector<double> distances;
        for (const double value : values) distances.push_back(std::fabs(value - median_of(values)));
        // Results round to float once; the median does before the distances from it are taken.
        ASSERT_NEAR(means.view()(y, x), want, 1100 * FLT_EPSILON);
        ASSERT_NEAR(deviations.view()(y, x), std::sqrt(squares), 200 * FLT_EPSILON);
        ASSERT_NEAR(medians.view()(y, x), median_of(values), 1100 * FLT_EPSILON);
        ASSERT_NEAR(mads.view()(y, x), median_of(distances), 2 * 1100 * FLT_EPSILON);
      }
  }
}

/// A row of distances is more than half of the 32 MB that are taken at once: a band for each of the two rows.
TEST_P(Temporal, MadOfMoreThanABand) {
  const index_t nt = 3, ny = 2, nx = (index_t{16} << 20) / (4 * nt) + 3;
  auto host = host_array<float>(Extents<3>{nt, ny, nx});
  for (index_t i = 0; i < host.size(); ++i) host.data()[i] = static_cast<float>(i * 7919 % 10007);  // whole: exact
  const DeviceInput<float, 3> cube(exec(), host.view());
  Array<float, 2> median(exec(), {ny, nx}), mad(exec(), {ny, nx});
  temporal_mad(exec(), cube.view(), median.view(), mad.view());
  const auto medians = to_host(exec(), median.view()), mads = to_host(exec(), mad.view());
  const auto middle = [](float a, float b, float c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); };
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) {
      const float a = host.view()(0, y, x), b = host.view()(1, y, x), c = host.view()(2, y, x), m = middle(a, b, c);
      ASSERT_EQ(medians.view()(y, x), m) << y << ", " << x;
      ASSERT_EQ(mads.view()(y, x), middle(std::fabs(a - m), std::fabs(b - m), std::fabs(c - m))) << y << ", " << x;
    }
}

TEST_P(Temporal, OfOneValueAreThatAndNothing) {
  auto host = host_array<float>(Extents<3>{1, 1, 1});
  host.data()[0] = -3.25F;
  const DeviceInput<float, 3> cube(exec(), host.view());
  Array<float, 2> first(exec(), {1, 1}), second(exec(), {1, 1});
  temporal_moments(exec(), cube.view(), first.view(), second.view());
  EXPECT_EQ(to_host(exec(), first.view()).data()[0], -3.25F);
  EXPECT_EQ(to_host(exec(), second.view()).data()[0], 0);
  temporal_mad(exec(), cube.view(), first.view(), second.view());
  EXPECT_EQ(to_host(exec(), first.view()).data()[0], -3.25F);
  EXPECT_EQ(to_host(exec(), second.view()).data()[0], 0);
  EXPECT_THROW(temporal_moments(exec(), Cube<const float>(cube.view().data(), {0, 1, 1}), first.view(), second.view()),
               InvalidInput);
}

// As NumPy's nanmean, nanstd, nanmedian, and the nanmedian of |value - median| where no distance is lost.
TEST_P(Temporal, TakesInfinitiesAsNumPyDoes) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  struct Case {
    std::array<float, 4> values;
    float mean, deviation, median, mad;
  };
  for (const Case& c : {Case{{kInf, kInf, kInf, kInf}, kInf, kNan, kInf, kNan},
                        {{kInf, kInf, 1, kNan}, kInf, kNan, kInf, kNan},
                        {{kInf, 1, 2, kNan}, kInf, kNan, 2, 1},
                        {{-kInf, 1, 2, 4}, -kInf, kNan, 1.5F, 1.5F},
                        {{-kInf, kInf, kNan, kNan}, kNan, kNan, kNan, kNan},
                        {{-kInf, kInf, 3, 5}, kNan, kNan, 4, kInf}}) {
    auto host = host_array<float>(Extents<3>{4, 1, 1});
    std::copy(c.values.begin(), c.values.end(), host.data());
    const DeviceInput<float, 3> cube(exec(), host.view());
    Array<float, 2> mean(exec(), {1, 1}), deviation(exec(), {1, 1}), median(exec(), {1, 1}), mad(exec(), {1, 1});
    temporal_moments(exec(), cube.view(), mean.view(), deviation.view());
    temporal_mad(exec(), cube.view(), median.view(), mad.view());
    const auto expect = [&](const char* what, const Array<float, 2>& found, float want) {
      const float got = to_host(exec(), found.view()).data()[0];
      EXPECT_TRUE(std::isnan(want) ? std::isnan(got) : got == want)
          << what << " of " << c.values[0] << ' ' << c.values[1] << ' ' << c.values[2] << ' ' << c.values[3] << ": "
          << got;
    };
    expect("mean", mean, c.mean);
    expect("deviation", deviation, c.deviation);
    expect("median", median, c.median);
    expect("mad", mad, c.mad);
  }
}

// Interpolated in double, here and in the reference: the place among n values errs by n eps at most, and the result by
// so much of a step between two of them; the step, its share and the sum round by 4 eps of the result. That is rounded
// to float32 once.
TEST_P(Temporal, QuantilesInterpolateLinearly) {
  const std::vector<double> probabilities{0, 0.05, 0.25, 0.5, 0.9973, 1};
  const auto wanted = static_cast<index_t>(probabilities.size());
  for (const auto& [nt, ny, nx] : std::vector<std::array<index_t, 3>>{{1, 2, 1},
                                                                      {2, 1, 64},
                                                                      {3, 1, 9},
                                                                      {5, 1, 7},
                                                                      {8, 3, 65},
                                                                      {13, 1, 8},
                                                                      {33, 2, 17},
                                                                      {61, 9, 33},
                                                                      {100, 1, 5},
                                                                      {12000, 1, 3}}) {
    const auto host = noisy_cube(nt, ny, nx);  // 12000 values are more than a block's shared memory holds
    const DeviceInput<float, 3> cube(exec(), host.view());
    Array<float, 3> out(exec(), {wanted, ny, nx});
    temporal_quantiles(exec(), cube.view(), probabilities, out.view());
    const auto found = to_host(exec(), out.view());
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        std::vector<double> values;
        for (index_t t = 0; t < nt; ++t)
          if (!std::isnan(host.view()(t, y, x))) values.push_back(static_cast<double>(host.view()(t, y, x)));
        const auto ends = std::minmax_element(values.begin(), values.end());
        const double steps = values.empty() ? 0 : *ends.second - *ends.first;  // no step is larger than all together
        for (index_t q = 0; q < wanted; ++q)
          if (values.empty())
            ASSERT_TRUE(std::isnan(found.view()(q, y, x)));
          else {
            const double want = quantile_of(values, probabilities[std::size_t(q)]);
            const double in_double = DBL_EPSILON * (double(values.size()) * steps + 4 * std::fabs(want));
            ASSERT_NEAR(found.view()(q, y, x), want, FLT_EPSILON / 2 * std::fabs(want) + in_double);
          }
      }
  }
  const Array<float, 3> cube(exec(), {5, 3, 4});
  Array<float, 3> out(exec(), {1, 3, 4});
  for (const double beyond : {-0.1, 1.5, std::nan("")})
    EXPECT_THROW(temporal_quantiles(exec(), cube.view(), {beyond}, out.view()), InvalidInput);
  EXPECT_THROW(temporal_quantiles(exec(), cube.view(), {0.5, 0.6}, out.view()), InvalidInput);
  EXPECT_THROW(temporal_quantiles(exec(), Cube<const float>(cube.view().data(), {0, 3, 4}), {0.5}, out.view()),
               InvalidInput);
  temporal_quantiles(exec(), cube.view(), {}, Cube<float>(out.view().data(), {0, 3, 4}));
}

// One quantile of a long sequence is counted, several are sorted: the same.
TEST_P(Temporal, QuantilesOfLongSequences) {
  const index_t nt = 4099;
  auto host = noise<3>({nt, 1, 3}, 5);
  for (index_t t = 0; t < nt; t += 5) host.view()(t, 0, 1) = kNan;
  const DeviceInput<float, 3> cube(exec(), host.view());
  Array<float, 3> one(exec(), {1, 1, 3}), two(exec(), {2, 1, 3});
  temporal_quantiles(exec(), cube.view(), {0.75}, one.view());
  temporal_quantiles(exec(), cube.view(), {0.75, 0.1}, two.view());
  const auto alone = to_host(exec(), one.view()), together = to_host(exec(), two.view());
  for (index_t x = 0; x < 3; ++x) {
    std::vector<float> values;
    for (index_t t = 0; t < nt; ++t)
      if (!std::isnan(host.view()(t, 0, x))) values.push_back(host.view()(t, 0, x));
    std::sort(values.begin(), values.end());
    const double place = 0.75 * double(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const double low = double(values[below]), high = double(values[std::min(below + 1, values.size() - 1)]);
    const auto want = static_cast<float>(low + (high - low) * (place - double(below)));
    EXPECT_FLOAT_EQ(alone.view()(0, 0, x), want);
    EXPECT_EQ(together.view()(0, 0, x), alone.view()(0, 0, x));
  }
}

TEST_P(Temporal, OfFramesWithoutPixelsAreNothing) {
  for (const Extents<3> shape : {Extents<3>{3, 4, 0}, {3, 0, 4}}) {
    const Array<float, 3> cube(exec(), shape);
    Array<float, 2> first(exec(), {shape[1], shape[2]}), second(exec(), {shape[1], shape[2]});
    EXPECT_NO_THROW(temporal_moments(exec(), cube.view(), first.view(), second.view()));
    EXPECT_NO_THROW(temporal_mad(exec(), cube.view(), first.view(), second.view()));
    Array<float, 3> quantiles(exec(), {2, shape[1], shape[2]});
    EXPECT_NO_THROW(temporal_quantiles(exec(), cube.view(), {0.1, 0.9}, quantiles.view()));
    exec().wait();
  }
}

TEST_P(Temporal, FillsOnlyWhatIsAskedFor) {
  const auto host = noisy_cube(5, 4, 4);
  const DeviceInput<float, 3> cube(exec(), host.view());
  Array<float, 2> both(exec(), {4, 4}), unused(exec(), {4, 4}), alone(exec(), {4, 4});
  temporal_moments(exec(), cube.view(), unused.view(), both.view());
  temporal_moments(exec(), cube.view(), {}, alone.view());
  const auto a = to_host(exec(), both.view()), b = to_host(exec(), alone.view());
  for (index_t i = 0; i < 15; ++i) EXPECT_EQ(a.data()[i], b.data()[i]);
  Array<float, 2> narrow(exec(), {4, 3});
  EXPECT_THROW(temporal_moments(exec(), cube.view(), narrow.view(), {}), InvalidInput);
  EXPECT_THROW(temporal_mad(exec(), cube.view(), both.view(), narrow.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Temporal);

}  // namespace
}  // namespace hci::test
