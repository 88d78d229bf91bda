// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "engine/dataset.hpp"
#include "engine/progress.hpp"
#include "kernels/geometry/derotate_collapse.hpp"
#include "models/detect/snr.hpp"
#include "models/psfsub/regions.hpp"
#include "models/psfsub/registry.hpp"
#include "models/psfsub/subtract.hpp"

namespace hci {

/// From residual frames to one frame.
struct CombineParams {
  Rotation rotation = Rotation::lanczos4;
  Collapse collapse = Collapse::median;
  int trim_keep = 50;
  Collapse collapse_ifs = Collapse::mean;
  double smooth = 0;

  template <class Field>
  void fields(Field&& field) {
    field(
        "rotation", rotation,
        "values between pixels: lanczos4, bicubic, catmull-rom, bilinear, nearest, spline2, spline3, spline4, spline5, "
        "fft (VIP's vip-fft)");
    field("collapse", collapse, "over frames: median, mean, sum, trimmean, max, absmean");
    field("trim_keep", trim_keep, "trimmean: central values that are kept");
    field("collapse_ifs", collapse_ifs, "over the channels of a spectral cube: mean, median, sum, ...");
    field("smooth", smooth, "FWHM of a Gaussian with which the final frame is smoothed, px; 0: it is not");
  }
};

/// All that decides a reduction. It is data: write it down and the product can be made again.
struct Recipe {
  std::string algorithm = "pca";
  /// {{"ncomp", "20"}}: what differs from the algorithm's defaults, as text.
  std::vector<std::pair<std::string, std::string>> algorithm_settings = {};
  RegionParams regions = {};
  CombineParams combine = {};
  bool snr = false;             ///< make the S/N map
  bool save_residuals = false;  ///< keep the residual cube
};

/// What a reduction gives, in host memory.
struct ReductionResult {
  Array<float, 2> frame;              ///< (y, x) the final frame; of a list of ncomp the chosen one
  Array<float, 3> frames;             ///< (variant, y, x) all of a list of ncomp; empty without a list
  Array<float, 3> channel_frames;     ///< (λ, y, x) of a spectral cube; empty for one channel
  Array<float, 3> residuals;          ///< (t, y, x) before derotation; empty if not asked for
  Array<float, 2> snr;                ///< (y, x); empty if not asked for
  std::vector<std::string> variants;  ///< "ncomp 5", ...; one, maybe empty, without a list
  /// Of each variant of a list: S/N and flux at source_xy; empty without a list or without a source.
  std::vector<SourceScore> scores;
  /// Of each variant of a list without a source: the highest S/N of its map; empty without FWHM.
  std::vector<double> highest_snr;
  /// What was removed from each region to make `frame`; of a spectral cube channel by channel. Empty of algorithms
  /// without components.
  std::vector<ComponentCount> components;
  /// Things that a person should know of this result; maybe none.
  std::vector<std::string> warnings;
  std::size_t chosen = 0;  ///< index into variants: the highest S/N (at source_xy where given)
  double fwhm = 0;         ///< px, used for apertures and thresholds; mean over channels; 0: not known
};

/// A recipe that can be run on datasets and devices.
class Reduction {
 public:
  /// Throws InvalidInput for unknown algorithms, unknown or unreadable settings.
  explicit Reduction(Recipe recipe);

  /// Subtracts the star, derotates, collapses, and makes the S/N map. Channels of a spectral cube are
  /// reduced one by one (ADI) and their frames collapsed with collapse_ifs. Memory beyond the dataset
  /// is what host_memory() and device_memory() say: one cube of residuals, on the device also targets and
  /// references; another cube for the coefficients of the spline rotations, and for the fft rotation where the
  /// residuals are saved or a list of ncomp is asked for; copies of one region, and matrices. Throws InvalidInput where
  /// recipe and dataset do not fit, DeviceError where the device fails.
  ReductionResult run(Exec& exec, const Dataset& dataset, Progress& progress) const;
  ReductionResult run(Exec& exec, const Dataset& dataset) const;

  /// Throws InvalidInput where the recipe does not fit a cube (t, λ, y, x) and so many reference frames, as run()
  /// would: regions, source_xy and its delta_rot, numbers of components, what needs one channel, room for the S/N map.
  ///   fwhm (λ) px, as in a Dataset; empty: not known yet
  void check(const Extents<4>& cube, index_t references, const std::vector<double>& fwhm) const;

  /// What a run on a cube (t, λ, y, x) with so many reference frames holds beside the dataset: in host memory,
  /// and on a CUDA device. Throws InvalidInput for regions that do not fit its frames.
  MemoryNeed host_memory(const Extents<4>& cube, index_t references, bool on_cuda) const;
  MemoryNeed device_memory(const Extents<4>& cube, index_t references) const;

  /// What may be in the libraries of a run with or without reference frames.
  LibraryKind libraries(bool has_references) const;

  /// Whether a run needs the FWHM of the dataset: for annuli, angle thresholds and S/N.
  bool needs_fwhm() const;
  /// "ncomp 5", ...: what a list of ncomp gives; one entry, maybe empty, without a list.
  std::vector<std::string> variants() const { return algorithm_->variants(); }

  const Recipe& recipe() const { return recipe_; }

 private:
  SubtractionSize subtraction_size(const Extents<4>& cube, index_t references) const;
  std::vector<std::pair<std::size_t, const char*>> work_memory(const Extents<4>& cube, index_t references) const;
  void derotate_and_collapse(Exec& exec, Cube<float> residual, bool is_last, const std::vector<double>& angles,
                             Frame<float> out, Progress& progress) const;
  void warn_of_nothing_left(const Dataset& dataset, ReductionResult& result) const;
  struct Channel;
  Channel reduce_channel(Exec& exec, const Dataset& dataset, index_t channel, double fwhm, Progress& progress) const;

  Recipe recipe_;
  std::unique_ptr<PsfSubtraction> algorithm_;
};

}  // namespace hci
