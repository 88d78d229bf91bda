// SPDX-License-Identifier: MIT
#include "models/simulate/simulation.hpp"

namespace hci {

std::string to_text(const SimulatedPlanet& planet) {
  return to_text(planet.separation_arcsec) + ":" + to_text(planet.position_angle) + ":" + to_text(planet.contrast);
}

void from_text(std::string_view text, SimulatedPlanet& planet) {
  const auto first = text.find(':'), last = text.rfind(':');
  require(first != std::string_view::npos && last != first, "'", text,
          "' is not a planet: write SEPARATION:POSITION_ANGLE:CONTRAST, as in 0.452:211:7e-4");
  SimulatedPlanet parsed;
  from_text(text.substr(0, first), parsed.separation_arcsec);
  from_text(text.substr(first + 1, last - first - 1), parsed.position_angle);
  from_text(text.substr(last + 1), parsed.contrast);
  planet = parsed;
}

std::string to_text(const PlanetChoice& choice) {
  if (choice.of_preset) return "preset";
  return choice.planets.empty() ? "none" : to_text(choice.planets);
}

void from_text(std::string_view text, PlanetChoice& choice) {
  PlanetChoice parsed;
  parsed.of_preset = same_word(text, "preset");
  require(!text.empty(), "no planets given: write a list, or none");
  if (!parsed.of_preset && !same_word(text, "none")) from_text(text, parsed.planets);
  choice = parsed;
}

}  // namespace hci
