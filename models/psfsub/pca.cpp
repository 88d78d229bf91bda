// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "engine/params.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/linalg/columns.hpp"
#include "kernels/linalg/components.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/scale_rows.hpp"
#include "kernels/linalg/subtract_product.hpp"
#include "kernels/linalg/svd.hpp"
#include "models/psfsub/ncomp.hpp"
#include "models/psfsub/principal_components.hpp"
#include "models/psfsub/region_gram.hpp"
#include "models/psfsub/region_share.hpp"
#include "models/psfsub/registry.hpp"

namespace hci {
namespace {

/// A region on its way: what was found out about its library, without the pixels.
struct Prepared {
  LibraryRows rows;
  UsedColumns used;
  Array<std::uint8_t, 1> unmasked;       ///< where pixels are masked
  Array<float, 2> references;            ///< scaled, where there is a scaling
  Array<float, 2> left, right;           ///< one library for all: model = left (right y)
  std::vector<int> counts;               ///< then: columns of left for each variant
  std::vector<ComponentCount> found;     ///< for each variant
  std::vector<Array<float, 2>> weights;  ///< a library for each target: model = weights y, for each variant
  int removed = -1;                      ///< components that the residual lacks; -1: it holds nothing yet
};

/// Where the components come from; names as in VIP, whose exact solvers differ in speed and rounding: here one serves
/// for all.
enum class SvdMode {
  exact,      ///< eigenpairs of the Gram matrix in double
  randomized  ///< randomized SVD of the frames; see Pca::from_frames()
};
constexpr auto enum_names(SvdMode) {
  return std::array<std::pair<std::string_view, SvdMode>, 4>{{{"eigen", SvdMode::exact},
                                                              {"lapack", SvdMode::exact},
                                                              {"arpack", SvdMode::exact},
                                                              {"randsvd", SvdMode::randomized}}};
}

/// Principal components of the library projected out of the targets (PCA, KLIP), by way of the
/// library's Gram matrix: residual = X - C X with C from G = X Xᵀ alone.
///   Amara & Quanz 2012, MNRAS 427, 948;  Soummer, Pueyo & Larkin 2012, ApJL 755, L28
class Pca final : public PsfSubtraction {
 public:
  struct Params {
    Ncomp ncomp;
    Scaling scaling = Scaling::none;
    double tol = 0.1;
    SvdMode svd_mode = SvdMode::exact;
    std::uint64_t seed = 1;
    template <class Field>
    void fields(Field&& field) {
      field("ncomp", ncomp, "principal components: 20; 1,5,10 or 1:20:2 (each); 0.95 (share of the variance); auto");
      field("scaling", scaling, "none, temp-mean, spat-mean, temp-standard or spat-standard");
      field("tol", tol, "ncomp auto: the noise must drop by this much, in units of the data, for one more component");
      field("svd_mode", svd_mode,
            "eigen, of the Gram matrix in float64 (lapack and arpack mean the same), or randsvd, approximate: for "
            "thousands of frames that share a library");
      field("seed", seed, "of the random numbers of randsvd");
    }
  };

  explicit Pca(Params params) : params_(std::move(params)) {
    if (const auto* list = std::get_if<std::vector<int>>(&params_.ncomp.value)) {
      require(!list->empty(), "pca: ncomp is an empty list");
      for (int count : *list) require(count >= 1, "pca: ncomp is ", count, "; there must be 1 component at least");
    }
    require(params_.svd_mode == SvdMode::exact || listed() != nullptr, "pca: ncomp ", to_text(params_.ncomp),
            " needs all singular values, which svd_mode randsvd does not give: "
            "use svd_mode eigen, or a number of components");
    require(params_.tol > 0, "pca: tol is ", params_.tol, "; it must be positive");
  }

  std::vector<std::string> variants() const override {
    const auto* list = std::get_if<std::vector<int>>(&params_.ncomp.value);
    if (list == nullptr) return {"ncomp " + to_text(params_.ncomp)};
    std::vector<std::string> names;
    for (int count : *list) names.push_back("ncomp " + std::to_string(count));
    return names;
  }

