// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/simulate/simulation.hpp"

namespace hci::test {
namespace {

namespace fs = std::filesystem;

/// A folder that goes with the test.
struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / ("cuhci_simulate_" + std::to_string(getpid()));
  ~TemporaryFolder() { fs::remove_all(path); }
};

void expect_written_as_simulated(SimulationPreset preset, int wavelengths) {
  Exec exec;
  SimulationParams p;
  p.preset = preset;
  p.frames = 3;
  p.size = 24;
  p.wavelengths = wavelengths;
  p.short_exposures = 4;
  p.planets = {.of_preset = false, .planets = {{0.08, 75.0, 1e-3}}};
  const Simulation s = simulate(exec, p);
  const TemporaryFolder folder;
  write_simulation(s, folder.path);
  DatasetOptions options;
  options.cube = folder.path / "cube.fits";
  options.angles = folder.path / "angles.fits";
  options.psf = folder.path / "psf.fits";
  options.wavelengths = folder.path / "wavelengths.fits";
  const Dataset read = load_dataset(options);
  ASSERT_EQ(read.cube.extents(), s.data.cube.extents());
  for (index_t i = 0; i < read.cube.size(); ++i) ASSERT_EQ(read.cube.data()[i], s.data.cube.data()[i]);
  ASSERT_EQ(read.psf.extents(), s.data.psf.extents());
  for (index_t i = 0; i < read.psf.size(); ++i) ASSERT_EQ(read.psf.data()[i], s.data.psf.data()[i]);
  EXPECT_EQ(read.angles, s.data.angles);
  EXPECT_EQ(read.wavelengths, s.data.wavelengths);

  std::ifstream file(folder.path / "truth.json");
  const auto truth = nlohmann::json::parse(file);
  EXPECT_EQ(truth["planets"][0]["x"], s.planets[0].x);
  EXPECT_EQ(truth["planets"][0]["y"], s.planets[0].y);
  EXPECT_EQ(truth["planets"][0]["contrast"], 1e-3);
  EXPECT_EQ(truth["star"]["flux"], s.star_flux);
  EXPECT_EQ(truth["seed"], 1);
}

TEST(WriteSimulation, ReadsBackAsTheSameDataset) {
  expect_written_as_simulated(SimulationPreset::naco, 1);
  expect_written_as_simulated(SimulationPreset::gpi, 2);
}

}  // namespace
}  // namespace hci::test
