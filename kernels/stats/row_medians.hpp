// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// medians(s, p) = the median over the rows in sets[s] of x(., p); of an even number of values the
/// mean of the middle two. NaN where any of them is NaN, and for an empty set.
///   x (t, p), medians (s, p) on the Exec's device, any strides, no overlap
///   sets  row numbers, host
/// Exact. Throws InvalidInput for a row that is not there, and where shapes do not fit.
void row_medians(Exec& exec, Matrix<const float> x, const std::vector<std::vector<index_t>>& sets,
                 Matrix<float> medians);

/// out(t, p) = x(t, p) - factors(t) models(t, p). A column that holds a NaN in any row of x is NaN in
/// all rows. Any strides; out may be x or models.
///   models (t, p), or (1, p): the same for all   factors (t) double, or nothing: 1
void subtract_rows(Exec& exec, Matrix<const float> x, Matrix<const float> models, Vector<const double> factors,
                   Matrix<float> out);

}  // namespace hci