  std::vector<std::pair<std::size_t, const char*>> work_memory(const SubtractionSize& size) const override {
    const std::size_t n = size.library, count = variants().size();
    std::vector<std::pair<std::size_t, const char*>> work;
    if (scales() && n != size.frames)
      work.emplace_back(size.references * size.pixels * sizeof(float), "scaled reference frames");
    // Gram matrix, its copy and the eigenvectors of the solver; scalar products of targets outside the library.
    const bool targets_apart = n == size.references;
    const std::size_t cross = targets_apart ? size.frames * n : 0;
    if (params_.svd_mode == SvdMode::randomized && !size.own_libraries && (targets_apart || size.references == 0)) {
      constexpr std::size_t kTiles = std::size_t{128} << 20;  // of columns in double, on CUDA
      const std::size_t block = (static_cast<std::size_t>(std::ranges::max(*listed())) + 10) * n;
      work.emplace_back(std::min(n * size.pixels * sizeof(double), kTiles), "frames in double precision");
      work.emplace_back((5 * block + cross) * sizeof(double), "matrices");
    } else {
      work.emplace_back((3 * n * n + cross) * sizeof(double), "matrices");
    }
    // Of a list the weights of all regions stay until the last variant is made, else those of one.
    const std::size_t regions = count > 1 ? size.regions : 1;
    const std::size_t largest = listed() == nullptr ? n : static_cast<std::size_t>(std::ranges::max(*listed()));
    const std::size_t shared = std::min(largest, n) * (n + size.frames);
    work.emplace_back(regions * (size.own_libraries ? count * size.frames * n : shared) * sizeof(float), "weights");
    return work;
  }

  void check(const SubtractionSize& size, bool small_libraries_are_errors) const override {
    require_counts(static_cast<index_t>(small_libraries_are_errors ? size.library : size.frames + size.references), "",
                   "");
  }

  void subtract(Exec& exec, const RegionBatch& batch) const override {
    const std::size_t count = variants().size();
    std::vector<Prepared> prepared(batch.regions.size());
    for (std::size_t variant = 0; variant < count; ++variant) {
      for (std::size_t i = 0; i < prepared.size(); ++i) {
        const Region& region = batch.regions[i];
        if (batch.load) batch.load(i);
        RegionShare share(batch, region);
        if (variant == 0) {
          prepared[i] = prepare(exec, region, batch.small_libraries_are_errors, share);
          for (std::size_t v = 0; v < count && batch.removed; ++v) batch.removed(v, prepared[i].found[v]);
        }
        if (variant > 0 && batch.load) load_again(exec, region, prepared[i]);
        apply(exec, region, prepared[i], variant, share);
        share.reach(1);
        if (batch.store) batch.store(i);
        if (variant + 1 == count)
          prepared[i] = {};
        else if (batch.load)
          prepared[i].references = {};
      }
      if (batch.finished) batch.finished(variant);
    }
  }

 private:
  /// About how far a region is when its Gram matrix, and when the components of each of its libraries
  /// are there.
  static constexpr double kShareOfGrams = 0.2, kShareOfLibraries = 0.8;

  bool scales() const { return params_.scaling != Scaling::none; }
  bool scales_rows() const {
    return params_.scaling == Scaling::spat_mean || params_.scaling == Scaling::spat_standard;
  }
  const std::vector<int>* listed() const { return std::get_if<std::vector<int>>(&params_.ncomp.value); }
  bool automatic() const { return std::holds_alternative<Ncomp::Automatic>(params_.ncomp.value); }

  /// Leaves out the columns with masked pixels.
  static void leave_out_masked(Exec& exec, const Region& region, Prepared& made) {
    made.unmasked = Array<std::uint8_t, 1>(exec, {region.pixels()});
    if (region.used.size() > 0)
      copy(exec, region.used, made.unmasked.view());
    else
      fill_bytes(exec, made.unmasked.data(), 1, made.unmasked.bytes());
    unuse_masked_columns(exec, region.targets, made.unmasked.view());
    if (region.references.size() > 0) unuse_masked_columns(exec, region.references, made.unmasked.view());
    made.used = made.unmasked.view();
  }

