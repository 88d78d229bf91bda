// SPDX-License-Identifier: MIT
#include "kernels/geometry/annulus.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "kernels/core/error.hpp"

namespace hci::test {
namespace {

TEST(Annulus, HoldsItsInnerEdgeAndNotItsOuterOne) {
  // Centre (5, 5) of an 11 x 11 frame; (5, 8) is at r = 3, (5, 10) at r = 5, (8, 9) at r = 5 exactly.
  const PixelSet set = annulus_segments(11, 11, 3, 2).front();
  const auto has = [&](index_t y, index_t x) { return std::binary_search(set.begin(), set.end(), y * 11 + x); };
  EXPECT_TRUE(has(5, 8));
  EXPECT_FALSE(has(5, 10));
  EXPECT_FALSE(has(8, 9));
  EXPECT_FALSE(has(5, 7));
  EXPECT_TRUE(std::is_sorted(set.begin(), set.end()));
}

TEST(Annulus, IsCentredOnTheUpperRightPixelOfEvenFrames) {
  const PixelSet set = annulus_segments(4, 6, 0, 0.5).front();
  EXPECT_EQ(set, PixelSet{2 * 6 + 3});
}

TEST(Annulus, SectorsCountCounterClockwiseFromX) {
  const auto sets = annulus_segments(21, 21, 2, 3, 4);
  for (index_t p : sets[0]) {
    EXPECT_GE(p / 21, 10);  // y >= centre
    EXPECT_GT(p % 21, 10);  // x > centre: 90 degrees belong to the next
  }
  std::size_t total = 0;
  for (const PixelSet& set : sets) total += set.size();
  EXPECT_EQ(total, annulus_segments(21, 21, 2, 3).front().size());
}

TEST(Annulus, SevenSectorsOf52DegreesOverlapByFour) {
  const auto sets = annulus_segments(201, 201, 50, 20, 7);
  PixelSet both;
  std::set_intersection(sets.front().begin(), sets.front().end(), sets.back().begin(), sets.back().end(),
                        std::back_inserter(both));
  for (index_t p : both) {
    const double angle = std::atan2(static_cast<double>(p / 201 - 100), static_cast<double>(p % 201 - 100));
    EXPECT_GE(angle, 0);
    EXPECT_LT(angle, 4 * 3.14159265358979 / 180);
  }
  EXPECT_FALSE(both.empty());
}

TEST(Annulus, SectorsMayBeginAnywhereAndStillCoverAll) {
  for (double theta : {0.0, 20.0, 200.0, 359.0}) {
    const auto sets = annulus_segments(31, 31, 3, 5, 3, theta);
    std::size_t total = 0;
    for (const PixelSet& set : sets) total += set.size();
    EXPECT_EQ(total, annulus_segments(31, 31, 3, 5).front().size()) << theta;
  }
}

TEST(Annulus, RefusesWhatIsNone) {
  EXPECT_THROW(annulus_segments(9, 9, 2, 0), InvalidInput);
  EXPECT_THROW(annulus_segments(9, 9, -1, 2), InvalidInput);
  EXPECT_THROW(annulus_segments(9, 9, 1, 2, 0), InvalidInput);
  EXPECT_THROW(annulus_segments(9, 9, 1, 2, 1, 360), InvalidInput);
}

TEST(Circle, IsOpen) {
  EXPECT_TRUE(circle(9, 9, 0).empty());
  EXPECT_EQ(circle(9, 9, 1).size(), 1U);
  EXPECT_EQ(circle(9, 9, 5).size(), 69U);  // lattice points with x^2 + y^2 < 25: 81 within, 12 on the edge
}

TEST(Annulus, IsWhatItsSegmentsAre) {
  for (const auto& [ny, nx] : {std::pair<index_t, index_t>{31, 31}, {20, 27}, {1, 1}}) {
    EXPECT_EQ(annulus(ny, nx, 4, 3), annulus_segments(ny, nx, 4, 3)[0]);
    // Wedges side by side are the annulus, each pixel once.
    PixelSet all;
    for (const double start : {0, 120, 240}) {
      const PixelSet wedge = annular_wedge(ny, nx, 4, 3, start, start + 120);
      all.insert(all.end(), wedge.begin(), wedge.end());
    }
    std::sort(all.begin(), all.end());
    EXPECT_EQ(all, annulus(ny, nx, 4, 3));
  }
  EXPECT_EQ(annular_wedge(21, 21, 0, 5, 30, 390), annulus(21, 21, 0, 5));
  // From 350 to 370 degrees: along +x, on both sides of it.
  for (const index_t pixel : annular_wedge(41, 41, 10, 4, 350, 370)) {
    EXPECT_GT(pixel % 41, 28);
    EXPECT_LE(std::abs(pixel / 41 - 20), 2);
  }
  EXPECT_EQ(annular_wedge(41, 41, 10, 4, 350, 370).size(), 4 * 3 + 4U);
  EXPECT_THROW(annular_wedge(9, 9, 1, 1, 20, 20), InvalidInput);
  const double start = 248.98976308984876;  // and the next double, which is the same in radians: nothing, not all
  EXPECT_EQ(annular_wedge(41, 41, 10, 4, start, std::nextafter(start, 360.0)).size(), 0U);
  EXPECT_THROW(annular_wedge(9, 9, 1, 1, 0, 361), InvalidInput);
}

/// Places with dy² + dx² < radius².
index_t places_within(index_t radius) {
  index_t places = 0;
  for (index_t dy = 1 - radius; dy < radius; ++dy) {
    const index_t left = radius * radius - dy * dy;  // dx² < left
    auto dx = static_cast<index_t>(std::sqrt(double(left)));
    while (dx * dx >= left) --dx;
    while ((dx + 1) * (dx + 1) < left) ++dx;
    places += 2 * dx + 1;
  }
  return places;
}

// 3.6e9 pixels, of which a thin ring is walked.
TEST(Annulus, HasIndicesBeyond32Bits) {
  constexpr index_t kSide = 60000, kInner = 29990, kOuter = 29992;
  const PixelSet set = annulus(kSide, kSide, kInner, kOuter - kInner);
  ASSERT_EQ(static_cast<index_t>(set.size()), places_within(kOuter) - places_within(kInner));
  EXPECT_GT(set.back(), index_t{1} << 31);
  EXPECT_TRUE(std::is_sorted(set.begin(), set.end()));
  const auto squared_radius = [](index_t pixel) {
    const index_t dy = pixel / kSide - kSide / 2, dx = pixel % kSide - kSide / 2;
    return dy * dy + dx * dx;
  };
  for (const index_t pixel : set) {
    ASSERT_GE(squared_radius(pixel), kInner * kInner) << pixel;
    ASSERT_LT(squared_radius(pixel), kOuter * kOuter) << pixel;
  }
  // From 60 to 120 degrees.
  const PixelSet wedge = annular_wedge(kSide, kSide, kInner, kOuter - kInner, 60, 120);
  EXPECT_GT(wedge.front(), index_t{1} << 31);
  std::size_t steep = 0;
  for (const index_t pixel : set) {
    const double dy = double(pixel / kSide - kSide / 2), dx = double(pixel % kSide - kSide / 2);
    const bool inside = dy > std::sqrt(3.0) * std::abs(dx);  // no pixel lies on a line of slope sqrt(3)
    steep += inside;
    ASSERT_EQ(std::binary_search(wedge.begin(), wedge.end(), pixel), inside) << pixel;
  }
  EXPECT_EQ(wedge.size(), steep);
  EXPECT_EQ(annulus_segments(kSide, kSide, kInner, kOuter - kInner, 6, 60).front(), wedge);
}

TEST(Ellipse, IsACircleOrATurnedOne) {
  EXPECT_EQ(ellipse(31, 30, 6.3, 6.3, 20), circle(31, 30, 6.3));
  for (const double angle : {0.0, 35.0, 120.0}) {
    const PixelSet set = ellipse(61, 70, 20.2, 7.1, angle);
    const double c = std::cos(angle * M_PI / 180), s = std::sin(angle * M_PI / 180);
    std::size_t inside = 0;
    for (index_t y = 0; y < 61; ++y)
      for (index_t x = 0; x < 70; ++x) {
        const double dy = double(y - 30), dx = double(x - 35);
        const double along = (dy * c + dx * s) / 20.2, across = (dx * c - dy * s) / 7.1;
        const bool in = along * along + across * across < 1;
        inside += in;
        EXPECT_EQ(std::binary_search(set.begin(), set.end(), y * 70 + x), in) << y << " " << x;
      }
    EXPECT_EQ(set.size(), inside);
  }
  EXPECT_THROW(ellipse(9, 9, 2, 3, 0), InvalidInput);
  EXPECT_THROW(ellipse(9, 9, 3, 2, NAN), InvalidInput);
  EXPECT_THROW(ellipse(9, 9, 3, 2, INFINITY), InvalidInput);
  EXPECT_THROW(ellipse(9, 9, INFINITY, 2, 0), InvalidInput);
}

/// The pixels for which inside(dy, dx) holds, looked at one by one.
template <class Inside>
PixelSet by_definition(index_t ny, index_t nx, const std::array<double, 2>& centre, const Inside& inside) {
  PixelSet set;
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x)
      if (inside(double(y) - centre[0], double(x) - centre[1])) set.push_back(y * nx + x);
  return set;
}

/// Degrees from `start` counter-clockwise to (dy, dx), 0 up to 360.
double degrees_from(double start, double dy, double dx) {
  const double angle = std::fmod(std::atan2(dy, dx) * 180 / M_PI - start, 360);
  return angle < 0 ? angle + 360 : angle;
}

// Inside the frame and between its pixels, on its edge, beyond each of its sides, with the ring reaching in or not.
TEST(Annulus, LiesAboutAnyCentre) {
  for (const auto& [ny, nx] : {std::pair<index_t, index_t>{21, 30}, {16, 9}, {1, 1}})
    for (const auto& centre : {std::array<double, 2>{10, 15},
                               {3.4, 20.7},
                               {0, 0},
                               {-2.5, 4.1},
                               {24.3, 11.6},
                               {8, -3.2},
                               {7.7, 33.9},
                               {-60, 5},
                               {1e300, -1e300}})
      for (const auto& [inner, width] : {std::pair{0.0, 4.0}, {3.3, 2.1}, {9.0, 30.0}, {55.0, 9.0}}) {
        const double in = inner, outer = inner + width;
        const auto ring = [=](double dy, double dx) {
          const double r = std::sqrt(dy * dy + dx * dx);
          return r >= in && r < outer;
        };
        EXPECT_EQ(annulus(ny, nx, inner, width, centre), by_definition(ny, nx, centre, ring));
        EXPECT_EQ(circle(ny, nx, outer, centre),
                  by_definition(ny, nx, centre, [=](double dy, double dx) { return std::hypot(dy, dx) < outer; }));
        // Angles that no offset of these centres has to a rounding.
        EXPECT_EQ(annular_wedge(ny, nx, inner, width, 31.3, 31.3 + 200, centre),
                  by_definition(ny, nx, centre, [&](double dy, double dx) {
                    return ring(dy, dx) && degrees_from(31.3, dy, dx) < 200;
                  }));
        const auto sectors = annulus_segments(ny, nx, inner, width, 3, 31.3, centre);
        for (int i = 0; i < 3; ++i)
          EXPECT_EQ(sectors[std::size_t(i)], by_definition(ny, nx, centre, [&](double dy, double dx) {
                      return ring(dy, dx) && degrees_from(31.3 + 120 * i, dy, dx) < 120;
                    }));
        const double c = std::cos(0.4), s = std::sin(0.4), a = outer, b = 0.6 * outer;
        EXPECT_EQ(ellipse(ny, nx, a, b, 0.4 * 180 / M_PI, centre),
                  by_definition(ny, nx, centre, [=](double dy, double dx) {
                    const double along = (dy * c + dx * s) / a, across = (dx * c - dy * s) / b;
                    return along * along + across * across < 1;
                  }));
      }
  EXPECT_THROW(circle(9, 9, 2, {{NAN, 3}}), InvalidInput);
  EXPECT_THROW(annulus(9, 9, 2, 1, {{3, INFINITY}}), InvalidInput);
  EXPECT_THROW(ellipse(9, 9, 2, 1, 0, {{-INFINITY, 3}}), InvalidInput);
  EXPECT_THROW(annular_wedge(9, 9, 2, 1, 0, 90, {{3, NAN}}), InvalidInput);
}

// A centre that is off a pixel by a rounding puts the row and the column through it a hair beside the axes. What has a
// full turn asks for the radius alone; sectors of whole degrees side by side hold each pixel once.
TEST(Annulus, HasAllPixelsAboutACentreThatIsOffByARounding) {
  for (const auto& [ny, nx] : {std::pair<index_t, index_t>{101, 101}, {40, 57}})
    for (const double at : {50.0, 20.0, 0.0})
      for (const double y : {at, std::nextafter(at, -1), std::nextafter(at, 99)})
        for (const double x : {at, std::nextafter(at, -1), std::nextafter(at, 99)}) {
          const std::array<double, 2> centre{y, x};
          const double in = 4, width = 11.5;
          const PixelSet ring = by_definition(ny, nx, centre, [=](double dy, double dx) {
            const double r = std::sqrt(dy * dy + dx * dx);
            return r >= in && r < in + width;
          });
          const std::string where = testing::PrintToString(centre);
          EXPECT_EQ(annulus(ny, nx, in, width, centre), ring) << where;
          for (const double start : {0.0, 45.0, 90.0, 200.0, 359.0})
            EXPECT_EQ(annular_wedge(ny, nx, in, width, start, start + 360, centre), ring) << where << ", " << start;
          for (const double theta : {0.0, 45.0, 90.0, 135.0, 225.0, 315.0, 77.0})
            for (const int segments : {1, 2, 3, 4, 5, 6, 8, 12, 18, 24, 36, 40, 45, 72, 120}) {
              PixelSet all;
              for (const PixelSet& sector : annulus_segments(ny, nx, in, width, segments, theta, centre))
                all.insert(all.end(), sector.begin(), sector.end());
              std::sort(all.begin(), all.end());
              EXPECT_EQ(all, ring) << where << ", " << segments << " from " << theta;
            }
        }
}

TEST(Annulus, SectorsTakeAHairBelowTheAxisForWhatItIs) {
  const std::array<double, 2> centre{std::nextafter(20.0, 99), 20};
  const PixelSet row{20 * 41 + 30, 20 * 41 + 31};  // at dy = -4e-15, dx = 10 and 11
  const auto holds_row = [&](const PixelSet& set) {
    return std::includes(set.begin(), set.end(), row.begin(), row.end());
  };
  EXPECT_TRUE(holds_row(annular_wedge(41, 41, 9, 4, 270, 360, centre)));
  EXPECT_TRUE(holds_row(annular_wedge(41, 41, 9, 4, 350, 370, centre)));
  EXPECT_FALSE(holds_row(annular_wedge(41, 41, 9, 4, 0, 90, centre)));
  EXPECT_TRUE(holds_row(annular_wedge(41, 41, 9, 4, 0, 90, {{20, 20}})));
  EXPECT_TRUE(holds_row(annulus_segments(41, 41, 9, 4, 4, 0, centre)[3]));
}

}  // namespace
}  // namespace hci::test
