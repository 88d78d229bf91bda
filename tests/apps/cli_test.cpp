// SPDX-License-Identifier: MIT
// The program as a user goes through it: simulate, look, reduce, S/N map, devices.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/apps/run_cuhci.hpp"

namespace hci::test {
namespace {

using nlohmann::json;

class Cli : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path(name); }
  json read(const std::string& name) const {
    std::ifstream file(path(name));
    return json::parse(file);
  }
  /// Runs it, expects exit code 0, gives its stdout.
  static std::string run(const std::vector<std::string>& words) {
    const ProgramResult result = run_cuhci(words);
    EXPECT_EQ(result.exit_code, 0) << words.front() << ": " << result.err;
    return result.out;
  }
  /// A bright planet 0.4 arcsec from the star, 64 px, 12 frames.
  void simulate() {
    run({"simulate", "--preset", "naco", "--size", "64", "--frames", "12", "--short-exposures", "4", "--planets",
         "0.4:120:5e-3", "-o", path("data"), "--quiet", "--device", "cpu"});
  }
  /// "reduce" of the simulation into folder `out`.
  std::vector<std::string> reduce_words(const std::string& out, const std::vector<std::string>& more) const {
    std::vector<std::string> words{"reduce", path("data/cube.fits"), "--angles", path("data/angles.fits"),
                                   "--psf",  path("data/psf.fits"),  "-o",       path(out),
                                   "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  TemporaryFolder folder_;
};

TEST_F(Cli, FromASimulationToThePlanet) {
  simulate();
  const json info = json::parse(run({"info", path("data/cube.fits"), "--json"}));
  EXPECT_EQ(info[0]["items"][0]["shape"], json({12, 64, 64}));

  std::ofstream(path("run.toml")) << "ncomp = 9\nmode = \"full\"\nsnr = true\n";
  const std::string text =
      run(reduce_words("out", {"--config", path("run.toml"), "--ncomp", "2", "--device", "cpu", "--threads", "2"}));
  EXPECT_NE(text.find("Highest S/N"), std::string::npos) << text;
  const json summary = read("out/summary.json");
  const json& recipe = summary["provenance"]["recipe"];
  EXPECT_EQ(recipe["ncomp"], "2");  // the flag, not the file
  EXPECT_EQ(recipe["snr"], "true");
  const json planet = read("data/truth.json")["planets"][0];
  const auto away = [&](const json& peak) {
    return std::hypot(peak["x"].get<double>() - planet["x"].get<double>(),
                      peak["y"].get<double>() - planet["y"].get<double>());
  };
  const double fwhm = summary["fwhm"];
  EXPECT_LT(away(summary["peak"]), fwhm / 2);  // half of the aperture that was measured in
  EXPECT_GT(summary["peak"]["snr"], 5);

  // What the summary says makes the same product again, without the PSF that the FWHM was measured on.
  std::vector<std::string> again{"reduce", path("data/cube.fits"), "--angles", path("data/angles.fits"),
                                 "-o",     path("again"),          "--quiet",  "--device",
                                 "cpu"};
  for (const char* name : {"algorithm", "ncomp", "fwhm"})
    again.insert(again.end(), {std::string("--") + name, recipe[name].get<std::string>()});
  again.push_back("--snr");
  run(again);
  EXPECT_EQ(read("again/summary.json")["peak"]["snr"], summary["peak"]["snr"]);

  const std::string fwhm_text = recipe["fwhm"];
  const json snr = json::parse(
      run({"snr", path("out/frame.fits"), "--fwhm", fwhm_text, "-o", path("out_snr"), "--json", "--device", "cpu"}));
  EXPECT_EQ(snr["peak"]["pixel_x"], summary["peak"]["pixel_x"]);
  EXPECT_EQ(snr["peak"]["snr"], summary["peak"]["snr"]);
}

TEST_F(Cli, DevicesAreListedAndTheGpuReduces) {
  const json devices = json::parse(run({"devices", "--json"}));
  ASSERT_FALSE(devices.empty());
  EXPECT_EQ(devices[0]["device"], "cpu");
  if (devices.size() < 2) GTEST_SKIP() << "no GPU here";
  simulate();
  run(reduce_words("out", {"--ncomp", "2", "--snr", "--device", "cuda:0"}));
  run(reduce_words("on_cpu", {"--ncomp", "2", "--snr", "--device", "cpu"}));
  const json there = read("out/summary.json")["peak"], here = read("on_cpu/summary.json")["peak"];
  EXPECT_EQ(there["pixel_x"], here["pixel_x"]);
  EXPECT_EQ(there["pixel_y"], here["pixel_y"]);
}

TEST_F(Cli, HelpTellsTheExitCodes) {
  EXPECT_NE(run({"--help"}).find("Exit codes: 0"), std::string::npos);
  EXPECT_NE(run({"reduce", "--help"}).find("cuhci reduce"), std::string::npos);
  EXPECT_EQ(run({"--version"}).rfind("cuhci ", 0), 0U);
}

}  // namespace
}  // namespace hci::test
