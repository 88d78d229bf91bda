// SPDX-License-Identifier: MIT
#include "kernels/image/psf_fit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <random>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

// The stamps are the model rounded to float: 6e-8 of the peak in each pixel, and dozens of pixels
// decide each parameter. 1e-5 leaves room for the shallow ones (alpha, theta).
constexpr double kRounding = 1e-5;

void expect_same(const PsfFit& fit, const PsfShape& want) {
  ASSERT_TRUE(fit.converged);
  EXPECT_NEAR(fit.shape.y, want.y, kRounding);
  EXPECT_NEAR(fit.shape.x, want.x, kRounding);
  EXPECT_NEAR(fit.shape.amplitude, want.amplitude, kRounding * want.amplitude);
  EXPECT_NEAR(fit.shape.fwhm(), want.fwhm(), kRounding * want.fwhm());
}

TEST(PsfFit, FindsAnEllipticalGaussian) {
  for (const Extents<2> extents : {Extents<2>{21, 21}, {20, 20}, {19, 26}}) {
    const PsfShape want{.amplitude = 300, .y = 9.3, .x = 10.8, .fwhm_y = 5.1, .fwhm_x = 3.9, .theta = 25};
    const auto stamp = draw_psf(extents, want);
    const PsfFit fit = fit_psf(stamp.view());
    expect_same(fit, want);
    // Widths and angle may come back with the axes exchanged, a quarter turn apart.
    const bool swapped = fit.shape.fwhm_x > fit.shape.fwhm_y;
    EXPECT_NEAR(swapped ? fit.shape.fwhm_x : fit.shape.fwhm_y, 5.1, 1e-4);
    EXPECT_NEAR(std::remainder(fit.shape.theta + (swapped ? 90 : 0) - 25, 180), 0, 1e-2);
  }
}

TEST(PsfFit, FindsAMoffatAndAnAiryDisk) {
  const PsfShape moffat{
      .model = PsfModel::moff, .amplitude = 2, .y = 12.2, .x = 11.6, .fwhm_y = 4.4, .fwhm_x = 4.4, .alpha = 2.3};
  const auto first = draw_psf({25, 25}, moffat);
  const PsfFit fit = fit_psf(first.view(), PsfModel::moff);
  expect_same(fit, moffat);
  EXPECT_NEAR(fit.shape.alpha, 2.3, 1e-4);
  const PsfShape airy{.model = PsfModel::airy, .amplitude = 0.1, .y = 12.4, .x = 12.7, .fwhm_y = 4.8, .fwhm_x = 4.8};
  const auto second = draw_psf({25, 25}, airy);
  expect_same(fit_psf(second.view(), PsfModel::airy), airy);
}

TEST(PsfFit, DrawsWhatTheFwhmSays) {
  for (const PsfModel model : {PsfModel::gauss, PsfModel::moff}) {
    const auto frame = draw_psf({9, 9}, {.model = model, .y = 4, .x = 4, .fwhm_y = 4, .fwhm_x = 6, .alpha = 1.7});
    EXPECT_FLOAT_EQ(frame.view()(4, 4), 1);
    if (model == PsfModel::gauss) {
      EXPECT_FLOAT_EQ(frame.view()(6, 4), 0.5F);
      EXPECT_FLOAT_EQ(frame.view()(4, 7), 0.5F);
    }
  }
  // An Airy disk of first zero 5 px: dark there; its half maximum is at 0.8432 of 5 px / 2 (Bessel).
  const double fwhm = 5 * 1.028 / 1.22;
  const auto airy = draw_psf({11, 11}, {.model = PsfModel::airy, .y = 5, .x = 5, .fwhm_y = fwhm, .fwhm_x = fwhm});
  EXPECT_NEAR(airy.view()(5, 10), 0, 1e-12);
  EXPECT_FLOAT_EQ(airy.view()(5, 5), 1);
  // Theta turns the x width counter-clockwise, y upward.
  const auto turned = draw_psf({9, 9}, {.y = 4, .x = 4, .fwhm_y = 2, .fwhm_x = 6, .theta = 45});
  EXPECT_GT(turned.view()(6, 6), 2 * turned.view()(6, 2));
}

