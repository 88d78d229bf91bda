// SPDX-License-Identifier: MIT
#include "kernels/linalg/gram.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/reduce.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/linalg/gemm.hpp"
#include "kernels/linalg/gram_cpu.hpp"
#include "kernels/linalg/on_threads.hpp"
#include "kernels/linalg/sum_in_parts.hpp"
#include "kernels/linalg/widen.hpp"

// Floors for (489, 44100): t (t + 1) p = 10.6 GFLOP in double, 86 MB read once. H200: 0.3 ms (34 TFLOP/s; half of that
// if cuBLAS takes the tensor cores), memory 20 us. GTX 1080: 38 ms (0.28 TFLOP/s), memory 0.3 ms. Bound by double
// products on both, so they are left to cuBLAS: dsyrk, since half of a symmetric result is enough. Tiles of up to 8192
// columns are widened to double before (widen.hpp): 32 MB for 489 rows, which an H200's L2 cache of 50 MB holds, so
// that the 16 bytes a number of writing and reading them do not reach memory; fewer columns would make more and shorter
// products.
// Regions: 12 annuli of 61 frames (7854 pixels) are 30 MFLOP, 1 us on an H200, 0.1 ms on a GTX 1080, and 2 MB. One
// after the other they are bound by latency, some four launches of 5 us and a product on one multiprocessor each. So
// few rows go as one batch, in steps of 512 columns: a widening and a product for all. cuBLAS has no batched syrk, so
// both halves are made, and what pads a region's last step: three to four times the flops of the loop. With tiles of 64
// x 64 a matrix of up to 256 rows is 16 of them, its half 10, which keeps half of a GTX 1080's 20 multiprocessors busy
// and a tenth of an H200's 132: together they win on both by that count. Of 489 rows half a matrix is 36 tiles: a loop
// of syrk. Shape: blocks of 32 x 8 threads of for_each(), neighbours along a row. Not measured on a GPU.
//
// The portable functor, a thread for each pair, is the reference and not meant to be fast.

