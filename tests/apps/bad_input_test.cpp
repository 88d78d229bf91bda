// SPDX-License-Identifier: MIT
// Malformed files and option mistakes: each gets a message that names the culprit, exit code 2, and
// leaves nothing behind.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "engine/fits.hpp"
#include "engine/hdf5.hpp"
#include "kernels/core/array.hpp"
#include "tests/apps/with_a_dataset.hpp"

namespace hci::test {
namespace {

class BadInput : public WithADataset {};

TEST_F(BadInput, GoodInputIsTaken) {
  const ProgramResult result = reduce("cube.fits", "angles.fits", {"--psf", path("psf.fits"), "--ncomp", "3", "--snr"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* name : {"frame.fits", "snr.fits", "frame.png", "snr.png", "summary.json"})
    EXPECT_TRUE(std::filesystem::exists(path("out") + "/" + name)) << name;
}

TEST_F(BadInput, InFiles) {
  const auto refused = [&](const std::string& cube, const std::string& angles, const std::vector<std::string>& words,
                           const std::vector<std::string>& more = {}) {
    SCOPED_TRACE(cube + " " + angles);
    expect_refused(reduce(cube, angles, more), words);
  };
  refused("missing.fits", "angles.fits", {"missing.fits"});
  refused("cube.fits", "missing_angles.fits", {"missing_angles.fits"});
  refused("cube.fits", "angles.fits", {"no_psf.fits"}, {"--psf", path("no_psf.fits")});

  write("truncated.fits");
  truncate("truncated.fits", 20000);
  refused("truncated.fits", "angles.fits", {"truncated.fits"});
  write("header_only.fits");
  truncate("header_only.fits", 1000);
  refused("header_only.fits", "angles.fits", {"header_only.fits"});
  write_text("text.fits", "this is not a FITS file\n");
  refused("text.fits", "angles.fits", {"text.fits"});
  write_text("empty.fits", "");
  refused("empty.fits", "angles.fits", {"empty.fits"});
  write_text("noise.h5", "this is not an HDF5 file\n");
  refused("noise.h5", "angles.fits", {"noise.h5"});
  refused("cube.fits[7]", "angles.fits", {"cube.fits", "no HDU 7"});
  refused("psf.fits", "angles.fits", {"psf.fits", "(15, 15)"});    // a frame where a cube is wanted
  refused("angles.fits", "angles.fits", {"angles.fits", "(12)"});  // a vector where a cube is wanted
  std::filesystem::create_directory(path("folder.fits"));
  refused("folder.fits", "angles.fits", {"folder.fits"});

  write_angles("eleven.fits", {angles_.begin(), angles_.end() - 1});
  refused("cube.fits", "eleven.fits", {"eleven.fits", "found 11", "expected 12 angles"});
  std::vector<double> bad = angles_;
  bad[3] = std::nan("");
  write_angles("nan_angle.fits", bad);
  refused("cube.fits", "nan_angle.fits", {"nan_angle.fits", "angle 3 "});
  refused("cube.fits", "cube.fits", {"cube.fits"});  // a cube where angles are wanted
  write_text("words.txt", "0\n5\nten\n");
  refused("cube.fits", "words.txt", {"words.txt", "ten"});

  for (index_t i = 0; i < kSize * kSize; ++i) cube_.data()[4 * kSize * kSize + i] = std::nanf("");
  write("nan_frame.fits");
  refused("nan_frame.fits", "angles.fits", {"nan_frame.fits", "frame 4 "});
  for (index_t i = 0; i < kSize * kSize; ++i) cube_.data()[4 * kSize * kSize + i] = 0;
  write("zero_frame.fits");
  refused("zero_frame.fits", "angles.fits", {"zero_frame.fits", "frame 4 "});
  for (index_t i = 0; i < cube_.size(); ++i) cube_.data()[i] = 0;
  write("zeros.fits");
  refused("zeros.fits", "angles.fits", {"zeros.fits"});

  // A header that promises 40 TB and has nothing behind it.
  write("huge.fits");
  {
    std::fstream file(path("huge.fits"), std::ios::in | std::ios::out | std::ios::binary);
    std::string header(2880, ' ');
    file.read(header.data(), 2880);
    const auto axis = header.find("NAXIS3  =");
    header.replace(axis, 30, "NAXIS3  =          10000000000");
    file.seekp(0);
    file.write(header.data(), 2880);
  }
  refused("huge.fits", "angles.fits", {"huge.fits", "truncated"});
}

// 274177 x 67280421310721 = 2^64 + 1: one value, if nobody looks.
TEST_F(BadInput, AxesWhoseProductOverflows) {
  std::string file;
  for (std::string card :
       {"SIMPLE  =                    T", "BITPIX  =                  -32", "NAXIS   =                    2",
        "NAXIS1  =               274177", "NAXIS2  =       67280421310721", "END"}) {
    card.resize(80, ' ');
    file += card;
  }
  file.resize(2880, ' ');
  file.resize(5760, '\0');
  write_text("overflow.fits", file);
  const std::vector<std::string> words{"overflow.fits", "is truncated", "5760 bytes"};
  expect_refused(run_cuhci({"info", path("overflow.fits")}), words);
  expect_refused(reduce("overflow.fits", "angles.fits"), words);
  expect_refused(reduce("cube.fits", "overflow.fits"), words);
  expect_refused(reduce("cube.fits", "angles.fits", {"--psf", path("overflow.fits")}), words);
  expect_refused(run_cuhci({"snr", path("overflow.fits"), "--fwhm", "4", "-o", path("out"), "--quiet"}), words);
}

// The file is sparse: it takes no place, and nothing of it is read.
TEST_F(BadInput, ACubeThatMemoryDoesNotHold) {
  std::string header;
  const auto card = [&](std::string text) {
    text.resize(80, ' ');
    header += text;
  };
  card("SIMPLE  =                    T");
  card("BITPIX  =                    8");
  card("NAXIS   =                    3");
  card("NAXIS1  =               300000");
  card("NAXIS2  =               300000");
  card("NAXIS3  =                   12");
  card("END");
  header.resize(2880, ' ');
  write_text("huge.fits", header);
  std::error_code error;
  std::filesystem::resize_file(path("huge.fits"), (2880 + std::uintmax_t{12} * 300000 * 300000 + 2879) / 2880 * 2880,
                               error);
  if (error) GTEST_SKIP() << "this file system has no sparse files of 1 TB: " << error.message();
  expect_refused(reduce("huge.fits", "angles.fits"),
                 {"huge.fits", "HDU 0", "needs 8.64 TB", "4.32 TB of residuals", "are available", "fewer frames"});
}

TEST_F(BadInput, InOptions) {
  const auto refused = [&](const std::vector<std::string>& more, const std::vector<std::string>& words) {
    SCOPED_TRACE(more.front() + " " + more.back());
    expect_refused(reduce("cube.fits", "angles.fits", more), words);
  };
  expect_refused(reduce("cube.fits[0]", "angles.fits", {"--hdu", "0"}), {"cube.fits[0]", "'0'", "--hdu"});
  for (const char* archive : {"sphere-dc", "pynpoint"})
    refused({"--archive", archive}, {"--archive", archive, "vip, eidc, vigan-idl"});
  refused({"--hdu", "1"}, {"cube.fits", "no HDU 1"});
  refused({"--ncomp", "13"}, {"ncomp is 13", "ncomp <= 12"});
  refused({"--smooth", "-1"}, {"smooth is -1"});
  refused({"--smooth", "wide"}, {"--smooth", "wide"});
  refused({"--svd-mode", "magic"}, {"--svd-mode", "magic", "randsvd"});
  refused({"--svd-mode", "randsvd", "--ncomp", "0.9"}, {"ncomp 0.9", "randsvd"});
  refused({"--seed", "-1"}, {"--seed", "-1"});
  refused({"--fwhm", "4,5"}, {"fwhm: expected one number, found 2"});
  for (const char* value : {"inf", "-inf", "nan"}) {
    for (const char* flag : {"--fwhm", "--pixel-scale", "--starphot", "--angles-offset", "--smooth", "--radius-int",
                             "--asize", "--theta-init", "--delta-rot", "--r-guess", "--annulus-width", "--tol"})
      refused({flag, value}, {flag, value, "is not a finite number"});
    refused({"--source-xy", std::string("5,") + value}, {"--source-xy", value, "is not a finite number"});
    refused({"--delta-rot", std::string("0.1,") + value}, {"--delta-rot", value, "is not a finite number"});
    refused({"--ncomp", value}, {"--ncomp", value});
  }
  refused({"--ncomp", "0"}, {"--ncomp", "is 0"});
  refused({"--ncomp", "-2"}, {"--ncomp", "is -2"});
  refused({"--ncomp", "many"}, {"--ncomp", "many"});
  refused({"--ncomp", "1.5"}, {"--ncomp", "1.5"});
  refused({"--fwhm", "-4"}, {"fwhm", "found -4"});
  refused({"--fwhm", "0"}, {"fwhm", "found 0"});
  refused({"--pixel-scale", "-0.01"}, {"pixel", "-0.01"});
  refused({"--algorithm", "magic"}, {"magic", "pca"});
  refused({"--algorithm", "median", "--ncomp", "3"}, {"--ncomp", "median"});
  refused({"--mode", "sideways"}, {"--mode", "sideways", "annular"});
  refused({"--rotation", "fast"}, {"--rotation", "fast", "lanczos4"});
  refused({"--collapse", "vote"}, {"--collapse", "vote", "median"});
  refused({"--scaling", "louder"}, {"--scaling", "louder"});
  refused({"--mode", "annular"}, {"--fwhm", "--psf"});
  refused({"--snr"}, {"--fwhm", "--psf"});
  refused({"--snr", "--fwhm", "300"}, {"fwhm", "300", "31"});
  refused({"--snr", "--fwhm", "1e-05"}, {"fwhm is 1e-05", "in pixels, not in arcsec"});
  refused({"--ncomp", "1:1000000000"}, {"--ncomp", "1000000000"});
  refused({"--mode", "annular", "--fwhm", "4", "--asize", "0"}, {"asize is 0"});
  refused({"--mode", "annular", "--fwhm", "4", "--radius-int", "40"}, {"radius_int is 40", "31 x 31", "smaller"});
  refused({"--mode", "annular", "--fwhm", "4", "--radius-int", "15"}, {"radius_int 15"});  // leaves corners only
  for (const char* radius : {"-5", "100"}) refused({"--radius-int", radius}, {std::string("radius_int is ") + radius});
  for (const char* count : {"0", "-1"}) {
    refused({"--mode", "annular", "--fwhm", "4", "--min-frames-lib", count},
            {std::string("min_frames_lib is ") + count});
    refused({"--mode", "annular", "--fwhm", "4", "--max-frames-lib", count},
            {std::string("max_frames_lib is ") + count});
    for (const std::string end : {"min", "max"})
      refused({"--source-xy", "20,20", "--delta-rot", "0.1", "--fwhm", "4", "--" + end + "-frames-pca", count},
              {end + "_frames_pca is " + count});
  }
  refused({"--mode", "annular", "--fwhm", "4", "--delta-rot", "50"}, {"delta_rot 50"});
  refused({"--source-xy", "99,99", "--fwhm", "4"}, {"source_xy is 99,99"});
  refused({"--mask-center", "-3"}, {"mask_center", "-3"});
  refused({"--no-such-flag"}, {"cuhci: error", "--no-such-flag"});
  refused({"--ncom", "3"}, {"cuhci: error", "no option '--ncom'", "cuhci reduce --help"});
  refused({"--ncom=3"}, {"cuhci: error", "no option '--ncom'"});
  refused({"another.fits"}, {"cuhci: error", "cuhci reduce --help"});
  refused({"--fwhm", "abc"}, {"--fwhm", "abc"});
  refused({"--pixel-scale", "abc"}, {"--pixel-scale", "abc"});
  refused({"--config", folder_.folder().string()}, {"--config", folder_.folder().string(), "folder"});
  refused({"--config", ""}, {"--config"});
  refused({"--device", "gpu"}, {"--device", "gpu"});
  refused({"--threads", "-1"}, {"--threads", "-1"});
  refused({"--threads", "1000000"}, {"--threads", "1000000", "1024"});
  refused({"--config", path("no.toml")}, {"no.toml"});
  write_text("bad.toml", "ncomp = = 3\n");
  refused({"--config", path("bad.toml")}, {"bad.toml", "line 1"});
  write_text("unknown.toml", "ncompo = 3\n");
  refused({"--config", path("unknown.toml")}, {"unknown.toml", "ncompo"});
  write_text("table.toml", "[pca]\nncomp = 3\n");
  refused({"--config", path("table.toml")}, {"table.toml", "'pca'", "tables are not used", "top level"});
}

// Each row would do nothing: the message names the flag and what it needs.
TEST_F(BadInput, FlagsWithoutEffect) {
  struct Row {
    std::vector<std::string> words;
    std::string condition;
  };
  const Row rows[] = {
      {{"--asize", "4"}, "--mode annular"},
      {{"--n-segments", "2"}, "--mode annular"},
      {{"--theta-init", "10"}, "--mode annular"},
      {{"--radius-int", "3", "--mode", "annulus", "--r-guess", "8", "--annulus-width", "4"}, "--mode full or annular"},
      {{"--min-frames-lib", "2"}, "--mode annular"},
      {{"--max-frames-lib", "20"}, "--mode annular"},
      {{"--nframes", "4", "--algorithm", "median"}, "--mode annular"},
      {{"--asize", "4", "--mode", "annulus", "--r-guess", "8", "--annulus-width", "4"}, "--mode annular"},
      {{"--r-guess", "8"}, "--mode annulus"},
      {{"--annulus-width", "4", "--mode", "annular", "--fwhm", "4"}, "--mode annulus"},
      {{"--mask-center", "3", "--mode", "annular", "--fwhm", "4"}, "--mode full"},
      {{"--source-xy", "20,20", "--mode", "annular", "--fwhm", "4"}, "--mode full"},
      {{"--min-frames-pca", "3"}, "--source-xy"},
      {{"--max-frames-pca", "3"}, "--source-xy"},
      {{"--delta-rot", "1"}, "--source-xy"},
      {{"--trim-keep", "5"}, "--collapse trimmean"},
      {{"--starphot", "100"}, "--snr"},
      {{"--tol", "0.2"}, "--ncomp auto"},
      {{"--seed", "7"}, "--svd-mode randsvd"},
      {{"--seed", "7", "--mode", "annular", "--fwhm", "4"}, "--svd-mode randsvd"},
      {{"--ref-strategy", "rdi"}, "--cube-ref"},
      {{"--collapse-ref", "mean", "--algorithm", "median"}, "--cube-ref"},
      {{"--collapse-ifs", "median"}, "several channels"},
  };
  std::vector<Row> all(std::begin(rows), std::end(rows));
  const std::vector<std::string> annular{"--mode", "annular", "--fwhm", "4"}, median{"--algorithm", "median"},
      references{"--cube-ref", path("cube.fits")}, rdi{"--ref-strategy", "rdi"},
      source{"--source-xy", "20,20", "--fwhm", "4"};
  const auto add = [&](const std::string& flag, const std::string& value, const std::string& condition,
                       std::initializer_list<std::vector<std::string>> others) {
    Row row{{flag, value}, condition};
    for (const auto& words : others) row.words.insert(row.words.end(), words.begin(), words.end());
    all.push_back(row);
  };
  add("--max-frames-lib", "5", "--nframes none", {annular, median});
  add("--min-frames-lib", "5", "not by --algorithm median", {annular, median});
  for (const char* flag : {"--min-frames-lib", "--max-frames-lib", "--delta-rot"}) {
    add(flag, "2", "frames of the target in the library", {annular, median, references});
    add(flag, "2", "frames of the target in the library", {annular, references, rdi});
  }
  add("--min-frames-pca", "2", "--delta-rot", {source, {"--ncomp", "1,2"}});
  add("--max-frames-pca", "5", "--delta-rot", {source, {"--ncomp", "1,2"}});
  add("--source-xy", "20,20", "frames of the target", {{"--fwhm", "4"}, references, rdi});
  add("--svd-mode", "randsvd", "--mode full or annulus", {annular, {"--seed", "7"}});
  add("--svd-mode", "RANDSVD", "--mode full or annulus", {source, {"--delta-rot", "0.1"}});
  add("--svd-mode", "randsvd", "--ref-strategy rdi", {annular, references});
  add("--svd-mode", "randsvd", "frames of one kind", {references, {"--ref-strategy", "ARDI"}});
  for (const Row& row : all) {
    SCOPED_TRACE(row.words.front() + " " + row.words.back());
    expect_refused(reduce("cube.fits", "angles.fits", row.words), {row.words.front() + ": only ", row.condition});
  }
}

// What looks as if it had none.
TEST_F(BadInput, FlagsWithEffect) {
  const std::vector<std::string> references{"--cube-ref", path("cube.fits"), "--ref-strategy", "rdi"};
  std::vector<std::string> annular{"--svd-mode", "randsvd", "--seed", "7", "--mode", "annular", "--fwhm", "4"};
  for (const std::vector<std::string>& more : {references, {"--delta-rot", "0"}}) {
    std::vector<std::string> words = annular;
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(reduce("cube.fits", "angles.fits", words).exit_code, 0) << more.front();
  }
}

TEST_F(BadInput, InTheOtherSubcommands) {
  write_flat(path("frame.fits"), 1);
  const auto refused = [&](std::vector<std::string> words, const std::vector<std::string>& named) {
    SCOPED_TRACE(words.front() + " " + words.back());
    words.insert(words.end(), {"-o", path("out"), "--quiet", "--device", "cpu"});
    expect_refused(run_cuhci(words), named);
  };
  refused({"snr", path("frame.fits"), "--fwhm", "300"}, {"fwhm", "300", "31"});
  refused({"snr", path("frame.fits"), "--fwhm", "1e9"}, {"fwhm", "31"});
  for (const char* value : {"inf", "nan"})
    for (const char* flag : {"--fwhm", "--pixel-scale"})
      refused({"snr", path("missing.fits"), "--fwhm", "4", flag, value}, {flag, value, "is not a finite number"});
  for (const char* narrow : {"0.0448", "1e-05", "1e-300"})
    refused({"snr", path("frame.fits"), "--fwhm", narrow}, {"fwhm is", narrow, "in pixels, not in arcsec"});
  refused({"snr", path("frame.fits"), "--fwhm", "4", "--approximated", "--exclude-negative-lobes"},
          {"approximated", "exclude_negative_lobes"});
  refused({"snr", path("frame.fits"), "--fwhm", "4", "--approximated", "--array2", path("frame.fits")},
          {"approximated", "array2"});
  refused({"simulate", "--frames", "1000000000"}, {"memory", "frames"});
  refused({"simulate", "--size", "2000000000"}, {"size"});
  refused({"simulate", "--size", "4096", "--frames", "1", "--short-exposures", "10000"},
          {"memory", "of fields", "fewer short_exposures"});
  refused({"simulate", "--short-exposures", "2147483644"}, {"short_exposures is 2147483644", "10000"});
  const std::string huge = "1e+300";
  for (const std::string name : {"seeing", "decorrelation"})
    refused({"simulate", "--" + name, huge}, {name + " is " + huge, "not within"});
  refused({"simulate", "--quasi-static", huge}, {"quasi_static is " + huge, "10000"});
  refused({"simulate", "--rotation-range", "0", "--exposure", huge}, {"exposure is " + huge, "86400"});
  refused({"simulate", "--planets", "0.2:" + huge + ":1e-3"}, {"position angle is", huge, "360"});
  for (const std::string bad : {"inf", "nan"}) {
    for (const char* flag : {"--seeing", "--decorrelation", "--quasi-static", "--exposure", "--rotation-range"})
      refused({"simulate", flag, bad}, {flag, bad, "is not a finite number"});
    for (const std::string& planet : {bad + ":10:1e-3", "0.2:" + bad + ":1e-3", "0.2:10:" + bad})
      refused({"simulate", "--planets", planet}, {"--planets", bad, "is not a finite number"});
  }
  for (const char* contrast : {"2", "1", "0", "-0.5"})
    refused({"simulate", "--planets", std::string("0.45:10:") + contrast}, {"contrast", contrast, "below 1"});
  refused({"snr", path("missing.fits"), "--fwhm", "4", "--known-sources", "10,11,12"},
          {"known_sources has 3", "pairs"});
}

TEST_F(BadInput, InfoOfWhatIsNoData) {
  write_text("x.png", "\x89PNG\r\n\x1a\n");
  ProgramResult result = run_cuhci({"info", path("x.png")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("x.png: neither FITS, HDF5 nor text of numbers: line 1 has '\\x89PNG'"), std::string::npos)
      << result.err;
  write_text("broken.json", "{\"planets\": ");
  result = run_cuhci({"info", path("broken.json")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("no JSON that can be read"), std::string::npos) << result.err;
  write_text("other.json", "{\"a\": 1, \"b\": []}");
  result = run_cuhci({"info", path("other.json")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("other.json: JSON,"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("members a, b"), std::string::npos) << result.out;
}

TEST_F(BadInput, InfoGoesOnAfterABadFile) {
  write_text("bad.fits", "this is not a FITS file\n");
  const std::vector<std::string> files{path("missing.fits"), path("cube.fits"), path("bad.fits"), path("angles.fits")};
  std::vector<std::string> words{"info"};
  words.insert(words.end(), files.begin(), files.end());
  const ProgramResult text = run_cuhci(words);
  EXPECT_EQ(text.exit_code, 2);
  for (const char* name : {"cube.fits: FITS", "angles.fits: FITS"})
    EXPECT_NE(text.out.find(name), std::string::npos) << text.out;
  for (const char* name : {"missing.fits", "bad.fits"}) EXPECT_NE(text.err.find(name), std::string::npos) << text.err;
  words.push_back("--json");
  const ProgramResult json = run_cuhci(words);
  EXPECT_EQ(json.exit_code, 2);
  EXPECT_TRUE(json.err.empty()) << json.err;
  const auto list = nlohmann::json::parse(json.out);
  ASSERT_EQ(list.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(list[i]["path"], files[i]);
    EXPECT_EQ(list[i].contains("error"), i % 2 == 0);
  }
}

// Every line of stderr is a JSON object, the last one the error; stdout is empty.
TEST_F(BadInput, ErrorsAreJsonWithJson) {
  const auto refused = [&](const std::vector<std::string>& words, int code, const std::string& part) {
    SCOPED_TRACE(words.front() + " " + words.back());
    const ProgramResult result = run_cuhci(words);
    EXPECT_EQ(result.exit_code, code);
    EXPECT_TRUE(result.out.empty()) << result.out;
    nlohmann::json last;
    std::istringstream lines(result.err);
    for (std::string line; std::getline(lines, line);) last = nlohmann::json::parse(line);
    EXPECT_EQ(last["event"], "error");
    EXPECT_EQ(last["exit_code"], code);
    EXPECT_NE(last["message"].get<std::string>().find(part), std::string::npos) << last;
  };
  const std::vector<std::string> good{"reduce", path("cube.fits"), "--angles", path("angles.fits"),
                                      "-o",     path("out"),       "--json"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = good;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  refused(with({"--ncomp", "13"}), 2, "ncomp is 13");
  refused(with({"--ncompo", "13"}), 2, "--ncompo");
  refused(with({"--device", "cuda:99"}), 3, "CUDA");
  refused({"reduse", "--json"}, 2, "reduse");
  write_text("json.toml", "json = true\nncomp = 13\n");
  refused(
      {"reduce", path("cube.fits"), "--angles", path("angles.fits"), "-o", path("out"), "--config", path("json.toml")},
      2, "ncomp is 13");
}

TEST_F(BadInput, FlagsOfOtherData) {
  expect_refused(reduce("cube.fits", "angles.fits", {"--angles-column", "PA"}), {"angles_column", "table"});
  for (const char* flag : {"--wavelengths", "--wavelength-unit"})  // reduce looks at no wavelength
    expect_refused(reduce("cube.fits", "angles.fits", {flag, "nm"}), {"no option", flag});
}

// Before the cube is read: its NaN frame is not seen. Some need no file at all.
TEST_F(BadInput, WhatTheHeaderTellsIsRefusedFirst) {
  for (index_t i = 0; i < kSize * kSize; ++i) cube_.data()[i] = std::nanf("");
  write("bad_cube.fits");
  write_angles("eleven.fits", {angles_.begin(), angles_.end() - 1});
  expect_refused(reduce("bad_cube.fits", "eleven.fits"), {"expected 12 angles"});
  const auto refused = [&](const std::vector<std::string>& more, const std::vector<std::string>& words) {
    SCOPED_TRACE(more.front() + " " + more.back());
    expect_refused(reduce("bad_cube.fits", "angles.fits", more), words);
  };
  const std::vector<std::string> references{"--cube-ref", path("bad_cube.fits")};
  refused({"--snr", "--fwhm", "1000"}, {"fwhm is 1000", "31"});
  refused({"--ncomp", "1,2", "--fwhm", "1000"}, {"fwhm is 1000", "31"});  // the best of a list is chosen by its S/N
  refused({"--ncomp", "13"}, {"ncomp is 13", "ncomp <= 12"});
  refused({"--ncomp", "1:13"}, {"ncomp is 13", "ncomp <= 12"});
  refused({"--ncomp", "13", "--mode", "annular", "--fwhm", "4"}, {"ncomp is 13", "ncomp <= 12"});
  refused({"--ncomp", "25", "--mode", "annular", "--fwhm", "4", references[0], references[1]}, {"ncomp <= 24"});
  refused({"--ncomp", "13", references[0], references[1]}, {"ncomp is 13", "ncomp <= 12"});
  auto spectral = host_array<float, 4>({2, kFrames, kSize, kSize});
  std::fill_n(spectral.data(), spectral.size(), std::nanf(""));
  write_fits(path("spectral.fits"), spectral.view());
  expect_refused(reduce("spectral.fits", "angles.fits", {"--ncomp", "1,2"}), {"list of ncomp", "one channel", "has 2"});
  expect_refused(reduce("spectral.fits", "angles.fits", {"--save-residuals"}), {"save_residuals", "one channel"});
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{{"--snr"}, {"--mode", "annular"}, {"--source-xy", "20,20"}})
    expect_refused(reduce("missing.fits", "angles.fits", more), {"--fwhm", "--psf"});
}

// What an HDF5 file brings is not known before it is opened, nor a FWHM before it is measured.
TEST_F(BadInput, WhatTheSmallFilesTellIsRefusedFirst) {
  Dataset data;
  data.cube = host_array<float, 4>({kFrames, 1, kSize, kSize});
  std::fill_n(data.cube.data(), data.cube.size(), std::nanf(""));
  write_hdf5(path("no_angles.h5"), data);
  data.angles = angles_;
  write_hdf5(path("no_fwhm.h5"), data);
  write("good.fits");
  for (index_t i = 0; i < kSize * kSize; ++i) cube_.data()[i] = std::nanf("");
  write("bad_cube.fits");
  const auto reduce_hdf5 = [&](const std::string& cube, const std::vector<std::string>& more) {
    std::vector<std::string> words{"reduce", path(cube), "-o", path("out"), "--quiet", "--device", "cpu"};
    words.insert(words.end(), more.begin(), more.end());
    return run_cuhci(words);
  };
  expect_refused(reduce_hdf5("no_angles.h5", {}), {"--angles is missing", "no_angles.h5"});
  expect_refused(reduce_hdf5("no_fwhm.h5", {}), {"no_fwhm.h5", "NaN"});
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{{"--snr"}, {"--mode", "annular"}, {"--source-xy", "20,20"}})
    expect_refused(reduce_hdf5("no_fwhm.h5", more), {"--fwhm", "--psf"});

  expect_refused(reduce("bad_cube.fits", "angles.fits", {"--collapse-ifs", "median"}), {"several channels"});
  write_flat(path("flat_psf.fits"), 1);
  expect_refused(reduce("bad_cube.fits", "angles.fits", {"--psf", path("flat_psf.fits")}), {"PSF"});
  auto wide = host_array<float, 2>({101, 101});
  for (index_t y = 0; y < 101; ++y)
    for (index_t x = 0; x < 101; ++x)
      wide.view()(y, x) = std::exp(-0.5F * static_cast<float>((y - 50) * (y - 50) + (x - 50) * (x - 50)) / 200.0F);
  write_fits(path("wide_psf.fits"), wide.view());  // FWHM = 2.355 x sqrt(200) = 33.3 px
  expect_refused(reduce("bad_cube.fits", "angles.fits", {"--psf", path("wide_psf.fits"), "--snr"}),
                 {"fwhm is 33.3", "31"});
}

// Before the cube is read, too.
TEST_F(BadInput, InTheTruthOfACheck) {
  for (index_t i = 0; i < kSize * kSize; ++i) cube_.data()[i] = std::nanf("");
  write("bad_cube.fits");
  const auto refused = [&](const std::string& truth, const std::vector<std::string>& words) {
    write_text("truth.json", truth);
    SCOPED_TRACE(truth);
    expect_refused(reduce("bad_cube.fits", "angles.fits", {"--check", path("truth.json"), "--fwhm", "4"}), words);
  };
  const auto simulated = [](const std::string& star, const std::string& planets) {
    return R"({"simulated_by": "cuHCI", "star": )" + star + R"(, "planets": )" + planets + "}";
  };
  const std::string centre = R"({"x": 15, "y": 15})", planet = R"([{"x": 23, "y": 15, "contrast": 1e-4}])";
  const std::vector<std::string> no_truth{"--check", "truth.json", "cuhci simulate"};
  refused("x = 1", no_truth);
  refused("[]", no_truth);
  refused("{}", no_truth);
  refused(R"({"peak": {"x": 3}, "provenance": {"version": "1"}})", no_truth);
  refused(simulated(centre, "3"), no_truth);
  refused(simulated(centre, "[]"), {"--check", "truth.json", "no planets"});
  refused(simulated(centre, "[3]"), {"truth.json", "planet 1", "'x'"});
  refused(simulated(centre, R"([{"x": 1, "y": "no"}])"), {"truth.json", "planet 1", "'y'"});
  refused(simulated("3", planet), {"truth.json", "star", "'x'"});
  refused(simulated(R"({"x": 50, "y": 50})", planet), {"truth.json", "x = 50", "x = 15", "another cube"});
  for (const char* x : {"17", "30"})  // inside one FWHM, and outside
    refused(simulated(centre, R"([{"y": 15, "contrast": 1, "x": )" + std::string(x) + "}]"),
            {"truth.json", "4 px", "13.5 px"});
  refused(simulated(centre, planet), {"bad_cube.fits", "NaN"});  // nothing is wrong with this one
  const ProgramResult missing = reduce("bad_cube.fits", "angles.fits", {"--check", path("none.json"), "--fwhm", "4"});
  expect_refused(missing, {"none.json", "no such file"});
  write_text("truth.json", simulated(centre, planet));
  expect_refused(reduce("bad_cube.fits", "angles.fits", {"--check", path("truth.json")}), {"--fwhm", "--psf"});
}

// A planet in the residuals of reference frames, with what keeps its flux from being a contrast. The masked pixel is
// in its aperture, and not in that of the highest S/N that is left, beside it.
TEST_F(BadInput, AFluxThatIsNoContrast) {
  std::mt19937 random(1);
  auto references = host_array<float, 3>({kFrames, kSize, kSize});
  const index_t pixels = kSize * kSize;
  const auto run = [&](float level, bool masked, const std::string& starphot) {
    const auto noise = [&] { return static_cast<float>(random() % 1001) / 1000; };
    for (index_t i = 0; i < cube_.size(); ++i) {
      const auto y = static_cast<float>(i % pixels / kSize - 15), x = static_cast<float>(i % kSize - 23);
      references.data()[i] = noise() - level;
      cube_.data()[i] = noise() + 5 * std::exp(-(x * x + y * y) / 5.77F);  // FWHM 4
      if (masked && x == 2 && y == 0) cube_.data()[i] = std::nanf("");
    }
    write("planet.fits");
    write_fits(path("references.fits"), references.view());
    write_angles("still.fits", std::vector<double>(kFrames, 0.0));
    const ProgramResult result =
        reduce("planet.fits", "still.fits",
               {"--cube-ref", path("references.fits"), "--ref-strategy", "rdi", "--algorithm", "median", "--rotation",
                "nearest", "--snr", "--fwhm", "6", "--starphot", starphot});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::ifstream file(path("out") + "/summary.json");
    const auto peak = nlohmann::json::parse(file)["peak"];
    EXPECT_NEAR(peak["x"].get<double>(), 23, 3);  // half a FWHM: the fit knows no level
    EXPECT_NEAR(peak["y"].get<double>(), 15, 3);
    EXPECT_EQ(peak.contains("contrast"), result.err.find("no contrast") == std::string::npos) << result.err;
    return result.err;
  };
  EXPECT_EQ(run(0, false, "1e4").find("no contrast"), std::string::npos);
  EXPECT_NE(run(0, false, "10").find("brighter than the star of --starphot"), std::string::npos);
  EXPECT_NE(run(-100, false, "1e4").find("not above 0"), std::string::npos);
  EXPECT_NE(run(0, true, "1e4").find("masked (NaN)"), std::string::npos);
}

// Before the cube is read: a cube with a NaN frame would complain about that.
TEST_F(BadInput, ASourceInAWrongPlaceIsRefusedFirst) {
  for (index_t i = 0; i < kSize * kSize; ++i) cube_.data()[i] = std::nanf("");
  write("bad_cube.fits");
  for (const char* source : {"31,15", "-1,15", "15,15"})
    expect_refused(reduce("bad_cube.fits", "angles.fits", {"--source-xy", source, "--fwhm", "4"}), {"source_xy"});
  expect_refused(reduce("cube.fits", "angles.fits", {"--source-xy", "17,15", "--delta-rot", "1", "--fwhm", "4"}),
                 {"source_xy", "closer"});
  // Frames are left out about it, and nobody said by how much they must have turned.
  expect_refused(reduce("bad_cube.fits", "angles.fits", {"--source-xy", "20,20", "--fwhm", "4"}),
                 {"source_xy 20,20 needs delta_rot"});
}

TEST_F(BadInput, WithoutAPlanetNoneIsReported) {
  for (const float value : {0.0F, std::nanf("")}) {
    write_flat(path("flat.fits"), value);
    const ProgramResult result =
        run_cuhci({"snr", path("flat.fits"), "--fwhm", "4", "-o", path("out"), "--quiet", "--device", "cpu"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_NE(result.out.find("no pixel with positive S/N"), std::string::npos) << result.out;
    std::ifstream file(path("out") + "/summary.json");
    EXPECT_FALSE(nlohmann::json::parse(file).contains("peak"));
  }
}

TEST_F(BadInput, ADeviceThatIsNotThereIsExitCodeThree) {
  EXPECT_EQ(reduce("cube.fits", "angles.fits", {"--device", "cuda:99"}).exit_code, 2 + 1);
}

}  // namespace
}  // namespace hci::test
