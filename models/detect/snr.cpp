// SPDX-License-Identifier: MIT
#include "models/detect/snr.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/stats/snr_map.hpp"
#include "kernels/stats/snr_map_approximated.hpp"

namespace hci {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Narrower apertures hold no pixel whole, and a ring has millions of them.
void require_fwhm(const char* who, double fwhm) {
  constexpr double kLeast = 1;
  require(std::isfinite(fwhm) && fwhm > 0, who, ": fwhm is ", fwhm,
          " px, it must be positive: give the FWHM of the PSF");
  require(fwhm >= kLeast, who, ": fwhm is ", fwhm, " px, narrower than ", kLeast,
          " px; give the FWHM of the PSF in pixels, not in arcsec");
}

Position centre_of(Extents<2> extents) { return {frame_centre(extents[0]), frame_centre(extents[1])}; }

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

double median_absolute_deviation(std::vector<double> values) {
  if (values.empty()) return kNaN;
  const double middle = median(values);
  for (double& value : values) value = std::fabs(value - middle);
  return median(values);
}

/// A frame in which the known sources are hidden, and the pixels whose S/N is to be taken from it.
struct HiddenSources {
  Array<float, 2> frame;
  std::vector<std::uint8_t> around;
  double inner, outer;  // the radii that `around` reaches
};

/// Calls visit(y, x, r) for each pixel with inner <= r < outer.
template <class Visit>
void for_annulus(Extents<2> extents, double inner, double outer, Visit&& visit) {
  const Position centre = centre_of(extents);
  for (index_t y = 0; y < extents[0]; ++y)
    for (index_t x = 0; x < extents[1]; ++x) {
      const double dy = static_cast<double>(y) - centre.y, dx = static_cast<double>(x) - centre.x;
      const double r = std::sqrt(dy * dy + dx * dx);
      if (r >= inner && r < outer) visit(y, x);
    }
}

HiddenSources hide_sources(Exec& exec, Frame<const float> device_frame, const SnrParams& params) {
  const Extents<2> extents = device_frame.extents();
  const index_t ny = extents[0], nx = extents[1];
  const Position centre = centre_of(extents);
  const auto original = to_host(exec, device_frame);
  HiddenSources hidden{to_host(exec, device_frame), {}, std::numeric_limits<double>::infinity(), 0};
  hidden.around.assign(static_cast<std::size_t>(ny * nx), 0);
  const double disc = std::ceil(params.fwhm);
  std::vector<std::uint8_t> in_disc(hidden.around.size(), 0);
  for (std::size_t s = 0; s < params.known_sources.size(); s += 2) {
    const index_t sx = params.known_sources[s], sy = params.known_sources[s + 1];
    require(sx >= 0 && sx < nx && sy >= 0 && sy < ny, "snr_map: the known source (", sx, ", ", sy,
            ") is outside the frame of ", nx, " x ", ny, " pixels");
    const double r = std::hypot(static_cast<double>(sy) - centre.y, static_cast<double>(sx) - centre.x);
    // As in VIP: a source so far out that its annulus leaves the frame is left as it is.
    if (std::floor(r) >= centre.y - disc) continue;
    const double inner = std::trunc(r - params.fwhm), outer = inner + std::nearbyint(3 * params.fwhm);
    hidden.inner = std::min(hidden.inner, inner);
    hidden.outer = std::max(hidden.outer, outer);
    std::vector<double> values;
    for_annulus(extents, inner, outer, [&](index_t y, index_t x) {
      hidden.around[static_cast<std::size_t>(y * nx + x)] = 1;
      if (std::isfinite(original.view()(y, x))) values.push_back(original.view()(y, x));
    });
    const auto level = static_cast<float>(median_absolute_deviation(std::move(values)));
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) {
        if (static_cast<double>((y - sy) * (y - sy) + (x - sx) * (x - sx)) >= disc * disc) continue;
        hidden.frame.view()(y, x) = level;
        in_disc[static_cast<std::size_t>(y * nx + x)] = 1;
      }
  }
  for (std::size_t i = 0; i < in_disc.size(); ++i)
    if (in_disc[i] != 0) hidden.around[i] = 0;
  return hidden;
}

/// Whether an azimuth lies in a range, all in degrees, whatever the turns.
bool in_range(double theta, const std::array<double, 2>& range) {
  const double from_start = theta - range[0] - 360 * std::floor((theta - range[0]) / 360);
  return from_start <= range[1] - range[0];
}

/// Centres of the apertures of the ring that count, that of the position first.
std::vector<Position> ring_of(Position at, Position centre, double radius, const SnrAtOptions& options) {
  const double step = 2 * std::asin(options.fwhm / 2 / radius);
  const int apertures = static_cast<int>(std::floor(2 * std::numbers::pi / step));
  const double cosine = std::cos(step), sine = std::sin(step);
  std::vector<Position> ring{at};
  double dy = at.y - centre.y, dx = at.x - centre.x;
  for (int i = 1; i < apertures; ++i) {
    const double next = cosine * dx + sine * dy;
    dy = cosine * dy - sine * dx;
    dx = next;
    if (options.exclude_negative_lobes && (i == 1 || i == apertures - 1)) continue;
    const double theta = std::atan2(dy, dx) * 180 / std::numbers::pi;
    if (options.exclude_theta_range && in_range(theta, *options.exclude_theta_range)) continue;
    ring.push_back({centre.y + dy, centre.x + dx});
  }
  return ring;
}

}  // namespace

