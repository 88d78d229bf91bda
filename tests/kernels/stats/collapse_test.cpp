// SPDX-License-Identifier: MIT
#include "kernels/stats/collapse.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/kernels/stats/collapse_reference.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr Collapse kModes[] = {Collapse::median, Collapse::mean,    Collapse::sum,  Collapse::trimmean,
                               Collapse::max,    Collapse::absmean, Collapse::wmean};

class CollapseFrames : public OnEveryDevice {
 protected:
  /// collapse() of a dense host cube, back on the host.
  std::vector<float> collapsed(const Array<float, 3>& cube, const CollapseOptions& options) {
    const DeviceInput<float, 3> in(exec(), cube.view());
    Array<float, 2> out(exec(), {cube.extent(1), cube.extent(2)});
    collapse(exec(), in.view(), options, out.view());
    const auto host = to_host(exec(), out.view());
    return {host.data(), host.data() + host.size()};
  }

  /// collapse() of one pixel's values.
  float collapsed(const std::vector<float>& values, const CollapseOptions& options) {
    auto cube = host_array<float, 3>({static_cast<index_t>(values.size()), 1, 1});
    std::copy(values.begin(), values.end(), cube.data());
    return collapsed(cube, options)[0];
  }
};

float reference(const std::vector<float>& values, const CollapseOptions& options) {
  return static_cast<float>(collapsed_value({values.begin(), values.end()}, options));
}

/// Sums of up to ~100 values of one size differ by some 1e-14 of it with the order of adding, which
/// may turn the last rounding to float32: half a unit in the last place of a float32 (6e-8) of the
/// largest value, doubled.
void expect_same(float actual, float expected, float scale) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(actual)) << actual;
  } else {
    EXPECT_NEAR(actual, expected, 1.2e-7F * scale);
  }
}

CollapseOptions options_for(Collapse mode, index_t frames) {
  CollapseOptions options{.mode = mode, .trim_keep = 4, .weights = {}};
  for (index_t t = 0; t < frames && mode == Collapse::wmean; ++t) options.weights.push_back(0.1 + 0.01 * double(t % 7));
  return options;
}

TEST_P(CollapseFrames, EqualsWhatSortingGivesForEveryModeAndShape) {
  std::mt19937 random(1);
  std::normal_distribution<float> noise(3, 10);
  for (const Extents<3> shape : {Extents<3>{1, 1, 1}, {2, 3, 5}, {7, 5, 33}, {8, 17, 16}, {61, 9, 50}}) {
    auto cube = host_array<float, 3>(shape);
    for (index_t i = 0; i < cube.size(); ++i) cube.data()[i] = noise(random);
    for (const Collapse mode : kModes) {
      const auto options = options_for(mode, shape[0]);
      const auto out = collapsed(cube, options);
      for (index_t p = 0; p < shape[1] * shape[2]; ++p) {
        std::vector<float> values;
        for (index_t t = 0; t < shape[0]; ++t) values.push_back(cube.data()[t * shape[1] * shape[2] + p]);
        SCOPED_TRACE(testing::Message() << "mode " << int(mode) << ", frames " << shape[0] << ", pixel " << p);
        expect_same(out[static_cast<std::size_t>(p)], reference(values, options),
                    mode == Collapse::sum ? 1000.0F : 50.0F);
      }
    }
  }
}

// Tuned CUDA code ranks 32, 16 or 8 pixels of a row in shared memory, by the number of frames, and not there at all
// below 32 and above 7262 of them (227 KiB, 8 pixels). Widths that are no multiple of any tile, values with ties and
// NaN: the same bits as sorting for the median, which is exact; the trimmed mean rounds a sum in double.
TEST_P(CollapseFrames, OfAnyNumberOfFramesAreThoseOfSorting) {
  for (const Extents<3> shape : {Extents<3>{3, 2, 35},
                                 {31, 2, 35},
                                 {32, 3, 35},
                                 {40, 2, 70},
                                 {500, 1, 33},
                                 {1000, 2, 19},
                                 {2000, 1, 9},
                                 {7300, 1, 5}}) {
    auto cube = host_array<float, 3>(shape);
    const index_t pixels = shape[1] * shape[2];
    for (index_t i = 0; i < cube.size(); ++i)
      cube.data()[i] = i % 13 == 5 ? kNan : float((i * 7919) % 601) - 300 + 0.25F * float(i % pixels);
    for (const Collapse mode : {Collapse::median, Collapse::trimmean}) {
      const CollapseOptions options{.mode = mode, .trim_keep = int(shape[0]) / 3 + 1};
      const auto out = collapsed(cube, options);
      for (index_t p = 0; p < pixels; ++p) {
        std::vector<float> values;
        for (index_t t = 0; t < shape[0]; ++t) values.push_back(cube.data()[t * pixels + p]);
        const float want = reference(values, options), found = out[static_cast<std::size_t>(p)];
        if (mode == Collapse::median)
          EXPECT_EQ(found, want) << shape[0] << " frames, pixel " << p;
        else
          expect_same(found, want, 320.0F);
      }
    }
  }
}

