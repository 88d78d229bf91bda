// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

// What every linear PSF subtraction ends with: frames minus combinations of library frames, in
// single precision. Columns are pixels; a NaN stays in its column. All arrays are on the Exec's
// device, rows of unit stride. `out` may be x, or y, or both of them; it may not overlap them otherwise.

/// out = x - c y.   c (t, s), y (s, p), x (t, p), out (t, p)
void subtract_product(Exec& exec, Matrix<const float> c, Matrix<const float> y, Matrix<const float> x,
                      Matrix<float> out);

/// out = x - a (b y), with few rows in b: a projection.   a (t, k), b (k, s), y (s, p), x (t, p), out (t, p)
void subtract_product(Exec& exec, Matrix<const float> a, Matrix<const float> b, Matrix<const float> y,
                      Matrix<const float> x, Matrix<float> out);

}  // namespace hci
