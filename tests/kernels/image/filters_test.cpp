// SPDX-License-Identifier: MIT
#include "kernels/image/filters.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <complex>
#include <numbers>
#include <string>

#include "kernels/core/error.hpp"
#include "kernels/image/starlet.hpp"
#include "tests/kernels/image/frames.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Filters : public OnEveryDevice {
 protected:
  Array<float, 3> high(const Array<float, 3>& frames, HighPass mode, const FilterOptions& options = {}) {
    const DeviceInput<float, 3> in(exec(), frames.view());
    Array<float, 3> out(exec(), frames.extents());
    high_pass(exec(), in.view(), mode, options, out.view());
    return to_host(exec(), out.view());
  }
  Array<float, 3> low(const Array<float, 3>& frames, LowPass mode, const FilterOptions& options = {}) {
    const DeviceInput<float, 3> in(exec(), frames.view());
    Array<float, 3> out(exec(), frames.extents());
    low_pass(exec(), in.view(), mode, options, out.view());
    return to_host(exec(), out.view());
  }
};
HCI_INSTANTIATE_ON_EVERY_DEVICE(Filters);

/// What a filter that reads it is given: small windows, a PSF.
template <class Mode>
FilterOptions options_of(Mode mode) {
  const std::string name(enum_names(mode)[std::size_t(mode)].first);
  FilterOptions options;
  if (name.find("median") != std::string::npos) options.median_size = 3;
  if (name.find("psf") != std::string::npos) options.psf = {3, 3, {1, 2, 1, 2, 4, 2, 1, 2, 1}};
  return options;
}

Array<float, 3> drawn(Extents<3> extents, float (*value)(double y, double x)) {
  auto frames = host_array<float, 3>(extents);
  for (index_t t = 0; t < extents[0]; ++t)
    for (index_t y = 0; y < extents[1]; ++y)
      for (index_t x = 0; x < extents[2]; ++x) frames.view()(t, y, x) = value(double(y), double(x));
  return frames;
}

/// Of a mean weighted by so many taps, relative to the weighted absolute values: products and sums of
/// values and of weights round once each (2^-24), and so do taps, their scale and the quotient.
double weighted_rounding(index_t taps) { return (2 * double(taps) + 6) * std::ldexp(1, -24); }

/// The low pass by its definition, in double, at a pixel.
double weighted_mean(const Frame<const float>& frame, const ConvolutionKernel& kernel, index_t y, index_t x) {
  double sum = 0, weight = 0;
  for (index_t j = 0; j < kernel.ny; ++j)
    for (index_t i = 0; i < kernel.nx; ++i) {
      const index_t row = y + kernel.ny / 2 - j, column = x + kernel.nx / 2 - i;
      const bool inside = row >= 0 && row < frame.extent(0) && column >= 0 && column < frame.extent(1);
      if (inside && !std::isfinite(frame(row, column))) continue;
      sum += inside ? kernel(j, i) * double(frame(row, column)) : 0;
      weight += kernel(j, i);
    }
  return sum / weight;
}

