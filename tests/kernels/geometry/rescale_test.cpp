// SPDX-License-Identifier: MIT
#include "kernels/geometry/rescale.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/geometry/resample.hpp"
#include "tests/kernels/geometry/fourier_reference.hpp"
#include "tests/kernels/geometry/interpolation_reference.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Array<float, 3> noise(Extents<3> extents, unsigned seed) { return test::noise<3>(extents, seed, 0, 10); }

class Rescale : public OnEveryDevice {
 protected:
  template <class Work>
  Array<float, 3> made(const Array<float, 3>& cube, Extents<2> sides, const Work& work) {
    const auto in = to_device(exec(), cube.view());
    Array<float, 3> out(exec(), {cube.extent(0), sides[0], sides[1]});
    work(std::as_const(in).view(), out.view());
    return to_host(exec(), std::as_const(out).view());
  }
  Array<float, 3> rescaled(const Array<float, 3>& cube, const std::vector<double>& scales, Extents<2> sides,
                           const RescaleOptions& options = {}) {
    return made(cube, sides, [&](auto in, auto out) { rescale(exec(), in, scales, options, out); });
  }
  Array<float, 3> resampled(const Array<float, 3>& cube, double scale, const ResampleOptions& options = {}) {
    const Extents<2> sides = resampled_sides({cube.extent(1), cube.extent(2)}, scale, options.method, options.scale_x);
    return made(cube, sides, [&](auto in, auto out) { resample(exec(), in, scale, options, out); });
  }
};

Extents<2> sides_of(const Array<float, 3>& cube) { return {cube.extent(1), cube.extent(2)}; }

constexpr Rotation kByTaps[] = {Rotation::lanczos4, Rotation::bicubic, Rotation::catmull_rom, Rotation::bilinear,
                                Rotation::nearest};
/// Weights and sums of 8 + 8 products in float32, of values up to 50, with weights whose sizes sum to 1.75 at most in
/// each axis.
constexpr double kRounding = 2 * 16 * 6e-8 * 50 * 1.75 * 1.75;

// About a point between pixels that is not the frame's centre, onto frames of other sides; scales alike along both axes
// and not.
TEST_P(Rescale, AgreesWithTheDefinitionOfEachMethodAndBorder) {
  const std::vector<double> scales = {1.27, 0.81, 1.0, 1.27}, others = {0.93, 1.4, 1.0, 1.27};
  for (const Extents<3> extents : {Extents<3>{4, 21, 21}, {4, 20, 27}, {4, 1, 3}, {4, 9, 40}, {4, 1, 1}})
    for (const Extents<2> grown : {Extents<2>{0, 0}, {6, -1}, {-1, 8}})
      for (const Rotation method : kByTaps)
        for (const Border border : {Border::constant, Border::edge, Border::symmetric, Border::reflect, Border::wrap}) {
          if (grown[0] != 0 && (method != Rotation::bicubic || extents[1] + grown[0] < 1)) continue;
          const auto cube = noise(extents, 1);
          const Extents<2> sides{extents[1] + grown[0], extents[2] + grown[1]};
          RescaleOptions options{.method = method, .border = border, .centre = std::array<double, 2>{4.2, 7.9}};
          if (extents[1] != extents[2]) options.scales_x = others;
          const auto got = rescaled(cube, scales, sides, options);
          for (index_t t = 0; t < 4; ++t) {
            const auto reference = reference_frame(cube.view()[t], method, border);
            const double sy = scales[std::size_t(t)], sx = options.scales_x.empty() ? sy : others[std::size_t(t)];
            for (index_t y = 0; y < sides[0]; ++y)
              for (index_t x = 0; x < sides[1]; ++x) {
                // Offsets are counted from the frame's centres, the middle of magnification is (4.2, 7.9).
                const double in_y = double(y - sides[0] / 2 + extents[1] / 2);
                const double in_x = double(x - sides[1] / 2 + extents[2] / 2);
                ASSERT_LT(warp_error(got.view()(t, y, x), reference, method, border, 4.2 + (in_y - 4.2) / sy,
                                     7.9 + (in_x - 7.9) / sx, 1 / (sy * sx)),
                          kRounding / (sy * sx))
                    << int(method) << int(border) << " " << t << " " << y << " " << x;
              }
          }
        }
}

