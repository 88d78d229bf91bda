// SPDX-License-Identifier: MIT
#include "engine/atomic_file.hpp"

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "kernels/core/error.hpp"

namespace hci {
namespace fs = std::filesystem;

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  static std::atomic<int> count = 0;
  const fs::path target(path_);
  require(target.has_filename(), "'", path_, "' is no name of a file");
  const std::string name =
      "." + target.filename().string() + ".partial-" + std::to_string(getpid()) + "-" + std::to_string(count++);
  temporary_ = (target.parent_path() / name).string();
  unfinished_.emplace(temporary_);
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      unfinished_(std::move(other.unfinished_)) {}

AtomicFile::~AtomicFile() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove(temporary_, ignored);
}

void AtomicFile::commit() {
  std::error_code error;
  fs::rename(temporary_, path_, error);
  require(!error, path_, ": cannot be given its name: ", error.message());
  temporary_.clear();
  unfinished_.reset();
}

void write_text_file(const std::string& path, const std::string& text) {
  AtomicFile file(path);
  std::ofstream out(file.temporary_path(), std::ios::binary);
  out << text << std::flush;
  require(out.good(), path, ": cannot be written: ", std::generic_category().message(errno));
  out.close();
  file.commit();
}

}  // namespace hci
