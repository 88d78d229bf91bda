// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: what the implementations of collapse() share.
#include <cmath>

#include "kernels/stats/collapse.hpp"
#include "kernels/stats/order_statistic.hpp"

namespace hci {

/// Which order statistics trimmean keeps: [first, first + count) of the T sorted values, NaN last.
struct Trim {
  index_t first = 0, count = 0;
};
Trim trim_of(index_t frames, int keep);

/// The CPU's tuned collapse of a cube whose x axis is dense.
void collapse_cpu(Exec& exec, Cube<const float> in, const CollapseOptions& options, Frame<float> out);

/// Sum of the order statistics first .. last, whose values are `low` and `high`, when `between` is
/// the sum of what lies strictly between these, `not_above_low` counts values <= low and
/// `below_high` those < high.
HCI_HD inline double trimmed_sum(double low, double high, double between, index_t first, index_t last,
                                 index_t not_above_low, index_t below_high) {
  // + 0.0: zeros of both signs are equal, and which of them ranks first is one way here and another there.
  if (low == high) return (low + 0.0) * static_cast<double>(last - first + 1);
  // Fused everywhere, by name: a compiler that fuses or does not as it likes would change the last bit.
  return std::fma(high, static_cast<double>(last + 1 - below_high),
                  std::fma(low, static_cast<double>(not_above_low - first), between));
}

/// The modes that read a pixel's values once, in the order of t; NaN is left out.
struct RunningCollapse {
  double sum = 0;
  float largest = -INFINITY;
  index_t n = 0;

  HCI_HD void add(Collapse mode, float v, double weight) {
    if (v != v) return;
    ++n;
    if (mode == Collapse::max)
      largest = v > largest ? v : largest;
    else if (mode == Collapse::wmean)
      sum = fma(weight, double(v), sum);
    else
      sum += mode == Collapse::absmean ? fabs(double(v)) : double(v);
  }
  HCI_HD float result(Collapse mode) const {
    if (mode == Collapse::sum || mode == Collapse::wmean) return static_cast<float>(sum);
    if (n == 0) return NAN;
    return mode == Collapse::max ? largest : static_cast<float>(sum / static_cast<double>(n));
  }
};

/// The last order statistic that trimmean keeps of n values; below trim.first: none.
HCI_HD inline index_t last_kept(Trim trim, index_t n) {
  return (trim.first + trim.count < n ? trim.first + trim.count : n) - 1;
}

/// The trimmed mean of a pixel whose order statistics trim.first and last_kept() are `low` and `high`;
/// values are added in the order of t.
struct RunningTrim {
  float low, high;
  double between = 0;
  index_t not_above_low = 0, below_high = 0;

  HCI_HD void add(float v) {
    not_above_low += v <= low;
    below_high += v < high;
    if (v > low && v < high) between += v;
  }
  HCI_HD float result(index_t first, index_t last) const {
    const double sum = trimmed_sum(low, high, between, first, last, not_above_low, below_high);
    return static_cast<float>(sum / static_cast<double>(last - first + 1));
  }
};

}  // namespace hci
