// SPDX-License-Identifier: MIT
#include "kernels/geometry/shift.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/image/psf_fit.hpp"
#include "tests/kernels/geometry/turn_reference.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

class ShiftFrames : public OnEveryDevice {
 protected:
  Array<float, 3> shifted(const Array<float, 3>& cube, const std::vector<Shift>& shifts,
                          const ShiftOptions& options = {}) {
    const auto in = to_device(exec(), cube.view());
    Array<float, 3> out(exec(), cube.extents());
    shift(exec(), in.view(), shifts, options, out.view());
    return to_host(exec(), std::as_const(out).view());
  }
};

// In double, back to float: a unit in the last place of values of order 4.
constexpr double kRounding = 1e-6;

TEST_P(ShiftFrames, ByWholePixelsMovesThemAndBringsZerosIn) {
  for (const Extents<3> extents : {Extents<3>{2, 12, 15}, {2, 16, 16}, {2, 9, 9}}) {
    const auto cube = noise(extents, 1);
    const auto got = shifted(cube, {{2, -3}, {-1, 4}});
    for (index_t t = 0; t < 2; ++t)
      for (index_t y = 0; y < extents[1]; ++y)
        for (index_t x = 0; x < extents[2]; ++x) {
          const index_t from_y = t == 0 ? y - 2 : y + 1, from_x = t == 0 ? x + 3 : x - 4;
          const bool inside = from_y >= 0 && from_y < extents[1] && from_x >= 0 && from_x < extents[2];
          EXPECT_NEAR(got.view()(t, y, x), inside ? cube.view()(t, from_y, from_x) : 0, kRounding);
        }
  }
}

TEST_P(ShiftFrames, WrapsOnRequest) {
  for (const Extents<3> extents : {Extents<3>{1, 12, 15}, {1, 9, 8}}) {
    const auto cube = noise(extents, 6);
    for (const Rotation method : {Rotation::fft, Rotation::nearest, Rotation::lanczos4}) {
      const auto got = shifted(cube, {{3, -2}}, {.method = method, .border = Border::wrap});
      for (index_t y = 0; y < extents[1]; ++y)
        for (index_t x = 0; x < extents[2]; ++x) {
          const index_t from_y = (y - 3 + extents[1]) % extents[1], from_x = (x + 2) % extents[2];
          EXPECT_NEAR(got.view()(0, y, x), cube.view()(0, from_y, from_x), kRounding);
        }
    }
  }
}

// Weights w_k of pixels at distances d_k err by the sums of w_k d_k^n / n! times the n-th derivative
// along each axis. FWHM 6 is sigma 2.55: derivatives 0.24, 0.154, 0.083, 0.071 of the peak. Second
// moments are 1/4 (bilinear) and -1/8 (bicubic with A = -0.75) halfway, less at a quarter; a tenth for
// the next order. Lanczos-4 has 0.0145, 0, 0.242, -0.383 at a quarter and 0, 0, 0, -0.725 halfway.
TEST_P(ShiftFrames, InterpolatesOnRequest) {
  const PsfShape shape{.y = 20.3, .x = 20.6, .fwhm_y = 6, .fwhm_x = 6};
  const auto before = draw_psf({41, 41}, shape);
  auto cube = host_array<float, 3>({1, 41, 41});
  std::copy_n(before.data(), before.size(), cube.data());
  PsfShape moved = shape;
  moved.y += 1.5;
  moved.x -= 2.25;
  const auto want = draw_psf({41, 41}, moved);
  for (const auto& [method, bound] :
       {std::pair{Rotation::bilinear, 0.042}, {Rotation::bicubic, 0.021}, {Rotation::lanczos4, 0.0101}}) {
    const auto got = shifted(cube, {{1.5, -2.25}}, {.method = method});
    for (index_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got.data()[i], want.data()[i], bound);
  }
}

// Values up to 4, or coefficients up to 30 times that, in float32 with up to 64 weights of 1e-7; lanczos4
// positions are on a grid of 1/32 px, so its shifts are multiples of that.
TEST_P(ShiftFrames, AgreesWithTheDefinitionOfEachMethodAndBorder) {
  const std::vector<Shift> shifts{{1.3, -2.7}, {-10.4, 7.8}, {0.001, -0.002}},
      on_grid{{1.28125, -2.75}, {0, 7.5}, {-3, 2}};
  for (const Extents<3> extents : {Extents<3>{3, 17, 12}, {3, 8, 21}, {3, 1, 16}}) {
    const auto cube = noise(extents, 12);
    for (const Rotation method :
         {Rotation::lanczos4, Rotation::bicubic, Rotation::catmull_rom, Rotation::bilinear, Rotation::nearest,
          Rotation::spline2, Rotation::spline3, Rotation::spline4, Rotation::spline5})
      for (const Border border : {Border::constant, Border::edge, Border::symmetric, Border::reflect, Border::wrap}) {
        const auto& by = method == Rotation::lanczos4 ? on_grid : shifts;
        const auto got = shifted(cube, by, {.method = method, .border = border});
        for (index_t t = 0; t < 3; ++t) {
          const auto reference = reference_frame(frame_of(Cube<const float>(cube.view()), t), method, border);
          for (index_t y = 0; y < extents[1]; ++y)
            for (index_t x = 0; x < extents[2]; ++x)
              ASSERT_NEAR(got.view()(t, y, x),
                          reference_value(reference, method, border, double(y) - by[std::size_t(t)].dy,
                                          double(x) - by[std::size_t(t)].dx),
                          spline_order(method) > 0 ? 4e-5 : 1e-5)
                  << "method " << int(method) << ", border " << int(border) << ", t " << t;
        }
      }
  }
}

