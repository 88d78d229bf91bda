// SPDX-License-Identifier: MIT
#include "models/detect/snr.hpp"

#include <cmath>
#include <limits>
#include <numbers>

#include "engine/params.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

void add_planet(Array<float, 2>& frame, double y, double x, double fwhm, double peak) {
  for (index_t j = 0; j < frame.extent(0); ++j)
    for (index_t i = 0; i < frame.extent(1); ++i) {
      const double d2 = std::pow(static_cast<double>(j) - y, 2) + std::pow(static_cast<double>(i) - x, 2);
      frame.view()(j, i) += static_cast<float>(peak * std::exp(-4 * std::numbers::ln2 * d2 / (fwhm * fwhm)));
    }
}

class Snr : public OnEveryDevice {
 protected:
  Array<float, 2> map(const Array<float, 2>& frame, const SnrParams& params) {
    const auto in = to_device(exec(), frame.view());
    Array<float, 2> out(exec(), frame.extents());
    snr_map(exec(), in.view(), params, out.view());
    return to_host(exec(), std::as_const(out).view());
  }
  SnrAt at(const Array<float, 2>& frame, Position position, const SnrAtOptions& options) {
    const auto in = to_device(exec(), frame.view());
    return snr_at(exec(), in.view(), position, options);
  }
};

// The same sums and formula on two ways; float holds the map.
TEST_P(Snr, AtAPixelIsThatOfTheMap) {
  auto frame = noise<2>({41, 40}, 1);
  add_planet(frame, 27, 30, 4, 8);
  const auto got = map(frame, {.fwhm = 4});
  for (const auto& [y, x] : {std::pair{27, 30}, {20, 30}, {12, 11}}) {
    const SnrAt there = at(frame, {static_cast<double>(y), static_cast<double>(x)}, {.fwhm = 4});
    EXPECT_NEAR(got.view()(y, x), there.snr, 1e-5 * std::abs(there.snr) + 1e-6);
    EXPECT_EQ(there.noise.size(), static_cast<std::size_t>(std::numbers::pi / std::asin(2 / there.radius)) - 1);
  }
  EXPECT_GT(got.view()(27, 30), 8);
}

TEST_P(Snr, MeanIsThatOfThePixelsWithinHalfAFwhm) {
  const auto frame = noise<2>({41, 40}, 3);
  const auto in = to_device(exec(), frame.view());
  double sum = 0;
  int count = 0;
  for (int y = 0; y < 41; ++y)
    for (int x = 0; x < 40; ++x)
      if (std::hypot(y - 26.3, x - 28.9) < 2) {
        sum += at(frame, {double(y), double(x)}, {.fwhm = 4}).snr;
        ++count;
      }
  ASSERT_GE(count, 9);
  // The same terms in the same order.
  EXPECT_DOUBLE_EQ(source_score(exec(), in.view(), {26.3, 28.9}, {.fwhm = 4}).snr, sum / count);
  EXPECT_THROW(source_score(exec(), in.view(), {26.5, 28.5}, {.fwhm = 1}).snr, InvalidInput);
}

TEST_P(Snr, MeanIsNaNWhereAPixelHasNoSnr) {
  auto frame = noise<2>({41, 40}, 3);
  frame.view()(26, 29) = std::numeric_limits<float>::quiet_NaN();
  const auto in = to_device(exec(), frame.view());
  EXPECT_TRUE(std::isnan(source_score(exec(), in.view(), {26, 29}, {.fwhm = 4}).snr));
}

TEST_P(Snr, MapIsZeroOutsideItsRange) {
  const auto got = map(noise<2>({40, 33}, 2), {.fwhm = 4});
  for (index_t y = 0; y < 40; ++y)
    for (index_t x = 0; x < 33; ++x) {
      const double r = std::hypot(static_cast<double>(y - 20), static_cast<double>(x - 16));
      EXPECT_EQ(got.view()(y, x) != 0, r >= 4 && r < 14.5) << y << " " << x;
    }
}

TEST_P(Snr, OfTheRestOfTheRingRisesWhenASourceIsKnown) {
  auto frame = noise<2>({61, 61}, 3);
  add_planet(frame, 44, 42, 4, 30);
  add_planet(frame, 16, 42, 4, 30);  // two more on the same ring
  add_planet(frame, 44, 18, 4, 10);
  SnrParams params{.fwhm = 4};
  const auto before = map(frame, params);
  params.known_sources = {42, 16};
  const auto one = map(frame, params);
  EXPECT_GT(one.view()(44, 42), 1.2 * before.view()(44, 42));
  EXPECT_EQ(one.view()(16, 42), before.view()(16, 42));  // the source itself: as without
  EXPECT_EQ(one.view()(30, 35), before.view()(30, 35));  // another annulus
  params.known_sources = {42, 16, 42, 44};
  const auto both = map(frame, params);
  EXPECT_EQ(both.view()(44, 42), before.view()(44, 42));
  EXPECT_GT(both.view()(44, 18), 1.5 * one.view()(44, 18));
}

