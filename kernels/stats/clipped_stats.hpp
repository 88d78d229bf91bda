// SPDX-License-Identifier: MIT
#pragma once
#include <limits>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/annulus.hpp"

namespace hci {

// Statistics of what iterative sigma clipping leaves, as astropy's sigma_clipped_stats (cenfunc 'median', stdfunc
// 'std'): in each round values below median - lower_sigma deviations or above median + upper_sigma deviations of those
// still there are taken out. What is not finite is left out from the start. (Outliers among a pixel's neighbours:
// kernels/stats/sigma_clip.hpp.)

/// In the order of the last axis of results.
enum ClippedStat : int {
  kClippedMean,       ///< in double
  kClippedMedian,     ///< exact; of an even number the mean of the middle two, in double
  kClippedDeviation,  ///< standard deviation, of n, two passes in double
  kClippedCount,      ///< values that are left
  kClippedStats       ///< how many there are
};

struct ClippedStatsOptions {
  double lower_sigma = 3, upper_sigma = 3;
  int rounds = 5;  ///< at most so many (astropy's maxiters); it ends when a round takes nothing out
  /// Values that equal it are left out from the start, too (astropy's mask_value).
  float mask_value = std::numeric_limits<float>::quiet_NaN();
};

/// Of pixel sets (kernels/geometry/annulus.hpp) in every frame.
///   frames (t, y, x) float, any strides, on the Exec's device   sets: row-major indices y nx + x, host
///   out (t, s, kClippedStats) double, on the Exec's device
/// Where nothing is left the count is 0 and all else NaN. Mean and deviation err by at most n eps of the largest
/// |value|, n the count and eps 2.2e-16; the median is exact. A value whose distance from the median equals the limit
/// to such rounding may stay here and go there.
void region_clipped_stats(Exec& exec, Cube<const float> frames, const std::vector<PixelSet>& sets,
                          const ClippedStatsOptions& options, View<double, 3> out);

/// Of all pixels of every frame: out (t, kClippedStats).
void frame_clipped_stats(Exec& exec, Cube<const float> frames, const ClippedStatsOptions& options, Matrix<double> out);

/// Of each pixel over the frames: a mean, or median, of frames without outliers. Rounded once to float32.
///   in (t, y, x), T >= 1, any strides   mean, median, deviation (y, x) each; a view of nothing is not filled
void temporal_clipped_stats(Exec& exec, Cube<const float> in, const ClippedStatsOptions& options, Frame<float> mean,
                            Frame<float> median, Frame<float> deviation);

}  // namespace hci
