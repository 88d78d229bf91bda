// SPDX-License-Identifier: MIT
#include "kernels/image/median_filter.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/geometry/sampling.hpp"
#include "kernels/image/median_filter_plan.hpp"
#include "kernels/stats/order_statistic.hpp"

namespace hci {
namespace {

/// One output pixel. 33 looks at each of the window's n pixels (one for each bit of the key), some 15 instructions
/// each, decide, not the 8 bytes: 81 pixels are 1.3 ns on an H200 (3e13 instructions a second), 9 ns on a GTX 1080.
struct MedianPixel {
  Cube<const float> in;
  Vector<const Footprint::Offset> offsets;
  Border border;
  Cube<float> out;

  HCI_HD float value(index_t t, index_t y, index_t x, index_t i) const {
    const index_t row = border_index(y + offsets(i).y, in.extent(1), border);
    const index_t column = border_index(x + offsets(i).x, in.extent(2), border);
    return row < 0 || column < 0 ? 0.0F : in(t, row, column);
  }

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    index_t valid = 0;
    for (index_t i = 0; i < offsets.extent(0); ++i) {
      const float v = value(t, y, x, i);
      valid += v == v;
    }
    const std::uint32_t key = key_of_rank(valid / 2, [&](std::uint32_t tried) {
      index_t below = 0;
      for (index_t i = 0; i < offsets.extent(0); ++i) {
        const float v = value(t, y, x, i);
        below += v == v && order_key(v) < tried;
      }
      return below;
    });
    out(t, y, x) = valid == 0 ? NAN : from_order_key(key);
  }
};

}  // namespace

Footprint box_footprint(index_t ny, index_t nx) {
  require(ny >= 1 && nx >= 1, "box_footprint: the box is ", ny, " x ", nx, " px, it must be at least 1 x 1");
  Footprint box;
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) box.offsets.push_back({y - ny / 2, x - nx / 2});
  return box;
}

Footprint disc_footprint(double radius) {
  require(radius >= 0 && radius < 1e4, "disc_footprint: the radius is ", radius, " px, it must be 0 or more");
  Footprint disc;
  const auto reach = static_cast<index_t>(radius);
  for (index_t y = -reach; y <= reach; ++y)
    for (index_t x = -reach; x <= reach; ++x)
      if (static_cast<double>(y * y + x * x) <= radius * radius) disc.offsets.push_back({y, x});
  return disc;
}

void median_filter(Exec& exec, Cube<const float> in, const Footprint& given, Border border, Cube<float> out) {
  require(in.extents() == out.extents(), "median_filter: the input is ", in.extent(0), " x ", in.extent(1), " x ",
          in.extent(2), ", the output ", out.extent(0), " x ", out.extent(1), " x ", out.extent(2));
  Footprint footprint = given;
  std::sort(footprint.offsets.begin(), footprint.offsets.end(), is_before);
  footprint.offsets.erase(std::unique(footprint.offsets.begin(), footprint.offsets.end()), footprint.offsets.end());
  require(!footprint.offsets.empty(), "median_filter: the footprint is empty");
  constexpr index_t kFarthest = index_t{1} << 20;
  for (const auto& [y, x] : footprint.offsets)
    require(std::abs(y) < kFarthest && std::abs(x) < kFarthest, "median_filter: the footprint reaches (", y, ", ", x,
            ") px: it must stay below ", kFarthest);
  if (out.size() == 0) return;
  if (!exec.on_cuda() && exec.tuned() && in.stride(2) == 1 && median_filter_cpu(exec, in, footprint, border, out))
    return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned() && median_filter_by_tiles(exec, in, footprint, border, out)) return;
#endif
  const Array<Footprint::Offset, 1> offsets = to_device(exec, footprint.offsets);
  for_each(exec, out.extents(), MedianPixel{in, offsets.view(), border, out});
}

}  // namespace hci