/// The larger middle one of the values for which inside(dy, dx), edge pixels repeated.
float median_where(const Frame<const float>& frame, index_t reach, bool (*inside)(index_t, index_t), index_t y,
                   index_t x) {
  std::vector<float> values;
  for (index_t j = -reach; j <= reach; ++j)
    for (index_t i = -reach; i <= reach; ++i) {
      const float v = frame(walked(y + j, frame.extent(0), Border::edge), walked(x + i, frame.extent(1), Border::edge));
      if (inside(j, i) && !std::isnan(v)) values.push_back(v);
    }
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

float largest_of(const Array<float, 3>& frames) {
  float most = 0;
  for (index_t i = 0; i < frames.size(); ++i)
    if (std::isfinite(frames.data()[i])) most = std::max(most, std::abs(frames.data()[i]));
  return most;
}

// On the paraboloid y² + 2 x² a second difference is 2 and 4. Sobel's operator of size n smooths with
// a binomial of sum 2^(n-1) across, and 2^(n-3) along (1 for n = 1): minus (2 + 4) 4^(n-2) in all.
TEST_P(Filters, TheLaplacianOfAParaboloidIsConstant) {
  const auto frames = drawn({2, 30, 27}, [](double y, double x) { return float(y * y + 2 * x * x); });
  for (const index_t size : {1, 3, 5, 7}) {
    const auto out = high(frames, HighPass::laplacian, {.kernel_size = size});
    const double want = size == 1 ? -6 : -6 * std::pow(4, double(size - 2));
    // Exact: all terms and sums are whole numbers, the absolute ones at most 2 64 12 2200 = 3.4e6 < 2^24.
    for (index_t y = 4; y < 26; ++y)
      for (index_t x = 4; x < 23; ++x) ASSERT_EQ(out.view()(1, y, x), want) << size;
  }
  // c - r² gives minus the sum over r² (y² + 2 x²), whatever the pixel.
  for (const index_t size : {3, 5, 7}) {
    double want = 0;
    for (index_t y = -size / 2; y <= size / 2; ++y)
      for (index_t x = -size / 2; x <= size / 2; ++x)
        want -= size == 3 ? double(y * y + 2 * x * x) : double(y * y + x * x) * double(y * y + 2 * x * x);
    if (size > 3) {
      const double c = size == 5 ? 4 : 8;
      for (index_t y = -size / 2; y <= size / 2; ++y)
        for (index_t x = -size / 2; x <= size / 2; ++x) want += c * double(y * y + 2 * x * x);
    }
    const auto out = high(frames, HighPass::laplacian_conv, {.kernel_size = size});
    for (index_t y = 4; y < 26; ++y)
      for (index_t x = 4; x < 23; ++x) ASSERT_EQ(out.view()(0, y, x), want) << size;  // whole numbers here too
  }
}

TEST_P(Filters, EveryHighPassTakesAConstantAwayAndKeepsMasks) {
  auto frames = drawn({1, 33, 40}, [](double, double) { return 5.0F; });
  frames.view()(0, 7, 9) = kNaN;
  for (const auto& [name, mode] : enum_names(HighPass{})) {
    const auto out = high(frames, mode, options_of(mode));
    EXPECT_TRUE(std::isnan(out.view()(0, 7, 9))) << name;
    const bool by_frequency = mode == HighPass::fourier_butter || mode == HighPass::hann;
    if (by_frequency) continue;  // there the hole counts as 0: a point
    // Weighted means round: 17 + 17 taps of the Gaussian, 9 of the PSF. Medians and whole numbers do not.
    const double bound = mode == HighPass::gauss_subt ? weighted_rounding(34) * 5
                         : mode == HighPass::psf_subt ? weighted_rounding(9) * 5
                                                      : 0;
    for (index_t y = 16; y < 25; ++y)
      for (index_t x = 18; x < 32; ++x) ASSERT_NEAR(out.view()(0, y, x), 0, bound) << name;
  }
  frames.view()(0, 7, 9) = 5;
  for (const HighPass mode : {HighPass::fourier_butter, HighPass::hann}) {
    const auto out = high(frames, mode);
    // Butterworth's filter is centred between frequencies on even axes: it lets a little through.
    // In double: sums of 33 x 40 numbers of size 5, and what is left is rounded to float.
    const double least = mode == HighPass::hann ? 0 : 5 * (1 - 1 / (1 + std::pow((20.0 / 39 - 0.5) * 40 / 0.2, 4)));
    const double bound = 33 * 40 * 5 * std::ldexp(1, -52) + std::ldexp(least, -24);
    for (index_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out.data()[i], least, bound);
  }
}

TEST_P(Filters, WhatIsSubtractedAgreesWithTheDoubleLoop) {
  const auto frames = noisy_frames({2, 26, 33}, 9);
  const auto medians = high(frames, HighPass::median_subt, {.median_size = 5});
  const auto disc_medians = high(frames, HighPass::cmedian_subt, {.median_size = 3});
  FilterOptions options;
  options.psf = {3, 4, {1, 7, 2, 1, 3, 9, 8, 4, 2, 5, 3, 1}};  // no symmetry in it
  ConvolutionKernel gaussian{7, 9};
  for (index_t y = -3; y <= 3; ++y)
    for (index_t x = -4; x <= 4; ++x)
      gaussian.values.push_back(std::exp(-4 * std::numbers::ln2 * (double(y * y) / 4 + double(x * x) / 9)));
  // 9  2 / 3 = 6 taps along y, made 7
  const auto gauss = high(frames, HighPass::gauss_subt, {.fwhm_y = 2, .fwhm_x = 3, .kernel_sz = 9});
  const auto psf = high(frames, HighPass::psf_subt, options);
  const double most = largest_of(frames);
  for (index_t t = 0; t < 2; ++t)
    for (index_t y = 0; y < 26; ++y)
      for (index_t x = 0; x < 33; ++x) {
        const auto frame = frames.view()[t];
        const float v = frame(y, x);
        ASSERT_EQ(std::isnan(v), std::isnan(medians.view()(t, y, x)));
        ASSERT_EQ(std::isnan(v), std::isnan(disc_medians.view()(t, y, x)));
        ASSERT_EQ(std::isnan(v), std::isnan(gauss.view()(t, y, x)));
        ASSERT_EQ(std::isnan(v), std::isnan(psf.view()(t, y, x)));
        if (std::isnan(v)) continue;
        const float box = median_where(
            frame, 2, [](index_t, index_t) { return true; }, y, x);
        const float disc = median_where(
            frame, 3, [](index_t j, index_t i) { return j * j + i * i <= 9; }, y, x);
        ASSERT_EQ(medians.view()(t, y, x), v - box);
        ASSERT_EQ(disc_medians.view()(t, y, x), v - disc);
        // The mean's rounding, and that of the difference, at most twice the largest value.
        const double rest = 2 * most * std::ldexp(1, -24);
        ASSERT_NEAR(gauss.view()(t, y, x), v - weighted_mean(frame, gaussian, y, x),
                    weighted_rounding(16) * most + rest);
        ASSERT_NEAR(psf.view()(t, y, x), v - weighted_mean(frame, options.psf, y, x),
                    weighted_rounding(12) * most + rest);
      }
}

// The mean of what is there is the one pixel itself, and so is its median.
TEST_P(Filters, TakeOnePixelOrOneRow) {
  const auto one = drawn({2, 1, 1}, [](double, double) { return 5.0F; });
  const auto row = drawn({1, 1, 35}, [](double, double) { return 5.0F; });
  for (const LowPass mode : {LowPass::median, LowPass::cmedian}) {
    const auto of_one = low(one, mode, options_of(mode)), of_row = low(row, mode, options_of(mode));
    for (index_t i = 0; i < 2; ++i) EXPECT_EQ(of_one.data()[i], 5);
    for (index_t i = 0; i < 35; ++i) EXPECT_EQ(of_row.data()[i], 5);
  }
  // Zeros lie outside: the weight of the middle is left, 4 of 16. Whole numbers and sixteenths: exact.
  const FilterOptions with_psf = options_of(LowPass::psf);
  EXPECT_EQ(low(one, LowPass::psf, with_psf).data()[1], 5 * 4.0 / 16);
  EXPECT_EQ(low(row, LowPass::psf, with_psf).data()[17], 5 * 8.0 / 16);
  EXPECT_EQ(high(one, HighPass::median_subt, options_of(HighPass::median_subt)).data()[0], 0);
  EXPECT_EQ(high(one, HighPass::psf_subt, with_psf).data()[0], 5 * 12.0 / 16);
  EXPECT_EQ(high(row, HighPass::laplacian, {.kernel_size = 3}).data()[20], 0);
}

/// The transfer functions as VIP writes them, applied by a plain double sum over all frequencies.
std::complex<double> frequency(const Frame<const float>& frame, index_t v, index_t u) {
  std::complex<double> sum = 0;
  const index_t ny = frame.extent(0), nx = frame.extent(1);
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x)
      sum += double(frame(y, x)) *
             std::polar(1.0, -2 * std::numbers::pi * (double(v * y) / double(ny) + double(u * x) / double(nx)));
  return sum;
}

