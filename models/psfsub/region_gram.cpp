// SPDX-License-Identifier: MIT
#include "models/psfsub/region_gram.hpp"

#include <algorithm>

namespace hci {

LibraryRows library_rows(const Region& region) {
  index_t first = region.rows(), last = 0;
  for (const RowSet& set : region.libraries)
    if (!set.ranges().empty()) {
      first = std::min(first, set.ranges().front().first);
      last = std::max(last, set.ranges().back().last);
    }
  const index_t frames = region.targets.extent(0);
  LibraryRows rows;
  rows.targets = first < frames ? frames : 0;
  rows.references = last > frames ? region.references.extent(0) : 0;
  rows.skipped = rows.targets > 0 ? 0 : frames;
  return rows;
}

RegionGram region_gram(Exec& exec, Matrix<const float> targets, Matrix<const float> references, UsedColumns used,
                       const LibraryRows& rows) {
  const index_t n = rows.count(), frames = rows.targets;
  RegionGram made;
  made.library = Array<double, 2>(exec, {n, n});
  double* g = made.library.data();
  const Extents<2> apart{n, 1};
  if (frames > 0) gram(exec, targets, used, {g, {frames, frames}, apart});
  if (rows.references > 0) {
    const index_t count = rows.references;
    gram(exec, references, used, {g + frames * (n + 1), {count, count}, apart});
    if (frames > 0) {
      cross_gram(exec, targets, references, used, {g + frames, {frames, count}, apart});
      cross_gram(exec, references, targets, used, {g + frames * n, {count, frames}, apart});
    } else {
      made.cross = Array<double, 2>(exec, {targets.extent(0), count});
      cross_gram(exec, targets, references, used, made.cross.view());
    }
  }
  return made;
}

/// A row with such a pixel has no finite product: its square on the diagonal tells, and for targets
/// outside the library the product with any library row that is clean.
bool is_finite(Exec& exec, const RegionGram& gram) {
  const index_t n = gram.library.extent(0);
  if (!all_finite(exec, {gram.library.data(), Extents<1>{n}, Extents<1>{n + 1}})) return false;
  if (!gram.cross) return true;
  return all_finite(exec, {gram.cross.data(), Extents<1>{gram.cross.extent(0)}, Extents<1>{gram.cross.extent(1)}});
}

}  // namespace hci
