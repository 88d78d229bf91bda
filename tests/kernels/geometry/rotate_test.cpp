// SPDX-License-Identifier: MIT
#include "kernels/geometry/rotate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/geometry/centre.hpp"
#include "tests/kernels/geometry/interpolation_reference.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr Rotation kExactPosition[] = {Rotation::bicubic, Rotation::catmull_rom, Rotation::bilinear, Rotation::nearest,
                                       Rotation::spline2, Rotation::spline3,     Rotation::spline4,  Rotation::spline5};
constexpr Rotation kAll[] = {Rotation::lanczos4, Rotation::bicubic, Rotation::catmull_rom, Rotation::bilinear,
                             Rotation::nearest,  Rotation::spline2, Rotation::spline3,     Rotation::spline4,
                             Rotation::spline5,  Rotation::fft};

class Derotate : public OnEveryDevice {
 protected:
  Array<float, 3> derotated(const Array<float, 3>& cube, const std::vector<double>& angles,
                            const RotateOptions& options) {
    const DeviceInput<float, 3> in(exec(), cube.view());
    Array<float, 3> out(exec(), cube.extents());
    derotate(exec(), in.view(), angles, options, out.view());
    return to_host(exec(), View<const float, 3>(out.view()));
  }
};

Array<float, 3> noise_cube(Extents<3> shape, unsigned seed) { return noise<3>(shape, seed, 0, 10); }

/// A planet of 1000 counts, sigma 2.5 px, at separation and polar angle (degrees from +x,
/// counter-clockwise with y up) about the frame's centre.
double planet(double y, double x, double cy, double cx, double separation, double theta) {
  const double dy = y - cy - separation * std::sin(theta * M_PI / 180);
  const double dx = x - cx - separation * std::cos(theta * M_PI / 180);
  return 1000 * std::exp(-(dy * dy + dx * dx) / (2 * 2.5 * 2.5));
}

double reference_pixel(const ReferenceFrame& in, double angle, const RotateOptions& options, index_t y, index_t x) {
  const double cy = options.centre ? (*options.centre)[0] : frame_centre(in.ny);
  const double cx = options.centre ? (*options.centre)[1] : frame_centre(in.nx);
  const double c = std::cos(angle * M_PI / 180), s = std::sin(angle * M_PI / 180);
  // Where the light came from: turned clockwise by the angle (y up).
  const double sx = cx + c * (double(x) - cx) + s * (double(y) - cy);
  const double sy = cy - s * (double(x) - cx) + c * (double(y) - cy);
  return reference_value(in, options.method, options.border, sy, sx);
}

// Weights and 16 products in float32: 16 x 6e-8 of values up to 50, and the fraction of a pixel is
// rounded to 6e-8, times a slope of 100. Splines: coefficients are up to 30 times the pixels (4.4^2 and
// more at order 5 for noise), rounded to 6e-8 and read through 36 weights of sum 1 that err by 1e-7.
double rounding_of(Rotation method) { return spline_order(method) > 0 ? 4e-4 : 1e-4; }

TEST_P(Derotate, AgreesWithTheDefinitionOfEachMethodAndBorder) {
  const std::vector<double> angles = {12.34, -67.1, 213.3};
  for (const Extents<3> shape : {Extents<3>{3, 21, 21}, {3, 20, 24}, {3, 9, 40}, {3, 1, 3}}) {
    const auto cube = noise_cube(shape, 5);
    for (const Rotation method : kExactPosition)
      for (const Border border : {Border::constant, Border::edge, Border::symmetric, Border::reflect, Border::wrap}) {
        const RotateOptions options{.method = method, .border = border};
        const auto out = derotated(cube, angles, options);
        for (index_t t = 0; t < shape[0]; ++t) {
          const auto reference = reference_frame(frame_of(Cube<const float>(cube.view()), t), method, border);
          for (index_t y = 0; y < shape[1]; ++y)
            for (index_t x = 0; x < shape[2]; ++x)
              ASSERT_NEAR(out.view()(t, y, x), reference_pixel(reference, angles[std::size_t(t)], options, y, x),
                          rounding_of(method))
                  << "method " << int(method) << ", border " << int(border) << ", t y x " << t << " " << y << " " << x;
        }
      }
  }
}

