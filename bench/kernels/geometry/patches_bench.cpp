// SPDX-License-Identifier: MIT
#include "kernels/geometry/patches.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

/// Every pixel, or one every `step` pixels, of a square about the frame's centre, or places between them.
std::vector<Position> centres_of(index_t side, index_t frame, bool whole, index_t step) {
  std::vector<Position> centres;
  for (index_t y = 0; y < side; ++y)
    for (index_t x = 0; x < side; ++x)
      centres.push_back({double(frame / 2 + step * (y - side / 2)) + (whole ? 0 : 0.3),
                         double(frame / 2 + step * (x - side / 2)) + (whole ? 0 : 0.6)});
  return centres;
}

/// shape: samples on a side of their square, slices, frame, patch.
void run(benchmark::State& state, Exec& exec, Extents<4> shape, bool whole, const PatchOptions& options,
         index_t step = 1) {
  const auto [side, slices, frame, patch] = shape.n;
  const auto stack = speckle_cube(slices, frame, frame);
  const auto centres = centres_of(side, frame, whole, step);
  const DeviceInput<float, 3> in(exec, stack.view());
  Array<float, 4> out(exec, {side * side, slices, patch, patch});
  const auto work = [&] { extract_patches(exec, in.view(), centres, options, out.view()); };
  work();
  if (whole && options.angles.empty() && options.scaling == PatchScaling::none) {
    const auto got = to_host(exec, std::as_const(out).view());
    for (index_t b = 0; b < got.extent(0); b += 7)
      for (index_t k = 0; k < slices; ++k) {
        const Position at = centres[static_cast<std::size_t>(b)];
        if (got.view()(b, k, patch / 2, patch / 2) != stack.view()(k, index_t(at.y), index_t(at.x)))
          return state.SkipWithError("a patch is not what is there");
      }
  }
  const double seconds = timed(state, exec, work);
  // The stack stays in the cache: what moves is what is written; counted twice, as a copy of it would.
  report_bytes(state, exec, seconds, 2.0 * static_cast<double>(out.bytes()));
  state.counters["ns_per_value"] = 1e9 * seconds / static_cast<double>(out.size());
}

/// In place, so that from the second time on they lie between 0 and 1: each number read and written.
void scale(benchmark::State& state, Exec& exec, const Extents<4>& shape, PatchScaling scaling) {
  const auto cube = speckle_cube(shape[0], shape[1] * shape[2], shape[3]);
  Array<float, 4> patches(exec, shape);
  upload_bytes(exec, cube.data(), patches.data(), cube.bytes());
  const auto work = [&] { scale_patches(exec, scaling, patches.view()); };
  work();
  const auto host = to_host(exec, std::as_const(patches).view());
  const index_t values = (scaling == PatchScaling::slice ? 1 : shape[1]) * shape[2] * shape[3];
  for (const float* first = host.data(); first < host.data() + host.size(); first += values) {
    const auto [least, most] = std::minmax_element(first, first + values);
    if (*least != 0 || *most != 1) return state.SkipWithError("a patch does not reach from 0 to 1");
    const float* const in = cube.data() + (first - host.data());
    const auto [low, high] = std::minmax_element(in, in + values);
    const double want = (double(in[values / 2]) - double(*low)) / (double(*high) - double(*low));
    const double rounding = 6e-8 * (3 + 2 * std::fabs(double(*low)) / (double(*high) - double(*low)));
    if (!(std::fabs(double(first[values / 2]) - want) <= rounding)) return state.SkipWithError("a value is not scaled");
  }
  report_bytes(state, exec, timed(state, exec, work), 2.0 * static_cast<double>(patches.bytes()));
}

bool add_scaling(const char* name, const Extents<4>& shape, PatchScaling scaling) {
  return on_every_device(name, {shape[0], shape[1], shape[2], shape[3]},
                         [=](benchmark::State& state, Exec& exec) { scale(state, exec, shape, scaling); });
}

bool add(const char* name, Extents<4> shape, bool whole, const PatchOptions& options) {
  return on_every_device(name, {shape[0] * shape[0], shape[1], shape[2], shape[3]},
                         [=](benchmark::State& state, Exec& exec) { run(state, exec, shape, whole, options); });
}

/// Slices that a warp holds in its registers, against a thread for each value: up to which size.
bool add_paths(const char* name, index_t patch, const PatchOptions& options) {
  const Extents<4> shape{54, 20, 101, patch};
  return on_both_paths(name, {patch, patch, 54 * 54, 20},
                       [=](benchmark::State& state, Exec& exec) { run(state, exec, shape, true, options); });
}

PatchOptions turned(index_t slices, Rotation method) { return {.angles = even_angles(slices), .method = method}; }

const Extents<4> kNaco{54, 20, 101, 11};
bool of_sizes() {
  for (const index_t patch : {7, 11, 15, 19, 22, 23, 25, 29})
    add_paths("patches_scaled", patch, {.scaling = PatchScaling::slice});
  // A region that is turned once and cut up, and patches turned one by one, as those between pixels are: from how many
  // values of patches for each of the region on.
  for (const index_t step : {9, 8, 7, 6, 5, 4, 2})
    for (const bool whole : {true, false})
      on_every_cuda_device(whole ? "crossover/patches_of_region" : "crossover/patches_one_by_one",
                           {20, step, 20, 210, 11}, [=](benchmark::State& state, Exec& exec) {
                             run(state, exec, {20, 20, 210, 11}, whole, turned(20, Rotation::lanczos4), step);
                           });
  return add_paths("patches_turned", 11, turned(20, Rotation::bilinear));
}

const bool registered[] = {
    of_sizes(),
    add("patches/copy", kNaco, true, {}),
    add("patches/copy_scaled", kNaco, true, {.scaling = PatchScaling::slice}),
    add("patches/copy", {100, 16, 210, 9}, true, {}),
    add("patches/copy", {30, 16, 210, 33}, true, {}),
    add("patches/turned_bilinear", kNaco, true, turned(20, Rotation::bilinear)),
    add("patches/turned_lanczos4", kNaco, true, turned(20, Rotation::lanczos4)),
    add("patches/turned_between_bilinear", kNaco, false, turned(20, Rotation::bilinear)),
    add("patches/turned_between_lanczos4", kNaco, false, turned(20, Rotation::lanczos4)),
    add("patches/between_bilinear", kNaco, false, {}),
    add_scaling("scale_patches/slice", {2916, 20, 11, 11}, PatchScaling::slice),
    add_scaling("scale_patches/sample", {2916, 20, 11, 11}, PatchScaling::sample),
};

}  // namespace
}  // namespace hci::bench
