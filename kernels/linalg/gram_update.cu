// SPDX-License-Identifier: MIT
#include "kernels/linalg/gram_update.hpp"

#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"

// Work of a pair of rows: 2 s gathered products and one merge of two lists of s, 8 s bytes read from L1 or
// L2: the stamps and the pixels under them (t x s floats, 200 kB for 489 frames and 100 pixels) are read by
// every row and stay in the cache. 489 frames, s = 100: 24 M gathers an injection, 0.1 ms on an H200 (132
// multiprocessors x 32 gathers a cycle at 1.8 GHz, a third of it reached), 0.8 ms on a GTX 1080. A thread
// has one pair of rows: a warp shares row t's stamp by broadcast.

namespace hci {
namespace {

struct AddStamps {
  Matrix<const float> x;
  Matrix<const double> g;
  View<const index_t, 3> columns;
  View<const float, 3> values;
  View<double, 3> out;

  /// The stamp of row t times row u.
  HCI_HD double stamp_times_row(index_t b, index_t t, index_t u) const {
    const index_t pixels = x.extent(1);
    const Vector<const index_t> at = columns[b][t];
    const Vector<const float> stamp = values[b][t], row = x[u];
    double sum = 0;
    for (index_t s = 0; s < at.extent(0); ++s) {
      const index_t column = at(s);
      if (column >= pixels) break;
      sum += static_cast<double>(stamp(s)) * static_cast<double>(row(column));
    }
    return sum;
  }

  /// The stamps of rows t and u where they overlap.
  HCI_HD double stamp_times_stamp(index_t b, index_t t, index_t u) const {
    const index_t pixels = x.extent(1), most = columns.extent(2);
    const Vector<const index_t> at_t = columns[b][t], at_u = columns[b][u];
    const Vector<const float> of_t = values[b][t], of_u = values[b][u];
    double sum = 0;
    index_t i = 0, j = 0;
    while (i < most && j < most) {
      const index_t left = at_t(i), right = at_u(j);
      if (left >= pixels || right >= pixels) break;
      if (left == right) sum += static_cast<double>(of_t(i)) * static_cast<double>(of_u(j));
      i += left <= right;
      j += right <= left;
    }
    return sum;
  }

  HCI_HD void operator()(index_t b, index_t t, index_t u) const {
    if (u > t) return;
    const double sum = g(t, u) + (stamp_times_row(b, t, u) + stamp_times_row(b, u, t)) + stamp_times_stamp(b, t, u);
    out(b, t, u) = out(b, u, t) = sum;
  }
};

}  // namespace

void injected_grams(Exec& exec, Matrix<const float> x, Matrix<const double> g, View<const index_t, 3> columns,
                    View<const float, 3> values, View<double, 3> out) {
  const index_t rows = x.extent(0);
  require(x.stride(1) == 1, "injected_grams: the rows have gaps (stride ", x.stride(1), ")");
  require(g.extents() == Extents<2>{rows, rows}, "injected_grams: g is (", g.extent(0), ", ", g.extent(1), ") for ",
          rows, " rows");
  require(columns.extents() == values.extents() && columns.extent(1) == rows,
          "injected_grams: columns and values are not both (injections, ", rows, ", pixels)");
  require(out.extents() == Extents<3>{columns.extent(0), rows, rows}, "injected_grams: the result is not (",
          columns.extent(0), ", ", rows, ", ", rows, ")");
  for_each(exec, out.extents(), AddStamps{x, g, columns, values, out});
}

}  // namespace hci
