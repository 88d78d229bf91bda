// SPDX-License-Identifier: MIT
// The steps of the light's path against closed forms and plain double sums.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <utility>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/image/fft2.hpp"
#include "kernels/optics/detector.hpp"
#include "kernels/optics/matrix_fourier.hpp"
#include "kernels/optics/phase_screen.hpp"
#include "kernels/optics/pupil.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

using Complex = std::complex<float>;
constexpr double kTwoPi = 2 * std::numbers::pi;

std::vector<double> positions(int n) {
  std::vector<double> p;
  for (int i = 0; i < n; ++i) p.push_back((i + 0.5) / n - 0.5);
  return p;
}

Array<Complex, 3> noise(Extents<3> extents) {
  auto fields = host_array<Complex, 3>(extents);
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  for (index_t i = 0; i < fields.size(); ++i) {
    const float real = normal(random);
    fields.data()[i] = {real, normal(random)};
  }
  return fields;
}

Array<float, 2> constant(index_t n, float value) {
  auto map = host_array<float, 2>({n, n});
  for (index_t i = 0; i < map.size(); ++i) map.data()[i] = value;
  return map;
}

class Optics : public OnEveryDevice {};

// Each output is two chained sums of n products in float: relative to the L2 norm of the field (sqrt(2)
// sqrt(k l) for unit noise) an error of at most (k + l + 4) eps, most of it never reached.
TEST_P(Optics, MatrixFourierIsTheDoubleSum) {
  const index_t k = 13, l = 22, v = 7, u = 35;
  const std::vector<double> fy = {-3, -2.2, -1, 0, 0.4, 1.7, 5}, py = positions(13), px = positions(22);
  std::vector<double> fx;
  for (int i = 0; i < 35; ++i) fx.push_back(0.31 * (i - 17));
  const auto host = noise({3, k, l});
  const auto in = to_device(exec(), host.view());
  const auto rows = fourier_matrix(exec(), fy, py, -1, 1.0), columns = fourier_matrix(exec(), fx, px, -1, 1.0);
  Array<Complex, 3> out(exec(), {3, v, u});
  matrix_fourier(exec(), in.view(), rows.view(), columns.view(), out.view());
  const auto got = to_host(exec(), out.view());
  const double bound = double(k + l + 4) * 1.2e-7 * std::sqrt(2.0 * double(k * l)) * std::sqrt(2.0);
  for (index_t t = 0; t < 3; ++t)
    for (index_t i = 0; i < v; ++i)
      for (index_t j = 0; j < u; ++j) {
        std::complex<double> want = 0;
        for (index_t y = 0; y < k; ++y)
          for (index_t x = 0; x < l; ++x)
            want += std::complex<double>(host.view()(t, y, x)) *
                    std::polar(1.0, -kTwoPi * (fy[std::size_t(i)] * py[std::size_t(y)] +
                                               fx[std::size_t(j)] * px[std::size_t(x)]));
        ASSERT_LT(std::abs(std::complex<double>(got.view()(t, i, j)) - want), bound);
      }
}

// Over one whole period of n frequencies the transform keeps the energy (Parseval). Positive sums: the
// relative error stays that of one term, 2 (k + l) eps.
TEST_P(Optics, PropagationKeepsTheEnergy) {
  const int n = 24;
  std::vector<double> frequencies;
  for (int i = 0; i < n; ++i) frequencies.push_back(i - n / 2);
  const auto host = noise({2, n, n});
  const auto in = to_device(exec(), host.view());
  const auto matrix = fourier_matrix(exec(), frequencies, positions(n), -1, 1.0 / n);
  Array<Complex, 3> out(exec(), {2, n, n});
  matrix_fourier(exec(), in.view(), matrix.view(), matrix.view(), out.view());
  Array<float, 2> image(exec(), {n, n});
  fill_zero(exec(), image.view());
  add_intensity(exec(), out.view(), 0.5 * n * n, image.view());
  const auto light = to_host(exec(), image.view());
  double before = 0, after = 0;
  for (index_t i = 0; i < host.size(); ++i) before += 0.5 * double(std::norm(host.data()[i]));
  for (index_t i = 0; i < light.size(); ++i) after += double(light.data()[i]);
  EXPECT_NEAR(after / before, 1, 2 * 2 * n * 1.2e-7);
}

