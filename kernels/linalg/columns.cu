// SPDX-License-Identifier: MIT
#include "kernels/linalg/columns.hpp"

#include <cmath>
#include <limits>

#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"

// All are bound by memory: 8 bytes a number that is moved, 4 a number that is looked at or filled, and no flops but a
// comparison of each number for masks. A disc of 60 px of 489 frames (5.5 M numbers, 44 MB): 10 us on an H200 (4.3
// TB/s), 0.14 ms on a GTX 1080 (0.32 TB/s); masks of (489, 44100): 20 us and 0.27 ms. Blocks of 32 x 8 threads, for
// masks of 256, a column each: neighbouring threads have neighbouring entries of the set, so that an annulus's runs are
// read in whole lines.

namespace hci {
namespace {

struct Gather {
  Matrix<const float> in;
  Vector<const index_t> columns;
  Matrix<float> out;
  HCI_HD void operator()(index_t t, index_t p) const { out(t, p) = in(t, columns(p)); }
};

struct Scatter {
  Matrix<const float> in;
  Vector<const index_t> columns;
  Matrix<float> out;
  HCI_HD void operator()(index_t t, index_t p) const { out(t, columns(p)) = in(t, p); }
};

struct Fill {
  float value;
  Vector<const index_t> columns;
  Matrix<float> out;
  HCI_HD void operator()(index_t t, index_t p) const { out(t, columns(p)) = value; }
};

/// A tile of columns for each index, so that the CPU reads whole cache lines; CUDA uses tiles of one.
template <index_t kWidth>
struct UnuseMasked {
  Matrix<const float> x;
  Vector<std::uint8_t> used;
  HCI_HD void operator()(index_t tile) const {
    const index_t first = tile * kWidth;
    const index_t last = kWidth == 1 || first + kWidth < x.extent(1) ? first + kWidth : x.extent(1);
    for (index_t t = 0; t < x.extent(0); ++t) {
      const Vector<const float> row = x[t];
      for (index_t p = first; p < last; ++p)
        if (!std::isfinite(row(p))) used(p) = 0;
    }
  }
};

struct MaskUnused {
  Vector<const std::uint8_t> used;
  Matrix<float> x;
  HCI_HD void operator()(index_t t, index_t p) const {
    if (used(p) == 0) x(t, p) = NAN;
  }
};

}  // namespace

void gather_columns(Exec& exec, Matrix<const float> in, Vector<const index_t> columns, Matrix<float> out) {
  require(in.extent(0) == out.extent(0) && columns.extent(0) == out.extent(1), "gather_columns: shapes differ");
  for_each(exec, out.extents(), Gather{in, columns, out});
}

void scatter_columns(Exec& exec, Matrix<const float> in, Vector<const index_t> columns, Matrix<float> out) {
  require(in.extent(0) == out.extent(0) && columns.extent(0) == in.extent(1), "scatter_columns: shapes differ");
  for_each(exec, in.extents(), Scatter{in, columns, out});
}

void fill_columns(Exec& exec, float value, Vector<const index_t> columns, Matrix<float> out) {
  for_each(exec, Extents<2>{out.extent(0), columns.extent(0)}, Fill{value, columns, out});
}

void unuse_masked_columns(Exec& exec, Matrix<const float> x, Vector<std::uint8_t> used) {
  require(used.extent(0) == x.extent(1), "unuse_masked_columns: ", used.extent(0), " flags for ", x.extent(1),
          " columns");
  constexpr index_t kWidth = 512;
  if (exec.on_cuda()) return for_each(exec, Extents<1>{x.extent(1)}, UnuseMasked<1>{x, used});
  for_each(exec, Extents<1>{(x.extent(1) + kWidth - 1) / kWidth}, UnuseMasked<kWidth>{x, used});
}

void mask_columns(Exec& exec, Vector<const std::uint8_t> used, Matrix<float> x) {
  require(used.extent(0) == x.extent(1), "mask_columns: ", used.extent(0), " flags for ", x.extent(1), " columns");
  for_each(exec, x.extents(), MaskUnused{used, x});
}

}  // namespace hci