// As VIP's skimage: with values - lowest in place of the values, zeros are what is beyond; then held.
TEST_P(Derotate, KeepsTheRangeOfTheFrameOnRequest) {
  auto cube = noise_cube({2, 20, 23}, 8);
  const std::vector<double> angles = {31, -104};
  for (const Rotation method : kExactPosition) {
    RotateOptions options{.method = method, .keep_range = true};
    const auto out = derotated(cube, angles, options);
    for (index_t t = 0; t < 2; ++t) {
      const float* frame = cube.data() + t * 20 * 23;
      const auto [low, high] = std::minmax_element(frame, frame + 20 * 23);
      auto raised = host_array<float, 2>({20, 23});
      for (index_t i = 0; i < raised.size(); ++i) raised.data()[i] = frame[i] - *low;
      const auto reference = reference_frame(Frame<const float>(raised.view()), method, Border::constant);
      for (index_t y = 0; y < 20; ++y)
        for (index_t x = 0; x < 23; ++x) {
          const double value = *low + reference_pixel(reference, angles[std::size_t(t)], options, y, x);
          ASSERT_NEAR(out.view()(t, y, x), std::clamp(value, double(*low), double(*high)), rounding_of(method))
              << "method " << int(method);
        }
    }
  }
}

TEST_P(Derotate, KeepsNothingOfAFrameWithoutValues) {
  auto cube = host_array<float, 3>({1, 5, 5});
  std::fill_n(cube.data(), 25, kNan);
  for (const Rotation method : {Rotation::bilinear, Rotation::spline3})
    EXPECT_TRUE(std::isnan(derotated(cube, {20}, {.method = method, .keep_range = true}).view()(0, 2, 2)));
}

TEST_P(Derotate, PutsLanczosPositionsOnAGridOfThirtySeconds) {
  const std::vector<double> angles = {33.3, 151.0};
  for (const Extents<3> shape : {Extents<3>{2, 31, 31}, {2, 24, 40}})
    for (const Border border : {Border::constant, Border::edge, Border::symmetric, Border::reflect, Border::wrap}) {
      // The position moves by at most 1/64 px (the grid) + 1/1024 px (rounding of the two parts) in
      // each axis.
      const auto cube = noise_cube(shape, 7);
      const RotateOptions options{.border = border};
      const auto out = derotated(cube, angles, options);
      // The steepest slope of a Lanczos-4 interpolation of noise of +-50: |d/dx| sums to less than 4
      // per pixel of amplitude over the taps of both axes.
      const double most = 4 * 50 * std::sqrt(2.0) * (1.0 / 64 + 1.0 / 1024);
      double mean_error = 0;
      std::vector<ReferenceFrame> references;
      for (index_t t = 0; t < shape[0]; ++t)
        references.push_back(reference_frame(frame_of(Cube<const float>(cube.view()), t), options.method, border));
      for (index_t t = 0; t < shape[0]; ++t)
        for (index_t y = 0; y < shape[1]; ++y)
          for (index_t x = 0; x < shape[2]; ++x) {
            const double expected = reference_pixel(references[std::size_t(t)], angles[std::size_t(t)], options, y, x);
            ASSERT_NEAR(out.view()(t, y, x), expected, most) << t << " " << y << " " << x << " border " << int(border);
            mean_error += std::abs(out.view()(t, y, x) - expected);
          }
      // A uniform error of +-1/64 px in each axis, on noise of sigma 10 whose slope has an rms of
      // pi / sqrt(3) sigma per pixel: 0.16 rms in each axis, 0.18 mean of both; a shift of half a cell
      // in one axis would double it.
      EXPECT_LT(mean_error / double(out.size()), 0.25);
    }
}

