// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: where windows are, and the CPU's tuned ways to make patches.
#include <cmath>
#include <vector>

#include "kernels/geometry/patches.hpp"
#include "kernels/geometry/rotate_plan.hpp"

namespace hci {

/// Where a window begins: its first pixel, and how far beyond that pixel's middle, in [0, 1).
struct PatchCorner {
  index_t y, x;
  double down, right;
};

/// The map whose output pixel (y, x) is (y + down, x + right) of the given one. Named fma, as in Affine: what a
/// compiler may contract as it likes gives other bits in each kernel that it is inlined into.
HCI_HD inline Affine beyond_pixel(Affine map, const PatchCorner& corner) {
  map.x0 = fma(map.xx, corner.right, fma(map.xy, corner.down, map.x0));
  map.y0 = fma(map.yx, corner.right, fma(map.yy, corner.down, map.y0));
  return map;
}

/// Copies windows on whole pixels. The x axes must be dense.
void copy_patches_cpu(Exec& exec, Cube<const float> stack, const std::vector<PatchCorner>& corners, Border border,
                      PatchScaling scaling, Patches<float> out);

/// Interpolates with the slices' maps. The x axes must be dense.
void gather_patches_cpu(Exec& exec, Cube<const float> stack, const Interpolation& plan, Vector<const Affine> maps,
                        const std::vector<PatchCorner>& corners, PatchScaling scaling, Patches<float> out);

/// One sample, by one thread. The x axis must be dense.
void scale_sample_cpu(PatchScaling scaling, const Cube<float>& sample);

/// All samples. The x axis must be dense.
void scale_patches_cpu(Exec& exec, PatchScaling scaling, Patches<float> patches);

}  // namespace hci
