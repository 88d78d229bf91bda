// SPDX-License-Identifier: MIT
#include "kernels/geometry/patches_augment.hpp"

#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

constexpr Extents<4> kShape{3000, 20, 11, 11};

/// Old samples, as many as new ones, with the numbers of a cube.
Array<float, 4> samples(Exec& exec) {
  const auto cube = speckle_cube(kShape[0], kShape[1] * kShape[2], kShape[3]);
  Array<float, 4> patches(exec, kShape);
  upload_bytes(exec, cube.data(), patches.data(), cube.bytes());
  exec.wait();
  return patches;
}

void turn(benchmark::State& state, Exec& exec, Rotation method, bool mirrors) {
  const auto in = samples(exec);
  Array<float, 4> out(exec, kShape);
  const auto turns = draw_turns(1, 0, kShape[0], kShape[0], {.mirrors = mirrors});
  const auto work = [&] { turn_patches(exec, in.view(), turns, {.method = method}, out.view()); };
  auto still = turns;
  for (PatchTurn& each : still) each = {.parent = each.parent, .mirror_y = each.mirror_y, .mirror_x = each.mirror_x};
  turn_patches(exec, in.view(), still, {.method = method}, out.view());
  const auto before = to_host(exec, in.view()), after = to_host(exec, std::as_const(out).view());
  for (index_t b = 0; b < kShape[0]; b += 11) {
    const PatchTurn& one = still[std::size_t(b)];
    const index_t y = one.mirror_y ? kShape[2] - 1 - 3 : 3, x = one.mirror_x ? kShape[3] - 1 - 7 : 7;
    if (after.view()(b, 3, 3, 7) != before.view()(one.parent, 3, y, x))
      return state.SkipWithError("a turn by nothing changes a pixel");
  }
  const double seconds = timed(state, exec, work);
  report_bytes(state, exec, seconds, 2.0 * static_cast<double>(out.bytes()));
  state.counters["ns_per_value"] = 1e9 * seconds / static_cast<double>(out.size());
}

void average(benchmark::State& state, Exec& exec) {
  const auto in = samples(exec);
  Array<float, 4> out(exec, kShape);
  const auto parents = draw_parents(1, 0, kShape[0], kShape[0], 2);
  const auto work = [&] { average_patches(exec, in.view(), parents, 2, PatchScaling::none, out.view()); };
  work();
  const auto before = to_host(exec, in.view()), after = to_host(exec, std::as_const(out).view());
  for (std::size_t b = 0; b < std::size_t(kShape[0]); b += 11) {
    const double sum =
        double(before.view()(parents[2 * b], 3, 5, 5)) + double(before.view()(parents[2 * b + 1], 3, 5, 5));
    if (after.view()(index_t(b), 3, 5, 5) != static_cast<float>(sum / 2)) return state.SkipWithError("not the mean");
  }
  const double seconds = timed(state, exec, work);
  report_bytes(state, exec, seconds, 3.0 * static_cast<double>(out.bytes()));
}

bool add_turn(const char* name, Rotation method, bool mirrors = false) {
  return on_every_device(name, {kShape[0], kShape[1], kShape[2], kShape[3]},
                         [=](benchmark::State& state, Exec& exec) { turn(state, exec, method, mirrors); });
}

const bool registered[] = {
    add_turn("patches/augment_bilinear", Rotation::bilinear),
    add_turn("patches/augment_bilinear_mirrored", Rotation::bilinear, true),
    add_turn("patches/augment_bicubic", Rotation::bicubic),
    on_every_device("patches/average_2", {kShape[0], kShape[1], kShape[2], kShape[3]}, average),
};

}  // namespace
}  // namespace hci::bench
