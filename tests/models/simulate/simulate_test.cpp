// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/geometry/centre.hpp"
#include "models/simulate/instrument.hpp"
#include "models/simulate/simulation.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

/// A sequence that takes a fraction of a second.
SimulationParams small(SimulationPreset preset = SimulationPreset::naco) {
  SimulationParams p;
  p.preset = preset;
  p.frames = 4;
  p.size = 41;
  p.short_exposures = 4;
  p.planets.of_preset = false;
  return p;
}

double largest_difference(const Array<float, 4>& a, const Array<float, 4>& b) {
  double largest = 0;
  for (index_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::fabs(double(a.data()[i]) - double(b.data()[i])));
  return largest;
}

class Simulate : public OnEveryDevice {};

TEST_P(Simulate, GivesTheShapesAndTheTruthThatWereAskedFor) {
  SimulationParams p = small(SimulationPreset::sphere_ifs);
  p.size = 32;
  p.wavelengths = 3;
  p.frames = 2;
  p.planets.planets = {{0.06, 30.0, 1e-4}};
  const Simulation s = simulate(exec(), p);
  EXPECT_EQ(s.data.cube.extents(), (Extents<4>{2, 3, 32, 32}));
  EXPECT_EQ(s.data.angles.size(), 2u);
  ASSERT_EQ(s.data.wavelengths.size(), 3u);
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(s.data.wavelengths[c], 0.95 + 0.35 * double(c), 1e-12);
  EXPECT_EQ(s.data.psf.extent(0), 3);
  EXPECT_EQ(s.data.psf.extent(1) % 2, 1);
  EXPECT_EQ(s.data.psf.extent(1), s.data.psf.extent(2));
  EXPECT_EQ(s.star_x, 16);
  ASSERT_EQ(s.planets.size(), 1u);
  EXPECT_NEAR(s.planets[0].separation_px, 0.06 / 0.00746, 1e-9);
  // North up, east left: position angle 30 is 120 degrees from +x.
  EXPECT_NEAR(s.planets[0].x, 16 - 0.5 * 0.06 / 0.00746, 1e-9);
  EXPECT_NEAR(s.planets[0].y, 16 + std::sqrt(0.75) * 0.06 / 0.00746, 1e-9);
  EXPECT_NEAR(s.planets[0].flux[2], 1e-4 * s.star_flux, 1e-9 * s.star_flux);
  for (index_t i = 0; i < s.data.cube.size(); ++i) ASSERT_TRUE(std::isfinite(s.data.cube.data()[i]));
}

TEST_P(Simulate, TurnsTheFieldByTheRangeAskedFor) {
  for (const double range : {0.0, 80.0}) {
    SimulationParams p = small();
    p.frames = 2;
    p.rotation_range = range;
    const Simulation s = simulate(exec(), p);
    EXPECT_NEAR(s.data.angles.back() - s.data.angles.front(), range, 1e-9);
  }
}

// Without noise, the same sequence with and without a planet differs by the planet's light alone.
// Its centroid must be at theta - angle, but for the light outside the window and the halo's
// asymmetry in few exposures: the quasi-static error (100 nm at 3.8 um, 0.15 rad) shifts a PSF by
// about 0.15 rad / pi of a resolution element (3.6 px) at the most, 0.17 px.
TEST_P(Simulate, PutsThePlanetAtThetaMinusTheFramesAngle) {
  SimulationParams p = small();
  p.noise = false;
  p.size = 61;
  const Simulation without = simulate(exec(), p);
  p.planets.planets = {{0.5, 200.0, 1e-3}};
  const Simulation with = simulate(exec(), p);
  const PlanetTruth& truth = with.planets[0];
  for (index_t t = 0; t < 4; ++t) {
    const double theta = (truth.theta - with.data.angles[static_cast<std::size_t>(t)]) * std::numbers::pi / 180;
    const double want_x = with.star_x + truth.separation_px * std::cos(theta);
    const double want_y = with.star_y + truth.separation_px * std::sin(theta);
    double sum = 0, x_sum = 0, y_sum = 0;
    for (index_t y = 0; y < 61; ++y)
      for (index_t x = 0; x < 61; ++x) {
        if (std::hypot(double(x) - want_x, double(y) - want_y) > 4) continue;
        const double light = double(with.data.cube.view()(t, 0, y, x)) - double(without.data.cube.view()(t, 0, y, x));
        sum += light;
        x_sum += light * double(x);
        y_sum += light * double(y);
      }
    EXPECT_NEAR(x_sum / sum, want_x, 0.17) << "frame " << t;
    EXPECT_NEAR(y_sum / sum, want_y, 0.17) << "frame " << t;
    // 4 px hold the core, the half to nine tenths of the light.
    EXPECT_GT(sum, 0.5 * truth.flux[0]);
    EXPECT_LT(sum, 0.95 * truth.flux[0]);
  }
}

