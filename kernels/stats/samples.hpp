// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: what a pixel is over time.
#include "kernels/core/view.hpp"
#include "kernels/stats/order_statistic.hpp"

namespace hci {

/// The values of one pixel over all frames.
struct Samples {
  const float* first;
  index_t step, count;

  HCI_HD float operator()(index_t t) const { return first[t * step]; }
  HCI_HD index_t valid() const {
    index_t n = 0;
    for (index_t t = 0; t < count; ++t) n += (*this)(t) == (*this)(t);
    return n;
  }
  /// How many are below the value with this key.
  HCI_HD index_t below(std::uint32_t key) const {
    index_t n = 0;
    for (index_t t = 0; t < count; ++t) {
      const float v = (*this)(t);
      n += v == v && order_key(v) < key;
    }
    return n;
  }
  /// Order statistic k (from 0) of the n values that are not NaN.
  HCI_HD std::uint32_t key_of_rank(index_t k, index_t n) const {
    const std::uint32_t prefix = key_prefix_of_rank(
        k, n, KeyRange{}, [this](std::uint32_t key) { return below(key); }, [](index_t left) { return left <= 1; });
    std::uint32_t found = kNanKey;
    for (index_t t = 0; t < count; ++t) {
      const std::uint32_t key = order_key_or_nan((*this)(t));
      found = key >= prefix && key < found ? key : found;
    }
    return found;
  }
};

}  // namespace hci
