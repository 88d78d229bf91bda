// SPDX-License-Identifier: MIT
#include "kernels/geometry/patches.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/kernels/geometry/turn_reference.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr Rotation kMethods[] = {Rotation::lanczos4, Rotation::bicubic, Rotation::bilinear, Rotation::nearest};

Array<float, 3> noise(Extents<3> extents, unsigned seed) { return test::noise<3>(extents, seed, 1, 10); }

class ExtractPatches : public OnEveryDevice {
 protected:
  /// As they come out of a dense output.
  Array<float, 4> patches(const Array<float, 3>& stack, const std::vector<Position>& centres, Extents<2> sides,
                          const PatchOptions& options = {}) {
    const auto in = to_device(exec(), stack.view());
    Array<float, 4> out(exec(), {static_cast<index_t>(centres.size()), stack.extent(0), sides[0], sides[1]});
    extract_patches(exec(), in.view(), centres, options, out.view());
    return to_host(exec(), std::as_const(out).view());
  }
  /// scale_patches() of values between whose x lie other values, which it must leave alone.
  Array<float, 4> scaled(const Array<float, 4>& values, PatchScaling scaling, index_t apart) {
    const auto [n, k, ny, nx] = values.extents().n;
    auto wide = host_array<float, 4>({n, k, ny, nx * apart});
    for (index_t i = 0; i < wide.size(); ++i) wide.data()[i] = i % apart == 0 ? values.data()[i / apart] : -7;
    auto device = to_device(exec(), wide.view());
    const Patches<float> view(device.data(), values.extents(),
                              {k * ny * nx * apart, ny * nx * apart, nx * apart, apart});
    scale_patches(exec(), scaling, view);
    const auto got = to_host(exec(), std::as_const(device).view());
    auto out = host_array<float, 4>(values.extents());
    for (index_t i = 0; i < wide.size(); ++i) {
      if (i % apart == 0)
        out.data()[i / apart] = got.data()[i];
      else
        EXPECT_EQ(got.data()[i], -7);
    }
    return out;
  }
};

/// Equal, or both NaN.
void expect_same(float got, float want) {
  if (std::isnan(want))
    EXPECT_TRUE(std::isnan(got)) << got;
  else
    EXPECT_EQ(got, want);
}

TEST_P(ExtractPatches, CopiesWindowsOnWholePixels) {
  for (const Extents<3> extents : {Extents<3>{3, 31, 31}, {2, 20, 37}, {1, 9, 8}, {2, 1, 1}}) {
    auto stack = noise(extents, 1);
    stack.view()(0, extents[1] / 2, extents[2] / 2) = kNan;
    std::vector<Position> centres;
    for (index_t y = -3; y < extents[1] + 3; y += 2)
      for (index_t x = -5; x < extents[2] + 4; x += 3) centres.push_back({double(y), double(x)});
    for (const Extents<2> sides : {Extents<2>{11, 11}, {7, 7}, {1, 1}, {3, 2}, {4, 5}, {16, 17}, {21, 30}}) {
      const auto got = patches(stack, centres, sides);
      for (index_t b = 0; b < got.extent(0); ++b)
        for (index_t k = 0; k < extents[0]; ++k)
          for (index_t i = 0; i < sides[0]; ++i)
            for (index_t j = 0; j < sides[1]; ++j) {
              const auto& at = centres[std::size_t(b)];
              const index_t y = index_t(at.y) + i - sides[0] / 2, x = index_t(at.x) + j - sides[1] / 2;
              const bool inside = y >= 0 && y < extents[1] && x >= 0 && x < extents[2];
              ASSERT_NO_FATAL_FAILURE(expect_same(got.view()(b, k, i, j), inside ? stack.view()(k, y, x) : 0.0F));
            }
    }
  }
}

TEST_P(ExtractPatches, ContinuesFramesAsTheBorderSays) {
  auto stack = host_array<float, 3>({1, 1, 3});
  for (int x = 0; x < 3; ++x) stack.data()[x] = float(x + 1);
  const std::pair<Border, std::vector<float>> expected[] = {{Border::constant, {0, 0, 1, 2, 3, 0, 0}},
                                                            {Border::edge, {1, 1, 1, 2, 3, 3, 3}},
                                                            {Border::symmetric, {2, 1, 1, 2, 3, 3, 2}},
                                                            {Border::reflect, {3, 2, 1, 2, 3, 2, 1}},
                                                            {Border::wrap, {2, 3, 1, 2, 3, 1, 2}}};
  for (const auto& [border, row] : expected) {
    const auto got = patches(stack, {{0, 1}}, {1, 7}, {.border = border});
    for (int x = 0; x < 7; ++x) EXPECT_EQ(got.data()[x], row[std::size_t(x)]) << int(border) << " " << x;
  }
}

