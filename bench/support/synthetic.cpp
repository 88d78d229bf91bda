// SPDX-License-Identifier: MIT
#include "bench/support/synthetic.hpp"

#include <cmath>
#include <numbers>
#include <random>

namespace hci::bench {

Array<float, 3> speckle_cube(index_t frames, index_t height, index_t width, std::uint64_t seed) {
  constexpr index_t kPatterns = 30;
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  const index_t pixels = height * width;

  std::vector<float> halo(static_cast<std::size_t>(pixels));
  for (index_t y = 0; y < height; ++y)
    for (index_t x = 0; x < width; ++x) {
      const double dy = static_cast<double>(y - height / 2), dx = static_cast<double>(x - width / 2);
      halo[static_cast<std::size_t>(y * width + x)] = static_cast<float>(1000 / (4 + std::hypot(dy, dx)));
    }
  std::vector<float> patterns(static_cast<std::size_t>(kPatterns * pixels));
  for (index_t k = 0; k < kPatterns; ++k)
    for (index_t p = 0; p < pixels; ++p)
      patterns[static_cast<std::size_t>(k * pixels + p)] =
          halo[static_cast<std::size_t>(p)] * normal(random) / static_cast<float>(k + 1);

  auto cube = host_array<float, 3>(Extents<3>{frames, height, width});
  for (index_t t = 0; t < frames; ++t) {
    float* frame = cube.data() + t * pixels;
    for (index_t p = 0; p < pixels; ++p) frame[p] = halo[static_cast<std::size_t>(p)] + 0.3f * normal(random);
    for (index_t k = 0; k < kPatterns; ++k) {
      const double phase = std::numbers::pi * static_cast<double>((k + 1) * t) / static_cast<double>(frames);
      const float weight = static_cast<float>(std::cos(phase));
      const float* pattern = patterns.data() + k * pixels;
      for (index_t p = 0; p < pixels; ++p) frame[p] += weight * pattern[p];
    }
  }
  return cube;
}

std::vector<double> even_angles(index_t frames, double range_degrees) {
  std::vector<double> angles(static_cast<std::size_t>(frames));
  for (std::size_t t = 0; t < angles.size(); ++t)
    angles[t] = frames > 1 ? range_degrees * static_cast<double>(t) / static_cast<double>(frames - 1) : 0;
  return angles;
}

}  // namespace hci::bench
