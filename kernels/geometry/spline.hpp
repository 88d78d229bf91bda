// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/border.hpp"

namespace hci {

/// Interpolation by B-splines of order 2 to 5 (Unser, Aldroubi & Eden 1993, IEEE Trans. Signal
/// Processing 41, 821): the frames are first turned into coefficients, so that the splines weighted by
/// them go through the pixels. Orders 0 and 1 need no coefficients.
constexpr int kLowestSplineOrder = 2, kHighestSplineOrder = 5;

/// Rows and columns of coefficients beyond each edge. What lies outside is plain data for constant and
/// edge, and the coefficients feel the step at the edge: as many as it takes for that to fall below
/// 1e-8 of it. The other borders continue the coefficients as they do the pixels: none.
index_t spline_padding(int order, Border border);

/// out = the coefficients of the frames of in, for evaluation with taps of sampling.hpp at positions
/// that are larger by the padding, with the same border.
///   in       (t, y, x) on the Exec's device
///   outside  (t) on the device, or empty for 0: the value beyond the edge where the border is constant
///   out      (t, y + 2 padding, x + 2 padding) on the device
/// A NaN counts as the value outside (0) while the coefficients are made, and is NaN again in the
/// coefficient at its place; so it reaches what reads it, and no more. Recursions in double, stored as
/// float32. Scratch: twice the bytes of out, or 256 MiB (one frame, if that is more); 4 MiB (a frame for each thread)
/// on the CPU's tuned path. Within 2^-24 of the largest coefficient. Throws InvalidInput for an order outside 2 .. 5,
/// an empty cube, and shapes that do not fit.
void spline_coefficients(Exec& exec, Cube<const float> in, int order, Border border, Vector<const float> outside,
                         Cube<float> out);

}  // namespace hci
