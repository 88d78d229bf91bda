// SPDX-License-Identifier: MIT
#include "kernels/image/psf_fit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <utility>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/image/psf_model.hpp"
#include "tests/kernels/image/psf_reference.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

/// With the wider axis first: a Gaussian's axes may come back exchanged, a quarter turn apart.
PsfShape wider_first(PsfShape s) {
  if (s.fwhm_x >= s.fwhm_y) return s;
  std::swap(s.fwhm_x, s.fwhm_y);
  s.theta += 90;
  return s;
}

/// All parameters of the fit to a stamp are those that were drawn, within what the float pixels tell.
void expect_same(const PsfFit& fit, const PsfShape& drawn, const Frame<const float>& stamp) {
  ASSERT_TRUE(fit.converged);
  const PsfModel model = drawn.model;
  const bool circular = drawn.fwhm_x == drawn.fwhm_y;  // where theta means nothing, and which width is which
  const Parameters want = parameters_of(wider_first(drawn)), have = parameters_of(wider_first(fit.shape));
  const int count = model == PsfModel::gauss && circular ? 5 : parameter_count(model);
  const Knowledge knowledge(stamp, model, want, count);
  if (model == PsfModel::gauss && circular) {
    EXPECT_NEAR(fit.shape.fwhm(), drawn.fwhm(), (knowledge.rounding(3) + knowledge.rounding(4)) / 2);
  }
  for (std::size_t k = 0; k < std::size_t(count); ++k) {
    if (model == PsfModel::gauss && circular && k >= 3) break;
    const double difference = k == 5 ? std::remainder(have[k] - want[k], 180) : have[k] - want[k];
    EXPECT_LE(std::abs(difference), knowledge.rounding(k)) << "parameter " << k;
  }
}

TEST(PsfFit, FindsAnEllipticalGaussian) {
  for (const Extents<2> extents : {Extents<2>{21, 21}, {20, 20}, {19, 26}}) {
    const PsfShape want{.amplitude = 300, .y = 9.3, .x = 10.8, .fwhm_y = 5.1, .fwhm_x = 3.9, .theta = 25};
    const auto stamp = draw_psf(extents, want);
    expect_same(fit_psf(stamp.view()), want, std::as_const(stamp).view());
  }
}

TEST(PsfFit, FindsAMoffatAndAnAiryDisk) {
  const PsfShape moffat{
      .model = PsfModel::moff, .amplitude = 2, .y = 12.2, .x = 11.6, .fwhm_y = 4.4, .fwhm_x = 4.4, .alpha = 2.3};
  const PsfShape airy{.model = PsfModel::airy, .amplitude = 0.1, .y = 12.4, .x = 12.7, .fwhm_y = 4.8, .fwhm_x = 4.8};
  for (const PsfShape& want : {moffat, airy}) {
    const auto stamp = draw_psf({25, 25}, want);
    expect_same(fit_psf(stamp.view(), want.model), want, std::as_const(stamp).view());
  }
}

// A walk may try negative radii: only their square is in the definition.
TEST(PsfFit, TakesANegativeAiryRadiusForAPositiveOne) {
  for (const double u : {1e-9, 0.01, 0.049, 0.051, 0.3, 2.0, 3.8317, 40.0}) {
    EXPECT_EQ(psf::airy_field(-u).value, psf::airy_field(u).value);
    EXPECT_EQ(psf::airy_field(-u).slope, psf::airy_field(u).slope);
    // The definitions: values of size 1 whose rounding 2 / u² magnifies; the series leaves 1e-12 out.
    EXPECT_NEAR(psf::airy_field(u).value, 2 * std::cyl_bessel_j(1.0, u) / u, 1e-12);
    EXPECT_NEAR(psf::airy_field(u).slope, -2 * std::cyl_bessel_j(2.0, u) / (u * u), 1e-12);
  }
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
  // Of the amplitude and the widths, relative: sqrt(2) / rho with rho = sqrt(pi) sigma A / s (Condon 1997).
  const double relative = std::sqrt(2 / std::numbers::pi) / (50 * 5 / 2.3548);
  EXPECT_NEAR(fit.error.amplitude, 50 * relative, 0.1 * 50 * relative);
  EXPECT_NEAR(fit.error.fwhm_x, 5 * relative, 0.1 * 5 * relative);
  EXPECT_NEAR(fit.error.fwhm_y, 5 * relative, 0.1 * 5 * relative);
}