namespace hci {
namespace {

/// One scalar product, of rows i of a and j of b; where lower_only the pair j > i is left to its twin.
struct DotRows {
  Matrix<const float> a, b;
  UsedColumns used;
  Matrix<double> g;
  bool lower_only;
  HCI_HD void operator()(index_t i, index_t j) const {
    if (lower_only && j > i) return;
    double sum = 0;
    for (index_t p = 0; p < a.extent(1); ++p)
      if (used.size() == 0 || used(p) != 0) sum += static_cast<double>(a(i, p)) * static_cast<double>(b(j, p));
    g(i, j) = sum;
  }
};

/// The upper triangles from the lower ones.
struct Mirror {
  View<double, 3> g;
  HCI_HD void operator()(index_t b, index_t i, index_t j) const {
    if (j > i) g(b, i, j) = g(b, j, i);
  }
};

/// Partial sums. 4 bytes and an addition in double a number: (489, 44100) is 86 MB, 20 us on an H200 (4.3 TB/s) and
/// 0.27 ms on a GTX 1080 (320 GB/s; its 22 M additions in double 0.15 ms). A thread has 1024 columns one after the
/// other, 21,516 threads; its lines stay in L1. The sums of a row's 44 chunks, and IsFinite's flags, are nothing beside
/// that.
struct SumChunk {
  Matrix<const float> x;
  UsedColumns used;
  Matrix<double> partial;
  HCI_HD void operator()(index_t t, index_t chunk) const {
    const auto [first, last] = chunk_of(x.extent(1), chunk);
    double sum = 0;
    for (index_t p = first; p < last; ++p)
      if (used.size() == 0 || used(p) != 0) sum += static_cast<double>(x(t, p));
    partial(t, chunk) = sum;
  }
};
struct SumRow {
  Matrix<const double> partial;
  Vector<double> sums;
  HCI_HD void operator()(index_t t) const {
    double sum = 0;
    for (index_t chunk = 0; chunk < partial.extent(1); ++chunk) sum += partial(t, chunk);
    sums(t) = sum;
  }
};

struct IsFinite {
  Vector<const double> values;
  Vector<std::uint8_t> finite;
  HCI_HD void operator()(index_t i) const { finite(i) = std::isfinite(values(i)) ? 1 : 0; }
};

/// Up to so many rows regions are worked on side by side: as one batch of products on CUDA, by a thread each on the
/// CPU, where there are as many. There 12 annuli of 61 frames take 0.23 ms on two cores, a loop over gram() 0.29 ms;
/// where OpenMP's threads sleep while they wait, 0.41 and 0.85 ms. Of more rows it is that loop: 25 annuli of 489
/// frames take 81 ms, and took 284 ms by a thread each, whose sums do not fit its second-level cache (AMD EPYC with
/// AVX-512, 2026-11-29, the least of 12 runs and more).
constexpr index_t kRowsTogether = 256;

#if HCI_HAVE_CUDA
/// Some columns of each region in double, from its column `begin` on; 0 where they are not used and behind its end.
struct WidenRegions {
  Matrix<const float> x;
  UsedColumns used;
  Vector<const index_t> borders;
  index_t begin;
  View<double, 3> out;
  HCI_HD void operator()(index_t b, index_t t, index_t p) const {
    const index_t column = borders(b) + begin + p;
    const bool in_use = column < borders(b + 1) && (used.size() == 0 || used(column) != 0);
    out(b, t, p) = in_use ? static_cast<double>(x(t, column)) : 0.0;
  }
};

/// Regions as one batch of products. A step takes 512 columns of each; regions at both ends that have no more take no
/// part, so that of annuli, which grow from the first to the last, nearly all that is multiplied counts.
void gram_together(Exec& exec, Matrix<const float> x, const std::vector<index_t>& borders, UsedColumns used,
                   View<double, 3> g) {
  const index_t rows = x.extent(0), regions = g.extent(0), tile = std::min<index_t>(512, widened_columns(rows));
  const auto width = [&borders](index_t b) {
    return borders[static_cast<std::size_t>(b + 1)] - borders[static_cast<std::size_t>(b)];
  };
  const auto on_device = to_device(exec, borders);
  const index_t bytes = rows * tile * static_cast<index_t>(sizeof(double));
  const index_t most = std::clamp<index_t>(scratch_bytes(index_t{128} << 20) / bytes, 1, regions);
  Array<double, 3> wide(exec, {most, rows, tile});
  for (index_t lowest = 0; lowest < regions; lowest += most) {
    index_t from = lowest, to = std::min(lowest + most, regions);
    for (index_t begin = 0; from < to; begin += tile) {
      const View<double, 3> columns = slice(wide.view(), 0, to - from);
      for_each(exec, columns.extents(),
               WidenRegions{x, used, slice(on_device.view(), from, to - from + 1), begin, columns});
      gemm(exec, {.a = columns, .b = columns, .transposed = true, .beta = begin == 0 ? 0.0 : 1.0},
           slice(g, from, to - from));
      while (from < to && width(from) <= begin + tile) ++from;
      while (from < to && width(to - 1) <= begin + tile) --to;
    }
  }
  for_each(exec, g.extents(), Mirror{g});
}

/// In tiles of columns.
void cross_gram_on_cuda(Exec& exec, Matrix<const float> a, Matrix<const float> b, UsedColumns used, Matrix<double> g,
                        bool lower_only) {
  const index_t rows = a.extent(0), columns = b.extent(0), pixels = a.extent(1);
  const index_t tile = std::min(widened_columns(std::max(rows, columns)), pixels);
  Array<double, 2> left(exec, {rows, tile}), right(exec, {lower_only ? 0 : columns, tile});
  for (index_t first = 0; first < pixels; first += tile) {
    const index_t width = std::min(tile, pixels - first);
    const Matrix<double> of_a(left.data(), {rows, width}, {tile, 1}), of_b(right.data(), {columns, width}, {tile, 1});
    for_each(exec, of_a.extents(), Widen{a, used, first, of_a});
    if (!lower_only) for_each(exec, of_b.extents(), Widen{b, used, first, of_b});
    gemm(exec,
         {.a = batch_of_one<const double>(of_a),
          .b = batch_of_one<const double>(lower_only ? of_a : of_b),
          .transposed = true,
          .beta = first == 0 ? 0.0 : 1.0,
          .lower_only = lower_only},
         batch_of_one(g));
  }
}
#endif

void products(Exec& exec, Matrix<const float> a, Matrix<const float> b, UsedColumns used, Matrix<double> g,
              bool symmetric) {
  if (exec.tuned() && !exec.on_cuda()) return cpu::cross_gram(exec, a, b, used, g, symmetric);
#if HCI_HAVE_CUDA
  if (exec.tuned())
    cross_gram_on_cuda(exec, a, b, used, g, symmetric);
  else
#endif
    for_each(exec, g.extents(), DotRows{a, b, used, g, symmetric});
  if (symmetric) for_each(exec, batch_of_one(g).extents(), Mirror{batch_of_one(g)});
}

void check_rows(const char* what, Matrix<const float> x, UsedColumns used) {
  require(x.extent(0) > 0 && x.extent(1) > 0, what, ": a matrix of ", x.extent(0), " x ", x.extent(1),
          " has no products");
  require(x.stride(1) == 1, what, ": the rows have gaps (stride ", x.stride(1), ")");
  require(used.size() == 0 || used.size() == x.extent(1), what, ": ", used.size(), " flags for ", x.extent(1),
          " columns");
}

}  // namespace

void gram(Exec& exec, Matrix<const float> x, UsedColumns used, Matrix<double> g) {
  check_rows("gram", x, used);
  require(g.extent(0) == x.extent(0) && g.extent(1) == x.extent(0) && g.stride(1) == 1, "gram: the result is not (",
          x.extent(0), ", ", x.extent(0), ")");
  products(exec, x, x, used, g, true);
}

void gram_batch(Exec& exec, Matrix<const float> x, const std::vector<index_t>& borders, UsedColumns used,
                View<double, 3> g) {
  check_rows("gram_batch", x, used);
  const index_t rows = x.extent(0), regions = g.extent(0);
  require(std::adjacent_find(borders.begin(), borders.end(), std::greater_equal<>()) == borders.end() &&
              static_cast<index_t>(borders.size()) == regions + 1 && borders.front() >= 0 &&
              borders.back() <= x.extent(1),
          "gram_batch: the borders of ", regions, " regions are not ", regions + 1, " ascending columns within 0 .. ",
          x.extent(1), ", or a region is empty");
  require(g.extent(1) == rows && g.extent(2) == rows && g.stride(2) == 1, "gram_batch: the results are not (", regions,
          ", ", rows, ", ", rows, ")");
  if (regions == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned() && rows <= kRowsTogether) return gram_together(exec, x, borders, used, g);
#endif
  const auto one_region = [&](Exec& one, index_t b) {
    const index_t begin = borders[static_cast<std::size_t>(b)],
                  count = borders[static_cast<std::size_t>(b + 1)] - begin;
    gram(one, {x.data() + begin, {rows, count}, x.strides()}, used.size() == 0 ? used : slice(used, begin, count),
         g[b]);
  };
  // The last ones first: of annuli they take longest.
  if (!exec.on_cuda() && rows <= kRowsTogether && regions >= exec.threads())
    return on_threads(exec, regions, [&](Exec& one, index_t b) { one_region(one, regions - 1 - b); });
  for (index_t b = 0; b < regions; ++b) one_region(exec, b);
}

void cross_gram(Exec& exec, Matrix<const float> a, Matrix<const float> b, UsedColumns used, Matrix<double> g) {
  check_rows("cross_gram", a, used);
  check_rows("cross_gram", b, used);
  require(a.extent(1) == b.extent(1), "cross_gram: ", a.extent(1), " and ", b.extent(1), " columns");
  require(g.extent(0) == a.extent(0) && g.extent(1) == b.extent(0) && g.stride(1) == 1,
          "cross_gram: the result is not (", a.extent(0), ", ", b.extent(0), ")");
  products(exec, a, b, used, g, false);
}

void row_sums(Exec& exec, Matrix<const float> x, UsedColumns used, Vector<double> sums) {
  check_rows("row_sums", x, used);
  require(sums.extent(0) == x.extent(0), "row_sums: ", sums.extent(0), " sums for ", x.extent(0), " rows");
  Array<double, 2> partial(exec, {x.extent(0), chunks_of(x.extent(1))});
  for_each(exec, partial.extents(), SumChunk{x, used, partial.view()});
  for_each(exec, sums.extents(), SumRow{partial.view(), sums});
}

bool all_finite(Exec& exec, Vector<const double> values) {
  Array<std::uint8_t, 1> finite(exec, values.extents());
  for_each(exec, values.extents(), IsFinite{values, finite.view()});
  return count_set(exec, std::as_const(finite).view()) == values.size();
}

}  // namespace hci
