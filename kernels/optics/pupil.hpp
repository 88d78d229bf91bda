// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <complex>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// The star's field in the pupil, one for each short exposure. Exposures come in pairs of opposite
/// turbulence (antithetic variates), so that the terms linear in it cancel in a sum over few exposures
/// as they do in a long one:
///   fields(e) = aperture (1 + amplitude error) exp(2 pi i (instrument + turbulence) / wavelength)
///   aperture   (y, x) transmission of the amplitude
///   instrument (y, x) at least as large; real part: path difference, nm; imaginary part: relative
///              error of the amplitude
///   turbulence (p, y, x) at least as large; path difference, nm: plus and minus the real part of map p
///              are for exposures 4 p and 4 p + 1, plus and minus the imaginary part for the next two
///   fields     (e, y, x) overwritten; all on the Exec's device
/// In float: a phase of n turns is within n 2^-21 rad. As in all functions of this file a NaN stays in its pixel, but
/// in remove_coherent_part(), where it spoils its field, and InvalidInput is thrown where shapes do not fit.
void pupil_fields(Exec& exec, Frame<const float> aperture, Frame<const std::complex<float>> instrument,
                  Cube<const std::complex<float>> turbulence, double wavelength_nm, Cube<std::complex<float>> fields);

/// out = of_fixed fixed + of_evolving evolving, its imaginary part times `imaginary_scale`: one map made
/// of two, (y, x), on the Exec's device.
void blend_maps(Exec& exec, Frame<const std::complex<float>> fixed, double of_fixed,
                Frame<const std::complex<float>> evolving, double of_evolving, double imaginary_scale,
                Frame<std::complex<float>> out);

/// The same light from beside the star: out(e) = in(e) exp(2 pi i (ty Y + tx X)), where Y and X run
/// from -1/2 to 1/2 across the frame and tilts[e] = {ty, tx} are in cycles across it (wavelength / D). Turns are
/// counted in double, what is left of them is float: within 1e-6 of the field.
void tilt_fields(Exec& exec, Cube<const std::complex<float>> in, const std::vector<std::array<double, 2>>& tilts,
                 Cube<std::complex<float>> out);

/// The perfect coronagraph (Cavarroc, Boccaletti, Baudoz, Fusco & Rouan 2006, A&A 447, 397): takes the
/// part of each field that is coherent with the aperture out of it, but for the fraction `leak` of its
/// amplitude. As a charge-2 vortex it is blind to piston and second order in tilt.
void remove_coherent_part(Exec& exec, Frame<const float> aperture, double leak, Cube<std::complex<float>> fields);

/// fields(e) = mask fields(e).
void mask_fields(Exec& exec, Frame<const float> mask, Cube<std::complex<float>> fields);

/// fields -= other.
void subtract_fields(Exec& exec, Cube<const std::complex<float>> other, Cube<std::complex<float>> fields);

/// sum(y, x) += scale * sum over e of |fields(e, y, x)|^2; the sum over e in double, rounded once.
void add_intensity(Exec& exec, Cube<const std::complex<float>> fields, double scale, Frame<float> sum);

}  // namespace hci
