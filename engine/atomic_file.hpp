// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>

#include "engine/unfinished.hpp"

namespace hci {

/// A file that appears under its name whole or not at all: write to temporary_path(), which lies in
/// the same folder, then commit(). The destructor removes what was not committed.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  const std::string& path() const { return path_; }
  const std::string& temporary_path() const { return temporary_; }
  /// Renames. Throws InvalidInput if the system refuses.
  void commit();

 private:
  std::string path_, temporary_;
  std::optional<Unfinished> unfinished_;
};

/// Text into a file, atomically.
void write_text_file(const std::string& path, const std::string& text);

}  // namespace hci