// Of frames of one pixel, of one row, of several with holes, which count as 0 and stay. In double: two sums of as many
// terms as there are pixels, of size 40 and, over the frequencies, n times that; rounded to float.
TEST_P(Filters, FourierFiltersAgreeWithTheDoubleSum) {
  struct Case {
    Extents<3> shape;
    unsigned one_masked_in;
  };
  for (const auto& [shape, one_masked_in] :
       {Case{{3, 9, 12}, 7}, {{1, 8, 8}, 0}, {{2, 11, 11}, 0}, {{1, 1, 6}, 0}, {{2, 1, 1}, 0}, {{1, 7, 1}, 3}}) {
    const auto frames = noisy_frames(shape, one_masked_in);
    const index_t ny = shape[1], nx = shape[2];
    const auto place = [](index_t s, index_t n) {
      return n == 1 ? -0.5 : (double(s) / double(n - 1) - 0.5) * double(n);
    };
    const auto window = [](index_t s, index_t n) {
      const auto reach = index_t(std::max(0.0, std::trunc(double(n) / 2 - 1 + 0.5)));
      const index_t k = s - (n / 2 - reach);
      if (k < 0 || k > 2 * reach) return 0.0;
      return reach == 0 ? 1.0 : 0.5 - 0.5 * std::cos(2 * std::numbers::pi * double(k) / double(2 * reach));
    };
    for (const HighPass mode : {HighPass::fourier_butter, HighPass::hann}) {
      const auto out = high(frames, mode);
      for (index_t t = 0; t < shape[0]; ++t) {
        auto whole = host_array<float, 2>({ny, nx});
        for (index_t i = 0; i < ny * nx; ++i) {
          const float value = frames.view()[t].data()[i];
          whole.data()[i] = std::isnan(value) ? 0 : value;
        }
        std::vector<std::complex<double>> filtered;  // as after fftshift: frequency s - ny / 2
        for (index_t s = 0; s < ny; ++s)
          for (index_t r = 0; r < nx; ++r) {
            const double radius = std::hypot(place(s, ny), place(r, nx));
            const double filter =
                mode == HighPass::hann ? 1 - window(s, ny) * window(r, nx) : 1 - 1 / (1 + std::pow(radius / 0.2, 4));
            filtered.push_back(filter * frequency(Frame<const float>(whole.view()), s - ny / 2, r - nx / 2));
          }
        for (index_t y = 0; y < ny; ++y)
          for (index_t x = 0; x < nx; ++x) {
            if (std::isnan(frames.view()(t, y, x))) {
              ASSERT_TRUE(std::isnan(out.view()(t, y, x)));
              continue;
            }
            std::complex<double> sum = 0;
            for (index_t s = 0; s < ny; ++s)
              for (index_t r = 0; r < nx; ++r)
                sum += filtered[std::size_t(s * nx + r)] * std::polar(1.0, 2 * std::numbers::pi *
                                                                               (double((s - ny / 2) * y) / double(ny) +
                                                                                double((r - nx / 2) * x) / double(nx)));
            const double want = sum.real() / double(ny * nx), n = double(ny * nx);
            ASSERT_NEAR(out.view()(t, y, x), want, std::ldexp(std::abs(want), -24) + n * n * 40 * std::ldexp(1, -52))
                << ny << " x " << nx << ", frame " << t << ": " << y << " " << x;
          }
      }
    }
  }
}

