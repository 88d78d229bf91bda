// SPDX-License-Identifier: MIT
#include "engine/params.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/linalg/columns.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/stats/collapse.hpp"
#include "kernels/stats/row_medians.hpp"
#include "models/psfsub/region_share.hpp"
#include "models/psfsub/registry.hpp"

namespace hci {
namespace {

/// How the frames of other stars become the model.
enum class CollapseRef { median, mean, sc_median, sc_mean };
constexpr auto enum_names(CollapseRef) {
  return std::array<std::pair<std::string_view, CollapseRef>, 4>{{{"median", CollapseRef::median},
                                                                  {"mean", CollapseRef::mean},
                                                                  {"sc_median", CollapseRef::sc_median},
                                                                  {"sc_mean", CollapseRef::sc_mean}}};
}

/// Median subtraction: the median of all frames, and where each frame has its own library (annuli)
/// then also the median of that library, of frames that had the first median subtracted. With
/// references only their median or mean.
///   Marois et al. 2006, ApJ 641, 556
class Median final : public PsfSubtraction {
 public:
  struct Params {
    std::optional<int> nframes = 4;
    CollapseRef collapse_ref = CollapseRef::median;
    template <class Field>
    void fields(Field&& field) {
      field("nframes", nframes, "annular: frames in a library, half before and half after the frame; none: all");
      field("collapse_ref", collapse_ref,
            "with reference frames: median or mean; sc_median and sc_mean are scaled to the flux of each frame");
    }
  };

  explicit Median(const Params& params) : params_(params) {
    require(!params_.nframes || (*params_.nframes >= 2 && *params_.nframes % 2 == 0), "median: nframes is ",
            params_.nframes.value_or(0), "; it must be even and 2 at least");
  }

  LibraryRules library_rules() const override {
    return {.default_delta_rot = {1, 1},
            .clips_threshold = true,
            .nframes = params_.nframes,
            .annular_strategy = RefStrategy::rdi};
  }

  bool masks_inner_radius() const override { return true; }

  void subtract(Exec& exec, const RegionBatch& batch) const override {
    for (std::size_t i = 0; i < batch.regions.size(); ++i) {
      const Region& region = batch.regions[i];
      if (batch.load) batch.load(i);
      RegionShare share(batch, region);
      const index_t frames = region.targets.extent(0);
      if (!region.shares_library())
        subtract_each(exec, region, share);
      else if (region.libraries.front() == RowSet(frames, region.rows()))
        subtract_references(exec, region);
      else
        subtract_frames(exec, region, share);
      share.reach(1);
      if (batch.store) batch.store(i);
    }
    if (batch.finished) batch.finished(0);
  }

 private:
  static Array<float, 2> collapsed(Exec& exec, Matrix<const float> x, Collapse mode) {
    Array<float, 2> model(exec, {1, x.extent(1)});
    collapse(exec, {x.data(), {x.extent(0), 1, x.extent(1)}, {x.stride(0), x.extent(1), 1}},
             {.mode = mode, .weights = {}}, model.view());
    return model;
  }

  static void require_targets_only(const Region& region) {
    require(region.references.extent(0) == 0,
            "median: the frames of the target and those of other stars do not mix; use ref_strategy rdi");
  }

  static void subtract_frames(Exec& exec, const Region& region, RegionShare& share) {
    require_targets_only(region);
    share.in_parts(region.targets.extent(0), 0, 1, [&](index_t first, index_t count) {
      const auto frames = column_range(region.targets, first, count);
      const auto model = collapsed(exec, frames, Collapse::median);
      subtract_rows(exec, frames, model.view(), {}, column_range(region.residual, first, count));
    });
  }

  static void subtract_each(Exec& exec, const Region& region, RegionShare& share) {
    require_targets_only(region);
    const auto model = collapsed(exec, region.targets, Collapse::median);
    std::vector<std::vector<index_t>> sets;
    for (const RowSet& library : region.libraries) sets.push_back(library.indices());
    // Some columns at a time: the medians may not overwrite the frames they are of.
    constexpr index_t kElements = index_t{2} << 20;
    const index_t frames = region.targets.extent(0), pixels = region.pixels();
    const index_t most = std::clamp<index_t>(kElements / frames, 1, std::max<index_t>(pixels, 1));
    Array<float, 1> memory(exec, {frames * most});
    for (index_t first = 0; first < pixels; first += most) {
      const index_t count = std::min(most, pixels - first);
      const Matrix<float> cleaned(memory.data(), {frames, count});
      const Matrix<float> residual = column_range(region.residual, first, count);
      subtract_rows(exec, column_range(region.targets, first, count),
                    column_range(Matrix<const float>(model.view()), first, count), {}, cleaned);
      row_medians(exec, cleaned, sets, residual);
      subtract_rows(exec, cleaned, residual, {}, residual);
      share.reach(static_cast<double>(first + count) / static_cast<double>(pixels));
    }
  }

  void subtract_references(Exec& exec, const Region& region) const {
    const bool mean = params_.collapse_ref == CollapseRef::mean || params_.collapse_ref == CollapseRef::sc_mean;
    const bool scaled = params_.collapse_ref == CollapseRef::sc_median || params_.collapse_ref == CollapseRef::sc_mean;
    const auto used = unmasked_columns(exec, region);
    const auto model = collapsed(exec, region.references, mean ? Collapse::mean : Collapse::median);
    const auto factors = scaled ? flux_ratios(exec, region, used, model) : Array<double, 1>();
    subtract_rows(exec, region.targets, model.view(), factors.view(), region.residual);
    mask_columns(exec, used.view(), region.residual);
  }

  /// Flags of the columns in use and not masked in any frame.
  static Array<std::uint8_t, 1> unmasked_columns(Exec& exec, const Region& region) {
    Array<std::uint8_t, 1> used(exec, {region.pixels()});
    if (region.used.size() > 0)
      copy(exec, region.used, used.view());
    else
      fill_bytes(exec, used.data(), 1, used.bytes());
    unuse_masked_columns(exec, region.targets, used.view());
    unuse_masked_columns(exec, region.references, used.view());
    return used;
  }

  /// Flux of each target over that of the model, in the columns `used`.
  static Array<double, 1> flux_ratios(Exec& exec, const Region& region, const Array<std::uint8_t, 1>& used,
                                      const Array<float, 2>& model) {
    const index_t frames = region.targets.extent(0);
    Array<double, 1> sums(exec, {frames + 1});
    row_sums(exec, region.targets, used.view(), slice(sums.view(), 0, frames));
    row_sums(exec, model.view(), used.view(), slice(sums.view(), frames, 1));
    const auto host = to_host(exec, sums.view());
    std::vector<double> ratios;
    for (index_t t = 0; t < frames; ++t) ratios.push_back(host.data()[t] / host.data()[frames]);
    return to_device(exec, std::move(ratios));
  }

  Params params_;
};

const Registration<Median> registration("median", "the median of the frames is subtracted (median ADI, RDI)");

}  // namespace
}  // namespace hci
