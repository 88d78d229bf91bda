// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/.
#include "kernels/core/view.hpp"

namespace hci {

/// The team of the CPU: one thread.
struct Alone {
  HCI_HD static constexpr index_t rank() { return 0; }
  HCI_HD static constexpr index_t size() { return 1; }
  HCI_HD static void sync() {}
  /// The index among all members' with the largest value, the lowest of equal ones.
  HCI_HD static index_t best(double, index_t index) { return index; }
  /// The sum of all members' values, in a fixed order.
  HCI_HD static double sum(double value) { return value; }
};

}  // namespace hci