// Frames smaller than the window, larger than a tile, of one row and one pixel; holes.
TEST_P(Filters, WeightedMeansAgreeWithTheDoubleLoop) {
  FilterOptions of_gauss{.fwhm_y = 3, .fwhm_x = 2, .kernel_sz = 7};  // 7  3 / 2 = 10 taps along y, made 11
  FilterOptions of_psf{.psf = {3, 4, {1, 7, 2, 1, 3, 9, 8, 4, 2, 5, 3, 1}}};
  ConvolutionKernel gaussian{11, 7};
  for (index_t y = -5; y <= 5; ++y)
    for (index_t x = -3; x <= 3; ++x)
      gaussian.values.push_back(std::exp(-4 * std::numbers::ln2 * (double(y * y) / 9 + double(x * x) / 4)));
  for (const Extents<3> shape : {Extents<3>{1, 1, 1}, {3, 1, 35}, {2, 40, 1}, {3, 5, 4}, {1, 70, 67}}) {
    const auto frames = noisy_frames(shape, shape[1] > 1 && shape[2] > 1 ? 9 : 0);
    const double most = largest_of(frames);
    for (const auto& [name, conv_mode] : enum_names(ConvMode{})) {
      of_gauss.conv_mode = of_psf.conv_mode = conv_mode;
      const auto gauss = low(frames, LowPass::gauss, of_gauss), psf = low(frames, LowPass::psf, of_psf);
      for (index_t t = 0; t < shape[0]; ++t)
        for (index_t y = 0; y < shape[1]; ++y)
          for (index_t x = 0; x < shape[2]; ++x) {
            const auto frame = frames.view()[t];
            ASSERT_NEAR(gauss.view()(t, y, x), weighted_mean(frame, gaussian, y, x), weighted_rounding(18) * most)
                << name << " " << shape[1] << " x " << shape[2] << ": " << y << " " << x;
            ASSERT_NEAR(psf.view()(t, y, x), weighted_mean(frame, of_psf.psf, y, x), weighted_rounding(12) * most)
                << name << " " << shape[1] << " x " << shape[2] << ": " << y << " " << x;
          }
    }
  }
}

