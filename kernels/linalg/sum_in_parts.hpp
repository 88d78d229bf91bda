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

/// A part of a row that one thread sums up, so that a few long rows keep many threads busy.
struct Chunk {
  index_t first, last;
};
constexpr index_t kChunk = 1024;
HCI_HD constexpr index_t chunks_of(index_t columns, index_t size = kChunk) { return (columns + size - 1) / size; }
HCI_HD constexpr Chunk chunk_of(index_t columns, index_t chunk, index_t size = kChunk) {
  const index_t first = chunk * size;
  return {first, first + size < columns ? first + size : columns};
}

}  // namespace hci
