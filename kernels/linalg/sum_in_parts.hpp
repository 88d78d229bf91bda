// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/.
#include "kernels/core/view.hpp"

namespace hci {

/// The sum of term(p) for first <= p < last, in eight sums side by side that a CPU keeps in one or two registers and a
/// GPU in flight at once; always the same order.
template <class Term>
HCI_HD double sum_in_parts(index_t first, index_t last, const Term& term) {
  constexpr index_t kParts = 8;
  double parts[kParts] = {}, rest = 0;
  index_t p = first;
  for (; p + kParts <= last; p += kParts)
    for (index_t part = 0; part < kParts; ++part) parts[part] += term(p + part);
  for (; p < last; ++p) rest += term(p);
  return rest + ((parts[0] + parts[4]) + (parts[1] + parts[5])) + ((parts[2] + parts[6]) + (parts[3] + parts[7]));
}

}  // namespace hci