void check_snr_params(const SnrParams& params) {
  require_fwhm("snr_map", params.fwhm);
  require(params.known_sources.size() % 2 == 0, "snr_map: known_sources has ", params.known_sources.size(),
          " numbers; it takes pairs x,y");
  require(!params.approximated || (params.known_sources.empty() && !params.exclude_negative_lobes),
          "snr_map: the approximated map takes neither known_sources nor a second frame (array2) nor "
          "exclude_negative_lobes");
}

void check_snr_room(double fwhm, index_t ny, index_t nx) {
  require_fwhm("snr_map", fwhm);
  const double half = static_cast<double>(std::min(ny, nx)) / 2;
  require(half - fwhm / 2 > fwhm, "snr_map: fwhm is ", fwhm, " px, no ring of apertures fits into a frame of ", nx,
          " x ", ny, " px; is it in px?");
}

void snr_map(Exec& exec, Frame<const float> frame, const SnrParams& params, Frame<float> out,
             Frame<const float> second) {
  check_snr_params(params);
  check_snr_room(params.fwhm, frame.extent(0), frame.extent(1));
  const double half = static_cast<double>(std::min(frame.extent(0), frame.extent(1))) / 2;
  if (params.approximated) {
    require(second.data() == nullptr, "snr_map: the approximated map takes no second frame (array2)");
    snr_map_approximated(exec, frame, params.fwhm, out);
    return;
  }
  const double width = half - 1.5 * params.fwhm;
  SnrMapOptions options{.fwhm = params.fwhm,
                        .inner = params.fwhm,
                        .outer = params.fwhm + width,
                        .exclude_negative_lobes = params.exclude_negative_lobes,
                        .noise_from_second_only = params.use2alone};
  fill_zero(exec, out);
  if (params.known_sources.empty()) {
    snr_map(exec, frame, second, options, out);
    return;
  }
  HiddenSources hidden = hide_sources(exec, frame, params);
  options.wanted = hidden.around;
  for (auto& pixel : options.wanted) pixel = pixel == 0;
  snr_map(exec, frame, second, options, out);
  options.wanted = std::move(hidden.around);
  options.inner = std::max(0.0, hidden.inner);
  options.outer = hidden.outer;
  options.skip_zeros = false;
  const DeviceInput<float, 2> hidden_frame(exec, std::as_const(hidden.frame).view());
  snr_map(exec, hidden_frame.view(), second, options, out);
  exec.wait();
}

SnrAt snr_at(Exec& exec, Frame<const float> frame, Position at, const SnrAtOptions& options,
             Frame<const float> second) {
  require_fwhm("snr_at", options.fwhm);
  const bool has_second = second.data() != nullptr;
  require(!has_second || second.extents() == frame.extents(), "snr_at: the second frame differs in shape");
  require(has_second || !options.use2alone, "snr_at: use2alone needs a second frame");
  if (options.exclude_theta_range)
    require((*options.exclude_theta_range)[0] < (*options.exclude_theta_range)[1],
            "snr_at: exclude_theta_range must go from the smaller to the larger angle");
  const Position centre = centre_of(frame.extents());
  SnrAt result;
  result.radius = std::hypot(at.y - centre.y, at.x - centre.x);
  require(result.radius > options.fwhm / 2, "snr_at: (", at.x, ", ", at.y, ") is ", result.radius,
          " px from the centre, closer than fwhm / 2 = ", options.fwhm / 2, " px");
  const auto ring = ring_of(at, centre, result.radius, options);
  const auto sums = aperture_sums(exec, frame, ring, options.fwhm / 2);
  result.flux = sums[0];
  const auto keep_finite = [&](auto from, auto to) {
    std::copy_if(from, to, std::back_inserter(result.noise), [](double value) { return std::isfinite(value); });
  };
  if (!options.use2alone) keep_finite(sums.begin() + 1, sums.end());
  if (has_second) {
    const auto more = aperture_sums(exec, second, ring, options.fwhm / 2);
    keep_finite(more.begin(), more.end());
  }
  const auto n = static_cast<double>(result.noise.size());
  for (const double value : result.noise) result.mean += value / n;
  double squares = 0;
  for (const double value : result.noise) squares += (value - result.mean) * (value - result.mean);
  if (n < 2) result.mean = result.deviation = result.snr = kNaN;
  if (n >= 2) {
    result.deviation = std::sqrt(squares / (n - 1));
    result.snr = (result.flux - result.mean) / (result.deviation * std::sqrt(1 + 1 / n));
  }
  return result;
}

SourceScore source_score(Exec& exec, Frame<const float> frame, Position about, const SnrAtOptions& options,
                         Frame<const float> second) {
  require_fwhm("source_score", options.fwhm);
  const double radius = options.fwhm / 2;
  const auto first = [&](double middle) { return static_cast<index_t>(std::ceil(middle - radius)); };
  const auto last = [&](double middle) { return static_cast<index_t>(std::floor(middle + radius)); };
  SourceScore sum;
  double count = 0;
  for (index_t y = first(about.y); y <= last(about.y); ++y)
    for (index_t x = first(about.x); x <= last(about.x); ++x) {
      const Position pixel{static_cast<double>(y), static_cast<double>(x)};
      if (std::pow((pixel.y - about.y) / radius, 2) + std::pow((pixel.x - about.x) / radius, 2) >= 1) continue;
      const SnrAt there = snr_at(exec, frame, pixel, options, second);
      sum.snr += there.snr;
      sum.flux += there.flux;
      ++count;
    }
  require(count > 0, "source_score: no pixel within fwhm / 2 = ", radius, " px of (", about.x, ", ", about.y, ")");
  return {sum.snr / count, sum.flux / count};
}

}  // namespace hci
