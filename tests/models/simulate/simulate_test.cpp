// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>

#include "kernels/core/copy.hpp"
#include "kernels/geometry/centre.hpp"
#include "models/simulate/field_rotation.hpp"
#include "models/simulate/instrument.hpp"
#include "models/simulate/optics.hpp"
#include "models/simulate/simulation.hpp"
#include "models/simulate/wavefront.hpp"
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
  }
}

/// The part of a source's light that diffraction alone puts into pixels {dy, dx} from it: double sums over the
/// pupil. The whole plane has 1 (Parseval).
double diffracted(Exec& exec, const Instrument& instrument, double wavelength_um,
                  const std::vector<std::array<double, 2>>& pixels) {
  constexpr int n = 64;  // as many as simulate() takes for small frames
  const Optics optics(exec, instrument, n, {wavelength_um});
  const auto aperture = to_host(exec, optics.aperture());
  const auto stop =
      pupil_mask(instrument, n, instrument.stop_outer, instrument.stop_inner, instrument.stop_spider_width);
  const double step = 1 / optics.pixels_per_resolution(0);
  double power = 0, sum = 0;
  for (index_t i = 0; i < stop.size(); ++i) power += std::pow(double(aperture.data()[i]) * double(stop.data()[i]), 2);
  for (const auto& [dy, dx] : pixels) {
    const auto phasors = [&](double offset) {
      std::vector<std::complex<double>> all;
      for (int i = 0; i < n; ++i)
        all.push_back(std::polar(1.0, -2 * std::numbers::pi * offset * step * ((i + 0.5) / n - 0.5)));
      return all;
    };
    const auto along_y = phasors(dy), along_x = phasors(dx);
    std::complex<double> field = 0;
    for (std::size_t y = 0; y < n; ++y)
      for (std::size_t x = 0; x < n; ++x)
        field += double(aperture.data()[y * n + x]) * double(stop.data()[y * n + x]) * along_y[y] * along_x[x];
    sum += std::norm(field) * step * step / (n * n * power);
  }
  return sum;
}

/// Without quasi-static error and in the best seeing what is left is the sensor's noise: a phase of rms s, Gaussian,
/// and exposures in pairs of opposite sign. A pair's mean intensity is |F cos|^2 + |F sin|^2 of the phase, so the
/// root of the light in some pixels differs from that of diffraction alone by |1 - cos| = sqrt(mean phase^4) / 2 at
/// most, and up to |sin|^2 = s^2 is added. s^2 of few screens in a part of their grid (200 modes or more, scatter
/// 0.1) may be 1.5 times the mean, phase^4 twice its Gaussian 3 s^4.
void expect_diffracted(double share, double diffraction, const Instrument& instrument, double wavelength_um) {
  const double s2 = 1.5 * std::pow(2 * std::numbers::pi * instrument.sensor_noise / (1000 * wavelength_um), 2);
  const double change = std::sqrt(2 * 3) * s2 / 2, root = std::sqrt(diffraction);
  EXPECT_GT(share, std::pow(root - change, 2));
  EXPECT_LT(share, std::min(1.0, std::pow(root + change, 2) + s2));
}

/// One frame in which the light is where diffraction and the sensor's noise put it.
SimulationParams calm(SimulationPreset preset) {
  SimulationParams p = small(preset);
  p.noise = false;
  p.frames = 1;
  p.wavelengths = 1;
  p.seeing = 0.01;
  p.quasi_static = 0;
  return p;
}

TEST_P(Simulate, GivesThePlanetItsFlux) {
  SimulationParams p = calm(SimulationPreset::naco);
  p.size = 61;
  const Simulation without = simulate(exec(), p);
  p.planets.planets = {{0.5, 200.0, 1e-3}};
  const Simulation with = simulate(exec(), p);
  const PlanetTruth& truth = with.planets[0];
  const double theta = (truth.theta - with.data.angles[0]) * std::numbers::pi / 180;
  const double at_x = with.star_x + truth.separation_px * std::cos(theta);
  const double at_y = with.star_y + truth.separation_px * std::sin(theta);
  std::vector<std::array<double, 2>> pixels;
  double sum = 0;
  for (index_t y = 0; y < 61; ++y)
    for (index_t x = 0; x < 61; ++x) {
      if (std::hypot(double(x) - at_x, double(y) - at_y) > 4) continue;
      sum += double(with.data.cube.view()(0, 0, y, x)) - double(without.data.cube.view()(0, 0, y, x));
      pixels.push_back({double(y) - at_y, double(x) - at_x});
    }
  const Instrument naco = instrument_of(p.preset);
  const double wavelength = with.data.wavelengths[0];
  expect_diffracted(sum / truth.flux[0], diffracted(exec(), naco, wavelength, pixels), naco, wavelength);
}

