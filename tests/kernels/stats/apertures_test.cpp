// SPDX-License-Identifier: MIT
#include "kernels/stats/apertures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <utility>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/kernels/stats/disc_reference.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

class Apertures : public OnEveryDevice {
 protected:
  std::vector<double> sums(const Array<float, 2>& frame, const std::vector<Position>& positions, double radius) {
    const auto device_frame = to_device(exec(), frame.view());
    return aperture_sums(exec(), device_frame.view(), positions, radius);
  }
};

Array<float, 2> constant(Extents<2> extents, float value) {
  auto frame = host_array<float, 2>(extents);
  std::fill_n(frame.data(), frame.size(), value);
  return frame;
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// What the contract promises, of values up to `largest`. The rim crosses at most 8 r + 4 pixels, each of which errs
/// by 4 corners of two areas G of 2e-14 r² (disc_overlap.hpp) and rounding: 1.7e-13 r². All of the at most (2 r + 2)²
/// pixels about, where the errors of G cancel, err by 4 corners of 4 operations on numbers up to pi, 2.2e-16 each, and
/// of their places', and so do the products: 6e-15 r².
double bound(double radius, double largest) {
  return largest * radius * radius * (1.7e-13 * (8 * radius + 4) + 6e-15 * (2 * radius + 2) * (2 * radius + 2));
}

TEST_P(Apertures, SumAConstantToTheAreaOfTheDisc) {
  const auto frame = constant({64, 70}, 1);
  std::mt19937 random(3);
  std::uniform_real_distribution<double> shift(-3, 3), radii(0.2, 20);
  for (int i = 0; i < 50; ++i) {
    const double radius = radii(random);
    const double y = 31 + shift(random), x = 33 + shift(random);
    EXPECT_NEAR(sums(frame, {{y, x}}, radius)[0], std::numbers::pi * radius * radius, bound(radius, 1));
  }
}

// Integrals of chords, in closed form: exact to the rounding of a dozen numbers of size r² for a pixel on the rim.
TEST_P(Apertures, WeightEachPixelWithItsOverlap) {
  for (const Extents<2> extents : {Extents<2>{20, 21}, {1, 9}, {16, 8}, {1, 1}}) {
    const auto frame = noise(extents, 5);  // |values| < 5
    for (const Position at : {Position{9.3, 10.8}, {8.5, 11.49}, {10, 10}, {7.01, 12.99}, {0.2, 0.3}, {-0.7, 5}})
      for (const double radius : {0.3, 2.4, 5.7})
        EXPECT_NEAR(sums(frame, {at}, radius)[0], disc_sum(frame.view(), at, radius), bound(radius, 5))
            << extents[0] << " x " << extents[1] << ": " << at.y << " " << at.x << ", " << radius << " px";
  }
}

// Values of photutils 3.0.0, method 'exact', of pixels from -5 to 5. Its own error is that of an arcsine for each
// pixel on the rim, 1e-15 r²: taken in by the bound.
TEST_P(Apertures, AgreeWithTheReferenceTool) {
  auto frame = host_array<float, 2>({12, 15});
  for (index_t y = 0; y < 12; ++y)
    for (index_t x = 0; x < 15; ++x) frame.view()(y, x) = static_cast<float>((7 * y * y + 3 * x * y + 5 * x) % 11 - 5);
  const std::vector<Position> positions{{5.1, 6.3}, {6, 7}, {11.4, 0.2}, {-0.3, 14.6}};
  const std::vector<std::pair<double, std::vector<double>>> references{
      {0.4, {1.814080146520067, 0.502654824574367, -1.5138713963524113, -0.14261328720043004}},
      {2.4, {-1.956650631068531, -1.7952722465451778, 3.291375836673575, 5.1385129323375}},
      {4.85, {8.434188926995613, 16.41154929667916, -6.195258314225947, 6.260597855797593}}};
  for (const auto& [radius, want] : references) {
    const auto got = sums(frame, positions, radius);
    for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], bound(radius, 5));
  }
}

