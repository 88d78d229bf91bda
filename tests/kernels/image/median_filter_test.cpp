// SPDX-License-Identifier: MIT
#include "kernels/image/median_filter.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/core/error.hpp"
#include "tests/kernels/image/frames.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class MedianFilter : public OnEveryDevice {};
HCI_INSTANTIATE_ON_EVERY_DEVICE(MedianFilter);

float sorted_median(const Frame<const float>& frame, const Footprint& footprint, Border border, index_t y, index_t x) {
  std::vector<float> values;
  for (const auto& [dy, dx] : footprint.offsets) {
    const index_t row = walked(y + dy, frame.extent(0), border), column = walked(x + dx, frame.extent(1), border);
    const float v = row < 0 || column < 0 ? 0.0F : frame(row, column);
    if (!std::isnan(v)) values.push_back(v);
  }
  if (values.empty()) return kNaN;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void expect_medians(Exec& exec, const Array<float, 3>& frames, const Footprint& footprint, Border border) {
  const DeviceInput<float, 3> in(exec, frames.view());
  Array<float, 3> out(exec, frames.extents());
  median_filter(exec, in.view(), footprint, border, out.view());
  const auto host = to_host(exec, out.view());
  for (index_t t = 0; t < frames.extent(0); ++t)
    for (index_t y = 0; y < frames.extent(1); ++y)
      for (index_t x = 0; x < frames.extent(2); ++x) {
        const float want = sorted_median(frames.view()[t], footprint, border, y, x), have = host.view()(t, y, x);
        ASSERT_EQ(std::isnan(want), std::isnan(have)) << t << " " << y << " " << x;
        if (std::isnan(want)) continue;
        ASSERT_EQ(want, have) << t << " " << y << " " << x;
      }
}

const Extents<3> kShapes[] = {{2, 21, 34}, {1, 40, 33}, {1, 1, 1}, {3, 1, 9}, {1, 70, 5}};

TEST_P(MedianFilter, OfABoxIsTheSortedMiddle) {
  for (const Extents<3>& shape : kShapes)
    for (const unsigned masked_in : {0U, 3U})
      for (const auto& [ny, nx] : {std::pair<index_t, index_t>{1, 1}, {3, 3}, {5, 5}, {4, 6}, {9, 2}, {7, 7}, {6, 8}})
        expect_medians(exec(), noisy_frames(shape, masked_in), box_footprint(ny, nx), Border::edge);
}

TEST_P(MedianFilter, OfADiscIsTheSortedMiddle) {
  for (const unsigned masked_in : {0U, 2U})
    for (const double radius : {0.0, 1.0, 1.5, 3.0, 5.0})
      expect_medians(exec(), noisy_frames({2, 19, 26}, masked_in), disc_footprint(radius), Border::edge);
}

TEST_P(MedianFilter, KnowsAllBorders) {
  for (const Border border : {Border::constant, Border::edge, Border::symmetric, Border::reflect, Border::wrap})
    expect_medians(exec(), noisy_frames({1, 12, 17}, 10), box_footprint(5, 9), border);
}

TEST_P(MedianFilter, OfAWindowLargerThanTheFrame) {
  expect_medians(exec(), noisy_frames({2, 5, 6}, 8), box_footprint(21, 17), Border::edge);
  expect_medians(exec(), noisy_frames({2, 5, 6}), box_footprint(21, 17), Border::reflect);
}

// Its tile does not fit a block's shared memory.
TEST_P(MedianFilter, OfAWindowTooLargeForATile) {
  expect_medians(exec(), noisy_frames({1, 5, 6}, 8), box_footprint(91, 91), Border::symmetric);
}

// A footprint with holes, not about its origin, an offset twice: what slides is not a box.
TEST_P(MedianFilter, OfAnyFootprint) {
  const Footprint odd{{{2, 3}, {-1, 0}, {0, 0}, {4, -2}, {4, -1}, {2, 3}, {0, 6}}};
  Footprint once = odd;
  once.offsets.erase(once.offsets.begin());
  const auto frames = noisy_frames({1, 18, 23}, 6);
  expect_medians(exec(), frames, once, Border::symmetric);
  const DeviceInput<float, 3> in(exec(), frames.view());
  Array<float, 3> first(exec(), frames.extents()), second(exec(), frames.extents());
  median_filter(exec(), in.view(), once, Border::edge, first.view());
  median_filter(exec(), in.view(), odd, Border::edge, second.view());
  const auto a = to_host(exec(), first.view()), b = to_host(exec(), second.view());
  for (index_t i = 0; i < a.size(); ++i)
    ASSERT_TRUE(a.data()[i] == b.data()[i] || (std::isnan(a.data()[i]) && std::isnan(b.data()[i])));
}

// Margins of a million pixels each way, which nobody can hold: the frame alone is read.
TEST_P(MedianFilter, OfAFootprintThatReachesFar) {
  const index_t far = (index_t{1} << 20) - 1;
  const auto frames = noisy_frames({1, 9, 11}, 5);
  for (const Border border : {Border::constant, Border::edge, Border::wrap})
    expect_medians(exec(), frames, {{{0, 0}, {far, 0}, {0, -far}, {-far, far}, {1, 1}}}, border);
}

// Ties, both zeros, infinities, values that only their last bits tell apart, tall frames of several stripes.
TEST_P(MedianFilter, OfDifficultValues) {
  auto frames = host_array<float, 3>({1, 130, 160});
  std::mt19937 random(3);
  const float values[] = {0.0F, -0.0F, 1.0F, std::nextafter(1.0F, 2.0F), -1e-42F, INFINITY, -INFINITY, 3e38F};
  for (index_t i = 0; i < frames.size(); ++i) frames.data()[i] = values[random() % 8];
  expect_medians(exec(), frames, box_footprint(5, 5), Border::edge);
  std::fill_n(frames.data(), frames.size(), kNaN);
  expect_medians(exec(), frames, box_footprint(3, 3), Border::edge);
}

TEST_P(MedianFilter, RefusesWhatItCannotUse) {
  Array<float, 3> in(exec(), {1, 5, 5}), out(exec(), {1, 5, 5}), other(exec(), {2, 5, 5});
  EXPECT_THROW(median_filter(exec(), in.view(), {}, Border::edge, out.view()), InvalidInput);
  EXPECT_THROW(median_filter(exec(), in.view(), box_footprint(3, 3), Border::edge, other.view()), InvalidInput);
  EXPECT_THROW(median_filter(exec(), in.view(), {{{index_t{1} << 30, 0}}}, Border::edge, out.view()), InvalidInput);
  EXPECT_THROW(box_footprint(0, 3), InvalidInput);
  EXPECT_THROW(disc_footprint(-1), InvalidInput);
  EXPECT_EQ(disc_footprint(3).offsets.size(), 29U);  // skimage's disk(3)
}

}  // namespace
}  // namespace hci::test
