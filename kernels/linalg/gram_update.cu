// SPDX-License-Identifier: MIT
#include "kernels/linalg/gram_update.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/packed_sets.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/linalg/gemm.hpp"

// The stamps of 64 rows in a row touch m columns, little more than one of them does (160 for 100 pixels that move by a
// pixel in ten frames). Of those columns the rows x + a/2 and the stamps a are narrow dense matrices, and with
// p = a (x + a/2)ᵀ the result is g + p + pᵀ: 2 t t m flops of one product for each 64 rows. Many injections go in one
// batch: all lists in one upload, and narrow matrices and products for many (injection, block of rows) at once.
//   489 frames: 76 MFLOP an injection, 2 us on an H200 (34 TFLOP/s in double), 0.3 ms on a GTX 1080 (0.28).
//   Narrow: 3 flops in double and 12 bytes a number, 0.6 M of them an injection, and as many columns to look up, from
//     the cache: 2 us on an H200 (4.3 TB/s), 23 us on a GTX 1080 (0.32 TB/s). A thread has one number, neighbours along
//     the row: what they write is whole lines, what they read of x runs of a stamp's row. Its place in the row's list
//     is found by halving, 7 steps for 100 pixels. On the CPU one call has a row and goes through both lists at once.
//   AddBoth: 2 flops and 24 bytes for each pair of rows, 5.7 MB: 1 us and 18 us; g comes from the cache.
// Blocks of 32 x 8 threads of for_each(), one for each number or pair. For one injection the launches and the wait for
// the columns, some 50 us, are most of it. Not measured on a GPU.

namespace hci {
namespace {

constexpr index_t kRows = 64;  // whose stamps share their columns

/// What a task holds at a time, beside which a cube is large; on the CPU what the cache keeps until it is multiplied.
constexpr index_t kScratchBytes = index_t{64} << 20, kScratchBytesOnCpu = index_t{4} << 20;

/// Narrow matrices have a multiple of these columns. Injections of the same width go together, others apart: so the
/// sums of one do not depend on who comes with it. Time is launches on CUDA, products on the CPU.
constexpr index_t kGrain = 64, kGrainOnCpu = 8;

/// The columns that the stamps of each block of rows touch, ascending: list b blocks + k is that of block k of
/// injection b.
std::vector<std::vector<index_t>> touched_columns(Exec& exec, const View<const index_t, 3>& on_device, index_t pixels) {
  const auto copied = exec.on_cuda() ? to_host(exec, on_device) : Array<index_t, 3>();
  const View<const index_t, 3> columns = exec.on_cuda() ? copied.view() : on_device;
  const index_t rows = columns.extent(1), blocks = (rows + kRows - 1) / kRows;
  std::vector<std::vector<index_t>> lists(static_cast<std::size_t>(columns.extent(0) * blocks));
  const auto none_touched = [pixels] { return std::vector<std::uint8_t>(static_cast<std::size_t>(pixels), 0); };
  parallel_for(exec.threads(), columns.extent(0), kEqualShares, none_touched, [&](auto& touched, index_t b) {
    for (index_t block = 0; block < blocks; ++block) {
      std::vector<index_t> list;
      for (index_t t = block * kRows; t < std::min(rows, (block + 1) * kRows); ++t)
        for (index_t s = 0; s < columns.extent(2) && columns(b, t, s) < pixels; ++s) {
          std::uint8_t& flag = touched[static_cast<std::size_t>(columns(b, t, s))];
          if (flag == 0) list.push_back(columns(b, t, s));
          flag = 1;
        }
      std::sort(list.begin(), list.end());
      for (const index_t column : list) touched[static_cast<std::size_t>(column)] = 0;
      lists[static_cast<std::size_t>(b * blocks + block)] = std::move(list);
    }
  });
  return lists;
}

/// What is multiplied at once: a block of rows of injections in a row, or blocks in a row of one injection.
struct Strip {
  index_t injection, block, count;
  bool of_injections;
  HCI_HD index_t injection_of(index_t i) const { return of_injections ? injection + i : injection; }
  HCI_HD index_t block_of(index_t i) const { return of_injections ? block : block + i; }
};

/// The narrow matrices of a strip: row u of item i, the columns of a tile; zeros where an item's list has ended.
/// The columns of both lists ascend.
struct Narrow {
  Matrix<const float> x;
  View<const index_t, 3> columns;
  View<const float, 3> values;
  Vector<const index_t> offsets, touched;
  index_t blocks;
  Strip strip;
  index_t width;           ///< of a tile
  View<double, 3> stamps;  ///< a (i, row of the block, column)
  View<double, 3> rows;    ///< x + a/2 (i, row, column)

  HCI_HD void operator()(index_t i, index_t u, index_t tile) const {
    const index_t b = strip.injection_of(i), k = strip.block_of(i), row_of_block = u - k * kRows;
    const index_t begin = offsets(b * blocks + k), count = offsets(b * blocks + k + 1) - begin;
    const index_t first = tile * width, end = first + width < rows.extent(2) ? first + width : rows.extent(2);
    const index_t last = end < count ? end : count;
    const bool member = row_of_block >= 0 && row_of_block < stamps.extent(1);
    const Vector<const index_t> list = slice(touched, begin, count);
    const Vector<const float> of_x = x[u];
    const Vector<double> sum = rows[i][u];
    for (index_t j = first; j < last; ++j) sum(j) = static_cast<double>(of_x(list(j)));
    for (index_t j = last > first ? last : first; j < end; ++j) sum(j) = 0;
    if (member)
      for (index_t j = first; j < end; ++j) stamps(i, row_of_block, j) = 0;
    if (first >= last) return;
    const Vector<const index_t> added = columns[b][u];
    for (index_t j = first, s = place_of(added, list(first)); j < last && s < added.extent(0);) {
      if (added(s) == list(j)) {
        const auto a = static_cast<double>(values(b, u, s));
        sum(j) += 0.5 * a;
        if (member) stamps(i, row_of_block, j) = a;
      }
      const bool behind = added(s) < list(j);
      j += behind ? 0 : 1;
      s += behind ? 1 : 0;
    }
  }

