// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: a turn as it is carried out, and the CPU's tuned way.
#include <vector>

#include "kernels/geometry/patches_augment.hpp"
#include "kernels/geometry/sampling.hpp"

namespace hci {

/// Where the values of a new patch come from.
struct PatchMap {
  index_t parent;
  Affine map;
};

/// The new patches' x axis must be dense.
void turn_patches_cpu(Exec& exec, Patches<const float> in, const std::vector<PatchMap>& maps,
                      const TurnOptions& options, Patches<float> out);

/// The x axes must be dense.
void average_patches_cpu(Exec& exec, Patches<const float> in, const std::vector<index_t>& parents, int members,
                         PatchScaling scaling, Patches<float> out);

}  // namespace hci
