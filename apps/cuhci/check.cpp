// SPDX-License-Identifier: MIT
#include "apps/cuhci/check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/array_file.hpp"
#include "kernels/core/error.hpp"
#include "kernels/geometry/centre.hpp"
#include "models/detect/peak.hpp"

namespace hci::app {
namespace {

using nlohmann::json;

/// A member that is a number.
double number(const json& object, const char* name, const std::string& where) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  require(object.is_object() && found != object.end() && found->is_number(), where, ": expected a number '", name, "'");
  return found->get<double>();
}

bool is_in_map(const Truth::Planet& planet, index_t ny, index_t nx, double fwhm) {
  const double r = std::hypot(planet.y - frame_centre(ny), planet.x - frame_centre(nx));
  return r >= fwhm && r < static_cast<double>(std::min(ny, nx)) / 2 - fwhm / 2;
}

}  // namespace

Truth read_truth(const std::string& path) {
  require_file(path);
  std::ifstream in(path);
  const json root = json::parse(in, nullptr, false);
  require(root.is_object() && root.contains("simulated_by") && root.contains("star") && root.contains("planets") &&
              root["planets"].is_array(),
          "--check: ", path, " is no truth of a simulation: expected the truth.json that 'cuhci simulate' writes");
  Truth truth;
  truth.path = path;
  truth.star_x = number(root["star"], "x", path + ", star");
  truth.star_y = number(root["star"], "y", path + ", star");
  for (const json& planet : root["planets"]) {
    const std::string where = path + ", planet " + std::to_string(truth.planets.size() + 1);
    truth.planets.push_back(
        {number(planet, "x", where), number(planet, "y", where), number(planet, "contrast", where)});
  }
  require(!truth.planets.empty(), "--check: ", path, " has no planets: there is nothing to be found");
  return truth;
}

void require_planets_in_map(const Truth& truth, index_t ny, index_t nx, double fwhm) {
  const double y = frame_centre(ny), x = frame_centre(nx);
  require(std::hypot(truth.star_y - y, truth.star_x - x) <= 1, "--check: the star of ", truth.path,
          " is at x = ", truth.star_x, ", y = ", truth.star_y, ", the centre of the frames of ", nx, " x ", ny,
          " px is x = ", x, ", y = ", y, ": it is the truth of another cube");
  const bool any = std::any_of(truth.planets.begin(), truth.planets.end(),
                               [&](const Truth::Planet& planet) { return is_in_map(planet, ny, nx, fwhm); });
  require(any, "--check: no planet of ", truth.path, " is between ", fwhm, " px (one FWHM) and ",
          static_cast<double>(std::min(ny, nx)) / 2 - fwhm / 2, " px from the centre, where the S/N map has values");
}

bool TruthCheck::passed() const {
  return peak_is_planet &&
         std::all_of(planets.begin(), planets.end(), [](const Planet& p) { return p.found || !p.in_map; });
}

std::string TruthCheck::verdict() const {
  const auto count = [&](auto which) { return std::to_string(std::count_if(planets.begin(), planets.end(), which)); };
  return count([](const Planet& p) { return p.in_map && !p.found; }) + " of " +
         count([](const Planet& p) { return p.in_map; }) + " planets missed, and the highest S/N is " +
         (peak_is_planet ? "a" : "no") + " planet's";
}

TruthCheck check_against(const Truth& truth, Frame<const float> map, double fwhm) {
  TruthCheck check{.path = truth.path, .planets = {}};
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  for (const Truth::Planet& planet : truth.planets) {
    TruthCheck::Planet seen{.truth = planet, .snr = kNone, .distance = kNone};
    seen.in_map = is_in_map(planet, map.extent(0), map.extent(1), fwhm);
    for (index_t y = 0; y < map.extent(0); ++y)
      for (index_t x = 0; x < map.extent(1); ++x) {
        const double away = std::hypot(static_cast<double>(y) - planet.y, static_cast<double>(x) - planet.x);
        if (away > fwhm || !std::isfinite(map(y, x)) || map(y, x) <= seen.snr) continue;  // nothing is below NaN
        seen.snr = map(y, x);
        seen.distance = away;
      }
    seen.found = seen.in_map && seen.snr >= kDetectionSnr;
    check.planets.push_back(seen);
  }
  if (std::none_of(map.data(), map.data() + map.size(), [](float snr) { return std::isfinite(snr); })) return check;
  const Peak peak = highest_pixel(map);
  check.peak_is_planet = std::any_of(truth.planets.begin(), truth.planets.end(), [&](const Truth::Planet& planet) {
    return std::hypot(static_cast<double>(peak.y) - planet.y, static_cast<double>(peak.x) - planet.x) <= fwhm;
  });
  return check;
}

void add_check(Summary& summary, const TruthCheck& check) {
  summary.set("check.truth", check.path);
  summary.set("check.passed", check.passed());
  summary.set("check.threshold_snr", kDetectionSnr);
  summary.set("check.peak_is_planet", check.peak_is_planet);
  for (const TruthCheck::Planet& planet : check.planets)
    summary.append("check.planets", {{"x", planet.truth.x},
                                     {"y", planet.truth.y},
                                     {"contrast", planet.truth.contrast},
                                     {"in_map", planet.in_map},
                                     {"found", planet.found},
                                     {"snr", planet.snr},
                                     {"distance_px", planet.distance}});
}

void print_check(const TruthCheck& check) {
  std::printf("Planets of %s (found: S/N of %g or more within one FWHM):\n", check.path.c_str(), kDetectionSnr);
  for (const TruthCheck::Planet& planet : check.planets) {
    std::printf("  x = %.2f, y = %.2f px, contrast %.1e: ", planet.truth.x, planet.truth.y, planet.truth.contrast);
    if (!planet.in_map)
      std::printf("not looked for, the S/N map does not reach there\n");
    else
      std::printf("%s, S/N %.2f at %.1f px from it\n", planet.found ? "found" : "MISSED", planet.snr, planet.distance);
  }
  std::printf("  the highest S/N of the map is %s planet's\n", check.peak_is_planet ? "a" : "no");
}

}  // namespace hci::app
