// SPDX-License-Identifier: MIT
#include "engine/array_file.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <system_error>

#include "engine/system_memory.hpp"
#include "kernels/core/error.hpp"

namespace hci {
namespace fs = std::filesystem;

namespace {

/// The dataset of an HDF5 file to take where none is named: /cube of our own layout, or the only one.
std::string default_dataset(const Hdf5File& file) {
  if (file.find("/cube") != nullptr) return "/cube";
  std::string only, all;
  int count = 0;
  for (const auto& info : file.datasets()) {
    if (info.name.find('/', 1) != std::string::npos || info.type == "string") continue;
    only = info.name;
    all += (count++ == 0 ? "" : ", ") + info.name.substr(1);
  }
  require(count == 1, file.path(), ": expected the name of a dataset, as in '", file.path(),
          "[NAME]'; found: ", count == 0 ? "none" : all);
  return only;
}

bool is_plain(char c) { return c >= ' ' && c <= '~'; }

/// A word for a message, whatever is in it: "\x89PNG".
std::string printable(const std::string& word) {
  std::string text;
  for (const char c : word) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, is_plain(c) ? "%c" : "\\x%02x", static_cast<unsigned char>(c));
    text += escaped;
  }
  return text;
}

}  // namespace

void require_file(const std::string& path) {
  std::error_code error;
  require(!path.empty(), "expected the name of a file, found nothing");
  require(fs::exists(path, error), path, ": no such file");
  require(!fs::is_directory(path, error), path, " is a folder, expected a file");
  require(fs::file_size(path, error) > 0 || error, path, " is empty (0 bytes)");
  std::ifstream in(path, std::ios::binary);
  require(in.good(), path, ": cannot be read: ", std::generic_category().message(errno));
}

FileName FileName::parse(const std::string& name) {
  std::error_code error;
  const auto bracket = name.rfind('[');
  if (bracket == std::string::npos || name.back() != ']' || fs::exists(name, error)) return {name, ""};
  return {name.substr(0, bracket), name.substr(bracket + 1, name.size() - bracket - 2)};
}

std::optional<index_t> value_count(const std::vector<index_t>& shape) {
  // As double, and beside as much again.
  constexpr index_t kMost = std::numeric_limits<index_t>::max() / 16;
  index_t count = 1;
  bool none = false;  // and the other axes must make sense, too
  for (const index_t n : shape) {
    none = none || n == 0;
    if (n < 0 || std::max<index_t>(n, 1) > kMost / count) return std::nullopt;
    count *= std::max<index_t>(n, 1);
  }
  return none ? 0 : count;
}

std::string shape_text(const std::vector<index_t>& shape) {
  std::string text("(");
  for (index_t n : shape) text.append(text.size() == 1 ? "" : ", ").append(std::to_string(n));
  return text.append(")");
}

bool looks_like_fits(const std::string& path) {
  char start[6] = {};
  std::ifstream(path, std::ios::binary).read(start, sizeof start);
  return std::memcmp(start, "SIMPLE", 6) == 0 || std::memcmp(start, "\x1f\x8b", 2) == 0 ||
         std::memcmp(start, "\x1f\x9d", 2) == 0 || std::memcmp(start, "BZh", 3) == 0;
}

bool is_own_layout(const ArrayFile& file) {
  return file.hdf5() != nullptr && (file.hdf5_dataset() == "/cube" || file.hdf5_dataset() == "/reference") &&
         file.hdf5()->find("/header_cube/PARANG") == nullptr;
}

std::vector<double> read_numbers(const std::string& path) {
  std::ifstream in(path);
  std::vector<double> numbers;
  std::string line;
  for (int row = 1; std::getline(in, line); ++row) {
    line = line.substr(0, line.find('#'));
    constexpr const char* separators = " \t\r,;";
    for (std::size_t begin = line.find_first_not_of(separators); begin != std::string::npos;) {
      const std::size_t end = std::min(line.find_first_of(separators, begin), line.size());
      const char* first = line.data() + begin + (line[begin] == '+' ? 1 : 0);
      double value = 0;
      const auto parsed = std::from_chars(first, line.data() + end, value);
      if (parsed.ec != std::errc() || parsed.ptr != line.data() + end) {
        const std::string word = line.substr(begin, std::min<std::size_t>(end - begin, 40));
        require(std::all_of(word.begin(), word.end(), is_plain), path,
                ": neither FITS, HDF5 nor text of numbers: line ", row, " has '", printable(word), "'");
        throw InvalidInput(path + ", line " + std::to_string(row) + ": expected a number, found '" + word + "'");
      }
      numbers.push_back(value);
      begin = line.find_first_not_of(separators, end);
    }
  }
  require(!numbers.empty(), path, ": expected numbers, found none");
  return numbers;
}

ArrayFile::ArrayFile(const std::string& name, const std::string& selector, int threads) {
  const FileName parsed = FileName::parse(name);
  require(parsed.selector.empty() || selector.empty(), name, ": which part of the file is meant, '", parsed.selector,
          "' of its name or '", selector, "' of --hdu? Give one of them");
  const std::string& wanted = parsed.selector.empty() ? selector : parsed.selector;
  path_ = parsed.path;
  require_file(path_);
  if (is_hdf5(path_)) {
    hdf5_ = std::make_unique<Hdf5File>(path_);
    const auto& info = hdf5_->dataset(wanted.empty() ? default_dataset(*hdf5_) : wanted);
    dataset_ = info.name;
    shape_ = info.shape;
    description_ = path_ + ", dataset " + info.name + ": " + shape_text(shape_) + ", " + info.type;
  } else if (looks_like_fits(path_) || fs::path(path_).extension() == ".fits" || !wanted.empty()) {
    fits_ = std::make_unique<FitsFile>(path_, threads);
    const HduInfo& info = fits_->select(wanted);
    hdu_ = info.index;
    shape_ = is_table() ? std::vector<index_t>{info.rows, static_cast<index_t>(info.columns.size())} : info.shape;
    require(info.has_data(), path_, ", ", info.description(), ": expected data");
    description_ = path_ + ", " + info.description();
  } else {
    numbers_ = read_numbers(path_);
    shape_ = {static_cast<index_t>(numbers_.size())};
    description_ = path_ + ", text: " + std::to_string(numbers_.size()) + " numbers";
  }
}

void ArrayFile::read_frames(index_t first, index_t count, float* out) const {
  if (hdf5_) return hdf5_->read_frames(dataset_, first, count, out);
  require(fits_ != nullptr && shape_.size() >= 2, description_, ": expected frames");
  const index_t pixels = shape_[shape_.size() - 2] * shape_[shape_.size() - 1];
  fits_->read(hdu_, first * pixels, count * pixels, out);
}

std::vector<double> ArrayFile::read_all() const {
  require_memory(static_cast<std::size_t>(*value_count(shape_)) * sizeof(double), description_,
                 "cut it, or use a machine with more memory");
  if (hdf5_) return hdf5_->read_all(dataset_);
  if (!fits_) return numbers_;
  std::vector<double> values(static_cast<std::size_t>(fits_->hdu(hdu_).size()));
  fits_->read(hdu_, 0, static_cast<index_t>(values.size()), values.data());
  return values;
}

}  // namespace hci
