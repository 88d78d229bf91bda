// SPDX-License-Identifier: MIT
// The program as a user goes through it: simulate, look, reduce, S/N map, devices.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>

#include "engine/dataset.hpp"
#include "engine/fits.hpp"
#include "kernels/core/copy.hpp"
#include "models/detect/snr.hpp"
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

/// The values of the first image of a FITS file.
std::vector<float> image(const std::string& path) {
  const FitsFile file(path);
  const HduInfo& info = file.select("");
  std::vector<float> values(static_cast<std::size_t>(info.size()));
  file.read(info.index, 0, info.size(), values.data());
  return values;
}

TEST_F(Cli, APlanetThatIsMissedIsExitCodeFour) {
  simulate();
  const std::string truth = path("data/truth.json");
  const std::vector<std::string> flags{"--ncomp", "2", "--device", "cpu", "--check"};
  const auto with = [&](const std::string& file, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = reduce_words("out", flags);
    words.push_back(file);
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  EXPECT_NE(run(with(truth)).find(": found, S/N"), std::string::npos);
  json check = read("out/summary.json")["check"];
  EXPECT_EQ(check["truth"], truth);
  EXPECT_EQ(check["passed"], true);
  ASSERT_EQ(check["planets"].size(), 1U);
  EXPECT_GE(check["planets"][0]["snr"], 5);
  EXPECT_TRUE(std::filesystem::exists(path("out/snr.fits")));  // without --snr
  EXPECT_EQ(read("out/summary.json")["provenance"]["inputs"].back()["role"], "truth");

  // A second one, opposite of the first, and a third where the map does not reach.
  json more = read("data/truth.json");
  json other = more["planets"][0];
  for (const char* axis : {"x", "y"}) other[axis] = 2 * more["star"][axis].get<double>() - other[axis].get<double>();
  more["planets"].push_back(other);
  other["x"] = 1;
  more["planets"].push_back(other);
  std::ofstream(path("more.json")) << more;
  std::filesystem::remove_all(path("out"));
  const ProgramResult missed = run_cuhci(with(path("more.json")));
  EXPECT_EQ(missed.exit_code, 4);
  for (const char* text : {": found, S/N", ": MISSED, S/N", "not looked for", "is a planet's", "Wrote "})
    EXPECT_NE(missed.out.find(text), std::string::npos) << text << " is not in: " << missed.out;
  EXPECT_NE(missed.err.find("more.json failed: 1 of 2 planets missed, and the highest S/N is a planet's"),
            std::string::npos)
      << missed.err;
  check = read("out/summary.json")["check"];
  EXPECT_EQ(check["passed"], false);
  EXPECT_EQ(check["peak_is_planet"], true);
  for (const auto& [i, found] : std::vector<std::pair<std::size_t, bool>>{{0, true}, {1, false}, {2, false}})
    EXPECT_EQ(check["planets"][i]["found"], found) << i;
  EXPECT_EQ(check["planets"][1]["in_map"], true);
  EXPECT_EQ(check["planets"][2]["in_map"], false);

  // Only the one that is not there: the highest S/N is nobody's. For programs: summary and error.
  more["planets"].erase(0);
  std::ofstream(path("more.json")) << more;
  const ProgramResult nobody = run_cuhci(with(path("more.json"), {"--json"}));
  EXPECT_EQ(nobody.exit_code, 4);
  EXPECT_EQ(json::parse(nobody.out)["check"]["peak_is_planet"], false);
  const std::string lines = nobody.err.substr(0, nobody.err.size() - 1);
  const json last = json::parse(lines.substr(lines.rfind('\n') + 1));
  EXPECT_EQ(last["event"], "error");
  EXPECT_EQ(last["exit_code"], 4);
}

// All settings of a summary, or of a header, are those of a file for --config that makes the same again.
TEST_F(Cli, WhatAProductSaysMakesItAgain) {
  simulate();
  const std::vector<std::vector<std::string>> runs{
      {"--snr", "--mask-center", "3"},
      {"--ncomp", "1.0", "--rotation", "bicubic", "--collapse", "trimmean", "--trim-keep", "6"},
      {"--mode", "annular", "--asize", "6", "--n-segments", "2", "--ncomp", "auto", "--scaling", "temp-mean"},
      {"--mode", "annulus", "--r-guess", "12", "--annulus-width", "6", "--save-residuals"},
      {"--source-xy", "45,30", "--delta-rot", "0.2", "--min-frames-pca", "2", "--ncomp", "1,2", "--snr"},
      {"--algorithm", "median", "--mode", "annular", "--radius-int", "4", "--nframes", "none", "--delta-rot", "0.1"},
  };
  for (const auto& flags : runs) {
    SCOPED_TRACE(flags[0] + " " + flags[1]);
    run(reduce_words("first", flags));
    std::ofstream from_summary(path("summary.toml")), from_header(path("header.toml"));
    const json recipe = read("first/summary.json")["provenance"]["recipe"];
    for (const auto& [name, value] : recipe.items())
      from_summary << name << " = '" << value.get<std::string>() << "'\n";
    const Header header = FitsFile(path("first/frame.fits")).header(0);
    for (const Card& card : header.cards()) {
      std::string name = card.name;
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      if (name.rfind("hierarch ", 0) == 0) name.erase(0, 9);
      if (name.rfind("hci ", 0) != 0) continue;
      name.erase(0, 4);
      if (name == "commit" || name == "device" || name == "command" || name.rfind("input", 0) == 0) continue;
      from_header << name << " = '" << std::get<std::string>(card.value) << "'\n";
    }
    from_summary.close();
    from_header.close();
    for (const char* file : {"summary.toml", "header.toml"}) {
      SCOPED_TRACE(file);
      run({"reduce", path("data/cube.fits"), "--angles", path("data/angles.fits"), "--config", path(file), "-o",
           path("again"), "--quiet"});
      EXPECT_EQ(image(path("again/frame.fits")), image(path("first/frame.fits")));
      EXPECT_EQ(read("again/summary.json")["provenance"]["recipe"], recipe);
    }
  }
}

// TOML's 1.0 is all of the variance; 1 would be one component.
TEST_F(Cli, AFloatOfAConfigurationStaysOne) {
  simulate();
  std::ofstream(path("run.toml")) << "ncomp = 1.0\nasize = 6.0\nn_segments = 2\nmode = 'annular'\ndelta_rot = 1e-1\n";
  run(reduce_words("out", {"--config", path("run.toml")}));
  const json recipe = read("out/summary.json")["provenance"]["recipe"];
  EXPECT_EQ(recipe["ncomp"], "1.0");
  EXPECT_EQ(recipe["asize"], "6");
  EXPECT_EQ(recipe["n_segments"], "2");
  run(reduce_words("flags",
                   {"--ncomp", "1.0", "--asize", "6", "--n-segments", "2", "--mode", "annular", "--delta-rot", "0.1"}));
  EXPECT_EQ(image(path("out/frame.fits")), image(path("flags/frame.fits")));
}

// The command of a product, given to a shell, makes the product.
TEST_F(Cli, ACommandIsWhatAShellTakes) {
  simulate();
  const std::string odd = "it's my $cube;\t#1 *.fits";
  std::filesystem::rename(path("data/cube.fits"), path(odd));
  run({"reduce", path(odd) + "[0]", "--angles=" + path("data/angles.fits"), "-o", path("q q"), "--ncomp", "2",
       "--quiet"});
  const std::string command = read("q q/summary.json")["provenance"]["command"];
  EXPECT_EQ(FitsFile(path("q q/frame.fits")).header(0).text("HCI COMMAND").has_value(), true);
  ASSERT_EQ(command.rfind("cuhci reduce ", 0), 0U) << command;
  EXPECT_NE(command.find(" --ncomp 2 --quiet"), std::string::npos) << command;  // what needs no quotes has none
  const std::vector<float> first = image(path("q q/frame.fits"));
  std::filesystem::remove_all(path("q q"));
  const std::string again = "'" + cuhci_program() + "'" + command.substr(5) + " > '" + path("log") + "' 2>&1";
  ASSERT_EQ(std::system(again.c_str()), 0) << again;
  EXPECT_EQ(image(path("q q/frame.fits")), first);
}

TEST_F(Cli, WordsOfVipAreTaken) {
  simulate();
  const auto frame = [&](const std::string& rotation, const std::string& svd_mode) {
    run(reduce_words("out", {"--ncomp", "2", "--rotation", rotation, "--svd-mode", svd_mode, "--collapse", "Median"}));
    EXPECT_EQ(read("out/summary.json")["provenance"]["recipe"]["collapse"], "median");
    return image(path("out/frame.fits"));
  };
  EXPECT_EQ(frame("vip-fft", "LAPACK"), frame("fft", "eigen"));
  EXPECT_EQ(frame("OpenCV", "eigen"), frame("lanczos4", "eigen"));
}

TEST_F(Cli, WordsAreTakenInAnyCase) {
  simulate();
  const auto recipe = [&](const std::vector<std::string>& words) {
    run(reduce_words("out", words));
    return read("out/summary.json")["provenance"]["recipe"];
  };
  for (const auto& [one, other] : std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>>{
           {{"--algorithm", "pca", "--ncomp", "auto", "--tol", "0.2", "--device", "cpu"},
            {"--algorithm", "PCA", "--ncomp", "AUTO", "--tol", "0.2", "--device", "CPU"}},
           {{"--mode", "annular", "--n-segments", "auto", "--scaling", "none", "--archive", "vip"},
            {"--mode", "Annular", "--n-segments", "Auto", "--scaling", "None", "--archive", "VIP"}},
           {{"--algorithm", "median", "--mode", "annular", "--nframes", "none", "--device", "auto"},
            {"--algorithm", "Median", "--mode", "ANNULAR", "--nframes", "None", "--device", "Auto"}}}) {
    const json first = recipe(one);
    const std::vector<float> frame = image(path("out/frame.fits"));
    const json again = recipe(other);
    EXPECT_EQ(image(path("out/frame.fits")), frame) << one[1];
    for (const char* name : {"algorithm", "mode", "n_segments"})
      EXPECT_EQ(first.value(name, ""), again.value(name, ""));
  }
}

TEST_F(Cli, ASimulationTellsHowItWasMade) {
  simulate();
  const json truth = read("data/truth.json");
  const std::string command = truth["command"];
  EXPECT_EQ(command.rfind("cuhci simulate --preset naco --size 64", 0), 0U) << command;
  EXPECT_TRUE(truth.contains("commit"));
  for (const char* file : {"cube.fits", "psf.fits", "angles.fits", "wavelengths.fits"}) {
    const Header header = FitsFile(path(std::string("data/") + file)).header(0);
    EXPECT_EQ(header.text("HCI COMMAND"), command) << file;
    EXPECT_EQ(header.text("HCI COMMIT").value_or(""), truth["commit"].get<std::string>()) << file;
    EXPECT_EQ(header.text("HCI DEVICE"), truth["device"].get<std::string>()) << file;
    EXPECT_EQ(header.text("HCI FRAMES"), "12") << file;
    EXPECT_EQ(header.text("HCI PLANETS"), "0.4:120:0.005") << file;
    EXPECT_EQ(header.text("HCI SEEING"), truth["parameters"]["seeing"].get<std::string>()) << file;  // of the preset
  }
  std::ofstream settings(path("again.toml"));
  for (const auto& [name, value] : truth["parameters"].items())
    settings << name << " = '" << value.get<std::string>() << "'\n";
  settings.close();
  run({"simulate", "--config", path("again.toml"), "-o", path("again"), "--quiet", "--device", "cpu"});
  EXPECT_EQ(image(path("again/cube.fits")), image(path("data/cube.fits")));

  const json info = json::parse(run({"info", path("data/truth.json"), "--json"}));
  EXPECT_EQ(info[0]["format"], "JSON, truth of a simulation");
  run(reduce_words("out", {"--threads", "1", "--device", "cpu"}));
  const std::string device = read("out/summary.json")["device"];
  EXPECT_EQ(device.substr(device.size() - 10), ", 1 thread") << device;
}

// Nothing but the cube is named beside the settings: angles, PSF and the frames of other stars are among them.
TEST_F(Cli, WhatAProductWithReferencesSaysMakesItAgain) {
  simulate();
  run({"simulate", "--preset", "naco", "--size", "64", "--frames", "9", "--short-exposures", "4", "--seed", "5", "-o",
       path("other"), "--quiet", "--device", "cpu"});
  for (const std::vector<std::string>& flags : std::vector<std::vector<std::string>>{
           {"--ncomp", "3", "--snr"},
           {"--ncomp", "3", "--mode", "annular", "--asize", "8", "--ref-strategy", "ardi"},
           {"--algorithm", "median", "--collapse-ref", "sc_mean"}}) {
    SCOPED_TRACE(flags[1]);
    std::vector<std::string> words = reduce_words("first", flags);
    words.insert(words.end(), {"--cube-ref", path("other/cube.fits"), "--device", "cpu"});
    run(words);
    std::ofstream settings(path("again.toml"));
    const json recipe = read("first/summary.json")["provenance"]["recipe"];
    EXPECT_EQ(recipe.value("cube_ref", ""), path("other/cube.fits"));
    for (const auto& [name, value] : recipe.items()) settings << name << " = '" << value.get<std::string>() << "'\n";
    settings.close();
    run({"reduce", path("data/cube.fits"), "--config", path("again.toml"), "-o", path("again"), "--quiet", "--device",
         "cpu"});
    EXPECT_EQ(image(path("again/frame.fits")), image(path("first/frame.fits")));
    EXPECT_EQ(read("again/summary.json")["provenance"]["recipe"], recipe);
  }
}

TEST_F(Cli, TheArchiveThatWasTakenIsRecorded) {
  simulate();
  std::filesystem::rename(path("data/cube.fits"), path("data/image_cube_a.fits"));
  std::filesystem::rename(path("data/angles.fits"), path("data/parallactic_angles_a.fits"));
  const ProgramResult result =
      run_cuhci({"reduce", path("data/image_cube_a.fits"), "-o", path("out"), "--ncomp", "2", "--device", "cpu"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("archive: eidc"), std::string::npos) << result.err;
  EXPECT_EQ(read("out/summary.json")["provenance"]["recipe"]["archive"], "eidc");
}

// Names of stages are keys for programs, dates are UTC and say so.
TEST_F(Cli, TheSummaryIsForPrograms) {
  simulate();
  run(reduce_words("out", {"--snr", "--ncomp", "1,2"}));
  const json summary = read("out/summary.json");
  for (const auto& [stage, seconds] : summary.at("seconds").items()) {
    EXPECT_EQ(stage.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << stage;
    EXPECT_GE(seconds.get<double>(), 0);
  }
  for (const char* stage : {"load", "subtract", "derotate_collapse", "snr_map", "write"})
    EXPECT_TRUE(summary["seconds"].contains(stage)) << stage;
  const std::string date = summary["provenance"]["date"];
  EXPECT_EQ(date.size(), std::string("2026-11-23T14:05:09Z").size());
  EXPECT_EQ(date.back(), 'Z');
}

TEST_F(Cli, TheFilesBesideACubeAreTakenAndSaid) {
  simulate();
  for (const auto& [from, to] : {std::pair("cube", "naco_cube_1"), {"angles", "naco_pa_1"}, {"psf", "naco_psf_1"}})
    std::filesystem::rename(path(std::string("data/") + from + ".fits"), path(std::string("data/") + to + ".fits"));
  const ProgramResult result =
      run_cuhci({"reduce", path("data/naco_cube_1.fits"), "-o", path("out"), "--ncomp", "2", "--snr"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* taken : {"naco_pa_1.fits taken", "naco_psf_1.fits taken"})
    EXPECT_NE(result.err.find(taken), std::string::npos) << result.err;
  EXPECT_GT(read("out/summary.json")["peak"]["snr"], 3);
}

double largest(const std::vector<float>& values) {
  double most = 0;
  for (const float value : values) most = std::max(most, std::abs(double{value}));
  return most;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(double{a[i]} - double{b[i]}));
  return most;
}

/// S/N maps (n x n px, in apertures of n >= 5) of frames that differ by d at most, where the second is `frame`'s.
/// The S/N is (f - m) / (s sqrt(1 + 1/n)): f and m, sums over an area A, differ by A d each, and s by
/// A d sqrt(n / (n - 1)) < 1.12 A d; sums and quotient are rounded to float32, 1e-6 of the value and of 1. Pixels whose
/// noise is not known to twice that are left out. Gives how many were compared.
int compare_maps(const std::vector<float>& there, const std::vector<float>& here, const std::string& frame, double fwhm,
                 double d) {
  Exec cpu;
  const Array<float, 2> image = to_device(cpu, load_frame(frame).view());
  const double error = std::numbers::pi * fwhm * fwhm / 4 * d;
  int compared = 0;
  for (index_t y = 0; y < image.extent(0); y += 2)
    for (index_t x = 0; x < image.extent(1); x += 2) {
      const auto i = static_cast<std::size_t>(y * image.extent(1) + x);
      EXPECT_EQ(there[i] == 0, here[i] == 0) << y << ", " << x;
      if (here[i] == 0) continue;
      const SnrAt at = snr_at(cpu, image.view(), {static_cast<double>(y), static_cast<double>(x)}, {.fwhm = fwhm});
      EXPECT_GE(at.noise.size(), 5U);
      if (at.deviation < 2 * error) continue;
      const double bound = (2 + 1.12 * std::abs(here[i])) * error / (at.deviation - 1.12 * error);
      EXPECT_NEAR(there[i], here[i], bound + 1e-6 * (1 + std::abs(here[i]))) << y << ", " << x;
      ++compared;
    }
  return compared;
}

TEST_F(Cli, DevicesAreListedAndTheGpuDoesTheMainJob) {
  const json devices = json::parse(run({"devices", "--json"}));
  ASSERT_FALSE(devices.empty());
  EXPECT_EQ(devices[0]["device"], "cpu");
  if (devices.size() < 2) GTEST_SKIP() << "no GPU here";
  simulate();
  for (const std::string device : {"cpu", "cuda:0"}) {
    run(reduce_words(device, {"--ncomp", "2", "--snr", "--device", device}));
    // Of the same frame, so that nothing but the map is compared.
    run({"snr", path("cpu/frame.fits"), "--fwhm", read("cpu/summary.json")["provenance"]["recipe"]["fwhm"], "-o",
         path("snr of " + device), "--quiet", "--device", device});
    for (const std::string& out : {device, "snr of " + device}) {
      const std::string ran_on = read(out + "/summary.json")["device"];
      EXPECT_EQ(ran_on.rfind(device, 0), 0U) << ran_on;
    }
  }
  const json there = read("cuda:0/summary.json"), here = read("cpu/summary.json");
  EXPECT_EQ(there["peak"]["pixel_x"], here["peak"]["pixel_x"]);
  EXPECT_EQ(there["peak"]["pixel_y"], here["peak"]["pixel_y"]);
  const double fwhm = here["fwhm"];
  EXPECT_NEAR(there["fwhm"].get<double>(), fwhm, 1e-9 * fwhm);  // fitted on the host
  // As of MainJob.AgreesWithThePortableCpu: float32 sums of k = 2 products and of 64 taps of values up to the data's
  // largest, if all errors had one sign.
  const double bound = largest(image(path("data/cube.fits"))) * std::pow(2, -24) * (2 + 64);
  const std::vector<float> frame = image(path("cpu/frame.fits"));
  const double d = largest_difference(image(path("cuda:0/frame.fits")), frame);
  EXPECT_LT(d, bound);
  EXPECT_GT(largest(frame), 100 * bound);  // which says something, then
  const auto map_of = [&](const std::string& out) { return image(path(out + "/snr.fits")); };
  EXPECT_GT(compare_maps(map_of("cuda:0"), map_of("cpu"), path("cpu/frame.fits"), fwhm, d), 100);
  EXPECT_GT(compare_maps(map_of("snr of cuda:0"), map_of("snr of cpu"), path("cpu/frame.fits"), fwhm, 0), 100);
}

// Without noise, whose draws need not be the same where the expected counts differ in their last bit. The field is
// summed over n < 256 samples along both axes in float32 (kernels/optics/matrix_fourier.hpp): it errs by 2 n 2^-24 of
// the star's amplitude, off the mask, at the worst, that is d, and its square by 2 |E| d + d^2.
TEST_F(Cli, TheGpuSimulatesTheSame) {
  if (json::parse(run({"devices", "--json"})).size() < 2) GTEST_SKIP() << "no GPU here";
  for (const std::string device : {"cpu", "cuda:0"}) {
    run({"simulate", "--preset", "naco", "--size", "32", "--frames", "5", "--short-exposures", "4", "--noise", "false",
         "--planets", "0.3:120:5e-3", "-o", path(device), "--quiet", "--device", device});
    const std::string ran_on = read(device + "/truth.json")["device"];
    EXPECT_EQ(ran_on.rfind(device, 0), 0U) << ran_on;
  }
  const std::vector<float> here = image(path("cpu/cube.fits")), there = image(path("cuda:0/cube.fits"));
  ASSERT_EQ(there.size(), here.size());
  const double d = 2 * 256 * std::pow(2, -24) * std::sqrt(largest(image(path("cpu/psf.fits"))));
  for (std::size_t i = 0; i < here.size(); ++i)
    ASSERT_NEAR(there[i], here[i], 2 * std::sqrt(std::abs(here[i])) * d + d * d) << i;
  EXPECT_GT(largest(here), 1e4 * d * d);
  EXPECT_EQ(image(path("cuda:0/angles.fits")), image(path("cpu/angles.fits")));
  EXPECT_EQ(read("cuda:0/truth.json")["planets"], read("cpu/truth.json")["planets"]);
}

/// In the environment of the programs that a test runs.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { unsetenv(name_); }

 private:
  const char* name_;
};

TEST_F(Cli, AGpuThatCannotBeUsedDisturbsNobody) {
  simulate();
  const auto lost = [](const char* device) { return Variable("CUDA_EMULATION_LOSE_DEVICE", device); };
  const json all = json::parse(run({"devices", "--json"}));
  if (all.size() < 3 || all[1]["description"].get<std::string>().find("emulated") == std::string::npos)
    GTEST_SKIP() << "no GPU here that can be lost";
  for (const std::string which : {"0", "1"}) {
    const Variable without = lost(which.c_str());
    const std::string other = which == "0" ? "cuda:1" : "cuda:0";
    const json devices = json::parse(run({"devices", "--json"}));
    ASSERT_EQ(devices.size(), 2u);
    EXPECT_EQ(devices[1]["device"], other);
    for (const std::string device : {"cpu", other.c_str(), "auto"}) {
      const std::string out = device + " without " + which;
      run(reduce_words(out, {"--ncomp", "2", "--device", device}));
      const std::string ran_on = read(out + "/summary.json")["device"];
      EXPECT_EQ(ran_on.rfind(device == "auto" ? other : device, 0), 0u) << ran_on;
    }
  }
}

TEST_F(Cli, HelpTellsTheExitCodes) {
  EXPECT_NE(run({"--help"}).find("Exit codes: 0"), std::string::npos);
  EXPECT_NE(run({"--help"}).find("4 a check failed"), std::string::npos);
  const std::string help = run({"snr", "--help"});  // what must be given has no default
  EXPECT_NE(help.find("px; required"), std::string::npos) << help;
  EXPECT_EQ(help.find("required ["), std::string::npos) << help;
  const std::string reduce = run({"reduce", "--help"});
  EXPECT_NE(reduce.find("cuhci reduce"), std::string::npos);
  EXPECT_NE(reduce.find("[none]"), std::string::npos) << reduce;  // of --scaling
  EXPECT_EQ(run({"simulate", "--help"}).find("'none'"), std::string::npos);
  EXPECT_EQ(run({"--version"}).rfind("cuhci ", 0), 0U);
}

}  // namespace
}  // namespace hci::test
