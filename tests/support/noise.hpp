// SPDX-License-Identifier: MIT
#pragma once
#include <random>

#include "kernels/core/array.hpp"

namespace hci::test {

/// Normal deviates in host memory; the same for the same seed.
template <int N>
Array<float, N> noise(Extents<N> extents, unsigned seed, float mean = 0, float sigma = 1) {
  auto values = host_array<float, N>(extents);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(mean, sigma);
  for (index_t i = 0; i < values.size(); ++i) values.data()[i] = normal(random);
  return values;
}

}  // namespace hci::test
