// SPDX-License-Identifier: MIT
#include "kernels/geometry/crop_pad.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/geometry/sampling.hpp"

namespace hci {
namespace {

/// A copy: 8 bytes a pixel, no flops. (489, 512, 512) cropped to 256 is 256 MB: floor 60 us on an H200 (4.3 TB/s
/// copied), 0.8 ms on a GTX 1080 (320 GB/s). Rows are read and written in runs, so no tile helps. Not measured on a
/// GPU yet.
struct TakeWindow {
  Cube<const float> in;
  index_t top, left;
  Border border;
  float outside;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const index_t row = border_index(top + y, in.extent(1), border);
    const index_t column = border_index(left + x, in.extent(2), border);
    out(t, y, x) = row < 0 || column < 0 ? outside : in(t, row, column);
  }
};

/// Whole runs of pixels on the CPU; the few beside the frame one by one.
void take_rows(Exec& exec, const TakeWindow& window) {
  const index_t frames = window.out.extent(0), rows = window.out.extent(1), columns = window.out.extent(2);
  const index_t first = std::clamp(-window.left, index_t{0}, columns);
  const index_t last = std::clamp(window.in.extent(2) - window.left, first, columns);
#pragma omp parallel for collapse(2) schedule(static) num_threads(exec.threads())
  for (index_t t = 0; t < frames; ++t)
    for (index_t y = 0; y < rows; ++y) {
      const index_t row = border_index(window.top + y, window.in.extent(1), window.border);
      float* to = &window.out(t, y, 0);
      if (row < 0) {
        std::fill_n(to, columns, window.outside);
        continue;
      }
      for (index_t x = 0; x < first; ++x) window(t, y, x);
      if (last > first) std::copy_n(&window.in(t, row, window.left + first), last - first, to + first);
      for (index_t x = last; x < columns; ++x) window(t, y, x);
    }
}

}  // namespace

void crop_or_pad(Exec& exec, Cube<const float> in, const CropOptions& options, Cube<float> out) {
  require(in.extent(0) == out.extent(0), "crop_or_pad: ", in.extent(0), " frames in, ", out.extent(0), " out");
  require(in.extent(1) > 0 && in.extent(2) > 0, "crop_or_pad: the frames are ", in.extent(1), " x ", in.extent(2));
  const auto [cy, cx] = options.centre.value_or(std::array<index_t, 2>{in.extent(1) / 2, in.extent(2) / 2});
  const index_t top = cy - out.extent(1) / 2, left = cx - out.extent(2) / 2;
  const bool inside =
      top >= 0 && left >= 0 && top + out.extent(1) <= in.extent(1) && left + out.extent(2) <= in.extent(2);
  require(inside || options.border.has_value(), "crop_or_pad: a window of ", out.extent(1), " x ", out.extent(2),
          " pixels about (y, x) = (", cy, ", ", cx, ") leaves the frame of ", in.extent(1), " x ", in.extent(2),
          ": make it smaller, or say what lies outside");
  if (out.size() == 0) return;
  const TakeWindow window{in, top, left, options.border.value_or(Border::constant), options.outside, out};
  if (!exec.on_cuda() && exec.tuned() && in.stride(2) == 1 && out.stride(2) == 1) return take_rows(exec, window);
  for_each(exec, out.extents(), window);
}

index_t padded_side(index_t side, double factor) {
  require(side > 0 && factor >= 1 && factor <= 1000, "padded_side: a side of ", side, " times ", factor,
          ": the factor must be from 1 to 1000");
  const auto wide = static_cast<index_t>(std::nearbyint(double(side) * factor));
  return wide - (wide - side) % 2;
}

}  // namespace hci