  /// The first place of an ascending list that holds `column` or more.
  HCI_HD static index_t place_of(const Vector<const index_t>& list, index_t column) {
    index_t low = 0, high = list.extent(0);
    while (low < high) {
      const index_t middle = (low + high) / 2;
      if (list(middle) < column)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
};

/// out <- g + out + outᵀ, of a pair of rows.
struct AddBoth {
  Matrix<const double> g;
  View<double, 3> out;
  HCI_HD void operator()(index_t b, index_t t, index_t u) const {
    if (u > t) return;
    out(b, t, u) = out(b, u, t) = g(t, u) + (out(b, t, u) + out(b, u, t));
  }
};

/// The products a (x + a/2)ᵀ, in out.
class Products {
 public:
  Products(Exec& exec, Matrix<const float> x, View<const index_t, 3> columns, View<const float, 3> values,
           View<double, 3> out)
      : exec_(exec), x_(x), columns_(columns), values_(values), out_(out) {
    const auto lists = touched_columns(exec, columns, x.extent(1));
    touched_ = pack_sets(exec, lists);
    const index_t grain = exec.on_cuda() ? kGrain : kGrainOnCpu;
    for (index_t b = 0; b < out.extent(0); ++b) {
      std::size_t most = 1;
      for (index_t k = 0; k < blocks(); ++k)
        most = std::max(most, lists[static_cast<std::size_t>(b * blocks() + k)].size());
      widths_.push_back((static_cast<index_t>(most) + grain - 1) / grain * grain);
    }
    const index_t least = doubles(*std::max_element(widths_.begin(), widths_.end()));
    const index_t wanted = scratch_bytes(exec.on_cuda() ? kScratchBytes : kScratchBytesOnCpu) / index_t{sizeof(double)};
    scratch_ = Array<double, 1>(exec, {std::clamp(wanted, least, least * std::max(blocks(), out.extent(0)))});
  }

  /// Makes those of injections from `first` on that may go together; how many these are.
  index_t make(index_t first) {
    const index_t at_once = scratch_.size() / doubles(width(first));
    index_t count = 1;
    while (count < at_once && first + count < out_.extent(0) && width(first + count) == width(first)) ++count;
    if (count >= blocks()) {
      for (index_t block = 0; block < blocks(); ++block) make(Strip{first, block, count, true});
      return count;
    }
    const index_t full = rows() / kRows;  // the last block may have fewer rows
    for (index_t block = 0; block < blocks();) {
      const index_t together = block < full ? std::min(at_once, full - block) : 1;
      make(Strip{first, block, together, false});
      block += together;
    }
    return 1;
  }

 private:
  index_t rows() const { return x_.extent(0); }
  index_t blocks() const { return (rows() + kRows - 1) / kRows; }
  index_t width(index_t b) const { return widths_[static_cast<std::size_t>(b)]; }
  index_t doubles(index_t width) const { return (kRows + rows()) * width; }

  void make(const Strip& strip) {
    const index_t top = strip.block * kRows, height = std::min(kRows, rows() - top), wide = width(strip.injection);
    const View<double, 3> a(scratch_.data(), {strip.count, height, wide});
    const View<double, 3> b(a.data() + a.size(), {strip.count, rows(), wide});
    const index_t tile = exec_.on_cuda() ? 1 : wide;
    for_each(
        exec_, Extents<3>{strip.count, rows(), wide / tile},
        Narrow{x_, columns_, values_, touched_.offsets.view(), touched_.items.view(), blocks(), strip, tile, a, b});
    const View<double, 3> products(out_.data() + strip.injection * out_.stride(0) + top * out_.stride(1),
                                   {strip.count, height, rows()},
                                   {strip.of_injections ? out_.stride(0) : kRows * out_.stride(1), out_.stride(1), 1});
    gemm(exec_, {.a = a, .b = b, .transposed = true}, products);
  }

  Exec& exec_;
  Matrix<const float> x_;
  View<const index_t, 3> columns_;
  View<const float, 3> values_;
  View<double, 3> out_;
  PackedSets touched_;
  std::vector<index_t> widths_;  ///< of the injections' narrow matrices
  Array<double, 1> scratch_;
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
  require(out.extents() == Extents<3>{columns.extent(0), rows, rows} && out.stride(2) == 1,
          "injected_grams: the result is not (", columns.extent(0), ", ", rows, ", ", rows,
          ") with rows of unit stride");
  if (out.size() == 0) return;
  Products products(exec, x, columns, values, out);
  for (index_t first = 0; first < out.extent(0);) {
    const index_t count = products.make(first);
    for_each(exec, Extents<3>{count, rows, rows}, AddBoth{g, slice(out, first, count)});
    first += count;
  }
}

}  // namespace hci