  /// The targets as they enter the products: themselves, or scaled into the residual.
  Matrix<const float> scaled_targets(Exec& exec, const Region& region, const Prepared& made) const {
    if (!scales()) return region.targets;
    scale_rows(exec, region.targets, made.used, params_.scaling, region.residual);
    return region.residual;
  }
  Matrix<const float> scaled_references(Exec& exec, const Region& region, Prepared& made) const {
    if (!scales() || made.rows.references == 0) return region.references;
    if (!made.references) made.references = Array<float, 2>(exec, region.references.extents());
    scale_rows(exec, region.references, made.used, params_.scaling, made.references.view());
    return made.references.view();
  }

  /// After another region had the memory of the pixels.
  void load_again(Exec& exec, const Region& region, Prepared& made) const {
    made.removed = -1;
    static_cast<void>(scaled_references(exec, region, made));
  }

  RegionGram make_gram(Exec& exec, const Region& region, Prepared& made) const {
    const Matrix<const float> targets = scaled_targets(exec, region, made);
    return region_gram(exec, targets, scaled_references(exec, region, made), made.used, made.rows);
  }

  /// Without masked pixels: these are looked for only where a NaN shows, since that costs a pass over
  /// the frames.
  RegionGram clean_gram(Exec& exec, const Region& region, Prepared& made) const {
    made.used = region.used;
    if (scales_rows()) leave_out_masked(exec, region, made);
    RegionGram gram = make_gram(exec, region, made);
    if (scales_rows() || is_finite(exec, gram)) return gram;
    leave_out_masked(exec, region, made);
    gram = make_gram(exec, region, made);
    require(is_finite(exec, gram), "pca: ", region.name, ": the squares of the pixels overflow");
    return gram;
  }

  Prepared prepare(Exec& exec, const Region& region, bool small_libraries_are_errors, RegionShare& share) const {
    Prepared made;
    made.rows = library_rows(region);
    check_counts(region, small_libraries_are_errors);
    if (from_frames(region, made.rows)) {
      prepare_from_frames(exec, region, made);
    } else {
      const RegionGram grams = clean_gram(exec, region, made);
      share.reach(kShareOfGrams);
      if (region.shares_library())
        prepare_shared(exec, region, grams, made);
      else
        prepare_each(exec, region, grams, made, share);
    }
    for (const int count : made.counts) made.found.push_back({region.name, count, count});
    return made;
  }

  void check_counts(const Region& region, bool small_libraries_are_errors) const {
    index_t smallest = region.rows();
    for (const RowSet& set : region.libraries) smallest = std::min(smallest, set.count());
    require(smallest >= 1, "pca: ", region.name, ": a library is empty");
    require_counts(small_libraries_are_errors ? smallest : region.rows(), " in " + region.name,
                   region.shares_library() ? "" : " or a smaller delta_rot");
  }

  /// frames: in the library.
  void require_counts(index_t frames, const std::string& where, const char* remedy) const {
    if (listed() == nullptr) return;
    const int most = *std::max_element(listed()->begin(), listed()->end());
    require(most <= frames, "pca: ncomp is ", most, ", but there are only ", frames, " library frames", where,
            "; use ncomp <= ", frames, remedy);
  }

  /// Eigenpairs of the Gram matrix of the whole library, the largest first: (k), (k, n).
  struct Eigenpairs {
    Array<double, 1> values;
    Array<double, 2> vectors;
  };
  static Eigenpairs decompose(Exec& exec, const RegionGram& grams, index_t k) {
    Eigenpairs pairs{Array<double, 1>(exec, {k}), Array<double, 2>(exec, {k, grams.library.extent(0)})};
    eigh_top(exec, grams.library.view(), k, pairs.values.view(), pairs.vectors.view());
    return pairs;
  }

  /// The number of components, of all of them, that hold the wanted share of the variance.
  int count_for_wanted_share(Exec& exec, const Array<double, 1>& values) const {
    const auto host = to_host(exec, values.view());
    return count_for_share({host.data(), host.data() + host.size()},
                           std::get<Ncomp::Share>(params_.ncomp.value).variance);
  }

