// SPDX-License-Identifier: MIT
#include "kernels/optics/detector.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/random/philox.hpp"
#include "tests/kernels/optics/fields.hpp"

namespace hci::test {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

class Detector : public OnEveryDevice {
 protected:
  Array<float, 3> exposed(const Array<float, 3>& light, const DetectorNoise& noise, std::uint64_t seed = 8,
                          std::uint32_t purpose = 3) {
    auto cube = to_device(exec(), light.view());
    expose(exec(), seed, purpose, noise, cube.view());
    return to_host(exec(), read_only(cube));
  }
};

/// From nothing (and less) to a bright star, and a hole.
Array<float, 3> some_light(Extents<3> extents) {
  auto light = host_array<float, 3>(extents);
  const float values[] = {0, 0.4F, 7, 12.5F, 300, 1e6F, -3, kNaN, 55};
  for (index_t i = 0; i < light.size(); ++i) light.data()[i] = values[i % 9];
  return light;
}

// The same integer of electrons and the same normal number; sums in double, one rounding to float.
TEST_P(Detector, ReadsTheSameNumbersOnEveryDevice) {
  for (const Extents<3> shape : {Extents<3>{1, 1, 1}, {3, 7, 5}, {2, 1, 300}})
    for (const DetectorNoise noise : {DetectorNoise{0, 0}, DetectorNoise{15, 0}, DetectorNoise{2.5, 4}}) {
      const auto light = some_light(shape);
      const auto got = exposed(light, noise);
      for (index_t i = 0; i < light.size(); ++i) {
        RandomStream random(8, 3, static_cast<std::uint64_t>(i));
        double want = random.poisson(static_cast<double>(light.data()[i]) + noise.sky) - noise.sky;
        if (noise.read_noise > 0) want += noise.read_noise * random.normal();
        if (std::isnan(want)) {
          ASSERT_TRUE(std::isnan(got.data()[i])) << i;
          continue;
        }
        ASSERT_NEAR(got.data()[i], want, 1.01 * kRounding * std::fabs(want) + 1e-12) << i;
      }
    }
}

TEST_P(Detector, ReadsOthersWithAnotherSeedOrPurpose) {
  auto light = host_array<float, 3>({1, 10, 10});
  std::fill_n(light.data(), light.size(), 20.0F);
  const DetectorNoise noise{.sky = 1, .read_noise = 2};
  const auto one = exposed(light, noise), seed = exposed(light, noise, 9), purpose = exposed(light, noise, 8, 4);
  for (index_t i = 0; i < 100; ++i) {
    ASSERT_NE(one.data()[i], seed.data()[i]);
    ASSERT_NE(one.data()[i], purpose.data()[i]);
    if (i > 0) {
      ASSERT_NE(one.data()[i], one.data()[i - 1]);
    }
  }
}

TEST_P(Detector, KeepsNaN) {
  auto light = host_array<float, 3>({1, 3, 5});
  std::fill_n(light.data(), light.size(), 20.0F);
  light.view()(0, 1, 2) = kNaN;
  const auto got = exposed(light, {.sky = 10, .read_noise = 1});
  for (index_t i = 0; i < 15; ++i) EXPECT_EQ(std::isnan(got.data()[i]), i == 7) << i;
}

// Poisson(value + sky) - sky + read noise: mean `value`, variance value + sky + read^2.
TEST_P(Detector, AddsTheNoiseOfItsLight) {
  const index_t n = 200;
  auto light = host_array<float, 3>({1, n, n});
  std::fill_n(light.data(), light.size(), 50.0F);
  const auto got = exposed(light, {.sky = 150, .read_noise = 5});
  double mean = 0, variance = 0;
  const double count = static_cast<double>(n * n);
  for (index_t i = 0; i < n * n; ++i) mean += static_cast<double>(got.data()[i]) / count;
  for (index_t i = 0; i < n * n; ++i) variance += std::pow(static_cast<double>(got.data()[i]) - mean, 2) / count;
  EXPECT_NEAR(mean, 50, 5 * std::sqrt(225 / count));
  EXPECT_NEAR(variance, 225, 5 * 225 * std::sqrt(2.1 / count));  // 2 for a normal, a little more for Poisson
}

TEST_P(Detector, ReadsNoFramesToo) { EXPECT_EQ(exposed(host_array<float, 3>({0, 4, 4}), {}).size(), 0); }

TEST_P(Detector, RefusesNegativeNoiseAndGaps) {
  Array<float, 3> cube(exec(), {2, 3, 5});
  EXPECT_THROW(expose(exec(), 1, 1, {.sky = -1}, cube.view()), InvalidInput);
  EXPECT_THROW(expose(exec(), 1, 1, {.sky = 1, .read_noise = -1}, cube.view()), InvalidInput);
  EXPECT_THROW(expose(exec(), 1, 1, {.sky = static_cast<double>(kNaN)}, cube.view()), InvalidInput);
  const Cube<float> gaps(cube.data(), {2, 3, 4}, {15, 5, 1});
  EXPECT_THROW(expose(exec(), 1, 1, {}, gaps), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Detector);

}  // namespace
}  // namespace hci::test
