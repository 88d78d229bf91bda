// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

namespace hci::test {

/// The folder with real data and goldens: $CUHCI_SHARED, or shared/ beside the checkout; nothing
/// where neither is there.
std::optional<std::filesystem::path> shared_folder();

/// The source tree: $CUHCI_SOURCE, which a bundle for another machine sets, or where this was built.
std::filesystem::path source_folder();

}  // namespace hci::test

/// Skips the running test, visibly, where there is no shared folder.
#define HCI_NEEDS_SHARED() \
  if (!hci::test::shared_folder()) GTEST_SKIP() << "no shared data: set CUHCI_SHARED"
