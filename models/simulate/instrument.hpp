// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "models/simulate/simulation.hpp"

namespace hci {

/// A telescope, its adaptive optics and coronagraph, and the observation that a preset stands for.
struct Instrument {
  // Telescope
  double diameter = 8.0;        ///< m
  double obstruction = 0.14;    ///< of the diameter
  double spider_width = 0.05;   ///< m
  std::vector<double> spiders;  ///< directions of the vanes from the centre, degrees
  double latitude = 0;          ///< degrees
  // Detector
  double pixel_scale = 0;  ///< arcsec / px
  double first_um = 0, last_um = 0;
  double star_flux = 0;   ///< photo-electrons / s / channel
  double sky = 0;         ///< photo-electrons / s / px
  double read_noise = 0;  ///< electrons per frame
  // Adaptive optics
  int actuators = 0;          ///< across the pupil
  double wind = 10;           ///< m / s
  double wind_direction = 0;  ///< degrees in the pupil
  double delay = 0;           ///< s between measurement and correction
  double sensor_noise = 0;    ///< nm rms inside the control radius
  double coherence = 0;       ///< s in which the residual turbulence changes
  // Coronagraph
  bool lyot_mask = false;                                        ///< apodised Lyot; else a perfect (vortex-like) one
  double mask_diameter = 0;                                      ///< arcsec, apodised Lyot
  double leak = 0;                                               ///< amplitude that a vortex lets through
  double stop_outer = 1, stop_inner = 0, stop_spider_width = 0;  ///< of the diameter, of it, m
  double amplitude_error = 0;                                    ///< relative rms in the pupil
  // Target and sequence
  double declination = 0;  ///< degrees
  double hour_angle = 0;   ///< h, of the middle of the sequence
};

/// The preset's instrument.
Instrument instrument_of(SimulationPreset preset);

/// The parameters with the preset's value wherever none was given. Throws InvalidInput for values that
/// make no sense.
SimulationParams completed(const SimulationParams& params);

/// n wavelengths, µm, evenly over the instrument's band; one: its middle.
std::vector<double> channels_of(const Instrument& instrument, int n);

}  // namespace hci
