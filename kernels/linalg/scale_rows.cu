// SPDX-License-Identifier: MIT
#include "kernels/linalg/scale_rows.hpp"

#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/linalg/sum_in_parts.hpp"

// Floors, of a (489, 44100) cube (86 MB), float64 sums of 5 flops a number (centred and standardized):
//   columns: read three times, written once: 345 MB from memory where a column of all its neighbours does not fit the
//     cache: 80 us on an H200 (4.3 TB/s), 1.1 ms on a GTX 1080 (0.32 TB/s). The 0.1 GFLOP in double take 3 us and 0.4
//     ms. A thread has a column, so that a warp reads 128 bytes of each row; 44,100 threads are a third of what an H200
//     holds at once, and what hides the latency is that a thread's rows do not depend on each other.
//   rows: read three times, written once, the same; a thread sums 1024 columns in eight sums side by side
//     (sum_in_parts.hpp), a stride apart from its neighbour's: each line of 128 bytes is fetched once and then comes
//     from the L1 cache, and eight additions are in flight where one sum would wait for each.

namespace hci {
namespace {

/// 1 / standard deviation; 1 where it is no more than the rounding of the mean.
HCI_HD double inverse_deviation(double squares, double count, double mean, bool standard) {
  if (!standard) return 1;
  const double deviation = std::sqrt(squares / count);
  return deviation > 1e-12 * std::fabs(mean) ? 1 / deviation : 1.0;
}

/// The columns of a tile, all rows. On the CPU a tile is as wide as keeps whole cache lines busy; on CUDA it is one
/// column, whose sums are registers.
template <index_t kWidth>
struct ScaleColumns {
  Matrix<const float> x;
  bool standard;
  Matrix<float> out;
  HCI_HD void operator()(index_t tile) const {
    const index_t first = tile * kWidth, rows = x.extent(0);
    const index_t count = kWidth == 1 || first + kWidth < x.extent(1) ? kWidth : x.extent(1) - first;
    double mean[kWidth], factor[kWidth];
    for (index_t p = 0; p < count; ++p) mean[p] = factor[p] = 0;
    for (index_t t = 0; t < rows; ++t)
      for (index_t p = 0; p < count; ++p) mean[p] += static_cast<double>(x(t, first + p));
    for (index_t p = 0; p < count; ++p) mean[p] /= static_cast<double>(rows);
    for (index_t t = 0; t < rows; ++t)
      for (index_t p = 0; p < count; ++p) {
        const double d = static_cast<double>(x(t, first + p)) - mean[p];
        factor[p] += d * d;
      }
    for (index_t p = 0; p < count; ++p)
      factor[p] = inverse_deviation(factor[p], static_cast<double>(rows), mean[p], standard);
    for (index_t t = 0; t < rows; ++t)
      for (index_t p = 0; p < count; ++p)
        out(t, first + p) = static_cast<float>((static_cast<double>(x(t, first + p)) - mean[p]) * factor[p]);
  }
};

/// What a column adds to the sum of its row; 0 where it is not used, whatever it holds.
struct Value {
  const float* row;
  const std::uint8_t* used;  // nullptr: all are
  HCI_HD double operator()(index_t p) const {
    return used == nullptr || used[p] != 0 ? static_cast<double>(row[p]) : 0;
  }
};
struct SquaredDifference {
  const float* row;
  const std::uint8_t* used;
  double mean;
  HCI_HD double operator()(index_t p) const {
    const double d = static_cast<double>(row[p]) - mean;
    return used == nullptr || used[p] != 0 ? d * d : 0;
  }
};
struct IsUsed {
  const std::uint8_t* used;
  HCI_HD double operator()(index_t p) const { return used[p] != 0 ? 1 : 0; }
};

/// Sum, over a chunk of a row, of x or of (x - mean)^2.
struct RowChunk {
  Matrix<const float> x;
  UsedColumns used;
  Vector<const double> mean;  // nothing: the first pass
  Matrix<double> partial, counts;
  HCI_HD void operator()(index_t t, index_t chunk) const {
    const auto [first, last] = chunk_of(x.extent(1), chunk);
    const float* const row = x[t].data();
    const std::uint8_t* const flags = used.size() == 0 ? nullptr : used.data();
    partial(t, chunk) = mean.size() == 0 ? sum_in_parts(first, last, Value{row, flags})
                                         : sum_in_parts(first, last, SquaredDifference{row, flags, mean(t)});
    counts(t, chunk) = flags == nullptr ? static_cast<double>(last - first) : sum_in_parts(first, last, IsUsed{flags});
  }
};
struct RowMean {
  Matrix<const double> partial, counts;
  Vector<double> mean;
  HCI_HD void operator()(index_t t) const {
    double sum = 0, count = 0;
    for (index_t c = 0; c < partial.extent(1); ++c) sum += partial(t, c), count += counts(t, c);
    mean(t) = count > 0 ? sum / count : 0;
  }
};
/// What each row is multiplied by, in place of its variance: once for a row, since a root and a division in double for
/// each pixel would take longer than its bytes.
struct RowFactor {
  Vector<const double> mean;
  bool standard;
  Vector<double> factor;
  HCI_HD void operator()(index_t t) const { factor(t) = inverse_deviation(factor(t), 1, mean(t), standard); }
};
struct ScaleRow {
  Matrix<const float> x;
  Vector<const double> mean, factor;
  Matrix<float> out;
  HCI_HD void operator()(index_t t, index_t p) const {
    out(t, p) = static_cast<float>((static_cast<double>(x(t, p)) - mean(t)) * factor(t));
  }
};

template <index_t kWidth>
void scale_each_column(Exec& exec, Matrix<const float> x, bool standard, Matrix<float> out) {
  for_each(exec, Extents<1>{(x.extent(1) + kWidth - 1) / kWidth}, ScaleColumns<kWidth>{x, standard, out});
}

void scale_each_row(Exec& exec, Matrix<const float> x, UsedColumns used, bool standard, Matrix<float> out) {
  const Extents<2> chunks{x.extent(0), chunks_of(x.extent(1))};
  Array<double, 2> partial(exec, chunks), counts(exec, chunks);
  Array<double, 1> mean(exec, {x.extent(0)}), factor(exec, {x.extent(0)});
  for_each(exec, chunks, RowChunk{x, used, {}, partial.view(), counts.view()});
  for_each(exec, mean.extents(), RowMean{partial.view(), counts.view(), mean.view()});
  if (standard) {
    for_each(exec, chunks, RowChunk{x, used, mean.view(), partial.view(), counts.view()});
    for_each(exec, mean.extents(), RowMean{partial.view(), counts.view(), factor.view()});
  }
  for_each(exec, mean.extents(), RowFactor{mean.view(), standard, factor.view()});
  for_each(exec, x.extents(), ScaleRow{x, mean.view(), factor.view(), out});
}

}  // namespace

void scale_rows(Exec& exec, Matrix<const float> x, UsedColumns used, Scaling scaling, Matrix<float> out) {
  require(x.extents() == out.extents() && x.stride(1) == 1 && out.stride(1) == 1, "scale_rows: shapes differ");
  require(used.size() == 0 || used.size() == x.extent(1), "scale_rows: ", used.size(), " flags for ", x.extent(1),
          " columns");
  require(used.size() == 0 || used.stride(0) == 1, "scale_rows: the flags have gaps");
  const bool standard = scaling == Scaling::temp_standard || scaling == Scaling::spat_standard;
  switch (scaling) {
    case Scaling::none:
      if (x.data() == out.data()) return;
      if (x.is_dense() && out.is_dense())
        copy(exec, x, out);
      else
        for (index_t t = 0; t < x.extent(0); ++t) copy(exec, x[t], out[t]);
      return;
    case Scaling::temp_mean:
    case Scaling::temp_standard:
      if (exec.on_cuda()) return scale_each_column<1>(exec, x, standard, out);
      return scale_each_column<64>(exec, x, standard, out);
    case Scaling::spat_mean:
    case Scaling::spat_standard:
      return scale_each_row(exec, x, used, standard, out);
  }
}

}  // namespace hci
