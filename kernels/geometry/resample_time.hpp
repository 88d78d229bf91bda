// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/stats/collapse.hpp"

namespace hci {

/// out(i) = the frames i group .. i group + group - 1 of in, collapsed: VIP's cube_subsample. Frames that do not
/// fill a group at the end are dropped.
///   in (t, y, x), out (t / group, y, x) on the Exec's device; NaN as in collapse(); options as of collapse() for a
///   group
/// A launch for each group on CUDA: bytes of a cube once, and 5 us for each, which is more for frames below some 300
/// px. Throws InvalidInput where shapes or options do not fit.
void subsample(Exec& exec, Cube<const float> in, index_t group, const CollapseOptions& options, Cube<float> out);

/// The angles (or what else is known of each frame) of such frames: the mean of each group, or its median for
/// Collapse::median. Throws InvalidInput for a group below 1.
std::vector<double> subsample(const std::vector<double>& values, index_t group, Collapse mode);

}  // namespace hci
