// SPDX-License-Identifier: MIT
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#include "kernels/core/error.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/core/sanitizers.hpp"
#include "kernels/image/median_filter_plan.hpp"
#include "kernels/image/padded_block.hpp"
#include "kernels/stats/collapse_plan.hpp"
#include "kernels/stats/lanes.hpp"

// The window slides over a stripe of the frame as a set of ranks: bit r says that the stripe's r-th
// smallest value is under the footprint. A step of the window clears and sets the bits of the pixels
// along its edge, and moves the median by a few set bits (Huang's sliding histogram, IEEE ASSP 27, 13
// (1979), with one value in each bin, so that it is exact for floats).

//
// For small footprints without masked pixels that is beaten by selecting among all their values, 8
// pixels side by side: the smallest and the largest of a bit more than half of the values cannot be
// the median and are forgotten, another value takes their place, until one is left.

namespace hci {
namespace {

using Rank = std::uint32_t;
constexpr Rank kMasked = std::numeric_limits<Rank>::max();

/// Ranks of a stripe's pixels, and the values back.
class Ranking {
 public:
  explicit Ranking(index_t pixels)
      : order_(std::size_t(pixels)), spare_(std::size_t(pixels)), ranks_(std::size_t(pixels)) {}

  /// Ranks the first n of the values; those that are NaN get none.
  void rank(const float* values, index_t n) {
    order_.clear();
    for (index_t i = 0; i < n; ++i)
      if (values[i] == values[i])
        order_.push_back({order_key(values[i]), static_cast<Rank>(i)});
      else
        ranks_[std::size_t(i)] = kMasked;
    sort();
    for (std::size_t r = 0; r < order_.size(); ++r) ranks_[order_[r].pixel] = static_cast<Rank>(r);
  }
  const Rank* ranks() const { return ranks_.data(); }
  float value(std::size_t rank) const { return from_order_key(order_[rank].key); }
  std::size_t count() const { return order_.size(); }

 private:
  struct Item {
    std::uint32_t key;
    Rank pixel;
  };

  /// By digits, the lowest first: three passes of 11 bits.
  void sort() {
    constexpr std::uint32_t bits = 11, digits = 1U << bits;
    spare_.resize(order_.size());
    for (std::uint32_t shift = 0; shift < 32; shift += bits) {
      std::size_t first[digits + 1] = {};
      for (const Item& item : order_) ++first[(item.key >> shift) % digits + 1];
      for (std::uint32_t d = 0; d < digits; ++d) first[d + 1] += first[d];
      for (const Item& item : order_) spare_[first[(item.key >> shift) % digits]++] = item;
      order_.swap(spare_);
    }
  }

  std::vector<Item> order_, spare_;
  std::vector<Rank> ranks_;
};

/// The ranks under the window, and which of them is the median.
class Window {
 public:
  explicit Window(index_t pixels) : words_(std::size_t(pixels) / 64 + 2) {}

  void clear() {
    std::fill(words_.begin(), words_.end(), 0);
    count_ = below_ = 0;
    median_ = 0;
  }
  void add(Rank rank) {
    if (rank == kMasked) return;
    words_[rank / 64] |= std::uint64_t{1} << (rank % 64);
    ++count_;
    below_ += rank < median_;
  }
  void remove(Rank rank) {
    if (rank == kMasked) return;
    words_[rank / 64] &= ~(std::uint64_t{1} << (rank % 64));
    --count_;
    below_ -= rank < median_;
  }
  bool empty() const { return count_ == 0; }

  /// The rank of the larger middle one. Only where the window is not empty.
  std::size_t median() {
    const index_t wanted = count_ / 2;
    if (below_ > wanted) {
      for (; below_ > wanted; --below_) median_ = set_before(median_);
    } else {
      median_ = set_from(median_);
      for (; below_ < wanted; ++below_) median_ = set_from(median_ + 1);
    }
    return median_;
  }

 private:
  /// The first set bit at or after this one, and the last one before; there is one.
  std::size_t set_from(std::size_t bit) const {
    std::size_t word = bit / 64;
    std::uint64_t rest = words_[word] & ~std::uint64_t{0} << (bit % 64);
    while (rest == 0) rest = words_[++word];
    return word * 64 + static_cast<std::size_t>(std::countr_zero(rest));
  }
  std::size_t set_before(std::size_t bit) const {
    std::size_t word = bit / 64;
    std::uint64_t rest = words_[word] & ~(~std::uint64_t{0} << (bit % 64));
    while (rest == 0) rest = words_[--word];
    return word * 64 + 63 - static_cast<std::size_t>(std::countl_zero(rest));
  }

