// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <vector>

namespace hci::test {

/// By sorting; of an even number the mean of the middle two, in the values' own precision.
template <class T>
T median_of(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : T(0.5) * (values[n / 2 - 1] + values[n / 2]);
}

}  // namespace hci::test
