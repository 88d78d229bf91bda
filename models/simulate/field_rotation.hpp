// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

namespace hci {

/// Angle at the target between north and the zenith, positive through east, degrees in (-180, 180].
/// All arguments in degrees; hour angle positive west of the meridian. On the meridian it is 0 where
/// the star culminates south of the zenith and 180 where north of it (Smart & Green 1977,
/// Textbook on Spherical Astronomy, section 2).
double parallactic_angle(double hour_angle, double declination, double latitude);

/// A sequence of frames in pupil tracking, equidistant in time.
struct FieldRotation {
  double latitude = 0, declination = 0;  ///< degrees
  double first_hour_angle = 0;           ///< degrees, middle of the first frame
  double spacing = 0;                    ///< s, between the middles of two frames; 0: no rotation
  std::vector<double> angles;            ///< derotation angles = parallactic angles, degrees, no jumps

  /// The derotation angle `seconds` after the middle of frame t.
  double angle_at(std::size_t t, double seconds) const;
};

/// Frames around the hour angle `middle_hours` such that the field turns by `range` degrees from the
/// first to the last. One frame is taken at the middle; it does not smear, and neither do the frames of
/// range 0, which are all at the middle. Throws InvalidInput where the target does not
/// turn that far within 5 h on each side.
FieldRotation field_rotation(double latitude, double declination, double middle_hours, double range, int frames);

}  // namespace hci