// A Gaussian of FWHM 5 px has no more than exp(-pi² sigma² / 2) = 2e-10 of its power at Nyquist, and
// 1e-12 of its peak at the frame's edge: the shift is that of the function.
TEST_P(ShiftFrames, ByPartsOfAPixelMovesASmoothSource) {
  for (const Extents<2> extents : {Extents<2>{41, 41}, {40, 44}}) {
    PsfShape shape{.y = 20.3, .x = 20.6, .fwhm_y = 5, .fwhm_x = 5};
    const auto before = draw_psf(extents, shape);
    auto cube = host_array<float, 3>({3, extents[0], extents[1]});
    for (index_t t = 0; t < 3; ++t)
      for (index_t i = 0; i < before.size(); ++i) cube.data()[t * before.size() + i] = before.data()[i];
    const std::vector<Shift> shifts{{0.37, -1.25}, {-2.5, 0.5}, {0, 0.01}};
    const auto got = shifted(cube, shifts);
    for (index_t t = 0; t < 3; ++t) {
      const Shift by = shifts[static_cast<std::size_t>(t)];
      PsfShape moved = shape;
      moved.y += by.dy;
      moved.x += by.dx;
      const auto want = draw_psf(extents, moved);
      for (index_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got.data()[t * want.size() + i], want.data()[i], kRounding);
    }
  }
}

// The sums over frequencies themselves, on noise: frames surrounded by ceil(largest part) zeros, square and even; or,
// with wrap, as they are. In double, rounded to float32.
TEST_P(ShiftFrames, ByPartsOfAPixelIsTheSumOverFrequencies) {
  const std::vector<Shift> shifts{{0.37, -1.25}, {-1.5, 0.5}, {0, 0.01}};
  for (const Extents<3> extents : {Extents<3>{3, 9, 9}, {3, 8, 5}, {3, 1, 6}, {3, 1, 1}}) {
    const auto cube = noise(extents, 16);
    for (const Border border : {Border::constant, Border::wrap}) {
      const auto got = shifted(cube, shifts, {.method = Rotation::fft, .border = border});
      for (index_t t = 0; t < 3; ++t) {
        const Shift by = shifts[std::size_t(t)];
        const auto margin =
            border == Border::wrap ? 0 : static_cast<index_t>(std::ceil(std::max(std::fabs(by.dy), std::fabs(by.dx))));
        index_t ny = extents[1], nx = extents[2];
        if (border == Border::constant) ny = nx = (std::max(ny, nx) + 2 * margin + 1) / 2 * 2;
        Plane plane(ny, nx);
        for (index_t y = 0; y < extents[1]; ++y)
          for (index_t x = 0; x < extents[2]; ++x) plane.at(y + margin, x + margin) = double(cube.view()(t, y, x));
        plane.move_rows([&](index_t) { return by.dx; });
        plane.move_columns([&](index_t) { return by.dy; });
        for (index_t y = 0; y < extents[1]; ++y)
          for (index_t x = 0; x < extents[2]; ++x) {
            const double want = plane.at(y + margin, x + margin).real();
            ASSERT_NEAR(got.view()(t, y, x), want, 6e-8 * std::abs(want) + 1e-12)
                << int(border) << ", " << t << " " << y << " " << x;
          }
      }
    }
  }
}

// Zeros about one pixel: it is the kernel itself, at the shift. lanczos4: of multiples of 1/32 px.
TEST_P(ShiftFrames, OfOnePixelAmongZerosIsTheKernel) {
  const auto cube = noise<3>({2, 1, 1}, 17);
  const std::vector<Shift> shifts{{0.5, -1.25}, {-0.125, 1}};
  for (const Rotation method :
       {Rotation::lanczos4, Rotation::bicubic, Rotation::catmull_rom, Rotation::bilinear, Rotation::nearest,
        Rotation::spline2, Rotation::spline3, Rotation::spline4, Rotation::spline5}) {
    const auto got = shifted(cube, shifts, {.method = method});
    for (index_t t = 0; t < 2; ++t) {
      const auto reference = reference_frame(cube.view()[t], method, Border::constant);
      const Shift by = shifts[std::size_t(t)];
      // As in AgreesWithTheDefinitionOfEachMethodAndBorder.
      EXPECT_NEAR(got.view()(t, 0, 0), reference_value(reference, method, Border::constant, -by.dy, -by.dx),
                  spline_order(method) > 0 ? 4e-5 : 1e-5)
          << int(method);
    }
  }
}