// White noise s on a peak A: var(x) = 2 s² / (pi A²) for a well sampled Gaussian, whatever its width.
TEST(PsfFit, KnowsItsErrors) {
  auto stamp = draw_psf({31, 31}, {.amplitude = 50, .y = 15.2, .x = 14.9, .fwhm_y = 5, .fwhm_x = 5});
  std::mt19937 random(2);
  std::normal_distribution<float> noise(0, 1);
  for (index_t i = 0; i < stamp.size(); ++i) stamp.data()[i] += noise(random);
  const PsfFit fit = fit_psf(stamp.view());
  const double want = std::sqrt(2 / std::numbers::pi) / 50;
  EXPECT_NEAR(fit.error.x, want, 0.1 * want);  // the scatter of 961 pixels is known to 2.3 %
  EXPECT_NEAR(fit.error.y, want, 0.1 * want);
  EXPECT_LT(std::abs(fit.shape.x - 14.9), 4 * want);
  EXPECT_LT(std::abs(fit.shape.y - 15.2), 4 * want);
}

TEST(PsfFit, LeavesMaskedPixelsOut) {
  const PsfShape want{.amplitude = 3, .y = 7.4, .x = 8.1, .fwhm_y = 4, .fwhm_x = 4};
  auto stamp = draw_psf({16, 17}, want);
  for (const auto& [y, x] : {std::pair{7, 8}, {3, 3}, {9, 10}, {15, 16}})
    stamp.view()(y, x) = std::numeric_limits<float>::quiet_NaN();
  stamp.view()(0, 5) = std::numeric_limits<float>::infinity();
  expect_same(fit_psf(stamp.view()), want);
}

TEST(PsfFit, StartsAtTheHighestPixelWhereTheCentreOfMassIsOutside) {
  const PsfShape want{.amplitude = 1, .y = 10, .x = 11, .fwhm_y = 4, .fwhm_x = 4};
  auto stamp = draw_psf({21, 21}, want);
  double sum = 0;
  for (index_t i = 0; i < stamp.size(); ++i) sum += stamp.data()[i];
  // A faint slope of the same negative sum: the masses cancel.
  for (index_t y = 0; y < 21; ++y)
    for (index_t x = 0; x < 21; ++x) stamp.view()(y, x) -= static_cast<float>(0.99 * sum * double(x) / (21 * 210));
  const PsfFit fit = fit_psf(stamp.view());
  ASSERT_TRUE(fit.converged);
  EXPECT_NEAR(fit.shape.x, 11, 0.3);
}

TEST(PsfFit, RefusesStampsWithTooFewPixels) {
  auto stamp = draw_psf({3, 3}, {.y = 1, .x = 1});
  for (index_t i = 0; i < 3; ++i) stamp.data()[i] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(fit_psf(stamp.view()), InvalidInput);
  EXPECT_THROW(fit_psf(stamp.view(), PsfModel::gauss, -1), InvalidInput);
  EXPECT_THROW(draw_psf({3, 3}, {.fwhm_y = 0}), InvalidInput);
}

class PsfFits : public OnEveryDevice {};
HCI_INSTANTIATE_ON_EVERY_DEVICE(PsfFits);

/// Point sources of all sorts, with noise of that share of the peak.
std::vector<PsfShape> random_shapes(PsfModel model, index_t count, Extents<2> extents) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> between(0, 1);
  std::vector<PsfShape> shapes;
  for (index_t i = 0; i < count; ++i) {
    PsfShape shape{.model = model, .amplitude = std::pow(10, 6 * between(random) - 3)};
    shape.y = double(extents[0]) / 2 - 1.5 + 2 * between(random);
    shape.x = double(extents[1]) / 2 - 1.5 + 2 * between(random);
    shape.fwhm_y = shape.fwhm_x = 3 + 2.5 * between(random);
    if (model == PsfModel::gauss) {
      shape.fwhm_x *= 1.3;
      shape.theta = 160 * between(random) - 80;
    }
    shape.alpha = 1.2 + 2 * between(random);
    shapes.push_back(shape);
  }
  return shapes;
}

Array<float, 3> drawn(const std::vector<PsfShape>& shapes, Extents<2> extents, double noise) {
  std::mt19937 random(11);
  std::normal_distribution<double> normal(0, 1);
  auto stamps = host_array<float, 3>({static_cast<index_t>(shapes.size()), extents[0], extents[1]});
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const auto stamp = draw_psf(extents, shapes[i]);
    for (index_t k = 0; k < stamp.size(); ++k)
      stamps.data()[static_cast<index_t>(i) * stamp.size() + k] =
          static_cast<float>(stamp.data()[k] + noise * shapes[i].amplitude * normal(random));
  }
  return stamps;
}

