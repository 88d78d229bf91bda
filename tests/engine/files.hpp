// SPDX-License-Identifier: MIT
#pragma once
#include <fitsio.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kernels/core/error.hpp"
#include "kernels/core/view.hpp"

namespace hci::test {

/// A folder of the running test, removed with what is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string("cuhci-") + info->test_suite_name() + "-" + info->name();
    for (char& c : name)
      if (c == '/') c = '-';
    path_ = std::filesystem::temp_directory_path() / (name + "-" + std::to_string(getpid()));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

  /// Names of all files and folders in it, hidden ones too.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::filesystem::path path_;
};

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A FITS header block: cards of "NAME    = value", END and padding to 2880 bytes.
inline std::string header_block(const std::vector<std::string>& cards) {
  std::string block;
  for (std::string card : cards) {
    card.resize(80, ' ');
    block += card;
  }
  std::string end = "END";
  end.resize(80, ' ');
  block += end;
  block.resize((block.size() + 2879) / 2880 * 2880, ' ');
  return block;
}

inline std::string padded(std::string data) {
  data.resize((data.size() + 2879) / 2880 * 2880, '\0');
  return data;
}

/// Writes an image through CFITSIO, independent of our writer. `name` in CFITSIO's syntax, so that
/// "x.fits.gz" is compressed; shape slowest axis first.
inline void cfitsio_image(const std::string& name, int bitpix, const std::vector<long>& shape,
                          const std::vector<double>& values, bool append = false) {
  fitsfile* file = nullptr;
  int status = 0;
  if (append)
    fits_open_file(&file, name.c_str(), READWRITE, &status);
  else
    fits_create_file(&file, name.c_str(), &status);
  std::vector<long> axes(shape.rbegin(), shape.rend());
  fits_create_img(file, bitpix, static_cast<int>(axes.size()), axes.data(), &status);
  if (!values.empty())
    fits_write_img(file, TDOUBLE, 1, static_cast<LONGLONG>(values.size()), const_cast<double*>(values.data()), &status);
  fits_close_file(file, &status);
  ASSERT_EQ(status, 0) << name;
}

/// start, start + 1, ... `count` of them.
inline std::vector<double> counting(std::size_t count, double start = 1) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = start + static_cast<double>(i);
  return values;
}

/// What the InvalidInput says that `action` throws; fails if it throws none.
template <class Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const InvalidInput& error) {
    return error.what();
  }
  ADD_FAILURE() << "no InvalidInput was thrown";
  return "";
}

/// Fails unless the message holds all the parts.
inline void expect_parts(const std::string& message, const std::vector<std::string>& parts) {
  for (const std::string& part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << "'" << part << "' is not in: " << message;
}

}  // namespace hci::test
