// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// A place in a frame, pixels; whole numbers are centres of pixels.
struct Position {
  double y = 0, x = 0;
};

/// sums(t, i) = frame t summed over the disc of the given radius (pixels) about positions[i], each
/// pixel weighted with the exact share of it that the disc covers (photutils' method 'exact'), in
/// double. Pixels of which it covers no more than 1e-9 px² are left out. Error, with V the largest |value|:
/// below V r² (1.7e-13 (8 r + 4) + 6e-15 (2 r + 2)²) px², r in px; 1.4e-12 of V x disc for 2.4 px.
///   frames (t, y, x) and sums (t, i) on the Exec's device; positions on the host
/// What lies outside the frame adds nothing. A sum is NaN if its disc covers more than 1e-9 px² of
/// a pixel that is not finite. Throws InvalidInput for positions that are not finite.
/// Overlaps are found once for many frames. What a frame's sums are does not depend on the other frames.
void aperture_sums(Exec& exec, Cube<const float> frames, const std::vector<Position>& positions, double radius,
                   Matrix<double> sums);

/// The same of one frame (y, x): sums (i).
void aperture_sums(Exec& exec, Frame<const float> frame, const std::vector<Position>& positions, double radius,
                   Vector<double> sums);

/// The same, brought to the host. Waits.
std::vector<double> aperture_sums(Exec& exec, Frame<const float> frame, const std::vector<Position>& positions,
                                  double radius);

}  // namespace hci
