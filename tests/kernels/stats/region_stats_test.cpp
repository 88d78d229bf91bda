// SPDX-License-Identifier: MIT
#include "kernels/stats/region_stats.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "kernels/core/copy.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/median_of.hpp"

namespace hci::test {
namespace {

class RegionStats : public OnEveryDevice {};

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Noise of both signs, with repeated values and a NaN here and there.
Array<float, 3> noisy_frames(index_t nt, index_t ny, index_t nx, bool with_nan) {
  auto frames = host_array<float>(Extents<3>{nt, ny, nx});
  std::mt19937 generator(static_cast<unsigned>(ny * nx));
  std::normal_distribution<float> normal(3, 50);
  for (index_t i = 0; i < frames.size(); ++i)
    frames.data()[i] = with_nan && i % 7 == 3 ? kNan : std::round(normal(generator) * 4) / 4;
  return frames;
}

std::vector<double> sorted_values(Frame<const float> frame, const PixelSet& set) {
  std::vector<double> values;
  for (index_t pixel : set) {
    const double value = static_cast<double>(frame(pixel / frame.extent(1), pixel % frame.extent(1)));
    if (!std::isnan(value)) values.push_back(value);
  }
  std::sort(values.begin(), values.end());
  return values;
}

TEST_P(RegionStats, AreThoseOfTheSortedValues) {
  for (const auto& [nt, ny, nx] :
       std::vector<std::array<index_t, 3>>{{1, 1, 1}, {1, 16, 16}, {3, 13, 10}, {2, 130, 101}})
    for (const bool with_nan : {false, true}) {
      const auto host = noisy_frames(nt, ny, nx, with_nan);
      const DeviceInput<float, 3> frames(exec(), host.view());
      std::vector<PixelSet> sets = radial_bins(ny, nx);
      PixelSet all;  // with 130 x 101 pixels beyond a block's shared memory
      for (index_t i = 0; i < ny * nx; ++i) all.push_back(i);
      sets.push_back(all);
      sets.emplace_back();
      const auto count = static_cast<index_t>(sets.size());
      Array<double, 3> out(exec(), {nt, count, kRegionStats});
      region_stats(exec(), frames.view(), sets, out.view());
      const auto found = to_host(exec(), out.view());
      for (index_t t = 0; t < nt; ++t)
        for (index_t s = 0; s < count; ++s) {
          const auto values = sorted_values(host.view()[t], sets[static_cast<std::size_t>(s)]);
          const Vector<const double> got = View<const double, 3>(found.view())[t][s];
          ASSERT_EQ(got(kStatCount), static_cast<double>(values.size()));
          if (values.empty()) {
            for (int stat = kStatMean; stat < kRegionStats; ++stat) ASSERT_TRUE(std::isnan(got(stat))) << stat;
            continue;
          }
          const auto n = static_cast<double>(values.size());
          double mean = 0, size = 0, squares = 0;
          for (const double value : values) mean += value / n, size = std::fmax(size, std::fabs(value));
          for (const double value : values) squares += (value - mean) * (value - mean) / n;
          const double median = median_of(values);
          std::vector<double> distances;
          for (const double value : values) distances.push_back(std::fabs(value - median));
          const double bound = 4 * n * DBL_EPSILON * size;  // sums of n terms in other orders
          ASSERT_NEAR(got(kStatMean), mean, bound);
          ASSERT_NEAR(got(kStatDeviation), std::sqrt(squares), bound);
          ASSERT_EQ(got(kStatMin), values.front());
          ASSERT_EQ(got(kStatMax), values.back());
          ASSERT_EQ(got(kStatMedian), median);  // quarters: exact in float
          ASSERT_EQ(got(kStatMad), median_of(distances));
        }
    }
}

// A few infinities leave the order statistics as they are; where the median is infinite, the MAD is NaN
// as NumPy's. Zeros of both signs, equal values, one value, NaN alone.
TEST_P(RegionStats, OfInfinitiesAndOfEqualValues) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const std::vector<float> values{-kInf, 1, 2, 7, kInf, kInf, kInf, kNan, -0.0F, 0, 5, 5, 5};
  const std::vector<PixelSet> sets{{0, 1, 2, 3, 4}, {3, 4, 5, 6, 7}, {8, 9, 7}, {10, 11, 12}, {7}, {7, 3}};
  const auto frames = to_device(exec(), values);
  Array<double, 3> out(exec(), {1, static_cast<index_t>(sets.size()), kRegionStats});
  region_stats(exec(), Cube<const float>(frames.data(), {1, 1, 13}), sets, out.view());
  const auto found = to_host(exec(), out.view());
  const auto stat = [&](index_t set, RegionStat which) { return found.view()(0, set, which); };
  EXPECT_EQ(stat(0, kStatMedian), 2);
  EXPECT_EQ(stat(0, kStatMad), 5);  // of inf, 1, 0, 5, inf
  EXPECT_EQ(stat(0, kStatMin), -kInf);
  EXPECT_EQ(stat(0, kStatMax), kInf);
  EXPECT_TRUE(std::isnan(stat(0, kStatMean)) && std::isnan(stat(0, kStatDeviation)));
  EXPECT_EQ(stat(1, kStatMedian), kInf);
  EXPECT_TRUE(std::isnan(stat(1, kStatMad)));
  EXPECT_EQ(stat(2, kStatCount), 2);
  EXPECT_EQ(stat(2, kStatMedian), 0);
  EXPECT_EQ(stat(2, kStatMad), 0);
  for (const auto& [which, want] : std::vector<std::pair<RegionStat, double>>{{kStatCount, 3},
                                                                              {kStatMean, 5},
                                                                              {kStatDeviation, 0},
                                                                              {kStatMin, 5},
                                                                              {kStatMax, 5},
                                                                              {kStatMedian, 5},
                                                                              {kStatMad, 0}})
    EXPECT_EQ(stat(3, which), want) << which;
  EXPECT_EQ(stat(4, kStatCount), 0);
  EXPECT_TRUE(std::isnan(stat(4, kStatMin)) && std::isnan(stat(4, kStatMad)));
  EXPECT_EQ(stat(5, kStatCount), 1);
  EXPECT_EQ(stat(5, kStatMedian), 7);
}

TEST_P(RegionStats, QuantilesInterpolateLinearly) {
  const auto host = noisy_frames(2, 20, 23, true);
  const DeviceInput<float, 3> frames(exec(), host.view());
  const std::vector<double> probabilities{0, 0.05, 0.25, 0.5, 0.9973, 1};
  const std::vector<PixelSet> sets = radial_bins(20, 23);
  const auto count = static_cast<index_t>(sets.size()), wanted = static_cast<index_t>(probabilities.size());
  Array<double, 3> out(exec(), {2, count, wanted});
  region_quantiles(exec(), frames.view(), sets, probabilities, out.view());
  const auto found = to_host(exec(), out.view());
  for (index_t t = 0; t < 2; ++t)
    for (index_t s = 0; s < count; ++s) {
      const auto values = sorted_values(host.view()[t], sets[static_cast<std::size_t>(s)]);
      for (index_t q = 0; q < wanted; ++q) {
        if (values.empty()) {
          ASSERT_TRUE(std::isnan(found.view()(t, s, q)));
          continue;
        }
        const double want = quantile_of(values, probabilities[static_cast<std::size_t>(q)]);
        const double largest = std::fmax(std::fabs(values.front()), std::fabs(values.back()));
        ASSERT_NEAR(found.view()(t, s, q), want, 8 * DBL_EPSILON * largest);
      }
    }
}

// Of 4 m + 1 values a quarter lies at the m-th one, exactly: one pixel, one frame, sets within a block's shared memory
// of 48 KiB and beyond one of 227 KiB.
TEST_P(RegionStats, QuantilesOfSetsOfAnySize) {
  for (const auto& [nt, ny, nx] :
       std::vector<std::array<index_t, 3>>{{1, 1, 1}, {3, 1, 1}, {2, 3, 7}, {1, 85, 89}, {1, 257, 257}}) {
    auto host = noisy_frames(nt, ny, nx, false);
    PixelSet all;
    for (index_t i = 0; i < ny * nx; ++i) all.push_back(i);
    if (nx > 1)
      for (index_t i = 1; i < 5; ++i) host.data()[host.size() - i] = kNan;
    const DeviceInput<float, 3> frames(exec(), host.view());
    Array<double, 3> out(exec(), {nt, 1, 5});
    region_quantiles(exec(), frames.view(), {all}, {0, 0.25, 0.5, 0.75, 1}, out.view());
    const auto found = to_host(exec(), out.view());
    for (index_t t = 0; t < nt; ++t) {
      const auto values = sorted_values(host.view()[t], all);
      ASSERT_EQ(values.size() % 4, 1U);
      for (std::size_t q = 0; q < 5; ++q)
        ASSERT_EQ(found.view()(t, 0, static_cast<index_t>(q)), values[q * (values.size() - 1) / 4])
            << ny << " x " << nx << ", frame " << t << ", quarter " << q;
    }
  }
}

TEST_P(RegionStats, ProfileOfARadialFrameIsItsFunction) {
  auto host = host_array<float>(Extents<3>{2, 21, 31});
  for (index_t t = 0; t < 2; ++t)
    for (index_t y = 0; y < 21; ++y)
      for (index_t x = 0; x < 31; ++x)
        host.view()(t, y, x) = static_cast<float>(t + 2 * static_cast<index_t>(std::hypot(y - 10, x - 15)));
  host.view()(0, 10, 15) = kNan;  // the only pixel of bin 0
  const DeviceInput<float, 3> frames(exec(), host.view());
  Array<double, 2> means(exec(), {2, 12});
  radial_profile(exec(), frames.view(), means.view());
  const auto found = to_host(exec(), means.view());
  EXPECT_TRUE(std::isnan(found.view()(0, 0)));
  for (index_t t = 0; t < 2; ++t)
    for (index_t r = t == 0 ? 1 : 0; r < 12; ++r) EXPECT_EQ(found.view()(t, r), static_cast<double>(t + 2 * r));
}

// NaN left out; odd and even sides, one frame, one pixel. Sums of n terms in other orders.
TEST_P(RegionStats, ProfileIsTheMeanOfItsBins) {
  for (const auto& [nt, ny, nx] : std::vector<std::array<index_t, 3>>{{1, 1, 1}, {1, 16, 16}, {3, 20, 23}}) {
    const auto host = noisy_frames(nt, ny, nx, true);
    const DeviceInput<float, 3> frames(exec(), host.view());
    const auto bins = radial_bins(ny, nx);
    Array<double, 2> means(exec(), {nt, static_cast<index_t>(bins.size())});
    radial_profile(exec(), frames.view(), means.view());
    const auto found = to_host(exec(), means.view());
    for (index_t t = 0; t < nt; ++t)
      for (std::size_t b = 0; b < bins.size(); ++b) {
        const auto values = sorted_values(host.view()[t], bins[b]);
        double mean = 0, size = 0;
        for (const double v : values) mean += v / static_cast<double>(values.size()), size += std::fabs(v);
        const double got = found.view()(t, static_cast<index_t>(b));
        if (values.empty())
          EXPECT_TRUE(std::isnan(got));
        else
          EXPECT_NEAR(got, mean, 4 * DBL_EPSILON * size);
      }
  }
}

TEST_P(RegionStats, BinsLieAboutAnyCentre) {
  const auto host = noisy_frames(2, 12, 17, true);
  const DeviceInput<float, 3> frames(exec(), host.view());
  for (const std::array<double, 2>& centre : {std::array<double, 2>{5.3, 8.8}, {0, 16}, {-4.5, 30.2}}) {
    const auto bins = radial_bins(12, 17, centre);
    index_t pixels = 0;
    for (std::size_t i = 0; i < bins.size(); ++i)
      for (const index_t pixel : bins[i]) {
        const double r = std::hypot(double(pixel / 17) - centre[0], double(pixel % 17) - centre[1]);
        EXPECT_EQ(i, static_cast<std::size_t>(r));
        ++pixels;
      }
    EXPECT_EQ(pixels, 12 * 17);
    Array<double, 2> means(exec(), {2, static_cast<index_t>(bins.size())});
    radial_profile(exec(), frames.view(), means.view(), centre);
    const auto found = to_host(exec(), means.view());
    for (index_t t = 0; t < 2; ++t)
      for (std::size_t b = 0; b < bins.size(); ++b) {
        const auto values = sorted_values(host.view()[t], bins[b]);
        const double got = found.view()(t, static_cast<index_t>(b));
        double mean = 0;
        for (const double v : values) mean += v / double(values.size());
        if (values.empty())
          EXPECT_TRUE(std::isnan(got));
        else
          EXPECT_NEAR(got, mean, 4 * DBL_EPSILON * 250 * double(values.size()));  // |values| < 250
      }
  }
  for (const std::array<double, 2>& centre : {std::array<double, 2>{3e6, 4}, {3, std::nan("")}}) {
    EXPECT_THROW(radial_bins(12, 17, centre), InvalidInput);
    Array<double, 2> means(exec(), {2, 1});
    EXPECT_THROW(radial_profile(exec(), frames.view(), means.view(), centre), InvalidInput);
  }
}

// From a centre 100 px above the frame: nothing within 100 px.
TEST_P(RegionStats, ProfileIsNanWhereNoPixelIs) {
  auto host = host_array<float>(Extents<3>{1, 3, 1});
  for (index_t y = 0; y < 3; ++y) host.data()[y] = static_cast<float>(y + 5);
  const DeviceInput<float, 3> frames(exec(), host.view());
  Array<double, 2> means(exec(), {1, 103});
  radial_profile(exec(), frames.view(), means.view(), {{-100, 0}});
  const auto found = to_host(exec(), means.view());
  for (index_t r = 0; r < 100; ++r) ASSERT_TRUE(std::isnan(found.view()(0, r))) << r;
  for (index_t y = 0; y < 3; ++y) EXPECT_EQ(found.view()(0, 100 + y), static_cast<double>(y + 5));
}

TEST_P(RegionStats, ReadsThroughStrides) {
  const auto host = noisy_frames(4, 6, 5, false);
  const DeviceInput<float, 3> frames(exec(), host.view());
  // Every second frame, upside down: no copy is made.
  const Cube<const float> turned(frames.view().data() + 5 * 5, {2, 6, 5}, {2 * 30, -5, 1});
  Array<double, 3> out(exec(), {2, 1, kRegionStats});
  region_stats(exec(), turned, {{0, 1}}, out.view());
  const auto found = to_host(exec(), out.view());
  for (index_t t = 0; t < 2; ++t)
    EXPECT_EQ(found.view()(t, 0, kStatMax),
              static_cast<double>(std::max(host.view()(2 * t, 5, 0), host.view()(2 * t, 5, 1))));
}

TEST_P(RegionStats, RefusesWhatDoesNotFit) {
  Array<float, 3> frames(exec(), {2, 4, 5});
  Array<double, 3> out(exec(), {2, 1, kRegionStats}), one(exec(), {2, 1, 1});
  EXPECT_THROW(region_stats(exec(), frames.view(), {{20}}, out.view()), InvalidInput);
  EXPECT_THROW(region_stats(exec(), frames.view(), {{1}, {2}}, out.view()), InvalidInput);
  EXPECT_THROW(region_quantiles(exec(), frames.view(), {{1}}, {1.5}, one.view()), InvalidInput);
  Array<double, 2> means(exec(), {2, 99});
  EXPECT_THROW(radial_profile(exec(), frames.view(), means.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(RegionStats);

}  // namespace
}  // namespace hci::test