  std::vector<std::uint64_t> words_;
  std::size_t median_ = 0;  ///< below_ set bits lie before this one
  index_t count_ = 0, below_ = 0;
};

/// Which pixels a step of the window loses and gains, as offsets in the padded block: what it loses
/// from the window's place before the step, what it gains from that after it.
struct Step {
  std::vector<index_t> lost, gained;

  Step(const Footprint& footprint, index_t dy, index_t dx, index_t pitch) {
    const auto& all = footprint.offsets;
    const auto holds = [&](index_t y, index_t x) {
      return std::binary_search(all.begin(), all.end(), Footprint::Offset{y, x}, is_before);
    };
    for (const auto& [y, x] : all) {
      if (!holds(y - dy, x - dx)) lost.push_back(y * pitch + x);
      if (!holds(y + dy, x + dx)) gained.push_back(y * pitch + x);
    }
  }
  void take(Window& window, const Rank* before, const Rank* after) const {
    for (const index_t offset : lost) window.remove(before[offset]);
    for (const index_t offset : gained) window.add(after[offset]);
  }
};

Margins margins_of(const Footprint& footprint) {
  Margins margins;
  for (const auto& [y, x] : footprint.offsets) {
    margins.above = std::max(margins.above, -y);
    margins.below = std::max(margins.below, y);
    margins.left = std::max(margins.left, -x);
    margins.right = std::max(margins.right, x);
  }
  return margins;
}

inline Floats smaller(Floats a, Floats b) {
#if defined(__AVX__)
  return _mm256_min_ps(a, b);
#else
  return a < b ? a : b;
#endif
}
inline Floats larger(Floats a, Floats b) {
#if defined(__AVX__)
  return _mm256_max_ps(a, b);
#else
  return a > b ? a : b;
#endif
}
inline void put_in_order(Floats& low, Floats& high) {
  const Floats first = smaller(low, high);
  high = larger(low, high);
  low = first;
}

/// Where selecting beats sliding (measured): up to 29 values, and for the 49 of a box of 7 x 7, which
/// like the boxes of 3 x 3 and 5 x 5 and the disc of radius 3 has code of its own, without loops.
constexpr int kMostSelected = 49;
constexpr bool is_selected(std::size_t count) { return count <= 29 || count == kMostSelected; }

// GCC 12 warns of "ignoring loop annotation" where its sanitizers have changed these loops.
#if HCI_SANITIZED
#define HCI_UNROLLED
#else
#define HCI_UNROLLED _Pragma("GCC unroll 32")
#endif

/// The larger middle one of `count` values for each of 8 pixels side by side; the pixels' values lie
/// at at[offsets]. known: the count where the compiler is to unroll all loops, or 0.
template <int known>
Floats selected(const float* at, const index_t* offsets, int given) {
  const int count = known > 0 ? known : given, odd = count | 1;
  const auto value = [&](int i) {
    Floats values = broadcast(std::numeric_limits<float>::infinity());  // makes an even count odd
    if (i < count) std::memcpy(&values, at + offsets[i], sizeof values);
    return values;
  };
  Floats kept[kMostSelected / 2 + 2] = {};
  int size = odd / 2 + 2, next = size;
  if (odd == 1) return value(0);
  HCI_UNROLLED
  for (int i = 0; i < size; ++i) kept[i] = value(i);
  HCI_UNROLLED
  for (; size > 2; --size) {
    HCI_UNROLLED
    for (int i = 0; i < size / 2; ++i) put_in_order(kept[i], kept[size - 1 - i]);
    HCI_UNROLLED
    for (int i = 1; i < (size + 1) / 2; ++i) put_in_order(kept[0], kept[i]);
    HCI_UNROLLED
    for (int i = size / 2; i < size - 1; ++i) put_in_order(kept[i], kept[size - 1]);
    if (size == 3) break;
    kept[0] = value(next++);
  }
  return kept[1];
}
#undef HCI_UNROLLED

/// A row of medians, 8 at a time; the last 8 end at the last pixel.
void select_row(const float* at, const std::vector<index_t>& offsets, index_t nx, float* medians) {
  const auto count = static_cast<int>(offsets.size());
  for (index_t i = 0; i < nx; i += 8) {
    const index_t x = std::min(i, nx - 8);
    const Floats found = count == 9    ? selected<9>(at + x, offsets.data(), count)
                         : count == 25 ? selected<25>(at + x, offsets.data(), count)
                         : count == 29 ? selected<29>(at + x, offsets.data(), count)
                         : count == 49 ? selected<49>(at + x, offsets.data(), count)
                                       : selected<0>(at + x, offsets.data(), count);
    std::memcpy(medians + x, &found, sizeof found);
  }
}

/// Rows of a stripe: the ranks of it and its margins fit the first-level cache where they can, for
/// the bits are visited at random; but the margins, which are ranked twice, are to stay a third.
index_t ranked_rows(index_t ny, index_t pitch, const Margins& margins) {
  constexpr index_t kCachePixels = 16 * 1024;
  const index_t margin = margins.above + margins.below;
  return std::min(ny, std::max({index_t{8}, 2 * margin, kCachePixels / pitch - margin}));
}

/// The window's three ways.
struct Steps {
  Step right, left, down;

