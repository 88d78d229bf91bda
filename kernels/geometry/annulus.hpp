// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <optional>
#include <vector>

#include "kernels/core/view.hpp"

namespace hci {

/// Pixels of a frame as ascending row-major indices y * nx + x. Host code: these sets are small and
/// made once for a job. What lies outside the frame is left out.
using PixelSet = std::vector<index_t>;

/// The point (y, x) about which a set lies, px, anywhere; unset: frame_centre() of each axis.
using SetCentre = std::optional<std::array<double, 2>>;

/// The sectors of an annulus: pixels with inner <= r < inner + width, r the distance from the centre
/// in px, split into `segments` of ceil(360 / segments) whole degrees each, counted
/// counter-clockwise (y up) from theta_init degrees off +x; as VIP's get_annulus_segments, where the
/// last of e.g. 7 sectors overlaps the first.
std::vector<PixelSet> annulus_segments(index_t ny, index_t nx, double inner, double width, int segments = 1,
                                       double theta_init = 0, const SetCentre& centre = {});

/// Pixels with r < radius: the inside of VIP's get_circle and mask_circle.
PixelSet circle(index_t ny, index_t nx, double radius, const SetCentre& centre = {});

/// Pixels with inner <= r < inner + width.
PixelSet annulus(index_t ny, index_t nx, double inner, double width, const SetCentre& centre = {});

/// Those of them at polar angles from `start` to below `end` degrees, counter-clockwise (y up) from +x, 0 <= start <
/// 360, start < end <= start + 360: VIP's get_annular_wedge.
PixelSet annular_wedge(index_t ny, index_t nx, double inner, double width, double start, double end,
                       const SetCentre& centre = {});

/// Pixels whose distances from the two foci sum to less than 2 a: the inside of an ellipse with semi-axes a >= b px,
/// the long one at `angle` degrees clockwise (y up) from +y: VIP's get_ellipse.
PixelSet ellipse(index_t ny, index_t nx, double a, double b, double angle, const SetCentre& centre = {});

}  // namespace hci
