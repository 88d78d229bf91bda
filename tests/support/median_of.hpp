// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

namespace hci::test {

/// By sorting; of an even number the mean of the middle two, in the values' own precision.
template <class T>
T median_of(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : T(0.5) * (values[n / 2 - 1] + values[n / 2]);
}

/// By sorting, interpolated linearly between order statistics, as numpy.quantile; of one value at least.
inline double quantile_of(std::vector<double> values, double probability) {
  std::sort(values.begin(), values.end());
  const double place = probability * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const double high = values[std::min(low + 1, values.size() - 1)];
  return values[low] + (place - static_cast<double>(low)) * (high - values[low]);
}

}  // namespace hci::test