TEST_P(ExtractPatches, TurnedOnTheFlyAreWindowsOfTurnedFrames) {
  const std::vector<double> angles = {12.3, -77, 191.5};
  for (const Extents<3> extents : {Extents<3>{3, 33, 33}, {3, 30, 38}}) {
    auto stack = noise(extents, 2);
    stack.view()(1, 10, 22) = kNan;  // not near the centre, whose place is a whole one but for rounding
    // A few far apart, which are gathered one by one; and many that overlap, which share the turn.
    const std::vector<Position> few = {{5, 6}, {24, 31}};
    std::vector<Position> many;
    for (index_t y = 8; y < 24; ++y)
      for (index_t x = 6; x < 30; ++x) many.push_back({double(y), double(x)});
    for (const Rotation method : kMethods)
      for (const Border border : {Border::constant, Border::reflect}) {
        const RotateOptions options{.method = method, .border = border};
        std::vector<std::vector<double>> want(3);  // (slice, y * 50 + x) of all that a window shows
        for (std::size_t k = 0; k < 3; ++k) {
          const TurnedFrame turned(Frame<const float>(stack.view()[index_t(k)]), angles[k], options);
          for (int y = 0; y < 28; ++y)
            for (int x = 0; x < 50; ++x) want[k].push_back(x < 36 ? turned(y, x) : kNan);
        }
        for (const auto& centres : {few, many}) {
          const auto got = patches(stack, centres, {7, 9}, {.angles = angles, .method = method, .border = border});
          for (index_t b = 0; b < got.extent(0); ++b)
            for (index_t k = 0; k < 3; ++k)
              for (index_t i = 0; i < 7; ++i)
                for (index_t j = 0; j < 9; ++j) {
                  const auto& at = centres[std::size_t(b)];
                  const index_t y = index_t(at.y) + i - 3, x = index_t(at.x) + j - 4;
                  const double wanted = want[std::size_t(k)][std::size_t(y * 50 + x)];
                  const float value = got.view()(b, k, i, j);
                  ASSERT_EQ(std::isnan(value), std::isnan(wanted)) << int(method) << " " << k << " " << y << " " << x;
                  if (std::isnan(wanted)) continue;
                  ASSERT_NEAR(value, wanted, rounding_of(method)) << int(method) << " " << y << " " << x;
                }
        }
      }
  }
}

TEST_P(ExtractPatches, LieBetweenPixelsOnRequest) {
  for (const Extents<3> extents : {Extents<3>{2, 17, 20}, {2, 1, 3}, {2, 1, 1}}) {
    auto stack = noise(extents, 7);
    if (extents[1] > 1) stack.view()(1, 9, 12) = kNan;
    const double cy = double(extents[1] / 2), cx = double(extents[2] / 2);
    const std::vector<Position> centres = {{cy - 3.25, cx + 4.4}, {cy + 0.875, cx - 0.5}, {cy, cx - 0.9}};
    for (const std::vector<double>& angles : {std::vector<double>{}, {30, -110}})
      for (const Rotation method : kMethods) {
        const auto got = patches(stack, centres, {9, 6}, {.angles = angles, .method = method});
        for (index_t k = 0; k < 2; ++k) {
          const double angle = angles.empty() ? 0 : angles[std::size_t(k)];
          const TurnedFrame turned(Frame<const float>(stack.view()[k]), angle, {.method = method});
          for (index_t b = 0; b < 3; ++b)
            for (index_t i = 0; i < 9; ++i)
              for (index_t j = 0; j < 6; ++j) {
                const Position& at = centres[std::size_t(b)];
                const double want = turned(at.y + double(i - 4), at.x + double(j - 3));
                const float value = got.view()(b, k, i, j);
                ASSERT_EQ(std::isnan(value), std::isnan(want)) << int(method) << angle;
                if (std::isnan(want)) continue;
                ASSERT_NEAR(value, want, rounding_of(method))
                    << int(method) << angle << " " << b << " " << i << " " << j;
              }
        }
      }
  }
}

TEST_P(ExtractPatches, TurnAboutTheGivenCentre) {
  auto stack = host_array<float, 3>({1, 21, 21});
  std::fill_n(stack.data(), stack.size(), 0.0F);
  stack.view()(0, 8, 13) = 1;  // 3 right of (8, 10): 90 degrees counter-clockwise of there is 3 up
  const PatchOptions options{.angles = {90}, .method = Rotation::nearest, .centre = std::array<double, 2>{8, 10}};
  const auto got = patches(stack, {{11, 10}}, {3, 3}, options);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(got.data()[i], i == 4 ? 1.0F : 0.0F) << i;
}

