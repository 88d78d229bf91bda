// SPDX-License-Identifier: MIT
#include "kernels/image/convolve.hpp"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <numeric>

#include "kernels/core/error.hpp"
#include "kernels/image/convolve_fft.hpp"
#include "kernels/image/convolve_plan.hpp"
#include "tests/kernels/image/frames.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Convolve : public OnEveryDevice {};
HCI_INSTANTIATE_ON_EVERY_DEVICE(Convolve);

/// The contract in double, and the sum of absolute values that bounds the rounding.
struct Expected {
  double value = 0, size = 0;
};
Expected expected_at(const Cube<const float>& in, const ConvolutionKernel& kernel, const ConvolveOptions& options,
                     index_t t, index_t y, index_t x, index_t step = 1) {
  double whole = 0, weight = 0, sum = 0, size = 0;
  bool masked = false;
  for (index_t j = 0; j < kernel.ny; ++j)
    for (index_t i = 0; i < kernel.nx; ++i) {
      const double k = kernel(j, i);
      whole += k;
      const index_t row = walked(y + (kernel.ny / 2 - j) * step, in.extent(1), options.border);
      const index_t column = walked(x + (kernel.nx / 2 - i) * step, in.extent(2), options.border);
      const double v = row < 0 || column < 0 ? 0.0 : double(in(t, row, column));
      if (!std::isfinite(v)) {
        masked = true;
        continue;
      }
      weight += k;
      sum += k * v;
      size += std::abs(k * v);
    }
  if (options.masked == Masked::spread && masked) return {NAN, 0};
  double scale = options.normalize ? 1 / whole : 1;
  if (options.masked == Masked::leave_out) {
    if (weight < 1e-10 * whole) return {NAN, 0};
    scale *= whole / weight;
  }
  return {sum * scale, size * scale};
}

/// Rounding: each of n additions and products rounds once (2^-24 = 6e-8), the weights' sum the same,
/// taps are rounded to float, and so is the scale: 2 n + 6 roundings at most.
void expect_convolved(const Cube<const float>& in, const ConvolutionKernel& kernel, const ConvolveOptions& options,
                      const Cube<const float>& out, index_t step = 1) {
  const double bound = (2 * double(kernel.ny + kernel.nx) + 6) * 6e-8;
  const double loose = (2 * double(kernel.ny * kernel.nx) + 6) * 6e-8;
  int far = 0;
  for (index_t t = 0; t < in.extent(0); ++t)
    for (index_t y = 0; y < in.extent(1); ++y)
      for (index_t x = 0; x < in.extent(2); ++x) {
        const Expected want = expected_at(in, kernel, options, t, y, x, step);
        const float have = out(t, y, x);
        ASSERT_EQ(std::isnan(want.value), std::isnan(have)) << t << " " << y << " " << x;
        if (std::isnan(have)) continue;
        ASSERT_NEAR(have, want.value, loose * want.size + 1e-30) << t << " " << y << " " << x;
        far += std::abs(have - want.value) > bound * want.size + 1e-30;
      }
  // Roundings rarely all point the same way.
  EXPECT_LE(far, in.size() / 100);
}

ConvolutionKernel lopsided(index_t ny, index_t nx) {
  ConvolutionKernel kernel{ny, nx};
  for (index_t i = 0; i < ny * nx; ++i) kernel.values.push_back(1 + double(i * 7 % 11));
  return kernel;
}

ConvolutionKernel product(const std::vector<double>& y, const std::vector<double>& x) {
  ConvolutionKernel kernel{static_cast<index_t>(y.size()), static_cast<index_t>(x.size())};
  for (const double a : y)
    for (const double b : x) kernel.values.push_back(a * b);
  return kernel;
}

const Extents<3> kShapes[] = {{2, 11, 34}, {3, 7, 35}, {1, 1, 1}, {1, 1, 9}, {2, 36, 5}, {1, 17, 77}};

TEST_P(Convolve, AgreesWithTheDoubleLoop) {
  for (const Extents<3>& shape : kShapes)
    for (const unsigned masked_in : {0U, 9U}) {
      const auto frames = noisy_frames(shape, masked_in);
      const DeviceInput<float, 3> in(exec(), frames.view());
      Array<float, 3> out(exec(), shape);
      for (const Border border : {Border::constant, Border::edge, Border::symmetric, Border::reflect, Border::wrap})
        for (const Masked masked : {Masked::leave_out, Masked::zero, Masked::spread}) {
          for (const bool normalize : {true, false}) {
            const ConvolveOptions options{border, masked, normalize};
            const ConvolutionKernel kernel = lopsided(3, 5);
            convolve(exec(), in.view(), kernel, options, out.view());
            expect_convolved(frames.view(), kernel, options, to_host(exec(), out.view()).view());
          }
        }
    }
}

