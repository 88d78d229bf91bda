// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only: rows of a frame with what its border puts around them.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernels/core/array.hpp"
#include "kernels/geometry/sampling.hpp"

namespace hci {

/// How far a window reaches beyond its pixel.
struct Margins {
  index_t above = 0, below = 0, left = 0, right = 0;
};

/// Copies rows first .. first + rows of a frame (x of unit stride), with the margins around them, to
/// `to`: (above + rows + below) rows of `pitch` floats. Says whether any value is not finite.
inline bool copy_padded(const Frame<const float>& frame, index_t first, index_t rows, const Margins& margins,
                        Border border, float* to, index_t pitch) {
  const index_t nx = frame.extent(1);
  std::uint32_t spoiled = 0;
  for (index_t j = 0; j < margins.above + rows + margins.below; ++j, to += pitch) {
    const index_t row = border_index(first - margins.above + j, frame.extent(0), border);
    if (row < 0) {
      std::fill_n(to, margins.left + nx + margins.right, 0.0F);
      continue;
    }
    const float* from = &frame(row, 0);
    std::memcpy(to + margins.left, from, static_cast<std::size_t>(nx) * sizeof(float));
    const auto fill = [&](index_t x) {
      const index_t column = border_index(x, nx, border);
      to[margins.left + x] = column < 0 ? 0.0F : from[column];
    };
    for (index_t x = -margins.left; x < 0; ++x) fill(x);
    for (index_t x = nx; x < nx + margins.right; ++x) fill(x);
    for (index_t x = 0; x < nx; ++x) {  // by the bits, so that the compiler makes vectors of it
      constexpr std::uint32_t exponent = 0x7f800000U;
      std::uint32_t bits = 0;
      std::memcpy(&bits, from + x, sizeof bits);
      spoiled |= static_cast<std::uint32_t>((bits & exponent) == exponent);
    }
  }
  return spoiled != 0;
}

/// Rows of a frame that a thread works on at a time: with its margins in the second-level cache, and
/// tall enough for the margins to cost little.
inline index_t stripe_rows(index_t ny, index_t pitch, const Margins& margins) {
  constexpr index_t kCacheFloats = 96 * 1024;
  const index_t margin = margins.above + margins.below;
  return std::min(ny, std::max({index_t{16}, margin, kCacheFloats / pitch - margin}));
}

}  // namespace hci
