// SPDX-License-Identifier: MIT
// The main job from a cube in host memory to the final frame, as a C++ program that embeds us sees it.
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "models/reduction.hpp"

namespace hci::bench {
namespace {

Dataset dataset(index_t frames, index_t size) {
  const Array<float, 3> cube = speckle_cube(frames, size, size);
  Dataset data;
  data.cube = host_array<float, 4>({frames, 1, size, size});
  std::memcpy(data.cube.data(), cube.data(), cube.bytes());
  data.angles = even_angles(frames);
  data.fwhm = {4.8};
  return data;
}

/// Registers one case; % of copy is that of a single pass over the cube.
bool reduce(const std::string& name, Recipe recipe, index_t frames, index_t size) {
  const Body body = [recipe = std::move(recipe), frames, size](benchmark::State& state, Exec& exec) {
    const Dataset data = dataset(frames, size);
    const Reduction reduction(recipe);
    const ReductionResult once = reduction.run(exec, data);
    for (index_t i = 0; i < once.frame.size(); ++i)
      if (!std::isfinite(once.frame.data()[i])) throw std::runtime_error("reduce: the frame is not finite");
    const double seconds =
        timed(state, exec, [&] { benchmark::DoNotOptimize(reduction.run(exec, data).frame.data()); });
    report_bytes(state, exec, seconds, static_cast<double>(data.cube.bytes()));
  };
  return on_every_device("reduce/" + name, {frames, size, size}, body);
}

Recipe pca(std::string ncomp) { return {.algorithm = "pca", .algorithm_settings = {{"ncomp", std::move(ncomp)}}}; }

Recipe annular() {
  Recipe recipe = pca("5");
  recipe.regions.mode = RegionMode::annular;
  return recipe;
}

const bool registered[] = {
    reduce("pca20", pca("20"), 489, 210),
    reduce("pca20", pca("20"), 61, 101),
    reduce("annular_pca5", annular(), 61, 101),
    reduce("median", {.algorithm = "median"}, 489, 210),
};

}  // namespace
}  // namespace hci::bench
