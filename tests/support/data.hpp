// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

namespace hci::test {

/// The folder with real data and goldens: $CUHCI_SHARED, or shared/ beside the checkout; nothing
/// where CUHCI_SHARED is not set and that is not there. Throws std::runtime_error if CUHCI_SHARED is
/// set to a folder without goldens/manifest.json: who sets it wants the tests to run.
std::optional<std::filesystem::path> shared_folder();

/// The source tree: $CUHCI_SOURCE, which a bundle for another machine sets, or where this was built.
std::filesystem::path source_folder();

}  // namespace hci::test

/// Skips the running test, visibly, where there is no shared folder.
#define HCI_NEEDS_SHARED() \
  if (!hci::test::shared_folder()) GTEST_SKIP() << "no shared data: set CUHCI_SHARED"
