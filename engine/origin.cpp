// SPDX-License-Identifier: MIT
#include "engine/origin.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/array_file.hpp"
#include "kernels/core/error.hpp"

namespace hci {
namespace {

bool is_own_fits(const std::string& path) {
  try {
    return FitsFile(path).header(0).text("ORIGIN") == kOrigin;
  } catch (const InvalidInput&) {  // damaged
    return false;
  }
}

bool is_own_png(const std::string& path) {
  const std::string chunk = png_origin_chunk();
  std::string found(chunk.size(), '\0');
  std::ifstream in(path, std::ios::binary);
  in.seekg(kPngOriginAt);
  return in.read(found.data(), static_cast<std::streamsize>(found.size())) && found == chunk;
}

bool is_own_summary(const std::string& path) {
  std::ifstream in(path);
  const auto root = nlohmann::json::parse(in, nullptr, false);
  if (!root.is_object() || !root.contains("provenance") || !root["provenance"].is_object()) return false;
  return root["provenance"].value("origin", nlohmann::json()) == kOrigin;
}

}  // namespace

std::string png_origin_chunk() {
  using namespace std::string_literals;
  // Length, type, keyword and text, and their CRC-32: the bytes are always the same.
  return "\x00\x00\x00\x0etEXtSoftware\x00"s + kOrigin + "\x80\xfc~;"s;
}

bool is_own_product(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  const std::string name = path.string();
  if (path.extension() == ".json") return is_own_summary(name);
  if (path.extension() == ".png") return is_own_png(name);
  return looks_like_fits(name) && is_own_fits(name);
}

}  // namespace hci
