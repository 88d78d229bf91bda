// SPDX-License-Identifier: MIT
#include "kernels/linalg/gram_update.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/linalg/gemm.hpp"

// The stamps of 64 rows in a row touch m columns, little more than one of them does (160 for 100 pixels that move by a
// pixel in ten frames). Of those columns the rows x + a/2 and the stamps a are narrow dense matrices, and with
// p = a (x + a/2)ᵀ the result is g + p + pᵀ: 2 t t m flops of one product for each 64 rows. Many injections go in one
// batch: their columns are listed, and the narrow matrices and products made, for many (injection, block of rows) at
// once. On an H200 (4.3 TB/s, 34 TFLOP/s in double) and a GTX 1080 (0.32, 0.28), for an injection at 489 frames:
//   Products: 76 MFLOP, 2 us and 0.3 ms.
//   Mark, Collect: 8 bytes for each pixel of a stamp and the bits of all columns thrice, 0.4 + 0.13 MB: 0.1 and 2 us.
//     A thread has a list, 6400 steps that wait for the cache one after the other, some 0.2 ms for a batch of any size
//     that fills no GPU; blocks of 256. The host needs but the lists' lengths, not the columns: 39 MB less to copy for
//     100 injections, and 5 M numbers less to look at.
//   Narrow: 3 flops in double and 12 bytes a number, 0.6 M of them, and as many columns to look up, from the cache: 2
//     and 23 us. A thread has one number, neighbours along the row: what they write is whole lines, what they read of x
//     runs of a stamp's row. Its place in the row's list is found by halving, 7 steps for 100 pixels. On the CPU one
//     call has a row and goes through both lists at once.
//   AddBoth: 2 flops and 24 bytes for each pair of rows, 5.7 MB: 1 us and 18 us; g comes from the cache.
// Blocks of 32 x 8 threads of for_each(), one for each number or pair. For one injection the launches, the lists and
// the wait for their lengths are most of it. Not measured on a GPU.

