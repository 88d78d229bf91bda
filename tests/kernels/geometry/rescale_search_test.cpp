// SPDX-License-Identifier: MIT
#include "kernels/geometry/rescale_search.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/kernels/geometry/magnify_reference.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

constexpr Extents<2> kSides{48, 48};

/// Speckles of a channel: sources at places and of widths that grow as its scale shrinks; of the given total flux.
/// True scale of channel i: what brings it to the last one's.
Array<float, 3> speckles(const std::vector<double>& scales, const std::vector<double>& fluxes, Extents<2> sides) {
  auto cube = host_array<float, 3>({static_cast<index_t>(scales.size()), sides[0], sides[1]});
  std::mt19937 random(1);
  std::uniform_real_distribution<double> place(-13, 13), strength(0.5, 2);
  std::vector<std::array<double, 3>> sources;
  for (int i = 0; i < 25; ++i) sources.push_back({place(random), place(random), strength(random)});
  for (std::size_t c = 0; c < scales.size(); ++c)
    for (index_t y = 0; y < sides[0]; ++y)
      for (index_t x = 0; x < sides[1]; ++x) {
        const double s = scales[c], sigma = 2 / s;
        double sum = 0;
        for (const auto& [sy, sx, flux] : sources) {
          const double dy = double(y - sides[0] / 2) - sy / s, dx = double(x - sides[1] / 2) - sx / s;
          sum += flux * std::exp(-(dy * dy + dx * dx) / (2 * sigma * sigma)) * s * s;
        }
        cube.view()(static_cast<index_t>(c), y, x) = static_cast<float>(1000 * fluxes[c] * sum);
      }
  return cube;
}

/// What a channel, at that scale and with its best flux factor, leaves of the last one: the mean square (about the
/// mean, for stddev) over the pixels that count, in double, mean first.
struct Residual {
  double mean, count, flux;
};
Residual residual_at(const MagnifiedFrame& channel, double scale, const Array<float, 3>& cube,
                     const ScaleSearch& search, const Array<float, 2>& mask) {
  const index_t pixels = cube.extent(1) * cube.extent(2);
  const auto scaled = channel(scale, {cube.extent(1), cube.extent(2)});
  const double* const b = scaled.data();
  const float* const a = cube.data() + (cube.extent(0) - 1) * pixels;
  std::vector<std::array<double, 2>> pairs;
  double mean_a = 0, mean_b = 0, ab = 0, bb = 0, sum = 0;
  for (index_t i = 0; i < pixels; ++i) {
    if ((mask && !(mask.data()[i] != 0)) || std::isnan(a[i]) || std::isnan(b[i])) continue;
    pairs.push_back({double(a[i]), b[i]});
    mean_a += double(a[i]);
    mean_b += b[i];
  }
  const auto count = double(pairs.size());
  mean_a = search.measure == ResidualMeasure::stddev ? mean_a / count : 0;
  mean_b = search.measure == ResidualMeasure::stddev ? mean_b / count : 0;
  for (const auto& [va, vb] : pairs) {
    ab += (va - mean_a) * (vb - mean_b);
    bb += (vb - mean_b) * (vb - mean_b);
  }
  for (const auto& [va, vb] : pairs) {
    const double left = va - mean_a - ab / bb * (vb - mean_b);
    sum += left * left;
  }
  return {sum / count, count, ab / bb};
}

/// The scale that was found is the least of its own objective, scanned widely about the truth and finely about itself.
/// The last grid's steps are 1.5e-6 of a middle below 1.3, so that the least of a continuous objective is within 2e-6,
/// and the scan's step of 1e-6. Lanczos-4 moves in steps of 1/32 px, and its residual in steps of 1e-6 to 1e-5 of
/// itself, one as good as the other: its least is not a place.
/// The flux factor is the least squares one at that scale. The frame that is fitted is made in float, of 16 taps one
/// after the other, whose weights' sizes add up to 2.6 at most: each pixel within 2.6 x 16 x 2^-24 = 2.5e-6 of the
/// largest that it reads, and so is the factor (Cauchy and Schwarz), twice where the neighbours are larger.
void expect_the_least(const Array<float, 3>& cube, index_t channel, const ChannelScales& scales, double truth,
                      const ScaleSearch& search, const Array<float, 2>& mask = {}) {
  const MagnifiedFrame frame(Frame<const float>(cube.view()[channel]), search.method);
  const double found = scales.scales[static_cast<std::size_t>(channel)];
  const auto [here, count, flux] = residual_at(frame, found, cube, search, mask);
  EXPECT_NEAR(scales.fluxes[static_cast<std::size_t>(channel)] / flux, 1, 5e-6) << int(search.method);
  double far_least = INFINITY, near_least = here, nearest = found;
  for (int k = -30; k <= 30; ++k)
    far_least = std::min(far_least, residual_at(frame, truth + k * 1e-4, cube, search, mask).mean);
  for (int k = -20; k <= 20; ++k) {
    const double scale = found + k * 1e-6, residual = residual_at(frame, scale, cube, search, mask).mean;
    if (residual < near_least) {
      near_least = residual;
      nearest = scale;
    }
  }
  EXPECT_LE(here, far_least * (1 + 1e-5)) << int(search.method);
  if (search.method == Rotation::lanczos4)
    EXPECT_LE(here, near_least * (1 + 1e-5));
  else
    EXPECT_NEAR(found, nearest, 3e-6) << int(search.method);
}

