// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/geometry/patches.hpp"

namespace hci {

/// How a new sample is made of an old one: mirrored, then turned about the window's middle, then moved. All slices
/// alike.
struct PatchTurn {
  index_t parent = 0;
  bool mirror_y = false, mirror_x = false;  ///< rows, columns in reverse order
  double angle = 0;                         ///< degrees, counter-clockwise with y upward
  double dy = 0, dx = 0;                    ///< px: what was at (y, x) is then at (y + dy, x + dx)
};

struct TurnOptions {
  Rotation method = Rotation::bilinear;  ///< or lanczos4, bicubic, nearest; the others throw InvalidInput
  Border border = Border::reflect;       ///< what lies outside the old window
  PatchScaling scaling = PatchScaling::none;
};

/// out(b) = in(turns[b].parent), mirrored, turned and moved in one interpolation, then scaled.
///   in (n, k, py, px), out (b, k, py, px) on the Exec's device, any strides, not overlapping; turns: host
/// The middle is ((py - 1) / 2, (px - 1) / 2), between pixels where a side is even. Values between pixels are made
/// as in derotate(); a NaN reaches every value that reads it.
void turn_patches(Exec& exec, Patches<const float> in, const std::vector<PatchTurn>& turns, const TurnOptions& options,
                  Patches<float> out);

/// out(b) = the mean of in(parents[b members + 0]), ..., in(parents[b members + members - 1]), then scaled. NaN where
/// any of them is.
///   in (n, k, py, px), out (b, k, py, px) on the Exec's device, any strides, not overlapping; parents: host
void average_patches(Exec& exec, Patches<const float> in, const std::vector<index_t>& parents, int members,
                     PatchScaling scaling, Patches<float> out);

/// How turns are drawn. The angle is uniform in [0, angle_range), whole degrees on request; |dy| and |dx| are uniform
/// in [least_shift, most_shift] px, each with either sign; with `mirrors` each axis is mirrored half of the times.
struct TurnLaw {
  double angle_range = 359;
  bool whole_degrees = false;
  double least_shift = 0, most_shift = 0.5;
  bool mirrors = false;
};

/// Turns number first .. first + count of the seed's sequence; parents uniform in 0 .. parents - 1. Item i depends on
/// (seed, i) alone, so that parts of a sequence may be drawn anywhere (kernels/random/philox.hpp).
std::vector<PatchTurn> draw_turns(std::uint64_t seed, index_t first, index_t count, index_t parents,
                                  const TurnLaw& law);

/// Parents of the means number first .. first + count: `members` each, uniform in 0 .. parents - 1, all different.
/// Item i depends on (seed, i) alone. Drawn again where they are not: meant for few members of many parents; of n out
/// of n it takes some n^2 log n steps.
std::vector<index_t> draw_parents(std::uint64_t seed, index_t first, index_t count, index_t parents, int members);

}  // namespace hci
