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
  /// trimmean keeps this many central values, VIP's n, or one more where n and the number of frames
  /// T are not both odd or both even: the sorted values (T - n) / 2 up to that many further on. NaN
  /// sort last, as in VIP: a pixel with few values loses more low ones. More than T keeps all.
  int trim_keep = 50;
  /// wmean: one weight for each frame, used as they are (not normalised). None for the other modes.
  std::vector<double> weights = {};
};

/// Throws InvalidInput where the options do not fit a cube of this many frames, or would do nothing; `caller` opens
/// the message.
void check_collapse(const char* caller, index_t frames, const CollapseOptions& options);

/// out = the frames of `in` collapsed over t, rounded once to float32.
///   in   (t, y, x) with T >= 1 frames, on the Exec's device
///   out  (y, x) on the Exec's device
/// Sums accumulate in double in the order of t; order statistics are exact, and the median of an
/// even number of values is the mean of the middle two. So the same bits on every path.
void collapse(Exec& exec, Cube<const float> in, const CollapseOptions& options, Frame<float> out);

}  // namespace hci
