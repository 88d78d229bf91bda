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

/// VIP's order on disk: (t, y, x) for one channel, else (λ, t, y, x).
void write_cube(OutputFolder& folder, SpectralCube<const float> cube, const Header& header) {
  const index_t nt = cube.extent(0), channels = cube.extent(1), ny = cube.extent(2), nx = cube.extent(3);
  if (channels == 1) {
    folder.write_fits("cube.fits", Cube<const float>(cube.data(), {nt, ny, nx}), header);
    return;
  }
  auto swapped = host_array<float, 4>({channels, nt, ny, nx});
  for (index_t c = 0; c < channels; ++c)
    for (index_t t = 0; t < nt; ++t) {
      const Frame<const float> frame = cube[t][c];
      std::copy(frame.data(), frame.data() + frame.size(), swapped.view()[c][t].data());
    }
  folder.write_fits("cube.fits", swapped.view(), header);
}

void write_psf(OutputFolder& folder, Cube<const float> psf, const Header& header) {
  if (psf.extent(0) == 1)
    folder.write_fits("psf.fits", psf[0], header);
  else
    folder.write_fits("psf.fits", psf, header);
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
  OutputFolder folder(output);
  Progress progress(progress_style(options));
  progress.stage("simulate");
  const Simulation simulation = simulate(exec, params);

  progress.stage("write");
  Provenance provenance{.command = flags.command_line(), .recipe = {}, .device = description(exec), .inputs = {}};
  provenance.add(simulation.params);
  Header header = provenance_header(provenance);
  header.set("PIXSCALE", simulation.data.pixel_scale.value(), "arcsec per pixel");
  write_cube(folder, simulation.data.cube.view(), header);
  write_psf(folder, simulation.data.psf.view(), header);
  folder.write_fits("angles.fits", simulation.data.angles, header);
  if (simulation.data.channels() > 1) folder.write_fits("wavelengths.fits", simulation.data.wavelengths, header);
  const std::string truth = truth_json(simulation);
  folder.write_text("truth.json", truth);
  folder.commit();
  progress.finish();
  if (options.json) {
    std::printf("%s\n", truth.c_str());
    return kDone;
  }
  std::printf("%lld frames, %lld channel(s), %lld x %lld px, %s arcsec/px\n",
              static_cast<long long>(simulation.data.frames()), static_cast<long long>(simulation.data.channels()),
              static_cast<long long>(simulation.data.cube.extent(3)),
              static_cast<long long>(simulation.data.cube.extent(2)), to_text(simulation.data.pixel_scale).c_str());
  for (const PlanetTruth& planet : simulation.planets)
    std::printf("planet at x = %.2f, y = %.2f px of the derotated frame, %.1f px from the star, contrast %.2e\n",
                planet.x, planet.y, planet.separation_px, planet.planet.contrast);
  std::printf("Wrote cube.fits, angles.fits, psf.fits%s, truth.json to %s\n",
              simulation.data.channels() > 1 ? ", wavelengths.fits" : "", folder.path().c_str());
  return kDone;
}

}  // namespace

Subcommand simulate_command() {
  return {"simulate", "Simulate a sequence with planets: star, turbulence, adaptive optics, coronagraph, noise",
          declare, run};
}

}  // namespace hci::app
