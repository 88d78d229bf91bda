// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// A quick stand-in for snr_map(), VIP's `approximated`: the frame is averaged over a disc of pixels
/// of radius fwhm / 2 (a pixel belongs to it if its centre does; 0 outside the frame). Then, for
/// each pixel at fwhm / 2 + 1 <= r < min(ny, nx) / 2 - fwhm,
///   (value - mean) / (std sqrt(1 + 1/n)),  n = 2 pi r / fwhm - 1,
/// with mean and std (n - 1) over the circle of pixels of radius floor(r) about the centre (made by
/// Bresenham's rule, pixels where its octants meet count twice), in which pixels nearer than
/// fwhm / 2 to the tested one are replaced by the median absolute deviation of the circle.
///   frame, out (y, x) on the Exec's device; out is 0 for all other pixels and where the averaged
///   frame is exactly 0
/// Pixels that are not finite are left out of the averages; where nothing else is near, and where
/// fewer than two values of the circle are left, out is NaN. Waits.
void snr_map_approximated(Exec& exec, Frame<const float> frame, double fwhm, Frame<float> out);

}  // namespace hci
