// SPDX-License-Identifier: MIT
// Eight rows of the output at a time: first along y, whole rows; then, the eight turned so that they lie side by
// side, along x, one register for the eight of a column. No gathers.
#include <algorithm>

#include "kernels/core/parallel.hpp"
#include "kernels/geometry/resample_taps.hpp"
#include "kernels/stats/lanes.hpp"

namespace hci {
namespace {

constexpr index_t kRows = 8;

/// What one thread needs: eight rows, their columns side by side, and those of the output.
struct Workspace {
  std::vector<float> rows;
  std::vector<Floats> columns, made;

  Workspace(index_t in_columns, index_t out_columns)
      : rows(static_cast<std::size_t>(kRows * in_columns)),
        columns(static_cast<std::size_t>(in_columns)),
        made(static_cast<std::size_t>(out_columns)) {}
};

void along_y(const Frame<const float>& in, const AxisTaps& taps, index_t y, float* row) {
  const index_t columns = in.extent(1);
  std::fill_n(row, columns, 0.0F);
  for (index_t j = 0; j < taps.taps; ++j) {
    const std::int32_t from = taps.index[static_cast<std::size_t>(j * taps.size + y)];
    if (from < 0) continue;
    const float weight = taps.weight[static_cast<std::size_t>(j * taps.size + y)];
    const float* pixels = in.data() + from * in.stride(0);
    for (index_t x = 0; x < columns; ++x) row[x] += weight * pixels[x];
  }
}

void side_by_side(const std::vector<float>& rows, index_t columns, Floats* out) {
  for (index_t x = 0; x < columns; ++x)
    for (index_t r = 0; r < kRows; ++r) out[x][r] = rows[static_cast<std::size_t>(r * columns + x)];
}

void along_x(const Floats* columns, const AxisTaps& taps, Floats* made) {
  for (index_t x = 0; x < taps.size; ++x) {
    Floats sum = {};
    for (index_t j = 0; j < taps.taps; ++j) {
      const std::int32_t from = taps.index[static_cast<std::size_t>(j * taps.size + x)];
      if (from >= 0) sum += taps.weight[static_cast<std::size_t>(j * taps.size + x)] * columns[from];
    }
    made[x] = sum;
  }
}

}  // namespace

void resample_by_taps_cpu(Exec& exec, Cube<const float> in, const std::vector<FrameTaps>& ways,
                          const std::vector<std::int32_t>& way_of, Cube<float> out) {
  const index_t frames = in.extent(0), ny = out.extent(1), nx = out.extent(2), parts = (ny + kRows - 1) / kRows;
  const auto make = [&] { return Workspace(in.extent(2), nx); };
  parallel_for(exec.threads(), frames * parts, kEqualShares, make, [&](Workspace& work, index_t n) {
    const index_t t = n / parts, first = n % parts * kRows, count = std::min(kRows, ny - first);
    const FrameTaps& way = ways[static_cast<std::size_t>(way_of[static_cast<std::size_t>(t)])];
    for (index_t r = 0; r < count; ++r) along_y(in[t], way.y, first + r, work.rows.data() + r * in.extent(2));
    side_by_side(work.rows, in.extent(2), work.columns.data());
    along_x(work.columns.data(), way.x, work.made.data());
    for (index_t r = 0; r < count; ++r) {
      float* row = &out(t, first + r, 0);
      for (index_t x = 0; x < nx; ++x) row[x] = work.made[static_cast<std::size_t>(x)][r];
    }
  });
}

}  // namespace hci
