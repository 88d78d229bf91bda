// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: pixel sets of frames on a device. For .cu files.
#include <vector>

#include "kernels/core/error.hpp"
#include "kernels/core/packed_sets.hpp"
#include "kernels/geometry/annulus.hpp"
#include "kernels/stats/team_values.hpp"

namespace hci {

/// Where pixel y nx + x lies in the memory of frames of these strides.
struct PlaceInFrame {
  index_t nx, row, step;
  explicit PlaceInFrame(const Cube<const float>& frames)
      : nx(frames.extent(2)), row(frames.stride(1)), step(frames.stride(2)) {}
  HCI_HD index_t operator()(index_t pixel) const {
    return row == nx * step ? pixel * step : pixel / nx * row + pixel % nx * step;
  }
};

/// The values of one set in one frame.
struct RegionValues {
  const float* frame;
  const index_t* places;
  index_t count;
  HCI_HD float operator()(index_t i) const { return frame[places[i]]; }
};

/// Problem t sets + s is set s in frame t.
struct RegionSets {
  Cube<const float> frames;
  Vector<const index_t> offsets, places;  ///< of the pixels in a frame's memory
  index_t sets;

  HCI_HD RegionValues values(index_t problem) const {
    const index_t set = problem % sets, first = offsets(set);
    return {frames.data() + problem / sets * frames.stride(0), places.data() + first, offsets(set + 1) - first};
  }
};

/// The sets on the device, as places in a frame's memory.
struct PackedRegions {
  PackedSets sets;

  PackedRegions(Exec& exec, const char* what, Cube<const float> frames, const std::vector<PixelSet>& given) {
    const index_t size = frames.extent(1) * frames.extent(2);
    const PlaceInFrame place(frames);
    sets = pack_sets(exec, given, [=](index_t pixel) {
      require(pixel >= 0 && pixel < size, what, ": pixel ", pixel, " of a frame of ", size);
      return place(pixel);
    });
  }
  RegionSets regions(Cube<const float> frames) const {
    return {frames, sets.offsets.view(), sets.items.view(), sets.count};
  }
  /// Scratch of a team that takes the values of a set.
  index_t doubles() const { return doubles_of_keys(sets.most); }
};

}  // namespace hci
