// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/fits.hpp"
#include "kernels/core/array.hpp"
#include "tests/apps/run_cuhci.hpp"

namespace hci::test {

inline constexpr index_t kFrames = 12, kSize = 31;

/// A small dataset in a folder: speckles that stay, a field that turns.
class WithADataset : public ::testing::Test {
 protected:
  WithADataset() : cube_(host_array<float, 3>({kFrames, kSize, kSize})) {
    for (index_t i = 0; i < cube_.size(); ++i) cube_.data()[i] = static_cast<float>(100 + (i * 7919) % 101);
    for (index_t t = 0; t < kFrames; ++t) angles_.push_back(5.0 * static_cast<double>(t));
    write("cube.fits");
    write_angles("angles.fits", angles_);
    auto psf = host_array<float, 2>({15, 15});
    for (index_t y = 0; y < 15; ++y)
      for (index_t x = 0; x < 15; ++x)
        psf.view()(y, x) = std::exp(-0.5F * static_cast<float>((y - 7) * (y - 7) + (x - 7) * (x - 7)) / 3.0F);
    write_fits(path("psf.fits"), psf.view());
  }

  std::string path(const std::string& name) const { return folder_.path(name); }
  void write(const std::string& name) { write_fits(path(name), cube_.view()); }
  void write_angles(const std::string& name, const std::vector<double>& angles) { write_fits(path(name), angles); }
  void write_text(const std::string& name, const std::string& text) { std::ofstream(path(name)) << text; }
  void truncate(const std::string& name, std::uintmax_t bytes) { std::filesystem::resize_file(path(name), bytes); }

  /// "reduce CUBE --angles ANGLES -o OUT ..." with this folder's names.
  ProgramResult reduce(const std::string& cube, const std::string& angles, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"reduce",    path(cube), "--angles", path(angles), "-o",
                                   path("out"), "--quiet",  "--device", "cpu"};
    words.insert(words.end(), more.begin(), more.end());
    return run_cuhci(words);
  }

  /// Exit code 2, one short message with all of `words`, no products.
  void expect_refused(const ProgramResult& result, const std::vector<std::string>& words) {
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_TRUE(result.out.empty()) << result.out;
    EXPECT_LT(result.err.size(), 1000U) << result.err;
    for (const std::string& word : words)
      EXPECT_NE(result.err.find(word), std::string::npos) << "'" << word << "' is not in: " << result.err;
    EXPECT_FALSE(std::filesystem::exists(path("out"))) << "something was left in the output folder";
  }

  TemporaryFolder folder_;
  Array<float, 3> cube_;
  std::vector<double> angles_;
};

/// A frame of 31 px in which nothing stands out: `value` everywhere.
inline void write_flat(const std::string& path, float value) {
  auto flat = host_array<float, 2>({kSize, kSize});
  std::fill_n(flat.data(), flat.size(), value);
  write_fits(path, flat.view());
}

}  // namespace hci::test
