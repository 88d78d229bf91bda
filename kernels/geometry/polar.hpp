// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/stats/apertures.hpp"

namespace hci {

/// Where an angle is 0: on the +x axis, or on +y (a position angle). Both grow counter-clockwise with y upward.
enum class AngleOrigin { x_axis, north };

/// A place relative to a centre, with standard errors.
struct PolarPosition {
  double r = 0;      ///< px
  double theta = 0;  ///< degrees
  double r_error = 0, theta_error = 0;
};

/// A place in a frame, px, with standard errors.
struct UncertainPosition {
  double y = 0, x = 0;
  double y_error = 0, x_error = 0;
};

/// As VIP's cart_to_pol: theta from -180 to 180 (x_axis) or from -270 to 90 (north). Errors to first order; at the
/// centre itself they are NaN where they are not 0.
PolarPosition to_polar(const UncertainPosition& at, const Position& centre, AngleOrigin origin);

/// The inverse of to_polar(). (VIP's pol_to_cart mirrors x where angles count from North.)
UncertainPosition to_cartesian(const PolarPosition& at, const Position& centre, AngleOrigin origin);

}  // namespace hci
