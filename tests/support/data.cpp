// SPDX-License-Identifier: MIT
#include "tests/support/data.hpp"

#include <cstdlib>

namespace hci::test {

std::filesystem::path source_folder() {
  const char* given = std::getenv("CUHCI_SOURCE");
  return given == nullptr ? HCI_SOURCE_DIR : given;
}

std::optional<std::filesystem::path> shared_folder() {
  namespace fs = std::filesystem;
  fs::path folder = source_folder() / ".." / "shared";
  if (const char* given = std::getenv("CUHCI_SHARED")) folder = given;
  if (fs::exists(folder / "goldens" / "manifest.json")) return fs::weakly_canonical(folder);
  return std::nullopt;
}

}  // namespace hci::test
