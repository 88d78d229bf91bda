// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>

namespace hci {

/// How a product says who made it: the card ORIGIN of a FITS file, the text "Software" of a PNG, and
/// provenance.origin of a summary.
inline constexpr const char* kOrigin = "cuHCI";

/// What stands after the signature and the header of our PNG files: their text chunk.
std::string png_origin_chunk();
/// Where it stands: the signature has 8 bytes, the header's chunk 25.
inline constexpr std::size_t kPngOriginAt = 33;

/// Whether a file says that a run of cuHCI made it. false for what cannot be read, for folders, and for
/// the files of `cuhci simulate`, which are data.
bool is_own_product(const std::filesystem::path& path);

}  // namespace hci
