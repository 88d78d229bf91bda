// SPDX-License-Identifier: MIT
// A reduction of data that the program holds itself: a planet that turns, behind a constant star.
// With any argument, the example of the README, which wants files and a GPU.
#include <cmath>
#include <cstdio>
#include <numbers>

#include "engine/version.hpp"
#include "models/detect/peak.hpp"
#include "models/reduction.hpp"

// Line by line as in README.md; .ci/run install compares.
int readme_example() {
  hci::Exec exec(hci::Device{hci::Device::Kind::cuda, 0});  // or hci::Exec exec; for the CPU
  const hci::Dataset data = hci::load_dataset({.cube = "cube.fits", .angles = "pa.fits", .fwhm = "4.8"});
  hci::Recipe recipe{.algorithm = "pca", .algorithm_settings = {{"ncomp", "20"}}, .snr = true};
  const hci::ReductionResult result = hci::Reduction(recipe).run(exec, data);
  const hci::Peak planet = hci::highest_pixel(result.snr.view());
  return planet.value > 5 ? 0 : 1;
}

int main(int argc, char**) {
  if (argc > 1) return readme_example();
  constexpr hci::index_t kFrames = 24, kSize = 41;
  hci::Dataset data;
  data.cube = hci::host_array<float, 4>({kFrames, 1, kSize, kSize});
  for (hci::index_t t = 0; t < kFrames; ++t) {
    data.angles.push_back(5.0 * static_cast<double>(t));
    const double turn = -data.angles.back() * std::numbers::pi / 180;
    const double planet_x = 20 + 12 * std::cos(turn), planet_y = 20 + 12 * std::sin(turn);
    for (hci::index_t y = 0; y < kSize; ++y)
      for (hci::index_t x = 0; x < kSize; ++x) {
        const auto dx = static_cast<double>(x), dy = static_cast<double>(y);
        data.cube.view()(t, 0, y, x) =
            static_cast<float>(1e4 / (1 + std::hypot(dx - 20, dy - 20)) +
                               100 * std::exp(-(std::pow(dx - planet_x, 2) + std::pow(dy - planet_y, 2)) / 6));
      }
  }

  hci::Exec exec;
  hci::Recipe recipe;
  recipe.algorithm = "median";
  const hci::ReductionResult result = hci::Reduction(recipe).run(exec, data);
  const hci::Peak planet = hci::highest_pixel(result.frame.view());
  std::printf("cuHCI %s on %s: planet at x %d, y %d\n", hci::version().c_str(), exec.device().name().c_str(),
              static_cast<int>(planet.x), static_cast<int>(planet.y));
  return planet.x == 32 && planet.y == 20 ? 0 : 1;
}
