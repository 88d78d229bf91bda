// SPDX-License-Identifier: MIT
#include "kernels/stats/snr_map.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/geometry/centre.hpp"
#include "tests/kernels/stats/disc_reference.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kUntouched = -12345;

Array<float, 2> map_of(Exec& exec, const Array<float, 2>& frame, const Array<float, 2>& second,
                       const SnrMapOptions& options) {
  auto out = host_array<float, 2>(frame.extents());
  std::fill_n(out.data(), out.size(), kUntouched);
  auto device_out = to_device(exec, std::as_const(out).view());
  const auto device_frame = to_device(exec, frame.view());
  Array<float, 2> device_second;
  if (second) device_second = to_device(exec, second.view());
  snr_map(exec, device_frame.view(), std::as_const(device_second).view(), options, device_out.view());
  return to_host(exec, std::as_const(device_out).view());
}

/// The definition, pixel by pixel: positions by sine and cosine of each angle, sums over discs by integrals of their
/// chords, statistics in two passes.
Array<float, 2> reference(const Array<float, 2>& frame, const Array<float, 2>& second, const SnrMapOptions& options) {
  const index_t ny = frame.extent(0), nx = frame.extent(1);
  auto out = host_array<float, 2>(frame.extents());
  std::fill_n(out.data(), out.size(), kUntouched);
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) {
      const double dy = static_cast<double>(y) - frame_centre(ny), dx = static_cast<double>(x) - frame_centre(nx);
      const double r = std::sqrt(dx * dx + dy * dy);
      if (r < options.inner || r >= options.outer || r <= options.fwhm / 2) continue;
      if (!options.wanted.empty() && options.wanted[static_cast<std::size_t>(y * nx + x)] == 0) continue;
      if (options.skip_zeros && frame.view()(y, x) == 0) {
        out.view()(y, x) = 0;
        continue;
      }
      const double step = 2 * std::asin(options.fwhm / 2 / r);
      const int n = static_cast<int>(std::floor(2 * std::numbers::pi / step));
      std::vector<Position> ring{{static_cast<double>(y), static_cast<double>(x)}};
      for (int i = 1; i < n; ++i) {
        if (options.exclude_negative_lobes && (i == 1 || i == n - 1)) continue;
        const double theta = std::atan2(dy, dx) - i * step;
        ring.push_back({frame_centre(ny) + r * std::sin(theta), frame_centre(nx) + r * std::cos(theta)});
      }
      const auto sums = [&](const Array<float, 2>& of) {
        std::vector<double> values;
        for (const Position& at : ring) values.push_back(disc_sum(Frame<const float>(of.view()), at, options.fwhm / 2));
        return values;
      };
      const auto own = sums(frame);
      std::vector<double> others;
      if (!options.noise_from_second_only) others.assign(own.begin() + 1, own.end());
      if (second)
        for (const double sum : sums(second)) others.push_back(sum);
      std::erase_if(others, [](double value) { return std::isnan(value); });
      const auto count = static_cast<double>(others.size());
      double mean = 0, squares = 0;
      for (const double value : others) mean += value / count;
      for (const double value : others) squares += (value - mean) * (value - mean);
      out.view()(y, x) = static_cast<float>(
          count < 2 ? kNaN : (own[0] - mean) / (std::sqrt(squares / (count - 1)) * std::sqrt(1 + 1 / count)));
    }
  return out;
}

// Sums agree to 1e-11 r² of values of order 1, their differences are measured in units of a scatter
// of about r (at least 0.05 r for the few apertures close in: 1e-8), |S/N| < 100: what is left is the
// rounding to float, 6e-8 of the value, and 1e-6 absolute covers the rest.
void expect_same(const Array<float, 2>& got, const Array<float, 2>& want) {
  for (index_t i = 0; i < want.size(); ++i) {
    const float a = got.data()[i], b = want.data()[i];
    ASSERT_EQ(std::isnan(a), std::isnan(b)) << "at pixel " << i;
    if (std::isnan(b)) continue;
    ASSERT_NEAR(a, b, 1e-6 + 2e-7 * std::abs(b)) << "at pixel " << i;
  }
}

class SnrMap : public OnEveryDevice {
 protected:
  void expect_definition(const Array<float, 2>& frame, const Array<float, 2>& second, const SnrMapOptions& options) {
    expect_same(map_of(exec(), frame, second, options), reference(frame, second, options));
  }
};

const Array<float, 2> kNone;

TEST_P(SnrMap, IsItsDefinitionForOddEvenAndOblongFrames) {
  expect_definition(noise<2>({35, 35}, 1), kNone, {.fwhm = 4.8, .inner = 4.8, .outer = 15.1});
  expect_definition(noise<2>({34, 34}, 2), kNone, {.fwhm = 4.0, .inner = 4.0, .outer = 15.0});
  expect_definition(noise<2>({25, 38}, 3), kNone, {.fwhm = 3.1, .inner = 3.1, .outer = 30.0});
}

TEST_P(SnrMap, TakesAperturesOfAnySize) {
  // 2 asin(1 / 2) goes into a turn exactly 6 times at r = fwhm; 17.3 px are more than two blocks of
  // the tuned path either way.
  expect_definition(noise<2>({61, 61}, 4), kNone, {.fwhm = 17.3, .inner = 17, .outer = 22});
  expect_definition(noise<2>({21, 21}, 5), kNone, {.fwhm = 0.7, .inner = 0.5, .outer = 9});
  expect_definition(noise<2>({21, 21}, 6), kNone, {.fwhm = 2, .inner = 2, .outer = 9});
}

