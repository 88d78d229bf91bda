// SPDX-License-Identifier: MIT
// Medians over rows on the CPU: of 8 columns at a time, by the same code as the median of frames
// (kernels/stats/collapse_cpu.cpp). A thread keeps to its columns, so that rows which several sets
// share stay in its cache.
#include "kernels/stats/row_medians_cpu.hpp"

#include <algorithm>
#include <limits>

#include "kernels/stats/collapse_block.hpp"
#include "kernels/stats/lanes.hpp"

namespace hci {
namespace {

constexpr index_t kLanes = kCollapseLanes;

/// The rows of a set in `width` columns from the first on, side by side; zeros beyond. Says in which
/// lanes there is a NaN.
Ints gather(const Matrix<const float>& x, const std::vector<index_t>& rows, index_t first, index_t width, float* to) {
  Ints masked{};
  for (const index_t row : rows) {
    const float* from = &x(row, first);
    if (width < kLanes) std::fill_n(to, kLanes, 0.0F);
    std::copy_n(from, width, to);
    const Floats values = load(to);
    masked |= values != values;
    to += kLanes;
  }
  return masked;
}

}  // namespace

void row_medians_cpu(Exec& exec, Matrix<const float> x, const std::vector<std::vector<index_t>>& sets,
                     Matrix<float> medians) {
  std::size_t most = 1;
  for (const auto& set : sets) most = std::max(most, set.size());
  const index_t columns = x.extent(1), tiles = (columns + kLanes - 1) / kLanes;
  const auto make = [&] { return host_array<float, 2>({static_cast<index_t>(most) + 1, kLanes}); };
  parallel_for(exec.threads(), tiles, kEqualShares, make, [&](Array<float, 2>& scratch, index_t tile) {
    const index_t first = tile * kLanes, width = std::min(kLanes, columns - first);
    float* const values = scratch.data();
    float* const found = values + static_cast<index_t>(most) * kLanes;
    for (std::size_t s = 0; s < sets.size(); ++s) {
      const auto count = static_cast<index_t>(sets[s].size());
      Ints masked = gather(x, sets[s], first, width, values);
      if (count == 0)
        masked = ~masked;
      else
        collapse_block({values, count, 0, 0, 1, kLanes}, {}, found);
      for (index_t lane = 0; lane < width; ++lane)
        medians(static_cast<index_t>(s), first + lane) =
            masked[lane] != 0 ? std::numeric_limits<float>::quiet_NaN() : found[lane];
    }
  });
}

}  // namespace hci
