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

/// The SPHERE data centre's names: how that of the cube ends, with what is behind `-IRD_SCIENCE_` or `-IFS_SCIENCE_`.
struct DataCentre {
  const char* cube;
  std::vector<Role> roles;
};
const std::vector<DataCentre>& data_centre() {
  const Role psf{"psf", {"PSF_MASTER_CUBE-median_unsat.fits"}}, wavelengths{"wavelengths", {"LAMBDA_INFO-lam.fits"}};
  const Role angles{"angles", {"PARA_ROTATION_CUBE-rotnth.fits"}},
      sorted{"angles", {"PARA_ROTATION_CUBE_SORTED-rotnth_sorted.fits"}};
  static const std::vector<DataCentre> names{
      {"-IRD_SCIENCE_REDUCED_MASTER_CUBE-center_im.fits", {angles, psf, wavelengths}},
      {"-IFS_SCIENCE_REDUCED_SPECTRAL_MASTER_CUBE-center_im.fits", {angles, psf, wavelengths}},
      {"-IFS_SCIENCE_REDUCED_SPECTRAL_MASTER_CUBE_SORTED-center_im_sorted.fits", {sorted, psf, wavelengths}}};
  return names;
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
  for (const auto& [ending, roles] : data_centre())
    if (name.ends_with(ending)) return existing(path.parent_path(), name.substr(0, name.rfind("REDUCED_")), "", roles);
  const auto at = name.rfind("_cube");
  if (at == std::string::npos || at == 0) return {};
  const std::string after = name.substr(at + 5);
  if (after.empty() || (after[0] != '_' && after[0] != '.')) return {};
  return existing(path.parent_path(), name.substr(0, at + 1), after, first_phase());
}

}  // namespace hci