TEST_P(Filters, BothWaysToConvolveAgree) {
  auto frames = noisy_frames({2, 37, 44}, 14);
  for (index_t y = 3; y < 25; ++y)
    for (index_t x = 5; x < 30; ++x) frames.view()(1, y, x) = kNaN;  // wider than the window: needs several passes
  FilterOptions options{.fwhm_y = 3, .fwhm_x = 4.5, .kernel_sz = 9};
  // Term by term each mean rounds by 9 + 7 taps; by FFT in double and once to float. Weights are positive, so a mean
  // of rounded values is off by no more than they are: three passes, 4 px each, fill the hole of 22 px.
  const double bound = 3 * (weighted_rounding(16) + std::ldexp(1, -24)) * double(largest_of(frames));
  for (const bool half : {false, true}) {
    options.half_res_y = half;
    options.conv_mode = ConvMode::conv;
    const auto direct = low(frames, LowPass::gauss, options);
    options.conv_mode = ConvMode::convfft;
    const auto by_fft = low(frames, LowPass::gauss, options);
    for (index_t i = 0; i < direct.size(); ++i) {
      ASSERT_FALSE(std::isnan(direct.data()[i])) << i;
      ASSERT_NEAR(direct.data()[i], by_fft.data()[i], bound) << i;
    }
  }
  options.iterate = false;
  EXPECT_TRUE(std::isnan(low(frames, LowPass::gauss, options).view()(1, 14, 17)));
}

TEST_P(Filters, AGaussianGrowsByItsWidth) {
  // A Gaussian of sigma 2 smoothed by one of sigma 1.5 has sigma 2.5 and 2² / 2.5² of the height.
  const auto frames = drawn({1, 51, 51}, [](double y, double x) {
    return float(100 * std::exp(-((y - 25) * (y - 25) + (x - 25) * (x - 25)) / 8));
  });
  const double fwhm = 1.5 * 2.35482004503;
  const auto out = low(frames, LowPass::gauss, {.fwhm_y = fwhm, .fwhm_x = fwhm});
  for (index_t y = 0; y < 51; ++y) {
    const double want = 100 * 4 / 6.25 * std::exp(-double((y - 25) * (y - 25)) / 12.5);
    // The kernel ends at 4 sigma: erfc(4 / sqrt 2) of its sum is left out along each axis, of values up to 100.
    EXPECT_NEAR(out.view()(0, y, 25), want, 2 * std::erfc(4 / std::numbers::sqrt2) * 100);
  }
}

TEST_P(Filters, AMaskIsAsNaN) {
  const auto frames = noisy_frames({2, 20, 22});
  auto with_nan = noisy_frames({2, 20, 22});
  FilterOptions options, masked;
  masked.mask.assign(20 * 22, 0);
  for (const index_t i : {0, 33, 200, 201}) {
    masked.mask[std::size_t(i)] = 1;
    for (const index_t t : {0, 1}) with_nan.data()[t * 440 + i] = kNaN;
  }
  const auto a = low(frames, LowPass::gauss, masked), b = low(with_nan, LowPass::gauss, options);
  for (index_t i = 0; i < a.size(); ++i) ASSERT_EQ(a.data()[i], b.data()[i]);
  // The high pass keeps the masked pixels' own values.
  const auto c = high(frames, HighPass::gauss_subt, masked);
  EXPECT_FLOAT_EQ(c.data()[33], frames.data()[33] - a.data()[33]);
}

