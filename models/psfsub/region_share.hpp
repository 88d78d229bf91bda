// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include "models/psfsub/psf_subtraction.hpp"

namespace hci {

/// Some columns of a matrix.
template <class T>
Matrix<T> column_range(Matrix<T> x, index_t first, index_t count) {
  return {x.data() + first, {x.extent(0), count}, x.strides()};
}

/// Tells a batch how far one of its regions is.
class RegionShare {
 public:
  RegionShare(const RegionBatch& batch, const Region& region) : batch_(batch), columns_(region.pixels()) {}

  /// This share, 0 to 1, of the region's work is enqueued.
  void reach(double share) {
    const auto now = static_cast<index_t>(share * static_cast<double>(columns_));
    if (batch_.advance && now > told_) batch_.advance(now - told_);
    told_ = std::max(told_, now);
  }

  /// Calls work(first, count) for the region's columns, of so many rows, in parts that are large enough
  /// for all threads of a GPU; their share goes from `begin` to `end`.
  template <class Work>
  void in_parts(index_t rows, double begin, double end, Work work) {
    constexpr index_t kElements = index_t{1} << 25, kLeast = index_t{1} << 17;
    constexpr index_t kTile = 512;  // of the products of the CPU: the same bits as in one part
    const index_t most = std::max(kElements / std::max<index_t>(rows, 1), kLeast) / kTile * kTile;
    for (index_t first = 0; first < columns_; first += most) {
      const index_t count = std::min(most, columns_ - first);
      work(first, count);
      reach(begin + (end - begin) * static_cast<double>(first + count) / static_cast<double>(columns_));
    }
  }

 private:
  const RegionBatch& batch_;
  index_t columns_, told_ = 0;
};

}  // namespace hci
