// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: sets of indices of different sizes, one after the other in a device's memory.
#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "kernels/core/copy.hpp"

namespace hci {

struct PackedSets {
  Array<index_t, 1> offsets, items;  ///< set s is items(offsets(s)) .. items(offsets(s + 1) - 1)
  index_t count = 0;                 ///< of the sets
  index_t most = 0;                  ///< items of the largest
};

/// With item(i) for each index i, the index itself where nothing is given; item may throw.
template <class Item = std::identity>
PackedSets pack_sets(Exec& exec, const std::vector<std::vector<index_t>>& sets, const Item& item = {}) {
  PackedSets packed;
  std::vector<index_t> offsets{0}, items;
  for (const std::vector<index_t>& set : sets) {
    for (const index_t i : set) items.push_back(item(i));
    offsets.push_back(static_cast<index_t>(items.size()));
    packed.most = std::max(packed.most, static_cast<index_t>(set.size()));
  }
  packed.count = static_cast<index_t>(sets.size());
  packed.offsets = to_device(exec, std::move(offsets));
  packed.items = to_device(exec, std::move(items));
  return packed;
}

}  // namespace hci
