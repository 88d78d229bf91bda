// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/linalg/gram.hpp"
#include "models/psfsub/references.hpp"

namespace hci {

/// One set of pixels in which the star is subtracted: the whole frame, an annulus, a sector.
/// The rows of a region are its targets and then its references, numbered through.
struct Region {
  /// For messages: "annulus 2 of 12 (4 to 8 px), segment 1 of 3".
  std::string name;
  Matrix<const float> targets;     ///< (t, p) frames of the science target, p the region's pixels
  Matrix<const float> references;  ///< (r, p) frames of other stars; no rows where there are none
  /// The rows that may serve as library: one set for each target, or a single one that serves all.
  std::vector<RowSet> libraries;
  /// (p) which columns take part in the model; what the residual holds in the others is not looked
  /// at. Nothing: all.
  UsedColumns used;
  Matrix<float> residual;  ///< (t, p) to be filled; overlaps neither targets nor references

  index_t rows() const { return targets.extent(0) + references.extent(0); }
  index_t pixels() const { return targets.extent(1); }
  bool shares_library() const { return libraries.size() == 1; }
};

/// Components that were removed from the targets of a region: the least and the most, where each has a library of its
/// own, else the same.
struct ComponentCount {
  std::string region;
  index_t least = 0, most = 0;
};

/// What a subtraction works on: regions that have nothing to do with each other. All arrays are on
/// the Exec's device, rows have unit stride. A column that is NaN in any row (a masked pixel) takes
/// no part in anything and is NaN in all rows of the residual.
struct RegionBatch {
  std::vector<Region> regions;
  /// Where given, the regions share the memory of their pixels. load(i) puts the targets and references
  /// of region i there; until the next load they and the residual are its own. To be called before the
  /// pixels of a region are looked at; each region may be loaded more than once.
  std::function<void(std::size_t region)> load;
  /// Where given: to be called when the residual of a region is enqueued, for each variant.
  std::function<void(std::size_t region)> store;
  /// A library with fewer rows than the components asked for gives fewer components (annuli), or is
  /// an error (full frame).
  bool small_libraries_are_errors = false;
  /// To be called for each variant, in order, when its residual is enqueued in all regions; the
  /// callee reads it before the next variant overwrites it.
  std::function<void(std::size_t variant)> finished;
  /// Where given: to be called once for each variant and region by algorithms that remove components.
  std::function<void(std::size_t variant, const ComponentCount& count)> removed;
  /// Where given: to be called as work is enqueued, with a number of columns. For each variant and
  /// region they sum up to its columns; RegionShare (models/psfsub/region_share.hpp) does it.
  std::function<void(index_t columns)> advance;
};

/// The size of a subtraction, for what it holds.
struct SubtractionSize {
  std::size_t frames = 0;      ///< of the target
  std::size_t references = 0;  ///< frames of other stars
  std::size_t library = 0;     ///< rows that may be in a library: the one, the other, or both together
  bool own_libraries = false;  ///< each target has its own
  std::size_t regions = 1;
  std::size_t pixels = 0;  ///< of the largest region
};

/// Removes the star's light from frames. An algorithm derives from it, lives in one file, registers
/// itself by name (models/psfsub/registry.hpp), and never sees frames, geometry or angles.
class PsfSubtraction {
 public:
  virtual ~PsfSubtraction() = default;

  /// What each residual is called, in the order in which subtract() makes them: one entry, or one
  /// for each member of a list ("ncomp 5", "ncomp 10").
  virtual std::vector<std::string> variants() const { return {""}; }

  /// How the libraries of this algorithm are chosen.
  virtual LibraryRules library_rules() const { return {}; }

  /// Whether the product of annuli is 0 inside radius_int, see central_disc().
  virtual bool masks_inner_radius() const { return false; }

  /// What subtract() holds beside its batch where that may be large, in words for a message:
  /// {{bytes, "matrices"}}; a few MB need not be told.
  virtual std::vector<std::pair<std::size_t, const char*>> work_memory(const SubtractionSize& size) const {
    static_cast<void>(size);
    return {};
  }

  /// Throws InvalidInput where a subtraction of this size cannot give what was asked for: what subtract() would find,
  /// as far as it shows before there are frames.
  virtual void check(const SubtractionSize& size, bool small_libraries_are_errors) const {
    static_cast<void>(size);
    static_cast<void>(small_libraries_are_errors);
  }

  /// Fills the residual of every region for each variant. Throws InvalidInput where the regions do
  /// not allow what was asked for.
  virtual void subtract(Exec& exec, const RegionBatch& batch) const = 0;
};

}  // namespace hci
