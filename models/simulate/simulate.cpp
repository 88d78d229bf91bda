// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/system_memory.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/core/devices.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/image/fft2.hpp"
#include "kernels/optics/detector.hpp"
#include "kernels/optics/phase_screen.hpp"
#include "kernels/optics/pupil.hpp"
#include "models/simulate/field_rotation.hpp"
#include "models/simulate/optics.hpp"
#include "models/simulate/wavefront.hpp"

namespace hci {
namespace {

using Complex = std::complex<float>;

/// Purposes of the random streams; changing a number changes all simulations.
enum Purpose : std::uint32_t { kTurbulence = 1, kFixedError, kEvolvingError, kPsfTurbulence, kPhotons };

/// Of the variance of the instrument's error, what stays as it is for the whole sequence.
constexpr double kFixedShare = 0.8;
constexpr double kRadians = std::numbers::pi / 180;

/// Samples across the pupil such that the frame's corner lies inside the field that they span
/// (n / 2 resolution elements on each side) at the shortest wavelength.
int pupil_samples(const Instrument& instrument, int size, double shortest_um) {
  const double resolution = shortest_um * 1e-6 / instrument.diameter / kRadians * 3600;
  const double corner = size / 2 * std::numbers::sqrt2 * instrument.pixel_scale / resolution;
  return std::max(64, 16 * static_cast<int>(std::ceil(2 * 1.1 * corner / 16)));
}

/// The maps of path differences in the pupil, on a grid 1.5 times as wide.
class Wavefront {
 public:
  Wavefront(Exec& exec, const SimulationParams& params, const Instrument& instrument, int samples)
      : seed_(params.seed), coherence_(instrument.coherence), grid_(samples + samples / 2) {
    const double sample = instrument.diameter / samples;
    const double direction = instrument.wind_direction * kRadians;
    const Turbulence turbulence{.fried = fried_parameter(*params.seeing),
                                .control_frequency = instrument.actuators / (2 * instrument.diameter),
                                .wind_y = instrument.wind * std::sin(direction),
                                .wind_x = instrument.wind * std::cos(direction),
                                .delay = instrument.delay,
                                .sensor_noise = instrument.sensor_noise};
    const auto residual = residual_modes(turbulence, grid_, sample);
    const auto errors = quasi_static_modes(*params.quasi_static, instrument.diameter, grid_, sample);
    residual_ = to_device(exec, residual.view());
    errors_ = to_device(exec, errors.view());
    // Both parts of the complex map have the rms `quasi_static`, nm; the imaginary one is made the
    // relative error of the amplitude.
    amplitude_scale_ = *params.quasi_static > 0 ? instrument.amplitude_error / *params.quasi_static : 0;
    for (auto* map : {&fixed_, &evolving_, &blend_}) *map = Array<Complex, 3>(exec, {1, grid_, grid_});
    evolving_modes_ = Array<Complex, 3>(exec, {1, grid_, grid_});
    renew_modes(exec, seed_, kFixedError, 0, 0, errors_.view(), fixed_.view()[0]);
    fft2(exec, fixed_.view(), fixed_.view(), FftDirection::backward);
    exec.wait();  // the host tables go out of scope
  }

  /// The instrument's error in frame t; correlation with the frame before: `keep`. Frames in order.
  Frame<const Complex> instrument(Exec& exec, index_t t, double keep) {
    renew_modes(exec, seed_, kEvolvingError, static_cast<std::uint64_t>(t), t == 0 ? 0 : keep, errors_.view(),
                evolving_modes_.view()[0]);
    fft2(exec, evolving_modes_.view(), evolving_.view(), FftDirection::backward);
    blend_maps(exec, fixed_.view()[0], std::sqrt(kFixedShare), evolving_.view()[0], std::sqrt(1 - kFixedShare),
               amplitude_scale_, blend_.view()[0]);
    return blend_.view()[0];
  }

  /// Residual turbulence, a complex map (two of them) at each of `moments` moments, `spacing` s apart, from `start` s
  /// on.
  Array<Complex, 3> turbulence(Exec& exec, Purpose purpose, double start, double spacing, index_t moments) const {
    std::vector<ScreenEpoch> epochs;
    for (index_t i = 0; i < moments; ++i) {
      const double age = (start + spacing * static_cast<double>(i)) / coherence_;
      const double whole = std::floor(age);
      // Moments far apart have nothing in common anyway: then one map each will do.
      const double angle = spacing < 2 * coherence_ ? 0.5 * std::numbers::pi * (age - whole) : 0;
      epochs.push_back({static_cast<std::uint64_t>(whole), static_cast<float>(std::cos(angle)),
                        static_cast<float>(std::sin(angle))});
    }
    Array<Complex, 3> maps(exec, {moments, grid_, grid_});
    draw_modes(exec, seed_, purpose, epochs, residual_.view(), maps.view());
    fft2(exec, maps.view(), maps.view(), FftDirection::backward);
    return maps;
  }