  Array<double, 1> sums_of_rows(Exec& exec, const Region& region, Prepared& made) const {
    Array<double, 1> sums(exec, {made.rows.count()});
    if (made.rows.targets > 0)
      row_sums(exec, scaled_targets(exec, region, made), made.used, slice(sums.view(), 0, made.rows.targets));
    if (made.rows.references > 0)
      row_sums(exec, scaled_references(exec, region, made), made.used,
               slice(sums.view(), made.rows.targets, made.rows.references));
    return sums;
  }

  /// Columns that take part.
  static index_t used_pixels(Exec& exec, const Region& region, const Prepared& made) {
    if (made.used.size() == 0) return region.pixels();
    const auto flags = to_host(exec, made.used);
    return region.pixels() - std::count(flags.data(), flags.data() + flags.size(), std::uint8_t{0});
  }

  /// Counts for each variant where all libraries get the same; nothing for `auto`.
  std::vector<int> common_counts(Exec& exec, const RegionGram& grams) const {
    if (listed() != nullptr) return *listed();
    if (automatic()) return {};
    return {count_for_wanted_share(exec, decompose(exec, grams, grams.library.extent(0)).values)};
  }

  /// Where the count depends on the eigenvalues, all pairs are made, and those kept that it asks for.
  void prepare_shared(Exec& exec, const Region& region, const RegionGram& grams, Prepared& made) const {
    const index_t n = made.rows.count();
    const Eigenpairs pairs =
        decompose(exec, grams, listed() != nullptr ? std::min<index_t>(std::ranges::max(*listed()), n) : n);
    if (listed() != nullptr)
      made.counts = *listed();
    else if (automatic())
      made.counts = {automatic_count(exec, region, made, pairs.values, pairs.vectors)};
    else
      made.counts = {count_for_wanted_share(exec, pairs.values)};
    const index_t k = std::min<index_t>(std::ranges::max(made.counts), n);
    keep_components(exec, region, slice(pairs.values.view(), 0, k), slice(pairs.vectors.view(), 0, k), grams.cross,
                    made);
  }

  /// Whether the randomized SVD serves: for one library of one kind of frames. Where each target has its own library,
  /// or the references join the targets, the Gram matrix is needed anyway, and its eigenpairs are exact.
  bool from_frames(const Region& region, const LibraryRows& rows) const {
    return params_.svd_mode == SvdMode::randomized && region.shares_library() &&
           (rows.targets == 0 || rows.references == 0);
  }

  /// Without a Gram matrix no NaN would show: masked pixels are looked for first. Region by region: their pixels take
  /// turns in the same memory (RegionBatch::load), and one has work for all threads.
  void prepare_from_frames(Exec& exec, const Region& region, Prepared& made) const {
    made.used = region.used;
    leave_out_masked(exec, region, made);
    const Matrix<const float> targets = scaled_targets(exec, region, made);
    const Matrix<const float> references = scaled_references(exec, region, made);
    const index_t n = made.rows.count(), frames = targets.extent(0);
    made.counts = *listed();
    const index_t k = std::min<index_t>(std::ranges::max(made.counts), n);
    Array<double, 1> values(exec, {k});
    Array<double, 2> vectors(exec, {k, n}), cross;
    svd_randomized(exec, made.rows.targets > 0 ? targets : references, made.used, values.view(), vectors.view(),
                   {.seed = params_.seed});
    require(all_finite(exec, values.view()), "pca: ", region.name, ": the squares of the pixels overflow");
    if (made.rows.targets == 0) {
      cross = Array<double, 2>(exec, {frames, n});
      cross_gram(exec, targets, references, made.used, cross.view());
    }
    keep_components(exec, region, values.view(), vectors.view(), cross, made);
  }

