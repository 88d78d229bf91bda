// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/stats/apertures.hpp"

namespace hci {

/// Options of the S/N map; names, defaults and meaning are VIP's (vip_hci.metrics.snrmap).
struct SnrParams {
  double fwhm = 0;
  bool approximated = false;
  bool exclude_negative_lobes = false;
  bool use2alone = false;
  std::vector<int> known_sources{};

  template <class Field>
  void fields(Field&& field) {
    field("fwhm", fwhm, "full width at half maximum of the PSF = diameter of the apertures, px");
    field("approximated", approximated, "quick map: disc-averaged frame, noise from circles one pixel wide");
    field("exclude_negative_lobes", exclude_negative_lobes, "leave the two apertures beside the tested one out");
    field("use2alone", use2alone, "take the noise from the second frame only");
    field("known_sources", known_sources, "pixels x1,y1,x2,y2,... of sources to be hidden from the noise around them");
  }
};

/// out = the S/N map of a frame (Mawet et al. 2014, ApJ 792, 97) for fwhm <= r < min(ny, nx) / 2 -
/// fwhm / 2; 0 elsewhere and where the frame is exactly 0. See kernels/stats/snr_map.hpp for what is
/// computed and for pixels that are not finite.
///   frame, out (y, x) on the Exec's device; second: another frame whose apertures add to the noise
///   (say, the one derotated the wrong way), or an empty view
/// Known sources: for the pixels of the annulus about a source, int(r - fwhm) <= r' < that +
/// round(3 fwhm), except those within ceil(fwhm) of a source, the map is made of the frame with the
/// discs of that radius about the sources set to the median absolute deviation of the annulus. Waits
/// then. With several sources all are hidden at once (VIP: see docs/differences.md).
/// `approximated` takes neither a second frame nor known sources nor exclude_negative_lobes.
/// Throws InvalidInput where the range of r is empty, a FWHM too large for the frame, and for one below 1 px.
void snr_map(Exec& exec, Frame<const float> frame, const SnrParams& params, Frame<float> out,
             Frame<const float> second = {});

/// What snr_map() refuses, told beforehand: parameters by themselves, and a FWHM for frames of ny x nx pixels.
void check_snr_params(const SnrParams& params);
void check_snr_room(double fwhm, index_t ny, index_t nx);

struct SnrAtOptions {
  double fwhm = 0;
  bool exclude_negative_lobes = false;
  bool use2alone = false;
  /// Apertures whose azimuth (degrees, from +x counter-clockwise) lies in this range give no noise.
  std::optional<std::array<double, 2>> exclude_theta_range{};
};

/// The S/N at one place and what it is made of.
struct SnrAt {
  double snr = 0;
  double flux = 0;                 ///< in the aperture
  double mean = 0, deviation = 0;  ///< of the apertures of the ring; deviation with n - 1
  double radius = 0;               ///< px from the centre
  std::vector<double> noise;       ///< sums of the apertures of the ring that count
};

/// The S/N at a position (not only a pixel) of a frame on the Exec's device. Throws InvalidInput if
/// it lies within fwhm / 2 of the centre, and for a FWHM below 1 px. NaN as in the map. Waits.
SnrAt snr_at(Exec& exec, Frame<const float> frame, Position at, const SnrAtOptions& options,
             Frame<const float> second = {});

/// How a reduction is judged at a known source: means over apertures about neighbouring pixels.
struct SourceScore {
  double snr = 0;
  double flux = 0;  ///< in an aperture of diameter fwhm, unit of the frame
};

/// The mean S/N and flux at the pixels nearer than fwhm / 2 to a position (VIP's pca_grid and
/// frame_report). Waits.
SourceScore source_score(Exec& exec, Frame<const float> frame, Position about, const SnrAtOptions& options,
                         Frame<const float> second = {});

/// The Gaussian significance (sigma) with the false-alarm probability that this S/N has under
/// Student's t with 2 pi r / fwhm - 2 degrees of freedom. It works on logarithms of tails, so that it
/// does not saturate (VIP's stops at 8.2). NaN without degrees of freedom.
double significance(double snr, double radius, double fwhm);
/// The inverse: the S/N that a Gaussian significance asks for.
double snr_of_significance(double sigma, double radius, double fwhm);

}  // namespace hci
