// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// Gram matrices of region matrices to which a few pixels were added: fake companions, many at a time.
/// With x' = x + a, a of few entries in each row,
///   g' = g + a xᵀ + x aᵀ + a aᵀ
/// costs the pixels that the stamps of 64 rows in a row touch instead of those of the region: for (489, 44100) and
/// stamps of 100 pixels that move by a pixel in ten rows 1/140 of gram()'s flops and, on two CPU cores, 1/40 of its
/// time. The slower the stamps move from row to row, the less it is.
///   x (t, p) float, rows of unit stride   g (t, t) double, its Gram matrix
///   columns (b, t, s), dense: for injection b and row t the columns of the added pixels, 0 or more, each once and
///     ascending; unused places at the end hold p or more, whichever
///   values (b, t, s) float, any strides: what is added there
///   out (b, t, t) double, both triangles, rows of unit stride
/// All on the Exec's device. Waits once for many injections, for the numbers of columns; neighbours whose stamps touch
/// about as many columns share their products: thousands go in one call. Double precision throughout, as gram(); the
/// sum x + a is not rounded to float before. NaN in a touched pixel (which g holds, too) or a value makes the row and
/// column of out NaN. The same bits for any number of threads. Throws InvalidInput where shapes do not fit, and for
/// columns that are negative or do not ascend; then `out` is in part written.
void injected_grams(Exec& exec, Matrix<const float> x, Matrix<const double> g, View<const index_t, 3> columns,
                    View<const float, 3> values, View<double, 3> out);

}  // namespace hci