class FindScales : public OnEveryDevice {};

// fft knows ratios of sides only: the 25 paddings of 48 pixels bring one within 1/50 of a pair of pixels of 48 to 96
// of any scale, 8e-4. The best ratio is so far from the truth, and the scale that stands for it so far from the ratio.
constexpr double kRatio = 1.6e-3;

// With b(x) = a(x / (1 + d)) / (1 + d)², a speckle field that is magnified by 1 + d too much, the factor (a b) / (b b)
// is 1 + d to first order, for the integral of a (x grad a) is minus that of a², by parts: the flux is off by the
// scale's own relative error.

TEST_P(FindScales, FindsWhatTheChannelsWereMadeWith) {
  const std::vector<double> scales = {1.42, 1.17, 1}, fluxes = {1.3, 0.8, 1};
  const auto cube = speckles(scales, fluxes, kSides);
  // The wavelengths are wrong by some percent, as a calibration may be.
  const std::vector<double> wavelengths = {1 / 1.45, 1 / 1.2, 1};
  const auto in = to_device(exec(), cube.view());
  const auto found = find_scales(exec(), in.view(), wavelengths, {1, 1, 1}, {.method = Rotation::fft}, {});
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(found.scales[i], scales[i], kRatio) << i;
    EXPECT_NEAR(found.fluxes[i] * fluxes[i], 1, kRatio) << i;
  }
  // With the fluxes given (those of the star in each channel) only the scales are found.
  const auto given = find_scales(exec(), in.view(), wavelengths, fluxes,
                                 {.method = Rotation::fft, .measure = ResidualMeasure::sum, .fit_flux = false}, {});
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(given.scales[i], scales[i], kRatio);
    EXPECT_EQ(given.fluxes[i], 1 / fluxes[i]);
  }
}

// How far the least of the objective is from the truth, for Lanczos-4: its positions are up to 1/64 px off, of
// sources 9 px from the centre in the mean 1.7e-3 of their distance if all were off alike.
constexpr double kLanczosBias = 1.7e-3;

TEST_P(FindScales, SkipsMaskedPixelsAndNan) {
  const std::vector<double> scales = {1.2, 1}, ones = {1, 1};
  auto cube = speckles(scales, ones, {48, 41});
  for (index_t y = 0; y < 10; ++y)
    for (index_t x = 0; x < 10; ++x) cube.view()(1, y, x) = std::numeric_limits<float>::quiet_NaN();
  auto mask = host_array<float, 2>({48, 41});
  for (index_t y = 0; y < 48; ++y)
    for (index_t x = 0; x < 41; ++x) {
      mask.view()(y, x) = y < 30 ? 1.0F : 0.0F;
      if (y >= 30) cube.view()(1, y, x) = 1e6F;
    }
  const auto in = to_device(exec(), cube.view());
  const auto used = to_device(exec(), mask.view());
  const ScaleSearch search{.method = Rotation::lanczos4};
  const auto found = find_scales(exec(), in.view(), {1 / 1.17, 1}, ones, search, std::as_const(used).view());
  EXPECT_NEAR(found.scales[0], 1.2, kLanczosBias);
  expect_the_least(cube, 0, found, 1.2, search, mask);
}

// A hole in a channel that is rescaled covers more pixels the larger the scale. The last channel has a chequered
// pattern of its own, which no scale takes away: summed, not averaged, what is left is least where fewest pixels count.
TEST_P(FindScales, GrowingHolesMakeNoScaleBetter) {
  constexpr double kTruth = 1.2, kMiddle = 1.17, kRange = 0.1;
  auto cube = speckles({kTruth, 1}, {1.1, 1}, {48, 45});
  for (index_t y = 0; y < 48; ++y)
    for (index_t x = 0; x < 45; ++x) {
      cube.view()(1, y, x) += (y + x) % 2 == 0 ? 3000.0F : -3000.0F;
      if (std::hypot(double(y - 24), double(x - 22)) < 6)
        cube.view()(0, y, x) = std::numeric_limits<float>::quiet_NaN();
    }
  const auto in = to_device(exec(), cube.view());
  const MagnifiedFrame holed(Frame<const float>(cube.view()[0]), Rotation::bilinear);
  for (const ResidualMeasure measure : {ResidualMeasure::stddev, ResidualMeasure::sum}) {
    const ScaleSearch search{.method = Rotation::bilinear, .measure = measure, .range = kRange};
    const Residual right = residual_at(holed, kTruth, cube, search, {}),
                   largest = residual_at(holed, kMiddle * (1 + kRange), cube, search, {});
    ASSERT_LT(right.mean, largest.mean);
    ASSERT_GT(right.mean * right.count, largest.mean * largest.count);
    const auto found = find_scales(exec(), in.view(), {1 / kMiddle, 1}, {1, 1}, search, {});
    // Pixels drop out one by one, so that the objective is a staircase: within a step of the first grid.
    EXPECT_NEAR(found.scales[0], kTruth, kMiddle * kRange / 16);
  }
}