TEST_P(Derotate, BringsAPlanetBackFromWhereTheFieldTurnedIt) {
  // Interpolation of a Gaussian of sigma 2.5 px. In one axis, over all phases, the kernels' own error
  // is at most: bilinear 18.7 (f''/8 = 20), bicubic 10.7, lanczos4 2.1 (kernels summed in double);
  // twice that for two axes. The grid of lanczos4 moves it by at most 1/64 px in each axis, times
  // the largest slope 1000 exp(-1/2) / 2.5 = 243 a px: 3.8 x sqrt(2). nearest: half a pixel in each.
  // catmull-rom 1.76; splines of order 2 to 5: 0.87, 0.25, 0.025, 0.007 (by scipy, in double), and their
  // float32 coefficients.
  const auto bound = [](Rotation method) {
    return method == Rotation::fft           ? 0.01
           : method == Rotation::lanczos4    ? 9.6
           : method == Rotation::bicubic     ? 21.4
           : method == Rotation::catmull_rom ? 3.6
           : method == Rotation::spline2     ? 1.74
           : spline_order(method) > 0        ? 0.5
           : method == Rotation::bilinear    ? 37.4
                                             : 243 * 0.71;
  };
  const std::vector<double> angles = {0, 30, 45, -57, 100, 179, 240, 359.5};  // sin 30: shears by whole pixels, almost
  for (const Extents<3> shape : {Extents<3>{8, 51, 51}, {8, 48, 48}, {8, 41, 52}}) {
    const double cy = frame_centre(shape[1]), cx = frame_centre(shape[2]);
    auto cube = host_array<float, 3>(shape);
    for (index_t t = 0; t < shape[0]; ++t)
      for (index_t y = 0; y < shape[1]; ++y)
        for (index_t x = 0; x < shape[2]; ++x)
          cube.view()(t, y, x) =
              static_cast<float>(planet(double(y), double(x), cy, cx, 8, 30 - angles[std::size_t(t)]));
    for (const Rotation method : kAll) {
      const auto out = derotated(cube, angles, {.method = method});
      for (index_t t = 0; t < shape[0]; ++t)
        for (index_t y = 0; y < shape[1]; ++y)
          for (index_t x = 0; x < shape[2]; ++x)
            ASSERT_NEAR(out.view()(t, y, x), planet(double(y), double(x), cy, cx, 8, 30), bound(method))
                << "method " << int(method) << ", angle " << angles[std::size_t(t)] << ", " << y << ", " << x;
    }
  }
}

TEST_P(Derotate, TurnsOddSquareFramesByQuartersExactly) {
  const std::vector<double> angles = {0, 90, 180, 270, -90, 360};
  const index_t n = 25, c = n / 2;
  const auto cube = noise_cube({6, n, n}, 11);
  for (const Rotation method : kAll) {
    const auto out = derotated(cube, angles, {.method = method});
    for (index_t t = 0; t < 6; ++t)
      for (index_t y = 0; y < n; ++y)
        for (index_t x = 0; x < n; ++x) {
          index_t sy = y - c, sx = x - c;
          const int quarters = static_cast<int>(std::lround(angles[std::size_t(t)] / 90) + 4) % 4;
          for (int k = 0; k < quarters; ++k) sx = std::exchange(sy, -sx);  // source: a quarter back
          const float expected = cube.view()(t, sy + c, sx + c);
          // The transforms round at 1e-16 of the values, which may turn the rounding to float32.
          if (method == Rotation::fft)
            ASSERT_NEAR(out.view()(t, y, x), expected, 5e-6);
          else if (spline_order(method) > 0)  // the way to the coefficients and back
            ASSERT_NEAR(out.view()(t, y, x), expected, rounding_of(method));
          else
            ASSERT_EQ(out.view()(t, y, x), expected)
                << "method " << int(method) << ", angle " << angles[std::size_t(t)];
        }
  }
}

TEST_P(Derotate, TurnsAboutAnyCentre) {
  const auto cube = noise_cube({2, 15, 18}, 3);
  const std::vector<double> angles = {77, -31.5};
  for (const Rotation method : kExactPosition) {
    const RotateOptions options{.method = method, .centre = std::array<double, 2>{4.25, 20.5}};
    const auto out = derotated(cube, angles, options);
    for (index_t t = 0; t < 2; ++t) {
      const auto reference = reference_frame(frame_of(Cube<const float>(cube.view()), t), method, options.border);
      for (index_t y = 0; y < 15; ++y)
        for (index_t x = 0; x < 18; ++x)
          ASSERT_NEAR(out.view()(t, y, x), reference_pixel(reference, angles[std::size_t(t)], options, y, x),
                      rounding_of(method))
              << "method " << int(method);
    }
  }
  EXPECT_THROW(derotated(cube, angles, {.method = Rotation::fft, .centre = std::array<double, 2>{4.25, 20.5}}),
               InvalidInput);
}