TEST(PsfFit, LeavesMaskedPixelsOut) {
  const PsfShape want{.amplitude = 3, .y = 7.4, .x = 8.1, .fwhm_y = 4, .fwhm_x = 4};
  auto stamp = draw_psf({16, 17}, want);
  for (const auto& [y, x] : {std::pair{7, 8}, {3, 3}, {9, 10}, {15, 16}})
    stamp.view()(y, x) = std::numeric_limits<float>::quiet_NaN();
  stamp.view()(0, 5) = std::numeric_limits<float>::infinity();
  expect_same(fit_psf(stamp.view()), want, std::as_const(stamp).view());
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
  EXPECT_THROW(draw_psf({3, 3}, {.model = PsfModel::moff, .alpha = 1e-4}), InvalidInput);
  // One pixel seen 2^30 and some times.
  const Cube<const float> endless(stamp.data() + 4, {1, index_t{1} << 15, (index_t{1} << 15) + 1}, {0, 0, 0});
  Exec cpu;
  EXPECT_THROW(fit_psfs(cpu, endless), InvalidInput);
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
        expect_same(fits[i], shapes[i], std::as_const(stamps).view()[index_t(i)]);
        EXPECT_EQ(fits[i].status, FitStatus::converged);
        EXPECT_EQ(fits[i].pixels, extents.size());
        // All that is left is the rounding of float values: at most 2^-25 of the peak in each pixel.
        EXPECT_LT(fits[i].chi2, double(extents.size()) * std::pow(3e-8 * shapes[i].amplitude, 2));
      }
    }
}

/// The errors in the order of the covariance.
Parameters errors_of(const PsfFit& fit) {
  const PsfShape& e = fit.error;
  if (e.model == PsfModel::gauss) return {e.amplitude, e.x, e.y, e.fwhm_x, e.fwhm_y, e.theta};
  if (e.model == PsfModel::moff) return {e.amplitude, e.x, e.y, fit.gamma_error, e.alpha, 0};
  return {e.amplitude, e.x, e.y, e.fwhm_x * 1.22 / 1.028, 0, 0};
}

void expect_a_minimum(const PsfFit& fit, const Frame<const float>& stamp) {
  const PsfModel model = fit.shape.model;
  const Parameters p = parameters_of(fit.shape), errors = errors_of(fit);
  const auto n = std::size_t(parameter_count(model));
  const double least = chi2_of(stamp, model, p), variance = least / double(fit.pixels - index_t(n));
  // Values of size 1 and residuals of 1e-2, in double on both sides.
  EXPECT_NEAR(fit.chi2, least, 1e-10 * least);
  // The covariance is the inverse's. Derivatives are good to 1e-9; the inverse magnifies that by the
  // condition of J^T J, which the correlations tell: 1 / (1 - the largest's square) is below 500 here.
  const Knowledge knowledge(stamp, model, p, int(n));
  for (std::size_t a = 0; a < n; ++a) {
    EXPECT_LT(knowledge.normal[a][a] * knowledge.inverse[a][a], 500);
    for (std::size_t b = 0; b < n; ++b)
      EXPECT_NEAR(fit.covariance[a][b], variance * knowledge.inverse[a][b],
                  1e-6 * variance * std::sqrt(knowledge.inverse[a][a] * knowledge.inverse[b][b]))
          << int(model) << " " << a << " " << b;
    EXPECT_NEAR(errors[a], std::sqrt(fit.covariance[a][a]), 1e-12 * errors[a]);
    // Either way from the minimum chi2 rises as the curvature says, the first order being none; 0.2: the
    // residuals, 1 % of the peak, bend it too, and 0.1 of an error is not infinitely little.
    for (const double share : {-0.1, 0.1}) {
      Parameters moved = p;
      moved[a] += share * errors[a];
      const double rise = chi2_of(stamp, model, moved) - least;
      const double want = std::pow(share * errors[a], 2) * knowledge.normal[a][a];
      EXPECT_NEAR(rise, want, 0.2 * want) << int(model) << " " << a;
    }
  }
  if (model != PsfModel::gauss) {
    EXPECT_NEAR(fit.error.fwhm_x / fit.shape.fwhm_x, errors[3] / p[3], 1e-12 * errors[3] / p[3]);
    EXPECT_EQ(fit.error.fwhm_y, fit.error.fwhm_x);
  }
}

TEST_P(PsfFits, EndAtTheMinimumOfNoisyStampsWithHoles) {
  for (const PsfModel model : {PsfModel::gauss, PsfModel::moff, PsfModel::airy}) {
    const Extents<2> extents{17, 20};
    auto stamps = drawn(random_shapes(model, 9, extents), extents, 0.01);
    for (index_t i = 0; i < stamps.size(); i += 11) stamps.data()[i] = std::numeric_limits<float>::quiet_NaN();
    stamps.data()[5] = std::numeric_limits<float>::infinity();
    const DeviceInput<float, 3> in(exec(), stamps.view());
    const auto fits = fit_psfs(exec(), in.view(), model, 4.5);
    for (index_t i = 0; i < stamps.extent(0); ++i) {
      ASSERT_TRUE(fits[std::size_t(i)].converged);
      expect_a_minimum(fits[std::size_t(i)], std::as_const(stamps).view()[i]);
    }
  }
}

void expect_nothing_but(FitStatus status, const PsfFit& fit) {
  EXPECT_EQ(fit.status, status);
  EXPECT_FALSE(fit.converged);
  const PsfShape &s = fit.shape, &e = fit.error;
  for (const double value : {s.amplitude, s.y, s.x, s.fwhm_y, s.fwhm_x, e.amplitude, e.y, e.x, e.fwhm_y, e.fwhm_x,
                             fit.chi2, fit.covariance[0][0], fit.covariance[3][2]})
    EXPECT_TRUE(std::isnan(value));
}

