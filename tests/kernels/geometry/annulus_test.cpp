// SPDX-License-Identifier: MIT
#include "kernels/geometry/annulus.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

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

}  // namespace
}  // namespace hci::test
