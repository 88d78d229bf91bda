// SPDX-License-Identifier: MIT
#include "kernels/geometry/patches_augment.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/geometry/patches_augment_cpu.hpp"
#include "kernels/geometry/patches_run.hpp"
#include "kernels/geometry/sampling.hpp"
#include "kernels/random/philox.hpp"

namespace hci {
namespace {

/// Bytes: 4 written a value and 4 read, the window from L2 for all its taps. Flops, bilinear: 4 double for the place
/// and 12 single, so that a GTX 1080 (0.28 TFLOP/s double) needs 0.1 ms for (3000, 20, 11, 11), its memory (320 GB/s)
/// 0.18 ms; an H200 (4.3 TB/s copied) 14 us. A warp makes a slice, see make_slices() in patches_run.hpp; a thread a
/// value where slices are larger or have gaps. Not measured on a GPU yet.
template <Rotation method>
struct TurnedPatch {
  Patches<const float> in;
  Vector<const PatchMap> maps;
  const float* lanczos;
  Border border;

  HCI_HD float operator()(index_t b, index_t k, index_t i, index_t j) const {
    const PatchMap& turn = maps(b);
    return sample<method>(in[turn.parent][k], turn.map, lanczos, border, i, j);
  }
};

/// Bytes: 4 (members + 1) a value, and as many additions in double: (3000, 20, 11, 11) of 5 members is 174 MB, 40 us on
/// an H200 (4.3 TB/s), 0.54 ms on a GTX 1080 (320 GB/s; its double arithmetic, 0.28 TFLOP/s, 0.16 ms). Shape as above:
/// a warp's 32 values lie side by side in each member. Not measured on a GPU yet.
struct MeanOfPatches {
  Patches<const float> in;
  Matrix<const index_t> parents;

