// SPDX-License-Identifier: MIT
#include "models/psfsub/regions.hpp"

#include <cmath>
#include <numbers>

#include "engine/params.hpp"
#include "kernels/geometry/annulus.hpp"
#include "kernels/geometry/centre.hpp"

namespace hci {
namespace {

double degrees(double radians) { return radians * (180 / std::numbers::pi); }

/// VIP's automatic number of sectors: 2, 3, and then as long as the annulus is wide; it takes the
/// tangent of 45 radians there, which we follow.
int automatic_segments(index_t annulus, double asize) {
  if (annulus < 2) return annulus == 0 ? 2 : 3;
  const double length = 2 * std::tan(45.0) * asize;
  const double angle = degrees(2 * std::atan(length / (2 * static_cast<double>(annulus) * asize)));
  return static_cast<int>(std::ceil(360 / angle));
}

int segments_of(const Segments& segments, index_t annulus, index_t annuli, double asize) {
  if (segments.automatic) return automatic_segments(annulus, asize);
  if (segments.counts.size() == 1) return segments.counts.front();
  require(static_cast<index_t>(segments.counts.size()) == annuli, "n_segments has ", segments.counts.size(),
          " numbers for ", annuli, " annuli; give one for each, or a single one");
  return segments.counts[static_cast<std::size_t>(annulus)];
}

std::string describe(index_t annulus, index_t annuli, double inner, double width) {
  return "annulus " + std::to_string(annulus + 1) + " of " + std::to_string(annuli) + " (" + to_text(inner) + " to " +
         to_text(inner + width) + " px)";
}

/// The radius of a disc about the centre, which must leave pixels outside.
void require_disc(const char* name, double radius, index_t ny, index_t nx) {
  require(std::isfinite(radius) && radius >= 0, name, " is ", radius, " px; it must be finite and not negative");
  require(static_cast<index_t>(circle(ny, nx, radius).size()) < ny * nx, name, " is ", radius, ": no pixel of the ", ny,
          " x ", nx, " frame is left; use a smaller radius");
}

void require_at_least_one(const char* name, int frames) {
  require(frames >= 1, name, " is ", frames, "; it must be 1 at least");
}

void check_params(const RegionParams& params, index_t ny, index_t nx) {
  require_disc("mask_center", params.mask_center, ny, nx);
  require_disc("radius_int", params.radius_int, ny, nx);
  require(std::isfinite(params.theta_init), "theta_init is ", params.theta_init, " degrees; it must be finite");
  require_at_least_one("min_frames_lib", params.min_frames_lib);
  require_at_least_one("max_frames_lib", params.max_frames_lib);
  require_at_least_one("min_frames_pca", params.min_frames_pca);
  if (params.max_frames_pca) require_at_least_one("max_frames_pca", *params.max_frames_pca);
}

std::vector<RegionGeometry> full_frame(const RegionParams& params, index_t ny, index_t nx, DeltaRot delta_rot) {
  RegionGeometry whole;
  whole.name = "the full frame";
  if (params.source_xy) {
    const double x = params.source_xy->x, y = params.source_xy->y;
    require(x >= 0 && y >= 0 && x < static_cast<double>(nx) && y < static_cast<double>(ny), "source_xy is ", x, ",", y,
            ": outside the frame of ", nx, " x ", ny, " px");
    whole.radius = std::hypot(y - frame_centre(ny), x - frame_centre(nx));
    require(whole.radius > 0,
            "source_xy is the centre of the frame, where nothing moves; give the place of a companion");
    whole.delta_rot = delta_rot.inner;
  }
  return {whole};
}

std::vector<RegionGeometry> one_annulus(const RegionParams& params, index_t ny, index_t nx) {
  require(params.annulus_width > 0 && params.r_guess > 0, "mode annulus: r_guess is ", params.r_guess,
          " and annulus_width ", params.annulus_width, " px; both must be given and positive");
  const double inner = std::trunc(params.r_guess - params.annulus_width / 2);
  const double width = std::trunc(params.r_guess + params.annulus_width / 2) - inner;
  require(inner >= 0 && width >= 1, "mode annulus: from ", inner, " to ", inner + width,
          " px; r_guess and annulus_width leave no annulus");
  RegionGeometry annulus;
  annulus.name = describe(0, 1, inner, width);
  annulus.pixels = annulus_segments(ny, nx, inner, width).front();
  require(!annulus.pixels.empty(), annulus.name, " lies outside the frame of ", nx, " x ", ny, " px");
  return {annulus};
}

std::vector<RegionGeometry> all_annuli(const RegionParams& params, index_t ny, index_t nx, DeltaRot delta_rot,
                                       bool shift_last_annulus) {
  require(params.asize >= 1, "asize is ", params.asize, " px; it must be 1 at least");
  const auto annuli = static_cast<index_t>((static_cast<double>(ny) / 2 - params.radius_int) / params.asize);
  require(annuli >= 1, "no annulus of asize ", params.asize, " px from radius_int ", params.radius_int,
          " px fits into a frame of ", ny, " px; use smaller values");
  std::vector<RegionGeometry> regions;
  for (index_t i = 0; i < annuli; ++i) {
    const double shift = shift_last_annulus && i == annuli - 1 ? 1 : 0;
    const double inner = std::max(0.0, params.radius_int + static_cast<double>(i) * params.asize - shift);
    const int segments = segments_of(params.n_segments, i, annuli, params.asize);
    auto sets = annulus_segments(ny, nx, inner, params.asize, segments, params.theta_init);
    for (std::size_t s = 0; s < sets.size(); ++s) {
      RegionGeometry region;
      region.name = describe(i, annuli, inner, params.asize);
      if (segments > 1) region.name += ", segment " + std::to_string(s + 1) + " of " + std::to_string(segments);
      require(!sets[s].empty(), region.name, " holds no pixel; use fewer segments");
      region.pixels = std::move(sets[s]);
      region.radius = inner + params.asize / 2;
      region.delta_rot = delta_rot.at(i, annuli);
      regions.push_back(std::move(region));
    }
  }
  return regions;
}

}  // namespace

std::string to_text(const Segments& value) { return value.automatic ? "auto" : to_text(value.counts); }

void from_text(std::string_view text, Segments& value) {
  Segments parsed;
  parsed.automatic = same_word(text, "auto");
  if (!parsed.automatic) from_text(text, parsed.counts);
  require(!parsed.counts.empty(), "n_segments is empty");
  for (int count : parsed.counts) require(count >= 1, "n_segments is ", count, "; there must be 1 at least");
  value = parsed;
}

std::string to_text(const PixelXY& value) { return to_text(value.x) + "," + to_text(value.y); }

void from_text(std::string_view text, PixelXY& value) {
  std::vector<double> numbers;
  from_text(text, numbers);
  require(numbers.size() == 2, "'", text, "' is not x,y");
  value = {numbers[0], numbers[1]};
}

std::vector<RegionGeometry> make_regions(const RegionParams& params, index_t ny, index_t nx, DeltaRot delta_rot,
                                         bool shift_last_annulus) {
  if (params.delta_rot) delta_rot = *params.delta_rot;
  require(delta_rot.inner >= 0 && delta_rot.outer >= 0, "delta_rot is ", to_text(delta_rot),
          " FWHM; it must not be negative");
  check_params(params, ny, nx);
  switch (params.mode) {
    case RegionMode::full:
      return full_frame(params, ny, nx, delta_rot);
    case RegionMode::annulus:
      return one_annulus(params, ny, nx);
    case RegionMode::annular:
      return all_annuli(params, ny, nx, delta_rot, shift_last_annulus);
  }
  return {};
}

}  // namespace hci
