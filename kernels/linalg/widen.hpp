// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: rows of floats as doubles, some columns at a time, for libraries that multiply in double.
#include <algorithm>

#include "kernels/linalg/gram.hpp"

namespace hci {

/// Columns at once on CUDA. As many as make a large product, but a tile of so many rows takes no more than 128 MiB:
/// long enough for cuBLAS to run at its speed, short beside the frames.
inline index_t widened_columns(index_t rows) {
  constexpr index_t kMostBytes = index_t{128} << 20, kMostColumns = 8192, kWarp = 32;
  const index_t columns = kMostBytes / static_cast<index_t>(sizeof(double)) / rows;
  return std::clamp<index_t>(columns / kWarp * kWarp, kWarp, kMostColumns);
}

/// Columns first .. of x in double, 0 where they are not used.
struct Widen {
  Matrix<const float> x;
  UsedColumns used;
  index_t first;
  Matrix<double> out;
  HCI_HD void operator()(index_t t, index_t p) const {
    const bool in_use = used.size() == 0 || used(first + p) != 0;
    out(t, p) = in_use ? static_cast<double>(x(t, first + p)) : 0.0;
  }
};

}  // namespace hci
