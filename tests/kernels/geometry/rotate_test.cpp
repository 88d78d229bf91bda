// SPDX-License-Identifier: MIT
#include "kernels/geometry/rotate.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/geometry/centre.hpp"
#include "tests/kernels/geometry/turn_reference.hpp"
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

// The CPU copies frames with their border about them where it has many for each thread, and reads the frames
// themselves where it has not: the same taps. A turn by 45 degrees about a far centre reads too far for a copy.
TEST(DerotateOnCpu, HasTheSameBitsFromFramesWithTheirBorderAboutThem) {
  const std::vector<double> angles = {12.34, -67.1, 45, 200};
  auto cube = noise_cube({4, 66, 71}, 12);
  cube.view()(1, 30, 2) = kNan;
  Exec one({.threads = 1}), many({.threads = 4});
  Array<float, 3> copied(one, cube.extents()), read(many, cube.extents());
  for (const Rotation method : kAll)
    for (const Border border : {Border::constant, Border::edge, Border::symmetric, Border::reflect, Border::wrap})
      for (const double y : {33.0, 40.7, 200.0}) {
        if (method == Rotation::fft) continue;
        RotateOptions options{.method = method, .border = border, .centre = {{y, 30.0}}};
        options.keep_range = border == Border::constant && y == 33.0;
        derotate(one, cube.view(), angles, options, copied.view());
        derotate(many, cube.view(), angles, options, read.view());
        for (index_t i = 0; i < cube.size(); ++i)
          ASSERT_EQ(std::bit_cast<std::uint32_t>(copied.data()[i]), std::bit_cast<std::uint32_t>(read.data()[i]))
              << "method " << int(method) << ", border " << int(border) << ", about " << y << ", pixel " << i;
      }
}

/// The smallest and the largest number of a frame, and the frame less the smallest; of one of NaN alone all numbers,
/// and 0 is taken away.
struct Raised {
  double low = -INFINITY, high = INFINITY, taken = 0;
  Array<float, 2> frame;
  explicit Raised(const Frame<const float>& from) : frame(host_array<float, 2>(from.extents())) {
    double smallest = INFINITY, largest = -INFINITY;
    for (index_t y = 0; y < from.extent(0); ++y)
      for (index_t x = 0; x < from.extent(1); ++x) {
        if (std::isnan(from(y, x))) continue;
        smallest = std::min(smallest, double(from(y, x)));
        largest = std::max(largest, double(from(y, x)));
      }
    if (smallest <= largest) low = taken = smallest, high = largest;
    for (index_t y = 0; y < from.extent(0); ++y)
      for (index_t x = 0; x < from.extent(1); ++x) frame.view()(y, x) = static_cast<float>(double(from(y, x)) - taken);
  }
  Frame<const float> view() const { return frame.view(); }
  double held(double value) const { return std::clamp(value + taken, low, high); }
};

// As VIP's skimage: with values - lowest in place of the values, zeros are what is beyond; then held. A frame of
// numbers, one whose smallest and largest pixels are NaN, and one of NaN alone. Taking the smallest away rounds once
// more.
TEST_P(Derotate, KeepsTheRangeOfTheFrameOnRequest) {
  constexpr Extents<3> kShape{3, 12, 15};
  auto cube = noise_cube(kShape, 8);
  const index_t pixels = kShape[1] * kShape[2];
  for (const bool largest : {false, true}) {
    float* const second = cube.data() + pixels;
    const auto less = [](float p, float q) { return p < q; };
    *(largest ? std::max_element(second, second + pixels, less) : std::min_element(second, second + pixels, less)) =
        kNan;
  }
  std::fill_n(cube.data() + 2 * pixels, pixels, kNan);
  const std::vector<double> angles = {31, -104, 20};
  for (const Rotation method : kAll) {
    if (method == Rotation::fft) continue;
    for (const Border border : {Border::constant, Border::edge, Border::symmetric, Border::reflect, Border::wrap}) {
      const RotateOptions options{.method = method, .border = border, .keep_range = true};
      const auto out = derotated(cube, angles, options);
      index_t holds = 0;
      for (index_t t = 0; t < 3; ++t) {
        const Raised raised(cube.view()[t]);
        const TurnedFrame turned(raised.view(), angles[std::size_t(t)], options);
        for (index_t y = 0; y < kShape[1]; ++y)
          for (index_t x = 0; x < kShape[2]; ++x) {
            const double value = turned(double(y), double(x));
            const std::string where = testing::PrintToString(std::tuple(int(method), int(border), t, y, x));
            if (std::isnan(value)) {
              ASSERT_TRUE(std::isnan(out.view()(t, y, x))) << where;
              continue;
            }
            ASSERT_NEAR(out.view()(t, y, x), raised.held(value), rounding_of(method)) << where;
            holds += raised.held(value) != value + raised.taken;
          }
      }
      if (method != Rotation::nearest && method != Rotation::bilinear) {  // weighted means
        EXPECT_GT(holds, 0) << int(method) << ", " << int(border);
      }
    }
  }
}