TEST_P(Optics, APhaseIsThePathDifferenceOverTheWavelength) {
  const auto plain = constant(2, 0.5f);
  const auto aperture = to_device(exec(), plain.view());
  auto bench = host_array<Complex, 2>({3, 3});
  auto air = host_array<Complex, 3>({1, 3, 3});
  for (index_t i = 0; i < 9; ++i) {
    bench.data()[i] = {100, 0.01f};
    air.data()[i] = {50, -30};
  }
  const auto device_bench = to_device(exec(), bench.view());
  const auto device_air = to_device(exec(), air.view());
  Array<Complex, 3> fields(exec(), {4, 2, 2});
  pupil_fields(exec(), aperture.view(), device_bench.view(), device_air.view(), 1000, fields.view());
  const auto got = to_host(exec(), fields.view());
  const double path[] = {150, 50, 70, 130};  // +real, -real, +imaginary, -imaginary
  for (index_t e = 0; e < 4; ++e) {
    const auto want = std::polar(0.5 * 1.01, kTwoPi * path[e] / 1000);
    EXPECT_LT(std::abs(std::complex<double>(got.view()(e, 1, 0)) - want), 1e-6);
  }
}

TEST_P(Optics, ThePerfectCoronagraphTakesThePlaneWaveAndLeavesTheRest) {
  const index_t n = 10;
  const auto plain = constant(n, 0.7f);
  const auto aperture = to_device(exec(), plain.view());
  auto host = host_array<Complex, 3>({2, n, n});
  for (index_t y = 0; y < n; ++y)
    for (index_t x = 0; x < n; ++x) {
      host.view()(0, y, x) = {0.7f * 0.6f, 0.7f * 0.8f};               // coherent with the aperture
      host.view()(1, y, x) = {(x + y) % 2 == 0 ? 0.7f : -0.7f, 0.0f};  // orthogonal to it
    }
  auto fields = to_device(exec(), host.view());
  remove_coherent_part(exec(), aperture.view(), 0.1, fields.view());
  const auto got = to_host(exec(), fields.view());
  for (index_t i = 0; i < n * n; ++i) {
    EXPECT_LT(std::abs(got.data()[i] - Complex(0.042f, 0.056f)), 1e-6f);
    EXPECT_LT(std::abs(got.data()[n * n + i] - host.data()[n * n + i]), 1e-6f);
  }
}

// A tilt of (ty, tx) moves all light to that frequency: there the sum of n^2 unit phasors is n^2.
TEST_P(Optics, ATiltMovesTheStarThere) {
  const int n = 20;
  auto host = host_array<Complex, 3>({1, n, n});
  for (index_t i = 0; i < host.size(); ++i) host.data()[i] = 1;
  const auto in = to_device(exec(), host.view());
  Array<Complex, 3> tilted(exec(), in.extents()), out(exec(), {1, 1, 1});
  tilt_fields(exec(), in.view(), {{2.3, -4.1}}, tilted.view());
  const auto row = fourier_matrix(exec(), {2.3}, positions(n), -1, 1.0 / n);
  const auto column = fourier_matrix(exec(), {-4.1}, positions(n), -1, 1.0 / n);
  matrix_fourier(exec(), tilted.view(), row.view(), column.view(), out.view());
  EXPECT_LT(std::abs(to_host(exec(), out.view()).data()[0] - Complex(1, 0)), 1e-5f);
}

