// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/annulus.hpp"

namespace hci {

/// What region_stats() finds, in the order of its last axis.
enum RegionStat : int {
  kStatCount,      ///< values that are not NaN
  kStatMean,       ///< in double
  kStatDeviation,  ///< standard deviation, of n as in NumPy, two passes in double
  kStatMin,
  kStatMax,
  kStatMedian,  ///< exact; of an even number the mean of the middle two
  kStatMad,     ///< median of |value - median|, float32, not scaled to a Gaussian's sigma
  kRegionStats  ///< how many there are
};

/// Statistics of pixel sets (annuli, sectors, circles: kernels/geometry/annulus.hpp) in every frame.
///   frames (t, y, x) float, any strides, on the Exec's device   sets: row-major indices y nx + x, host
///   out (t, s, kRegionStats) double, on the Exec's device
/// NaN are left out; of a set without values the count is 0 and all else NaN. Throws InvalidInput for an
/// index outside the frame.
void region_stats(Exec& exec, Cube<const float> frames, const std::vector<PixelSet>& sets, View<double, 3> out);

/// Exact quantiles of pixel sets in every frame, interpolated linearly as by numpy.quantile.
///   out (t, s, q) double: quantile probabilities[q] of set s in frame t
/// NaN as above. Throws InvalidInput for a probability outside [0, 1].
void region_quantiles(Exec& exec, Cube<const float> frames, const std::vector<PixelSet>& sets,
                      const std::vector<double>& probabilities, View<double, 3> out);

/// The pixels of a frame by whole radius: set i holds those with i <= r < i + 1, r the distance from the centre, out to
/// the farthest corner. The bins of a radial profile. Throws InvalidInput for a centre more than 1e6 px from the frame.
std::vector<PixelSet> radial_bins(index_t ny, index_t nx, const SetCentre& centre = {});

/// The radial profile of every frame: means(t, i) = the mean of radial_bins()[i], NaN left out; NaN where nothing else
/// is there, as in the bins between a centre outside the frame and its next pixel.
///   frames (t, y, x)   means (t, i) double, as many as radial_bins() or fewer, on the Exec's device
/// Throws InvalidInput for a centre that radial_bins() refuses.
void radial_profile(Exec& exec, Cube<const float> frames, Matrix<double> means, const SetCentre& centre = {});

}  // namespace hci
