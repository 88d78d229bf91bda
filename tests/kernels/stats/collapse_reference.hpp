// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/stats/collapse.hpp"

namespace hci::test {

/// What the contract of collapse() says of one pixel's values, by sorting, in double.
inline double collapsed_value(const std::vector<double>& values, const CollapseOptions& options) {
  std::vector<double> sorted;
  double sum = 0, absolute = 0, weighted = 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (std::isnan(values[t])) continue;
    sorted.push_back(values[t]);
    sum += values[t];
    absolute += std::abs(values[t]);
    if (options.mode == Collapse::wmean) weighted += options.weights[t] * values[t];
  }
  std::sort(sorted.begin(), sorted.end());
  const std::size_t n = sorted.size();
  if (options.mode == Collapse::sum) return sum;
  if (options.mode == Collapse::wmean) return weighted;
  if (n == 0) return std::numeric_limits<double>::quiet_NaN();
  switch (options.mode) {
    case Collapse::median:
      return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    case Collapse::max:
      return sorted.back();
    case Collapse::absmean:
      return absolute / double(n);
    case Collapse::trimmean: {
      const auto frames = static_cast<int>(values.size());
      const int keep = std::min(options.trim_keep, frames);
      const auto first = static_cast<std::size_t>((frames - keep) / 2);
      const auto last = std::min(n, first + static_cast<std::size_t>(keep % 2 == frames % 2 ? keep : keep + 1));
      if (first >= last) return std::numeric_limits<double>::quiet_NaN();
      double kept = 0;
      for (std::size_t i = first; i < last; ++i) kept += sorted[i];
      return kept / double(last - first);
    }
    default:
      return sum / double(n);
  }
}

}  // namespace hci::test
