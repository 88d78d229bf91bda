// SPDX-License-Identifier: MIT
#pragma once
// An end-to-end simulator of a star with planets behind an adaptive-optics system and a coronagraph.
// The project ships no telescope data: this is what the demo, the scaling benchmarks and many tests
// reduce. Everything random is drawn from (seed, purpose, item), so that the same parameters on the
// same kind of device give the same bits for any number of threads, and a longer sequence differs
// from a shorter one only where physics says so.
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/dataset.hpp"
#include "engine/params.hpp"
#include "engine/products.hpp"
#include "engine/progress.hpp"
#include "kernels/core/exec.hpp"

namespace hci {

/// Which instrument is imitated. Sizes, band and sequence below are defaults of simulate().
///   naco         VLT/NACO L' (3.8 um) vortex: 61 frames of 101 px, 27.19 mas/px, 80 degrees of rotation
///   sphere-irdis VLT/SPHERE IRDIS H2/H3 apodised Lyot: 64 frames of 161 px, 2 channels, 12.255 mas/px
///   sphere-ifs   VLT/SPHERE IFS 0.95-1.65 um apodised Lyot: 24 frames of 121 px, 39 channels, 7.46 mas/px
///   gpi          Gemini/GPI H 1.5-1.8 um apodised Lyot: 24 frames of 121 px, 37 channels, 14.161 mas/px
enum class SimulationPreset { naco, sphere_irdis, sphere_ifs, gpi };

constexpr auto enum_names(SimulationPreset) {
  return std::array<std::pair<std::string_view, SimulationPreset>, 4>{{{"naco", SimulationPreset::naco},
                                                                       {"sphere-irdis", SimulationPreset::sphere_irdis},
                                                                       {"sphere-ifs", SimulationPreset::sphere_ifs},
                                                                       {"gpi", SimulationPreset::gpi}}};
}

/// A planet to put in: separation from the star, position angle (from north through east), flux
/// relative to the star's, the same in all channels. As text SEP:PA:CONTRAST, "0.452:211:7e-4".
struct SimulatedPlanet {
  double separation_arcsec = 0;
  double position_angle = 0;
  double contrast = 0;
};
std::string to_text(const SimulatedPlanet& planet);
void from_text(std::string_view text, SimulatedPlanet& planet);

/// The planets to put in: "preset" for those of the preset, "none", or a list with commas.
struct PlanetChoice {
  bool of_preset = true;
  std::vector<SimulatedPlanet> planets;  ///< used where of_preset is false
};
std::string to_text(const PlanetChoice& choice);
void from_text(std::string_view text, PlanetChoice& choice);

struct SimulationParams {
  SimulationPreset preset = SimulationPreset::naco;
  std::optional<int> frames, size, wavelengths;
  std::optional<double> rotation_range, exposure;
  PlanetChoice planets;
  std::uint64_t seed = 1;
  std::optional<int> short_exposures;
  std::optional<double> seeing, quasi_static, decorrelation;
  bool noise = true;

  template <class Field>
  void fields(Field&& field) {
    field("preset", preset,
          "instrument to imitate: naco, sphere-irdis, sphere-ifs or gpi; what has no value below comes from it");
    field("frames", frames, "frames in the sequence");
    field("size", size, "width and height of a frame, px");
    field("wavelengths", wavelengths, "spectral channels, evenly over the preset's band");
    field("rotation_range", rotation_range, "field rotation from the first to the last frame, degrees");
    field("planets", planets, "SEP:PA:CONTRAST,... (arcsec, degrees from north through east, flux ratio), or none");
    field("seed", seed, "seed of everything random");
    field("exposure", exposure, "exposure of each frame, s");
    field("short_exposures", short_exposures, "turbulence states averaged in each frame, a multiple of 4");
    field("seeing", seeing, "seeing at 0.5 um, arcsec");
    field("quasi_static", quasi_static, "quasi-static wavefront error, nm rms");
    field("decorrelation", decorrelation,
          "time in which the quasi-static error's changing fifth decorrelates, minutes");
    field("noise", noise, "photon, sky and read noise; false gives the expected counts");
  }
};

/// Where a planet is in the derotated frame and how bright.
struct PlanetTruth {
  SimulatedPlanet planet;
  double separation_px = 0;
  double theta = 0;          ///< degrees from +x counter-clockwise (y up): position angle + 90
  double x = 0, y = 0;       ///< px, in the derotated frame
  std::vector<double> flux;  ///< (λ) photo-electrons per frame: contrast times the star's
};

struct Simulation {
  /// cube (t, λ, y, x) photo-electrons per frame, sky subtracted; angles; psf (λ, y, x), odd and
  /// square, in the cube's units: the star as it would be beside the coronagraph's mask; wavelengths;
  /// pixel scale.
  Dataset data;
  std::vector<PlanetTruth> planets;
  double star_x = 0, star_y = 0;  ///< px
  double star_flux = 0;           ///< photo-electrons per frame and channel of the star off the mask
  double fwhm_px = 0;             ///< wavelength / D at the first channel, px: a first guess
  SimulationParams params;        ///< with everything that the preset decided filled in
};

/// Simulates a sequence. Path: seeing -> residual of the adaptive optics (von Karman spectrum: fitting
/// error beyond the control radius, servo lag and noise inside) + quasi-static error (OPD in nm, so
/// that phase = 2 pi OPD / wavelength; four fifths of its variance fixed, one an
/// Ornstein-Uhlenbeck process) -> pupil with central obstruction and spiders -> coronagraph -> Lyot stop -> matrix
/// Fourier transform onto the detector's pixels -> mean of the short exposures -> photon, sky and read
/// noise. A planet is the same field, tilted to where the sky's rotation has it in each short
/// exposure (so it smears), past the Lyot stop but not through the mask, whose loss beyond two
/// wavelength / D is small. In frame i it is at theta - angles[i].
/// Runs on the Exec's device; the result is on the host. Throws InvalidInput for values that make no sense and
/// for a cube, or fields of the short exposures, that memory does not hold. Progress: one stage, "simulate", in frames;
/// it goes on until the caller ends it.
Simulation simulate(Exec& exec, const SimulationParams& given, Progress& progress);
Simulation simulate(Exec& exec, const SimulationParams& given);

/// The simulation as JSON text: commit, command, device, preset, seed, parameters, star, planets, conventions.
///   provenance  command and device, if they are to be told
std::string truth_json(const Simulation& simulation, const Provenance& provenance = {});

/// Writes cube.fits ((t, y, x), or with several channels (λ, t, y, x) as VIP has it), angles.fits,
/// psf.fits ((y, x) or (λ, y, x)), wavelengths.fits and truth.json into the folder, which is made where
/// needed: all of them or none. The headers tell commit, command, device and parameters. Throws InvalidInput if the
/// folder cannot be written, and where check_simulation_folder() does.
void write_simulation(const Simulation& simulation, const std::filesystem::path& path,
                      const Provenance& provenance = {});

/// Throws InvalidInput if the folder has a file of one of these names that no simulation wrote: data of the user.
void check_simulation_folder(const std::filesystem::path& folder);

}  // namespace hci