// Per resolution element the PSF's share of light is that of the AO-corrected, aberrated pupil; the sum
// over the stamp cannot exceed the flux (Parseval), and most light is within five resolution elements.
TEST_P(Simulate, ScalesThePsfByTheStarsFlux) {
  for (const auto preset : {SimulationPreset::naco, SimulationPreset::gpi}) {
    SimulationParams p = small(preset);
    p.wavelengths = 1;
    const Simulation s = simulate(exec(), p);
    double sum = 0;
    for (index_t i = 0; i < s.data.psf.size(); ++i) sum += double(s.data.psf.data()[i]);
    EXPECT_LT(sum, s.star_flux);
    EXPECT_GT(sum, 0.7 * s.star_flux);
    const index_t c = s.data.psf.extent(1) / 2;
    const float* highest = std::max_element(s.data.psf.data(), s.data.psf.data() + s.data.psf.size());
    EXPECT_EQ(highest - s.data.psf.data(), c * s.data.psf.extent(2) + c);
  }
}

TEST_P(Simulate, DependsOnTheSeedAndOnNothingElse) {
  SimulationParams p = small();
  const Simulation a = simulate(exec(), p), b = simulate(exec(), p);
  EXPECT_EQ(largest_difference(a.data.cube, b.data.cube), 0);
  p.seed = 2;
  EXPECT_GT(largest_difference(a.data.cube, simulate(exec(), p).data.cube), 0);
}

// The quasi-static error is what stays from frame to frame: without turbulence's share (averaged away)
// neighbouring frames resemble each other more than the first and the last of two hours.
TEST_P(Simulate, LetsSpecklesDecorrelateSlowly) {
  SimulationParams p = small();
  p.noise = false;
  p.frames = 12;
  p.short_exposures = 16;
  p.decorrelation = 30;
  const Simulation s = simulate(exec(), p);
  const auto correlation = [&](index_t a, index_t b) {
    double n = 0, sa = 0, sb = 0, aa = 0, bb = 0, ab = 0;
    for (index_t y = 0; y < 41; ++y)
      for (index_t x = 0; x < 41; ++x) {
        if (std::hypot(double(x - 20), double(y - 20)) < 6) continue;
        const double va = s.data.cube.view()(a, 0, y, x), vb = s.data.cube.view()(b, 0, y, x);
        n += 1, sa += va, sb += vb, aa += va * va, bb += vb * vb, ab += va * vb;
      }
    return (n * ab - sa * sb) / std::sqrt((n * aa - sa * sa) * (n * bb - sb * sb));
  };
  double near = 0, far = 0;
  for (index_t t = 0; t + 1 < 12; ++t) near += correlation(t, t + 1) / 11;
  for (index_t t = 0; t < 3; ++t) far += correlation(t, t + 9) / 3;
  EXPECT_GT(near, 0.8);
  EXPECT_LT(far, near);
  EXPECT_GT(far, 0.2);  // four fifths of the error's variance stay
}

