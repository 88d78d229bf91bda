// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/core/array.hpp"
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// Rows (and columns) of a matrix: ascending, on the host.
using IndexSet = std::vector<index_t>;

// Libraries of frames as index sets of Gram matrices: their principal submatrices are gathered side by
// side, all of the size m of the largest; shorter sets are filled up with -1. All arrays on the
// Exec's device.

/// Throws InvalidInput, in the name of `what`, unless each set is ascending and within 0 .. n - 1.
void check_sets(const char* what, const std::vector<IndexSet>& sets, index_t n);

/// How many of the sets belong to each matrix: the first so many to the first one, and so on. Throws InvalidInput, in
/// the name of `what`, unless all matrices get as many.
index_t sets_of_each(const char* what, index_t matrices, index_t sets);

/// The sets as index (b, m), m at least `least`, filled up with -1, after check_sets().
Array<index_t, 2> index_table(Exec& exec, const std::vector<IndexSet>& sets, index_t n, index_t least = 1);

/// out(b, i, j) = a(of(b), index(b, i), index(b, j)). Where there is no index the row and column are 0 and the
/// diagonal is -|submatrix|_F: eigenvalues of their own, below all others.
///   a (any, n, n) rows of unit stride   of (b) the set's matrix; nothing: the first   index (b, m)   out (b, m, m)
/// any_short = false: the caller knows that every set has m members, so that no diagonal has to be made up.
void gather_submatrices(Exec& exec, View<const double, 3> a, Vector<const index_t> of, Matrix<const index_t> index,
                        View<double, 3> out, bool any_short = true);

/// out(b, r, i) = a(of(b), r, index(b, i)), 0 where there is no index: rows of matrices, or vectors, cut down to sets.
///   a (any, r, n)   of (b) as above   index (b, m)   out (b, r, m)
void gather_entries(Exec& exec, View<const double, 3> a, Vector<const index_t> of, Matrix<const index_t> index,
                    View<double, 3> out);

/// The way back: out(b, r, index(b, i)) = v(b, r, i), 0 elsewhere.   v (b, r, m)   out (b, r, n)
void scatter_entries(Exec& exec, View<const double, 3> v, Matrix<const index_t> index, View<double, 3> out);

}  // namespace hci