TEST_P(ShiftFrames, ByNothingIsTheSame) {
  const auto cube = noise<3>({3, 1, 1}, 2), wide = noise<3>({1, 7, 10}, 3);
  const auto one = shifted(cube, {{}, {}, {}}), same = shifted(wide, {{}});
  for (index_t i = 0; i < cube.size(); ++i) EXPECT_NEAR(one.data()[i], cube.data()[i], kRounding);
  for (index_t i = 0; i < wide.size(); ++i) EXPECT_NEAR(same.data()[i], wide.data()[i], kRounding);
}

// Continued, one pixel is a level frame; the weights sum to 1, up to 64 of them rounded to 6e-8.
TEST_P(ShiftFrames, OfOnePixelIsThatPixel) {
  const auto cube = noise<3>({2, 1, 1}, 13);
  for (const auto& [name, method] : enum_names(Rotation{}))
    for (const Border border : {Border::edge, Border::symmetric, Border::reflect, Border::wrap}) {
      if (method == Rotation::fft && border != Border::wrap) continue;
      const auto got = shifted(cube, {{0.5, -1.5}, {-1.25, 1}}, {.method = method, .border = border});
      for (index_t i = 0; i < 2; ++i) EXPECT_NEAR(got.data()[i], cube.data()[i], 1e-5) << name << int(border);
    }
}

TEST_P(ShiftFrames, KeepsTheFramesApart) {
  auto cube = noise<3>({3, 14, 14}, 4);
  const auto alone = shifted(cube, {{0.4, 0.7}, {0.4, 0.7}, {1.4, 0.7}});
  cube.view()(1, 3, 3) = std::numeric_limits<float>::quiet_NaN();
  const auto got = shifted(cube, {{0.4, 0.7}, {0.4, 0.7}, {1.4, 0.7}});
  for (index_t i = 0; i < 14 * 14; ++i) {
    EXPECT_EQ(got.data()[i], alone.data()[i]);
    EXPECT_TRUE(std::isnan(got.data()[14 * 14 + i]));
    EXPECT_EQ(got.data()[2 * 14 * 14 + i], alone.data()[2 * 14 * 14 + i]);
  }
}

// Pixel y of the output reads the pixels about y - dy, whatever they weigh.
TEST_P(ShiftFrames, LetsANanReachWhatReadsItAndNoMore) {
  auto cube = noise<3>({2, 30, 27}, 14);
  cube.view()(1, 14, 12) = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Shift> shifts{{1.25, -0.75}, {1.25, -0.75}};
  for (const auto& [name, method] : enum_names(Rotation{})) {
    if (method == Rotation::fft) continue;  // spoils the frame: KeepsTheFramesApart
    const auto got = shifted(cube, shifts, {.method = method});
    const auto reads = [method = method](index_t i, double by, index_t pixel) {
      const auto [taps, first] = window(method, double(i) - by);
      return pixel >= first && pixel < first + taps;
    };
    for (index_t y = 0; y < 30; ++y)
      for (index_t x = 0; x < 27; ++x) {
        ASSERT_FALSE(std::isnan(got.view()(0, y, x)));
        ASSERT_EQ(std::isnan(got.view()(1, y, x)), reads(y, 1.25, 14) && reads(x, -0.75, 12))
            << name << ", " << y << " " << x;
      }
  }
}

// Tables of 64 MiB are what is made at once: 17 such frames.
TEST_P(ShiftFrames, TakesMoreFramesThanItsScratchHolds) {
  const auto cube = noise<3>({18, 1, 60000}, 15);
  std::vector<Shift> shifts;
  for (int t = 0; t < 18; ++t) shifts.push_back({0, double(t)});
  const auto got = shifted(cube, shifts, {.method = Rotation::lanczos4});
  for (index_t t = 0; t < 18; ++t)
    for (index_t x = 0; x < 60000; x += 101)
      ASSERT_NEAR(got.view()(t, 0, x), x < t ? 0 : cube.view()(t, 0, x - t), 1e-6) << t << " " << x;
}

TEST_P(ShiftFrames, RefusesWhatMakesNoSense) {
  const auto cube = noise<3>({2, 5, 5}, 5);
  EXPECT_THROW(shifted(cube, {{1, 1}}), InvalidInput);
  EXPECT_THROW(shifted(cube, {{1, 1}, {1, std::numeric_limits<double>::quiet_NaN()}}), InvalidInput);
  EXPECT_THROW(shifted(cube, {{1, 1}, {1, 1e9}}), InvalidInput);
  EXPECT_THROW(shifted(cube, {{1, 1}, {1, 1}}, {.border = Border::reflect}), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(ShiftFrames);

}  // namespace
}  // namespace hci::test