namespace hci {
namespace {

constexpr index_t kRows = 64;  // whose stamps share their columns

/// What a task holds at a time, beside which a cube is large; on the CPU what the cache keeps until it is multiplied.
constexpr index_t kScratchBytes = index_t{64} << 20, kScratchBytesOnCpu = index_t{4} << 20;

/// Narrow matrices have a multiple of these columns. Neighbours of the same width go together, others apart: so the
/// sums of one do not depend on who comes with it. Time is launches on CUDA, products on the CPU.
constexpr index_t kGrain = 64, kGrainOnCpu = 8;

constexpr index_t blocks_of(index_t rows) { return (rows + kRows - 1) / kRows; }

/// Columns are marked in words of 64 bits.
constexpr index_t kBits = 64;
constexpr index_t words_of(index_t pixels) { return (pixels + kBits - 1) / kBits; }

/// The columns that the stamps of each block of rows touch: list b blocks + k is that of block k of injection b. A bit
/// for each column, and how many are set; or -1 - t for a row t whose columns are negative or do not ascend.
struct Mark {
  View<const index_t, 3> columns;
  index_t pixels, blocks;
  Matrix<std::uint64_t> bits;  // (list, word)
  Vector<index_t> counts;
  HCI_HD void operator()(index_t list) const {
    const View<const index_t, 2> stamps = columns[list / blocks];
    const Vector<std::uint64_t> marked = bits[list];
    for (index_t word = 0; word < marked.extent(0); ++word) marked(word) = 0;
    const index_t first = list % blocks * kRows, last = first + kRows;
    index_t count = 0;
    for (index_t t = first; t < last && t < stamps.extent(0); ++t)
      for (index_t s = 0; s < stamps.extent(1) && stamps(t, s) < pixels; ++s) {
        if (stamps(t, s) < 0 || (s > 0 && stamps(t, s) <= stamps(t, s - 1))) {
          counts(list) = -1 - t;
          return;
        }
        std::uint64_t& word = marked(stamps(t, s) / kBits);
        const std::uint64_t bit = std::uint64_t{1} << (stamps(t, s) % kBits);
        count += (word & bit) == 0 ? 1 : 0;
        word |= bit;
      }
    counts(list) = count;
  }
};

/// The same as indices, ascending.
struct Collect {
  Matrix<const std::uint64_t> bits;
  Vector<const index_t> offsets;
  Vector<index_t> touched;
  HCI_HD void operator()(index_t list) const {
    index_t place = offsets(list);
    for (index_t word = 0; word < bits.extent(1); ++word)
      for (std::uint64_t rest = bits(list, word), bit = 0; rest != 0; rest >>= 1, ++bit)
        if ((rest & 1) != 0) touched(place++) = word * kBits + static_cast<index_t>(bit);
  }
};

/// On the device; list i is touched(offsets(i)) .. touched(offsets(i + 1) - 1).
struct Touched {
  Array<index_t, 1> offsets, columns;
  std::vector<index_t> most;  ///< of an injection's blocks, on the host
};
Touched touched_columns(Exec& exec, View<const index_t, 3> columns, index_t pixels) {
  const index_t blocks = blocks_of(columns.extent(1)), lists = columns.extent(0) * blocks;
  Array<std::uint64_t, 2> bits(exec, {lists, words_of(pixels)});
  Array<index_t, 1> counts(exec, {lists});
  for_each(exec, counts.extents(), Mark{columns, pixels, blocks, bits.view(), counts.view()});
  const auto host = to_host(exec, counts.view());
  std::vector<index_t> offsets{0};
  Touched found{{}, {}, std::vector<index_t>(static_cast<std::size_t>(columns.extent(0)), 0)};
  for (index_t list = 0; list < lists; ++list) {
    require(host.view()(list) >= 0, "injected_grams: the columns of row ", -1 - host.view()(list), " of injection ",
            list / blocks, " are negative or do not ascend");
    offsets.push_back(offsets.back() + host.view()(list));
    index_t& most = found.most[static_cast<std::size_t>(list / blocks)];
    most = std::max(most, host.view()(list));
  }
  found.columns = Array<index_t, 1>(exec, {offsets.back()});
  found.offsets = to_device(exec, std::move(offsets));
  for_each(exec, counts.extents(), Collect{bits.view(), found.offsets.view(), found.columns.view()});
  return found;
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
    touched_ = touched_columns(exec, columns, x.extent(1));
    const index_t grain = exec.on_cuda() ? kGrain : kGrainOnCpu;
    for (const index_t most : touched_.most)
      widths_.push_back(std::max<index_t>(1, (most + grain - 1) / grain) * grain);
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
  index_t blocks() const { return blocks_of(rows()); }
  index_t width(index_t b) const { return widths_[static_cast<std::size_t>(b)]; }
  index_t doubles(index_t width) const { return (kRows + rows()) * width; }

  void make(const Strip& strip) {
    const index_t top = strip.block * kRows, height = std::min(kRows, rows() - top), wide = width(strip.injection);
    const View<double, 3> a(scratch_.data(), {strip.count, height, wide});
    const View<double, 3> b(a.data() + a.size(), {strip.count, rows(), wide});
    const index_t tile = exec_.on_cuda() ? 1 : wide;
    for_each(
        exec_, Extents<3>{strip.count, rows(), wide / tile},
        Narrow{x_, columns_, values_, touched_.offsets.view(), touched_.columns.view(), blocks(), strip, tile, a, b});
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
  Touched touched_;
  std::vector<index_t> widths_;  ///< of the injections' narrow matrices
  Array<double, 1> scratch_;
};

void inject(Exec& exec, Matrix<const float> x, Matrix<const double> g, View<const index_t, 3> columns,
            View<const float, 3> values, View<double, 3> out) {
  Products products(exec, x, columns, values, out);
  for (index_t first = 0; first < out.extent(0);) {
    const index_t count = products.make(first);
    for_each(exec, Extents<3>{count, g.extent(0), g.extent(0)}, AddBoth{g, slice(out, first, count)});
    first += count;
  }
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
  const index_t bytes_of_marks = blocks_of(rows) * words_of(x.extent(1)) * index_t{sizeof(std::uint64_t)};
  const index_t at_once = std::clamp<index_t>(scratch_bytes(kScratchBytes) / bytes_of_marks, 1, out.extent(0));
  for (index_t b = 0; b < out.extent(0); b += at_once) {
    const index_t count = std::min(at_once, out.extent(0) - b);
    inject(exec, x, g, slice(columns, b, count), slice(values, b, count), slice(out, b, count));
  }
}

}  // namespace hci
