// SPDX-License-Identifier: MIT
// The places and weights of a turn are the same for all slices: they are listed once for a sample.
#include "kernels/geometry/patches_augment_cpu.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/core/parallel.hpp"
#include "kernels/geometry/patches_cpu.hpp"

namespace hci {
namespace {

/// The N x N pixels that a value is made of: the first one's place, and the weights of rows and columns.
struct Taps {
  index_t y, x;
  float wy[kLanczosTaps], wx[kLanczosTaps];
};

/// As sample() in sampling.hpp places them.
Taps taps_at(Rotation method, const Affine& map, const std::vector<float>& lanczos, index_t y, index_t x) {
  Taps taps{};
  if (method == Rotation::lanczos4) {
    const index_t px = (lanczos4_column(map.xx, x) + lanczos4_row(map.xy, y, map.x0)) >> 5;
    const index_t py = (lanczos4_column(map.yx, x) + lanczos4_row(map.yy, y, map.y0)) >> 5;
    taps.y = (py >> 5) - 3;
    taps.x = (px >> 5) - 3;
    std::copy_n(lanczos.data() + (py & 31) * kLanczosTaps, kLanczosTaps, taps.wy);
    std::copy_n(lanczos.data() + (px & 31) * kLanczosTaps, kLanczosTaps, taps.wx);
    return taps;
  }
  const double sy = map.source_y(y, x), sx = map.source_x(y, x);
  if (method == Rotation::nearest) {
    taps.y = static_cast<index_t>(std::rint(sy));
    taps.x = static_cast<index_t>(std::rint(sx));
    taps.wy[0] = taps.wx[0] = 1;
    return taps;
  }
  const double fy = std::floor(sy), fx = std::floor(sx);
  const auto down = static_cast<float>(sy - fy), right = static_cast<float>(sx - fx);
  taps.y = static_cast<index_t>(fy);
  taps.x = static_cast<index_t>(fx);
  if (method == Rotation::bilinear) {
    taps.wy[0] = 1 - down;
    taps.wy[1] = down;
    taps.wx[0] = 1 - right;
    taps.wx[1] = right;
  } else {
    --taps.y;
    --taps.x;
    cubic_weights(-0.75F, down, taps.wy);
    cubic_weights(-0.75F, right, taps.wx);
  }
  return taps;
}

/// A turn as a sum of gathers from a dense window with a zero after it: tap t of value q is window[place[t][q]],
/// with weight[t][q].
class TapTable {
 public:
  TapTable(Rotation method, index_t rows, index_t columns)
      : method_(method),
        side_(taps_of(method)),
        rows_(rows),
        columns_(columns),
        place_(static_cast<std::size_t>(side_ * side_ * values())),
        weight_(place_.size()),
        window_(static_cast<std::size_t>(values() + 1)),
        sums_(static_cast<std::size_t>(values())) {}

  void set(const Affine& map, const std::vector<float>& lanczos, Border border) {
    for (index_t y = 0; y < rows_; ++y)
      for (index_t x = 0; x < columns_; ++x) {
        const Taps taps = taps_at(method_, map, lanczos, y, x);
        for (index_t j = 0; j < side_; ++j) {
          const index_t row = border_index(taps.y + j, rows_, border);
          for (index_t i = 0; i < side_; ++i) {
            const index_t column = border_index(taps.x + i, columns_, border);
            const auto at = static_cast<std::size_t>((j * side_ + i) * values() + y * columns_ + x);
            place_[at] = static_cast<std::int32_t>(row < 0 || column < 0 ? values() : row * columns_ + column);
            weight_[at] = taps.wy[j] * taps.wx[i];
          }
        }
      }
  }

  void apply(const Frame<const float>& in, const Frame<float>& out) {
    for (index_t y = 0, at = 0; y < rows_; ++y)
      for (index_t x = 0; x < columns_; ++x, ++at) window_[static_cast<std::size_t>(at)] = in(y, x);
    window_.back() = 0;
    std::fill(sums_.begin(), sums_.end(), 0.0F);
    const index_t n = values();
    float* const __restrict sums = sums_.data();
    const float* const __restrict window = window_.data();
    for (index_t t = 0; t < side_ * side_; ++t) {
      const std::int32_t* const __restrict place = place_.data() + t * n;
      const float* const __restrict weight = weight_.data() + t * n;
      for (index_t q = 0; q < n; ++q) sums[q] += weight[q] * window[place[q]];
    }
    for (index_t y = 0; y < rows_; ++y) std::copy_n(sums + y * columns_, columns_, &out(y, 0));
  }

 private:
  index_t values() const { return rows_ * columns_; }

  Rotation method_;
  index_t side_, rows_, columns_;
  std::vector<std::int32_t> place_;
  std::vector<float> weight_, window_, sums_;
};

/// to = the mean of rows, a piece at a time.
void average_rows(const std::vector<const float*>& rows, float* to, index_t count) {
  constexpr index_t kPiece = 64;
  const double members = static_cast<double>(rows.size());
  for (index_t first = 0; first < count; first += kPiece) {
    const index_t n = std::min(kPiece, count - first);
    double sums[kPiece] = {};
    for (const float* row : rows)
      for (index_t x = 0; x < n; ++x) sums[x] += double(row[first + x]);
    for (index_t x = 0; x < n; ++x) to[first + x] = static_cast<float>(sums[x] / members);
  }
}

template <class T>
bool is_one_run(const View<T, 2>& slice) {
  return slice.stride(0) == slice.extent(1);
}

}  // namespace

void turn_patches_cpu(Exec& exec, Patches<const float> in, const std::vector<PatchMap>& maps,
                      const TurnOptions& options, Patches<float> out) {
  const std::vector<float> lanczos = lanczos4_weights();
  const index_t samples = out.extent(0);
  const auto make = [&] { return TapTable(options.method, out.extent(2), out.extent(3)); };
  parallel_for(exec.threads(), samples, kEqualShares, make, [&](TapTable& table, index_t b) {
    const PatchMap& turn = maps[static_cast<std::size_t>(b)];
    table.set(turn.map, lanczos, options.border);
    for (index_t k = 0; k < out.extent(1); ++k) table.apply(in[turn.parent][k], out[b][k]);
    scale_sample_cpu(options.scaling, out[b]);
  });
}

void average_patches_cpu(Exec& exec, Patches<const float> in, const std::vector<index_t>& parents, int members,
                         PatchScaling scaling, Patches<float> out) {
  const index_t samples = out.extent(0);
  using Rows = std::vector<const float*>;
  const auto make = [&] { return Rows(static_cast<std::size_t>(members)); };
  parallel_for(exec.threads(), samples, kEqualShares, make, [&](Rows& rows, index_t b) {
    const index_t* of = parents.data() + b * members;
    for (index_t k = 0; k < out.extent(1); ++k) {
      const Frame<float> to = out[b][k];
      const bool at_once = is_one_run(to) && is_one_run(in[0][k]);
      const index_t count = at_once ? to.size() : to.extent(1);
      for (index_t i = 0; i < (at_once ? 1 : to.extent(0)); ++i) {
        for (std::size_t m = 0; m < rows.size(); ++m) rows[m] = &in(of[m], k, i, 0);
        average_rows(rows, &to(i, 0), count);
      }
    }
    scale_sample_cpu(scaling, out[b]);
  });
}

}  // namespace hci
