// SPDX-License-Identifier: MIT
#include "kernels/geometry/crop_pad.hpp"

#include <cmath>
#include <limits>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/geometry/resample_time.hpp"
#include "tests/kernels/stats/collapse_reference.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Values that tell where they are.
Array<float, 3> places(Extents<3> extents) {
  auto cube = host_array<float, 3>(extents);
  for (index_t t = 0; t < extents[0]; ++t)
    for (index_t y = 0; y < extents[1]; ++y)
      for (index_t x = 0; x < extents[2]; ++x) cube.view()(t, y, x) = float(10000 * t + 100 * y + x);
  return cube;
}

class CropOrPad : public OnEveryDevice {
 protected:
  Array<float, 3> windows(const Array<float, 3>& cube, Extents<2> sides, const CropOptions& options = {}) {
    const auto in = to_device(exec(), cube.view());
    Array<float, 3> out(exec(), {cube.extent(0), sides[0], sides[1]});
    crop_or_pad(exec(), in.view(), options, out.view());
    return to_host(exec(), std::as_const(out).view());
  }
};

TEST_P(CropOrPad, PutsCentreOnCentre) {
  for (const Extents<2> from : {Extents<2>{9, 9}, {8, 8}, {9, 12}, {1, 1}, {4, 3}})
    for (const Extents<2> to : {Extents<2>{5, 5}, {4, 4}, {1, 1}, {20, 7}, {9, 13}}) {
      const auto cube = places({2, from[0], from[1]});
      const auto got = windows(cube, to, {.border = Border::constant, .outside = -7});
      for (index_t t = 0; t < 2; ++t)
        for (index_t y = 0; y < to[0]; ++y)
          for (index_t x = 0; x < to[1]; ++x) {
            const index_t row = y - to[0] / 2 + from[0] / 2, column = x - to[1] / 2 + from[1] / 2;
            const bool inside = row >= 0 && row < from[0] && column >= 0 && column < from[1];
            EXPECT_EQ(got.view()(t, y, x), inside ? cube.view()(t, row, column) : -7);
          }
    }
}

TEST_P(CropOrPad, TakesWindowsAnywhere) {
  const auto cube = places({1, 20, 30});
  const auto got = windows(cube, {3, 4}, {.centre = std::array<index_t, 2>{5, 22}});
  for (index_t y = 0; y < 3; ++y)
    for (index_t x = 0; x < 4; ++x) EXPECT_EQ(got.view()(0, y, x), 100 * (y + 4) + x + 20);
  EXPECT_THROW(windows(cube, {3, 4}, {.centre = std::array<index_t, 2>{5, 29}}), InvalidInput);
  EXPECT_THROW(windows(cube, {21, 4}), InvalidInput);
}

TEST_P(CropOrPad, ContinuesFramesAsAsked) {
  auto cube = places({1, 1, 3});
  cube.data()[1] = kNan;
  const std::pair<Border, std::vector<float>> expected[] = {{Border::constant, {5, 5, 0, kNan, 2, 5, 5}},
                                                            {Border::edge, {0, 0, 0, kNan, 2, 2, 2}},
                                                            {Border::symmetric, {kNan, 0, 0, kNan, 2, 2, kNan}},
                                                            {Border::reflect, {2, kNan, 0, kNan, 2, kNan, 0}},
                                                            {Border::wrap, {kNan, 2, 0, kNan, 2, 0, kNan}}};
  for (const auto& [border, row] : expected) {
    const auto got = windows(cube, {1, 7}, {.border = border, .outside = 5});
    for (std::size_t x = 0; x < 7; ++x) {
      if (std::isnan(row[x]))
        EXPECT_TRUE(std::isnan(got.data()[x])) << int(border) << " " << x;
      else
        EXPECT_EQ(got.data()[x], row[x]) << int(border) << " " << x;
    }
  }
}

TEST_P(CropOrPad, ReadsAndWritesStridedCubes) {
  const auto cube = places({2, 8, 10});
  const auto in = to_device(exec(), cube.view());
  const Cube<const float> columns(in.data(), {2, 8, 5}, {80, 10, 2});  // every second column
  Array<float, 3> out(exec(), {2, 4, 9});
  const Cube<float> sparse(out.data(), {2, 4, 3}, {36, 9, 3});
  crop_or_pad(exec(), columns, {}, sparse);
  const auto got = to_host(exec(), std::as_const(out).view());
  for (index_t t = 0; t < 2; ++t)
    for (index_t y = 0; y < 4; ++y)
      for (index_t x = 0; x < 3; ++x) EXPECT_EQ(got.view()(t, y, 3 * x), cube.view()(t, y + 2, 2 * (x + 1)));
}

