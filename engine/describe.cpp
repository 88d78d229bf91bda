// SPDX-License-Identifier: MIT
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/array_file.hpp"
#include "engine/dataset.hpp"
#include "engine/system_memory.hpp"
#include "kernels/core/error.hpp"

namespace hci {
namespace {

/// What a reader would take an array of that shape for.
std::string meaning_of(const std::vector<index_t>& shape) {
  std::vector<index_t> long_axes;
  for (index_t n : shape) {
    if (n == 0) return "no data";
    if (n > 1) long_axes.push_back(n);
  }
  const auto px = [&] {
    return std::to_string(shape[shape.size() - 2]) + " x " + std::to_string(shape[shape.size() - 1]) + " px";
  };
  if (long_axes.empty()) return "one number";
  if (long_axes.size() == 1) return std::to_string(long_axes[0]) + " numbers, as angles or wavelengths";
  if (shape.size() == 2) return "a frame of " + px();
  if (shape.size() == 3) return std::to_string(shape[0]) + " frames of " + px();
  if (shape.size() == 4)
    return std::to_string(shape[1]) + " frames of " + std::to_string(shape[0]) + " channels, " + px() +
           ", if its axes are (λ, t, y, x)";
  return std::to_string(shape.size()) + " axes: not a cube";
}

void describe_fits(const std::string& path, FileDescription& description) {
  const FitsFile file(path);
  description.format = std::ifstream(path, std::ios::binary).peek() == 'S' ? "FITS" : "FITS, compressed file";
  for (const HduInfo& info : file.hdus()) {
    FileDescription::Item item;
    item.name = "HDU " + std::to_string(info.index) + (info.name.empty() ? "" : " '" + info.name + "'");
    if (info.kind == HduInfo::Kind::image) {
      item.type = info.type_text();
      item.shape = info.shape;
      item.meaning = info.has_data() ? meaning_of(info.shape) : "no data";
    } else {
      item.type = info.kind == HduInfo::Kind::binary_table ? "binary table" : "ASCII table";
      item.shape = {info.rows};
      for (const std::string& column : info.columns)
        item.meaning.append(item.meaning.empty() ? "columns " : ", ").append(column);
    }
    description.items.push_back(std::move(item));
  }
}

void describe_hdf5(const std::string& path, FileDescription& description) {
  const Hdf5File file(path);
  description.format = "HDF5";
  for (const auto& info : file.datasets()) {
    const bool own = info.name == "/cube" || info.name == "/reference";
    FileDescription::Item item{info.name, info.type, info.shape,
                               info.type == "string" ? "text" : meaning_of(info.shape)};
    if (own && info.shape.size() == 4)
      item.meaning = std::to_string(info.shape[0]) + " frames of " + std::to_string(info.shape[1]) + " channels, " +
                     std::to_string(info.shape[2]) + " x " + std::to_string(info.shape[3]) + " px";
    if (info.name.rfind("/header_", 0) == 0) description.format = "HDF5, PynPoint";
    description.items.push_back(std::move(item));
  }
}

/// Whether a text begins as a JSON object does, and not as numbers.
bool looks_like_json(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  char first = 0;
  return in >> first && first == '{';
}

/// What our own programs write beside their FITS files; of others that it is JSON.
void describe_json(const std::string& path, FileDescription& description) {
  std::ifstream in(path);
  const auto root = nlohmann::ordered_json::parse(in, nullptr, false);
  require(!root.is_discarded(), path, ": neither FITS, HDF5 nor text of numbers, and no JSON that can be read");
  description.format = "JSON";
  FileDescription::Item item{"text", root.type_name(), {static_cast<index_t>(root.size())}, ""};
  if (root.contains("simulated_by"))
    description.format = "JSON, truth of a simulation";
  else if (root.contains("provenance"))
    description.format = "JSON, summary of a run";
  for (const auto& [name, value] : root.items())
    item.meaning.append(item.meaning.empty() ? "members " : ", ").append(name);
  description.items.push_back(std::move(item));
}

}  // namespace

FileDescription describe_file(const std::string& path) {
  require_file(path);
  FileDescription description;
  description.path = path;
  std::error_code error;
  description.bytes = std::filesystem::file_size(path, error);
  if (is_hdf5(path)) {
    describe_hdf5(path, description);
  } else if (looks_like_fits(path) || std::filesystem::path(path).extension() == ".fits") {
    describe_fits(path, description);
  } else if (looks_like_json(path)) {
    describe_json(path, description);
  } else {
    const auto count = static_cast<index_t>(read_numbers(path).size());
    description.format = "text";
    description.items.push_back({"text", "numbers", {count}, meaning_of({count})});
  }
  return description;
}

Array<float, 2> load_frame(const std::string& name, const std::string& hdu, int threads) {
  const ArrayFile file(name, hdu, threads);
  const auto& shape = file.shape();
  require(!file.is_table() && shape.size() >= 2, file.description(), ": expected a frame (y, x)");
  const index_t frames = *value_count({shape.begin(), shape.end() - 2}), height = shape[shape.size() - 2],
                width = shape.back();
  require(frames == 1, file.description(), ": expected one frame, found ", frames);
  require_memory(static_cast<std::size_t>(height * width) * sizeof(float), "the frame " + file.description(),
                 "cut it, or use a machine with more memory");
  auto frame = host_array<float, 2>({height, width});
  require(frame.size() > 0, file.description(), ": expected a frame (y, x), found no value");
  file.read_frames(0, 1, frame.data());
  return frame;
}

}  // namespace hci
