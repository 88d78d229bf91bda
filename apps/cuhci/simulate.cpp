// SPDX-License-Identifier: MIT
#include "models/simulate/simulation.hpp"

#include <cstdio>

#include "apps/cuhci/session.hpp"

namespace hci::app {
namespace {

void declare(Flags& flags) {
  flags.fields(SimulationParams{});
  declare_session(flags, "folder for the files");
}

/// What was simulated, for people.
void tell(const Simulation& simulation) {
  std::printf("%lld frames, %lld channel(s), %lld x %lld px, %s arcsec/px\n",
              static_cast<long long>(simulation.data.frames()), static_cast<long long>(simulation.data.channels()),
              static_cast<long long>(simulation.data.cube.extent(3)),
              static_cast<long long>(simulation.data.cube.extent(2)), to_text(simulation.data.pixel_scale).c_str());
  for (const PlanetTruth& planet : simulation.planets)
    std::printf("planet at x = %.2f, y = %.2f px of the derotated frame, %.1f px from the star, contrast %.2e\n",
                planet.x, planet.y, planet.separation_px, planet.planet.contrast);
}

int run(Flags& flags) {
  SimulationParams params;
  flags.settings().apply(params);
  Session session(flags, "'cuhci simulate'", {}, {});  // makes the folder: errors come before the work
  const std::string folder = session.folder.path();
  check_simulation_folder(folder);
  const Simulation simulation = simulate(session.exec, params, session.progress);
  session.progress.stage("write");
  const Provenance provenance{.command = flags.command_line(), .device = description(session.exec)};
  write_simulation(simulation, folder, provenance);
  return session.finish(truth_json(simulation, provenance), [&] { tell(simulation); });
}

}  // namespace

Subcommand simulate_command() {
  return {"simulate", "Simulate a sequence with planets: star, turbulence, adaptive optics, coronagraph, noise",
          declare, run};
}

}  // namespace hci::app
