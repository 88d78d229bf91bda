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
        references_(input.references.extent(0)) {
    const bool thresholds = params.mode == RegionMode::annular || params.source_xy.has_value();
    const RefStrategy usual = !thresholds                          ? RefStrategy::rdi
                              : params.mode == RegionMode::annular ? rules_.annular_strategy
                                                                   : RefStrategy::ardi;
    require(references_ > 0 || !params.ref_strategy, "ref_strategy is ", to_text(params.ref_strategy.value_or(usual)),
            ", but there are no reference frames; give some, or leave it out");
    use_targets_ = references_ == 0 || params.ref_strategy.value_or(usual) == RefStrategy::ardi;
  }

  bool use_targets() const { return use_targets_; }
  DeltaRot default_delta_rot() const { return rules_.default_delta_rot; }

  std::vector<RowSet> of(const RegionGeometry& region) const {
    if (!use_targets_) return {RowSet(frames_, frames_ + references_)};
    const bool annular = params_.mode == RegionMode::annular;
    double threshold = region.radius > 0 ? pa_threshold(region.radius, fwhm_, region.delta_rot) : 0;
    if (rules_.clips_threshold) threshold = std::min(threshold, 0.9 * half_range());
    if (region.radius == 0 || (annular && threshold == 0)) return {RowSet(0, frames_ + references_)};
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
  bool use_targets_ = true;
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
                         Cube<float> residual, const std::function<void(std::size_t)>& finished) {
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

  RegionBatch batch;
  batch.regions = {region};
  batch.small_libraries_are_errors = true;
  batch.finished = [&](std::size_t variant) {
    if (!centre.empty()) fill_columns(exec, 0, masked.view(), region.residual);
    if (finished) finished(variant);
  };
  algorithm.subtract(exec, batch);
}

/// A region cut out of the cubes.
struct CutOut {
  Array<index_t, 1> columns;
  Array<float, 2> targets, references, residual;
};

CutOut cut_out(Exec& exec, const SubtractionInput& input, const std::vector<index_t>& pixels) {
  const auto count = static_cast<index_t>(pixels.size());
  CutOut cut;
  cut.columns = to_device(exec, std::vector<index_t>(pixels));
  cut.targets = Array<float, 2>(exec, {input.targets.extent(0), count});
  cut.references = Array<float, 2>(exec, {input.references.extent(0), count});
  cut.residual = Array<float, 2>(exec, {input.targets.extent(0), count});
  gather_columns(exec, as_matrix(input.targets), cut.columns.view(), cut.targets.view());
  if (input.references.size() > 0)
    gather_columns(exec, as_matrix(input.references), cut.columns.view(), cut.references.view());
  return cut;
}

/// Subtracts in some of the regions, whose pixels are copied.
void subtract_regions(Exec& exec, const PsfSubtraction& algorithm, const SubtractionInput& input,
                      const Libraries& libraries, const RegionGeometry* first, const RegionGeometry* last,
                      Cube<float> residual, const std::function<void(std::size_t)>& finished) {
  std::vector<CutOut> cuts;
  RegionBatch batch;
  for (const RegionGeometry* geometry = first; geometry != last; ++geometry) {
    cuts.push_back(cut_out(exec, input, geometry->pixels));
    CutOut& cut = cuts.back();
    Region region;
    region.name = geometry->name;
    region.targets = cut.targets.view();
    region.references = cut.references.view();
    region.libraries = libraries.of(*geometry);
    region.residual = cut.residual.view();
    batch.regions.push_back(std::move(region));
  }
  batch.finished = [&](std::size_t variant) {
    for (const CutOut& cut : cuts)  // in order: later annuli overwrite earlier ones
      scatter_columns(exec, cut.residual.view(), cut.columns.view(), as_matrix(residual));
    if (finished) finished(variant);
  };
  algorithm.subtract(exec, batch);
}

/// Bytes of the copies of a region.
std::size_t copied_bytes(const SubtractionInput& input, const RegionGeometry& region) {
  const index_t rows = 2 * input.targets.extent(0) + input.references.extent(0);
  return region.pixels.size() * static_cast<std::size_t>(rows) * sizeof(float);
}

}  // namespace

void subtract_psf(Exec& exec, const PsfSubtraction& algorithm, const RegionParams& params,
                  const SubtractionInput& input, Cube<float> residual,
                  const std::function<void(std::size_t variant)>& finished) {
  check_input(input, residual);
  const std::size_t variants = algorithm.variants().size();
  require(variants == 1 || finished, "subtract_psf: ", variants, " residuals and nobody to take them");
  const Libraries libraries(algorithm, params, input);
  const auto regions = make_regions(params, residual.extent(1), residual.extent(2), libraries.default_delta_rot(),
                                    libraries.use_targets());
  if (params.mode == RegionMode::full)
    return subtract_full_frame(exec, algorithm, params, input, libraries, regions.front(), residual, finished);

  fill_zero(exec, residual);
  // Few regions at a time, so that their copies stay small beside the cube; but all at once where
  // several variants are to be handed out one after the other.
  const std::size_t budget = std::max<std::size_t>(bytes_of(input.targets) / 4, std::size_t{64} << 20);
  const RegionGeometry *first = regions.data(), *const end = first + regions.size();
  while (first != end) {
    const RegionGeometry* last = variants > 1 ? end : first + 1;
    std::size_t bytes = copied_bytes(input, *first);
    while (last != end && bytes + copied_bytes(input, *last) <= budget) bytes += copied_bytes(input, *last++);
    const bool complete = last == end;
    subtract_regions(exec, algorithm, input, libraries, first, last, residual,
                     complete ? finished : std::function<void(std::size_t)>());
    first = last;
  }
}

}  // namespace hci
