// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only: derotation of parts of a frame, by one thread.
#include "kernels/geometry/rotate_plan.hpp"
#include "kernels/stats/collapse.hpp"

namespace hci {

/// A part of the output frame: rows x columns pixels from (y, x) on.
struct Rectangle {
  index_t y, x, rows, columns;
};

/// Where pixels go: pixel (row, column) to first[row * row_step + column / 8 * group_step + column % 8].
struct Target {
  float* first;
  index_t row_step, group_step;
  float* at(index_t row, index_t column) const { return first + row * row_step + column / 8 * group_step + column % 8; }
};

/// Writes the derotated pixels of the rectangle, held to the range if there is one. The bits of a pixel do not depend
/// on the rectangle. Columns beyond the frame's edge are written too (what the rotation finds there). The source's x
/// axis must be dense.
void derotate_rectangle(const Frame<const float>& in, const Affine& map, const Interpolation& plan,
                        const Rectangle& part, const Target& out, const ValueRange* range = nullptr);

/// Asks for the source pixels of the rectangle, so that they are in the cache soon.
void prefetch_rectangle(const Frame<const float>& in, const Affine& map, const Rectangle& part);

/// The CPU's tuned derotate() by interpolation, for x axes that are dense.
void derotate_cpu(Exec& exec, const Interpolation& plan, Cube<float> out);

/// The CPU's tuned derotate_collapse() by interpolation, for cubes whose x axis is dense: tiles of
/// the output whose values of all frames stay in a core's cache until they are collapsed.
void derotate_collapse_cpu(Exec& exec, const Interpolation& plan, const CollapseOptions& collapsing, Frame<float> out);

}  // namespace hci