/// sigma px wide, of flux 1000, about a place.
double source(double y, double x, double cy, double cx, double sigma) {
  const double dy = y - cy, dx = x - cx;
  return 1000 / (2 * M_PI * sigma * sigma) * std::exp(-(dy * dy + dx * dx) / (2 * sigma * sigma));
}

// Gaussian sources of sigma 2 px have exp(-2 pi² 4 / 4) = 3e-9 of their power at Nyquist, and less than 1e-9 of their
// peak at the edge: fft magnifies the function itself, but for its scale, which is rational: with sides of 48 to 96
// pixels (41 gives 42 to 84) off by at most 1/2 pixel in 84; the list has those that come out exact to 1e-3.
TEST_P(Rescale, MagnifiesSourcesAndKeepsTheirFlux) {
  for (const Extents<2> sides : {Extents<2>{48, 48}, {41, 41}, {48, 41}}) {
    const std::vector<double> scales = {1.25, 0.8, 1.5, 1};
    const double cy = double(sides[0] / 2), cx = double(sides[1] / 2);
    auto cube = host_array<float, 3>({4, sides[0], sides[1]});
    for (index_t t = 0; t < 4; ++t)
      for (index_t y = 0; y < sides[0]; ++y)
        for (index_t x = 0; x < sides[1]; ++x)
          cube.view()(t, y, x) = static_cast<float>(source(double(y), double(x), cy + 3, cx - 4.5, 2));
    const auto got = rescaled(cube, scales, sides, {.method = Rotation::fft});
    for (index_t t = 0; t < 4; ++t)
      for (index_t y = 0; y < sides[0]; ++y)
        for (index_t x = 0; x < sides[1]; ++x) {
          const double s = scales[std::size_t(t)];
          ASSERT_NEAR(got.view()(t, y, x), source(double(y), double(x), cy + 3 * s, cx - 4.5 * s, 2 * s),
                      0.02 / std::min(1.0, s * s))
              << t << " " << y << " " << x;
        }
  }
}

// 12 and 11 (made 12): 1.25 = 15/12 has odd sides; the first exact one is 20/16. 0.75 = 12/16, 2 = 24/12.
TEST_P(Rescale, ByFftCropsOrExtendsTheTransform) {
  const std::vector<double> scales = {1.25, 0.75, 2};
  const std::pair<index_t, index_t> sides[] = {{16, 20}, {16, 12}, {12, 24}};
  for (const index_t n : {12, 11})
    for (const index_t out_side : {12, 11, 18}) {
      const auto cube = noise({3, n, n}, 2);
      const auto got = rescaled(cube, scales, {out_side, out_side}, {.method = Rotation::fft});
      for (index_t t = 0; t < 3; ++t) {
        const auto [p, q] = sides[t];
        std::vector<std::vector<std::complex<double>>> rows;
        for (index_t y = 0; y < n; ++y) {
          const float* row = &cube.view()(t, y, 0);
          rows.push_back(through_fourier({row, row + n}, p, q, out_side));
        }
        for (index_t x = 0; x < out_side; ++x) {
          std::vector<std::complex<double>> column;
          for (const auto& row : rows) column.push_back(row[std::size_t(x)]);
          const auto made = through_fourier(column, p, q, out_side);
          for (index_t y = 0; y < out_side; ++y)  // in double, rounded to float32: 6e-8 of values up to 50
            ASSERT_NEAR(got.view()(t, y, x), made[std::size_t(y)].real(), 3e-6)
                << n << " " << t << " " << y << " " << x;
        }
      }
    }
}

