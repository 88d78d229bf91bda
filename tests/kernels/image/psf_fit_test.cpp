// SPDX-License-Identifier: MIT
#include "kernels/image/psf_fit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <random>

#include "kernels/core/error.hpp"

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

}  // namespace
}  // namespace hci::test