TEST_P(PsfFits, FindWhatWasDrawn) {
  for (const PsfModel model : {PsfModel::gauss, PsfModel::moff, PsfModel::airy})
    for (const Extents<2>& extents : {Extents<2>{19, 19}, {18, 23}, {21, 16}}) {
      const auto shapes = random_shapes(model, 13, extents);
      const auto stamps = drawn(shapes, extents, 0);
      const DeviceInput<float, 3> in(exec(), stamps.view());
      const auto fits = fit_psfs(exec(), in.view(), model);
      ASSERT_EQ(fits.size(), shapes.size());
      for (std::size_t i = 0; i < fits.size(); ++i) {
        expect_same(fits[i], shapes[i]);
        EXPECT_EQ(fits[i].status, FitStatus::converged);
        EXPECT_EQ(fits[i].pixels, extents.size());
        if (model == PsfModel::moff) {
          EXPECT_NEAR(fits[i].shape.alpha, shapes[i].alpha, 2e-4 * shapes[i].alpha);
        }
        // All that is left is the rounding of float values: at most 2^-25 of the peak in each pixel.
        EXPECT_LT(fits[i].chi2, double(extents.size()) * std::pow(3e-8 * shapes[i].amplitude, 2));
      }
    }
}

/// Sum of the squared residuals of a shape, in double.
double chi2_of(const Frame<const float>& stamp, const PsfShape& s) {
  double sum = 0;
  for (index_t y = 0; y < stamp.extent(0); ++y)
    for (index_t x = 0; x < stamp.extent(1); ++x) {
      const double dx = double(x) - s.x, dy = double(y) - s.y;
      double value = 0;
      if (s.model == PsfModel::gauss) {
        const double t = s.theta * std::numbers::pi / 180, u = std::cos(t) * dx + std::sin(t) * dy,
                     v = std::cos(t) * dy - std::sin(t) * dx;
        value = std::exp(-4 * std::log(2.0) * (u * u / (s.fwhm_x * s.fwhm_x) + v * v / (s.fwhm_y * s.fwhm_y)));
      } else if (s.model == PsfModel::moff) {
        const double width = s.fwhm() / 2;  // where (1 + (r / gamma)²)^-alpha is 1/2
        value = std::pow(1 + (dx * dx + dy * dy) / (width * width) * (std::pow(2.0, 1 / s.alpha) - 1), -s.alpha);
      } else {
        const double u = std::hypot(dx, dy) / s.airy_radius() * 3.8317059702075125;
        value = u == 0 ? 1 : std::pow(2 * std::cyl_bessel_j(1.0, u) / u, 2);
      }
      if (std::isfinite(stamp(y, x))) sum += std::pow(s.amplitude * value - double(stamp(y, x)), 2);
    }
  return sum;
}

/// The shape with its k-th parameter changed by so much.
PsfShape changed(PsfShape s, int k, double by) {
  if (k == 0) s.amplitude += by;
  if (k == 1) s.x += by;
  if (k == 2) s.y += by;
  if (k == 3) (s.model == PsfModel::gauss ? s.fwhm_x : s.fwhm_y) += by;
  if (k == 3 && s.model != PsfModel::gauss) s.fwhm_x = s.fwhm_y;
  if (k == 4) (s.model == PsfModel::gauss ? s.fwhm_y : s.alpha) += by;
  if (k == 5) s.theta += by;
  return s;
}

