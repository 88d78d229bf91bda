// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// The isotropic undecimated wavelet transform of the second generation (Starck, Fadili & Murtagh
/// 2007, IEEE Trans. Image Process. 16, 297), as PyMORESANE and VIP's cube_filter_iuwt have it. With
/// H_s the smoothing by the B3 spline 1 4 6 4 1 / 16 along both axes, taps 2^s px apart, frames
/// mirrored at their edges, and c_0 the frame:
///   c_{s+1} = H_s c_s,  detail(t, s) = c_s - H_s c_{s+1},  s = 0 .. scales - 1
///   in (t, y, x), details (t, s, y, x), smooth (t, y, x): c of the last scale; or an empty view
/// All dense or strided, on the Exec's device. Pixels that are not finite are left out of the
/// smoothing and are NaN in all details; the smooth frame is filled from their neighbours. Float throughout: each scale
/// adds some 2 x 5 x 2^-24 of the largest value. Throws InvalidInput where shapes do not fit, and for
/// less than 1 or more than 20 scales.
void starlet(Exec& exec, Cube<const float> in, SpectralCube<float> details, Cube<float> smooth);

/// The frames that the transform came from: undoes starlet(), exactly but for rounding, where no pixel was masked.
///   details (t, s, y, x), smooth (t, y, x), out (t, y, x); no overlap
/// A pixel whose details are NaN is NaN in every level, and left out of every smoothing; starlet() leaves it out of the
/// first one only. So near masked pixels the frames are not quite those that they were.
void inverse_starlet(Exec& exec, SpectralCube<const float> details, Cube<const float> smooth, Cube<float> out);

/// out = the sum of the `kept` finest details: each frame without its large structure.
///   in, out (t, y, x) on the Exec's device, no overlap
void starlet_filter(Exec& exec, Cube<const float> in, int kept, Cube<float> out);

}  // namespace hci