TEST_P(Apertures, LoseWhatIsOutsideTheFrame) {
  const auto frame = constant({30, 41}, 2);
  const double disc = std::numbers::pi * 9;
  const auto got = sums(frame, {{-0.5, -0.5}, {29.5, 20}, {-10, 20}, {14, 40.5}}, 3);
  EXPECT_NEAR(got[0], 2 * disc / 4, bound(3, 2));
  EXPECT_NEAR(got[1], 2 * disc / 2, bound(3, 2));
  EXPECT_EQ(got[2], 0);
  EXPECT_NEAR(got[3], 2 * disc / 2, bound(3, 2));
}

TEST_P(Apertures, AreNaNOnlyWhereTheyCoverAPixelThatIsNotFinite) {
  auto frame = constant({21, 21}, 1);
  frame.view()(10, 10) = std::numeric_limits<float>::quiet_NaN();
  frame.view()(3, 3) = std::numeric_limits<float>::infinity();
  // The rim just reaches the pixel's edge at x = 9.5, and goes 0.01 px beyond it.
  const auto got = sums(frame, {{10, 7.5}, {10, 7.51}, {10, 10}, {3, 5}, {15, 15}}, 2);
  EXPECT_NEAR(got[0], std::numbers::pi * 4, bound(2, 1));
  EXPECT_TRUE(std::isnan(got[1]));
  EXPECT_TRUE(std::isnan(got[2]));
  EXPECT_TRUE(std::isnan(got[3]));
  EXPECT_NEAR(got[4], std::numbers::pi * 4, bound(2, 1));
}

TEST_P(Apertures, OfOnePixelAndOfNone) {
  const auto frame = constant({1, 1}, 3);
  EXPECT_NEAR(sums(frame, {{0, 0}}, 5)[0], 3, bound(5, 3));
  EXPECT_TRUE(sums(frame, {}, 5).empty());
}

// As far as a double can be: nothing is there, and nobody may go looking for it.
TEST_P(Apertures, OfPlacesFarBeyondAnyIndexAreNothing) {
  const auto frame = constant({9, 7}, 3);
  std::vector<Position> positions;
  for (const double far : {1e19, -1e19, 9.3e18, -9.3e18, 1.7e308, -1.7e308, 1e10, -1e10})
    for (const Position at : {Position{far, 3}, {3, far}, {far, far}, {far, -far}}) positions.push_back(at);
  for (const double sum : sums(frame, positions, 2.4)) EXPECT_EQ(sum, 0);
  // A disc as large as that covers all of it, to its rounding.
  EXPECT_NEAR(sums(frame, {{4, 3}}, 1e3)[0], 3 * 63, bound(1e3, 3));
}

TEST_P(Apertures, RefuseWhatMakesNoSense) {
  const auto frame = constant({5, 5}, 1);
  EXPECT_THROW(sums(frame, {{0, 0}}, 0), InvalidInput);
  EXPECT_THROW(sums(frame, {{0, 0}}, kNaN), InvalidInput);
  EXPECT_THROW(sums(frame, {{0, kNaN}}, 1), InvalidInput);
}

// A disc as large as a tile, several tiles with some inside, one that reaches beyond every edge of a frame
// smaller than a tile; positions at and beyond edges. Both sides err by no more than the bound.
TEST_P(Apertures, AgreeWithThePortablePathAtAnySizeAndPlace) {
  Exec portable(Exec::Options{.path = Path::portable});
  std::mt19937 random(17);
  std::uniform_real_distribution<double> anywhere(-0.2, 1.2);
  for (const Extents<2> extents : {Extents<2>{45, 38}, Extents<2>{7, 5}, Extents<2>{1, 9}, Extents<2>{16, 8}}) {
    const auto frame = noise(extents, 9);  // |values| < 5
    std::vector<Position> positions;
    for (int i = 0; i < 40; ++i)
      positions.push_back(
          {anywhere(random) * static_cast<double>(extents[0]), anywhere(random) * static_cast<double>(extents[1])});
    for (const double radius : {0.1, 0.5, 2.4, 3.0, 3.7, 7.3, 15.2, 60.0}) {
      const auto got = sums(frame, positions, radius), want = aperture_sums(portable, frame.view(), positions, radius);
      for (std::size_t i = 0; i < want.size(); ++i)
        EXPECT_NEAR(got[i], want[i], 2 * bound(radius, 5)) << radius << " px, " << i;
    }
  }
}

