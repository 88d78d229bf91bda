// SPDX-License-Identifier: MIT
#include "kernels/geometry/rescale_search.hpp"

#include <cmath>
#include <limits>
#include <random>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
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

class FindScales : public OnEveryDevice {};

// fft knows ratios of sides only: the 25 paddings of 48 pixels bring one within 1/50 of a pair of pixels of 48 to 96
// of any scale, 8e-4. The best ratio is so far from the truth, and the scale that stands for it so far from the ratio.
constexpr double kRatio = 1.6e-3;

TEST_P(FindScales, FindsWhatTheChannelsWereMadeWith) {
  const std::vector<double> scales = {1.42, 1.17, 1}, fluxes = {1.3, 0.8, 1};
  const auto cube = speckles(scales, fluxes, kSides);
  // The wavelengths are wrong by some percent, as a calibration may be.
  const std::vector<double> wavelengths = {1 / 1.45, 1 / 1.2, 1};
  const auto in = to_device(exec(), cube.view());
  const auto found = find_scales(exec(), in.view(), wavelengths, {1, 1, 1}, {.method = Rotation::fft}, {});
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(found.scales[i], scales[i], kRatio) << i;
    EXPECT_NEAR(found.fluxes[i] * fluxes[i], 1, 1e-3) << i;
  }
  // With the fluxes given (those of the star in each channel) only the scales are found.
  const auto given = find_scales(exec(), in.view(), wavelengths, fluxes,
                                 {.method = Rotation::fft, .measure = ResidualMeasure::sum, .fit_flux = false}, {});
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(given.scales[i], scales[i], kRatio);
    EXPECT_EQ(given.fluxes[i], 1 / fluxes[i]);
  }
}

// Interpolation's own errors: a Lanczos-4 of sigma 1.4 px sources is off by a few 1e-3 of the slope's range.
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
  EXPECT_NEAR(found.scales[0], 1.2, 5e-3);
  EXPECT_NEAR(found.fluxes[0], 1, 5e-3);
}

TEST_P(FindScales, TakesOddFramesThatAreNotSquare) {
  const std::vector<double> scales = {1.25, 1.1, 1}, fluxes = {1.2, 0.9, 1};
  for (const Extents<2> sides : {Extents<2>{45, 51}, {52, 45}}) {
    const auto cube = speckles(scales, fluxes, sides);
    const auto in = to_device(exec(), cube.view());
    const auto found =
        find_scales(exec(), in.view(), {1 / 1.22, 1 / 1.12, 1}, {1, 1, 1}, {.method = Rotation::lanczos4}, {});
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(found.scales[i], scales[i], 5e-3) << i;
      EXPECT_NEAR(found.fluxes[i] * fluxes[i], 1, 5e-3) << i;
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