TEST_P(Snr, LeavesARangeOfAzimuthsOut) {
  const auto frame = noise<2>({61, 61}, 4);
  SnrAtOptions options{.fwhm = 4};
  const SnrAt all = at(frame, {30, 50}, options);  // theta 0; 62 apertures of 5.8 degrees
  options.exclude_theta_range = std::array{-90.0, 90.0};
  const SnrAt left_half = at(frame, {30, 50}, options);
  options.exclude_theta_range = std::array{270.0, 450.0};
  const SnrAt same = at(frame, {30, 50}, options);
  EXPECT_EQ(left_half.noise, same.noise);
  EXPECT_NEAR(static_cast<double>(left_half.noise.size()), static_cast<double>(all.noise.size()) / 2, 1.5);
}

// Radius 1.1: the pixel and its four neighbours.
TEST_P(Snr, MeanIsThatOfThePixelsNearby) {
  const auto frame = noise<2>({41, 41}, 6);
  const SnrAtOptions options{.fwhm = 2.2};
  double want = 0;
  for (const auto& [y, x] : {std::pair{10, 25}, {9, 25}, {11, 25}, {10, 24}, {10, 26}})
    want += at(frame, {static_cast<double>(y), static_cast<double>(x)}, options).snr / 5;
  const auto in = to_device(exec(), frame.view());
  EXPECT_NEAR(source_score(exec(), in.view(), {10, 25}, options).snr, want, 1e-12);
}

TEST_P(Snr, RefusesWhatMakesNoSense) {
  const auto frame = noise<2>({31, 31}, 5);
  EXPECT_THROW(at(frame, {15, 16.9}, {.fwhm = 4}), InvalidInput);
  for (const double fwhm : {0.0, 1e-5, 0.999, std::nan("")}) {
    EXPECT_THROW(at(frame, {5, 5}, {.fwhm = fwhm}), InvalidInput);
    EXPECT_THROW(map(frame, {.fwhm = fwhm}), InvalidInput);
    EXPECT_THROW(check_snr_room(fwhm, 31, 31), InvalidInput);
  }
  EXPECT_NO_THROW(at(frame, {5, 5}, {.fwhm = 1}));
  EXPECT_THROW(at(frame, {5, 5}, {.fwhm = 4, .use2alone = true}), InvalidInput);
  EXPECT_THROW(map(frame, {}), InvalidInput);
  EXPECT_THROW(map(frame, {.fwhm = 4, .known_sources = {3}}), InvalidInput);
  EXPECT_THROW(map(frame, {.fwhm = 4, .known_sources = {3, 31}}), InvalidInput);
  EXPECT_THROW(map(frame, {.fwhm = 4, .approximated = true, .known_sources = {3, 3}}), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Snr);

TEST(SnrParams, ListTheirFields) {
  std::string names;
  for_each_field(SnrParams{.fwhm = 4.8},
                 [&](auto name, const std::string& value) { names += std::string(name) + "=" + value + ";"; });
  EXPECT_EQ(names, "fwhm=4.8;approximated=false;exclude_negative_lobes=false;use2alone=false;known_sources=;");
}

/// The radius, in FWHM, at which Student's t has nu degrees of freedom.
double radius_for(double nu) { return (nu + 2) / (2 * std::numbers::pi); }

// References: scipy 1.17.1, norm.isf(t.sf(snr, nu)), where it keeps its digits.
TEST(Significance, AgreesWithTheReferenceTool) {
  EXPECT_NEAR(significance(50, radius_for(3.5), 1), 4.61039300888265, 1e-10);
  EXPECT_NEAR(significance(30, radius_for(40), 1), 11.184599466249304, 1e-10);
  EXPECT_NEAR(significance(12, radius_for(100.3), 1), 9.427565153589635, 1e-10);
  EXPECT_NEAR(significance(4, radius_for(0.8), 1), 1.2746012270419134, 1e-10);
}

// For 2 degrees of freedom the tail is (1 - t / sqrt(2 + t²)) / 2, which is 1 / (2 t²) for large t.
TEST(Significance, HasTheClosedFormOfTwoDegreesOfFreedom) {
  for (const double t : {0.3, 1.0, 4.0, 30.0}) {
    const double sigma = significance(t, radius_for(2), 1);
    EXPECT_NEAR(std::erfc(sigma / std::numbers::sqrt2) / 2, (1 - t / std::sqrt(2 + t * t)) / 2, 1e-12) << t;
  }
  const double far = significance(1e20, radius_for(2), 1);
  EXPECT_NEAR(std::log(std::erfc(far / std::numbers::sqrt2) / 2), -std::log(2) - 40 * std::log(10), 1e-9);
}

TEST(Significance, IsOddAndHasAnInverseFarOut) {
  for (const double sigma : {0.0, 0.5, 3.0, 8.0, 12.0, 29.9, 30.1, 60.0}) {
    const double snr = snr_of_significance(sigma, 8, 4.8);
    EXPECT_GE(snr, sigma);
    EXPECT_NEAR(significance(snr, 8, 4.8), sigma, 1e-9 * (1 + sigma));
    EXPECT_EQ(snr_of_significance(-sigma, 8, 4.8), -snr);
  }
}

TEST(Significance, IsNaNWithoutDegreesOfFreedom) {
  EXPECT_TRUE(std::isnan(significance(5, 1, 4)));
  EXPECT_TRUE(std::isnan(snr_of_significance(5, 1, 4)));
  EXPECT_TRUE(std::isnan(significance(std::numeric_limits<double>::quiet_NaN(), 10, 4)));
  EXPECT_THROW(significance(5, -1, 4), InvalidInput);
}

}  // namespace
}  // namespace hci::test