 private:
  std::uint64_t seed_;
  double coherence_;
  int grid_;
  Array<float, 2> residual_, errors_;
  double amplitude_scale_;
  Array<Complex, 3> fixed_, evolving_modes_, evolving_, blend_;
};

PlanetTruth truth_of(const SimulatedPlanet& planet, const Simulation& s) {
  PlanetTruth truth;
  truth.planet = planet;
  truth.separation_px = planet.separation_arcsec / *s.data.pixel_scale;
  truth.theta = std::fmod(planet.position_angle + 90, 360.0);
  truth.x = s.star_x + truth.separation_px * std::cos(truth.theta * kRadians);
  truth.y = s.star_y + truth.separation_px * std::sin(truth.theta * kRadians);
  truth.flux.assign(s.data.wavelengths.size(), planet.contrast * s.star_flux);
  return truth;
}

/// An odd width that holds the PSF out to five resolution elements at the longest wavelength.
index_t psf_size(const Optics& optics, std::size_t channels) {
  return 2 * static_cast<index_t>(std::ceil(5 * optics.pixels_per_resolution(channels - 1))) + 1;
}

/// One sequence under way: what the frames share.
struct Sequence {
  Simulation& simulation;
  const Optics& optics;
  const Camera& camera;
  Wavefront& wavefront;
  const FieldRotation& rotation;
  double frame_spacing;  ///< s

  index_t short_exposures() const { return *simulation.params.short_exposures; }

  /// The short exposure e of frame t is in the middle of its part of the frame's exposure.
  double moment(index_t e) const {
    const double exposure = *simulation.params.exposure;
    return exposure * ((static_cast<double>(e) + 0.5) / static_cast<double>(short_exposures()) - 0.5);
  }

  void frame(Exec& exec, index_t t, double keep, SpectralCube<float> cube) const {
    const auto bench = wavefront.instrument(exec, t, keep);
    const double exposure = *simulation.params.exposure;
    const index_t moments = short_exposures() / 4;
    const auto screens = wavefront.turbulence(exec, kTurbulence, frame_spacing * static_cast<double>(t),
                                              exposure / static_cast<double>(moments), moments);
    const int n = optics.samples();
    Array<Complex, 3> fields(exec, {short_exposures(), n, n});
    for (std::size_t c = 0; c < simulation.data.wavelengths.size(); ++c) {
      const Frame<float> frame = cube[t][static_cast<index_t>(c)];
      pupil_fields(exec, optics.aperture(), bench, screens.view(), 1000 * simulation.data.wavelengths[c],
                   fields.view());
      optics.add_star(exec, camera, c, fields.view(), simulation.star_flux, frame);
      for (const PlanetTruth& planet : simulation.planets)
        optics.add_off_axis(exec, camera, c, fields.view(), offsets(planet, t), planet.flux[c], frame);
    }
  }

  /// {dy, dx} px of the planet in each short exposure of frame t.
  std::vector<std::array<double, 2>> offsets(const PlanetTruth& planet, index_t t) const {
    std::vector<std::array<double, 2>> offsets;
    for (index_t e = 0; e < short_exposures(); ++e) {
      const double theta = (planet.theta - rotation.angle_at(static_cast<std::size_t>(t), moment(e))) * kRadians;
      offsets.push_back({planet.separation_px * std::sin(theta), planet.separation_px * std::cos(theta)});
    }
    return offsets;
  }