TEST_P(CropOrPad, SubsamplesInTime) {
  auto cube = places({8, 3, 5});
  cube.view()(1, 0, 0) = kNan;
  const auto in = to_device(exec(), cube.view());
  Array<float, 3> out(exec(), {2, 3, 5});
  for (const Collapse mode : {Collapse::mean, Collapse::median}) {
    subsample(exec(), in.view(), 3, {.mode = mode}, out.view());
    const auto got = to_host(exec(), std::as_const(out).view());
    for (index_t i = 0; i < 2; ++i)
      for (index_t p = 0; p < 15; ++p) {
        // Frames 3 i .. 3 i + 2; without the NaN one, frames 0 and 2 have the same mean and median.
        EXPECT_EQ(got.data()[i * 15 + p], cube.data()[p] + float(10000 * (3 * i + 1)));
      }
  }
  const Array<float, 3> narrow(exec(), {8, 3, 0});
  Array<float, 3> none(exec(), {2, 3, 0});
  EXPECT_NO_THROW(subsample(exec(), narrow.view(), 3, {}, none.view()));
  EXPECT_THROW(subsample(exec(), in.view(), 4, {}, slice(out.view(), 0, 1)), InvalidInput);
  EXPECT_THROW(subsample(exec(), in.view(), 9, {}, slice(out.view(), 0, 0)), InvalidInput);
}

// By sorting, in double; rounded once to float, which another order of a sum may turn: of up to 5 values of up to 40.
TEST_P(CropOrPad, SubsamplesByEveryCollapse) {
  struct Case {
    Extents<3> shape;
    index_t group;
  };
  for (const auto& [shape, group] : {Case{{1, 1, 1}, 1}, {{5, 1, 1}, 5}, {{7, 4, 9}, 2}, {{12, 33, 5}, 5}}) {
    auto cube = noise<3>(shape, 3, 1, 10);
    for (index_t i = 0; i < cube.size(); i += 7) cube.data()[i] = kNan;
    const index_t groups = shape[0] / group, pixels = shape[1] * shape[2];
    const auto in = to_device(exec(), cube.view());
    Array<float, 3> out(exec(), {groups, shape[1], shape[2]});
    for (const auto& [name, mode] : enum_names(Collapse{})) {
      CollapseOptions options{.mode = mode, .trim_keep = 2};
      for (index_t t = 0; t < group && mode == Collapse::wmean; ++t) options.weights.push_back(0.5 + 0.25 * double(t));
      subsample(exec(), in.view(), group, options, out.view());
      const auto got = to_host(exec(), std::as_const(out).view());
      for (index_t i = 0; i < groups; ++i)
        for (index_t p = 0; p < pixels; ++p) {
          std::vector<double> values;
          for (index_t t = 0; t < group; ++t) values.push_back(cube.data()[(i * group + t) * pixels + p]);
          const double want = collapsed_value(values, options);
          const float value = got.data()[i * pixels + p];
          if (std::isnan(want))
            ASSERT_TRUE(std::isnan(value)) << name << " " << i << " " << p;
          else
            ASSERT_NEAR(value, want, 1.2e-7 * 5 * 40) << name << " " << i << " " << p;
        }
    }
  }
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(CropOrPad);

TEST(PaddedSide, IsRoundedWithTheParityKept) {
  EXPECT_EQ(padded_side(101, 1.5), 151);  // 151.5 is rounded to 152, whose parity is wrong
  EXPECT_EQ(padded_side(100, 1.5), 150);
  EXPECT_EQ(padded_side(10, 1.55), 16);  // 15.5 to 16
  EXPECT_EQ(padded_side(7, 1), 7);
  EXPECT_EQ(padded_side(1, 2.2), 1);
  EXPECT_THROW(padded_side(7, 0.9), InvalidInput);
}

TEST(Subsample, OfValuesIsTheirMeanOrMedian) {
  const std::vector<double> values = {1, 2, 9, 4, 8, 6, 7};
  EXPECT_EQ(subsample(values, 3, Collapse::mean), (std::vector<double>{4, 6}));
  EXPECT_EQ(subsample(values, 3, Collapse::median), (std::vector<double>{2, 6}));
  EXPECT_EQ(subsample(values, 2, Collapse::median), (std::vector<double>{1.5, 6.5, 7}));
  EXPECT_TRUE(subsample(values, 8, Collapse::mean).empty());
  EXPECT_THROW(subsample(values, 0, Collapse::mean), InvalidInput);
}

}  // namespace
}  // namespace hci::test
