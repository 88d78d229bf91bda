// SPDX-License-Identifier: MIT
#include "tests/support/data.hpp"

#include <cstdlib>
#include <stdexcept>

namespace hci::test {

std::filesystem::path source_folder() {
  const char* given = std::getenv("CUHCI_SOURCE");
  return given == nullptr ? HCI_SOURCE_DIR : given;
}

std::optional<std::filesystem::path> shared_folder() {
  namespace fs = std::filesystem;
  const char* variable = std::getenv("CUHCI_SHARED");
  const bool given = variable != nullptr && *variable != '\0';
  const fs::path folder = given ? fs::path(variable) : source_folder() / ".." / "shared";
  if (fs::exists(folder / "goldens" / "manifest.json")) return fs::weakly_canonical(folder);
  if (given) throw std::runtime_error("CUHCI_SHARED is " + folder.string() + ", which has no goldens/manifest.json");
  return std::nullopt;
}

}  // namespace hci::test
