// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>

#include "kernels/core/copy.hpp"
#include "kernels/geometry/rescale.hpp"
#include "tests/kernels/geometry/magnify_reference.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class RescaleWavelengths : public OnEveryDevice {
 protected:
  Array<float, 3> rescaled(const Array<float, 3>& cube, const std::vector<double>& scales, Rotation method,
                           WavelengthScaling direction, Extents<2> sides) {
    const auto in = to_device(exec(), cube.view());
    Array<float, 3> out(exec(), {cube.extent(0), sides[0], sides[1]});
    rescale_wavelengths(exec(), in.view(), scales, method, direction, out.view());
    return to_host(exec(), std::as_const(out).view());
  }
};

/// Frames of `sides` in the middle of wider ones, which go on as their mirror image.
Array<float, 3> surrounded(const Array<float, 3>& cube, Extents<2> wide) {
  auto out = host_array<float, 3>({cube.extent(0), wide[0], wide[1]});
  for (index_t t = 0; t < cube.extent(0); ++t)
    for (index_t y = 0; y < wide[0]; ++y)
      for (index_t x = 0; x < wide[1]; ++x)
        out.view()(t, y, x) =
            cube.view()(t, continued(y - wide[0] / 2 + cube.extent(1) / 2, cube.extent(1), Border::reflect),
                        continued(x - wide[1] / 2 + cube.extent(2) / 2, cube.extent(2), Border::reflect));
  return out;
}

// Weights and sums as rounding_of() has them, and the factor 1 / scale, which each axis' weights hold, is rounded.
TEST_P(RescaleWavelengths, MagnifyTheMirroredFrameAndCropTheFieldThatComesBack) {
  const std::vector<double> all = {1.537, 1.213, 1};
  for (const Extents<3> shape :
       {Extents<3>{3, 16, 16}, {3, 15, 15}, {3, 14, 19}, {1, 9, 8}, {2, 1, 1}, {1, 1, 1}, {2, 35, 34}}) {
    const std::vector<double> scales(all.begin(), all.begin() + shape[0]);
    const Extents<2> sides{shape[1], shape[2]}, wide = rescaled_sides(sides, scales);
    for (const WavelengthScaling direction : {WavelengthScaling::forward, WavelengthScaling::inverse}) {
      const bool forward = direction == WavelengthScaling::forward;
      const Extents<2> from = forward ? sides : wide, to = forward ? wide : sides;
      auto cube = noise<3>({shape[0], from[0], from[1]}, 5, 1, 10);
      // Not next to the centre, whose place is a whole one but for rounding.
      if (from[0] > 10) cube.view()(0, from[0] / 2 - 4, from[1] / 2 + 4) = kNan;
      const auto seen = surrounded(cube, wide);
      for (const auto& [name, method] : enum_names(Rotation{})) {
        if (method == Rotation::fft) continue;
        const auto got = rescaled(cube, scales, method, direction, to);
        for (index_t t = 0; t < shape[0]; ++t) {
          const double scale = forward ? scales[std::size_t(t)] : 1 / scales[std::size_t(t)];
          const auto want = MagnifiedFrame(Frame<const float>(seen.view()[t]), method)(scale, to);
          for (index_t i = 0; i < to.size(); ++i) {
            const float value = got.view()[t].data()[i];
            const double wanted = want[std::size_t(i)];
            const std::string where = testing::PrintToString(std::tuple(name, forward, shape[1], shape[2], t, i));
            ASSERT_EQ(std::isnan(value), std::isnan(wanted)) << where;
            if (std::isnan(wanted)) continue;
            ASSERT_NEAR(value, wanted, (rounding_of(method) + 2 * 6e-8 * 50) / (scale * scale)) << where;
          }
        }
      }
    }
  }
}

// Frames of 12 and 11 pixels become ones of 18 and 17, which fft makes 18 and pads to the first even sides of ratio
// 1.5, 1.25 and 1: (p, q) = (20, 30), (24, 30), (18, 18); back by (18, 12), (20, 16), (18, 18). In double, rounded.
TEST_P(RescaleWavelengths, ByFftCropOrExtendTheTransformOfTheMirroredFrame) {
  const std::vector<double> scales = {1.5, 1.25, 1};
  constexpr index_t kForward[][2] = {{20, 30}, {24, 30}, {18, 18}}, kInverse[][2] = {{18, 12}, {20, 16}, {18, 18}};
  for (const Extents<2> sides : {Extents<2>{12, 12}, {11, 11}, {11, 12}})
    for (const WavelengthScaling direction : {WavelengthScaling::forward, WavelengthScaling::inverse}) {
      const bool forward = direction == WavelengthScaling::forward;
      const Extents<2> wide = rescaled_sides(sides, scales), from = forward ? sides : wide, to = forward ? wide : sides;
      auto cube = noise<3>({3, from[0], from[1]}, 6, 1, 10);
      cube.view()(2, 1, 2) = kNan;  // spoils its frame, and no other
      const auto seen = surrounded(cube, wide);
      const auto got = rescaled(cube, scales, Rotation::fft, direction, to);
      for (index_t t = 0; t < 2; ++t) {
        const auto [p, q] = forward ? kForward[t] : kInverse[t];
        std::vector<Signal> rows;
        for (index_t y = 0; y < wide[0]; ++y) {
          const float* row = &seen.view()(t, y, 0);
          rows.push_back(through_fourier({row, row + wide[1]}, p, q, to[1]));
        }
        for (index_t x = 0; x < to[1]; ++x) {
          Signal column;
          for (const auto& row : rows) column.push_back(row[std::size_t(x)]);
          const auto want = through_fourier(column, p, q, to[0]);
          for (index_t y = 0; y < to[0]; ++y)
            ASSERT_NEAR(got.view()(t, y, x), want[std::size_t(y)].real(), 6e-8 * std::abs(want[std::size_t(y)]) + 1e-12)
                << forward << " " << sides[0] << " " << t << " " << y << " " << x;
        }
      }
      for (index_t i = 0; i < to.size(); ++i) ASSERT_TRUE(std::isnan(got.view()[2].data()[i]));
    }
}

TEST(RescaledSides, HoldTheLargestMagnificationAndKeepTheParity) {
  for (const Extents<2> sides : {Extents<2>{16, 16}, {15, 15}, {14, 19}, {1, 1}}) {
    const Extents<2> wide = rescaled_sides(sides, {1.5, 1.2, 1});
    for (int axis = 0; axis < 2; ++axis) {
      EXPECT_GE(double(wide[axis]), 1.5 * double(sides[axis]));
      EXPECT_LT(double(wide[axis]), 1.5 * double(sides[axis]) + 2);
      EXPECT_EQ(wide[axis] % 2, sides[axis] % 2);
    }
  }
  EXPECT_TRUE((rescaled_sides({10, 11}, {0.5, 1}) == Extents<2>{10, 11}));
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(RescaleWavelengths);

}  // namespace
}  // namespace hci::test