TEST_P(Filters, RefuseWhatTheyCannotUse) {
  const auto frames = noisy_frames({1, 6, 6});
  EXPECT_THROW(high(frames, HighPass::laplacian, {.kernel_size = 4}), InvalidInput);
  EXPECT_THROW(high(frames, HighPass::laplacian_conv, {.kernel_size = 9}), InvalidInput);
  EXPECT_THROW(high(frames, HighPass::fourier_butter, {.butter_cutoff = 0}), InvalidInput);
  EXPECT_THROW(high(frames, HighPass::fourier_butter, {.butter_order = 0}), InvalidInput);
  EXPECT_THROW(high(frames, HighPass::hann, {.hann_cutoff = -1}), InvalidInput);
  EXPECT_THROW(high(frames, HighPass::psf_subt), InvalidInput);
  EXPECT_THROW(low(frames, LowPass::median, {.median_size = 2.5}), InvalidInput);
  EXPECT_THROW(low(frames, LowPass::gauss, {.fwhm_y = -1}), InvalidInput);
  EXPECT_THROW(low(frames, LowPass::gauss, {.kernel_sz = 6}), InvalidInput);
  EXPECT_THROW(low(frames, LowPass::gauss, {.kernel_sz = 0}), InvalidInput);
  EXPECT_THROW(low(frames, LowPass::gauss, {.kernel_sz = -3}), InvalidInput);
  EXPECT_THROW(low(frames, LowPass::gauss, {.fwhm_y = 1000, .fwhm_x = 1e-3, .kernel_sz = 5}), InvalidInput);
  for (const double size : {0.0, double(kNaN), double(INFINITY), 1e12, 1206.0}) {
    EXPECT_THROW(low(frames, LowPass::gauss, {.fwhm_x = size}), InvalidInput);
    EXPECT_THROW(low(frames, LowPass::gauss, {.fwhm_y = size, .kernel_sz = 5}), InvalidInput);
    EXPECT_THROW(low(frames, LowPass::gauss, {.fwhm_x = size, .kernel_sz = 5}), InvalidInput);
  }
  for (const double size : {-1.0, double(kNaN), double(INFINITY), 1e12, 4096.0}) {
    EXPECT_THROW(low(frames, LowPass::median, {.median_size = size}), InvalidInput);
    EXPECT_THROW(low(frames, LowPass::cmedian, {.median_size = size}), InvalidInput);
  }
  FilterOptions masked;
  masked.mask = {1, 0};
  EXPECT_THROW(low(frames, LowPass::gauss, masked), InvalidInput);
  EXPECT_THROW(low(frames, LowPass::median, masked), InvalidInput);
}

// Every option in every mode: refused by name where the mode does not read it, and only there.
TEST_P(Filters, RefuseOptionsThatTheyWouldIgnore) {
  struct Option {
    std::string name, readers;  // modes' names begin with one of the readers
    void (*set)(FilterOptions&);
  };
  const Option all[] = {{"median_size", "median cmedian", [](FilterOptions& o) { o.median_size = 7; }},
                        {"fwhm_y", "gauss", [](FilterOptions& o) { o.fwhm_y = 3; }},
                        {"fwhm_x", "gauss", [](FilterOptions& o) { o.fwhm_x = 3; }},
                        {"kernel_sz", "gauss", [](FilterOptions& o) { o.kernel_sz = 9; }},
                        {"half_res_y", "gauss", [](FilterOptions& o) { o.half_res_y = true; }},
                        {"psf", "psf",
                         [](FilterOptions& o) {
                           o.psf = {1, 3, {1, 2, 1}};
                         }},
                        {"conv_mode", "gauss psf", [](FilterOptions& o) { o.conv_mode = ConvMode::convfft; }},
                        {"iterate", "gauss psf", [](FilterOptions& o) { o.iterate = false; }},
                        {"mask", "gauss psf", [](FilterOptions& o) { o.mask.assign(36, 0); }},
                        {"kernel_size", "laplacian", [](FilterOptions& o) { o.kernel_size = 3; }},
                        {"butter_cutoff", "fourier", [](FilterOptions& o) { o.butter_cutoff = 0.5; }},
                        {"butter_order", "fourier", [](FilterOptions& o) { o.butter_order = 1; }},
                        {"hann_cutoff", "hann", [](FilterOptions& o) { o.hann_cutoff = 0.5; }}};
  const auto frames = noisy_frames({1, 6, 6});
  const auto expect_answer = [&](const std::string& mode, const Option& option, const auto& filter) {
    const bool read =
        (" " + option.readers + " ").find(" " + mode.substr(0, mode.find('-')) + " ") != std::string::npos;
    try {
      filter();
      EXPECT_TRUE(read) << mode << " took " << option.name;
    } catch (const InvalidInput& error) {
      EXPECT_FALSE(read) << mode << ": " << error.what();
      const std::string text = error.what();
      EXPECT_TRUE(text.find(option.name) != std::string::npos && text.find(mode) != std::string::npos) << text;
    }
  };
  for (const Option& option : all) {
    for (const auto& [name, mode] : enum_names(HighPass{})) {
      FilterOptions options = options_of(mode);
      option.set(options);
      expect_answer(std::string(name), option, [&, m = mode] { high(frames, m, options); });
    }
    for (const auto& [name, mode] : enum_names(LowPass{})) {
      FilterOptions options = options_of(mode);
      option.set(options);
      expect_answer(std::string(name), option, [&, m = mode] { low(frames, m, options); });
    }
  }
}

