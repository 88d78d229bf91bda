// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// How frames become one frame. All ignore NaN; a pixel that is NaN in all frames stays NaN (0 for
/// sum and wmean, as in VIP's cube_collapse).
enum class Collapse { median, mean, sum, trimmean, max, absmean, wmean };

constexpr auto enum_names(Collapse) {
  return std::array<std::pair<std::string_view, Collapse>, 7>{{{"median", Collapse::median},
                                                               {"mean", Collapse::mean},
                                                               {"sum", Collapse::sum},
                                                               {"trimmean", Collapse::trimmean},
                                                               {"max", Collapse::max},
                                                               {"absmean", Collapse::absmean},
                                                               {"wmean", Collapse::wmean}}};
}

struct CollapseOptions {
  Collapse mode = Collapse::median;
  /// trimmean keeps this many central values (one more where the parities differ), as VIP's n.
  int trim_keep = 50;
  /// wmean: one weight for each frame, used as they are (not normalised).
  std::vector<double> weights;
};

/// out = the frames of `in` collapsed over t.  in (t, y, x), out (y, x), on the Exec's device.
/// Sums accumulate in double; the median of an even number of values is the mean of the middle two.
void collapse(Exec& exec, Cube<const float> in, const CollapseOptions& options, Frame<float> out);

}  // namespace hci
