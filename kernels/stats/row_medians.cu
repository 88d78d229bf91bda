// SPDX-License-Identifier: MIT
#include "kernels/stats/row_medians.hpp"

#include <cmath>

#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/packed_sets.hpp"
#include "kernels/stats/order_statistic.hpp"
#include "kernels/stats/row_medians_cpu.hpp"

// A median of n rows reads 4 n bytes, of rows that other sets read too, and writes 4. Up to 24 values are sorted
// by insertion in registers (the loops unroll), n^2 / 4 moves; more are counted, 34 n reads. (61, 10201) with sets of
// 4: 2.5 MB in and out and from L2 10 MB, 2 us on an H200 and 0.03 ms on a GTX 1080; with sets of 48 1 G reads by warps
// of 32 neighbours, 32 M of them: 0.12 ms and 0.9 ms (one a cycle and multiprocessor). A thread has one median:
// neighbours in a row read neighbouring addresses. subtract_rows reads a column twice, for NaN and for the
// difference, and writes it once: 12 bytes and 1 flop a value; (489, 44100): 0.26 GB, 0.06 ms and 0.8 ms.

namespace hci {
namespace {

/// One median: a short set is sorted, of a long one the middle is found bit by bit.
constexpr index_t kShort = 24;
struct MedianOfSet {
  Matrix<const float> x;
  Vector<const index_t> offsets, rows;  // set s is rows(offsets(s)) .. rows(offsets(s + 1) - 1)
  Matrix<float> medians;

  HCI_HD void operator()(index_t s, index_t p) const {
    const index_t first = offsets(s), count = offsets(s + 1) - first;
    medians(s, p) = count == 0 ? NAN : count <= kShort ? by_sorting(first, count, p) : by_counting(first, count, p);
  }

  HCI_HD float by_sorting(index_t first, index_t count, index_t p) const {
    float sorted[kShort] = {};
    for (index_t i = 0; i < count; ++i) {
      const float value = x(rows(first + i), p);
      if (std::isnan(value)) return NAN;
      index_t place = i;
      for (; place > 0 && sorted[place - 1] > value; --place) sorted[place] = sorted[place - 1];
      sorted[place] = value;
    }
    return middle_of(sorted[(count - 1) / 2], sorted[count / 2]);
  }

  /// The largest key below which there are at most count / 2 values is the upper middle one; the
  /// lower middle one is the same or the largest value below it.
  HCI_HD float by_counting(index_t first, index_t count, index_t p) const {
    const std::uint32_t key =
        key_of_rank(count / 2, [&](std::uint32_t tried) { return below(first, count, p, tried); });
    std::uint32_t lower = 0;
    index_t smaller = 0;
    for (index_t i = 0; i < count; ++i) {
      const float value = x(rows(first + i), p);
      if (std::isnan(value)) return NAN;
      const std::uint32_t k = order_key(value);
      smaller += k < key;
      if (k < key && k > lower) lower = k;
    }
    const float upper = from_order_key(key);
    if (count % 2 == 1 || smaller < count / 2) return middle_of(upper, upper);
    return middle_of(from_order_key(lower), upper);
  }
  HCI_HD index_t below(index_t first, index_t count, index_t p, std::uint32_t key) const {
    index_t smaller = 0;
    for (index_t i = 0; i < count; ++i) smaller += order_key(x(rows(first + i), p)) < key;
    return smaller;
  }
};

/// A tile of columns, so that the CPU reads whole cache lines; CUDA uses tiles of one.
template <index_t kWidth>
struct SubtractRows {
  Matrix<const float> x, models;
  Vector<const double> factors;
  Matrix<float> out;
  HCI_HD void operator()(index_t tile) const {
    const index_t first = tile * kWidth;
    const index_t count = first + kWidth < x.extent(1) ? kWidth : x.extent(1) - first;
    float mask[kWidth];  // 0, or NaN for the column
    for (index_t p = 0; p < count; ++p) mask[p] = 0;
    for (index_t t = 0; t < x.extent(0); ++t)
      for (index_t p = 0; p < count; ++p)
        if (std::isnan(x(t, first + p))) mask[p] = NAN;
    for (index_t t = 0; t < x.extent(0); ++t) {
      const float factor = factors.size() == 0 ? 1.0F : static_cast<float>(factors(t));
      const Vector<const float> model = models[models.extent(0) == 1 ? 0 : t];
      for (index_t p = 0; p < count; ++p) out(t, first + p) = x(t, first + p) - factor * model(first + p) + mask[p];
    }
  }
};

}  // namespace

void row_medians(Exec& exec, Matrix<const float> x, const std::vector<std::vector<index_t>>& sets,
                 Matrix<float> medians) {
  require(medians.extent(0) == static_cast<index_t>(sets.size()) && medians.extent(1) == x.extent(1),
          "row_medians: shapes differ");
  const index_t rows = x.extent(0);
  const PackedSets packed = pack_sets(exec, sets, [rows](index_t row) {
    require(row >= 0 && row < rows, "row_medians: row ", row, " of ", rows);
    return row;
  });
  if (exec.tuned() && !exec.on_cuda() && x.stride(1) == 1) return row_medians_cpu(exec, x, sets, medians);
  for_each(exec, medians.extents(), MedianOfSet{x, packed.offsets.view(), packed.items.view(), medians});
}

void subtract_rows(Exec& exec, Matrix<const float> x, Matrix<const float> models, Vector<const double> factors,
                   Matrix<float> out) {
  require(x.extents() == out.extents() && models.extent(1) == x.extent(1) &&
              (models.extent(0) == 1 || models.extent(0) == x.extent(0)) &&
              (factors.size() == 0 || factors.size() == x.extent(0)),
          "subtract_rows: shapes differ");
  const index_t columns = x.extent(1);
  if (exec.on_cuda()) return for_each(exec, Extents<1>{columns}, SubtractRows<1>{x, models, factors, out});
  constexpr index_t kWidth = 256;
  for_each(exec, Extents<1>{(columns + kWidth - 1) / kWidth}, SubtractRows<kWidth>{x, models, factors, out});
}

}  // namespace hci