TEST_P(CollapseFrames, OfFramesWithoutPixelsAreNothing) {
  for (const Extents<3> shape : {Extents<3>{3, 4, 0}, {3, 0, 4}})
    for (const Collapse mode : kModes) {
      const Array<float, 3> cube(exec(), shape);
      Array<float, 2> out(exec(), {shape[1], shape[2]});
      EXPECT_NO_THROW(collapse(exec(), cube.view(), options_for(mode, 3), out.view())) << int(mode);
      exec().wait();
    }
}

// Zeros of both signs are equal: which of them ranks where must not show. Their mean is +0, as the sum is that begins
// at +0, on every path.
TEST_P(CollapseFrames, OfZerosOfBothSignsHasNoSign) {
  for (const auto& values : std::vector<std::vector<float>>{{0, -0.0F, -0.0F},
                                                            {-0.0F, 0, -0.0F},
                                                            {-0.0F, -0.0F, 0},
                                                            {-0.0F, -0.0F, -0.0F},
                                                            {-0.0F, 0, kNan},
                                                            {-1, -0.0F, 0, -0.0F, 2},
                                                            {-1, 0, -0.0F, 0, 0, 2}})
    for (const int keep : {1, 2, 3})
      for (const Collapse mode : {Collapse::trimmean, Collapse::median}) {
        const float found = collapsed(values, {.mode = mode, .trim_keep = keep}), zero = 0;
        EXPECT_EQ(std::memcmp(&found, &zero, sizeof zero), 0)
            << found << ", mode " << int(mode) << ", keeps " << keep << " of " << values.size();
      }
}

TEST_P(CollapseFrames, IgnoresNanInEveryModeUpToAllOfThem) {
  std::mt19937 random(2);
  std::uniform_real_distribution<float> value(-5, 5);
  const index_t frames = 12, pixels = 200;
  auto cube = host_array<float, 3>({frames, 4, 50});
  for (index_t i = 0; i < cube.size(); ++i) {
    // The share of NaN grows along the pixels from none to all.
    const bool masked = value(random) + 5 < 10 * float(i % pixels) / float(pixels - 1);
    cube.data()[i] = masked ? kNan : value(random);
  }
  for (const Collapse mode : kModes) {
    const auto options = options_for(mode, frames);
    const auto out = collapsed(cube, options);
    for (index_t p = 0; p < pixels; ++p) {
      std::vector<float> values;
      for (index_t t = 0; t < frames; ++t) values.push_back(cube.data()[t * pixels + p]);
      SCOPED_TRACE(testing::Message() << "mode " << int(mode) << ", pixel " << p);
      expect_same(out[static_cast<std::size_t>(p)], reference(values, options), 60.0F);
    }
  }
}

TEST_P(CollapseFrames, FindsOrderStatisticsOfHardValuesExactly) {
  const float tiny = std::numeric_limits<float>::denorm_min(), huge = std::numeric_limits<float>::max();
  std::vector<std::vector<float>> cases = {
      {0, 0, 0, 0, 0, 0},
      {0, 0, 0, 1, 1, 1},
      {-huge, huge},
      {-huge, -huge, huge, huge, huge},
      {tiny, -tiny, 2 * tiny, 3 * tiny},
      {1e-30F, 1e-20F, 1e-10F, 1, 1e10F, 1e20F, 1e30F, 1e38F},
      {kInfinity, 1, 2, -kInfinity, kInfinity},
      {kInfinity, kInfinity, 3},
      {kNan, 7, kNan, kNan},
      {-1, -1, -1, kNan, -1, 5},
      {1.0F, std::nextafter(1.0F, 2.0F), std::nextafter(1.0F, 0.0F)},
  };
  std::vector<float> powers, steps;
  for (int i = 0; i < 200; ++i) powers.push_back(std::ldexp(i % 2 == 0 ? 1.0F : -1.0F, i - 120));
  for (int i = 0; i < 301; ++i) steps.push_back(float(i % 3));
  for (const int zeros : {3, 40, 149, 150, 151, 199, 200}) {  // many equal values among others, at either end
    for (const float sign : {1.0F, -1.0F}) {
      std::vector<float> values;
      for (int i = 0; i < 300; ++i) values.push_back(i < zeros ? sign * 0.0F : sign * float((i * 7919) % 1009));
      cases.push_back(values);
      for (float& value : values) value += value < 0 ? 3.0F : -3.0F;
      cases.push_back(values);
    }
  }
  cases.push_back(powers);
  cases.push_back(steps);
  for (std::size_t i = 0; i < cases.size(); ++i)
    for (const Collapse mode : {Collapse::median, Collapse::max}) {
      const float expected = reference(cases[i], {.mode = mode});
      EXPECT_EQ(collapsed(cases[i], {.mode = mode}), expected) << "case " << i << ", mode " << int(mode);
    }
}

