// SPDX-License-Identifier: MIT
#include "models/psfsub/references.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/core/error.hpp"

namespace hci::test {
namespace {

std::vector<double> every_degree(int count) {
  std::vector<double> angles;
  for (int i = 0; i < count; ++i) angles.push_back(i);
  return angles;
}
using Rows = std::vector<index_t>;

TEST(RowSet, JoinsRowsThatTouch) {
  RowSet set(0, 3);
  set.add(3, 5);
  set.add(7, 7);
  set.add(8, 9);
  EXPECT_EQ(set.ranges(), (std::vector<RowSet::Range>{{0, 5}, {8, 9}}));
  EXPECT_EQ(set.count(), 6);
  EXPECT_EQ(set.indices(), (Rows{0, 1, 2, 3, 4, 8}));
  EXPECT_THROW(set.add(2, 3), InvalidInput);
}

TEST(FramesBeyond, LeavesOutThoseThatTurnedLess) {
  // By hand, for VIP's rule: an earlier frame is kept up to exactly the threshold, a later one beyond it.
  EXPECT_EQ(frames_beyond(every_degree(8), 4, 2).indices(), (Rows{0, 1, 2, 7}));
  EXPECT_EQ(frames_beyond(every_degree(8), 4, 1.5).indices(), (Rows{0, 1, 2, 6, 7}));
  EXPECT_EQ(frames_beyond(every_degree(8), 0, 3).indices(), (Rows{4, 5, 6, 7}));
  EXPECT_EQ(frames_beyond(every_degree(8), 7, 3).indices(), (Rows{0, 1, 2, 3, 4}));
  EXPECT_EQ(frames_beyond(every_degree(4), 1, 90).count(), 0);
  EXPECT_EQ(frames_beyond(every_degree(4), 2, 0).indices(), (Rows{0, 1, 3}));
}

TEST(FramesBeyond, GoesByIndexNotByAngle) {
  // The angle turns back: frame 0 is near frame 3 again, so nothing before it is taken.
  EXPECT_EQ(frames_beyond({3, 0, 10, 3, 20}, 3, 2).indices(), (Rows{4}));
}

TEST(FramesBeyond, TakesTheNearestOnEachSide) {
  EXPECT_EQ(frames_beyond(every_degree(12), 6, 2.5, 4).indices(), (Rows{2, 3, 9, 10}));
  EXPECT_EQ(frames_beyond(every_degree(12), 1, 2.5, 4).indices(), (Rows{4, 5}));
  EXPECT_EQ(frames_beyond(every_degree(12), 6, 2.5, {}, 3).indices(), (Rows{2, 3, 9}));
  EXPECT_EQ(frames_beyond(every_degree(3), 1, 0.5, {}, 200).indices(), (Rows{0, 2}));
  EXPECT_THROW(frames_beyond(every_degree(3), 1, 0.5, {}, -1), InvalidInput);
}

TEST(PaThreshold, IsTheAngleOfTheArc) {
  EXPECT_NEAR(pa_threshold(10, 4, 1), 2 * std::atan(0.2) * 180 / 3.14159265358979323846, 1e-12);
  EXPECT_EQ(pa_threshold(10, 4, 0), 0);
}

TEST(CheckedAngles, ArePositiveAndDoNotJump) {
  EXPECT_EQ(checked_angles({-10, 5}), (std::vector<double>{350, 365}));
  EXPECT_EQ(checked_angles({350, 355, 0, 5}), (std::vector<double>{350, 355, 360, 365}));
  EXPECT_EQ(checked_angles({10, 20}), (std::vector<double>{10, 20}));
  EXPECT_THROW(checked_angles({0, std::numeric_limits<double>::quiet_NaN()}), InvalidInput);
}

TEST(CheckedAngles, RoundAsTheFileDid) {
  const float single = -0.1F;
  EXPECT_EQ(checked_angles({single}).front(), static_cast<double>(360.0F + single));
  EXPECT_EQ(checked_angles({-0.1}).front(), 360 - 0.1);
  EXPECT_NE(static_cast<double>(360.0F + single), 360.0 + static_cast<double>(single));  // else that says nothing
}

TEST(DeltaRot, GrowsFromTheInnermostToTheOutermostAnnulus) {
  DeltaRot delta;
  from_text("0.1,1", delta);
  EXPECT_DOUBLE_EQ(delta.at(0, 4), 0.1);
  EXPECT_DOUBLE_EQ(delta.at(1, 4), 0.4);
  EXPECT_DOUBLE_EQ(delta.at(3, 4), 1.0);
  EXPECT_DOUBLE_EQ(delta.at(0, 1), 0.1);
  EXPECT_EQ(to_text(delta), "0.1,1");
  from_text("0.5", delta);
  EXPECT_EQ(to_text(delta), "0.5");
  for (const char* text : {"-1", "1,2,3", "", "x"}) EXPECT_THROW(from_text(text, delta), InvalidInput) << text;
}

}  // namespace
}  // namespace hci::test