TEST_P(FindScales, SaysThatFftSpreadsANan) {
  auto cube = speckles({1.2, 1}, {1, 1}, {24, 24});
  cube.view()(1, 3, 4) = std::numeric_limits<float>::quiet_NaN();  // of the last one: left out
  const auto in = to_device(exec(), cube.view());
  EXPECT_NO_THROW(find_scales(exec(), in.view(), {1 / 1.17, 1}, {1, 1}, {.method = Rotation::fft}, {}));
  cube.view()(0, 3, 4) = std::numeric_limits<float>::quiet_NaN();
  const auto holed = to_device(exec(), cube.view());
  try {
    find_scales(exec(), holed.view(), {1 / 1.17, 1}, {1, 1}, {.method = Rotation::fft}, {});
    ADD_FAILURE() << "found scales of a frame of NaN";
  } catch (const InvalidInput& refusal) {
    EXPECT_NE(std::string(refusal.what()).find("one is NaN, which fft spreads"), std::string::npos) << refusal.what();
  }
  EXPECT_NO_THROW(find_scales(exec(), holed.view(), {1 / 1.17, 1}, {1, 1}, {.method = Rotation::bicubic}, {}));
}

TEST_P(FindScales, FindsTheLeastOfItsObjective) {
  const auto cube = speckles({1.25, 1}, {1.2, 1}, {45, 51});
  const auto in = to_device(exec(), cube.view());
  for (const Rotation method : {Rotation::lanczos4, Rotation::bicubic, Rotation::spline3}) {
    const auto found = find_scales(exec(), in.view(), {1 / 1.22, 1}, {1, 1}, {.method = method}, {});
    expect_the_least(cube, 0, found, 1.25, {.method = method});
  }
}

TEST_P(FindScales, TakesOddFramesThatAreNotSquare) {
  const std::vector<double> scales = {1.25, 1.1, 1}, fluxes = {1.2, 0.9, 1};
  for (const Extents<2> sides : {Extents<2>{45, 51}, {52, 45}}) {
    const auto cube = speckles(scales, fluxes, sides);
    const auto in = to_device(exec(), cube.view());
    const auto found =
        find_scales(exec(), in.view(), {1 / 1.22, 1 / 1.12, 1}, {1, 1, 1}, {.method = Rotation::lanczos4}, {});
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(found.scales[i], scales[i], kLanczosBias) << i;
      EXPECT_NEAR(found.fluxes[i] * fluxes[i], 1, kLanczosBias) << i;
    }
  }
}

TEST_P(FindScales, OfOneChannelIsOneAndOfOnePixelIsNone) {
  const auto cube = speckles({1}, {1}, {9, 10});
  const auto in = to_device(exec(), cube.view());
  const auto found = find_scales(exec(), in.view(), {1.6}, {3}, {}, {});
  EXPECT_EQ(found.scales, std::vector<double>{1});
  EXPECT_EQ(found.fluxes, std::vector<double>{1});
  const auto pixels = to_device(exec(), std::vector<float>{2, 3});
  const Cube<const float> two(pixels.data(), {2, 1, 1});
  EXPECT_THROW(find_scales(exec(), two, {1, 1.2}, {1, 1}, {.method = Rotation::bilinear}, {}), InvalidInput);
}

TEST_P(FindScales, RefusesWhatMakesNoSense) {
  const auto cube = speckles({1, 1}, {1, 1}, {8, 8});
  const auto in = to_device(exec(), cube.view());
  const Cube<const float> view = in.view();
  EXPECT_THROW(find_scales(exec(), view, {1}, {1, 1}, {}, {}), InvalidInput);
  EXPECT_THROW(find_scales(exec(), view, {1, 1}, {1, 0}, {}, {}), InvalidInput);
  EXPECT_THROW(find_scales(exec(), view, {1, -1}, {1, 1}, {}, {}), InvalidInput);
  EXPECT_THROW(find_scales(exec(), view, {1, 1}, {1, 1}, {.range = 0}, {}), InvalidInput);
  const auto nothing = to_device(exec(), std::vector<float>(64, 0.0F));
  EXPECT_THROW(find_scales(exec(), view, {1, 1}, {1, 1}, {}, Frame<const float>(nothing.data(), {8, 8})), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(FindScales);

}  // namespace
}  // namespace hci::test
