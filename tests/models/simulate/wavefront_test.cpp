// SPDX-License-Identifier: MIT
#include "models/simulate/wavefront.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "models/simulate/optics.hpp"

namespace hci::test {
namespace {

double variance_of(const Array<float, 2>& amplitudes) {
  double sum = 0;
  for (index_t i = 0; i < amplitudes.size(); ++i) sum += std::pow(double(amplitudes.data()[i]), 2);
  return sum;
}

TEST(Turbulence, SeeingOfAnArcsecondIsAFriedParameterOfTenCentimetres) {
  EXPECT_NEAR(fried_parameter(1.0), 0.98 * 500e-9 * 206264.806, 1e-6);
}

// Fitting error outside a square control region of half-width c, for L0 -> infinity, with what the grid
// leaves out beyond its own square of half-width g: 0.0229 r0^(-5/3) I (c^(-5/3) - g^(-5/3)) rad^2, I the
// integral of k^(-11/3) outside the unit square = 8 (3/5) times that of cos(a)^(5/3) from 0 to pi / 4.
// The sum over modes errs by the step at the inner edge, at most step / c of the integrand's part there.
TEST(Turbulence, FittingErrorIsTheIntegralOfKolmogorovsSpectrum) {
  const double r0 = 0.15, control = 2.5, sample = 0.05;
  const int grid = 320;
  const Turbulence t{.fried = r0, .outer_scale = 1e6, .control_frequency = control};
  double angular = 0;
  constexpr int kSteps = 2000;
  for (int i = 0; i < kSteps; ++i)
    angular += std::pow(std::cos((i + 0.5) * std::numbers::pi / 4 / kSteps), 5.0 / 3) * std::numbers::pi / 4 / kSteps;
  const double edge = 0.5 / sample;
  const double radians =
      0.0229 * std::pow(r0, -5.0 / 3) * 8 * 0.6 * angular * (std::pow(control, -5.0 / 3) - std::pow(edge, -5.0 / 3));
  const double want = radians * std::pow(500 / (2 * std::numbers::pi), 2);
  const double step = 1 / (grid * sample);
  EXPECT_NEAR(variance_of(residual_modes(t, grid, sample)) / want, 1, 2 * step / control);
}

TEST(Turbulence, ServoLagIsZeroAcrossTheWindAndGrowsAlongIt) {
  Turbulence t{.fried = 0.15, .control_frequency = 2.5, .wind_x = 10, .delay = 0.002};
  EXPECT_EQ(residual_power(t, 1.0, 0.0), 0);
  const Turbulence open{.fried = 0.15};
  const double turns = 1.5 * 10 * 0.002;
  EXPECT_NEAR(residual_power(t, 0.0, 1.5) / residual_power(open, 0.0, 1.5),
              2 * (1 - std::cos(2 * std::numbers::pi * turns)), 1e-12);
  EXPECT_EQ(residual_power(t, 0.0, 3.0), residual_power(open, 0.0, 3.0));
}

TEST(QuasiStaticError, HasTheRmsAskedFor) {
  EXPECT_NEAR(variance_of(quasi_static_modes(40, 8, 96, 8.0 / 64)), 1600, 1600 * 1e-5);  // float amplitudes
}

// An annulus: pi / 4 (outer^2 - inner^2) of the square. Points of a grid miss a disc's area by less than
// the boundary's length times half a step: (pi (1 + 0.3) / 2) / (8 n).
TEST(PupilMask, HasTheAreaOfAnAnnulus) {
  const Instrument plain{.spiders = {}};
  const auto mask = pupil_mask(plain, 50, 1.0, 0.3, 0.0);
  double area = 0;
  for (index_t i = 0; i < mask.size(); ++i) area += double(mask.data()[i]) / 2500;
  EXPECT_NEAR(area, std::numbers::pi / 4 * (1 - 0.09), std::numbers::pi * 1.3 / 2 / 400);
}

// The Airy pattern of a clear disc falls to one half at 0.5145 wavelength / D from its centre (Born &
// Wolf, 8.5.2). A grey-edged pupil of 64 samples is 1 / 64 wide in doubt at the very most.
TEST(OpticsOfAClearPupil, GivesTheAiryDisc) {
  Instrument clear{.diameter = 8.0, .obstruction = 0, .spiders = {}, .pixel_scale = 0.02719};
  const double wavelength = 3.8;
  const int n = 64;
  Exec exec;
  const Optics optics(exec, clear, n, {wavelength});
  const Camera camera = optics.camera(exec, 3);
  const auto aperture = pupil_mask(clear, n, 1, 0, 0);
  auto field = host_array<std::complex<float>, 3>({1, n, n});
  for (index_t i = 0; i < field.size(); ++i) field.data()[i] = aperture.data()[i];
  const auto peak_at = [&](double offset_in_resolutions) {
    auto image = host_array<float, 2>({3, 3});
    for (index_t i = 0; i < 9; ++i) image.data()[i] = 0;
    const double px = offset_in_resolutions * optics.pixels_per_resolution(0);
    optics.add_off_axis(exec, camera, 0, field.view(), {{0.0, px}}, 1.0, image.view());
    exec.wait();
    return double(image.view()(1, 1));
  };
  EXPECT_NEAR(peak_at(0.5145) / peak_at(0), 0.5, 2 * 1.37 / 64 * 0.5);
  // The peak pixel of a clear disc holds pi / 4 (px / (wavelength / D))^2 of the light.
  EXPECT_NEAR(peak_at(0) * std::pow(optics.pixels_per_resolution(0), 2), std::numbers::pi / 4, 0.01);
}

}  // namespace
}  // namespace hci::test