TEST_P(SnrMap, LeavesTheNeighboursOutOnRequest) {
  expect_definition(noise<2>({31, 31}, 7), kNone,
                    {.fwhm = 4.8, .inner = 3, .outer = 13.1, .exclude_negative_lobes = true});
}

TEST_P(SnrMap, TakesNoiseFromASecondFrame) {
  SnrMapOptions options{.fwhm = 4.2, .inner = 4.2, .outer = 12};
  expect_definition(noise<2>({31, 30}, 8), noise<2>({31, 30}, 9), options);
  options.noise_from_second_only = true;
  expect_definition(noise<2>({31, 30}, 8), noise<2>({31, 30}, 9), options);
}

TEST_P(SnrMap, DropsAperturesThatCoverMaskedPixels) {
  auto frame = noise<2>({31, 31}, 10), second = noise<2>({31, 31}, 11);
  for (const auto& [y, x] : {std::pair{15, 20}, {16, 20}, {8, 8}, {30, 15}}) frame.view()(y, x) = kNaN;
  second.view()(10, 20) = std::numeric_limits<float>::infinity();
  const SnrMapOptions options{.fwhm = 4.8, .inner = 3, .outer = 13.1};
  expect_definition(frame, kNone, options);
  expect_definition(frame, second, options);
  EXPECT_TRUE(std::isnan(map_of(exec(), frame, kNone, options).view()(15, 20)));
}

TEST_P(SnrMap, WritesOnlyWhatIsWantedAndSkipsZeros) {
  auto frame = noise<2>({31, 31}, 12);
  frame.view()(15, 22) = 0;
  SnrMapOptions options{.fwhm = 4, .inner = 4, .outer = 13};
  options.wanted.assign(31 * 31, 0);
  for (std::size_t i = 0; i < options.wanted.size(); i += 3) options.wanted[i] = 1;
  options.wanted[15 * 31 + 22] = 1;
  expect_definition(frame, kNone, options);
  EXPECT_EQ(map_of(exec(), frame, kNone, options).view()(15, 22), 0);
  options.skip_zeros = false;
  expect_definition(frame, kNone, options);
}

TEST_P(SnrMap, IsTheSameForAnyNumberOfThreads) {
  const auto frame = noise<2>({41, 41}, 13);
  const SnrMapOptions options{.fwhm = 4.8, .inner = 4.8, .outer = 18};
  Exec::Options one = GetParam().options, five = GetParam().options;
  one.threads = 1;
  five.threads = 5;
  Exec first(one), second(five);
  const auto a = map_of(first, frame, kNone, options), b = map_of(second, frame, kNone, options);
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.bytes()), 0);
}

TEST_P(SnrMap, TurnsWithTheFrame) {
  const auto frame = noise<2>({33, 33}, 14);
  auto turned = host_array<float, 2>({33, 33});
  for (index_t y = 0; y < 33; ++y)
    for (index_t x = 0; x < 33; ++x) turned.view()(x, 32 - y) = frame.view()(y, x);
  const SnrMapOptions options{.fwhm = 4.8, .inner = 4.8, .outer = 14};
  const auto a = map_of(exec(), frame, kNone, options), b = map_of(exec(), turned, kNone, options);
  for (index_t y = 0; y < 33; ++y)
    for (index_t x = 0; x < 33; ++x)  // as in expect_same()
      EXPECT_NEAR(b.view()(x, 32 - y), a.view()(y, x), 1e-6 + 2e-7 * std::abs(a.view()(y, x)));
}

TEST_P(SnrMap, OfFramesTooSmallForARingIsLeftAlone) {
  for (const Extents<2> extents : {Extents<2>{1, 1}, Extents<2>{3, 2}}) {
    const auto got = map_of(exec(), noise(extents, 15), kNone, {.fwhm = 4, .inner = 4, .outer = 10});
    for (index_t i = 0; i < got.size(); ++i) EXPECT_EQ(got.data()[i], kUntouched);
  }
  // At r = fwhm only, 6 - 1 apertures less the two lobes are left; a little further in, 1: no scatter.
  const auto few = map_of(exec(), noise<2>({21, 21}, 16), kNone,
                          {.fwhm = 6.1, .inner = 4, .outer = 4.1, .exclude_negative_lobes = true});
  EXPECT_TRUE(std::isnan(few.view()(10, 14)));
}

TEST_P(SnrMap, RefusesWhatMakesNoSense) {
  const auto frame = noise<2>({9, 9}, 17);
  EXPECT_THROW(map_of(exec(), frame, kNone, {.fwhm = -1, .inner = 1, .outer = 4}), InvalidInput);
  EXPECT_THROW(map_of(exec(), frame, noise<2>({9, 8}, 18), {.fwhm = 2, .inner = 2, .outer = 4}), InvalidInput);
  EXPECT_THROW(map_of(exec(), frame, kNone, {.fwhm = 2, .inner = 2, .outer = 4, .noise_from_second_only = true}),
               InvalidInput);
  const double nan = static_cast<double>(kNaN);
  for (const auto& [inner, outer] :
       {std::pair<double, double>{2, 2}, {0, 0}, {-1, 4}, {3, 2}, {nan, 4}, {2, nan}, {nan, nan}})
    EXPECT_THROW(map_of(exec(), frame, kNone, {.fwhm = 2, .inner = inner, .outer = outer}), InvalidInput);
  EXPECT_THROW(map_of(exec(), frame, kNone, {.fwhm = 2}), InvalidInput);  // the range has no default
  EXPECT_THROW(map_of(exec(), frame, kNone, {.fwhm = 2, .inner = 2, .outer = 4, .wanted = {1, 0}}), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(SnrMap);

}  // namespace
}  // namespace hci::test