TEST_P(Convolve, SeparableAgreesWithTheDoubleLoop) {
  for (const Extents<3>& shape : kShapes)
    for (const unsigned masked_in : {0U, 9U}) {
      const auto frames = noisy_frames(shape, masked_in);
      const DeviceInput<float, 3> in(exec(), frames.view());
      Array<float, 3> out(exec(), shape);
      for (const Border border : {Border::constant, Border::symmetric, Border::wrap})
        for (const Masked masked : {Masked::leave_out, Masked::zero, Masked::spread})
          for (const index_t size : {3, 11}) {
            const ConvolveOptions options{border, masked, size == 3};
            std::vector<double> y = gaussian_taps(1.5, size), x{0.5, 2, 1};
            y[0] = 0.7;  // not symmetric
            if (size == 11) x = gaussian_taps(2, 9);
            convolve_separable(exec(), in.view(), y, x, options, out.view());
            expect_convolved(frames.view(), product(y, x), options, to_host(exec(), out.view()).view());
          }
    }
}

TEST_P(Convolve, SpreadsTheTapsOut) {
  for (const Extents<3>& shape : {Extents<3>{1, 37, 41}, {2, 5, 6}}) {
    const auto frames = noisy_frames(shape, 12);
    const DeviceInput<float, 3> in(exec(), frames.view());
    Array<float, 3> out(exec(), shape);
    const std::vector<double> taps{1, 4, 6, 4, 1};
    for (const index_t step : {2, 8}) {
      const ConvolveOptions options{.border = Border::symmetric};
      convolve_separable(exec(), in.view(), taps, taps, options, out.view(), step);
      expect_convolved(frames.view(), product(taps, taps), options, to_host(exec(), out.view()).view(), step);
    }
  }
}

TEST_P(Convolve, TakesKernelsOfEvenSizeAndLargerThanTheFrame) {
  const auto frames = noisy_frames({2, 6, 9}, 15);
  const DeviceInput<float, 3> in(exec(), frames.view());
  Array<float, 3> out(exec(), frames.extents());
  for (const auto& [ny, nx] : {std::pair<index_t, index_t>{4, 2}, {1, 6}, {13, 24}, {2, 41}}) {
    const ConvolutionKernel kernel = lopsided(ny, nx);
    convolve(exec(), in.view(), kernel, {}, out.view());
    expect_convolved(frames.view(), kernel, {}, to_host(exec(), out.view()).view());
    for (const auto& [name, border] : enum_names(Border{})) {
      convolve_fft(exec(), in.view(), kernel, {.border = border}, out.view());
      expect_convolved(frames.view(), kernel, {.border = border}, to_host(exec(), out.view()).view());
    }
    convolve_separable(exec(), in.view(), std::vector<double>(std::size_t(ny), 1.0),
                       std::vector<double>(std::size_t(nx), 2.0), {}, out.view());
    const ConvolutionKernel flat{ny, nx, std::vector<double>(std::size_t(ny * nx), 1.0)};
    expect_convolved(frames.view(), flat, {}, to_host(exec(), out.view()).view());
  }
}

TEST_P(Convolve, ByFftAgreesWithTheDoubleLoop) {
  for (const Extents<3>& shape : kShapes)
    for (const unsigned masked_in : {0U, 9U}) {
      const auto frames = noisy_frames(shape, masked_in);
      const DeviceInput<float, 3> in(exec(), frames.view());
      Array<float, 3> out(exec(), shape);
      for (const auto& [name, border] : enum_names(Border{}))
        for (const auto& [masked, normalize] :
             {std::pair{Masked::leave_out, true}, {Masked::leave_out, false}, {Masked::zero, false}}) {
          const ConvolveOptions options{.border = border, .masked = masked, .normalize = normalize};
          const ConvolutionKernel kernel = lopsided(9, 14);
          convolve_fft(exec(), in.view(), kernel, options, out.view());
          expect_convolved(frames.view(), kernel, options, to_host(exec(), out.view()).view());
        }
    }
}

