// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <functional>
#include <vector>

#include "engine/progress.hpp"
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "models/psfsub/psf_subtraction.hpp"
#include "models/psfsub/regions.hpp"

namespace hci {

/// The frames of one subtraction, on the Exec's device.
struct SubtractionInput {
  Cube<const float> targets;     ///< (t, y, x); NaN = masked
  Cube<const float> references;  ///< (r, y, x) frames of other stars; no frames where there are none
  std::vector<double> angles;    ///< (t) derotation angles, degrees, as in the file
  double fwhm = 4;               ///< px
};

/// What may be in the libraries, as far as it depends on no frame.
struct LibraryKind {
  bool targets = true;         ///< frames of the target
  bool references = false;     ///< frames of other stars
  bool own_libraries = false;  ///< each target has its own: frames beyond the angle threshold, and the references
  bool has_least = false;      ///< fewer than min_frames_lib or min_frames_pca are an error
  bool has_most = false;       ///< max_frames_lib or max_frames_pca bounds them
};
LibraryKind library_kind(const PsfSubtraction& algorithm, const RegionParams& params, bool has_references);

/// Runs an algorithm over the regions: cuts the frames into regions, chooses the libraries, subtracts,
/// and puts the residuals together.
///   residual (t, y, x)  on the Exec's device; 0 outside all regions and in the masked centre; NaN
///                       where a pixel of the region is NaN in any frame
///   finished  called for each of the algorithm's variants, in order, when `residual` holds it; it is
///             overwritten afterwards. May be empty where there is one variant.
///   progress  where given: its running stage is told the pixels that are done, of all regions; after
///             `finished` anew
/// Memory beyond input and residual: the full frame is not copied, of annuli and sectors one at a time
/// is. There come the matrices of the libraries, of rows x rows each (for every region and variant
/// where targets have libraries of their own and several variants are asked for), and with a scaling
/// another copy of the references.
/// Returns for each variant the components that were removed from each region; nothing of algorithms without.
/// Throws InvalidInput for shapes, parameters and libraries that cannot be used.
std::vector<std::vector<ComponentCount>> subtract_psf(Exec& exec, const PsfSubtraction& algorithm,
                                                      const RegionParams& params, const SubtractionInput& input,
                                                      Cube<float> residual,
                                                      const std::function<void(std::size_t variant)>& finished = {},
                                                      Progress* progress = nullptr);

}  // namespace hci