  Steps(const Footprint& footprint, index_t pitch)
      : right(footprint, 0, 1, pitch), left(footprint, 0, -1, pitch), down(footprint, 1, 0, pitch) {}
};

/// In a block with its margins: with their ranks some 300 MB for each thread. A far footprint of few pixels needs none.
constexpr index_t kMostPixels = index_t{1} << 24;
static_assert(kMostPixels < index_t{kMasked});

/// What a thread needs.
struct Scratch {
  Array<float, 1> padded, medians;
  Ranking ranking;
  Window window;
};

/// The medians of `rows` rows of the frame by sliding to and fro, as one ploughs. write(y, x, median).
template <class Write>
void slide(Scratch& scratch, const Steps& steps, const std::vector<index_t>& offsets, const Margins& margins,
           index_t rows, index_t nx, const Write& write) {
  const index_t pitch = margins.left + nx + margins.right;
  auto& [padded, medians, ranking, window] = scratch;
  ranking.rank(padded.data(), (margins.above + rows + margins.below) * pitch);
  window.clear();
  const Rank* at = ranking.ranks() + margins.above * pitch + margins.left;
  for (const index_t offset : offsets) window.add(at[offset]);
  for (index_t y = 0; y < rows; ++y) {
    const bool forth = y % 2 == 0;
    for (index_t i = 0; i < nx; ++i) {
      if (i > 0) {
        const Rank* next = forth ? at + 1 : at - 1;
        (forth ? steps.right : steps.left).take(window, at, next);
        at = next;
      }
      write(y, forth ? i : nx - 1 - i, window.empty() ? NAN : ranking.value(window.median()));
    }
    if (y + 1 == rows) break;
    steps.down.take(window, at, at + pitch);
    at += pitch;
  }
}

}  // namespace

bool median_filter_cpu(Exec& exec, Cube<const float> in, const Footprint& footprint, Border border, Cube<float> out) {
  const Margins margins = margins_of(footprint);
  const index_t ny = in.extent(1), nx = in.extent(2), pitch = margins.left + nx + margins.right;
  const index_t rows = ranked_rows(ny, pitch, margins), stripes = (ny + rows - 1) / rows;
  const index_t pixels = (margins.above + rows + margins.below) * pitch;
  if (pixels > kMostPixels) return false;
  std::vector<index_t> offsets;
  for (const auto& [y, x] : footprint.offsets) offsets.push_back(y * pitch + x);
  const bool small = is_selected(offsets.size()) && nx >= 8;
  const Steps steps(footprint, pitch);
  const auto make = [&] {
    return Scratch{host_array<float, 1>({pixels}), host_array<float, 1>({nx}), Ranking(pixels), Window(pixels)};
  };
  parallel_for(exec.threads(), in.extent(0) * stripes, kEqualShares, make, [&](Scratch& scratch, index_t i) {
    const index_t t = i / stripes, first = i % stripes * rows, here = std::min(rows, ny - first);
    const bool spoiled = copy_padded(in[t], first, here, margins, border, scratch.padded.data(), pitch);
    if (!small || spoiled) {
      slide(scratch, steps, offsets, margins, here, nx,
            [&](index_t y, index_t x, float median) { out(t, first + y, x) = median; });
      return;
    }
    for (index_t y = 0; y < here; ++y) {
      const float* row = scratch.padded.data() + (margins.above + y) * pitch + margins.left;
      select_row(row, offsets, nx, scratch.medians.data());
      for (index_t x = 0; x < nx; ++x) out(t, first + y, x) = scratch.medians.data()[x];
    }
  });
  return true;
}

}  // namespace hci
