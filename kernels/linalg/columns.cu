// SPDX-License-Identifier: MIT
#include "kernels/linalg/columns.hpp"

#include <cmath>
#include <limits>

#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"

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
struct UnuseMasked {
  Matrix<const float> x;
  Vector<std::uint8_t> used;
  index_t width;
  HCI_HD void operator()(index_t tile) const {
    const index_t first = tile * width, last = first + width < x.extent(1) ? first + width : x.extent(1);
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
  const index_t width = exec.on_cuda() ? 1 : 512;
  for_each(exec, Extents<1>{(x.extent(1) + width - 1) / width}, UnuseMasked{x, used, width});
}

void mask_columns(Exec& exec, Vector<const std::uint8_t> used, Matrix<float> x) {
  require(used.extent(0) == x.extent(1), "mask_columns: ", used.extent(0), " flags for ", x.extent(1), " columns");
  for_each(exec, x.extents(), MaskUnused{used, x});
}

}  // namespace hci
