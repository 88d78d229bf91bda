// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include "engine/products.hpp"
#include "models/detect/detection.hpp"

namespace hci::app {

/// What a simulation says that is to be found: its truth.json.
struct Truth {
  struct Planet {
    double x = 0, y = 0;  ///< px of the derotated frame
    double contrast = 0;
  };
  std::string path;
  double star_x = 0, star_y = 0;  ///< px
  std::vector<Planet> planets;    ///< one at least
};

/// Throws InvalidInput for a file that is no truth of `cuhci simulate`, or has no planets.
Truth read_truth(const std::string& path);

/// Throws InvalidInput if the truth is not of frames of ny x nx px, or none of its planets is where the
/// S/N map has values: fwhm <= r < min(ny, nx) / 2 - fwhm / 2.
void require_planets_in_map(const Truth& truth, index_t ny, index_t nx, double fwhm);

/// Of which S/N on a planet counts as found: the field's 5 sigma.
inline constexpr double kDetectionSnr = 5;

/// What a reduction shows of the planets of a truth.
struct TruthCheck {
  struct Planet {
    Truth::Planet truth;
    bool in_map = false;  ///< others are not looked for
    bool found = false;   ///< an S/N of kDetectionSnr or more within one FWHM of its place
    double snr = 0;       ///< the highest there; NaN if nothing there is finite
    double distance = 0;  ///< px from the planet to that pixel
  };
  std::string path;
  std::vector<Planet> planets;
  bool peak_is_planet = false;  ///< the highest S/N of all lies within one FWHM of a planet
  bool passed() const;
  /// "1 of 2 planets missed, and the highest S/N is no planet's".
  std::string verdict() const;
};

/// Looks at each planet's place in an S/N map (y, x), host.
TruthCheck check_against(const Truth& truth, Frame<const float> map, double fwhm);

/// "check": {truth, threshold_snr, passed, ...}.
void add_check(Summary& summary, const TruthCheck& check);
/// A line for each planet, on stdout.
void print_check(const TruthCheck& check);

}  // namespace hci::app