  /// From eigenpairs of a shared library to the factors of the model. cross (t, n): as in RegionGram.
  static void keep_components(Exec& exec, const Region& region, Vector<const double> values,
                              Matrix<const double> vectors, const Array<double, 2>& cross, Prepared& made) {
    const index_t k = vectors.extent(0), n = vectors.extent(1), frames = region.targets.extent(0);
    for (int& count : made.counts) count = static_cast<int>(std::min<index_t>(count, k));
    // A target that is in the library has its entry of the eigenvector as score: no division by
    // small eigenvalues.
    made.right = Array<float, 2>(exec, {k, n});
    made.left = Array<float, 2>(exec, {frames, k});
    to_single(exec, vectors, values, false, made.right.view());
    if (made.rows.targets > 0) {
      const Matrix<const double> transposed(vectors.data(), {frames, k}, {1, n});
      to_single(exec, transposed, values, true, made.left.view());
    } else {
      Array<double, 2> scores(exec, {frames, k});
      component_scores(exec, cross.view(), {values.data(), {1, k}}, {vectors.data(), {1, k, n}}, scores.view());
      to_single(exec, scores.view(), values, true, made.left.view());
    }
  }

  int automatic_count(Exec& exec, const Region& region, Prepared& made, const Array<double, 1>& values,
                      const Array<double, 2>& vectors) const {
    const index_t n = vectors.extent(1);
    const auto sums = sums_of_rows(exec, region, made);
    const auto size = to_device(exec, std::vector<index_t>{n});
    Array<index_t, 1> count(exec, {1});
    automatic_counts(exec, {values.data(), {1, n}}, {vectors.data(), {1, n, n}}, size.view(), sums.view(),
                     used_pixels(exec, region, made), params_.tol, count.view());
    return static_cast<int>(to_host(exec, count.view()).data()[0]);
  }

  /// A library for each target: many small eigenproblems, some targets at a time.
  void prepare_each(Exec& exec, const Region& region, const RegionGram& grams, Prepared& made,
                    RegionShare& share) const {
    const index_t n = made.rows.count(), frames = region.targets.extent(0);
    std::vector<IndexSet> sets;
    index_t largest = 0;
    for (const RowSet& library : region.libraries) {
      IndexSet set = library.indices();
      for (index_t& row : set) row -= made.rows.skipped;
      largest = std::max(largest, static_cast<index_t>(set.size()));
      sets.push_back(std::move(set));
    }
    const std::vector<int> counts = common_counts(exec, grams);
    const index_t wanted = counts.empty() ? largest : *std::max_element(counts.begin(), counts.end());
    const index_t k = std::min(wanted, largest);
    for (std::size_t v = 0; v < std::max<std::size_t>(counts.size(), 1); ++v)
      made.weights.emplace_back(exec, Extents<2>{frames, n});
    made.found.assign(made.weights.size(), {region.name, n, 0});
    const auto sums = automatic() ? sums_of_rows(exec, region, made) : Array<double, 1>(exec, {0});
    const index_t pixels = automatic() ? used_pixels(exec, region, made) : 0;

    constexpr index_t kBytes = index_t{16} << 20;  // of eigenvectors at a time
    const index_t most = std::clamp<index_t>(kBytes / (k * n * 8), 1, frames);
    Array<double, 2> values(exec, {most, k}), scores(exec, {most, k});
    Array<double, 3> vectors(exec, {most, k, n});
    for (index_t first = 0; first < frames; first += most) {
      const index_t count = std::min(most, frames - first);
      const auto some_values = slice(values.view(), 0, count);
      const auto some_scores = slice(scores.view(), 0, count);
      const auto some_vectors = slice(vectors.view(), 0, count);
      const std::vector<IndexSet> some(sets.begin() + first, sets.begin() + first + count);
      eigh_top_subsets(exec, {grams.library.data(), {1, n, n}}, some, k, some_values, some_vectors);
      component_scores(exec, slice(grams.of_targets(made.rows, frames), first, count), some_values, some_vectors,
                       some_scores);
      for (std::size_t v = 0; v < made.weights.size(); ++v) {
        Array<index_t, 1> some_counts(exec, {count});
        if (automatic()) {
          std::vector<index_t> sizes;
          sizes.reserve(some.size());
          for (const IndexSet& set : some) sizes.push_back(static_cast<index_t>(set.size()));
          const auto on_device = to_device(exec, std::move(sizes));
          automatic_counts(exec, some_values, some_vectors, on_device.view(), sums.view(), pixels, params_.tol,
                           some_counts.view());
          const auto chosen = to_host(exec, some_counts.view());
          for (index_t i = 0; i < count; ++i) take_in(made.found[v], chosen.data()[i]);
        } else {
          some_counts =
              to_device(exec, std::vector<index_t>(static_cast<std::size_t>(count), std::min<index_t>(counts[v], k)));
          for (const IndexSet& set : some)
            take_in(made.found[v], std::min(static_cast<index_t>(set.size()), std::min<index_t>(counts[v], k)));
        }
        component_coefficients(exec, some_scores, some_vectors, some_counts.view(),
                               slice(made.weights[v].view(), first, count));
      }
      share.reach(kShareOfGrams + (kShareOfLibraries - kShareOfGrams) * static_cast<double>(first + count) /
                                      static_cast<double>(frames));
    }
  }

