// SPDX-License-Identifier: MIT
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/products.hpp"
#include "engine/version.hpp"
#include "models/simulate/simulation.hpp"

namespace hci {
namespace {

/// The cube as VIP's files have it: (t, y, x) for one channel, else (λ, t, y, x).
void write_cube(OutputFolder& folder, const Dataset& data, const Header& header) {
  const Extents<4> n = data.cube.extents();
  if (n[1] == 1) {
    folder.write_fits("cube.fits", Cube<const float>(data.cube.data(), {n[0], n[2], n[3]}), header);
    return;
  }
  auto ordered = host_array<float, 4>({n[1], n[0], n[2], n[3]});
  const index_t frame = n[2] * n[3];
  for (index_t t = 0; t < n[0]; ++t)
    for (index_t c = 0; c < n[1]; ++c)
      std::copy_n(data.cube.data() + (t * n[1] + c) * frame, frame, ordered.data() + (c * n[0] + t) * frame);
  folder.write_fits("cube.fits", ordered.view(), header);
}

void write_psf(OutputFolder& folder, const Dataset& data, const Header& header) {
  const Extents<3> n = data.psf.extents();
  if (n[0] == 1)
    folder.write_fits("psf.fits", Frame<const float>(data.psf.data(), {n[1], n[2]}), header);
  else
    folder.write_fits("psf.fits", data.psf.view(), header);
}

/// Whether a truth.json is one that write_simulation() wrote.
bool is_ours(const std::filesystem::path& path) {
  const auto truth = nlohmann::json::parse(std::ifstream(path), nullptr, false);
  const auto by = truth.is_object() ? truth.find("simulated_by") : truth.end();
  return by != truth.end() && by->is_string() && by->get_ref<const std::string&>().starts_with("cuHCI");
}

/// Without a date: the same command makes the same bytes.
Header header_of(const Simulation& simulation, const Provenance& provenance) {
  Header header;
  header.set("ORIGIN", std::string("cuHCI ") + version(), "simulated, not observed");
  if (!commit().empty()) header.set("HCI COMMIT", commit(), "of the source");
  if (!provenance.device.empty()) header.set("HCI DEVICE", provenance.device);
  if (!provenance.command.empty()) header.set("HCI COMMAND", provenance.command);
  header.set("PRESET", to_text(simulation.params.preset), "instrument that was imitated");
  header.set("SEED", static_cast<std::int64_t>(simulation.params.seed), "of everything random");
  header.set("PIXSCALE", *simulation.data.pixel_scale, "arcsec / px");
  header.set("EXPTIME", *simulation.params.exposure, "s, of each frame");
  header.set("BUNIT", std::string("electron"), "per frame, sky subtracted");
  for_each_field(simulation.params,
                 [&](std::string_view name, const std::string& text) { header.set("HCI " + std::string(name), text); });
  return header;
}

}  // namespace

std::string truth_json(const Simulation& simulation, const Provenance& provenance) {
  nlohmann::ordered_json planets = nlohmann::ordered_json::array();
  for (const PlanetTruth& planet : simulation.planets)
    planets.push_back({{"x", planet.x},
                       {"y", planet.y},
                       {"separation_px", planet.separation_px},
                       {"separation_arcsec", planet.planet.separation_arcsec},
                       {"position_angle_deg", planet.planet.position_angle},
                       {"theta_deg_from_x_ccw", planet.theta},
                       {"contrast", planet.planet.contrast},
                       {"flux", planet.flux}});
  nlohmann::ordered_json parameters = nlohmann::ordered_json::object();
  for_each_field(simulation.params,
                 [&](std::string_view name, const std::string& text) { parameters[std::string(name)] = text; });
  const nlohmann::ordered_json truth = {
      {"simulated_by", "cuHCI " + version()},
      {"commit", commit()},
      {"command", provenance.command},
      {"device", provenance.device},
      {"preset", to_text(simulation.params.preset)},
      {"seed", simulation.params.seed},
      {"star", {{"x", simulation.star_x}, {"y", simulation.star_y}, {"flux", simulation.star_flux}}},
      {"pixel_scale_arcsec", *simulation.data.pixel_scale},
      {"wavelength_over_diameter_px", simulation.fwhm_px},
      {"wavelengths_um", simulation.data.wavelengths},
      {"planets", planets},
      {"conventions",
       "pixel centres at integers from 0, y up; x, y are in the derotated frame (north up, east left); in frame i "
       "the planet is at theta - angles[i]; flux: photo-electrons per frame and channel, as the star's"},
      {"parameters", parameters}};
  return truth.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void check_simulation_folder(const std::filesystem::path& folder) {
  if (is_ours(folder / "truth.json")) return;
  std::error_code error;
  for (const char* name : {"cube.fits", "psf.fits", "angles.fits", "wavelengths.fits", "truth.json"})
    require(!std::filesystem::exists(folder / name, error), (folder / name).string(),
            " would be replaced, and no simulation wrote it (a simulation's folder has its truth.json): use another "
            "folder, or move the file away");
}

void write_simulation(const Simulation& simulation, const std::filesystem::path& path, const Provenance& provenance) {
  check_simulation_folder(path);
  OutputFolder folder(path);
  const Header header = header_of(simulation, provenance);
  write_cube(folder, simulation.data, header);
  write_psf(folder, simulation.data, header);
  folder.write_fits("angles.fits", simulation.data.angles, header);
  folder.write_fits("wavelengths.fits", simulation.data.wavelengths, header);
  folder.write_text("truth.json", truth_json(simulation, provenance));
  folder.commit();
}

}  // namespace hci