TEST_P(Rescale, ByOneChangesNothing) {
  for (const Extents<3> extents : {Extents<3>{2, 9, 9}, {1, 12, 7}, {3, 1, 1}})
    for (const Rotation method : {Rotation::fft, Rotation::lanczos4, Rotation::bicubic, Rotation::bilinear,
                                  Rotation::nearest, Rotation::spline3, Rotation::spline4}) {
      const auto cube = noise(extents, 3);
      const std::vector<double> ones(std::size_t(extents[0]), 1.0);
      const auto got = rescaled(cube, ones, sides_of(cube), {.method = method});
      // Coefficients of order 4 are up to 8 times as large as pixels in each axis, 64 x 30, and rounded to float32.
      const double rounding = spline_order(method) > 0 ? 3 * 6e-8 * 64 * 30 : 1e-5;
      for (index_t i = 0; i < cube.size(); ++i) EXPECT_NEAR(got.data()[i], cube.data()[i], rounding);
    }
}

TEST_P(Rescale, LetsNanThroughWhereItIsRead) {
  auto cube = noise({2, 15, 15}, 4);
  cube.view()(0, 7, 9) = kNan;
  for (const Rotation method : {Rotation::bilinear, Rotation::bicubic, Rotation::lanczos4}) {
    const auto got = rescaled(cube, {2, 2}, {15, 15}, {.method = method});
    const double reach = method == Rotation::bilinear ? 1 : method == Rotation::bicubic ? 2 : 4;
    for (index_t y = 0; y < 15; ++y)
      for (index_t x = 0; x < 15; ++x) {
        const double sy = 7 + double(y - 7) / 2, sx = 7 + double(x - 7) / 2;
        // Taps are floor - reach + 1 .. floor + reach.
        const auto reads = [reach](double at, double pixel) {
          return pixel >= std::floor(at) - reach + 1 && pixel <= std::floor(at) + reach;
        };
        EXPECT_EQ(std::isnan(got.view()(0, y, x)), reads(sy, 7) && reads(sx, 9)) << int(method) << " " << y << " " << x;
        EXPECT_FALSE(std::isnan(got.view()(1, y, x)));
      }
  }
  const auto got = rescaled(cube, {2, 2}, {15, 15}, {.method = Rotation::fft});
  for (index_t i = 0; i < 225; ++i) {
    EXPECT_TRUE(std::isnan(got.data()[i]));
    EXPECT_FALSE(std::isnan(got.data()[225 + i]));
  }
}

// Positions are exact, lanczos4's too; nearest takes the pixel that the left edge of the new one lies in, or with
// centres on one another the one that its middle is closest to.
TEST_P(Rescale, ResamplesWithEdgesOrCentresOnOneAnother) {
  for (const Extents<3> extents : {Extents<3>{2, 20, 23}, {1, 7, 7}, {1, 1, 2}})
    for (const std::array<double, 2>& scale :
         {std::array<double, 2>{1.5, 1.5}, {0.7, 0.7}, {2.0, 2.0}, {1.3, 0.6}, {0.5, 2.4}})
      for (const bool keep_centre : {false, true})
        for (const Rotation method : kByTaps) {
          const auto cube = noise(extents, 6);
          ResampleOptions options{.method = method, .keep_centre = keep_centre};
          if (scale[1] != scale[0]) options.scale_x = scale[1];
          const auto got = resampled(cube, scale[0], options);
          EXPECT_EQ(got.extent(1), std::max(1LL, std::llrint(double(extents[1]) * scale[0])));
          EXPECT_EQ(got.extent(2), std::max(1LL, std::llrint(double(extents[2]) * scale[1])));
          const auto from = [&](int axis, index_t i) {
            const double s = scale[std::size_t(axis - 1)];
            if (keep_centre) return double(i - got.extent(axis) / 2) / s + double(extents[axis] / 2);
            return method == Rotation::nearest ? std::floor(double(i) / s) : (double(i) + 0.5) / s - 0.5;
          };
          for (index_t t = 0; t < extents[0]; ++t) {
            const auto reference = reference_frame(cube.view()[t], method, Border::edge);
            for (index_t y = 0; y < got.extent(1); ++y)
              for (index_t x = 0; x < got.extent(2); ++x) {
                const double want = reference_value(reference, method, Border::edge, from(1, y), from(2, x));
                ASSERT_NEAR(got.view()(t, y, x), want / (scale[0] * scale[1]), kRounding / (scale[0] * scale[1]))
                    << int(method) << keep_centre << " " << scale[0] << " " << y << " " << x;
              }
          }
        }
  const auto frame = noise({1, 4, 4}, 7);
  const auto doubled = resampled(frame, 2, {.method = Rotation::nearest});
  for (index_t y = 0; y < 8; ++y)
    for (index_t x = 0; x < 8; ++x) EXPECT_EQ(doubled.view()(0, y, x), frame.view()(0, y / 2, x / 2) / 4);
}

