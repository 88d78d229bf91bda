// SPDX-License-Identifier: MIT
#include "kernels/geometry/patches_cpu.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>

#include "kernels/geometry/patches_scale.hpp"
#include "kernels/geometry/rotate_cpu.hpp"
#include "kernels/stats/lanes.hpp"

namespace hci {
namespace {

constexpr int kLanes = 8;

/// One row of a window: a few floats, too few for memcpy. The last vector overlaps the one before.
inline void copy_row(const float* from, float* to, index_t count) {
  if (count >= kLanes) {
    index_t x = 0;
    for (; x + kLanes <= count; x += kLanes) std::memcpy(to + x, from + x, kLanes * sizeof(float));
    std::memcpy(to + count - kLanes, from + count - kLanes, kLanes * sizeof(float));
  } else if (count >= 4) {
    std::memcpy(to, from, 4 * sizeof(float));
    std::memcpy(to + count - 4, from + count - 4, 4 * sizeof(float));
  } else {
    for (index_t x = 0; x < count; ++x) to[x] = from[x];
  }
}

void copy_window(const Frame<const float>& from, index_t y, index_t x, Border border, const Frame<float>& to) {
  const index_t rows = to.extent(0), columns = to.extent(1);
  if (y >= 0 && x >= 0 && y + rows <= from.extent(0) && x + columns <= from.extent(1)) {
    const float* row = from.data() + y * from.stride(0) + x;
    float* out = to.data();
    for (index_t i = 0; i < rows; ++i, row += from.stride(0), out += to.stride(0)) copy_row(row, out, columns);
    return;
  }
  for (index_t i = 0; i < rows; ++i) {
    const index_t row = border_index(y + i, from.extent(0), border);
    for (index_t j = 0; j < columns; ++j) {
      const index_t column = border_index(x + j, from.extent(1), border);
      to(i, j) = row < 0 || column < 0 ? 0.0F : from(row, column);
    }
  }
}

/// The smallest and the largest finite value, of 8 columns each.
struct Extremes {
  Floats low = broadcast(INFINITY), high = broadcast(-INFINITY);

  void take(Floats values) {
    low = (values < low) & (values >= -FLT_MAX) ? values : low;
    high = (values > high) & (values <= FLT_MAX) ? values : high;
  }
  void take_row(const float* from, index_t count) {
    Floats values;
    index_t x = 0;
    for (; x + kLanes <= count; x += kLanes) {
      std::memcpy(&values, from + x, sizeof values);
      take(values);
    }
    if (x == count) return;
    values = broadcast(NAN);
    std::memcpy(&values, from + x, static_cast<std::size_t>(count - x) * sizeof(float));
    take(values);
  }
};

void scale_row(float* row, index_t count, const UnitScale& unit) {
  Floats values;
  index_t x = 0;
  for (; x + kLanes <= count; x += kLanes) {
    std::memcpy(&values, row + x, sizeof values);
    values = unit.inside(values);
    std::memcpy(row + x, &values, sizeof values);
  }
  for (; x < count; ++x) row[x] = unit.inside(row[x]);
}

/// A slice as rows as long as they can be.
Frame<float> long_rows(const Frame<float>& slice) {
  if (slice.stride(0) != slice.extent(1)) return slice;
  return {slice.data(), {1, slice.size()}};
}

void scale_group(const Cube<float>& slices) {
  Extremes extremes;
  for (index_t k = 0; k < slices.extent(0); ++k) {
    const Frame<float> rows = long_rows(slices[k]);
    for (index_t i = 0; i < rows.extent(0); ++i) extremes.take_row(rows.data() + i * rows.stride(0), rows.extent(1));
  }
  float low = extremes.low[0], high = extremes.high[0];
  for (int lane = 1; lane < kLanes; ++lane) {
    low = std::min(low, extremes.low[lane]);
    high = std::max(high, extremes.high[lane]);
  }
  const UnitScale unit(low, high);
  for (index_t k = 0; k < slices.extent(0); ++k) {
    const Frame<float> rows = long_rows(slices[k]);
    for (index_t i = 0; i < rows.extent(0); ++i) {
      float* row = rows.data() + i * rows.stride(0);
      if (unit.spreads())
        scale_row(row, rows.extent(1), unit);
      else
        for (index_t x = 0; x < rows.extent(1); ++x) row[x] -= row[x];
    }
  }
}

/// All slices: fill(b, k, where), scaled while they are in the cache.
template <class FillSlice>
void make_slices(Exec& exec, PatchScaling scaling, const Patches<float>& out, const FillSlice& fill) {
  const index_t slices = out.extent(1), count = out.extent(0) * slices;
#pragma omp parallel for schedule(static) num_threads(exec.threads())
  for (index_t n = 0; n < count; ++n) {
    const index_t b = n / slices, k = n - b * slices;
    const Cube<float> to = slice(out[b], k, 1);
    fill(b, k, to[0]);
    if (scaling == PatchScaling::slice) scale_group(to);
  }
  if (scaling == PatchScaling::sample) scale_patches_cpu(exec, scaling, out);
}

}  // namespace

void copy_patches_cpu(Exec& exec, Cube<const float> stack, const std::vector<PatchCorner>& corners, Border border,
                      PatchScaling scaling, Patches<float> out) {
  make_slices(exec, scaling, out, [&](index_t b, index_t k, const Frame<float>& to) {
    const PatchCorner& corner = corners[static_cast<std::size_t>(b)];
    copy_window(stack[k], corner.y, corner.x, border, to);
  });
}

void gather_patches_cpu(Exec& exec, Cube<const float> stack, const Interpolation& plan, Vector<const Affine> maps,
                        const std::vector<PatchCorner>& corners, PatchScaling scaling, Patches<float> out) {
  make_slices(exec, scaling, out, [&](index_t b, index_t k, const Frame<float>& to) {
    const PatchCorner& corner = corners[static_cast<std::size_t>(b)];
    const Rectangle window{corner.y, corner.x, to.extent(0), to.extent(1)};
    derotate_rectangle(stack[k], beyond_pixel(maps(k), corner), plan, window, {to.data(), to.stride(0), 8});
  });
}

void scale_sample_cpu(PatchScaling scaling, const Cube<float>& sample) {
  if (scaling == PatchScaling::sample) scale_group(sample);
  if (scaling == PatchScaling::slice)
    for (index_t k = 0; k < sample.extent(0); ++k) scale_group(slice(sample, k, 1));
}

void scale_patches_cpu(Exec& exec, PatchScaling scaling, Patches<float> patches) {
  const index_t group = scaling == PatchScaling::slice ? 1 : patches.extent(1);
  const index_t groups = patches.extent(1) / group, count = patches.extent(0) * groups;
#pragma omp parallel for schedule(static) num_threads(exec.threads())
  for (index_t n = 0; n < count; ++n) scale_group(slice(patches[n / groups], n % groups * group, group));
}

}  // namespace hci
