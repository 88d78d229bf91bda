// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: exact order statistics without sorting. Floats become integers that order as they
// do, and the integer of a rank is found bit by bit, by counting how many values are below it: no memory
// besides the values, no branch on them, any number of threads that can add up a count.
#include <cstdint>
#include <cstring>

#include "kernels/core/view.hpp"

namespace hci {

/// An integer that orders as the float does (-0 below +0).
HCI_HD inline std::uint32_t order_key(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits ^ ((0 - (bits >> 31)) | 0x80000000U);  // of a negative one all bits turn, else the sign
}
HCI_HD inline float from_order_key(std::uint32_t key) {
  const std::uint32_t bits = key ^ (((key >> 31) - 1) | 0x80000000U);
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// Stands for NaN, above all values; from_order_key() makes it NaN again.
constexpr std::uint32_t kNanKey = 0xffffffffU;
HCI_HD inline std::uint32_t order_key_or_nan(float value) { return value == value ? order_key(value) : kNanKey; }

/// The median between its two middle values; never -0, so that the order of equal zeros is no matter.
HCI_HD inline float middle_of(float low, float high) {
  return low == high ? low + 0.0F : static_cast<float>(0.5 * (double(low) + double(high)));
}

/// The least key of a value >= low, and the largest of one <= high.
HCI_HD inline std::uint32_t key_from(double low) {
  const float nearest = static_cast<float>(low);
  if (nearest < low) return order_key(nearest) + 1;
  return order_key(nearest == 0 ? -0.0F : nearest);
}
HCI_HD inline std::uint32_t key_up_to(double high) {
  const float nearest = static_cast<float>(high);
  if (nearest > high) return order_key(nearest) - 1;
  return order_key(nearest == 0 ? 0.0F : nearest);
}

/// Where keys are known to lie, both ends included.
struct KeyRange {
  std::uint32_t least = 0, most = kNanKey;
};

/// A key that begins like that of order statistic `rank` (from 0) of n values in the range and has zeros
/// after that: it is complete, or enough(m) held for the m values that begin like it.
///   below(key): how many values are below the one with this key
#if defined(__CUDACC__)
#pragma nv_exec_check_disable  // below() may be the device's alone: then nobody calls this on the host
#endif
template <class Index, class Below, class Enough>
HCI_HD inline std::uint32_t key_prefix_of_rank(Index rank, Index n, KeyRange range, const Below& below,
                                               const Enough& enough) {
  std::uint32_t bit = 0x80000000U;
  while (bit > (range.least ^ range.most)) bit >>= 1;
  if (bit == 0) return range.least;
  std::uint32_t key = range.least & ~(2 * bit - 1);
  Index begin = 0, end = n;  // ranks of the values that begin like it
  for (; bit != 0; bit >>= 1) {
    const Index split = below(key | bit);
    if (split <= rank) {
      key |= bit;
      begin = split;
    } else {
      end = split;
    }
    if (enough(end - begin)) break;
  }
  return key;
}

/// The key of order statistic `rank`, of values anywhere.
#if defined(__CUDACC__)
#pragma nv_exec_check_disable
#endif
template <class Index, class Below>
HCI_HD inline std::uint32_t key_of_rank(Index rank, const Below& below) {
  return key_prefix_of_rank(rank, Index{0}, KeyRange{}, below, [](Index) { return false; });
}

}  // namespace hci