TEST_P(Optics, FieldsOfAnyShapeAreWorkedOnPixelByPixel) {
  for (const Extents<3> shape : {Extents<3>{3, 5, 7}, {1, 1, 1}, {2, 33, 4}, {1, 8, 65}}) {
    const auto host = noise(shape);
    auto masking = host_array<float, 2>({shape[1], shape[2]}), sum = host_array<float, 2>({shape[1], shape[2]});
    for (index_t i = 0; i < masking.size(); ++i) {
      masking.data()[i] = static_cast<float>(i % 3);
      sum.data()[i] = static_cast<float>(i % 5);
    }
    masking.data()[0] = std::numeric_limits<float>::quiet_NaN();
    const auto mask = to_device(exec(), masking.view());
    const auto other = to_device(exec(), host.view());
    auto masked = to_device(exec(), host.view()), twice = to_device(exec(), host.view());
    auto light = to_device(exec(), sum.view());
    Array<Complex, 2> blend(exec(), {shape[1], shape[2]});
    mask_fields(exec(), std::as_const(mask).view(), masked.view());
    subtract_fields(exec(), std::as_const(masked).view(), twice.view());
    add_intensity(exec(), std::as_const(other).view(), 0.5, light.view());
    blend_maps(exec(), std::as_const(other).view()[0], 0.6, std::as_const(other).view()[shape[0] - 1], 0.8, 2,
               blend.view());
    const auto got = to_host(exec(), std::as_const(masked).view()), less = to_host(exec(), std::as_const(twice).view());
    const auto seen = to_host(exec(), std::as_const(light).view());
    const auto mixed = to_host(exec(), std::as_const(blend).view());
    for (index_t y = 0; y < shape[1]; ++y)
      for (index_t x = 0; x < shape[2]; ++x) {
        double intensity = 0;
        for (index_t e = 0; e < shape[0]; ++e) {
          const std::complex<double> field(host.view()(e, y, x));
          intensity += std::norm(field);
          const double m = masking.view()(y, x);
          if (std::isnan(m)) {
            ASSERT_TRUE(std::isnan(got.view()(e, y, x).real()) && std::isnan(less.view()(e, y, x).real()));
            continue;
          }
          ASSERT_LT(std::abs(std::complex<double>(got.view()(e, y, x)) - m * field), 1e-6);
          ASSERT_LT(std::abs(std::complex<double>(less.view()(e, y, x)) - (1 - m) * field), 2e-6);
        }
        ASSERT_NEAR(seen.view()(y, x), sum.view()(y, x) + 0.5 * intensity, 1e-5 * (1 + intensity));
        const std::complex<double> want = 0.6 * std::complex<double>(host.view()(0, y, x)) +
                                          0.8 * std::complex<double>(host.view()(shape[0] - 1, y, x));
        ASSERT_LT(std::abs(std::complex<double>(mixed.view()(y, x)) - std::complex(want.real(), 2 * want.imag())),
                  1e-5);
      }
  }
}

TEST_P(Optics, ADetectorKeepsNan) {
  auto host = host_array<float, 3>({1, 3, 5});
  std::fill_n(host.data(), host.size(), 20.0F);
  host.view()(0, 1, 2) = std::numeric_limits<float>::quiet_NaN();
  auto cube = to_device(exec(), host.view());
  expose(exec(), 8, 3, {.sky = 10, .read_noise = 1}, cube.view());
  const auto got = to_host(exec(), std::as_const(cube).view());
  for (index_t i = 0; i < 15; ++i) EXPECT_EQ(std::isnan(got.data()[i]), i == 7) << i;
}

/// Amplitudes with power in all modes but piston, steep as turbulence.
Array<float, 2> steep_modes(index_t n) {
  auto amplitude = host_array<float, 2>({n, n});
  for (index_t v = 0; v < n; ++v)
    for (index_t u = 0; u < n; ++u) {
      const double k = std::hypot(double(std::min(v, n - v)), double(std::min(u, n - u)));
      amplitude.view()(v, u) = k == 0 ? 0.0f : float(std::pow(k, -11.0 / 6));
    }
  return amplitude;
}