  HCI_HD float operator()(index_t b, index_t k, index_t i, index_t j) const {
    double sum = 0;
    for (index_t m = 0; m < parents.extent(1); ++m) sum += double(in(parents(b, m), k, i, j));
    return static_cast<float>(sum / double(parents.extent(1)));
  }
};

/// The inverse of: mirror, turn, move.
PatchMap map_of(const PatchTurn& turn, index_t ny, index_t nx) {
  const double cy = double(ny - 1) / 2, cx = double(nx - 1) / 2;
  Affine map = derotation(turn.angle, cy, cx);
  map.x0 -= map.xx * turn.dx + map.xy * turn.dy;
  map.y0 -= map.yx * turn.dx + map.yy * turn.dy;
  if (turn.mirror_x) map = {-map.xx, -map.xy, 2 * cx - map.x0, map.yx, map.yy, map.y0};
  if (turn.mirror_y) map = {map.xx, map.xy, map.x0, -map.yx, -map.yy, 2 * cy - map.y0};
  return {turn.parent, map};
}

void check_shapes(const char* caller, const Patches<const float>& in, const Patches<float>& out) {
  require(in.extent(1) == out.extent(1) && in.extent(2) == out.extent(2) && in.extent(3) == out.extent(3), caller,
          ": samples of ", in.extent(1), " x ", in.extent(2), " x ", in.extent(3), " cannot become samples of ",
          out.extent(1), " x ", out.extent(2), " x ", out.extent(3));
}

void check_parent(const char* caller, index_t parent, const Patches<const float>& in) {
  require(parent >= 0 && parent < in.extent(0), caller, ": there is no sample ", parent, " among ", in.extent(0));
}

/// Windows of more values are turned without a list of their taps (which lanczos4 would fill half a megabyte with).
constexpr index_t kLargestListed = 1024;

enum Purpose : std::uint32_t { drawing_turns = 0x7475726E, drawing_parents = 0x6D65616E };

index_t draw_index(RandomStream& random, index_t count) {
  return std::min(static_cast<index_t>(random.uniform() * double(count)), count - 1);
}

}  // namespace

void turn_patches(Exec& exec, Patches<const float> in, const std::vector<PatchTurn>& turns, const TurnOptions& options,
                  Patches<float> out) {
  check_shapes("turn_patches", in, out);
  require(out.extent(0) == static_cast<index_t>(turns.size()), "turn_patches: ", turns.size(), " turns for ",
          out.extent(0), " samples");
  require(options.method == Rotation::lanczos4 || options.method == Rotation::bicubic ||
              options.method == Rotation::bilinear || options.method == Rotation::nearest,
          "turn_patches: patches are turned by lanczos4, bicubic, bilinear or nearest only");
  std::vector<PatchMap> maps;
  maps.reserve(turns.size());
  for (const PatchTurn& turn : turns) {
    check_parent("turn_patches", turn.parent, in);
    require(
        std::isfinite(turn.angle) && std::fabs(turn.dy) < kFarthestPosition && std::fabs(turn.dx) < kFarthestPosition,
        "turn_patches: a turn by ", turn.angle, " degrees and (", turn.dy, ", ", turn.dx, ") px");
    maps.push_back(map_of(turn, in.extent(2), in.extent(3)));
  }
  if (out.size() == 0) return;
  const index_t window = in.extent(2) * in.extent(3);
  if (!exec.on_cuda() && exec.tuned() && out.stride(3) == 1 && window <= kLargestListed) {
    turn_patches_cpu(exec, in, maps, options, out);
    return;
  }
  const auto places = to_device(exec, std::move(maps));
  const auto lanczos = to_device(exec, lanczos4_weights());
  const auto make = [&](auto source) { patch::make(exec, source, options.scaling, out); };
  switch (options.method) {
    case Rotation::lanczos4:
      return make(TurnedPatch<Rotation::lanczos4>{in, places.view(), lanczos.data(), options.border});
    case Rotation::bicubic:
      return make(TurnedPatch<Rotation::bicubic>{in, places.view(), lanczos.data(), options.border});
    case Rotation::bilinear:
      return make(TurnedPatch<Rotation::bilinear>{in, places.view(), lanczos.data(), options.border});
    default:
      return make(TurnedPatch<Rotation::nearest>{in, places.view(), lanczos.data(), options.border});
  }
}

void average_patches(Exec& exec, Patches<const float> in, const std::vector<index_t>& parents, int members,
                     PatchScaling scaling, Patches<float> out) {
  check_shapes("average_patches", in, out);
  require(members >= 1 && static_cast<index_t>(parents.size()) == out.extent(0) * members,
          "average_patches: ", parents.size(), " parents for ", out.extent(0), " means of ", members);
  for (const index_t parent : parents) check_parent("average_patches", parent, in);
  if (out.size() == 0) return;
  if (!exec.on_cuda() && exec.tuned() && out.stride(3) == 1 && in.stride(3) == 1) {
    average_patches_cpu(exec, in, parents, members, scaling, out);
    return;
  }
  const auto list = to_device(exec, parents);
  const Matrix<const index_t> rows(list.data(), {out.extent(0), index_t{members}});
  patch::make(exec, MeanOfPatches{in, rows}, scaling, out);
}

std::vector<PatchTurn> draw_turns(std::uint64_t seed, index_t first, index_t count, index_t parents,
                                  const TurnLaw& law) {
  require(first >= 0 && count >= 0, "draw_turns: turns ", first, " to ", first + count);
  require(parents >= 1, "draw_turns: there are ", parents, " samples to draw from");
  require(law.angle_range >= 0 && law.angle_range <= 360 && law.least_shift >= 0 && law.most_shift >= law.least_shift &&
              std::isfinite(law.most_shift),
          "draw_turns: angles below ", law.angle_range, " degrees (0 to 360), shifts from ", law.least_shift, " to ",
          law.most_shift, " px");
  std::vector<PatchTurn> turns(static_cast<std::size_t>(count));
  for (index_t i = 0; i < count; ++i) {
    RandomStream random(seed, drawing_turns, static_cast<std::uint64_t>(first + i));
    // Every number is drawn whether the law needs it or not, so that switching one thing leaves the others.
    const auto shift = [&] {
      const double u = 2 * random.uniform() - 1;
      const double size = law.least_shift + (law.most_shift - law.least_shift) * std::fabs(u);
      return u < 0 ? -size : size;
    };
    PatchTurn& turn = turns[static_cast<std::size_t>(i)];
    turn.parent = draw_index(random, parents);
    turn.angle = law.angle_range * random.uniform();
    if (law.whole_degrees) turn.angle = std::floor(turn.angle);
    turn.dy = shift();
    turn.dx = shift();
    turn.mirror_y = random.uniform() < 0.5 && law.mirrors;
    turn.mirror_x = random.uniform() < 0.5 && law.mirrors;
  }
  return turns;
}

std::vector<index_t> draw_parents(std::uint64_t seed, index_t first, index_t count, index_t parents, int members) {
  require(first >= 0 && count >= 0, "draw_parents: means ", first, " to ", first + count);
  require(members >= 1 && members <= parents, "draw_parents: means of ", members, " different samples out of ",
          parents);
  std::vector<index_t> all;
  all.reserve(static_cast<std::size_t>(count * members));
  for (index_t i = 0; i < count; ++i) {
    RandomStream random(seed, drawing_parents, static_cast<std::uint64_t>(first + i));
    const auto own = static_cast<std::ptrdiff_t>(all.size());
    for (int m = 0; m < members; ++m) {
      index_t parent = draw_index(random, parents);
      while (std::find(all.begin() + own, all.end(), parent) != all.end()) parent = draw_index(random, parents);
      all.push_back(parent);
    }
  }
  return all;
}

}  // namespace hci