  /// The star off the mask, in another turbulence, with the instrument's error of frame 0. Without
  /// noise: such exposures are many and bright.
  Array<float, 3> psf(Exec& exec) const {
    constexpr index_t kMoments = 8;
    const auto channels = static_cast<index_t>(simulation.data.wavelengths.size());
    const index_t size = psf_size(optics, simulation.data.wavelengths.size());
    Array<float, 3> psf(exec, {channels, size, size});
    fill_zero(exec, psf.view());
    const Camera wide = optics.camera(exec, size);
    const auto bench = wavefront.instrument(exec, 0, 0);
    const auto screens = wavefront.turbulence(exec, kPsfTurbulence, 0, 1e3, kMoments);
    const int n = optics.samples();
    Array<Complex, 3> fields(exec, {4 * kMoments, n, n});
    for (index_t c = 0; c < channels; ++c) {
      const auto channel = static_cast<std::size_t>(c);
      pupil_fields(exec, optics.aperture(), bench, screens.view(), 1000 * simulation.data.wavelengths[channel],
                   fields.view());
      optics.add_off_axis(exec, wide, channel, fields.view(),
                          std::vector<std::array<double, 2>>(4 * kMoments, {0.0, 0.0}), simulation.star_flux,
                          psf.view()[c]);
    }
    return to_host(exec, psf.view());
  }
};

/// What the work on one frame holds beside the cube, at the most.
double work_bytes(const Exec& exec, const SimulationParams& params, int samples) {
  const double exposures = *params.short_exposures, size = *params.size, n = samples, grid = samples + samples / 2;
  const double scratch = exec.on_cuda() || !exec.tuned() ? n * size : 0;  // of matrix_fourier()
  // In the pupil, at the stop, and there what the mask held back, or the image.
  const double fields = exposures * (2 * n * n + std::max(n * n, size * size + scratch));
  const double maps = (exposures / 4 + 5) * grid * grid;  // turbulence, the instrument's, mode amplitudes
  const double matrices = *params.wavelengths * n * size;
  return static_cast<double>(sizeof(Complex)) * (fields + maps + matrices);
}

/// On the CPU the cube is there twice at the end: where it was made, and as the result.
void check_memory(Exec& exec, const SimulationParams& params, int samples) {
  const double cube =
      sizeof(float) * static_cast<double>(*params.frames) * *params.wavelengths * *params.size * *params.size;
  const double work = work_bytes(exec, params, samples);
  const auto whole = [](double bytes) { return static_cast<std::size_t>(std::min(bytes, 1e18)); };  // nobody has more
  const std::string parts = "a cube of " + bytes_text(cube) + " and " + bytes_text(work) + " of fields";
  const char* remedy = "use fewer frames, fewer wavelengths, fewer short_exposures or a smaller size";
  require_memory(whole(exec.on_cuda() ? cube : cube + std::max(cube, work)), "the simulation (" + parts + ")", remedy);
  if (!exec.on_cuda()) return;
  const DeviceInfo info = device_info(exec.device());
  require(whole(cube + work) <= info.free_memory_bytes, info.device.name(), ": the simulation (", parts, ") needs ",
          bytes_text(cube + work), " of its memory, but only ", bytes_text(static_cast<double>(info.free_memory_bytes)),
          " are available: ", remedy, ", or --device cpu");
}

}  // namespace

Simulation simulate(Exec& exec, const SimulationParams& given) {
  Progress quiet(ProgressStyle::quiet);
  return simulate(exec, given, quiet);
}

Simulation simulate(Exec& exec, const SimulationParams& given, Progress& progress) {
  Simulation s;
  s.params = completed(given);
  const Instrument instrument = instrument_of(s.params.preset);
  s.data.wavelengths = channels_of(instrument, *s.params.wavelengths);
  const int samples = pupil_samples(instrument, *s.params.size, s.data.wavelengths.front());
  check_memory(exec, s.params, samples);
  progress.stage("simulate", *s.params.frames);
  const int frames = *s.params.frames, size = *s.params.size;
  const FieldRotation rotation = field_rotation(instrument.latitude, instrument.declination, instrument.hour_angle,
                                                *s.params.rotation_range, frames);
  if (rotation.spacing > 0) {
    require(!given.exposure || *given.exposure <= rotation.spacing, "simulate: an exposure of ", *s.params.exposure,
            " s does not fit into the ", rotation.spacing, " s between frames: use fewer frames or a shorter one");
    s.params.exposure = std::min(*s.params.exposure, rotation.spacing);
  }
  const double frame_spacing = std::max(rotation.spacing, *s.params.exposure);

  s.data.angles = rotation.angles;
  s.data.pixel_scale = instrument.pixel_scale;
  s.star_x = s.star_y = frame_centre(size);
  s.star_flux = instrument.star_flux * *s.params.exposure;
  for (const SimulatedPlanet& planet : s.params.planets.planets) s.planets.push_back(truth_of(planet, s));

  const Optics optics(exec, instrument, samples, s.data.wavelengths);
  s.fwhm_px = optics.pixels_per_resolution(0);
  Wavefront wavefront(exec, s.params, instrument, samples);
  const Camera camera = optics.camera(exec, size);
  const Sequence sequence{s, optics, camera, wavefront, rotation, frame_spacing};
  s.data.psf = sequence.psf(exec);

  const auto channels = static_cast<index_t>(s.data.wavelengths.size());
  const double keep = std::exp(-frame_spacing / (60 * *s.params.decorrelation));
  Array<float, 4> cube(exec, {frames, channels, size, size});
  fill_zero(exec, cube.view());
  for (index_t t = 0; t < frames; ++t) {
    sequence.frame(exec, t, keep, cube.view());
    progress.advance();
  }
  if (s.params.noise) {
    const Cube<float> all(cube.data(), {frames * channels, size, size});
    expose(exec, s.params.seed, kPhotons,
           {.sky = instrument.sky * *s.params.exposure, .read_noise = instrument.read_noise}, all);
  }
  s.data.cube = to_host(exec, cube.view());
  return s;
}

}  // namespace hci
