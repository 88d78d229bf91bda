// SPDX-License-Identifier: MIT
#include "models/metrics/annulus_noise.hpp"

#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/core/error.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/stats/apertures.hpp"

namespace hci {

AnnulusNoise noise_per_annulus(Exec& exec, Frame<const float> frame, const AnnulusNoiseOptions& options) {
  require(std::isfinite(options.fwhm) && options.fwhm >= 1, "noise_per_annulus: fwhm is ", options.fwhm,
          " px, it must be 1 px at least: give the FWHM of the PSF in pixels, not in arcsec");
  require(std::isfinite(options.separation) && options.separation > 0, "noise_per_annulus: separation is ",
          options.separation, " px, it must be positive");
  const double span = options.wedge[1] - options.wedge[0];
  require(span > 0, "noise_per_annulus: the wedge goes from ", options.wedge[0], " to ", options.wedge[1],
          " degrees, it must grow");
  const double cy = frame_centre(frame.extent(0)), cx = frame_centre(frame.extent(1));
  const double first = options.first.value_or(options.fwhm), degree = std::numbers::pi / 180;
  require(first > 0, "noise_per_annulus: the first radius is ", first, " px, it must be positive");
  const int circles = static_cast<int>(std::floor((cy - first) / options.separation)) - 1;
  // All circles in one go: the device is asked once.
  AnnulusNoise result;
  std::vector<Position> places;
  std::vector<std::size_t> ends;
  for (int circle = 0; circle < circles; ++circle) {
    const double radius = first + options.separation * circle;
    const double apertures = span * degree * radius / options.fwhm, step = span / apertures;
    for (int i = 0; i < static_cast<int>(apertures); ++i) {
      const double theta = (step * i + options.wedge[0]) * degree;
      places.push_back({cy + radius * std::sin(theta), cx + radius * std::cos(theta)});
    }
    ends.push_back(places.size());
    result.radius.push_back(radius);
  }
  const auto sums = aperture_sums(exec, frame, places, options.fwhm / 2);
  std::size_t from = 0;
  for (const std::size_t to : ends) {
    double count = 0, mean = 0, squares = 0;
    for (std::size_t i = from; i < to; ++i) {
      if (!std::isfinite(sums[i])) continue;
      mean += sums[i];
      ++count;
    }
    mean /= count;
    for (std::size_t i = from; i < to; ++i)
      if (std::isfinite(sums[i])) squares += (sums[i] - mean) * (sums[i] - mean);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    result.level.push_back(count > 0 ? mean : nan);
    result.noise.push_back(count > 0 ? std::sqrt(squares / count) : nan);
    from = to;
  }
  return result;
}

}  // namespace hci
