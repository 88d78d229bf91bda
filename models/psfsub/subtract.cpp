// SPDX-License-Identifier: MIT
#include "models/psfsub/subtract.hpp"

#include <algorithm>
#include <string>

#include "engine/params.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/geometry/annulus.hpp"
#include "kernels/linalg/columns.hpp"

namespace hci {
namespace {

/// Which rows serve as library, for one job.
class Libraries {
 public:
  Libraries(const PsfSubtraction& algorithm, const RegionParams& params, const SubtractionInput& input)
      : rules_(algorithm.library_rules()),
        params_(params),
        angles_(checked_angles(input.angles)),
        fwhm_(input.fwhm),
        frames_(input.targets.extent(0)),
        references_(input.references.extent(0)),
        kind_(library_kind(algorithm, params, references_ > 0)) {
    require(references_ > 0 || !params.ref_strategy, "ref_strategy is ",
            to_text(params.ref_strategy.value_or(RefStrategy::rdi)),
            ", but there are no reference frames; give some, or leave it out");
  }

  bool use_targets() const { return kind_.targets; }
  DeltaRot default_delta_rot() const { return rules_.default_delta_rot; }

  std::vector<RowSet> of(const RegionGeometry& region) const {
    if (!kind_.targets) return {RowSet(frames_, frames_ + references_)};
    const bool annular = params_.mode == RegionMode::annular;
    double threshold = region.radius > 0 ? pa_threshold(region.radius, fwhm_, region.delta_rot) : 0;
    if (rules_.clips_threshold) threshold = std::min(threshold, 0.9 * half_range());
    if (!kind_.own_libraries || region.radius == 0 || (annular && threshold == 0))
      return {RowSet(0, frames_ + references_)};
    const std::optional<int> most = annular ? params_.max_frames_lib : params_.max_frames_pca;
    const int least = rules_.clips_threshold ? 1 : annular ? params_.min_frames_lib : params_.min_frames_pca;
    std::vector<RowSet> sets;
    for (index_t t = 0; t < frames_; ++t) {
      RowSet set = frames_beyond(angles_, t, threshold, rules_.nframes, most);
      set.add(frames_, frames_ + references_);
      require(set.count() >= least, region.name, ": frame ", t, " has ", set.count(),
              " library frames that turned by more than the threshold of ", threshold, " degrees (delta_rot ",
              region.delta_rot, " FWHM of ", fwhm_, " px at a radius of ", region.radius, " px), fewer than ",
              annular ? "min_frames_lib" : "min_frames_pca", " = ", least, "; use a smaller delta_rot",
              annular ? " or a larger radius_int" : " or a smaller min_frames_pca");
      sets.push_back(std::move(set));
    }
    return sets;
  }

 private:
  double half_range() const {
    const auto [least, most] = std::minmax_element(angles_.begin(), angles_.end());
    return (*most - *least) / 2;
  }