TEST_P(ExtractPatches, AreScaledBySliceOrSample) {
  auto stack = noise({3, 25, 25}, 3);
  for (index_t i = 0; i < 25 * 25; ++i) stack.data()[i] *= 100;  // so that the sample's range is not each slice's
  stack.view()(1, 12, 12) = kNan;
  stack.view()(1, 12, 13) = std::numeric_limits<float>::infinity();
  std::vector<Position> centres;
  for (index_t y = 6; y < 19; ++y)
    for (index_t x = 6; x < 19; ++x) centres.push_back({double(y), double(x)});
  const std::vector<double> angles = {10, 20, 30};
  for (const index_t side : {5, 11, 13})  // 25, 121 and 169 values: less and more than a warp's share
    for (const bool turn : {false, true}) {
      const PatchOptions plain{.angles = turn ? angles : std::vector<double>{}};
      const auto raw = patches(stack, centres, {side, side}, plain);
      for (const PatchScaling scaling : {PatchScaling::slice, PatchScaling::sample}) {
        PatchOptions options = plain;
        options.scaling = scaling;
        const auto got = patches(stack, centres, {side, side}, options);
        const index_t group = scaling == PatchScaling::slice ? side * side : 3 * side * side;
        for (index_t first = 0; first < raw.size(); first += group) {
          float low = std::numeric_limits<float>::infinity(), high = -low;
          for (index_t i = first; i < first + group; ++i)
            if (std::isfinite(raw.data()[i])) {
              low = std::min(low, raw.data()[i]);
              high = std::max(high, raw.data()[i]);
            }
          for (index_t i = first; i < first + group; ++i) {
            const float want = (raw.data()[i] - low) / (high - low);
            ASSERT_NO_FATAL_FAILURE(expect_same(got.data()[i], want));
          }
        }
      }
    }
}

// Alone, in double. A difference, the range and the quotient are rounded, of a value that ends between 0 and 1. Slices
// of less and of more than a warp's values, samples of more than a block's.
TEST_P(ExtractPatches, AreScaledByTheirLeastAndMostFiniteValues) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  for (const Extents<4> extents : {Extents<4>{1, 1, 1, 1}, {2, 3, 1, 1}, {3, 1, 5, 6}, {2, 3, 7, 7}, {2, 4, 23, 25}}) {
    auto values = test::noise<4>(extents, 17, -3, 10);
    const index_t slice = extents[2] * extents[3];
    if (slice > 1) values.data()[slice / 2] = kNan, values.data()[slice / 3] = -inf, values.data()[slice / 3 + 1] = inf;
    if (extents[1] > 1) std::fill_n(values.data() + slice, slice, kNan);          // a slice of nothing
    if (extents[1] > 2) std::fill_n(values.data() + 2 * slice, slice, 1.0F / 3);  // a slice of one value
    for (const PatchScaling scaling : {PatchScaling::slice, PatchScaling::sample})
      for (const index_t apart : {1, 2}) {
        const auto got = scaled(values, scaling, apart);
        const index_t group = scaling == PatchScaling::slice ? slice : extents[1] * slice;
        for (index_t first = 0; first < values.size(); first += group) {
          double low = inf, high = -inf;
          for (index_t i = first; i < first + group; ++i)
            if (const double value = values.data()[i]; std::isfinite(value))
              low = std::min(low, value), high = std::max(high, value);
          for (index_t i = first; i < first + group; ++i) {
            const double value = values.data()[i];
            const std::string where = testing::PrintToString(std::tuple(extents[2], int(scaling), apart, i));
            if (!std::isfinite(value))
              ASSERT_TRUE(std::isnan(value) || low == high ? std::isnan(got.data()[i]) : got.data()[i] == float(value))
                  << where;
            else
              ASSERT_NEAR(got.data()[i], low == high ? 0 : (value - low) / (high - low), 3 * 6e-8) << where;
          }
        }
      }
    const auto untouched = scaled(values, PatchScaling::none, 1);
    for (index_t i = 0; i < values.size(); ++i) expect_same(untouched.data()[i], values.data()[i]);
  }
}

// max - min is no float here; halves of all three are, exactly.
TEST_P(ExtractPatches, AreScaledWhereTheirRangeIsBeyondFloats) {
  auto stack = noise({1, 9, 9}, 4);
  for (index_t i = 0; i < stack.size(); ++i) stack.data()[i] *= 3e36F;
  stack.view()(0, 4, 4) = 3e38F;
  stack.view()(0, 5, 4) = -3.2e38F;
  stack.view()(0, 4, 5) = kNan;
  for (const PatchScaling scaling : {PatchScaling::slice, PatchScaling::sample}) {
    const auto got = patches(stack, {{4, 4}}, {9, 9}, {.scaling = scaling});
    for (index_t i = 0; i < 81; ++i) {
      const float value = stack.data()[i];
      expect_same(got.data()[i], (0.5F * value + 1.6e38F) / (1.5e38F + 1.6e38F));
    }
  }
}

