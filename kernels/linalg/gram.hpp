// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// Which columns take part in a sum over columns: (p) flags on the Exec's device, 0 = left out, the
/// values there (NaN) do not matter. A view of nothing: all.
using UsedColumns = Vector<const std::uint8_t>;

/// g = x xᵀ: scalar products of all pairs of rows, in double precision throughout: a float32 Gram
/// matrix of raw frames spoils the small eigenvalues.
///   x (t, p) float, rows of unit stride;  g (t, t) double, both triangles filled, rows may be apart
/// A NaN in a used column spreads to its row and column of g. Same bits for any number of threads.
void gram(Exec& exec, Matrix<const float> x, UsedColumns used, Matrix<double> g);

/// g(b) = gram() of region b, the columns borders[b] .. borders[b + 1] - 1 of x: the annuli or segments of a sequence
/// side by side.
///   x (t, P) float, rows of unit stride   borders (b + 1) on the host, ascending, no region empty   used (P)
///   g (b, t, t) double, rows of unit stride
/// On the CPU with the bits of gram().
void gram_batch(Exec& exec, Matrix<const float> x, const std::vector<index_t>& borders, UsedColumns used,
                View<double, 3> g);

/// g = a bᵀ, as gram().  a (s, p), b (t, p), g (s, t); rows of g may be apart.
void cross_gram(Exec& exec, Matrix<const float> a, Matrix<const float> b, UsedColumns used, Matrix<double> g);

/// sums(t) = the sum of row t over the used columns, in double.
void row_sums(Exec& exec, Matrix<const float> x, UsedColumns used, Vector<double> sums);

/// Whether no value is NaN or infinite; the values may be apart. Waits.
bool all_finite(Exec& exec, Vector<const double> values);

}  // namespace hci