// A planet about a point off the centre is back where it was at angle 0. What the frame cuts off is
// below 1000 exp(-9^2 / 2 2.5^2) = 1.5 and rings in its neighbourhood; the paths agree to rounding.
TEST_P(Derotate, TurnsAboutAnyCentreByFft) {
  const std::vector<double> angles = {0, 17, 45, -58, 90, 133.3, 180, 271};
  for (const auto& [shape, y, x] : {std::tuple<Extents<3>, double, double>{{8, 61, 61}, 28.25, 33.6},
                                    {{8, 60, 60}, 32.5, 26.75},
                                    {{8, 57, 64}, 30, 29.4}}) {
    auto cube = host_array<float, 3>(shape);
    for (index_t t = 0; t < shape[0]; ++t)
      for (index_t i = 0; i < shape[1]; ++i)
        for (index_t j = 0; j < shape[2]; ++j)
          cube.view()(t, i, j) = static_cast<float>(planet(double(i), double(j), y, x, 7, 40 - angles[std::size_t(t)]));
    const auto out = derotated(cube, angles, {.method = Rotation::fft, .centre = std::array<double, 2>{y, x}});
    for (index_t t = 0; t < shape[0]; ++t)
      for (index_t i = 0; i < shape[1]; ++i)
        for (index_t j = 0; j < shape[2]; ++j)
          ASSERT_NEAR(out.view()(t, i, j), planet(double(i), double(j), y, x, 7, 40), 0.01)
              << "angle " << angles[std::size_t(t)] << ", " << i << ", " << j;
  }
}

// Three holes and the margin, by the definition: filled in double, turned by the reference.
TEST_P(Derotate, FillsHolesAndMarginBeforeTheTurnOnRequest) {
  for (const Extents<3> shape : {Extents<3>{2, 21, 21}, {2, 20, 26}})
    for (const double fwhm : {1.0, 2.3}) {
      auto cube = noise_cube(shape, 9);
      for (index_t i = 0; i < 2; ++i) cube.view()(i, 9, 7) = cube.view()(i, 9, 8) = cube.view()(i, 0, 3) = kNan;
      const std::vector<double> angles = {25, -140};
      const RotateOptions options{.method = Rotation::bilinear, .edge_blend = EdgeBlend::interp, .blend_fwhm = fwhm};
      const auto out = derotated(cube, angles, options);
      index_t ny = shape[1] * 11 / 10, nx = shape[2] * 11 / 10;
      ny += (ny - shape[1]) % 2;
      nx += (nx - shape[2]) % 2;
      const index_t down = ny / 2 - shape[1] / 2, right = nx / 2 - shape[2] / 2;
      const double sigma = fwhm / 2.3548200450309493;
      const auto reach = static_cast<index_t>(std::ceil(8 * sigma)) / 2;
      for (index_t t = 0; t < 2; ++t) {
        auto filled = host_array<float, 2>({ny, nx});
        const auto pixel = [&](index_t y, index_t x) {
          const bool inside = y >= 0 && y < shape[1] && x >= 0 && x < shape[2];
          return inside ? cube.view()(t, y, x) : kNan;
        };
        for (index_t y = -down; y < ny - down; ++y)
          for (index_t x = -right; x < nx - right; ++x) {
            double sum = 0, weights = 0;
            for (index_t j = y - reach; j <= y + reach; ++j)
              for (index_t i = x - reach; i <= x + reach; ++i) {
                const bool beyond = j < -down || j >= ny - down || i < -right || i >= nx - right;
                if (!beyond && std::isnan(pixel(j, i))) continue;
                const double w = std::exp(-double((j - y) * (j - y) + (i - x) * (i - x)) / (2 * sigma * sigma));
                weights += w;
                sum += beyond ? 0 : w * double(pixel(j, i));
              }
            const double mean = weights > 0 ? sum / weights : 0;
            filled.view()(y + down, x + right) = std::isnan(pixel(y, x)) ? static_cast<float>(mean) : pixel(y, x);
          }
        const auto reference = reference_frame(Frame<const float>(filled.view()), options.method, options.border);
        for (index_t y = 0; y < shape[1]; ++y)
          for (index_t x = 0; x < shape[2]; ++x) {
            if (std::isnan(pixel(y, x)))
              ASSERT_TRUE(std::isnan(out.view()(t, y, x)));
            else
              ASSERT_NEAR(out.view()(t, y, x),
                          reference_pixel(reference, angles[std::size_t(t)], options, y + down, x + right), 1e-4);
          }
      }
    }
}

