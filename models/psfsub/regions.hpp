// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/core/view.hpp"
#include "models/psfsub/references.hpp"

namespace hci {

/// Where the star is subtracted.
enum class RegionMode {
  full,     ///< all pixels at once
  annular,  ///< concentric annuli, or sectors of them, each on its own
  annulus   ///< one annulus, zero outside (VIP's pca_annulus)
};
constexpr auto enum_names(RegionMode) {
  return std::array<std::pair<std::string_view, RegionMode>, 3>{
      {{"full", RegionMode::full}, {"annular", RegionMode::annular}, {"annulus", RegionMode::annulus}}};
}

/// Sectors of each annulus: a number, one for each annulus ("1,2,4"), or "auto" (as long as wide, VIP's rule).
struct Segments {
  bool automatic = false;
  std::vector<int> counts{1};
  friend bool operator==(const Segments&, const Segments&) = default;
};
std::string to_text(const Segments& value);
void from_text(std::string_view text, Segments& value);

/// A place in the frame, pixels from the centre of the lower left one. Text: "62,63".
struct PixelXY {
  double x = 0, y = 0;
  friend bool operator==(const PixelXY&, const PixelXY&) = default;
};
std::string to_text(const PixelXY& value);
void from_text(std::string_view text, PixelXY& value);

/// Geometry and choice of libraries, for every algorithm; names and defaults are VIP's.
struct RegionParams {
  RegionMode mode = RegionMode::full;
  int mask_center = 0;
  std::optional<PixelXY> source_xy;
  double radius_int = 0;
  double asize = 4;
  Segments n_segments;
  double theta_init = 0;
  std::optional<DeltaRot> delta_rot;
  int min_frames_lib = 2;
  int max_frames_lib = 200;
  int min_frames_pca = 10;
  std::optional<int> max_frames_pca;
  std::optional<RefStrategy> ref_strategy;
  double r_guess = 0;
  double annulus_width = 0;

  template <class Field>
  void fields(Field&& field) {
    field("mode", mode, "where the star is subtracted: full (frame), annular (many annuli), annulus (one)");
    field("mask_center", mask_center, "full: radius of the central disc that is left out and set to 0, px");
    field(
        "source_xy", source_xy,
        "full: place of a companion, x,y in px; frames in which it moved by less than delta_rot are not used (list of "
        "ncomp: where delta_rot is given), and the best of a list is chosen there");
    field("radius_int", radius_int,
          "annular: inner radius of the first annulus, px (median: 0 inside it in the product); full: radius of the "
          "disc that is 0 in the product");
    field("asize", asize, "annular: width of the annuli, px");
    field("n_segments", n_segments, "annular: sectors of each annulus: a number, one for each annulus, or auto");
    field("theta_init", theta_init, "annular: angle of the first sector, degrees counter-clockwise from +x");
    field("delta_rot", delta_rot,
          "frames in which a companion moved by less than this many FWHM are not used; a,b: from the innermost to "
          "the outermost annulus; default in annuli: 0.1,1 (median: 1)");
    field("min_frames_lib", min_frames_lib, "annular: fewer frames than this in a library are an error");
    field("max_frames_lib", max_frames_lib, "annular: only so many frames, the nearest in angle, are used");
    field("min_frames_pca", min_frames_pca, "full with source_xy: fewer frames than this are an error");
    field("max_frames_pca", max_frames_pca, "full with source_xy: only so many frames, the nearest in angle, are used");
    field("ref_strategy", ref_strategy, "with reference frames: rdi (only those) or ardi (frames of the target, too)");
    field("r_guess", r_guess, "annulus: its radius, px");
    field("annulus_width", annulus_width, "annulus: its width, px");
  }
};

/// Radius of the disc of the final frame that is set to 0, px; 0: none. As in VIP, mask_center is also
/// left out of the model, radius_int is not. Inside the first annulus nothing was subtracted; still,
/// derotated pixels may reach in, which VIP's median subtraction alone sets to 0.
///   annuli_too  PsfSubtraction::masks_inner_radius()
inline double central_disc(const RegionParams& params, bool annuli_too) {
  if (params.mode == RegionMode::full) return std::max(static_cast<double>(params.mask_center), params.radius_int);
  return params.mode == RegionMode::annular && annuli_too ? params.radius_int : 0;
}

/// The pixels of a region and what decides its libraries.
struct RegionGeometry {
  std::string name;
  /// Row-major indices of its pixels in the frame, ascending; empty: the whole frame.
  std::vector<index_t> pixels;
  double radius = 0;     ///< px, where the angle threshold is computed; 0: there is no threshold
  double delta_rot = 0;  ///< FWHM
};

/// The regions of frames of ny x nx pixels, in the order in which they are to be written: later
/// ones overwrite earlier ones. Throws InvalidInput where a parameter leaves nothing.
///   delta_rot  what to use where params has none
///   shift_last_annulus  VIP starts the last annulus 1 px earlier, except in median RDI
std::vector<RegionGeometry> make_regions(const RegionParams& params, index_t ny, index_t nx, DeltaRot delta_rot,
                                         bool shift_last_annulus);

}  // namespace hci
