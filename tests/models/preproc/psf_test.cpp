// SPDX-License-Identifier: MIT
#include "models/preproc/psf.hpp"

#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/stats/apertures.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

Array<float, 3> cube_of(Extents<2> extents, const std::vector<PsfShape>& shapes) {
  auto cube = host_array<float, 3>({static_cast<index_t>(shapes.size()), extents[0], extents[1]});
  for (index_t c = 0; c < cube.extent(0); ++c) {
    const auto frame = draw_psf(extents, shapes[static_cast<std::size_t>(c)]);
    for (index_t i = 0; i < frame.size(); ++i) cube.data()[c * frame.size() + i] = frame.data()[i];
  }
  return cube;
}

class NormalizePsf : public OnEveryDevice {};

// A Gaussian holds 1 - 2^-(2 r / fwhm)² = 1/2 of its flux A pi fwhm² / (4 ln 2) within r = fwhm / 2;
// pixels that stand for points make that 1e-3 wrong at this sampling.
TEST_P(NormalizePsf, CentresAndScalesEachChannel) {
  const std::vector<PsfShape> shapes{{.amplitude = 40, .y = 15.7, .x = 14.4, .fwhm_y = 4, .fwhm_x = 4},
                                     {.amplitude = 7, .y = 14.2, .x = 15.9, .fwhm_y = 5.5, .fwhm_x = 5.1}};
  for (const Extents<2> extents : {Extents<2>{31, 31}, {30, 30}}) {
    const auto psf = cube_of(extents, shapes);
    const NormalizedPsf got = normalize_psf(exec(), psf.view());
    ASSERT_EQ(got.psf.extents(), (Extents<3>{2, extents[0] - (extents[0] + 1) % 2, extents[1] - (extents[1] + 1) % 2}));
    for (index_t c = 0; c < 2; ++c) {
      const PsfShape& shape = shapes[static_cast<std::size_t>(c)];
      const double fwhm = got.fwhm[static_cast<std::size_t>(c)];
      EXPECT_NEAR(fwhm, shape.fwhm(), 1e-4);
      const double half = shape.amplitude * std::numbers::pi * shape.fwhm_y * shape.fwhm_x / (8 * std::numbers::ln2);
      EXPECT_NEAR(got.flux[static_cast<std::size_t>(c)], half, 0.06 * half);
      const Frame<const float> frame = got.psf.view()[c];
      const PsfFit fit = fit_psf(frame);
      EXPECT_NEAR(fit.shape.y, (double(frame.extent(0)) - 1) / 2, 1e-3);
      EXPECT_NEAR(fit.shape.x, (double(frame.extent(1)) - 1) / 2, 1e-3);
      const DeviceInput<float, 2> input(exec(), frame);
      const Position centre{double(frame.extent(0) / 2), double(frame.extent(1) / 2)};
      EXPECT_NEAR(aperture_sums(exec(), input.view(), {centre}, fwhm / 2)[0], 1, 1e-6);
    }
  }
}

TEST_P(NormalizePsf, CropsAndMasksAsAsked) {
  const auto psf = cube_of({31, 31}, {{.amplitude = 3, .y = 15, .x = 15, .fwhm_y = 4, .fwhm_x = 4}});
  NormalizePsfParams params{.fwhm = {4.0}, .size = 14, .threshold = 1e-3, .mask_core = 5};
  const NormalizedPsf got = normalize_psf(exec(), psf.view(), params);
  ASSERT_EQ(got.psf.extents(), (Extents<3>{1, 15, 15}));
  EXPECT_EQ(got.fwhm, std::vector{4.0});
  for (index_t y = 0; y < 15; ++y)
    for (index_t x = 0; x < 15; ++x) {
      const float value = got.psf.view()(0, y, x);
      const bool masked = (y - 7) * (y - 7) + (x - 7) * (x - 7) >= 25;
      EXPECT_TRUE(value == 0 || (!masked && value >= 1e-3F));
    }
  params.force_odd = false;
  EXPECT_EQ(normalize_psf(exec(), psf.view(), params).psf.extent(2), 14);
  params.size = 99;
  EXPECT_EQ(normalize_psf(exec(), psf.view(), params).psf.extent(2), 31);
}

TEST_P(NormalizePsf, DoesNotDependOnTheUnitAndCountsMaskedPixelsAsZero) {
  auto psf = cube_of({21, 21}, {{.amplitude = 1, .y = 10.2, .x = 9.8, .fwhm_y = 4, .fwhm_x = 4}});
  psf.view()(0, 1, 1) = 0;
  const NormalizedPsf before = normalize_psf(exec(), psf.view());
  for (index_t i = 0; i < psf.size(); ++i) psf.data()[i] *= 1024;
  psf.view()(0, 1, 1) = std::numeric_limits<float>::quiet_NaN();
  const NormalizedPsf after = normalize_psf(exec(), psf.view());
  EXPECT_NEAR(after.flux[0], 1024 * before.flux[0], 1e-6 * after.flux[0]);
  for (index_t i = 0; i < after.psf.size(); ++i) EXPECT_NEAR(after.psf.data()[i], before.psf.data()[i], 1e-7);
}

TEST_P(NormalizePsf, RefusesWhatMakesNoSense) {
  const auto oblong = cube_of({20, 21}, {{.y = 10, .x = 10}});
  EXPECT_THROW(normalize_psf(exec(), oblong.view()), InvalidInput);
  const auto psf = cube_of({21, 21}, {{.y = 10, .x = 10}, {.y = 10, .x = 10}});
  EXPECT_THROW(normalize_psf(exec(), psf.view(), {.fwhm = {4, 4, 4}}), InvalidInput);
  EXPECT_THROW(normalize_psf(exec(), psf.view(), {.size = -3}), InvalidInput);
  EXPECT_THROW(normalize_psf(exec(), psf.view(), {.fwhm = {-4}}), InvalidInput);
  const auto dark = cube_of({21, 21}, {{.amplitude = -1, .y = 10, .x = 10}});
  EXPECT_THROW(normalize_psf(exec(), dark.view(), {.fwhm = {4}}), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(NormalizePsf);

TEST(MeasureFwhm, TakesTheNeighboursWhereAFitFails) {
  auto psf = cube_of(
      {21, 21},
      {{.y = 10, .x = 10, .fwhm_y = 4, .fwhm_x = 4}, {.y = 10, .x = 10}, {.y = 10, .x = 10, .fwhm_y = 5, .fwhm_x = 5}});
  for (index_t i = 0; i < 21 * 21; ++i) psf.data()[21 * 21 + i] = 1;  // flat
  const auto fwhm = measure_fwhm(psf.view());
  EXPECT_NEAR(fwhm[0], 4, 1e-5);
  EXPECT_NEAR(fwhm[1], 4.5, 1e-5);
  EXPECT_NEAR(fwhm[2], 5, 1e-5);
  const Cube<const float> flat_first = slice(std::as_const(psf).view(), 1, 2);
  EXPECT_THROW(measure_fwhm(flat_first), InvalidInput);
}

}  // namespace
}  // namespace hci::test