// Frames of noise of level 100 and scatter 5: a corner that turns in comes from the margin, which has the
// statistics of the pixels left by a clipping at 1.5 sigma (the 5 rounds end near +-0.9 sigma: a scatter
// of about half) about the level. 8 frames of 40 x 40: over 300 pixels, so means err by 5 / sqrt(300) = 0.3.
TEST_P(Derotate, FillsTheMarginWithNoiseOnRequest) {
  auto cube = noise_cube({8, 40, 40}, 21);
  for (index_t i = 0; i < cube.size(); ++i) cube.data()[i] = 100 + 0.5F * cube.data()[i];
  cube.view()(0, 20, 12) = kNan;
  RotateOptions options{.method = Rotation::nearest, .edge_blend = EdgeBlend::noise, .seed = 4};
  const std::vector<double> angles(8, 8.0);
  const auto out = derotated(cube, angles, options), again = derotated(cube, angles, options);
  const auto plain = derotated(cube, angles, {.method = Rotation::nearest});
  double n = 0, sum = 0, squares = 0;
  for (index_t i = 0; i < out.size(); ++i) {
    EXPECT_TRUE(out.data()[i] == again.data()[i] || std::isnan(out.data()[i]));
    if (plain.data()[i] != 0 || out.data()[i] == 0) continue;  // 0: from beyond the frame
    n += 1, sum += out.data()[i], squares += double(out.data()[i]) * out.data()[i];
  }
  ASSERT_GT(n, 200);
  EXPECT_NEAR(sum / n, 100, 1.5);
  const double scatter = std::sqrt(squares / n - (sum / n) * (sum / n));
  EXPECT_GT(scatter, 1.0);
  EXPECT_LT(scatter, 5.0);
  EXPECT_TRUE(std::isnan(out.view()(0, 20, 12)));
  options.seed = 5;
  const auto other = derotated(cube, angles, options);
  index_t different = 0;
  for (index_t i = 0; i < out.size(); ++i) different += other.data()[i] != out.data()[i];
  EXPECT_GT(different, 200);
  options.edge_blend = EdgeBlend::interp_noise;
  EXPECT_FALSE(std::isnan(derotated(cube, angles, options).view()(0, 0, 0)));
}

TEST_P(Derotate, LetsANanReachTheOutputPixelsThatReadItAndNoOthers) {
  auto cube = noise_cube({1, 33, 33}, 4);
  cube.view()(0, 16, 16) = kNan;  // the centre: it stays where it is
  const std::pair<Rotation, double> reaches[] = {
      {Rotation::lanczos4, 4}, {Rotation::bicubic, 2},   {Rotation::catmull_rom, 2},
      {Rotation::bilinear, 1}, {Rotation::nearest, 0.5}, {Rotation::spline2, 1.5},
      {Rotation::spline3, 2},  {Rotation::spline4, 2.5}, {Rotation::spline5, 3}};
  for (const auto& [method, reach] : reaches) {
    const auto out = derotated(cube, {30.0}, {.method = method});
    EXPECT_TRUE(std::isnan(out.view()(0, 16, 16)));
    for (index_t y = 0; y < 33; ++y)
      for (index_t x = 0; x < 33; ++x) {
        const bool far = std::hypot(double(y) - 16, double(x) - 16) > (reach + 0.05) * std::sqrt(2.0);
        EXPECT_FALSE(far && std::isnan(out.view()(0, y, x))) << "method " << int(method) << ", " << y << ", " << x;
      }
  }
}

