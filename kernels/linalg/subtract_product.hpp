// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

// What every linear PSF subtraction ends with: frames minus combinations of library frames, in
// single precision. Columns are pixels; a NaN stays in its column. All arrays are on the Exec's
// device, rows of unit stride. `out` may be x, or y, or both of them; it may not overlap them otherwise. Sums of s (k)
// terms in float, in the order of the library's tiles: within s 2^-24 of the sum of the terms' sizes and of |x|. Throws
// InvalidInput where shapes do not fit.

/// out = x - c y.   c (t, s), y (s, p), x (t, p), out (t, p)
void subtract_product(Exec& exec, Matrix<const float> c, Matrix<const float> y, Matrix<const float> x,
                      Matrix<float> out);

/// out = x - a (b y), with few rows in b: a projection.   a (t, k), b (k, s), y (s, p), x (t, p), out (t, p)
void subtract_product(Exec& exec, Matrix<const float> a, Matrix<const float> b, Matrix<const float> y,
                      Matrix<const float> x, Matrix<float> out);

}  // namespace hci