// One frame 1e9 times brighter than its neighbour: the faint one keeps all its digits.
TEST_P(Convolve, ByFftKeepsFramesApart) {
  auto frames = noisy_frames({2, 20, 20}, 20);
  for (index_t i = 0; i < 400; ++i) frames.data()[i] *= 1e9F;
  const DeviceInput<float, 3> in(exec(), frames.view());
  Array<float, 3> out(exec(), frames.extents());
  convolve_fft(exec(), in.view(), lopsided(5, 5), {}, out.view());
  expect_convolved(frames.view(), lopsided(5, 5), {}, to_host(exec(), out.view()).view());
}

// Frames with masked pixels go by complex transforms, the others by real ones: which of them they are beside changes no
// bit where FFTW takes frame by frame. cuFFT promises no bits for another batch: both results round to float, and err
// by 1e-15 of the largest value before, and as much where they are divided by the kernel's share, which is above a
// half.
TEST_P(Convolve, ByFftDoesNotMindItsNeighbours) {
  auto frames = noisy_frames({5, 14, 17}, 30);
  for (index_t t = 0; t < 5; t += 2)
    for (index_t i = 0; i < 14 * 17; ++i) frames.data()[t * 14 * 17 + i] = static_cast<float>(i % 11);
  const DeviceInput<float, 3> in(exec(), frames.view());
  Array<float, 3> together(exec(), frames.extents()), alone(exec(), frames.extents());
  convolve_fft(exec(), in.view(), lopsided(5, 6), {}, together.view());
  expect_convolved(frames.view(), lopsided(5, 6), {}, to_host(exec(), together.view()).view());
  for (index_t t = 0; t < 5; ++t)
    convolve_fft(exec(), slice(in.view(), t, 1), lopsided(5, 6), {}, slice(alone.view(), t, 1));
  double largest = 0;
  for (index_t i = 0; i < frames.size(); ++i) largest = std::fmax(largest, std::fabs(double(frames.data()[i])));
  const auto a = to_host(exec(), together.view()), b = to_host(exec(), alone.view());
  for (index_t i = 0; i < a.size(); ++i) {
    const double most = exec().on_cuda() ? FLT_EPSILON * std::fabs(b.data()[i]) + 2 * 4e-15 * largest : 0;
    ASSERT_NEAR(a.data()[i], b.data()[i], most) << i;
  }
}

TEST_P(Convolve, FillsHolesAndOnlyThose) {
  // All of a hole's window masked: NaN; a constant frame with holes stays constant elsewhere.
  auto frames = host_array<float, 3>({1, 30, 31});
  std::fill_n(frames.data(), frames.size(), 7.0F);
  for (index_t y = 10; y < 19; ++y)
    for (index_t x = 12; x < 21; ++x) frames.view()(0, y, x) = y == 14 ? INFINITY : kNaN;
  const DeviceInput<float, 3> in(exec(), frames.view());
  Array<float, 3> out(exec(), frames.extents());
  for (const int way : {0, 1, 2}) {
    const std::vector<double> taps = gaussian_taps(1, 7);
    if (way == 0)
      convolve_separable(exec(), in.view(), taps, taps, {}, out.view());
    else
      (way == 1 ? convolve : convolve_fft)(exec(), in.view(), product(taps, taps), {}, out.view());
    const auto host = to_host(exec(), out.view());
    int holes = 0;
    for (index_t y = 3; y < 27; ++y)
      for (index_t x = 3; x < 28; ++x) {
        const float v = host.view()(0, y, x);
        holes += std::isnan(v);
        if (std::isnan(v)) continue;
        ASSERT_NEAR(v, 7, 7 * 3e-6) << way << " " << y << " " << x;
      }
    EXPECT_EQ(holes, 9);  // 3 x 3 pixels are further than 3 px from every one that is finite
  }
}

// Kernels whose tile does not fit a block's shared memory, and taps far beyond a small frame.
TEST_P(Convolve, TakesKernelsTooLargeForATile) {
  for (const unsigned masked_in : {0U, 6U}) {
    const auto frames = noisy_frames({1, 6, 7}, masked_in);
    const DeviceInput<float, 3> in(exec(), frames.view());
    Array<float, 3> out(exec(), frames.extents());
    for (const Border border : {Border::constant, Border::wrap}) {
      const ConvolveOptions options{.border = border};
      convolve(exec(), in.view(), lopsided(69, 69), options, out.view());
      expect_convolved(frames.view(), lopsided(69, 69), options, to_host(exec(), out.view()).view());
      const std::vector<double> taps(81, 1.0);
      convolve_separable(exec(), in.view(), taps, taps, options, out.view());
      expect_convolved(frames.view(), product(taps, taps), options, to_host(exec(), out.view()).view());
      convolve_separable(exec(), in.view(), {1, 2, 4}, {1, 3, 2, 1}, options, out.view(), 700);
      expect_convolved(frames.view(), product({1, 2, 4}, {1, 3, 2, 1}), options, to_host(exec(), out.view()).view(),
                       700);
    }
  }
}

