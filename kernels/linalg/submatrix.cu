// SPDX-License-Identifier: MIT
#include "kernels/linalg/submatrix.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"

// All are bound by memory (no flops but the squares, two an entry): 24 bytes an entry of a submatrix (8 for the
// squares, which only short sets need, 8 to read, 8 to write), 16 of a vector. 100 submatrices of order 469 (22 M
// entries): 0.53 GB if nothing stayed in the cache, where the matrix that they come from (1.9 MB) does: 8 bytes an
// entry are left, 41 us on an H200 (4.3 TB/s), 0.55 ms on a GTX 1080 (0.32 TB/s). The filled diagonals of short sets
// add up m squares each, which only as many threads do as there are such places. Blocks of 32 x 8 threads of
// for_each(), neighbours along a row: neighbouring members lie side by side but for a gap.

namespace hci {
namespace {

/// Number of the matrix that set b belongs to.
HCI_HD index_t matrix_of(const Vector<const index_t>& of, index_t b) { return of.size() == 0 ? 0 : of(b); }

struct SquaresOfRow {
  View<const double, 3> a;
  Vector<const index_t> of;
  Matrix<const index_t> index;
  Matrix<double> squares;
  HCI_HD void operator()(index_t b, index_t i) const {
    double sum = 0;
    for (index_t j = 0; j < index.extent(1); ++j)
      if (index(b, i) >= 0 && index(b, j) >= 0) {
        const double value = a(matrix_of(of, b), index(b, i), index(b, j));
        sum += value * value;
      }
    squares(b, i) = sum;
  }
};

struct GatherSubmatrix {
  View<const double, 3> a;
  Vector<const index_t> of;
  Matrix<const index_t> index;
  Matrix<const double> squares;
  View<double, 3> out;
  HCI_HD void operator()(index_t b, index_t i, index_t j) const {
    const index_t row = index(b, i), column = index(b, j);
    double value = 0;
    if (row >= 0 && column >= 0) {
      value = a(matrix_of(of, b), row, column);
    } else if (i == j) {
      for (index_t r = 0; r < index.extent(1); ++r) value += squares(b, r);
      value = -std::sqrt(value);
    }
    out(b, i, j) = value;
  }
};

struct GatherEntry {
  View<const double, 3> a;
  Vector<const index_t> of;
  Matrix<const index_t> index;
  View<double, 3> out;
  HCI_HD void operator()(index_t b, index_t r, index_t i) const {
    out(b, r, i) = index(b, i) < 0 ? 0 : a(matrix_of(of, b), r, index(b, i));
  }
};

struct ScatterEntry {
  View<const double, 3> v;
  Matrix<const index_t> index;
  View<double, 3> out;
  HCI_HD void operator()(index_t b, index_t r, index_t i) const {
    if (index(b, i) >= 0) out(b, r, index(b, i)) = v(b, r, i);
  }
};

struct Zero {
  View<double, 3> out;
  HCI_HD void operator()(index_t b, index_t r, index_t i) const { out(b, r, i) = 0; }
};

}  // namespace

void check_sets(const char* what, const std::vector<IndexSet>& sets, index_t n) {
  for (const IndexSet& set : sets)
    require(std::adjacent_find(set.begin(), set.end(), std::greater_equal<>()) == set.end() &&
                (set.empty() || (set.front() >= 0 && set.back() < n)),
            what, ": an index set is not ascending or outside 0 .. ", n - 1);
}

index_t sets_of_each(const char* what, index_t matrices, index_t sets) {
  require(matrices > 0 && sets % matrices == 0, what, ": ", sets, " index sets cannot be shared out evenly among ",
          matrices, " matrices");
  return sets / matrices;
}

Array<index_t, 2> index_table(Exec& exec, const std::vector<IndexSet>& sets, index_t n, index_t least) {
  check_sets("index_table", sets, n);
  auto most = static_cast<std::size_t>(least);
  for (const IndexSet& set : sets) most = std::max(most, set.size());
  std::vector<index_t> table(sets.size() * most, -1);
  for (std::size_t b = 0; b < sets.size(); ++b) std::copy(sets[b].begin(), sets[b].end(), table.data() + b * most);
  Array<index_t, 2> on_device(exec, {static_cast<index_t>(sets.size()), static_cast<index_t>(most)});
  copy_bytes(exec, to_device(exec, std::move(table)).data(), on_device.data(), on_device.bytes());
  return on_device;
}

void gather_submatrices(Exec& exec, View<const double, 3> a, Vector<const index_t> of, Matrix<const index_t> index,
                        View<double, 3> out, bool any_short) {
  const index_t batch = index.extent(0), m = index.extent(1);
  require(a.extent(1) == a.extent(2) && out.extents() == Extents<3>{batch, m, m}, "gather_submatrices: ", batch,
          " submatrices of order ", m, " do not fit");
  require(of.size() == 0 || of.size() == batch, "gather_submatrices: ", of.size(), " numbers of matrices for ", batch,
          " sets");
  Array<double, 2> squares(exec, {any_short ? batch : 0, m});
  for_each(exec, squares.extents(), SquaresOfRow{a, of, index, squares.view()});
  for_each(exec, out.extents(), GatherSubmatrix{a, of, index, squares.view(), out});
}

void gather_entries(Exec& exec, View<const double, 3> a, Vector<const index_t> of, Matrix<const index_t> index,
                    View<double, 3> out) {
  require(out.extents() == Extents<3>{index.extent(0), a.extent(1), index.extent(1)} &&
              (of.size() == 0 || of.size() == index.extent(0)),
          "gather_entries: shapes differ");
  for_each(exec, out.extents(), GatherEntry{a, of, index, out});
}

void scatter_entries(Exec& exec, View<const double, 3> v, Matrix<const index_t> index, View<double, 3> out) {
  require(v.extent(0) == index.extent(0) && v.extent(2) == index.extent(1) && out.extent(0) == v.extent(0) &&
              out.extent(1) == v.extent(1),
          "scatter_entries: shapes differ");
  for_each(exec, out.extents(), Zero{out});
  for_each(exec, v.extents(), ScatterEntry{v, index, out});
}

}  // namespace hci
