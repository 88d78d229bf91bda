// SPDX-License-Identifier: MIT
#include "models/simulate/instrument.hpp"

#include <cmath>
#include <type_traits>

namespace hci {
namespace {

constexpr double kParanal = -24.627, kPachon = -30.241;  // latitudes, degrees

/// What a preset observes, unless told otherwise.
struct Sequence {
  int frames, size, wavelengths;
  double rotation_range, exposure;
  int short_exposures;
  double seeing, quasi_static, decorrelation;
  std::vector<SimulatedPlanet> planets;
};

// beta Pictoris (declination -51.1, L' = 3.5) some time after its transit; 14 x 14 actuators.
Instrument naco() {
  return {.diameter = 8.0,
          .obstruction = 0.14,
          .spider_width = 0.05,
          .spiders = {50, 130, 230, 310},
          .latitude = kParanal,
          .pixel_scale = 0.02719,
          .first_um = 3.8,
          .last_um = 3.8,
          .star_flux = 2e8,
          .sky = 2e5,
          .read_noise = 200,
          .actuators = 14,
          .wind = 12,
          .wind_direction = 25,
          .delay = 0.004,
          .sensor_noise = 80,
          .coherence = 0.3,
          .leak = 0.1,
          .stop_outer = 0.87,
          .stop_inner = 0.25,
          .stop_spider_width = 0.2,
          .amplitude_error = 0.02,
          .declination = -51.066,
          .hour_angle = 0.9};
}

// 51 Eridani (declination -2.5), which passes north of the zenith; 40 x 40 actuators.
Instrument sphere() {
  return {.diameter = 8.0,
          .obstruction = 0.14,
          .spider_width = 0.05,
          .spiders = {50, 130, 230, 310},
          .latitude = kParanal,
          .star_flux = 2e7,
          .sky = 20,
          .read_noise = 20,
          .actuators = 40,
          .wind = 10,
          .wind_direction = 40,
          .delay = 0.0016,
          .sensor_noise = 12,
          .coherence = 0.2,
          .lyot_mask = true,
          .mask_diameter = 0.185,
          .stop_outer = 0.96,
          .stop_inner = 0.24,
          .stop_spider_width = 0.2,
          .amplitude_error = 0.01,
          .declination = -2.473,
          .hour_angle = 0.0};
}

Instrument irdis() {
  Instrument i = sphere();
  i.pixel_scale = 0.012255;
  i.first_um = 1.593;
  i.last_um = 1.667;
  return i;
}

Instrument ifs() {
  Instrument i = sphere();
  i.pixel_scale = 0.00746;
  i.first_um = 0.95;
  i.last_um = 1.65;
  i.star_flux = 1e6;
  i.sky = 0.1;
  i.read_noise = 10;
  return i;
}

// HR 4796 A (declination -39.9), close to the zenith; 43 actuators.
Instrument gpi() {
  Instrument i = sphere();
  i.diameter = 7.7701;
  i.obstruction = 0.132;
  i.spider_width = 0.02;
  i.spiders = {43, 137, 223, 317};
  i.latitude = kPachon;
  i.pixel_scale = 0.014161;
  i.first_um = 1.5;
  i.last_um = 1.8;
  i.star_flux = 1e6;
  i.sky = 0.5;
  i.read_noise = 10;
  i.actuators = 43;
  i.mask_diameter = 0.246;
  i.declination = -39.870;
  i.hour_angle = 0.2;
  return i;
}

Sequence sequence_of(SimulationPreset preset) {
  switch (preset) {
    case SimulationPreset::naco:
      return {61, 101, 1, 80, 40, 48, 0.8, 90, 60, {{0.452, 211.0, 7.6e-4}}};
    case SimulationPreset::sphere_irdis:
      return {64, 161, 2, 45, 32, 16, 0.8, 25, 40, {{0.45, 171.0, 2e-5}, {0.7, 300.0, 1e-5}}};
    case SimulationPreset::sphere_ifs:
      return {24, 121, 39, 45, 64, 8, 0.8, 25, 40, {{0.3, 120.0, 2e-5}}};
    case SimulationPreset::gpi:
      return {24, 121, 37, 60, 60, 8, 0.8, 25, 40, {{0.45, 60.0, 2e-5}}};
  }
  throw InvalidInput("simulate: unknown preset");
}

/// Not a number fails, too.
template <class T>
void require_within(const char* name, T value, std::type_identity_t<T> least, std::type_identity_t<T> most,
                    const char* unit) {
  require(value >= least && value <= most, "simulate: ", name, " is ", value, unit, ", not within ", least, " .. ",
          most);
}

/// The upper bounds are far beyond any observation, and short of where single precision ends.
void require_sense(const SimulationParams& p) {
  require(*p.frames >= 1, "simulate: ", *p.frames, " frames: at least 1 is needed");
  require_within("size", *p.size, 16, 4096, " px");
  require_within("wavelengths", *p.wavelengths, 1, 10000, "");
  require_within("rotation_range", *p.rotation_range, 0, 360, " degrees");
  require_within("exposure", *p.exposure, 1e-6, 86400, " s");
  require_within("short_exposures", *p.short_exposures, 4, 10000, "");
  require(*p.short_exposures % 4 == 0, "simulate: short_exposures is ", *p.short_exposures,
          ": it must be a multiple of 4");
  require_within("seeing", *p.seeing, 0.01, 10, " arcsec");
  require(*p.quasi_static == 0 || (*p.quasi_static >= 0.001 && *p.quasi_static <= 10000), "simulate: quasi_static is ",
          *p.quasi_static, " nm: neither 0 nor within 0.001 .. 10000");
  require_within("decorrelation", *p.decorrelation, 1e-3, 1e9, " minutes");
}

void require_sense(const SimulatedPlanet& planet, double scale, int size) {
  require(planet.separation_arcsec >= 0 && planet.separation_arcsec / scale < size / 2 - 1, "simulate: a planet at ",
          planet.separation_arcsec, " arcsec = ", planet.separation_arcsec / scale, " px leaves the frame of ", size,
          " px: use a larger size");
  require_within("a planet's position angle", planet.position_angle, -360, 360, " degrees");
  require(planet.contrast > 0 && planet.contrast < 1, "simulate: a planet of contrast ", planet.contrast,
          ": it is the planet's flux over the star's, above 0 and below 1");
}

}  // namespace

Instrument instrument_of(SimulationPreset preset) {
  switch (preset) {
    case SimulationPreset::naco:
      return naco();
    case SimulationPreset::sphere_irdis:
      return irdis();
    case SimulationPreset::sphere_ifs:
      return ifs();
    case SimulationPreset::gpi:
      return gpi();
  }
  throw InvalidInput("simulate: unknown preset");
}

SimulationParams completed(const SimulationParams& params) {
  const Sequence s = sequence_of(params.preset);
  SimulationParams p = params;
  p.frames = params.frames.value_or(s.frames);
  p.size = params.size.value_or(s.size);
  p.wavelengths = params.wavelengths.value_or(s.wavelengths);
  p.rotation_range = params.rotation_range.value_or(s.rotation_range);
  p.exposure = params.exposure.value_or(s.exposure);
  p.short_exposures = params.short_exposures.value_or(s.short_exposures);
  p.seeing = params.seeing.value_or(s.seeing);
  p.quasi_static = params.quasi_static.value_or(s.quasi_static);
  p.decorrelation = params.decorrelation.value_or(s.decorrelation);
  require_sense(p);
  const double scale = instrument_of(p.preset).pixel_scale;
  if (params.planets.of_preset) {
    // A small frame simply does without the preset's outer planets.
    p.planets = {.of_preset = false, .planets = {}};
    for (const SimulatedPlanet& planet : s.planets)
      if (planet.separation_arcsec / scale < *p.size / 2 - 1) p.planets.planets.push_back(planet);
  }
  for (const SimulatedPlanet& planet : p.planets.planets) require_sense(planet, scale, *p.size);
  return p;
}

std::vector<double> channels_of(const Instrument& instrument, int n) {
  if (n == 1) return {0.5 * (instrument.first_um + instrument.last_um)};
  require(instrument.last_um > instrument.first_um, "simulate: ", n,
          " wavelengths, but this preset's instrument has one channel: use another preset");
  std::vector<double> channels;
  for (int i = 0; i < n; ++i)
    channels.push_back(instrument.first_um + (instrument.last_um - instrument.first_um) * i / (n - 1));
  return channels;
}

}  // namespace hci