  LibraryRules rules_;
  const RegionParams& params_;
  std::vector<double> angles_;
  double fwhm_;
  index_t frames_, references_;
  LibraryKind kind_;
};

void check_input(const SubtractionInput& input, Cube<float> residual) {
  const auto& targets = input.targets;
  require(targets.size() > 0, "there are no frames to subtract from");
  require(targets.is_dense() && residual.is_dense() && (input.references.size() == 0 || input.references.is_dense()),
          "subtract_psf: a cube is not dense");
  require(residual.extents() == targets.extents(), "subtract_psf: the residual has another shape than the cube");
  require(static_cast<index_t>(input.angles.size()) == targets.extent(0), "there are ", input.angles.size(),
          " angles for ", targets.extent(0), " frames; give one for each");
  require(input.fwhm > 0, "fwhm is ", input.fwhm, " px; it must be positive");
  require(input.references.size() == 0 ||
              (input.references.extent(1) == targets.extent(1) && input.references.extent(2) == targets.extent(2)),
          "the reference frames have ", input.references.extent(1), " x ", input.references.extent(2), " px, the cube ",
          targets.extent(1), " x ", targets.extent(2), "; they must be the same");
}

/// The whole frame is a view of the cubes.
void subtract_full_frame(Exec& exec, const PsfSubtraction& algorithm, const RegionParams& params,
                         const SubtractionInput& input, const Libraries& libraries, const RegionGeometry& geometry,
                         Cube<float> residual, RegionBatch& batch) {
  Region region;
  region.name = geometry.name;
  region.targets = as_matrix(input.targets);
  region.references =
      input.references.size() > 0 ? as_matrix(input.references) : Matrix<const float>(nullptr, {0, region.pixels()});
  region.libraries = libraries.of(geometry);
  region.residual = as_matrix(residual);

  const PixelSet centre = circle(residual.extent(1), residual.extent(2), params.mask_center);
  std::vector<std::uint8_t> flags(centre.empty() ? 0 : static_cast<std::size_t>(region.pixels()), 1);
  for (index_t p : centre) flags[static_cast<std::size_t>(p)] = 0;
  const auto masked = to_device(exec, std::vector<index_t>(centre));
  const auto used = to_device(exec, std::move(flags));
  region.used = used.view();

  batch.regions = {region};
  batch.small_libraries_are_errors = true;
  batch.finished = [&, finished = batch.finished](std::size_t variant) {
    if (!centre.empty()) fill_columns(exec, 0, masked.view(), region.residual);
    if (finished) finished(variant);
  };
  algorithm.subtract(exec, batch);
}

/// Subtracts in regions whose pixels are copied, one region at a time into the same memory, so that
/// the copies stay small beside the cube.
void subtract_regions(Exec& exec, const PsfSubtraction& algorithm, const SubtractionInput& input,
                      const Libraries& libraries, const std::vector<RegionGeometry>& regions, Cube<float> residual,
                      RegionBatch& batch) {
  const index_t frames = input.targets.extent(0), references = input.references.extent(0);
  std::size_t largest = 0;
  for (const RegionGeometry& geometry : regions) largest = std::max(largest, geometry.pixels.size());
  const auto most = static_cast<index_t>(largest);
  Array<float, 1> of_targets(exec, {frames * most}), of_references(exec, {references * most});
  Array<float, 1> of_residual(exec, {frames * most});
  std::vector<Array<index_t, 1>> columns;
  for (const RegionGeometry& geometry : regions) {
    columns.push_back(to_device(exec, std::vector<index_t>(geometry.pixels)));
    const index_t count = columns.back().size();
    Region region;
    region.name = geometry.name;
    region.targets = {of_targets.data(), {frames, count}};
    region.references = {of_references.data(), {references, count}};
    region.libraries = libraries.of(geometry);
    region.residual = {of_residual.data(), {frames, count}};
    batch.regions.push_back(std::move(region));
  }
  batch.load = [&](std::size_t i) {
    const index_t count = columns[i].size();
    gather_columns(exec, as_matrix(input.targets), columns[i].view(), {of_targets.data(), {frames, count}});
    if (references > 0)
      gather_columns(exec, as_matrix(input.references), columns[i].view(), {of_references.data(), {references, count}});
  };
  batch.store = [&](std::size_t i) {  // in order: later annuli overwrite earlier ones
    scatter_columns(exec, batch.regions[i].residual, columns[i].view(), as_matrix(residual));
  };
  algorithm.subtract(exec, batch);
}

}  // namespace

LibraryKind library_kind(const PsfSubtraction& algorithm, const RegionParams& params, bool has_references) {
  // VIP's grid over ncomp takes the source as the place to judge by, and excludes no frames.
  const bool annular = params.mode == RegionMode::annular, grid = algorithm.variants().size() > 1 && !params.delta_rot;
  const bool thresholds = annular || (params.source_xy && !grid);
  const LibraryRules rules = algorithm.library_rules();
  LibraryKind kind{.references = has_references};
  if (has_references) {
    const RefStrategy usual = !thresholds ? RefStrategy::rdi : annular ? rules.annular_strategy : RefStrategy::ardi;
    kind.targets = params.ref_strategy.value_or(usual) == RefStrategy::ardi;
  }
  kind.own_libraries = kind.targets && thresholds;
  kind.has_least = kind.own_libraries && !rules.clips_threshold;
  kind.has_most = kind.own_libraries && !rules.nframes;
  return kind;
}

std::vector<std::vector<ComponentCount>> subtract_psf(Exec& exec, const PsfSubtraction& algorithm,
                                                      const RegionParams& params, const SubtractionInput& input,
                                                      Cube<float> residual,
                                                      const std::function<void(std::size_t variant)>& finished,
                                                      Progress* progress) {
  check_input(input, residual);
  const std::size_t variants = algorithm.variants().size();
  require(variants == 1 || finished, "subtract_psf: ", variants, " residuals and nobody to take them");
  const Libraries libraries(algorithm, params, input);
  const auto regions = make_regions(params, residual.extent(1), residual.extent(2), libraries.default_delta_rot(),
                                    libraries.use_targets());
  const bool full = params.mode == RegionMode::full;
  std::vector<std::vector<ComponentCount>> removed(variants);
  RegionBatch batch;
  batch.removed = [&removed](std::size_t variant, const ComponentCount& count) { removed[variant].push_back(count); };
  batch.finished = finished;
  if (progress != nullptr) {
    index_t pixels = full ? residual.extent(1) * residual.extent(2) : 0;
    for (const RegionGeometry& region : regions) pixels += static_cast<index_t>(region.pixels.size());
    progress->expect(pixels, "px");
    batch.advance = [progress](index_t columns) { progress->advance(columns); };
    batch.finished = [progress, pixels, variants, finished](std::size_t variant) {
      if (finished) finished(variant);
      if (variant + 1 < variants) progress->expect(pixels, "px");
    };
  }
  if (full) {
    subtract_full_frame(exec, algorithm, params, input, libraries, regions.front(), residual, batch);
  } else {
    fill_zero(exec, residual);
    subtract_regions(exec, algorithm, input, libraries, regions, residual, batch);
  }
  return removed;
}

}  // namespace hci
