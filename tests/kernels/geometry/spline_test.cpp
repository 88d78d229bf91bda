// SPDX-License-Identifier: MIT
#include "kernels/geometry/spline.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

constexpr Border kBorders[] = {Border::constant, Border::edge, Border::symmetric, Border::reflect, Border::wrap};
constexpr double kHalfUlp = 6e-8;

/// The splines' values at whole numbers from their middle.
std::vector<double> values_at_pixels(int order) {
  switch (order) {
    case 2:
      return {6.0 / 8, 1.0 / 8};
    case 3:
      return {4.0 / 6, 1.0 / 6};
    case 4:
      return {230.0 / 384, 76.0 / 384, 1.0 / 384};
    default:
      return {66.0 / 120, 26.0 / 120, 1.0 / 120};
  }
}

class SplineCoefficients : public OnEveryDevice {
 protected:
  Array<float, 3> coefficients(const Array<float, 3>& cube, int order, Border border,
                               const std::vector<float>& outside = {}) {
    const index_t padding = spline_padding(order, border);
    const auto in = to_device(exec(), cube.view());
    const auto beyond = to_device(exec(), outside);
    Array<float, 3> out(exec(), {cube.extent(0), cube.extent(1) + 2 * padding, cube.extent(2) + 2 * padding});
    spline_coefficients(exec(), in.view(), order, border, beyond.view(), out.view());
    return to_host(exec(), std::as_const(out).view());
  }

  /// The splines that these coefficients weight go through the pixels: up to the rounding of the coefficients to
  /// float32, whose weights sum to 1 along each axis, and to what the recursions' start leaves, 1e-12 of a value.
  void expect_interpolation(const Array<float, 3>& cube, int order, Border border) {
    const index_t padding = spline_padding(order, border);
    const auto made = coefficients(cube, order, border);
    const auto weights = values_at_pixels(order);
    const auto reach = static_cast<index_t>(weights.size()) - 1;
    double largest = 0;
    for (index_t i = 0; i < made.size(); ++i) largest = std::max(largest, std::fabs(double(made.data()[i])));
    const Border continued = border == Border::constant ? Border::edge : border;
    for (index_t t = 0; t < cube.extent(0); ++t)
      for (index_t y = 0; y < cube.extent(1); ++y)
        for (index_t x = 0; x < cube.extent(2); ++x) {
          double sum = 0;
          for (index_t j = -reach; j <= reach; ++j)
            for (index_t i = -reach; i <= reach; ++i)
              sum += weights[std::size_t(std::abs(j))] * weights[std::size_t(std::abs(i))] *
                     double(made.view()(t, border_index(y + padding + j, made.extent(1), continued),
                                        border_index(x + padding + i, made.extent(2), continued)));
          ASSERT_NEAR(sum, cube.view()(t, y, x), (kHalfUlp + 1e-9) * largest)
              << "order " << order << ", border " << int(border) << ", " << t << " " << y << " " << x;
        }
  }
};

TEST_P(SplineCoefficients, MakeSplinesThatGoThroughThePixels) {
  for (const Extents<3> extents : {Extents<3>{1, 1, 1}, {3, 1, 7}, {2, 9, 1}, {2, 33, 40}, {1, 8, 65}})
    for (int order = kLowestSplineOrder; order <= kHighestSplineOrder; ++order)
      for (const Border border : kBorders) expect_interpolation(noise(extents, 3), order, border);
}

// A block of CUDA's tuned path holds as many of these lines as its shared memory does: 32 to 4, and none.
TEST_P(SplineCoefficients, TakeLinesOfAnyLength) {
  for (const index_t length : {400, 900, 1700, 3500, 7000})
    for (const Extents<3> extents : {Extents<3>{1, 5, length}, {1, length, 5}})
      expect_interpolation(noise(extents, 5), 3, Border::reflect);
}

TEST_P(SplineCoefficients, KeepNaNWhereItWasAndTakeTheValueOutsideForIt) {
  auto cube = noise<3>({2, 12, 15}, 8), filled = noise<3>({2, 12, 15}, 8);
  const std::vector<float> outside = {2.5F, -1};
  for (index_t t = 0; t < 2; ++t) {
    cube.view()(t, 4, 6) = std::numeric_limits<float>::quiet_NaN();
    filled.view()(t, 4, 6) = outside[std::size_t(t)];
  }
  for (int order = kLowestSplineOrder; order <= kHighestSplineOrder; ++order)
    for (const Border border : kBorders) {
      const index_t padding = spline_padding(order, border);
      const auto made = coefficients(cube, order, border, outside), want = coefficients(filled, order, border, outside);
      for (index_t t = 0; t < 2; ++t)
        for (index_t y = 0; y < made.extent(1); ++y)
          for (index_t x = 0; x < made.extent(2); ++x) {
            const float value = made.view()(t, y, x);
            if (y - padding == 4 && x - padding == 6)
              EXPECT_TRUE(std::isnan(value));
            else
              EXPECT_EQ(value, want.view()(t, y, x)) << order << ": " << t << " " << y << " " << x;
          }
    }
}

// A step to the value outside is felt by less than 1e-8 of it at the edge of the padding, and the level there is that
// value: the sum of the weights is 1.
TEST_P(SplineCoefficients, AreLevelFarOutsideAConstantBorder) {
  const auto made = coefficients(noise<3>({1, 6, 6}, 9), 3, Border::constant, {100});
  EXPECT_NEAR(made.view()(0, 0, 0), 100, 100 * (kHalfUlp + 2e-8) + 1e-6);
  EXPECT_NEAR(made.view()(0, 0, 20), 100, 100 * (kHalfUlp + 2e-8) + 1e-6);
}

TEST_P(SplineCoefficients, RefuseOtherShapesAndOrders) {
  const auto in = to_device(exec(), noise<3>({1, 5, 5}, 1).view());
  Array<float, 3> out(exec(), {1, 5, 5});
  const auto made = [&](int order, Border border) {
    spline_coefficients(exec(), in.view(), order, border, {}, out.view());
  };
  EXPECT_THROW(made(1, Border::wrap), InvalidInput);
  EXPECT_THROW(made(6, Border::wrap), InvalidInput);
  EXPECT_THROW(made(3, Border::constant), InvalidInput);
  made(3, Border::wrap);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(SplineCoefficients);

}  // namespace
}  // namespace hci::test
