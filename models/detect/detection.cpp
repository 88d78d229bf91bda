// SPDX-License-Identifier: MIT
#include "models/detect/detection.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "kernels/core/copy.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/image/psf_fit.hpp"
#include "models/detect/peak.hpp"
#include "models/detect/snr.hpp"

namespace hci {
namespace {

/// The fit to the square about a place; its centre in the frame's pixels. Not where it is no good.
std::optional<Position> fitted(Frame<const float> frame, Position about, double fwhm) {
  const index_t reach = std::lround(fwhm / 2) + 1, y = std::lround(about.y), x = std::lround(about.x);
  const index_t y0 = std::max<index_t>(0, y - reach), y1 = std::min(frame.extent(0), y + reach + 1);
  const index_t x0 = std::max<index_t>(0, x - reach), x1 = std::min(frame.extent(1), x + reach + 1);
  const Frame<const float> stamp(&frame(y0, x0), {y1 - y0, x1 - x0}, frame.strides());
  index_t finite = 0;
  for (index_t j = 0; j < stamp.extent(0); ++j)
    for (index_t i = 0; i < stamp.extent(1); ++i) finite += std::isfinite(stamp(j, i)) ? 1 : 0;
  if (finite < 9) return {};
  const PsfFit fit = fit_psf(stamp, PsfModel::gauss, fwhm);
  const double width = fit.shape.fwhm();
  if (!fit.converged || fit.shape.amplitude <= 0 || width < fwhm / 3 || width > 3 * fwhm) return {};
  const Position at{fit.shape.y + static_cast<double>(y0), fit.shape.x + static_cast<double>(x0)};
  return std::hypot(at.y - about.y, at.x - about.x) <= fwhm ? std::optional(at) : std::nullopt;
}

/// Fits twice: the highest S/N of a bright source lies up to half a FWHM beside it, where its own
/// flanks fall into the gap of the ring.
std::optional<Position> refined(Frame<const float> frame, Position pixel, double fwhm) {
  const auto first = fitted(frame, pixel, fwhm);
  if (!first) return {};
  const auto second = fitted(frame, *first, fwhm);
  return second && std::hypot(second->y - pixel.y, second->x - pixel.x) <= fwhm ? second : std::nullopt;
}

double degrees_0_to_360(double radians) {
  const double degrees = radians * 180 / std::numbers::pi;
  return degrees - 360 * std::floor(degrees / 360);
}

}  // namespace

Detection find_peak(Exec& exec, Frame<const float> frame, Frame<const float> map, double fwhm) {
  require(std::isfinite(fwhm) && fwhm > 0, "find_peak: fwhm is ", fwhm, " px, it must be positive");
  require(frame.extents() == map.extents(), "find_peak: frame and map differ in shape");
  const auto host_map = to_host(exec, map), host_frame = to_host(exec, frame);
  const Peak peak = highest_pixel(host_map.view());
  Detection found{.pixel_y = peak.y, .pixel_x = peak.x, .snr = peak.value};
  const Position pixel{static_cast<double>(peak.y), static_cast<double>(peak.x)};
  const std::optional<Position> better = refined(host_frame.view(), pixel, fwhm);
  const Position at = better.value_or(pixel);
  found.refined = better.has_value();
  found.y = at.y;
  found.x = at.x;
  found.flux = aperture_sums(exec, frame, {at}, fwhm / 2)[0];
  const double dy = at.y - frame_centre(frame.extent(0)), dx = at.x - frame_centre(frame.extent(1));
  found.radius = std::hypot(dy, dx);
  found.theta = degrees_0_to_360(std::atan2(dy, dx));
  found.pa_from_up = degrees_0_to_360(std::atan2(-dx, dy));
  // The map's S/N is that of the pixel, so is its significance.
  const double pixel_radius =
      std::hypot(pixel.y - frame_centre(frame.extent(0)), pixel.x - frame_centre(frame.extent(1)));
  found.significance = pixel_radius > 0 ? significance(found.snr, pixel_radius, fwhm) : std::nan("");
  return found;
}

double flux_ratio(Exec& exec, Frame<const float> frame, Position at, double fwhm, double star_flux) {
  require(std::isfinite(star_flux) && star_flux > 0, "flux_ratio: the star's flux is ", star_flux,
          ", it must be positive");
  return aperture_sums(exec, frame, {at}, fwhm / 2)[0] / star_flux;
}

}  // namespace hci