// The structure function of maps with known mode variances is 2 sum A^2 (1 - cos k.r), exactly. Over S
// independent maps, one pair of points each, its estimate is chi-squared: a relative standard error of
// sqrt(2 / S). Bound: 5 of them.
TEST_P(Optics, ScreensHaveTheStructureFunctionOfTheirSpectrum) {
  const index_t n = 16, maps = 200;
  const auto host = steep_modes(n);
  const auto amplitude = to_device(exec(), host.view());
  std::vector<ScreenEpoch> epochs;
  for (index_t e = 0; e < maps; ++e) epochs.push_back({std::uint64_t(3 * e), 0.6f, 0.8f});
  Array<Complex, 3> modes(exec(), {maps, n, n});
  draw_modes(exec(), 11, 1, epochs, amplitude.view(), modes.view());
  fft2(exec(), modes.view(), modes.view(), FftDirection::backward);
  const auto screens = to_host(exec(), modes.view());
  for (const index_t r : {1, 3, 8}) {
    double got = 0, want = 0;
    for (index_t e = 0; e < maps; ++e) got += double(std::norm(screens.view()(e, 5, 2 + r) - screens.view()(e, 5, 2)));
    for (index_t v = 0; v < n; ++v)
      for (index_t u = 0; u < n; ++u)
        want += 2 * std::pow(double(host.view()(v, u)), 2) * (1 - std::cos(kTwoPi * double(u * r) / double(n)));
    EXPECT_NEAR(got / double(2 * maps) / want, 1, 5 * std::sqrt(2.0 / double(2 * maps))) << "at distance " << r;
  }
}

// AR(1): after one step the correlation is `keep`, and the variance stays. Mean over 2 n^2 independent
// normal pairs: standard error of a product below sqrt(2 / (2 n^2)). Bound: 5.
TEST_P(Optics, ModesForgetAtTheRateAskedFor) {
  const index_t n = 64;
  const auto white = constant(n, 1.0f);
  const auto amplitude = to_device(exec(), white.view());
  Array<Complex, 2> modes(exec(), {n, n});
  renew_modes(exec(), 5, 2, 0, 0.0, amplitude.view(), modes.view());
  const auto before = to_host(exec(), modes.view());
  renew_modes(exec(), 5, 2, 1, 0.8, amplitude.view(), modes.view());
  const auto after = to_host(exec(), modes.view());
  double product = 0, variance = 0;
  const double count = 2.0 * double(n * n);
  for (index_t i = 0; i < n * n; ++i) {
    const auto a = before.data()[i], b = after.data()[i];
    product += double(a.real() * b.real() + a.imag() * b.imag()) / count;
    variance += double(std::norm(b)) / count;
  }
  EXPECT_NEAR(product, 0.8, 5 * std::sqrt(2 / count));
  EXPECT_NEAR(variance, 1, 5 * std::sqrt(2 / count));
}

// Poisson(value + sky) - sky + read noise: mean `value`, variance value + sky + read^2.
TEST_P(Optics, TheDetectorAddsTheNoiseOfItsLight) {
  const index_t n = 200;
  auto host = host_array<float, 3>({1, n, n});
  for (index_t i = 0; i < n * n; ++i) host.data()[i] = 50;
  auto cube = to_device(exec(), host.view());
  expose(exec(), 8, 3, {.sky = 150, .read_noise = 5}, cube.view());
  const auto got = to_host(exec(), cube.view());
  double mean = 0, variance = 0;
  const double count = double(n * n);
  for (index_t i = 0; i < n * n; ++i) mean += double(got.data()[i]) / count;
  for (index_t i = 0; i < n * n; ++i) variance += std::pow(double(got.data()[i]) - mean, 2) / count;
  EXPECT_NEAR(mean, 50, 5 * std::sqrt(225 / count));
  EXPECT_NEAR(variance, 225, 5 * 225 * std::sqrt(2.1 / count));  // 2 for a normal, a little more for Poisson
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Optics);

}  // namespace
}  // namespace hci::test
