// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <numbers>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "kernels/core/copy.hpp"
#include "kernels/geometry/centre.hpp"
#include "models/psfsub/registry.hpp"
#include "models/psfsub/subtract.hpp"

namespace hci::test {

/// Where a companion at `radius` px and 0 degrees stands in a frame of `n` px with this derotation angle.
inline std::pair<double, double> companion_yx(index_t n, double radius, double angle) {
  const double turn = -angle * std::numbers::pi / 180;
  return {frame_centre(n) + radius * std::sin(turn), frame_centre(n) + radius * std::cos(turn)};
}

/// What a telescope sees: a star of 1000 counts that is wide and has fixed speckles whose brightness
/// varies from frame to frame, noise of 1 count, and a companion of `flux` counts (peak, FWHM 4 px).
struct SyntheticCube {
  index_t frames, n;
  std::vector<float> values;
  std::vector<double> angles;

  SyntheticCube(index_t frames_, index_t n_, double flux = 0, double radius = 12, unsigned seed = 3)
      : frames(frames_), n(n_), values(static_cast<std::size_t>(frames_ * n_ * n_)) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    std::vector<double> speckles(static_cast<std::size_t>(n * n)), others(speckles.size());
    for (double& s : speckles) s = 1 + 0.3 * normal(generator);
    for (double& s : others) s = 0.05 * normal(generator);
    for (index_t t = 0; t < frames; ++t) {
      angles.push_back(3.0 * static_cast<double>(t));
      const double brightness = 1 + 0.1 * normal(generator), second = normal(generator);
      const auto [cy, cx] = companion_yx(n, radius, angles.back());
      for (index_t y = 0; y < n; ++y)
        for (index_t x = 0; x < n; ++x) {
          const auto pixel = static_cast<std::size_t>(y * n + x);
          const double r =
              std::hypot(static_cast<double>(y) - frame_centre(n), static_cast<double>(x) - frame_centre(n));
          const double d = std::hypot(static_cast<double>(y) - cy, static_cast<double>(x) - cx);
          const double star = 1000 * std::exp(-r / 10) * (brightness * speckles[pixel] + second * others[pixel]);
          values[static_cast<std::size_t>(t * n * n) + pixel] =
              static_cast<float>(star + normal(generator) + flux * std::exp(-4 * std::numbers::ln2 * d * d / 16));
        }
    }
  }
  Cube<const float> view() const { return {values.data(), {frames, n, n}}; }
  float& at(index_t t, index_t y, index_t x) { return values[static_cast<std::size_t>((t * n + y) * n + x)]; }
};

/// Residual cubes, one for each variant, on the host.
inline std::vector<Array<float, 3>> residuals_of(Exec& exec, const PsfSubtraction& algorithm,
                                                 const RegionParams& params, const SyntheticCube& cube,
                                                 const SyntheticCube* references = nullptr) {
  const auto device = to_device(exec, cube.view());
  Array<float, 3> device_references(exec, {references == nullptr ? 0 : references->frames, cube.n, cube.n});
  if (references != nullptr) upload(exec, references->view(), device_references.view());
  Array<float, 3> residual(exec, cube.view().extents());
  std::vector<Array<float, 3>> all;
  subtract_psf(exec, algorithm, params, {device.view(), device_references.view(), cube.angles, 4}, residual.view(),
               [&](std::size_t) { all.push_back(to_host(exec, residual.view())); });
  return all;
}

}  // namespace hci::test
