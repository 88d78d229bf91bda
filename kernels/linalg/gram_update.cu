// SPDX-License-Identifier: MIT
#include "kernels/linalg/gram_update.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/linalg/gemm.hpp"

// The stamps of 64 rows in a row touch m columns, little more than one of them does (160 for 100 pixels that move by a
// pixel in ten frames). Of those columns the rows x + a/2 and the stamps a are narrow dense matrices, and with
// p = a (x + a/2)ᵀ the result is g + p + pᵀ: 2 t t m flops of one GEMM for each 64 rows. 489 frames: 76 MFLOP an
// injection, 2 us on an H200 (34 TFLOP/s in double), 0.3 ms on a GTX 1080; there the four launches and the wait for the
// columns, some 50 us, are most of it. The narrow matrices (2 flops a number) take 5 MB and come from the cache; the
// last step has 2 flops and 40 bytes for each pair of rows, 5 MB: 1 us on an H200 (4.3 TB/s), 15 us on a GTX 1080 (0.32
// TB/s). Blocks of 32 x 8 threads of for_each(), one for each number or pair.

namespace hci {
namespace {

constexpr index_t kRows = 64;  // whose stamps share their columns

/// What a task holds at a time, beside which a cube is large.
constexpr index_t kScratchBytes = index_t{64} << 20;

/// (block, m): the columns that the stamps of each block of rows touch, ascending; -1 at the end of shorter lists.
struct Touched {
  index_t blocks, most;
  std::vector<index_t> columns;
};
Touched touched_columns(const View<const index_t, 2>& columns, index_t pixels) {
  const index_t rows = columns.extent(0), blocks = (rows + kRows - 1) / kRows;
  std::vector<std::vector<index_t>> lists(static_cast<std::size_t>(blocks));
  std::vector<std::uint8_t> touched(static_cast<std::size_t>(pixels), 0);
  std::size_t most = 1;
  for (index_t block = 0; block < blocks; ++block) {
    auto& list = lists[static_cast<std::size_t>(block)];
    for (index_t t = block * kRows; t < std::min(rows, (block + 1) * kRows); ++t)
      for (index_t s = 0; s < columns.extent(1) && columns(t, s) < pixels; ++s) {
        std::uint8_t& flag = touched[static_cast<std::size_t>(columns(t, s))];
        if (flag == 0) list.push_back(columns(t, s));
        flag = 1;
      }
    std::sort(list.begin(), list.end());
    for (const index_t column : list) touched[static_cast<std::size_t>(column)] = 0;
    most = std::max(most, list.size());
  }
  Touched all{blocks, static_cast<index_t>(most), {}};
  for (auto& list : lists) {
    list.resize(most, -1);
    all.columns.insert(all.columns.end(), list.begin(), list.end());
  }
  return all;
}

/// The narrow matrices of some blocks, from `first` on; row u of block i. Columns of both lists ascend.
struct Narrow {
  Matrix<const float> x;
  Matrix<const index_t> columns;
  Matrix<const float> values;
  Matrix<const index_t> touched;
  index_t first;
  View<double, 3> stamps;  ///< a (i, row of the block, column)
  View<double, 3> rows;    ///< x + a/2 (i, row, column)
  HCI_HD void operator()(index_t i, index_t u) const {
    const index_t row_of_block = u - (first + i) * kRows;
    const bool member = row_of_block >= 0 && row_of_block < stamps.extent(1);
    index_t s = 0;
    for (index_t j = 0; j < touched.extent(1); ++j) {
      const index_t column = touched(first + i, j);
      while (s < columns.extent(1) && columns(u, s) < column) ++s;
      const bool added = column >= 0 && s < columns.extent(1) && columns(u, s) == column;
      const double a = added ? static_cast<double>(values(u, s)) : 0.0;
      rows(i, u, j) = column >= 0 ? static_cast<double>(x(u, column)) + 0.5 * a : 0.0;
      if (member) stamps(i, row_of_block, j) = a;
    }
  }
};

/// out <- g + out + outᵀ, of a pair of rows.
struct AddBoth {
  Matrix<const double> g;
  Matrix<double> out;
  HCI_HD void operator()(index_t t, index_t u) const {
    if (u > t) return;
    out(t, u) = out(u, t) = g(t, u) + (out(t, u) + out(u, t));
  }
};

void inject(Exec& exec, Matrix<const float> x, Matrix<const double> g, const Touched& all,
            Matrix<const index_t> columns, Matrix<const float> values, Matrix<double> out) {
  const index_t rows = x.extent(0), most = all.most, full = rows / kRows;
  const auto on_device = to_device(exec, all.columns);
  const Matrix<const index_t> touched(on_device.data(), {all.blocks, most});
  const index_t bytes = (rows + kRows) * most * index_t{sizeof(double)};
  const index_t at_once = std::clamp<index_t>(scratch_bytes(kScratchBytes) / bytes, 1, all.blocks);
  Array<double, 3> stamps(exec, {at_once, kRows, most}), narrow(exec, {at_once, rows, most});
  for (index_t first = 0; first < all.blocks;) {
    const index_t count = first < full ? std::min(at_once, full - first) : 1;
    const index_t height = first < full ? kRows : rows - full * kRows;
    const View<double, 3> a(stamps.data(), {count, height, most});
    const View<double, 3> b = slice(narrow.view(), 0, count);
    for_each(exec, Extents<2>{count, rows}, Narrow{x, columns, values, touched, first, a, b});
    gemm(
        exec, {.a = a, .b = b, .transposed = true},
        {out.data() + first * kRows * out.stride(0), {count, height, rows}, {kRows * out.stride(0), out.stride(0), 1}});
    first += count;
  }
  for_each(exec, out.extents(), AddBoth{g, out});
}

}  // namespace

void injected_grams(Exec& exec, Matrix<const float> x, Matrix<const double> g, View<const index_t, 3> columns,
                    View<const float, 3> values, View<double, 3> out) {
  const index_t rows = x.extent(0);
  require(x.stride(1) == 1, "injected_grams: the rows have gaps (stride ", x.stride(1), ")");
  require(g.extents() == Extents<2>{rows, rows}, "injected_grams: g is (", g.extent(0), ", ", g.extent(1), ") for ",
          rows, " rows");
  require(columns.extents() == values.extents() && columns.extent(1) == rows,
          "injected_grams: columns and values are not both (injections, ", rows, ", pixels)");
  require(out.extents() == Extents<3>{columns.extent(0), rows, rows} && out.stride(2) == 1,
          "injected_grams: the result is not (", columns.extent(0), ", ", rows, ", ", rows,
          ") with rows of unit stride");
  if (out.size() == 0) return;
  const auto host = to_host(exec, columns);
  for (index_t b = 0; b < out.extent(0); ++b)
    inject(exec, x, g, touched_columns(host.view()[b], x.extent(1)), columns[b], values[b], out[b]);
}

}  // namespace hci