// A frame without structure stays one: all methods' weights sum to 1, and frames go on by their edge or mirror image.
TEST_P(Rescale, ResamplesOnePixelAndToOnePixel) {
  for (const Rotation method :
       {Rotation::lanczos4, Rotation::bicubic, Rotation::catmull_rom, Rotation::bilinear, Rotation::nearest,
        Rotation::spline2, Rotation::spline3, Rotation::spline4, Rotation::spline5})
    for (const auto& [sides, scale] :
         {std::pair<Extents<2>, double>{{1, 1}, 0.5}, {{1, 1}, 1}, {{1, 1}, 3}, {{3, 4}, 0.2}, {{21, 2}, 0.05}})
      for (const bool keep_centre : {false, true}) {
        auto cube = host_array<float, 3>({1, sides[0], sides[1]});
        std::fill_n(cube.data(), cube.size(), 5.0F);
        const auto got = resampled(cube, scale, {.method = method, .keep_centre = keep_centre});
        ASSERT_EQ(got.extent(1), std::max(1LL, std::llrint(double(sides[0]) * scale)));
        ASSERT_EQ(got.extent(2), std::max(1LL, std::llrint(double(sides[1]) * scale)));
        // 8 + 8 products in float32 with weights of up to 1.2 in size that are rounded themselves; the coefficients of
        // a constant are the constant.
        for (index_t i = 0; i < got.size(); ++i)
          EXPECT_NEAR(got.data()[i] * scale * scale, 5, 2 * 16 * 6e-8 * 5) << int(method) << " " << scale;
      }
}

// Made even and padded so that the sides are p and q: the closest ratio to the scale, q at least 2.
TEST_P(Rescale, ResamplesSmallFramesByFft) {
  struct Case {
    index_t side;
    double scale;
    index_t made, p, q;
  };
  for (const Case& c : {Case{1, 0.5, 1, 4, 2},
                        {1, 1, 1, 2, 2},
                        {1, 3, 5, 2, 6},
                        {2, 0.05, 2, 4, 2},
                        {3, 0.2, 1, 8, 2},
                        {21, 0.05, 1, 40, 2}}) {
    ASSERT_TRUE((resampled_sides({c.side, c.side}, c.scale, Rotation::fft) == Extents<2>{c.made, c.made})) << c.side;
    const auto cube = noise({1, c.side, c.side}, 11);
    const auto got = resampled(cube, c.scale, {.method = Rotation::fft});
    std::vector<std::vector<std::complex<double>>> rows;
    for (index_t y = 0; y < c.side; ++y) {
      const float* row = &cube.view()(0, y, 0);
      rows.push_back(through_fourier({row, row + c.side}, c.p, c.q, c.made));
    }
    for (index_t x = 0; x < c.made; ++x) {
      std::vector<std::complex<double>> column;
      for (const auto& row : rows) column.push_back(row[std::size_t(x)]);
      const auto made = through_fourier(column, c.p, c.q, c.made);
      for (index_t y = 0; y < c.made; ++y)  // in double, rounded to float32
        EXPECT_NEAR(got.view()(0, y, x), made[std::size_t(y)].real(), 6e-8 * std::abs(made[std::size_t(y)]) + 1e-12)
            << c.side << " " << c.scale;
    }
  }
  EXPECT_THROW(resampled_sides({3, 3}, 0, Rotation::fft), InvalidInput);
}

