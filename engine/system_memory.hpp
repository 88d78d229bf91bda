// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <string>

namespace hci {

/// Bytes that can be allocated now without swapping: MemAvailable, or what the control group leaves
/// if that is less. The largest size_t where the system does not tell.
std::size_t available_memory();

/// "86.3 MB", "10.2 GB".
std::string bytes_text(double bytes);

/// Throws InvalidInput "<what> needs 12.0 GB, but only 3.1 GB of memory are available: <remedy>".
void require_memory(std::size_t bytes, const std::string& what, const std::string& remedy);

}  // namespace hci