TEST_P(Simulate, ScalesThePsfByTheStarsFlux) {
  for (const auto preset : {SimulationPreset::naco, SimulationPreset::gpi}) {
    const Simulation s = simulate(exec(), calm(preset));
    const index_t c = s.data.psf.extent(1) / 2;
    std::vector<std::array<double, 2>> pixels;
    double sum = 0;
    for (index_t y = 0; y < 2 * c + 1; ++y)
      for (index_t x = 0; x < 2 * c + 1; ++x) {
        sum += double(s.data.psf.view()(0, y, x));
        pixels.push_back({double(y - c), double(x - c)});
      }
    const Instrument instrument = instrument_of(preset);
    const double wavelength = s.data.wavelengths[0];
    expect_diffracted(sum / s.star_flux, diffracted(exec(), instrument, wavelength, pixels), instrument, wavelength);
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

/// Mean over pairs of frames `lag` apart of the correlation of their pixels beyond 6 px.
double correlation_at(const Simulation& s, index_t lag) {
  const index_t frames = s.data.frames(), n = s.data.cube.extent(2);
  double mean = 0;
  for (index_t a = 0; a + lag < frames; ++a) {
    double count = 0, sa = 0, sb = 0, aa = 0, bb = 0, ab = 0;
    for (index_t y = 0; y < n; ++y)
      for (index_t x = 0; x < n; ++x) {
        if (std::hypot(double(x - n / 2), double(y - n / 2)) < 6) continue;
        const double va = s.data.cube.view()(a, 0, y, x), vb = s.data.cube.view()(a + lag, 0, y, x);
        count += 1, sa += va, sb += vb, aa += va * va, bb += vb * vb, ab += va * vb;
      }
    mean += (count * ab - sa * sb) / std::sqrt((count * aa - sa * sa) * (count * bb - sb * sb)) /
            static_cast<double>(frames - lag);
  }
  return mean;
}

// Speckles are the squared modulus of a field that is linear in the instrument's error: where errors correlate by c,
// they do by c^2. Four fifths of the error stay, so c^2 = (0.8 + 0.2 k^lag)^2 with k = exp(-spacing / 30 minutes),
// between 1 where nothing changes and 0.64 where all of the last fifth does from frame to frame. What else is in the
// frames (halo, turbulence, the rings) is the same in the three sequences, so their correlations have the same
// proportions. 41 x 41 px without the inner 6 hold N = 1568 / 3.6^2 = 120 speckles: a correlation r scatters by
// (1 - r^2) / sqrt(N), less in the mean of pairs, of which half count as independent since they share frames.
TEST_P(Simulate, LetsSpecklesDecorrelateSlowly) {
  SimulationParams p = small();
  p.noise = false;
  p.frames = 12;
  p.short_exposures = 8;
  const auto run = [&](double minutes) {
    p.decorrelation = minutes;
    return simulate(exec(), p);
  };
  const Simulation never = run(1e9), at_once = run(1e-3), slowly = run(30);
  const Instrument naco = instrument_of(p.preset);
  const double spacing =
      field_rotation(naco.latitude, naco.declination, naco.hour_angle, *slowly.params.rotation_range, 12).spacing;
  for (const index_t lag : {1, 3}) {
    const double most = correlation_at(never, lag), least = correlation_at(at_once, lag);
    const double c = 0.8 + 0.2 * std::exp(-spacing * static_cast<double>(lag) / (60 * 30));
    const double scatter = (1 - least * least) / std::sqrt(120) / std::sqrt(static_cast<double>(12 - lag) / 2);
    EXPECT_GT(most - least, 3 * scatter);  // else the next line says nothing
    EXPECT_NEAR(correlation_at(slowly, lag), least + (most - least) * (c * c - 0.64) / (1 - 0.64), 3 * scatter);
  }
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