TEST_P(ExtractPatches, OfEqualValuesAreZeroWhenScaled) {
  auto stack = host_array<float, 3>({2, 9, 9});
  std::fill_n(stack.data(), stack.size(), 7.0F);
  std::fill_n(stack.data() + 81, 81, kNan);
  stack.view()(0, 4, 4) = kNan;
  const auto got = patches(stack, {{4, 4}}, {3, 3}, {.scaling = PatchScaling::slice});
  for (int i = 0; i < 9; ++i) {
    expect_same(got.data()[i], i == 4 ? kNan : 0.0F);
    expect_same(got.data()[9 + i], kNan);
  }
}

TEST_P(ExtractPatches, FillStridedOutputsAndNothingElse) {
  const auto stack = noise({4, 30, 30}, 4);
  const std::vector<Position> centres = {{10, 12}, {3.5, 20}, {20, 20}};
  const auto in = to_device(exec(), stack.view());
  for (const PatchScaling scaling : {PatchScaling::none, PatchScaling::slice, PatchScaling::sample}) {
    const auto dense = patches(stack, centres, {5, 6}, {.scaling = scaling});
    // Slices last (as networks with channels last have it), and rows 9 apart.
    for (const Extents<4> strides : {Extents<4>{4 * 5 * 6, 1, 4 * 6, 4}, {4 * 5 * 9 + 3, 5 * 9, 9, 1}}) {
      Array<float, 1> memory(exec(), {3 * (4 * 5 * 9 + 3)});
      to_device(exec(), std::vector<float>(std::size_t(memory.size()), -1)).swap(memory);
      const Patches<float> out(memory.data(), {3, 4, 5, 6}, strides);
      extract_patches(exec(), in.view(), centres, {.scaling = scaling}, out);
      auto host = to_host(exec(), std::as_const(memory).view());
      const Patches<float> got(host.data(), out.extents(), strides);
      for (index_t b = 0; b < 3; ++b)
        for (index_t k = 0; k < 4; ++k)
          for (index_t i = 0; i < 5; ++i)
            for (index_t j = 0; j < 6; ++j) {
              ASSERT_EQ(got(b, k, i, j), dense.view()(b, k, i, j));
              got(b, k, i, j) = -1;
            }
      for (index_t i = 0; i < host.size(); ++i) ASSERT_EQ(host.data()[i], -1) << i;
    }
  }
}

/// Rows, and slices, that lie 2^31 values apart; the one pixel that is looked at is there.
TEST_P(ExtractPatches, CountBeyondThirtyTwoBits) {
  const auto pixel = to_device(exec(), std::vector<float>{5});
  constexpr index_t kFar = index_t{1} << 31;
  Array<float, 4> out(exec(), {2, 1, 1, 1});
  const Cube<const float> rows(pixel.data() - 2 * kFar, {1, 3, 1}, {3 * kFar, kFar, 1});
  extract_patches(exec(), rows, {{2, 0}, {-20000, 0}}, {}, out.view());
  const auto got = to_host(exec(), std::as_const(out).view());
  EXPECT_EQ(got.data()[0], 5);
  EXPECT_EQ(got.data()[1], 0);
}

TEST_P(ExtractPatches, OfNoCentresAreNone) {
  const auto stack = noise({2, 5, 5}, 5);
  EXPECT_EQ(patches(stack, {}, {3, 3}).size(), 0);
}

TEST_P(ExtractPatches, RefuseWhatMakesNoSense) {
  const auto stack = noise({2, 9, 9}, 6);
  EXPECT_THROW(patches(stack, {{4, kNan}}, {3, 3}), InvalidInput);
  EXPECT_THROW(patches(stack, {{4, 1e6}}, {3, 3}), InvalidInput);
  EXPECT_THROW(patches(stack, {{4, 4}}, {0, 3}), InvalidInput);
  EXPECT_THROW(patches(stack, {{4, 4}}, {3, 3}, {.angles = {1}}), InvalidInput);
  EXPECT_THROW(patches(stack, {{4, 4}}, {3, 3}, {.angles = {1, kNan}}), InvalidInput);
  EXPECT_THROW(patches(stack, {{4, 4}}, {3, 3}, {.method = Rotation::fft}), InvalidInput);
  EXPECT_THROW(patches(stack, {{4, 4}}, {3, 3}, {.centre = std::array<double, 2>{4, 4}}), InvalidInput);  // of no turn
  const auto in = to_device(exec(), stack.view());
  Array<float, 4> out(exec(), {2, 2, 3, 3});
  EXPECT_THROW(extract_patches(exec(), in.view(), {{4, 4}}, {}, out.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(ExtractPatches);

}  // namespace
}  // namespace hci::test
