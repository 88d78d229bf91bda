// SPDX-License-Identifier: MIT
#pragma once
// What the tests of the image filters share: frames, and a border of their own making.
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "kernels/core/copy.hpp"
#include "kernels/geometry/rotate.hpp"

namespace hci::test {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// White noise on a slope; about one pixel in `one_masked_in` is NaN (0: none).
inline Array<float, 3> noisy_frames(Extents<3> extents, unsigned one_masked_in = 0, unsigned seed = 1) {
  auto frames = host_array<float, 3>(extents);
  std::mt19937 random(seed);
  std::normal_distribution<float> noise(0, 10);
  for (index_t i = 0; i < frames.size(); ++i) {
    frames.data()[i] = noise(random) + 0.1F * static_cast<float>(i % 97);
    if (one_masked_in > 0 && random() % one_masked_in == 0) frames.data()[i] = kNaN;
  }
  return frames;
}

/// The pixel that lies at i when an axis of n pixels goes on as the border says; -1: a zero. By
/// walking, one pixel at a time.
inline index_t walked(index_t i, index_t n, Border border) {
  if (i >= 0 && i < n) return i;
  if (border == Border::constant) return -1;
  if (border == Border::edge) return i < 0 ? 0 : n - 1;
  if (n == 1) return 0;
  index_t at = i < 0 ? 0 : n - 1;
  int step = i < 0 ? -1 : 1;
  for (index_t left = i < 0 ? -i : i - n + 1; left > 0; --left) {
    const index_t next = at + step;
    if (next >= 0 && next < n) {
      at = next;
    } else if (border == Border::wrap) {
      at = next < 0 ? n - 1 : 0;
    } else {
      step = -step;
      if (border == Border::reflect) at += step;  // symmetric: the edge pixel comes twice
    }
  }
  return at;
}

}  // namespace hci::test