class Starlet : public OnEveryDevice {};
HCI_INSTANTIATE_ON_EVERY_DEVICE(Starlet);

/// H_s, term by term in double; pixels that are NaN are left out.
std::vector<double> smoothed(const std::vector<double>& frame, index_t ny, index_t nx, index_t step) {
  const double taps[] = {1 / 16., 4 / 16., 6 / 16., 4 / 16., 1 / 16.};
  std::vector<double> out(frame.size());
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) {
      double sum = 0, weight = 0;
      for (index_t j = -2; j <= 2; ++j)
        for (index_t i = -2; i <= 2; ++i) {
          const double v = frame[std::size_t(walked(y + j * step, ny, Border::symmetric) * nx +
                                             walked(x + i * step, nx, Border::symmetric))];
          if (std::isnan(v)) continue;
          sum += taps[j + 2] * taps[i + 2] * v;
          weight += taps[j + 2] * taps[i + 2];
        }
      out[std::size_t(y * nx + x)] = sum / weight;
    }
  return out;
}

struct Decomposed {
  std::vector<std::vector<double>> details;
  std::vector<double> smooth;
};

/// One frame's transform by its definition, in double.
Decomposed decomposed(const Frame<const float>& frame, index_t scales) {
  const index_t ny = frame.extent(0), nx = frame.extent(1);
  const std::vector<double> values(frame.data(), frame.data() + ny * nx);
  Decomposed result{{}, values};
  for (index_t s = 0; s < scales; ++s) {
    const auto next = smoothed(result.smooth, ny, nx, index_t{1} << s);
    auto detail = smoothed(next, ny, nx, index_t{1} << s);
    for (std::size_t i = 0; i < values.size(); ++i)
      detail[i] = std::isnan(values[i]) ? double(kNaN) : result.smooth[i] - detail[i];
    result.details.push_back(detail);
    result.smooth = next;
  }
  return result;
}

/// The way back of one frame by its definition, in double, from details and smooth frame as they are.
std::vector<double> composed(const SpectralCube<const float>& details, index_t t, std::vector<double> frame) {
  const index_t ny = details.extent(2), nx = details.extent(3);
  for (index_t s = details.extent(1) - 1; s >= 0; --s) {
    frame = smoothed(frame, ny, nx, index_t{1} << s);
    for (index_t i = 0; i < ny * nx; ++i) frame[std::size_t(i)] += double(details[t][s].data()[i]);
  }
  return frame;
}

/// A smoothing rounds 10 sums, and where pixels are masked as many weights, the whole's share and the
/// quotient (24 times 2^-24 of the largest value in all); scale s, and the smooth frame before it, have
/// s + 2 of them behind them, and a difference.
double starlet_rounding(index_t scales, double largest) {
  return (24 * double(scales + 1) + 2) * std::ldexp(1, -24) * largest;
}

void expect_near_or_nan(double have, double want, double bound) {
  ASSERT_EQ(std::isnan(want), std::isnan(have));
  if (!std::isnan(want)) {
    ASSERT_NEAR(have, want, bound);
  }
}

