// SPDX-License-Identifier: MIT
#include "tests/support/data.hpp"

#include <cstdlib>

namespace hci::test {

std::optional<std::filesystem::path> shared_folder() {
  namespace fs = std::filesystem;
  fs::path folder = fs::path(HCI_SOURCE_DIR) / ".." / "shared";
  if (const char* given = std::getenv("CUHCI_SHARED")) folder = given;
  if (fs::exists(folder / "goldens" / "manifest.json")) return fs::weakly_canonical(folder);
  return std::nullopt;
}

}  // namespace hci::test
