// SPDX-License-Identifier: MIT
#pragma once
// Scalar products of a region's rows, for the algorithms that need no more of the pixels than that.
#include "kernels/core/array.hpp"
#include "kernels/linalg/gram.hpp"
#include "models/psfsub/psf_subtraction.hpp"

namespace hci {

/// The library rows of a region, as far as any target uses them: references only (RDI), targets
/// only (ADI), or both (ARDI).
struct LibraryRows {
  index_t targets = 0;     ///< in use: all of them, or none
  index_t references = 0;  ///< in use
  index_t skipped = 0;     ///< rows of the region in front of the first one
  index_t count() const { return targets + references; }
};
LibraryRows library_rows(const Region& region);

/// What region_gram() gives; double, on the Exec's device.
struct RegionGram {
  Array<double, 2> library;  ///< (n, n) of the library rows
  Array<double, 2> cross;    ///< (t, n) of targets and library; none where the targets are in the library
  /// (t, n): its rows of the targets.
  Matrix<const double> of_targets(const LibraryRows& rows, index_t frames) const {
    return rows.targets > 0 ? slice(library.view(), 0, frames) : cross.view();
  }
};

/// Scalar products over the used columns.
///   targets     (t, p), references (r, p) as they enter the products: scaled where an algorithm scales
///   rows        which of them are the library
/// See gram() for NaN.
RegionGram region_gram(Exec& exec, Matrix<const float> targets, Matrix<const float> references, UsedColumns used,
                       const LibraryRows& rows);

/// Whether no pixel in it was NaN or infinite. Waits.
bool is_finite(Exec& exec, const RegionGram& gram);

}  // namespace hci
