// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/array.hpp"
#include "models/simulate/instrument.hpp"

namespace hci {

/// The turbulence and how well it is corrected.
struct Turbulence {
  double fried = 0.12;            ///< r0 at 0.5 um, m
  double outer_scale = 25;        ///< L0, m
  double control_frequency = 0;   ///< cycles / m along each axis; 0: no correction
  double wind_y = 0, wind_x = 0;  ///< m / s
  double delay = 0;               ///< s
  double sensor_noise = 0;        ///< nm rms inside the control square
};

/// r0 (m) at 0.5 um for a seeing in arcsec.
double fried_parameter(double seeing);

/// Power of the residual path difference at the frequency (cycles / m), nm^2 m^2. Outside the control
/// square |ky|, |kx| < control_frequency the von Karman spectrum 0.0229 r0^(-5/3) (k^2 + L0^-2)^(-11/6)
/// (the fitting error); inside, that times the servo lag's 2 (1 - cos(2 pi k.v delay)), and white noise.
///   Rigaut, Veran & Lai 1998, SPIE 3353, 1038;  Hardy 1998, Adaptive Optics for Astronomical Telescopes
double residual_power(const Turbulence& turbulence, double ky, double kx);

/// Mode amplitudes (v, u) for draw_modes: maps of grid x grid samples, `sample` m apart, with that
/// spectrum, nm. Piston is 0. On the host.
Array<float, 2> residual_modes(const Turbulence& turbulence, int grid, double sample);

/// Mode amplitudes of the instrument's own error: power ~ k^-2.5 from one cycle across the pupil
/// upwards, `rms` nm in all. Polishing and alignment errors fall off like that.
Array<float, 2> quasi_static_modes(double rms, double diameter, int grid, double sample);

/// The pupil's transmission on n x n samples across its diameter, (y, x), 0 .. 1 (each sample is the mean
/// of 8 x 8 points): a disc of `outer` diameters with a central hole of `inner` diameters and vanes of
/// `width` m from the centre outward. On the host.
Array<float, 2> pupil_mask(const Instrument& instrument, int n, double outer, double inner, double width);

}  // namespace hci
