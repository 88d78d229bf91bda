// SPDX-License-Identifier: MIT
#include "apps/cuhci/effects.hpp"

namespace hci::app {

std::vector<Effect> effects_of(const DatasetOptions& files, const Recipe& recipe, std::optional<index_t> channels) {
  const RegionMode mode = recipe.regions.mode;
  const bool full = mode == RegionMode::full, annular = mode == RegionMode::annular;
  const bool several = channels.value_or(2) > 1;
  const bool trims =
      recipe.combine.collapse == Collapse::trimmean || (several && recipe.combine.collapse_ifs == Collapse::trimmean);
  const bool has_references = !files.reference.empty();
  bool automatic = false;
  for (const auto& [name, text] : recipe.algorithm_settings)
    automatic = automatic || (name == "ncomp" && text == "auto");
  return {
      {"asize", annular, "--mode annular"},
      {"n_segments", annular, "--mode annular"},
      {"theta_init", annular, "--mode annular"},
      {"radius_int", full || annular, "--mode full or annular"},
      {"min_frames_lib", annular, "--mode annular"},
      {"max_frames_lib", annular, "--mode annular"},
      {"nframes", annular, "--mode annular"},
      {"r_guess", mode == RegionMode::annulus, "--mode annulus"},
      {"annulus_width", mode == RegionMode::annulus, "--mode annulus"},
      {"mask_center", full, "--mode full"},
      {"source_xy", full, "--mode full"},
      {"min_frames_pca", full && recipe.regions.source_xy, "--mode full and --source-xy"},
      {"max_frames_pca", full && recipe.regions.source_xy, "--mode full and --source-xy"},
      {"delta_rot", annular || recipe.regions.source_xy, "--mode annular or --source-xy"},
      {"trim_keep", trims, "--collapse trimmean or --collapse-ifs trimmean"},
      {"collapse_ifs", several, "a cube of several channels"},
      {"starphot", recipe.snr, "--snr"},
      {"tol", automatic, "--ncomp auto"},
      {"ref_strategy", has_references, "--cube-ref"},
      {"collapse_ref", has_references, "--cube-ref"},
  };
}

}  // namespace hci::app
