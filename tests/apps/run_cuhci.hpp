// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace hci::test {

struct ProgramResult {
  int exit_code = -1;
  std::string out, err;
};

/// The cuhci that is run: $CUHCI_BINARY, which a bundle for another machine sets, or the one of this build.
std::string cuhci_program();

/// Runs the cuhci that was built with the tests, without a shell; the environment is kept.
ProgramResult run_cuhci(const std::vector<std::string>& arguments);

/// A folder of its own for a test, removed at its end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

}  // namespace hci::test
