// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>
#include <utility>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/linalg/gram.hpp"

namespace hci {

/// How pixel values are made comparable before a decomposition; names as in VIP.
enum class Scaling { none, temp_mean, spat_mean, temp_standard, spat_standard };

constexpr auto enum_names(Scaling) {
  return std::array<std::pair<std::string_view, Scaling>, 5>{{{"none", Scaling::none},
                                                              {"temp-mean", Scaling::temp_mean},
                                                              {"spat-mean", Scaling::spat_mean},
                                                              {"temp-standard", Scaling::temp_standard},
                                                              {"spat-standard", Scaling::spat_standard}}};
}

/// out = x scaled: temp: each column minus its mean over the rows; spat: each row minus its mean over the
/// used columns; standard: and divided by the standard deviation (of n, not n - 1; by 1 where it is 0).
///   x (t, p), out (t, p) on the Exec's device, may be the same, rows of unit stride
/// Statistics are in double. Columns that are not used are scaled like the others. NaN makes its column NaN (temp), or,
/// in a used column, its row (spat).
void scale_rows(Exec& exec, Matrix<const float> x, UsedColumns used, Scaling scaling, Matrix<float> out);

}  // namespace hci