TEST_P(Starlet, AgreesWithTheDoubleLoopAndComesBack) {
  struct Case {
    Extents<3> shape;
    index_t scales;
    unsigned one_masked_in;
  };
  // 12 scales of 5 x 6 pixels: the frame is seen in its mirrors 1600 times over.
  for (const auto& [shape, scales, one_masked_in] : {Case{{2, 20, 27}, 4, 0},
                                                     {{1, 33, 9}, 4, 0},
                                                     {{1, 1, 1}, 4, 0},
                                                     {{1, 5, 6}, 12, 0},
                                                     {{2, 20, 27}, 4, 7},
                                                     {{1, 24, 25}, 3, 60},
                                                     {{1, 5, 6}, 12, 8}}) {
    const auto frames = noisy_frames(shape, one_masked_in);
    const index_t ny = shape[1], nx = shape[2];
    const DeviceInput<float, 3> in(exec(), frames.view());
    Array<float, 4> details(exec(), {shape[0], scales, ny, nx});
    Array<float, 3> smooth(exec(), shape), back(exec(), shape), filtered(exec(), shape);
    starlet(exec(), in.view(), details.view(), smooth.view());
    inverse_starlet(exec(), details.view(), smooth.view(), back.view());
    starlet_filter(exec(), in.view(), 2, filtered.view());
    const auto host = to_host(exec(), details.view());
    const auto rest = to_host(exec(), smooth.view()), again = to_host(exec(), back.view());
    const auto two = to_host(exec(), filtered.view());
    const double bound = starlet_rounding(scales, largest_of(frames));
    for (index_t t = 0; t < shape[0]; ++t) {
      const Decomposed want = decomposed(frames.view()[t], scales);
      for (std::size_t i = 0; i < want.smooth.size(); ++i) {
        const index_t at = t * ny * nx + index_t(i);
        for (index_t s = 0; s < scales; ++s)
          expect_near_or_nan(host.data()[(t * scales + s) * ny * nx + index_t(i)], want.details[std::size_t(s)][i],
                             bound);
        expect_near_or_nan(rest.data()[at], want.smooth[i], bound);
        expect_near_or_nan(two.data()[at], want.details[0][i] + want.details[1][i], 2 * bound);
        if (one_masked_in == 0) {
          ASSERT_NEAR(again.data()[at], frames.data()[at], bound);
        }
      }
      const float* const last = rest.view()[t].data();
      const auto whole = composed(View<const float, 4>(host.view()), t, {last, last + ny * nx});
      for (index_t i = 0; i < ny * nx; ++i) expect_near_or_nan(again.view()[t].data()[i], whole[std::size_t(i)], bound);
    }
  }
}

// Taps half a million pixels apart, on frames that are no larger for it.
TEST_P(Starlet, TakesAsManyScalesAsThereAre) {
  const auto frames = noisy_frames({1, 5, 6});
  const DeviceInput<float, 3> in(exec(), frames.view());
  Array<float, 4> details(exec(), {1, 20, 5, 6});
  Array<float, 3> smooth(exec(), frames.extents()), back(exec(), frames.extents());
  starlet(exec(), in.view(), details.view(), smooth.view());
  inverse_starlet(exec(), details.view(), smooth.view(), back.view());
  const auto again = to_host(exec(), back.view());
  const double bound = starlet_rounding(20, largest_of(frames));
  for (index_t i = 0; i < 30; ++i) ASSERT_NEAR(again.data()[i], frames.data()[i], bound);
}

TEST_P(Starlet, KeepsMasksAndFillsTheSmoothFrame) {
  auto frames = noisy_frames({1, 24, 25});
  frames.view()(0, 10, 11) = kNaN;
  const DeviceInput<float, 3> in(exec(), frames.view());
  Array<float, 4> details(exec(), {1, 3, 24, 25});
  Array<float, 3> smooth(exec(), frames.extents());
  starlet(exec(), in.view(), details.view(), smooth.view());
  const auto host = to_host(exec(), details.view());
  const auto rest = to_host(exec(), smooth.view());
  for (index_t s = 0; s < 3; ++s)
    for (index_t y = 0; y < 24; ++y)
      for (index_t x = 0; x < 25; ++x) {
        ASSERT_EQ(std::isnan(host.view()(0, s, y, x)), y == 10 && x == 11);
        ASSERT_FALSE(std::isnan(rest.view()(0, y, x)));
      }
  Array<float, 4> none(exec(), {1, 0, 24, 25});
  EXPECT_THROW(starlet(exec(), in.view(), none.view(), {}), InvalidInput);
  EXPECT_THROW(starlet_filter(exec(), in.view(), 0, smooth.view()), InvalidInput);
}

}  // namespace
}  // namespace hci::test
