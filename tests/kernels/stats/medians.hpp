// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <vector>

namespace hci::test {

/// By sorting; of an even number the mean of the middle two.
inline double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

}  // namespace hci::test
