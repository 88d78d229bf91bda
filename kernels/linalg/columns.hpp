// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

// Columns of matrices whose rows are frames: how regions are cut out and put back. All arrays are
// on the Exec's device. Copies: NaN goes along, nothing is rounded. The columns' numbers lie on the device, where
// nobody looks at them: they must be 0 .. p - 1 of the matrix that they index. InvalidInput is thrown where shapes do
// not fit.

/// out(t, p) = in(t, columns(p)).
void gather_columns(Exec& exec, Matrix<const float> in, Vector<const index_t> columns, Matrix<float> out);

/// out(t, columns(p)) = in(t, p); the columns are distinct.
void scatter_columns(Exec& exec, Matrix<const float> in, Vector<const index_t> columns, Matrix<float> out);

/// out(t, columns(p)) = value for all rows.
void fill_columns(Exec& exec, float value, Vector<const index_t> columns, Matrix<float> out);

/// used(p) = 0 where column p holds a NaN or an infinity in any row; elsewhere it stays as it is.
void unuse_masked_columns(Exec& exec, Matrix<const float> x, Vector<std::uint8_t> used);

/// x(t, p) = NaN for all rows where used(p) is 0.
void mask_columns(Exec& exec, Vector<const std::uint8_t> used, Matrix<float> x);

}  // namespace hci