  static void take_in(ComponentCount& found, index_t count) {
    found.least = std::min(found.least, count);
    found.most = std::max(found.most, count);
  }

  void apply(Exec& exec, const Region& region, Prepared& made, std::size_t variant, RegionShare& share) const {
    if (region.shares_library())
      apply_shared(exec, region, made, made.counts[variant], share);
    else
      subtract_library(exec, region, made, made.weights[variant].view(), {}, scaled_targets(exec, region, made), share);
    if (made.unmasked) mask_columns(exec, made.unmasked.view(), region.residual);
  }

  /// residual = rest - weights (of the library rows) times the library, the weights being `left` alone, or
  /// left right. Where targets are in the library, `rest` is what stands for them.
  static void subtract_library(Exec& exec, const Region& region, const Prepared& made, Matrix<const float> left,
                               Matrix<const float> right, Matrix<const float> rest, RegionShare& share) {
    const auto subtract = [&](index_t begin, index_t rows, Matrix<const float> y, Matrix<const float> x,
                              Matrix<float> out) {
      if (right.size() > 0)
        subtract_product(exec, left, column_range(right, begin, rows), y, x, out);
      else
        subtract_product(exec, column_range(left, begin, rows), y, x, out);
    };
    share.in_parts(region.rows(), kShareOfLibraries, 1, [&](index_t first, index_t count) {
      Matrix<const float> x = column_range(rest, first, count);
      const Matrix<float> out = column_range(region.residual, first, count);
      if (made.rows.targets > 0) {
        subtract(0, made.rows.targets, x, x, out);
        x = out;
      }
      if (made.rows.references > 0)
        subtract(made.rows.targets, made.rows.references, column_range(scaled(region, made), first, count), x, out);
    });
  }

  /// The references as prepared.
  static Matrix<const float> scaled(const Region& region, const Prepared& made) {
    return made.references ? static_cast<const Array<float, 2>&>(made.references).view() : region.references;
  }

  /// Goes on from the residual of the variant before where that lacks fewer components: the further
  /// components are orthogonal to those. Not with two kinds of library frames, since the residual
  /// is then no stand-in for the targets among them.
  void apply_shared(Exec& exec, const Region& region, Prepared& made, int count, RegionShare& share) const {
    const bool both = made.rows.targets > 0 && made.rows.references > 0;
    const bool go_on = made.removed >= 0 && made.removed <= count && !both;
    if (go_on && made.removed == count) return;
    const index_t first = go_on ? made.removed : 0, more = count - first;
    Matrix<const float> rest = go_on ? Matrix<const float>(region.residual) : scaled_targets(exec, region, made);
    subtract_library(exec, region, made, column_range(Matrix<const float>(made.left.view()), first, more),
                     slice(Matrix<const float>(made.right.view()), first, more), rest, share);
    made.removed = count;
  }

  Params params_;
};

const Registration<Pca> registration("pca", "principal components of the library are projected out (PCA, KLIP)");

}  // namespace
}  // namespace hci
