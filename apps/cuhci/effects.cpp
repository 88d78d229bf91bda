// SPDX-License-Identifier: MIT
#include "apps/cuhci/effects.hpp"

namespace hci::app {

std::vector<Effect> effects_of(const Reduction& reduction, std::optional<index_t> channels,
                               std::optional<bool> has_references) {
  const Recipe& recipe = reduction.recipe();
  const RegionMode mode = recipe.regions.mode;
  const bool full = mode == RegionMode::full, annular = mode == RegionMode::annular;
  const bool several = channels.value_or(2) > 1, list = reduction.variants().size() > 1;
  const bool trims =
      recipe.combine.collapse == Collapse::trimmean || (several && recipe.combine.collapse_ifs == Collapse::trimmean);
  bool automatic = false;
  bool randomized = false;
  for (const auto& [name, text] : recipe.algorithm_settings) {
    automatic = automatic || (name == "ncomp" && same_word(text, "auto"));
    randomized = randomized || (name == "svd_mode" && same_word(text, "randsvd"));
  }
  // Of a library that each frame has for itself; where references may come, with and without them.
  bool own = false, least = false, most = false, one_kind = false;
  const auto& delta_rot = recipe.regions.delta_rot;
  const bool all_frames = annular && delta_rot && (delta_rot->inner == 0 || delta_rot->outer == 0);
  for (const bool references : {false, true}) {
    if (has_references.value_or(references) != references) continue;
    const LibraryKind kind = reduction.libraries(references);
    own = own || kind.own_libraries;
    least = least || kind.has_least;
    most = most || kind.has_most;
    one_kind = one_kind || (!(kind.targets && kind.references) && (!kind.own_libraries || all_frames));
  }
  const std::string of_targets = ", with frames of the target in the library";
  const std::string in_annuli = "--mode annular" + of_targets;
  const std::string at_source = "--mode full and --source-xy (with a list of ncomp also --delta-rot)" + of_targets;
  const std::string not_median = ", and not by --algorithm median";
  const std::string without_nframes = ", and of --algorithm median with --nframes none";
  const std::string at_once =
      "a library that all frames share, of frames of one kind: --mode full or annulus without --source-xy, or "
      "--ref-strategy rdi; elsewhere the components are exact";
  return {
      {"asize", annular, "--mode annular"},
      {"n_segments", annular, "--mode annular"},
      {"theta_init", annular, "--mode annular"},
      {"radius_int", full || annular, "--mode full or annular"},
      {"min_frames_lib", annular && least, in_annuli + not_median},
      {"max_frames_lib", annular && most, in_annuli + without_nframes},
      {"nframes", own, "--mode annular or --source-xy" + of_targets},
      {"r_guess", mode == RegionMode::annulus, "--mode annulus"},
      {"annulus_width", mode == RegionMode::annulus, "--mode annulus"},
      {"mask_center", full, "--mode full"},
      {"source_xy", full && (own || list), "--mode full" + of_targets + ", or a list of ncomp"},
      {"min_frames_pca", full && least, at_source + not_median},
      {"max_frames_pca", full && most, at_source + without_nframes},
      {"delta_rot", own, "--mode annular or --source-xy" + of_targets},
      {"trim_keep", trims, "--collapse trimmean or --collapse-ifs trimmean"},
      {"collapse_ifs", several, "a cube of several channels"},
      {"starphot", recipe.snr, "--snr"},
      {"tol", automatic, "--ncomp auto"},
      {"svd_mode", !randomized || one_kind, at_once},
      {"seed", randomized && one_kind, "--svd-mode randsvd"},
      {"ref_strategy", has_references.value_or(true), "--cube-ref"},
      {"collapse_ref", has_references.value_or(true), "--cube-ref"},
  };
}

}  // namespace hci::app