TEST_P(Rescale, ReadsAndWritesStridedCubes) {
  constexpr index_t kFar = index_t{1} << 31;
  const auto cube = noise({2, 10, 12}, 8);
  const auto dense = rescaled(cube, {1.3, 0.9}, {10, 12});
  // Every second column, and a cube whose second frame lies before the first one.
  Array<float, 3> wide(exec(), {2, 10, 24});
  const auto in = to_device(exec(), cube.view());
  const Cube<const float> backwards(in.data() + 120, {2, 10, 12}, {-120, 12, 1});
  const Cube<float> sparse(wide.data(), {2, 10, 12}, {240, 24, 2});
  rescale(exec(), backwards, {0.9, 1.3}, {}, sparse);
  const auto got = to_host(exec(), std::as_const(wide).view());
  for (index_t t = 0; t < 2; ++t)
    for (index_t y = 0; y < 10; ++y)
      for (index_t x = 0; x < 12; ++x) ASSERT_NEAR(got.view()(t, y, 2 * x), dense.view()(1 - t, y, x), 32 * 6e-8 * 50);
  // Frames 2^31 values apart, of which the first is not there: one pixel, kept by a scale of 1.
  const auto pixel = to_device(exec(), std::vector<float>{3});
  Array<float, 3> out(exec(), {1, 1, 1});
  const Cube<const float> far = slice(Cube<const float>(pixel.data() - kFar, {2, 1, 1}, {kFar, 1, 1}), 1, 1);
  rescale(exec(), far, {1}, {.method = Rotation::bilinear}, out.view());
  EXPECT_EQ(to_host(exec(), std::as_const(out).view()).data()[0], 3);
}

TEST_P(Rescale, IsTheSameForAnyNumberOfThreads) {
  const auto cube = noise({7, 18, 21}, 12);
  const std::vector<double> scales = {1.3, 0.8, 1.1, 1.3, 1, 0.8, 1.3};
  const auto by_threads = [&](int threads, Rotation method) {
    Exec::Options options = GetParam().options;
    options.threads = threads;
    Exec some(options);
    const auto in = to_device(some, cube.view());
    Array<float, 3> out(some, {7, 20, 19});
    rescale(some, in.view(), scales, {.method = method}, out.view());
    return to_host(some, std::as_const(out).view());
  };
  for (const Rotation method : {Rotation::fft, Rotation::lanczos4, Rotation::spline3}) {
    const auto one = by_threads(1, method);
    for (const int threads : {2, 5})
      EXPECT_EQ(std::memcmp(by_threads(threads, method).data(), one.data(), one.bytes()), 0) << int(method);
  }
}

TEST_P(Rescale, RefusesWhatMakesNoSense) {
  const auto cube = noise({2, 6, 6}, 9);
  EXPECT_THROW(rescaled(cube, {1}, {6, 6}), InvalidInput);
  EXPECT_THROW(rescaled(cube, {1, 0}, {6, 6}), InvalidInput);
  EXPECT_THROW(rescaled(cube, {1, kNan}, {6, 6}), InvalidInput);
  EXPECT_THROW(rescaled(cube, {1, 1}, {6, 6}, {.centre = std::array<double, 2>{kNan, 0}}), InvalidInput);
  EXPECT_THROW(rescaled(cube, {1, 1}, {6, 6}, {.method = Rotation::fft, .border = Border::edge}), InvalidInput);
  EXPECT_THROW(rescaled(cube, {1, 1}, {6, 6}, {.method = Rotation::fft, .centre = std::array<double, 2>{2, 3}}),
               InvalidInput);
  EXPECT_THROW(rescaled(cube, {1, 1}, {6, 6}, {.scales_x = {1}}), InvalidInput);
  EXPECT_THROW(rescaled(cube, {1, 1}, {6, 6}, {.scales_x = {1, 0}}), InvalidInput);
  EXPECT_THROW(rescaled(cube, {1, 1}, {6, 6}, {.method = Rotation::fft, .scales_x = {1, 1.2}}), InvalidInput);
  EXPECT_NO_THROW(rescaled(cube, {1, 1.2}, {6, 6}, {.method = Rotation::fft, .scales_x = {1, 1.2}}));
  EXPECT_THROW(made(cube, {7, 6}, [&](auto in, auto out) { resample(exec(), in, 1, {}, out); }), InvalidInput);
  EXPECT_THROW(resampled(cube, 1, {.scale_x = 2}), InvalidInput);  // by fft
  EXPECT_THROW(resampled(cube, 1, {.method = Rotation::bilinear, .scale_x = 0}), InvalidInput);
  EXPECT_THROW(made(cube, {6, 6},
                    [&](auto in, auto out) {
                      rescale_wavelengths(exec(), in, {1, 2}, Rotation::fft, WavelengthScaling::forward, out);
                    }),
               InvalidInput);
}

