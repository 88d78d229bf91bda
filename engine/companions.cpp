// SPDX-License-Identifier: MIT
#include <filesystem>
#include <optional>

#include "engine/array_file.hpp"
#include "engine/dataset.hpp"

namespace hci {
namespace {

namespace fs = std::filesystem;

struct Role {
  const char* name;
  std::vector<const char*> words;
};

/// What stands for "cube" in the names of the other files, the usual spelling first.
const std::vector<Role>& first_phase() {
  static const std::vector<Role> roles{
      {"angles", {"pa"}}, {"psf", {"psf"}}, {"wavelengths", {"wls", "wl"}}, {"pixel_scale", {"pxscale", "plsc"}}};
  return roles;
}
/// What stands for "image_cube".
const std::vector<Role>& second_phase() {
  static const std::vector<Role> roles{
      {"angles", {"parallactic_angles"}}, {"psf", {"psf_cube"}}, {"wavelengths", {"wavelength_vect"}}};
  return roles;
}

/// The files that are there for a name that is `before` + word + `after`.
std::map<std::string, std::string> existing(const fs::path& folder, const std::string& before, const std::string& after,
                                            const std::vector<Role>& roles) {
  std::map<std::string, std::string> files;
  std::error_code ignored;
  for (const Role& role : roles)
    for (const char* word : role.words)
      if (const fs::path file = folder / (before + word + after); fs::is_regular_file(file, ignored))
        files.try_emplace(role.name, file.string());
  if (!files.contains("angles")) files.clear();
  return files;
}

}  // namespace

std::map<std::string, std::string> companion_files(const std::string& cube) {
  const fs::path path = FileName::parse(cube).path;
  const std::string name = path.filename().string();
  const std::string second = "image_cube";
  if (name.rfind(second + "_", 0) == 0)
    return existing(path.parent_path(), "", name.substr(second.size()), second_phase());
  const auto at = name.rfind("_cube");
  if (at == std::string::npos || at == 0) return {};
  const std::string after = name.substr(at + 5);
  if (after.empty() || (after[0] != '_' && after[0] != '.')) return {};
  return existing(path.parent_path(), name.substr(0, at + 1), after, first_phase());
}

}  // namespace hci
