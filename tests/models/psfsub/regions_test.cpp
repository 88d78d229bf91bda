// SPDX-License-Identifier: MIT
#include "models/psfsub/regions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/core/error.hpp"

namespace hci::test {
namespace {

RegionParams annular() {
  RegionParams params;
  params.mode = RegionMode::annular;
  return params;
}

TEST(Regions, FullFrameIsOneOfAllPixels) {
  const auto regions = make_regions({}, 20, 30, {0.1, 1}, true);
  ASSERT_EQ(regions.size(), 1U);
  EXPECT_TRUE(regions[0].pixels.empty());
  EXPECT_EQ(regions[0].radius, 0);
}

TEST(Regions, AnnuliFillTheFrameAndTheLastBeginsOnePixelEarlier) {
  // (101 / 2 - 0) / 4 = 12.6: 12 annuli, the last from 43 to 47 px.
  const auto regions = make_regions(annular(), 101, 101, {0.1, 1}, true);
  ASSERT_EQ(regions.size(), 12U);
  EXPECT_EQ(regions[0].radius, 2);
  EXPECT_EQ(regions[10].radius, 42);
  EXPECT_EQ(regions[11].radius, 45);
  EXPECT_DOUBLE_EQ(regions[0].delta_rot, 0.1);
  EXPECT_DOUBLE_EQ(regions[11].delta_rot, 1);
  const auto shared = std::count_if(regions[11].pixels.begin(), regions[11].pixels.end(), [&](index_t p) {
    return std::binary_search(regions[10].pixels.begin(), regions[10].pixels.end(), p);
  });
  EXPECT_GT(shared, 200);  // the ring of 43 to 44 px
  EXPECT_EQ(make_regions(annular(), 101, 101, {1, 1}, false)[11].radius, 46);
}

TEST(Regions, AutomaticSegmentsAreAsLongAsWide) {
  auto params = annular();
  params.radius_int = 4;
  params.asize = 6;
  params.n_segments.automatic = true;
  // VIP 2.1.1 for (101, 101): 7 annuli with 2, 3, 5, 7, 9, 11, 12 segments (2 tan(45 rad) * 6 = 19.4 px of chord).
  const auto regions = make_regions(params, 101, 101, {1, 1}, true);
  EXPECT_EQ(regions.size(), 2U + 3 + 5 + 7 + 9 + 11 + 12);
}

TEST(Regions, OneAnnulusHasWholePixelRadii) {
  RegionParams params;
  params.mode = RegionMode::annulus;
  params.r_guess = 17;
  params.annulus_width = 16;
  const auto regions = make_regions(params, 101, 101, {1, 1}, true);
  ASSERT_EQ(regions.size(), 1U);
  EXPECT_FALSE(std::binary_search(regions[0].pixels.begin(), regions[0].pixels.end(), 50 * 101 + 50 + 8));
  EXPECT_TRUE(std::binary_search(regions[0].pixels.begin(), regions[0].pixels.end(), 50 * 101 + 50 + 9));
  EXPECT_FALSE(std::binary_search(regions[0].pixels.begin(), regions[0].pixels.end(), 50 * 101 + 50 + 25));
}

TEST(Regions, RefuseParametersThatLeaveNothing) {
  const auto refused = [](auto change, RegionMode mode = RegionMode::annular) {
    RegionParams params;
    params.mode = mode;
    change(params);
    EXPECT_THROW(make_regions(params, 21, 21, {1, 1}, true), InvalidInput);
  };
  refused([](RegionParams& p) { p.asize = 30; });
  refused([](RegionParams& p) { p.asize = 0; });
  refused([](RegionParams& p) { p.radius_int = -1; });
  refused([](RegionParams& p) { p.radius_int = 20; });
  for (const auto mode : {RegionMode::full, RegionMode::annular}) {
    for (const double radius : {-5.0, std::nan(""), double(INFINITY), 100.0})
      refused([&](RegionParams& p) { p.radius_int = radius; }, mode);
    refused([](RegionParams& p) { p.min_frames_lib = 0; }, mode);
    refused([](RegionParams& p) { p.max_frames_lib = -1; }, mode);
    refused([](RegionParams& p) { p.min_frames_pca = -1; }, mode);
    refused([](RegionParams& p) { p.max_frames_pca = 0; }, mode);
  }
  refused([](RegionParams& p) { p.theta_init = INFINITY; });
  refused([](RegionParams& p) { p.delta_rot = DeltaRot{-1, 1}; });
  refused([](RegionParams& p) { p.n_segments.counts = {1, 2, 3}; });
  refused([](RegionParams& p) { p.n_segments.counts = {200}; });
  refused([](RegionParams& p) { p.mask_center = -1; }, RegionMode::full);
  refused([](RegionParams& p) { p.mask_center = 100; }, RegionMode::full);
  refused([](RegionParams& p) { p.source_xy = PixelXY{30, 3}; }, RegionMode::full);
  refused([](RegionParams& p) { p.source_xy = PixelXY{10, 10}; }, RegionMode::full);
  refused([](RegionParams& p) { p.r_guess = 50, p.annulus_width = 4; }, RegionMode::annulus);
  refused([](RegionParams&) {}, RegionMode::annulus);
}

TEST(Regions, TextsOfSegmentsAndPlaces) {
  Segments segments;
  from_text("auto", segments);
  EXPECT_TRUE(segments.automatic);
  EXPECT_EQ(to_text(segments), "auto");
  from_text("1,2,4", segments);
  EXPECT_EQ(segments.counts, (std::vector<int>{1, 2, 4}));
  EXPECT_THROW(from_text("0", segments), InvalidInput);
  PixelXY place;
  from_text("62,63.5", place);
  EXPECT_EQ(place, (PixelXY{62, 63.5}));
  EXPECT_THROW(from_text("62", place), InvalidInput);
}

}  // namespace
}  // namespace hci::test
