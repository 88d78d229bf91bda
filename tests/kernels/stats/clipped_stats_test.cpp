// SPDX-License-Identifier: MIT
#include "kernels/stats/clipped_stats.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <random>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/median_of.hpp"

namespace hci::test {
namespace {

class ClippedStats : public OnEveryDevice {};

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

/// Noise about 100 with outliers of both signs, zeros, and what is not finite.
Array<float, 3> spoilt_frames(index_t nt, index_t ny, index_t nx) {
  auto frames = host_array<float>(Extents<3>{nt, ny, nx});
  std::mt19937 generator(static_cast<unsigned>(nt + ny * nx));
  std::normal_distribution<float> normal(100, 7);
  for (index_t i = 0; i < frames.size(); ++i) {
    const float value = normal(generator);
    frames.data()[i] = i % 23 == 4    ? 10 * value
                       : i % 31 == 7  ? -3 * value
                       : i % 17 == 5  ? kNan
                       : i % 91 == 12 ? kInf
                       : i % 91 == 60 ? -kInf
                       : i % 19 == 3  ? 0
                                      : value;
  }
  return frames;
}

struct Want {
  double mean = 0, median = 0, deviation = 0, count = 0, largest = 0;
};
Want clipped(std::vector<double> values, const ClippedStatsOptions& options) {
  std::erase_if(values, [&](double v) { return !std::isfinite(v) || v == double(options.mask_value); });
  for (int round = 0;; ++round) {
    const auto n = static_cast<double>(values.size());
    if (values.empty()) return {};
    Want want{0, median_of(values), 0, n, 0};
    for (const double v : values) want.mean += v / n, want.largest = std::fmax(want.largest, std::fabs(v));
    for (const double v : values) want.deviation += (v - want.mean) * (v - want.mean) / n;
    want.deviation = std::sqrt(want.deviation);
    if (round == options.rounds) return want;
    const auto outside = [&](double v) {
      return v < want.median - options.lower_sigma * want.deviation ||
             v > want.median + options.upper_sigma * want.deviation;
    };
    if (std::erase_if(values, outside) == 0) return want;
  }
}

/// The contract's n eps, and as much of the reference's sums; rounded: to float32 at last.
void expect_clipped(const std::array<double, kClippedStats>& got, const Want& want, double rounded = 0) {
  ASSERT_EQ(got[kClippedCount], want.count);
  if (want.count == 0) {
    for (int stat = kClippedMean; stat < kClippedCount; ++stat) ASSERT_TRUE(std::isnan(got[std::size_t(stat)])) << stat;
    return;
  }
  const double bound = (2 * want.count * DBL_EPSILON + rounded) * want.largest;
  ASSERT_NEAR(got[kClippedMean], want.mean, bound);
  ASSERT_NEAR(got[kClippedDeviation], want.deviation, bound);
  ASSERT_NEAR(got[kClippedMedian], want.median, rounded * want.largest);
}

std::array<double, kClippedStats> row(Vector<const double> found) { return {found(0), found(1), found(2), found(3)}; }

const ClippedStatsOptions kOptions[] = {{},
                                        {.lower_sigma = 1.5, .upper_sigma = 1.5},
                                        {.lower_sigma = 2, .upper_sigma = 2.5, .rounds = 1},
                                        {.rounds = 0},
                                        {.lower_sigma = 2, .upper_sigma = 2, .rounds = 1000},
                                        {.mask_value = 0},
                                        {.lower_sigma = 1e300, .upper_sigma = 2}};

TEST_P(ClippedStats, OfSetsAndOfFrames) {
  for (const auto& [nt, ny, nx] :
       std::vector<std::array<index_t, 3>>{{1, 1, 1}, {1, 16, 16}, {3, 13, 10}, {2, 130, 101}})
    for (const ClippedStatsOptions& options : kOptions) {
      const auto host = spoilt_frames(nt, ny, nx);
      const DeviceInput<float, 3> frames(exec(), host.view());
      std::vector<PixelSet> sets = annulus_segments(ny, nx, 2, 4, 3);
      sets.emplace_back();
      sets.push_back({0});
      const auto count = static_cast<index_t>(sets.size());
      Array<double, 3> of_sets(exec(), {nt, count, kClippedStats});
      Array<double, 2> of_frames(exec(), {nt, kClippedStats});
      region_clipped_stats(exec(), frames.view(), sets, options, of_sets.view());
      frame_clipped_stats(exec(), frames.view(), options, of_frames.view());
      const auto sets_found = to_host(exec(), of_sets.view());
      const auto frames_found = to_host(exec(), of_frames.view());
      for (index_t t = 0; t < nt; ++t) {
        const float* frame = host.data() + t * ny * nx;
        for (index_t s = 0; s < count; ++s) {
          std::vector<double> values;
          for (const index_t pixel : sets[std::size_t(s)]) values.push_back(double(frame[pixel]));
          expect_clipped(row(sets_found.view()[t][s]), clipped(values, options));
        }
        // 130 x 101 pixels are beyond a block's shared memory.
        expect_clipped(row(frames_found.view()[t]), clipped({frame, frame + ny * nx}, options));
      }
    }
}

TEST_P(ClippedStats, OverTime) {
  for (const auto& [nt, ny, nx] : std::vector<std::array<index_t, 3>>{{1, 2, 1}, {2, 1, 37}, {8, 3, 65}, {150, 3, 5}}) {
    auto host = spoilt_frames(nt, ny, nx);
    for (index_t t = 0; t < nt; ++t) host.view()(t, ny - 1, nx - 1) = kNan;
    const DeviceInput<float, 3> cube(exec(), host.view());
    for (const ClippedStatsOptions& options : kOptions) {
      Array<float, 2> mean(exec(), {ny, nx}), median(exec(), {ny, nx}), deviation(exec(), {ny, nx});
      temporal_clipped_stats(exec(), cube.view(), options, mean.view(), median.view(), deviation.view());
      const auto means = to_host(exec(), mean.view()), medians = to_host(exec(), median.view()),
                 deviations = to_host(exec(), deviation.view());
      for (index_t y = 0; y < ny; ++y)
        for (index_t x = 0; x < nx; ++x) {
          std::vector<double> values;
          for (index_t t = 0; t < nt; ++t) values.push_back(double(host.view()(t, y, x)));
          const Want want = clipped(values, options);
          expect_clipped({means.view()(y, x), medians.view()(y, x), deviations.view()(y, x), want.count}, want,
                         FLT_EPSILON / 2);
        }
      Array<float, 2> alone(exec(), {ny, nx});
      temporal_clipped_stats(exec(), cube.view(), options, {}, alone.view(), {});
      const auto alone_found = to_host(exec(), alone.view());
      for (index_t i = 0; i < ny * nx; ++i)
        ASSERT_TRUE(alone_found.data()[i] == medians.data()[i] || std::isnan(medians.data()[i]));
    }
  }
}

// Values of astropy 8.0.2, sigma_clipped_stats(values, sigma=2) and the others'; its sums round as ours: 1e-14.
TEST_P(ClippedStats, AgreesWithTheReferenceTool) {
  const std::vector<float> values{1, 2, 3, 4, 5, 6, 7, 100, 2.5F, 3.5F, 4.5F, 5.5F, -30, 3, kNan, 4};
  const auto frames = to_device(exec(), values);
  Array<double, 2> out(exec(), {1, kClippedStats});
  struct Case {
    ClippedStatsOptions options;
    double mean, median, deviation;
  };
  for (const Case& c :
       {Case{{.lower_sigma = 2, .upper_sigma = 2}, 3.923076923076923, 4, 1.6153846153846154},
        Case{{.lower_sigma = 2, .upper_sigma = 2, .rounds = 1}, 1.5, 3.75, 8.874119674649425},  // maxiters=1
        Case{{.lower_sigma = 3, .upper_sigma = 1.5}, 3.25, 3.25, 1.14564392373896}}) {  // sigma_lower, sigma_upper
    frame_clipped_stats(exec(), Cube<const float>(frames.data(), {1, 4, 4}), c.options, out.view());
    const auto found = to_host(exec(), out.view());
    EXPECT_NEAR(found.data()[kClippedMean], c.mean, 1e-14);
    EXPECT_EQ(found.data()[kClippedMedian], c.median);
    EXPECT_NEAR(found.data()[kClippedDeviation], c.deviation, 1e-14);
  }
}

// Nothing is within 0 deviations of the median of two values; equal values are, of theirs.
TEST_P(ClippedStats, OfWhatIsAllTakenOutAreNothing) {
  const auto frames = to_device(exec(), std::vector<float>{1, 2, 5, 5});
  Array<double, 2> out(exec(), {2, kClippedStats});
  frame_clipped_stats(exec(), Cube<const float>(frames.data(), {2, 1, 2}), {.lower_sigma = 0, .upper_sigma = 0},
                      out.view());
  const auto found = to_host(exec(), out.view());
  EXPECT_EQ(found.view()(0, kClippedCount), 0);
  EXPECT_TRUE(std::isnan(found.view()(0, kClippedMedian)));
  EXPECT_EQ(found.view()(1, kClippedCount), 2);
  EXPECT_EQ(found.view()(1, kClippedMean), 5);
}

TEST_P(ClippedStats, OfFramesWithoutPixelsAreNothing) {
  const Array<float, 3> cube(exec(), {3, 4, 0});
  Array<double, 2> out(exec(), {3, kClippedStats});
  frame_clipped_stats(exec(), cube.view(), {}, out.view());
  EXPECT_EQ(to_host(exec(), out.view()).view()(2, kClippedCount), 0);
  Array<float, 2> none(exec(), {4, 0});
  EXPECT_NO_THROW(temporal_clipped_stats(exec(), cube.view(), {}, none.view(), none.view(), none.view()));
}

TEST_P(ClippedStats, RefuseWhatDoesNotFit) {
  Array<float, 3> frames(exec(), {2, 4, 5});
  Array<double, 3> out(exec(), {2, 1, kClippedStats});
  Array<double, 2> rows(exec(), {2, kClippedStats}), few(exec(), {1, kClippedStats});
  Array<float, 2> narrow(exec(), {4, 4});
  EXPECT_THROW(region_clipped_stats(exec(), frames.view(), {{20}}, {}, out.view()), InvalidInput);
  EXPECT_THROW(region_clipped_stats(exec(), frames.view(), {{1}, {2}}, {}, out.view()), InvalidInput);
  EXPECT_THROW(frame_clipped_stats(exec(), frames.view(), {.lower_sigma = -1}, rows.view()), InvalidInput);
  EXPECT_THROW(frame_clipped_stats(exec(), frames.view(), {.upper_sigma = std::nan("")}, rows.view()), InvalidInput);
  EXPECT_THROW(frame_clipped_stats(exec(), frames.view(), {.rounds = -1}, rows.view()), InvalidInput);
  EXPECT_THROW(frame_clipped_stats(exec(), frames.view(), {}, few.view()), InvalidInput);
  EXPECT_THROW(temporal_clipped_stats(exec(), frames.view(), {}, narrow.view(), {}, {}), InvalidInput);
  EXPECT_THROW(
      temporal_clipped_stats(exec(), Cube<const float>(frames.view().data(), {0, 4, 4}), {}, narrow.view(), {}, {}),
      InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(ClippedStats);

}  // namespace
}  // namespace hci::test