TEST_P(Derotate, ByFftPutsMasksBackWhereTheyWereAndSpreadsNone) {
  auto plain = noise_cube({1, 20, 20}, 6);
  for (index_t y = 8; y < 13; ++y)
    for (index_t x = 8; x < 13; ++x) plain.view()(0, y, x) = 0;
  auto masked = host_array<float, 3>(plain.extents());
  for (const float mask : {kNan, 7.0F}) {
    std::copy_n(plain.data(), plain.size(), masked.data());
    for (index_t y = 8; y < 13; ++y)
      for (index_t x = 8; x < 13; ++x) masked.view()(0, y, x) = mask;
    const auto expected = derotated(plain, {25.0}, {.method = Rotation::fft});
    const auto out = derotated(masked, {25.0}, {.method = Rotation::fft, .mask_value = mask});
    for (index_t y = 0; y < 20; ++y)
      for (index_t x = 0; x < 20; ++x) {
        const float value = out.view()(0, y, x);
        if (y >= 8 && y < 13 && x >= 8 && x < 13)
          EXPECT_TRUE(std::isnan(mask) ? std::isnan(value) : value == mask);
        else
          EXPECT_EQ(value, expected.view()(0, y, x));
      }
  }
}

TEST_P(Derotate, TakesOneFrameAndOnePixel) {
  auto cube = host_array<float, 3>({1, 1, 1});
  cube.data()[0] = 5;
  for (const Rotation method : kAll) EXPECT_NEAR(derotated(cube, {40.0}, {.method = method}).data()[0], 5, 3e-6);
}

TEST_P(Derotate, SaysWhatIsWrong) {
  const auto cube = noise_cube({2, 4, 4}, 1);
  EXPECT_THROW(derotated(cube, {1.0}, {}), InvalidInput);
  EXPECT_THROW(derotated(cube, {1.0, double(kNan)}, {}), InvalidInput);
  EXPECT_THROW(derotated(cube, {1.0, 2.0}, {.centre = std::array<double, 2>{1e9, 0.0}}), InvalidInput);
  EXPECT_THROW(derotated(cube, {1.0, 2.0}, {.edge_blend = EdgeBlend::interp, .blend_fwhm = 0}), InvalidInput);
  // Options that would do nothing.
  for (const Border border : {Border::edge, Border::symmetric, Border::reflect, Border::wrap})
    EXPECT_THROW(derotated(cube, {1.0, 2.0}, {.method = Rotation::fft, .border = border}), InvalidInput);
  EXPECT_THROW(derotated(cube, {1.0, 2.0}, {.method = Rotation::fft, .keep_range = true}), InvalidInput);
  for (const Rotation method : kAll) {
    if (method != Rotation::fft) {
      EXPECT_THROW(derotated(cube, {1.0, 2.0}, {.method = method, .mask_value = 0}), InvalidInput);
    }
    EXPECT_THROW(derotated(cube, {1.0, 2.0}, {.method = method, .interpolate_zeros = true}), InvalidInput);
    EXPECT_THROW(derotated(cube, {1.0, 2.0}, {.method = method, .blend_fwhm = 2}), InvalidInput);
    EXPECT_THROW(derotated(cube, {1.0, 2.0}, {.method = method, .seed = 1}), InvalidInput);
    const RotateOptions with_a_blend{
        .method = method, .mask_value = 0, .edge_blend = EdgeBlend::interp_noise, .blend_fwhm = 2, .seed = 1};
    EXPECT_NO_THROW(derotated(cube, {1.0, 2.0}, with_a_blend));
  }
  const DeviceInput<float, 3> in(exec(), cube.view());
  Array<float, 3> wrong(exec(), {2, 4, 5});
  EXPECT_THROW(derotate(exec(), in.view(), {1.0, 2.0}, {}, wrong.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Derotate);

}  // namespace
}  // namespace hci::test
