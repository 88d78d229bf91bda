// SPDX-License-Identifier: MIT
// What lies in the output folder already, and what stays in it.
#include <fstream>
#include <functional>
#include <sstream>

#include "tests/apps/with_a_dataset.hpp"

namespace hci::test {
namespace {

class OutputFolders : public WithADataset {
 protected:
  static std::string contents_of(const std::string& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
  std::string contents(const std::string& name) const { return contents_of(path(name)); }
};

TEST_F(OutputFolders, OwnDataIsNotReplaced) {
  const std::string cube = contents("cube.fits");
  const auto refused = [&](const std::vector<std::string>& words, const std::vector<std::string>& named) {
    const ProgramResult result = run_cuhci(words);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    for (const std::string& word : named) EXPECT_NE(result.err.find(word), std::string::npos) << result.err;
  };
  // Each name by itself in a folder; a truth.json of somebody else does not make it a simulation's.
  const std::string other = path("other");
  const std::vector<std::string> simulate{"simulate", "--size", "32",  "--frames", "3",        "--short-exposures",
                                          "4",        "-o",     other, "--quiet",  "--device", "cpu"};
  for (const std::string name : {"cube.fits", "psf.fits", "angles.fits", "wavelengths.fits", "truth.json"})
    for (const char* truth : {"", "{\"simulated_by\": \"somebody\"}"}) {
      std::filesystem::remove_all(other);
      std::filesystem::create_directory(other);
      if (*truth != 0) std::ofstream(other + "/truth.json") << truth;
      if (name != "truth.json" || *truth == 0) std::ofstream(other + "/" + name) << "the user's";
      const std::string before = contents("other/" + name);
      refused(simulate, {"other/" + (*truth == 0 ? name : std::string("")), "truth.json", "another folder"});
      EXPECT_EQ(contents("other/" + name), before) << name;
    }
  std::filesystem::remove_all(other);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(run_cuhci(simulate).exit_code, 0);  // its own files are
  std::filesystem::rename(path("cube.fits"), path("frame.fits"));
  for (const char* name : {"frame.fits", "frame.fits[0]"})
    refused({"reduce", path(name), "--angles", path("angles.fits"), "-o", folder_.folder().string(), "--quiet"},
            {"frame.fits", "replace"});
  EXPECT_EQ(contents("frame.fits"), cube);
  write_flat(path("snr.fits"), 1);
  const std::string map = contents("snr.fits");
  refused({"snr", path("snr.fits"), "--fwhm", "4", "-o", folder_.folder().string(), "--quiet"},
          {"snr.fits", "replace"});
  EXPECT_EQ(contents("snr.fits"), map);
}

// Whatever the run would write or remove, before any work: the cube is not even looked for.
TEST_F(OutputFolders, NobodyElsesFileIsReplacedOrRemoved) {
  const std::string out = path("theirs");
  std::filesystem::create_directory(out);
  const auto refused = [&](const std::vector<std::string>& words, const std::string& file) {
    const std::string before = contents_of(file);
    const ProgramResult result = run_cuhci(words);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    for (const std::string& word : {file, std::string("not made by cuHCI"), std::string("-o")})
      EXPECT_NE(result.err.find(word), std::string::npos) << result.err;
    EXPECT_EQ(contents_of(file), before);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(out), {}), 1);
  };
  const std::vector<std::string> reduce{"reduce", path("no_cube.fits"), "--angles", path("angles.fits"), "-o", out,
                                        "--quiet"};
  const std::vector<std::string> snr{"snr", path("no_frame.fits"), "--fwhm", "4", "-o", out, "--quiet"};
  for (const std::string name : {"frame.fits", "frames.fits", "channels.fits", "residuals.fits", "snr.fits",
                                 "frame.png", "snr.png", "summary.json"}) {
    SCOPED_TRACE(name);
    const std::string file = out + "/" + name;
    std::vector<std::function<void()>> makers{[&] { write_text("theirs/" + name, "{\"provenance\": {}}"); },
                                              [&] { write_flat(file, 1); },
                                              [&] { std::filesystem::create_symlink(path("nowhere"), file); },
                                              [&] { std::filesystem::create_directory(file); }};
    for (const auto& make : makers) {
      make();
      refused(reduce, file);
      if (name == "snr.fits" || name == "snr.png" || name == "summary.json") refused(snr, file);
      std::filesystem::remove(file);
    }
  }
  // A simulated cube is data, too.
  ASSERT_EQ(run_cuhci({"simulate", "--size", "32", "--frames", "3", "-o", path("data"), "--quiet"}).exit_code, 0);
  std::filesystem::rename(path("data/cube.fits"), out + "/residuals.fits");
  refused(reduce, out + "/residuals.fits");
}

TEST_F(OutputFolders, ProductsOfAnEarlierRunDoNotStay) {
  ASSERT_EQ(reduce("cube.fits", "angles.fits", {"--snr", "--fwhm", "4"}).exit_code, 0);
  std::ofstream(path("out") + "/notes.txt") << "the user's";
  ASSERT_EQ(reduce("cube.fits", "angles.fits").exit_code, 0);
  for (const char* name : {"snr.fits", "snr.png"})
    EXPECT_FALSE(std::filesystem::exists(path("out") + "/" + name)) << name;
  for (const char* name : {"frame.fits", "frame.png", "summary.json", "notes.txt"})
    EXPECT_TRUE(std::filesystem::exists(path("out") + "/" + name)) << name;
}

TEST_F(OutputFolders, WithoutAPlaceForProducts) {
  const auto without_output = run_cuhci({"reduce", path("cube.fits"), "--angles", path("angles.fits"), "--quiet"});
  expect_refused(without_output, {"-o"});
  const auto without_angles = run_cuhci({"reduce", path("cube.fits"), "-o", path("out"), "--quiet"});
  expect_refused(without_angles, {"--angles"});
  write_text("file", "in the way");
  const auto on_a_file =
      run_cuhci({"reduce", path("cube.fits"), "--angles", path("angles.fits"), "-o", path("file"), "--quiet"});
  expect_refused(on_a_file, {path("file")});
  const auto in_proc =
      run_cuhci({"reduce", path("cube.fits"), "--angles", path("angles.fits"), "-o", "/proc/cuhci-out", "--quiet"});
  expect_refused(in_proc, {"/proc/cuhci-out"});
  expect_refused(run_cuhci({}), {});
  expect_refused(run_cuhci({"reduse"}), {"reduse"});
}

TEST_F(OutputFolders, FailureLeavesEarlierProductsAlone) {
  ASSERT_EQ(reduce("cube.fits", "angles.fits").exit_code, 0);
  const auto before = std::filesystem::last_write_time(path("out") + "/frame.fits");
  EXPECT_EQ(reduce("cube.fits", "angles.fits", {"--ncomp", "13"}).exit_code, 2);
  EXPECT_EQ(std::filesystem::last_write_time(path("out") + "/frame.fits"), before);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path("out"))) ++files;
  EXPECT_EQ(files, 3U);  // frame.fits, frame.png, summary.json
}

}  // namespace
}  // namespace hci::test