// The minimum is one: whatever is changed by a share of its error, either way, chi2 rises by at least
// share² of the residuals' variance (more, since the error allows the others to follow). 0.8: the
// share is not infinitely small.
TEST_P(PsfFits, EndAtTheMinimumOfNoisyStampsWithHoles) {
  for (const PsfModel model : {PsfModel::gauss, PsfModel::moff, PsfModel::airy}) {
    const Extents<2> extents{17, 20};
    auto stamps = drawn(random_shapes(model, 9, extents), extents, 0.01);
    for (index_t i = 0; i < stamps.size(); i += 11) stamps.data()[i] = std::numeric_limits<float>::quiet_NaN();
    stamps.data()[5] = std::numeric_limits<float>::infinity();
    const DeviceInput<float, 3> in(exec(), stamps.view());
    const auto fits = fit_psfs(exec(), in.view(), model, 4.5);
    for (index_t i = 0; i < stamps.extent(0); ++i) {
      const PsfFit& fit = fits[std::size_t(i)];
      ASSERT_TRUE(fit.converged);
      const auto stamp = std::as_const(stamps).view()[i];
      const double least = chi2_of(stamp, fit.shape);
      EXPECT_NEAR(fit.chi2, least, 1e-6 * least);
      const int count = model == PsfModel::gauss ? 6 : model == PsfModel::moff ? 5 : 4;
      const double variance = least / double(fit.pixels - count);
      const double errors[] = {fit.error.amplitude,
                               fit.error.x,
                               fit.error.y,
                               fit.error.fwhm_x,
                               model == PsfModel::gauss ? fit.error.fwhm_y : fit.error.alpha,
                               fit.error.theta};
      for (int k = 0; k < count; ++k)
        for (const double share : {-0.05, 0.05}) {
          const double rise = chi2_of(stamp, changed(fit.shape, k, share * errors[k])) - least;
          EXPECT_GT(rise, 0.8 * share * share * variance) << int(model) << " " << k;
        }
      // The covariance: symmetric, the errors on its diagonal, correlations within 1.
      for (std::size_t a = 0; a < std::size_t(count); ++a)
        for (std::size_t b = 0; b < std::size_t(count); ++b) {
          const double scale = std::sqrt(fit.covariance[a][a] * fit.covariance[b][b]);
          EXPECT_NEAR(fit.covariance[a][b], fit.covariance[b][a], 1e-6 * scale);
          EXPECT_LE(std::abs(fit.covariance[a][b]), scale * 1.000001);
        }
      EXPECT_NEAR(std::sqrt(fit.covariance[1][1]), fit.error.x, 1e-12 * fit.error.x);
      EXPECT_NEAR(std::sqrt(fit.covariance[0][0]), fit.error.amplitude, 1e-12 * fit.error.amplitude);
    }
  }
}

TEST_P(PsfFits, SayOfEachStampHowItEnded) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  auto stamps = host_array<float, 3>({4, 9, 9});
  const auto good = draw_psf({9, 9}, {.amplitude = 2, .y = 4.2, .x = 3.9, .fwhm_y = 3, .fwhm_x = 3.2});
  for (index_t i = 0; i < 81; ++i) {
    stamps.data()[i] = good.data()[i];
    stamps.data()[81 + i] = nan;
    stamps.data()[162 + i] = i < 6 ? 1.0F : nan;  // as many as parameters
    stamps.data()[243 + i] = 0;                   // nothing there: any width fits
  }
  const DeviceInput<float, 3> in(exec(), stamps.view());
  const auto fits = fit_psfs(exec(), in.view());
  EXPECT_EQ(fits[0].status, FitStatus::converged);
  EXPECT_EQ(fits[1].status, FitStatus::too_few_pixels);
  EXPECT_EQ(fits[1].pixels, 0);
  EXPECT_EQ(fits[2].status, FitStatus::too_few_pixels);
  EXPECT_TRUE(std::isnan(fits[2].shape.x) && std::isnan(fits[2].error.x) && std::isnan(fits[2].chi2));
  // Zeros: either no minimum, or one of height 0.
  if (fits[3].converged) {
    EXPECT_NEAR(fits[3].shape.amplitude, 0, 1e-6);
  }
  EXPECT_TRUE(fit_psfs(exec(), slice(in.view(), 0, 0)).empty());
  EXPECT_THROW(fit_psfs(exec(), in.view(), PsfModel::gauss, 0), InvalidInput);
  const auto one_pixel = fit_psfs(exec(), slice(Cube<const float>(in.view().data(), {4, 1, 1}, {81, 9, 1}), 0, 2));
  EXPECT_EQ(one_pixel[0].status, FitStatus::too_few_pixels);
}

// A stamp's fit has the same bits alone, among others, and cut from a larger frame.
TEST_P(PsfFits, AreTheSameAloneAndTogether) {
  const Extents<2> extents{15, 15};
  const auto stamps = drawn(random_shapes(PsfModel::gauss, 7, extents), extents, 0.02);
  const DeviceInput<float, 3> in(exec(), stamps.view());
  const auto together = fit_psfs(exec(), in.view());
  for (index_t i = 0; i < 7; ++i) {
    const PsfFit alone = fit_psfs(exec(), slice(in.view(), i, 1))[0];
    EXPECT_EQ(alone.shape.x, together[std::size_t(i)].shape.x);
    EXPECT_EQ(alone.shape.theta, together[std::size_t(i)].shape.theta);
    EXPECT_EQ(alone.chi2, together[std::size_t(i)].chi2);
    EXPECT_EQ(alone.error.y, together[std::size_t(i)].error.y);
  }
}

}  // namespace
}  // namespace hci::test