// The largest values that are taken: far from any observation, and still numbers.
TEST_P(Simulate, GivesNumbersAtTheBounds) {
  SimulationParams p = small();
  p.frames = 2;
  p.size = 24;
  p.rotation_range = 0;
  p.exposure = 86400;
  p.seeing = 10;
  p.quasi_static = 10000;
  p.decorrelation = 1e9;
  p.planets.planets = {{0.2, -360, 0.99}};
  const auto is_finite = [&] {
    const Simulation s = simulate(exec(), p);
    return std::all_of(s.data.cube.data(), s.data.cube.data() + s.data.cube.size(),
                       [](float v) { return std::isfinite(v); });
  };
  EXPECT_TRUE(is_finite());
  p.exposure = 1e-6;
  p.seeing = 0.01;
  p.quasi_static = 0.001;
  p.decorrelation = 0.001;
  EXPECT_TRUE(is_finite());
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Simulate);

TEST(SimulateOnTheCpu, GivesTheSameBitsForAnyNumberOfThreads) {
  SimulationParams p = small(SimulationPreset::gpi);
  p.size = 24;
  p.wavelengths = 2;
  p.planets.planets = {{0.1, 10.0, 1e-3}};
  Exec one(Exec::Options{.threads = 1}), three(Exec::Options{.threads = 3});
  const Simulation a = simulate(one, p), b = simulate(three, p);
  EXPECT_EQ(largest_difference(a.data.cube, b.data.cube), 0);
  for (index_t i = 0; i < a.data.psf.size(); ++i) ASSERT_EQ(a.data.psf.data()[i], b.data.psf.data()[i]);
}

TEST(SimulationParameters, ReadAndWritePlanetsAsText) {
  PlanetChoice choice;
  from_text("0.452:211:7e-4,1:0.5:1e-5", choice);
  ASSERT_EQ(choice.planets.size(), 2u);
  EXPECT_EQ(choice.planets[0].separation_arcsec, 0.452);
  EXPECT_EQ(choice.planets[1].position_angle, 0.5);
  EXPECT_EQ(to_text(choice), "0.452:211:7e-04,1:0.5:1e-05");
  from_text("none", choice);
  EXPECT_TRUE(choice.planets.empty());
  EXPECT_EQ(to_text(choice), "none");
  from_text("preset", choice);
  EXPECT_TRUE(choice.of_preset);
  for (const char* bad : {"", "0.4", "0.4:3", "0.4:3:x", "0.4:3:1e-4,"})
    EXPECT_THROW(from_text(bad, choice), InvalidInput) << bad;
}

TEST(SimulationParameters, ThatMakeNoSenseAreRefused) {
  Exec exec;
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const auto refused = [&](auto change) {
    SimulationParams p = small();
    change(p);
    EXPECT_THROW(simulate(exec, p), InvalidInput);
  };
  for (const double bad : {inf, -inf, nan, 1e300, -1.0}) {
    refused([=](SimulationParams& p) { p.seeing = bad; });
    refused([=](SimulationParams& p) { p.quasi_static = bad; });
    refused([=](SimulationParams& p) { p.decorrelation = bad; });
    refused([=](SimulationParams& p) { p.rotation_range = bad; });
    refused([=](SimulationParams& p) { p.rotation_range = 0, p.exposure = bad; });
    refused([=](SimulationParams& p) { p.planets.planets = {{bad, 0, 1e-3}}; });
    refused([=](SimulationParams& p) { p.planets.planets = {{0.2, 0, bad}}; });
    if (bad != -1) refused([=](SimulationParams& p) { p.planets.planets = {{0.2, bad, 1e-3}}; });
  }
  refused([](SimulationParams& p) { p.quasi_static = 1e-50; });  // what divides by it would be NaN
  refused([](SimulationParams& p) { p.short_exposures = 2147483644; });
  refused([](SimulationParams& p) { p.frames = 0; });
  refused([](SimulationParams& p) { p.size = 3; });
  refused([](SimulationParams& p) { p.wavelengths = 5; });  // naco has one channel
  refused([](SimulationParams& p) { p.short_exposures = 6; });
  refused([](SimulationParams& p) { p.rotation_range = 400; });
  refused([](SimulationParams& p) { p.exposure = 1e6; });
  refused([](SimulationParams& p) { p.exposure = -1; });
  refused([](SimulationParams& p) { p.planets.planets = {{3.0, 0, 1e-3}}; });  // outside the frame
  refused([](SimulationParams& p) { p.planets.planets = {{0.1, 0, 0}}; });
}

}  // namespace
}  // namespace hci::test
