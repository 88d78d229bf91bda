// SPDX-License-Identifier: MIT
// Values are compared with the reference by the goldens noise_per_annulus*.
#include "models/metrics/annulus_noise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class AnnulusNoiseOf : public OnEveryDevice {
 protected:
  AnnulusNoise of(const Array<float, 2>& frame, const AnnulusNoiseOptions& options) {
    const auto in = to_device(exec(), frame.view());
    return noise_per_annulus(exec(), in.view(), options);
  }
};

Array<float, 2> halves(index_t side, float left, float right) {
  auto frame = host_array<float, 2>({side, side});
  for (index_t y = 0; y < side; ++y)
    for (index_t x = 0; x < side; ++x) frame.view()(y, x) = x < side / 2 ? left : right;
  return frame;
}

// Sums are exact to 1e-11 r².
TEST_P(AnnulusNoiseOf, AConstantIsItsLevelWithoutNoise) {
  const AnnulusNoise got = of(halves(61, 2, 2), {.fwhm = 4, .separation = 3});
  ASSERT_EQ(got.radius.size(), 7U);  // floor((30 - 4) / 3) - 1
  for (std::size_t i = 0; i < got.radius.size(); ++i) {
    EXPECT_EQ(got.radius[i], 4 + 3.0 * double(i));
    EXPECT_NEAR(got.level[i], 2 * std::numbers::pi * 4, 1e-9);
    EXPECT_NEAR(got.noise[i], 0, 1e-9);
  }
}

TEST_P(AnnulusNoiseOf, AWedgeSeesItsOwnSide) {
  const auto frame = halves(61, -1, 3);
  const AnnulusNoiseOptions left{.fwhm = 3, .separation = 5, .first = 10, .wedge = {120, 230}};
  const AnnulusNoise got = of(frame, left);
  ASSERT_FALSE(got.level.empty());
  for (std::size_t i = 0; i < got.level.size(); ++i) {
    EXPECT_NEAR(got.level[i], -std::numbers::pi * 2.25, 1e-9);
    EXPECT_NEAR(got.noise[i], 0, 1e-9);
  }
  // Both sides: a mean of 1 and a scatter of 2 times the disc, but for the apertures on the seam.
  const AnnulusNoise both = of(frame, {.fwhm = 3, .separation = 5, .first = 20});
  EXPECT_NEAR(both.noise[0], 2 * std::numbers::pi * 2.25, 0.1 * 2 * std::numbers::pi * 2.25);
}

TEST_P(AnnulusNoiseOf, LeavesOutAperturesOnMaskedPixels) {
  auto frame = halves(41, 1, 1);
  frame.view()(20, 30) = std::numeric_limits<float>::quiet_NaN();
  const AnnulusNoise one = of(frame, {.fwhm = 4, .separation = 4});
  for (const double level : one.level) EXPECT_NEAR(level, std::numbers::pi * 4, 1e-9);
  std::fill_n(frame.data(), frame.size(), std::numeric_limits<float>::quiet_NaN());
  for (const double level : of(frame, {.fwhm = 4, .separation = 4}).level) EXPECT_TRUE(std::isnan(level));
}

TEST_P(AnnulusNoiseOf, SmallFramesHaveNoCircles) {
  EXPECT_TRUE(of(halves(1, 1, 1), {.fwhm = 4}).radius.empty());
  EXPECT_THROW(of(halves(9, 1, 1), {}), InvalidInput);
  EXPECT_THROW(of(halves(9, 1, 1), {.fwhm = 4, .separation = 0}), InvalidInput);
  EXPECT_THROW(of(halves(9, 1, 1), {.fwhm = 4, .wedge = {20, 10}}), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(AnnulusNoiseOf);

}  // namespace
}  // namespace hci::test
