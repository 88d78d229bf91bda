// SPDX-License-Identifier: MIT
#include "models/simulate/simulation.hpp"

#include <cstdio>

#include "apps/cuhci/run_options.hpp"
#include "engine/products.hpp"

namespace hci::app {
namespace {

void declare(Flags& flags) {
  flags.fields(SimulationParams{});
  flags.option("output", "folder for the files; required", "", false, "-o");
  flags.group("Run");
  flags.fields(RunOptions{});
}

int run(Flags& flags) {
  Settings& given = flags.settings();
  RunOptions options;
  given.apply(options);
  SimulationParams params;
  given.apply(params);
  std::string output;
  require(given.take("output", output), "-o is missing: the folder for the files");
  given.require_all_used("no setting of 'cuhci simulate'");

  const Log log = make_log(options);
  Exec exec = make_exec(options, log);
  check_simulation_folder(output);
  { const OutputFolder writable(output); }  // throws before the work, not after it
  Progress progress(progress_style(options));
  const Simulation simulation = simulate(exec, params, progress);
  progress.stage("write");
  write_simulation(simulation, output);
  progress.finish();
  if (options.json) {
    std::printf("%s\n", truth_json(simulation).c_str());
    return kDone;
  }
  std::printf("%lld frames, %lld channel(s), %lld x %lld px, %s arcsec/px\n",
              static_cast<long long>(simulation.data.frames()), static_cast<long long>(simulation.data.channels()),
              static_cast<long long>(simulation.data.cube.extent(3)),
              static_cast<long long>(simulation.data.cube.extent(2)), to_text(simulation.data.pixel_scale).c_str());
  for (const PlanetTruth& planet : simulation.planets)
    std::printf("planet at x = %.2f, y = %.2f px of the derotated frame, %.1f px from the star, contrast %.2e\n",
                planet.x, planet.y, planet.separation_px, planet.planet.contrast);
  std::printf("Wrote cube.fits, angles.fits, psf.fits, wavelengths.fits, truth.json to %s\n", output.c_str());
  return kDone;
}

}  // namespace

Subcommand simulate_command() {
  return {"simulate", "Simulate a sequence with planets: star, turbulence, adaptive optics, coronagraph, noise",
          declare, run};
}

}  // namespace hci::app