TEST_P(CollapseFrames, TrimmeanKeepsOneMoreWhereParitiesDiffer) {
  // Of 0 1 4 9 16 25 (6 frames): 2 kept are 4 and 9; 3 become 4, 1 4 9 16; 1 becomes 2.
  const std::vector<float> values = {25, 0, 9, 1, 16, 4};
  const auto kept = [](int n) { return CollapseOptions{.mode = Collapse::trimmean, .trim_keep = n}; };
  EXPECT_FLOAT_EQ(collapsed(values, kept(2)), 6.5F);
  EXPECT_FLOAT_EQ(collapsed(values, kept(3)), 7.5F);
  EXPECT_FLOAT_EQ(collapsed(values, kept(1)), 6.5F);
  EXPECT_FLOAT_EQ(collapsed(values, kept(6)), 55.0F / 6);
  EXPECT_FLOAT_EQ(collapsed(values, kept(50)), 55.0F / 6);
  // Ties at both ends of what is kept: sorted 1 1 1 2 3 3 3 3, the middle four are 1 2 3 3.
  EXPECT_FLOAT_EQ(collapsed({3, 1, 3, 1, 3, 2, 1, 3}, kept(4)), 9.0F / 4);
}

TEST_P(CollapseFrames, ReadsViewsWithStridesAndWritesIntoAPart) {
  const Extents<3> shape{5, 6, 40};
  auto host = host_array<float, 3>(shape);
  for (index_t i = 0; i < host.size(); ++i) host.data()[i] = float((i * 37) % 101);
  const auto device = to_device(exec(), View<const float, 3>(host.view()));
  // Every second frame, rows 1 .. 4, columns 3 .. 30.
  const Cube<const float> part(device.data() + 1 * 40 + 3, {3, 4, 28}, {2 * 240, 40, 1});
  Array<float, 2> whole(exec(), {8, 28});
  fill_zero(exec(), whole.view());
  for (const Collapse mode : {Collapse::median, Collapse::mean}) {
    collapse(exec(), part, {.mode = mode}, slice(whole.view(), 2, 4));
    const auto out = to_host(exec(), whole.view());
    for (index_t y = 0; y < 8; ++y)
      for (index_t x = 0; x < 28; ++x) {
        float expected = 0;
        if (y >= 2 && y < 6) {
          const index_t p = (y - 1) * 40 + x + 3;
          expected = reference({host.data()[p], host.data()[2 * 240 + p], host.data()[4 * 240 + p]}, {.mode = mode});
        }
        EXPECT_EQ(out.view()(y, x), expected) << y << ", " << x;
      }
  }
}

TEST_P(CollapseFrames, SaysWhatIsWrong) {
  auto cube = host_array<float, 3>({3, 2, 2});
  std::fill_n(cube.data(), cube.size(), 1.0F);
  const DeviceInput<float, 3> in(exec(), cube.view());
  Array<float, 2> out(exec(), {2, 2}), wrong(exec(), {2, 3});
  EXPECT_THROW(collapse(exec(), in.view(), {}, wrong.view()), InvalidInput);
  EXPECT_THROW(collapse(exec(), in.view(), {.mode = Collapse::wmean, .weights = {1, 2}}, out.view()), InvalidInput);
  // Weights that nobody reads, as many as there are frames.
  const std::vector<double> unread(3, 1.0);
  EXPECT_THROW(collapse(exec(), in.view(), {.mode = Collapse::mean, .weights = unread}, out.view()), InvalidInput);
  EXPECT_THROW(collapse(exec(), in.view(), {.mode = Collapse::trimmean, .trim_keep = 0}, out.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(CollapseFrames);

}  // namespace
}  // namespace hci::test