// The CPU's tuned path copies all that taps reach, once for each thread: 4 MB at most, or 9 frames.
TEST(ConvolveOnTheCpu, CopiesNoMoreThanNineFrames) {
  const auto takes = [](index_t ny, index_t nx, index_t taps, index_t step) {
    const Taps along{{nullptr, {taps}}, (taps - 1) / 2 * step, step, 1};
    return fits_convolve_cpu({nullptr, {1, ny, nx}}, {along, along, Border::symmetric, {}});
  };
  EXPECT_TRUE(takes(210, 210, 17, 1));
  EXPECT_TRUE(takes(101, 101, 69, 1));
  EXPECT_TRUE(takes(5, 6, 5, 64));
  EXPECT_TRUE(takes(2000, 2000, 5, 512));
  EXPECT_FALSE(takes(2000, 2000, 5, 2048));
  EXPECT_FALSE(takes(200, 200, 5, 2048));  // 8392 x 8392 floats, 282 MB
  EXPECT_FALSE(takes(5, 6, 5, index_t{1} << 19));
}

// A pixel's value does not depend on what other frames or far rows hold: bit for bit. Frames narrower
// than what is summed at a time, too.
TEST_P(Convolve, AMaskFarAwayChangesNoBit) {
  // Several kernels: of some, the weights' sum has other last bits if each product is rounded.
  for (const double sigma : {1.1, 1.3, 2.0, 2.2, 2.7, 3.1})
    for (const auto& shape : {std::pair<index_t, bool>{50, true}, {13, true}, {5, true}, {50, false}, {5, false}}) {
      const index_t width = shape.first;
      const bool separable = shape.second;
      const std::vector<double> taps = gaussian_taps(sigma, 9);
      auto frames = noisy_frames({1, 60, width});
      Array<float, 3> out(exec(), frames.extents());
      const auto run = [&] {
        const DeviceInput<float, 3> in(exec(), frames.view());
        if (separable)
          convolve_separable(exec(), in.view(), taps, taps, {}, out.view());
        else
          convolve(exec(), in.view(), product(taps, taps), {}, out.view());
        return to_host(exec(), out.view());
      };
      const auto clean = run();
      frames.view()(0, 55, width - 1) = kNaN;
      const auto masked = run();
      for (index_t y = 0; y < 51; ++y)
        for (index_t x = 0; x < width; ++x)
          ASSERT_EQ(clean.view()(0, y, x), masked.view()(0, y, x)) << separable << " " << width;
      EXPECT_TRUE(std::isfinite(masked.view()(0, 55, width - 1)));
    }
}

TEST_P(Convolve, RefusesWhatItCannotUse) {
  Array<float, 3> in(exec(), {1, 5, 5}), out(exec(), {1, 5, 5}), other(exec(), {1, 5, 6});
  const ConvolutionKernel box{1, 1, {1}}, zero_sum{1, 2, {1, -1}}, wrong{2, 2, {1}};
  EXPECT_THROW(convolve(exec(), in.view(), box, {}, other.view()), InvalidInput);
  EXPECT_THROW(convolve(exec(), in.view(), {}, {}, out.view()), InvalidInput);
  EXPECT_THROW(convolve(exec(), in.view(), wrong, {}, out.view()), InvalidInput);
  const ConvolutionKernel negative{-3, -3, std::vector<double>(9, 1.0)};
  EXPECT_THROW(convolve(exec(), in.view(), negative, {}, out.view()), InvalidInput);
  EXPECT_THROW(convolve_fft(exec(), in.view(), negative, {}, out.view()), InvalidInput);
  EXPECT_THROW(convolve(exec(), in.view(), zero_sum, {}, out.view()), InvalidInput);
  EXPECT_THROW(convolve(exec(), in.view(), {1, 1, {NAN}}, {}, out.view()), InvalidInput);
  EXPECT_THROW(convolve_fft(exec(), in.view(), box, {.masked = Masked::spread}, out.view()), InvalidInput);
  EXPECT_THROW(convolve_separable(exec(), in.view(), {1}, {1}, {}, out.view(), 0), InvalidInput);
  EXPECT_THROW(gaussian_taps(1, 4), InvalidInput);
  EXPECT_THROW(filter_frequencies(exec(), in.view(), {1, 2}, out.view()), InvalidInput);
}

}  // namespace
}  // namespace hci::test