// Profiles that rise outward, by their square root and to a plateau, and one that falls too slowly to
// have a half: Moffat's of powers -0.5, below 0 and 5e-4, whose least squares are no point source.
TEST_P(PsfFits, RefuseAMoffatWithoutAWidth) {
  auto stamps = host_array<float, 3>({4, 19, 19});
  const auto good = draw_psf({19, 19}, {.model = PsfModel::moff, .y = 9, .x = 9, .alpha = 1.5});
  for (index_t y = 0; y < 19; ++y)
    for (index_t x = 0; x < 19; ++x) {
      const double rr = double((y - 9) * (y - 9) + (x - 9) * (x - 9));
      stamps.view()(0, y, x) = float(std::sqrt(1 + rr / 9));
      stamps.view()(1, y, x) = float(10 - std::exp(-rr / 6));
      stamps.view()(2, y, x) = float(std::pow(1 + rr / 9, -5e-4));
      stamps.view()(3, y, x) = good.view()(y, x);
    }
  const DeviceInput<float, 3> in(exec(), stamps.view());
  const auto fits = fit_psfs(exec(), in.view(), PsfModel::moff);
  for (const std::size_t i : {0, 1, 2}) {
    SCOPED_TRACE(i);
    expect_nothing_but(FitStatus::no_minimum, fits[i]);
  }
  EXPECT_TRUE(fits[3].converged);
}

TEST_P(PsfFits, SayOfEachStampHowItEnded) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  auto stamps = host_array<float, 3>({4, 9, 9});
  const auto good = draw_psf({9, 9}, {.amplitude = 2, .y = 4.2, .x = 3.9, .fwhm_y = 3, .fwhm_x = 3.2});
  for (index_t i = 0; i < 81; ++i) {
    stamps.data()[i] = good.data()[i];
    stamps.data()[81 + i] = nan;
    stamps.data()[162 + i] = i < 6 ? 1.0F : nan;  // as many as parameters
    stamps.data()[243 + i] = 0;                   // nothing there: any shape of height 0 fits
  }
  const DeviceInput<float, 3> in(exec(), stamps.view());
  const auto fits = fit_psfs(exec(), in.view());
  EXPECT_EQ(fits[0].status, FitStatus::converged);
  EXPECT_EQ(fits[1].status, FitStatus::too_few_pixels);
  EXPECT_EQ(fits[1].pixels, 0);
  EXPECT_EQ(fits[2].status, FitStatus::too_few_pixels);
  expect_nothing_but(FitStatus::too_few_pixels, fits[2]);
  expect_nothing_but(FitStatus::no_minimum, fits[3]);
  EXPECT_TRUE(fit_psfs(exec(), slice(in.view(), 0, 0)).empty());
  EXPECT_THROW(fit_psfs(exec(), in.view(), PsfModel::gauss, 0), InvalidInput);
  const auto one_pixel = fit_psfs(exec(), slice(Cube<const float>(in.view().data(), {4, 1, 1}, {81, 9, 1}), 0, 2));
  EXPECT_EQ(one_pixel[0].status, FitStatus::too_few_pixels);
}

// A stamp's fit has the same bits alone, among others, and cut from a larger frame.
TEST_P(PsfFits, AreTheSameAloneAndTogether) {
  const Extents<2> extents{15, 15};
  const auto stamps = drawn(random_shapes(PsfModel::gauss, 7, extents), extents, 0.02);
  auto frames = host_array<float, 3>({7, 20, 23});
  std::fill_n(frames.data(), frames.size(), 1e6F);
  for (index_t i = 0; i < 7; ++i)
    for (index_t y = 0; y < 15; ++y)
      for (index_t x = 0; x < 15; ++x) frames.view()(i, y + 3, x + 5) = std::as_const(stamps).view()(i, y, x);
  const DeviceInput<float, 3> in(exec(), stamps.view()), larger(exec(), frames.view());
  const Cube<const float> cut(larger.view().data() + 3 * 23 + 5, {7, 15, 15}, {20 * 23, 23, 1});
  const auto together = fit_psfs(exec(), in.view()), from_frames = fit_psfs(exec(), cut);
  for (index_t i = 0; i < 7; ++i) {
    const PsfFit& want = together[std::size_t(i)];
    for (const PsfFit& fit : {fit_psfs(exec(), slice(in.view(), i, 1))[0], from_frames[std::size_t(i)]}) {
      EXPECT_EQ(fit.shape.x, want.shape.x);
      EXPECT_EQ(fit.shape.theta, want.shape.theta);
      EXPECT_EQ(fit.chi2, want.chi2);
      EXPECT_EQ(fit.error.y, want.error.y);
    }
  }
}

}  // namespace
}  // namespace hci::test