// The bits of each frame alone, whether frames fill what is taken at once or not; NaN stays in its frame.
TEST_P(Apertures, OfManyFramesAreThoseOfEach) {
  for (const index_t nt : {0, 1, 2, 8, 15, 16, 35}) {
    auto cube = noise<3>({nt, 19, 23}, 6);
    for (index_t t = 1; t < nt; t += 3) cube.view()(t, 9, 8) = std::numeric_limits<float>::quiet_NaN();
    const auto frames = to_device(exec(), cube.view());
    const std::vector<Position> positions{{9.2, 10.7}, {0.3, 22.9}, {-4, 3}, {12, 5}};
    for (const double radius : {0.4, 2.4, 9.1}) {
      Array<double, 2> sums(exec(), {nt, 4});
      aperture_sums(exec(), std::as_const(frames).view(), positions, radius, sums.view());
      const auto found = to_host(exec(), sums.view());
      for (index_t t = 0; t < nt; ++t) {
        const auto want = aperture_sums(exec(), std::as_const(frames).view()[t], positions, radius);
        for (index_t i = 0; i < 4; ++i) {
          const double got = found.view()(t, i), alone = want[std::size_t(i)];
          EXPECT_TRUE(got == alone || (std::isnan(got) && std::isnan(alone))) << t << " " << i << " " << radius;
        }
      }
    }
  }
  Array<float, 3> frames(exec(), {2, 5, 5});
  Array<double, 2> sums(exec(), {3, 1});
  EXPECT_THROW(aperture_sums(exec(), std::as_const(frames).view(), {{2, 2}}, 1, sums.view()), InvalidInput);
}

TEST_P(Apertures, ReadFramesOfAnyStrides) {
  const auto cube = noise<2>({40, 3 * 44}, 4);
  const auto on_device = to_device(exec(), cube.view());
  auto every_third = host_array<float, 2>({40, 44}), turned = host_array<float, 2>({132, 40});
  for (index_t y = 0; y < 40; ++y) {
    for (index_t x = 0; x < 44; ++x) every_third.view()(y, x) = cube.view()(y, 3 * x);
    for (index_t x = 0; x < 132; ++x) turned.view()(x, y) = cube.view()(y, x);
  }
  const std::vector<Position> positions{{20.2, 21.7}, {0.3, 42.9}, {39, 8}};
  const float* data = std::as_const(on_device).data();
  for (const double radius : {2.4, 9.1}) {
    EXPECT_EQ(aperture_sums(exec(), {data, {40, 44}, {132, 3}}, positions, radius),
              sums(every_third, positions, radius));
    EXPECT_EQ(aperture_sums(exec(), {data, {132, 40}, {1, 132}}, positions, radius), sums(turned, positions, radius));
  }
}

TEST_P(Apertures, IgnoreWhatLiesBesideThem) {
  auto frame = constant({40, 40}, 1);
  for (index_t y = 0; y < 40; ++y)
    for (index_t x = 0; x < 40; ++x)
      if (std::hypot(static_cast<double>(y) - 20, static_cast<double>(x) - 19) > 12.8)  // a pixel's half diagonal away
        frame.view()(y, x) =
            (x + y) % 3 == 0 ? std::numeric_limits<float>::quiet_NaN() : 3e38F * (x % 2 == 0 ? 1.0F : -1.0F);
  EXPECT_NEAR(sums(frame, {{20, 19}}, 12)[0], std::numbers::pi * 144, bound(12, 1));
  EXPECT_NEAR(sums(frame, {{20.4, 18.7}}, 2.4)[0], std::numbers::pi * 5.76, bound(2.4, 1));
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Apertures);

}  // namespace
}  // namespace hci::test
