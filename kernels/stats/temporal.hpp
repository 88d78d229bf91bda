// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// Statistics of each pixel over the frames; NaN are left out, a pixel without values is NaN in all. Infinities count,
/// as in NumPy: one makes the deviation NaN, and an infinite median the MAD. All on the Exec's device; frames without
/// pixels are no error.
///   in (t, y, x), any strides

/// mean and standard deviation (of n, as in NumPy; two passes in double), (y, x) each; a view of nothing
/// is not filled.
void temporal_moments(Exec& exec, Cube<const float> in, Frame<float> mean, Frame<float> deviation);

/// median, and median of |value - median| (float32, not scaled to a Gaussian's sigma), (y, x) each.
/// Works in bands of rows: needs a part of a cube besides.
void temporal_mad(Exec& exec, Cube<const float> in, Frame<float> median, Frame<float> mad);

/// Exact quantiles: out(q, y, x) = quantile probabilities[q] of the pixel, interpolated linearly between two order
/// statistics as by numpy.nanquantile, in double, and rounded once to float32. What lies between -infinity and another
/// value, or between equal infinities, is NaN. Throws InvalidInput for a probability outside [0, 1].
void temporal_quantiles(Exec& exec, Cube<const float> in, const std::vector<double>& probabilities, Cube<float> out);

}  // namespace hci
