// SPDX-License-Identifier: MIT
#include "kernels/geometry/patches.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/geometry/patches_cpu.hpp"
#include "kernels/geometry/patches_run.hpp"
#include "kernels/geometry/rotate_plan.hpp"

namespace hci {
namespace {

/// Pixels of the stack as they are.
struct CopiedWindow {
  Cube<const float> stack;
  Vector<const PatchCorner> corners;
  Border border;

  HCI_HD float operator()(index_t b, index_t k, index_t i, index_t j) const {
    const index_t y = border_index(corners(b).y + i, stack.extent(1), border);
    const index_t x = border_index(corners(b).x + j, stack.extent(2), border);
    return y < 0 || x < 0 ? 0.0F : stack(k, y, x);
  }
};

template <Rotation method>
struct GatheredWindow {
  Cube<const float> stack;
  Vector<const Affine> maps;
  const float* lanczos;
  Vector<const PatchCorner> corners;
  Border border;

  HCI_HD float operator()(index_t b, index_t k, index_t i, index_t j) const {
    const PatchCorner& corner = corners(b);
    return sample<method>(frame_of(stack, k), beyond_pixel(maps(k), corner), lanczos, border, corner.y + i,
                          corner.x + j);
  }
};

bool x_axes_are_dense(const Cube<const float>& stack, const Patches<float>& out) {
  return stack.stride(2) == 1 && out.stride(3) == 1;
}

std::vector<PatchCorner> corners_of(const std::vector<Position>& centres, const Patches<float>& out) {
  std::vector<PatchCorner> corners;
  corners.reserve(centres.size());
  for (const Position& at : centres) {
    const double y = std::floor(at.y), x = std::floor(at.x);
    corners.push_back(
        {static_cast<index_t>(y) - out.extent(2) / 2, static_cast<index_t>(x) - out.extent(3) / 2, at.y - y, at.x - x});
  }
  return corners;
}

void copy_patches(Exec& exec, Cube<const float> stack, const std::vector<PatchCorner>& corners, Border border,
                  PatchScaling scaling, Patches<float> out) {
  if (!exec.on_cuda() && exec.tuned() && x_axes_are_dense(stack, out))
    return copy_patches_cpu(exec, stack, corners, border, scaling, out);
  const auto places = to_device(exec, corners);
  patch::make(exec, CopiedWindow{stack, places.view(), border}, scaling, out);
}

/// maps: of these slices, among those of the plan.
void gather_patches(Exec& exec, Cube<const float> stack, const Interpolation& plan, Vector<const Affine> maps,
                    const std::vector<PatchCorner>& corners, PatchScaling scaling, Patches<float> out) {
  if (!exec.on_cuda() && exec.tuned() && x_axes_are_dense(stack, out))
    return gather_patches_cpu(exec, stack, plan, maps, corners, scaling, out);
  const auto places = to_device(exec, corners);
  const auto make = [&](auto source) { patch::make(exec, source, scaling, out); };
  const float* lanczos = plan.lanczos.data();
  switch (plan.method) {
    case Rotation::lanczos4:
      return make(GatheredWindow<Rotation::lanczos4>{stack, maps, lanczos, places.view(), plan.border});
    case Rotation::bicubic:
      return make(GatheredWindow<Rotation::bicubic>{stack, maps, lanczos, places.view(), plan.border});
    case Rotation::bilinear:
      return make(GatheredWindow<Rotation::bilinear>{stack, maps, lanczos, places.view(), plan.border});
    default:
      return make(GatheredWindow<Rotation::nearest>{stack, maps, lanczos, places.view(), plan.border});
  }
}

/// The smallest rectangle with all windows in it.
struct Region {
  index_t y, x, rows, columns;
};
Region region_of(const std::vector<PatchCorner>& corners, const Patches<float>& out) {
  index_t top = corners[0].y, left = corners[0].x, bottom = top, right = left;
  for (const PatchCorner& corner : corners) {
    top = std::min(top, corner.y);
    left = std::min(left, corner.x);
    bottom = std::max(bottom, corner.y);
    right = std::max(right, corner.x);
  }
  return {top, left, bottom - top + out.extent(2), right - left + out.extent(3)};
}

/// Slices that are turned, and held, at a time.
constexpr index_t kScratchBytes = index_t{256} << 20;

/// Turns the region once, slice by slice, and copies the windows from there.
void copy_from_turned(Exec& exec, Cube<const float> stack, const Interpolation& plan, const Region& region,
                      std::vector<PatchCorner> corners, PatchScaling scaling, Patches<float> out) {
  const index_t slices = stack.extent(0);
  const index_t slice_bytes = region.rows * region.columns * static_cast<index_t>(sizeof(float));
  const index_t at_once = std::clamp(scratch_bytes(kScratchBytes) / slice_bytes, index_t{1}, slices);
  Array<float, 3> turned(exec, {at_once, region.rows, region.columns});
  for (PatchCorner& corner : corners) corner = {corner.y - region.y, corner.x - region.x, 0, 0};
  const std::vector<PatchCorner> whole = {{region.y, region.x, 0, 0}};
  const PatchScaling of_slices = scaling == PatchScaling::slice ? scaling : PatchScaling::none;
  for (index_t first = 0; first < slices; first += at_once) {
    const index_t count = std::min(at_once, slices - first);
    const Cube<float> some = slice(turned.view(), 0, count);
    const Patches<float> one(some.data(), {1, count, region.rows, region.columns});
    const Patches<float> part(out.data() + first * out.stride(1), {out.extent(0), count, out.extent(2), out.extent(3)},
                              out.strides());
    gather_patches(exec, slice(stack, first, count), plan, slice(plan.maps.view(), first, count), whole,
                   PatchScaling::none, one);
    copy_patches(exec, some, corners, Border::constant, of_slices, part);
  }
  if (scaling == PatchScaling::sample) scale_patches(exec, scaling, out);
}

void check_patches(const Cube<const float>& stack, const std::vector<Position>& centres, const PatchOptions& options,
                   const Patches<float>& out) {
  require(stack.size() > 0, "extract_patches: the stack is empty");
  require(out.extent(0) == static_cast<index_t>(centres.size()) && out.extent(1) == stack.extent(0),
          "extract_patches: ", centres.size(), " centres and ", stack.extent(0), " slices do not fit an output of ",
          out.extent(0), " samples of ", out.extent(1), " slices");
  require(out.extent(2) > 0 && out.extent(3) > 0, "extract_patches: patches of ", out.extent(2), " x ", out.extent(3),
          " pixels are empty");
  require(double(out.extent(2)) < kFarthestPosition && double(out.extent(3)) < kFarthestPosition,
          "extract_patches: patches of ", out.extent(2), " x ", out.extent(3), " pixels: sides must be below ",
          kFarthestPosition);
  for (const Position& at : centres)
    require(std::isfinite(at.y) && std::isfinite(at.x) && std::fabs(at.y) < kFarthestPosition &&
                std::fabs(at.x) < kFarthestPosition,
            "extract_patches: the centre (", at.x, ", ", at.y, ") must be finite and within ", kFarthestPosition,
            " px");
  require(options.method == Rotation::lanczos4 || options.method == Rotation::bicubic ||
              options.method == Rotation::bilinear || options.method == Rotation::nearest,
          "extract_patches: patches are made by lanczos4, bicubic, bilinear or nearest only");
  require(!options.centre || !options.angles.empty(),
          "extract_patches: a centre of rotation without angles would do nothing: give the angles, or no centre");
}

}  // namespace

void extract_patches(Exec& exec, Cube<const float> stack, const std::vector<Position>& centres,
                     const PatchOptions& options, Patches<float> out) {
  check_patches(stack, centres, options, out);
  const RotateOptions turn{.method = options.method, .border = options.border, .centre = options.centre};
  const bool turned = !options.angles.empty();
  const auto angles = turned ? options.angles : std::vector<double>(std::size_t(stack.extent(0)), 0.0);
  check_rotation("extract_patches", stack.extents(), angles, turn);
  if (out.size() == 0) return;
  auto corners = corners_of(centres, out);
  const bool whole = std::all_of(corners.begin(), corners.end(),
                                 [](const PatchCorner& corner) { return corner.down == 0 && corner.right == 0; });
  if (whole && !turned) return copy_patches(exec, stack, corners, options.border, options.scaling, out);
  const auto plan = prepare_interpolation(exec, stack, angles, turn);
  const Region region = region_of(corners, out);
  const index_t values = out.extent(0) * out.extent(2) * out.extent(3);
  if (whole && 2 * region.rows * region.columns < values)
    return copy_from_turned(exec, stack, plan, region, std::move(corners), options.scaling, out);
  gather_patches(exec, stack, plan, plan.maps.view(), corners, options.scaling, out);
}

void scale_patches(Exec& exec, PatchScaling scaling, Patches<float> patches) {
  if (scaling == PatchScaling::none || patches.size() == 0) return;
  const index_t samples = patches.extent(0), slices = patches.extent(1);
  const index_t group = scaling == PatchScaling::slice ? 1 : slices;
  if (!exec.on_cuda() && exec.tuned() && patches.stride(3) == 1) {
    scale_patches_cpu(exec, scaling, patches);
    return;
  }
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned() && samples <= cuda_side::kMostBlocksX && slices <= cuda_side::kMostBlocksYZ) {
    const dim3 grid(unsigned(samples), unsigned(slices / group)), block(group == 1 ? 32U : 32U * patch::kWarps);
    launch(exec, grid, block, 0, patch::scale_groups, patches, group);
    return;
  }
#endif
  for_each(exec, Extents<2>{samples, slices / group}, patch::ScaleGroup{patches, group});
}

}  // namespace hci