/// The largest sums, over all places between pixels, of the sizes of Lanczos-4's weights and of their slopes (by
/// differences over 1e-6 px), the weights made to sum to 1.
std::pair<double, double> lanczos4_sizes() {
  const auto weights = [](double fraction) {
    std::vector<double> w;
    double sum = 0;
    for (int tap = -3; tap <= 4; ++tap) w.push_back(kernel(Rotation::lanczos4, fraction - tap)), sum += w.back();
    for (double& weight : w) weight /= sum;
    return w;
  };
  double sizes = 0, slopes = 0;
  for (int i = 1; i < 1000; ++i) {
    const auto w = weights(i * 1e-3), low = weights(i * 1e-3 - 5e-7), high = weights(i * 1e-3 + 5e-7);
    double size = 0, slope = 0;
    for (std::size_t tap = 0; tap < 8; ++tap) {
      size += std::abs(w[tap]);
      slope += std::abs(high[tap] - low[tap]) / 1e-6;
    }
    sizes = std::max(sizes, size);
    slopes = std::max(slopes, slope);
  }
  return {sizes, slopes};
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
      // A value is 8 x 8 products: it changes by the slopes of one axis times the sizes of the other, of the largest
      // pixel; and 64 products in float32.
      const auto [sizes, slopes] = lanczos4_sizes();
      const float* const largest = std::max_element(cube.data(), cube.data() + cube.size(),
                                                    [](float p, float q) { return std::abs(p) < std::abs(q); });
      const double most =
          std::abs(*largest) * (2 * slopes * sizes * (1.0 / 64 + 1.0 / 1024) + 64 * 6e-8 * sizes * sizes);
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

/// A frame and its margin as edge_blend 'interp' makes them, in double; without `smooth`, holes and margin are 0.
Array<float, 2> blended(const Frame<const float>& frame, Extents<2> padded, const RotateOptions& options, bool smooth) {
  const index_t down = padded[0] / 2 - frame.extent(0) / 2, right = padded[1] / 2 - frame.extent(1) / 2;
  const double sigma = options.blend_fwhm / 2.3548200450309493;
  const auto reach = static_cast<index_t>(std::ceil(8 * sigma)) / 2;
  const auto pixel = [&](index_t y, index_t x) {
    const bool inside = y >= 0 && y < frame.extent(0) && x >= 0 && x < frame.extent(1);
    const float v = inside ? frame(y, x) : kNan;
    const bool hole = v == options.mask_value && (v != 0 || options.interpolate_zeros);
    return hole ? kNan : v;
  };
  auto filled = host_array<float, 2>(padded);
  for (index_t y = -down; y < padded[0] - down; ++y)
    for (index_t x = -right; x < padded[1] - right; ++x) {
      double sum = 0, weights = 0;
      for (index_t j = y - reach; j <= y + reach; ++j)
        for (index_t i = x - reach; i <= x + reach; ++i) {
          const bool beyond = j < -down || j >= padded[0] - down || i < -right || i >= padded[1] - right;
          if (!beyond && std::isnan(pixel(j, i))) continue;
          const double w = std::exp(-double((j - y) * (j - y) + (i - x) * (i - x)) / (2 * sigma * sigma));
          weights += w;
          sum += beyond ? 0 : w * double(pixel(j, i));
        }
      const double mean = smooth && weights > 0 ? sum / weights : 0;
      filled.view()(y + down, x + right) = std::isnan(pixel(y, x)) ? static_cast<float>(mean) : pixel(y, x);
    }
  return filled;
}

/// VIP's side with a margin for all methods but fft.
index_t with_margin(index_t side) {
  const index_t padded = side * 11 / 10;
  return padded + (padded - side) % 2;
}

// NaN, pixels of the mask value and zeros, and the margin, by the definition: filled in double, turned by the
// reference, put back. In noise mode holes are 0; what reads the margin's noise is left out.
TEST_P(Derotate, FillsHolesAndMarginBeforeTheTurnOnRequest) {
  const std::vector<double> angles = {25, -140};
  for (const Extents<3> shape : {Extents<3>{2, 21, 21}, {2, 20, 26}})
    for (const float mask : {kNan, 0.0F, 7.0F})
      for (const bool zeros : {false, true})
        for (const auto& [blend, fwhm] :
             {std::pair{EdgeBlend::interp, 1.0}, {EdgeBlend::interp, 2.3}, {EdgeBlend::noise, 1.0}}) {
          auto cube = noise_cube(shape, 9);
          for (index_t t = 0; t < 2; ++t) {
            cube.view()(t, 9, 7) = cube.view()(t, 9, 8) = cube.view()(t, 0, 3) = kNan;
            cube.view()(t, 12, 13) = cube.view()(t, 13, 13) = cube.view()(t, 5, 0) = mask;
            cube.view()(t, 6, 11) = cube.view()(t, 15, 9) = 0;
          }
          const RotateOptions options{.method = Rotation::bilinear,
                                      .mask_value = mask,
                                      .edge_blend = blend,
                                      .interpolate_zeros = zeros,
                                      .blend_fwhm = fwhm};
          const auto out = derotated(cube, angles, options);
          const Extents<2> padded{with_margin(shape[1]), with_margin(shape[2])};
          const index_t down = padded[0] / 2 - shape[1] / 2, right = padded[1] / 2 - shape[2] / 2;
          for (index_t t = 0; t < 2; ++t) {
            const Frame<const float> frame = cube.view()[t];
            const auto filled = blended(frame, padded, options, blend == EdgeBlend::interp);
            const auto reference = reference_frame(Frame<const float>(filled.view()), options.method, options.border);
            const double c = std::cos(angles[std::size_t(t)] * M_PI / 180),
                         s = std::sin(angles[std::size_t(t)] * M_PI / 180);
            for (index_t y = 0; y < shape[1]; ++y)
              for (index_t x = 0; x < shape[2]; ++x) {
                const float value = out.view()(t, y, x), before = frame(y, x);
                const std::string where = testing::PrintToString(std::tuple(mask, zeros, int(blend), t, y, x));
                if (before == mask || std::isnan(before)) {  // what it was, NaN for any mask
                  ASSERT_TRUE(std::isnan(before) ? std::isnan(value) : value == mask) << where;
                  continue;
                }
                const double dy = double(y - shape[1] / 2), dx = double(x - shape[2] / 2);
                const double sy = double(shape[1] / 2) - s * dx + c * dy, sx = double(shape[2] / 2) + c * dx + s * dy;
                const bool inside = sy >= 0 && sy <= double(shape[1] - 1) && sx >= 0 && sx <= double(shape[2] - 1);
                if (blend == EdgeBlend::noise && !inside) continue;
                ASSERT_NEAR(value, reference_pixel(reference, angles[std::size_t(t)], options, y + down, x + right),
                            rounding_of(options.method))
                    << where;
              }
          }
        }
}

// What turns is the frame with its holes filled and its margin, which beyond the Gaussian's window is 0: far below the
// frame's own pixels.
TEST_P(Derotate, HoldsABlendedFrameToTheRangeOfWhatTurns) {
  const std::vector<double> angles = {25, -140};
  for (const Extents<3> shape : {Extents<3>{2, 21, 21}, {2, 20, 26}}) {
    auto cube = noise_cube(shape, 9);
    for (index_t i = 0; i < cube.size(); ++i) cube.data()[i] += 100;
    for (index_t t = 0; t < 2; ++t) cube.view()(t, 9, 7) = cube.view()(t, 9, 8) = cube.view()(t, 0, 3) = kNan;
    for (const Rotation method : {Rotation::lanczos4, Rotation::bicubic, Rotation::bilinear})
      for (const bool smooth : {true, false}) {
        const RotateOptions options{
            .method = method, .keep_range = true, .edge_blend = smooth ? EdgeBlend::interp : EdgeBlend::noise};
        const auto out = derotated(cube, angles, options);
        const Extents<2> padded{with_margin(shape[1]), with_margin(shape[2])};
        const index_t down = padded[0] / 2 - shape[1] / 2, right = padded[1] / 2 - shape[2] / 2;
        for (index_t t = 0; t < 2; ++t) {
          const Raised own(cube.view()[t]);
          const auto filled = blended(cube.view()[t], padded, options, true);
          const Raised raised(Frame<const float>(filled.view()));
          ASSERT_LT(raised.low, own.low - 1);
          const TurnedFrame turned(raised.view(), angles[std::size_t(t)], options);
          bool below_the_frame = false;
          for (index_t y = 0; y < shape[1]; ++y)
            for (index_t x = 0; x < shape[2]; ++x) {
              const float value = out.view()(t, y, x);
              if (std::isnan(cube.view()(t, y, x))) {
                ASSERT_TRUE(std::isnan(value));
                continue;
              }
              below_the_frame = below_the_frame || double(value) < own.low - 1;
              if (!smooth) continue;  // the noise is its own; that the filled holes, 0, count shows below
              ASSERT_NEAR(value, raised.held(turned(double(y + down), double(x + right))), 4 * rounding_of(method))
                  << int(method) << ", " << t << " " << y << " " << x;
            }
          EXPECT_TRUE(below_the_frame) << int(method) << ", " << t;
        }
      }
  }
}

/// Level and scatter of what a clipping at 1.5 standard deviations about the median, repeated while it takes something
/// away and 5 times at most, leaves of the values.
std::pair<double, double> clipped_statistics(std::vector<double> values) {
  for (int clips = 0;; ++clips) {
    std::sort(values.begin(), values.end());
    const std::size_t n = values.size();
    const double median = (values[(n - 1) / 2] + values[n / 2]) / 2;
    double mean = 0, squares = 0;
    for (const double v : values) mean += v / double(n);
    for (const double v : values) squares += (v - mean) * (v - mean) / double(n);
    const double deviation = std::sqrt(squares);
    const auto gone = std::erase_if(values, [=](double v) { return std::abs(v - median) > 1.5 * deviation; });
    if (gone == 0 || clips == 5) return {median, deviation};
  }
}

// Frames of noise, each with a level and a scatter of its own, some pixels far off: a corner that turns in comes from
// the margin, whose noise has the clipped statistics of the frame. In units of these it has mean 0 and deviation 1: n
// deviates give them to 1 / sqrt(n) and 1 / sqrt(2 n), and five times that is allowed.
TEST_P(Derotate, FillsTheMarginWithNoiseOnRequest) {
  constexpr index_t kFrames = 40, kSide = 40;
  auto cube = noise_cube({kFrames, kSide, kSide}, 21);
  std::vector<std::pair<double, double>> statistics;
  for (index_t t = 0; t < kFrames; ++t) {
    std::vector<double> values;
    for (index_t i = 0; i < kSide * kSide; ++i) {
      float& v = cube.data()[t * kSide * kSide + i];
      v = 100 + 3 * float(t) + (0.1F + 0.02F * float(t)) * v + (i % 50 == 7 ? 400.0F : 0.0F);
      values.push_back(double(v));
    }
    statistics.push_back(clipped_statistics(values));
  }
  RotateOptions options{.method = Rotation::nearest, .edge_blend = EdgeBlend::noise, .seed = 4};
  const std::vector<double> angles(kFrames, 8.0);
  const auto out = derotated(cube, angles, options), again = derotated(cube, angles, options);
  const auto plain = derotated(cube, angles, {.method = Rotation::nearest});
  double n = 0, sum = 0, squares = 0;
  for (index_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(out.data()[i], again.data()[i]);
    if (plain.data()[i] != 0 || out.data()[i] == 0) continue;  // 0: from beyond the frame, and beyond its margin
    const auto [level, scatter] = statistics[std::size_t(i / (kSide * kSide))];
    const double deviate = (double(out.data()[i]) - level) / scatter;
    n += 1, sum += deviate, squares += deviate * deviate;
  }
  ASSERT_GT(n, 1000);
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(std::sqrt(squares / n), 1, 5 / std::sqrt(2 * n));
  options.seed = 5;
  const auto other = derotated(cube, angles, options);
  index_t different = 0;
  for (index_t i = 0; i < out.size(); ++i) different += other.data()[i] != out.data()[i];
  EXPECT_EQ(different, index_t(n));  // the margin, and nothing else
  options.edge_blend = EdgeBlend::interp_noise;
  EXPECT_FALSE(std::isnan(derotated(cube, angles, options).view()(0, 0, 0)));
}

/// Whether the taps of a method about a place, all or none of whose roundings are in doubt within `doubt` px, take in
/// the pixel: continued beyond the edges. Nothing where they are in doubt.
std::optional<bool> reads(Rotation method, double place, double doubt, index_t pixel, index_t n, Border border) {
  const double raised = window(method, place).first % 2 == 1 ? place + 0.5 : place;
  if (std::abs(raised - std::rint(raised)) < doubt) return std::nullopt;
  const auto [taps, first] = window(method, place);
  for (index_t i = first; i < first + taps; ++i)
    if (continued(i, n, border) == pixel) return true;
  return false;
}

// A NaN within, one at an edge: the pixels whose taps take it in are NaN, whatever they weigh, and no others. Places of
// lanczos4 are up to 1/64 + 1/512 px off: where that decides, nothing is asked, some 7 of 100 pixels.
TEST_P(Derotate, LetsANanReachTheOutputPixelsThatReadItAndNoOthers) {
  constexpr index_t kRows = 29, kColumns = 33;
  constexpr double kAngle = 31;
  const double c = std::cos(kAngle * M_PI / 180), s = std::sin(kAngle * M_PI / 180);
  for (const auto& [row, column] : {std::pair<index_t, index_t>{12, 20}, {0, 9}, {17, 32}}) {
    auto cube = noise_cube({1, kRows, kColumns}, 4);
    cube.view()(0, row, column) = kNan;
    for (const Rotation method : kAll) {
      if (method == Rotation::fft) continue;
      const double doubt = method == Rotation::lanczos4 ? 1.0 / 64 + 1.0 / 512 : 1e-6;
      for (const Border border : {Border::constant, Border::edge, Border::symmetric, Border::reflect, Border::wrap}) {
        const auto out = derotated(cube, {kAngle}, {.method = method, .border = border});
        index_t asked = 0, reached = 0;
        for (index_t y = 0; y < kRows; ++y)
          for (index_t x = 0; x < kColumns; ++x) {
            const double dy = double(y - kRows / 2), dx = double(x - kColumns / 2);
            const auto by_rows = reads(method, double(kRows / 2) - s * dx + c * dy, doubt, row, kRows, border);
            const auto by_columns =
                reads(method, double(kColumns / 2) + c * dx + s * dy, doubt, column, kColumns, border);
            if (!by_rows || !by_columns) continue;
            ++asked;
            reached += *by_rows && *by_columns;
            ASSERT_EQ(std::isnan(out.view()(0, y, x)), *by_rows && *by_columns)
                << "method " << int(method) << ", border " << int(border) << ", NaN at " << row << " " << column << ": "
                << y << " " << x;
          }
        EXPECT_GT(double(asked), 0.85 * kRows * kColumns);
        // At an edge it may turn out of the frame, and nearest may pass it by.
        EXPECT_TRUE(reached > 0 || method == Rotation::nearest || row != 12);
      }
    }
  }
}

// The three shears as sums over frequencies, of noise, on a square as long as VIP's padding makes it, about the centre
// and others. In double, rounded to float32.
TEST_P(Derotate, ByFftIsThreeShearsOfSumsOverFrequencies) {
  const std::vector<double> angles = {17.3, -40.2, 77.7, 222.5};
  for (const auto& [shape, length] :
       {std::pair<Extents<3>, index_t>{{4, 9, 9}, 34}, {{4, 8, 8}, 32}, {{4, 8, 11}, 44}}) {
    const auto cube = noise_cube(shape, 31);
    for (const auto& [y, x] : {std::pair{0.0, 0.0}, {1.3, -0.8}, {-2.0, 0.0}, {0.0, 0.6}}) {
      RotateOptions options{.method = Rotation::fft};
      if (y != 0 || x != 0) options.centre = {{frame_centre(shape[1]) + y, frame_centre(shape[2]) + x}};
      const auto out = derotated(cube, angles, options);
      for (index_t t = 0; t < 4; ++t) {
        const auto turned = turned_by_shears(Frame<const float>(cube.view()[t]), angles[std::size_t(t)], length, y, x);
        for (index_t i = 0; i < shape[1] * shape[2]; ++i) {
          const double want = turned[std::size_t(i)];
          ASSERT_NEAR(out.view()[t].data()[i], want, 6e-8 * std::abs(want) + 1e-11)
              << "angle " << angles[std::size_t(t)] << ", about " << y << " " << x << ", pixel " << i;
        }
      }
    }
  }
}

// Besides masked pixels a NaN, which stays one whatever the mask.
TEST_P(Derotate, ByFftPutsMasksBackWhereTheyWereAndSpreadsNone) {
  auto plain = noise_cube({1, 20, 20}, 6);
  for (index_t y = 8; y < 13; ++y)
    for (index_t x = 8; x < 13; ++x) plain.view()(0, y, x) = 0;
  plain.view()(0, 3, 15) = 0;
  auto masked = host_array<float, 3>(plain.extents());
  for (const float mask : {kNan, 7.0F, 0.0F}) {
    std::copy_n(plain.data(), plain.size(), masked.data());
    for (index_t y = 8; y < 13; ++y)
      for (index_t x = 8; x < 13; ++x) masked.view()(0, y, x) = mask;
    masked.view()(0, 3, 15) = kNan;
    const auto expected = derotated(plain, {25.0}, {.method = Rotation::fft});
    const auto out = derotated(masked, {25.0}, {.method = Rotation::fft, .mask_value = mask});
    for (index_t y = 0; y < 20; ++y)
      for (index_t x = 0; x < 20; ++x) {
        const float value = out.view()(0, y, x);
        if (y == 3 && x == 15)
          EXPECT_TRUE(std::isnan(value)) << mask;
        else if (y >= 8 && y < 13 && x >= 8 && x < 13)
          EXPECT_TRUE(std::isnan(mask) ? std::isnan(value) : value == mask);
        else
          EXPECT_EQ(value, expected.view()(0, y, x));
      }
  }
}

TEST_P(Derotate, TakesOneFrameAndOnePixel) {
  auto cube = host_array<float, 3>({1, 1, 1});
  cube.data()[0] = 5;
  // The pixel has all the weight, exactly; fft rounds to float32. A spline's coefficients of one pixel among zeros are
  // at most 2.3 times as large in each axis (order 5), and 14 times rounded: themselves, their weights, 6 + 6 sums.
  for (const Rotation method : kAll)
    EXPECT_NEAR(derotated(cube, {40.0}, {.method = method}).data()[0], 5,
                spline_order(method) > 0  ? 5 * 2.3 * 2.3 * 14 * 6e-8
                : method == Rotation::fft ? 5 * 6e-8
                                          : 0)
        << int(method);
}

/// The same bits, NaN for NaN.
void expect_the_same(const Array<float, 3>& got, const Array<float, 3>& want, const std::string& what) {
  for (index_t i = 0; i < want.size(); ++i)
    ASSERT_TRUE(got.data()[i] == want.data()[i] || (std::isnan(got.data()[i]) && std::isnan(want.data()[i])))
        << what << ", pixel " << i << ": " << got.data()[i] << ", not " << want.data()[i];
}

// In one tile and in several, with holes, about the frame's centre and another one.
TEST_P(Derotate, WorksInPlaceByFftAndWithABlend) {
  constexpr std::pair<Rotation, EdgeBlend> kWays[] = {{Rotation::fft, EdgeBlend::none},
                                                      {Rotation::fft, EdgeBlend::interp},
                                                      {Rotation::lanczos4, EdgeBlend::interp},
                                                      {Rotation::spline3, EdgeBlend::noise}};
  auto cube = noise_cube({3, 14, 17}, 12);
  for (index_t t = 0; t < 3; ++t) cube.view()(t, 3 + t, 9) = kNan, cube.view()(t, 8, 2 * t) = 7;
  const std::vector<double> angles = {33, -120, 90};
  for (const auto& [method, blend] : kWays)
    for (const bool centred : {true, false})
      for (const index_t limit : {index_t{1}, index_t{1} << 28}) {
        const ScratchLimit tiles(limit);
        RotateOptions options{.method = method, .mask_value = 7, .edge_blend = blend};
        if (!centred) options.centre = std::array<double, 2>{6.5, 9};
        auto place = to_device(exec(), cube.view());
        derotate(exec(), place.view(), angles, options, place.view());
        expect_the_same(to_host(exec(), View<const float, 3>(place.view())), derotated(cube, angles, options),
                        testing::PrintToString(std::tuple(int(method), int(blend), centred, limit)));
      }
}

TEST_P(Derotate, RefusesOtherOverlaps) {
  const auto cube = noise_cube({3, 6, 7}, 12);
  auto place = to_device(exec(), cube.view());
  const Cube<float> first = slice(place.view(), 0, 2), last = slice(place.view(), 1, 2);
  for (const Rotation method : kAll) {
    if (method != Rotation::fft) {
      EXPECT_THROW(derotate(exec(), first, {10, 20}, {.method = method}, first), InvalidInput) << int(method);
    }
    EXPECT_THROW(derotate(exec(), first, {10, 20}, {.method = method}, last), InvalidInput) << int(method);
    EXPECT_THROW(derotate(exec(), last, {10, 20}, {.method = method, .edge_blend = EdgeBlend::interp}, first),
                 InvalidInput)
        << int(method);
    const Cube<float> upside_down(first.data(), {2, 6, 7}, {42, 7, -1});
    EXPECT_THROW(derotate(exec(), first, {10, 20}, {.method = method}, upside_down), InvalidInput) << int(method);
    EXPECT_NO_THROW(derotate(exec(), slice(first, 0, 1), {10}, {.method = method}, slice(place.view(), 1, 1)));
  }
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
    EXPECT_THROW(derotated(cube, {1.0, 2.0}, {.method = method, .edge_blend = EdgeBlend::noise, .blend_fwhm = 2}),
                 InvalidInput);
    EXPECT_THROW(derotated(cube, {1.0, 2.0}, {.method = method, .edge_blend = EdgeBlend::interp, .seed = 1}),
                 InvalidInput);
  }
  const DeviceInput<float, 3> in(exec(), cube.view());
  Array<float, 3> wrong(exec(), {2, 4, 5});
  EXPECT_THROW(derotate(exec(), in.view(), {1.0, 2.0}, {}, wrong.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Derotate);

}  // namespace
}  // namespace hci::test