// Coefficients are up to spline_gain() times as large as pixels in each axis, of up to 50, and their weights sum to 1:
// they, the weights of both axes, order + 1 sums along rows and as many along columns, and the flux are rounded.
double spline_rounding(Rotation method) {
  const int order = spline_order(method);
  return (2 * order + 6) * 6e-8 * spline_gain(order) * spline_gain(order) * 50;
}

// Frames that are not square: about a point between pixels, with two scales.
TEST_P(Rescale, BySplinesGoesThroughThePixels) {
  const std::vector<double> scales = {1.3, 0.8}, others = {0.9, 1.5};
  for (const Extents<3> extents : {Extents<3>{2, 15, 18}, {2, 12, 12}, {2, 1, 5}})
    for (const Rotation method : {Rotation::spline2, Rotation::spline3, Rotation::spline4, Rotation::spline5}) {
      const auto cube = noise(extents, 10);
      for (const Border border : {Border::constant, Border::symmetric, Border::reflect, Border::wrap, Border::edge}) {
        RescaleOptions options{.method = method, .border = border};
        if (extents[1] != extents[2]) options.centre = {{6.3, 8.8}}, options.scales_x = others;
        const auto got = rescaled(cube, scales, sides_of(cube), options);
        const auto [cy, cx] =
            options.centre.value_or(std::array<double, 2>{double(extents[1] / 2), double(extents[2] / 2)});
        const Border continued = border == Border::constant ? Border::reflect : border;
        const double most = border == Border::constant ? 0 : 1e9;
        for (index_t t = 0; t < 2; ++t) {
          const auto frame = reference_frame(cube.view()[t], method, continued);
          const double by_y = scales[std::size_t(t)], by_x = options.centre ? others[std::size_t(t)] : by_y;
          for (index_t y = 0; y < extents[1]; ++y)
            for (index_t x = 0; x < extents[2]; ++x) {
              const double sy = cy + (double(y) - cy) / by_y, sx = cx + (double(x) - cx) / by_x;
              const bool seen = sy >= -most && sy <= double(extents[1] - 1) + most && sx >= -most &&
                                sx <= double(extents[2] - 1) + most;
              const double want = seen ? reference_value(frame, method, continued, sy, sx) / (by_y * by_x) : 0;
              ASSERT_NEAR(got.view()(t, y, x), want, spline_rounding(method) / (by_y * by_x))
                  << int(method) << int(border) << " " << y << " " << x;
            }
        }
      }
      const auto made = resampled(cube, 1.6, {.method = method});
      const auto from = [](index_t i, index_t n, index_t m) {
        return m == 1 ? 0 : double(i * (n - 1)) / double(m - 1);
      };
      const auto frame = reference_frame(cube.view()[1], method, Border::reflect);
      for (index_t y = 0; y < made.extent(1); ++y)
        for (index_t x = 0; x < made.extent(2); ++x)
          ASSERT_NEAR(made.view()(1, y, x),
                      reference_value(frame, method, Border::reflect, from(y, extents[1], made.extent(1)),
                                      from(x, extents[2], made.extent(2))) /
                          (1.6 * 1.6),
                      spline_rounding(method) / (1.6 * 1.6));
    }
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Rescale);

}  // namespace
}  // namespace hci::test
