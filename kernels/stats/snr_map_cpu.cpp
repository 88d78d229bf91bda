// SPDX-License-Identifier: MIT
// The S/N map on the CPU. What makes it fast: four pixels share one ring pattern (SnrRing), so the
// overlaps of an aperture are made once and applied to the frame and its three quarter turns; F of
// kernels/stats/disc_overlap.hpp is made at the corners of the grid, not for each pixel four times,
// its two transcendental functions at the grid lines only; eight corners of a line at a time.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#include "kernels/geometry/centre.hpp"
#include "kernels/stats/disc_overlap.hpp"
#include "kernels/stats/snr_rings.hpp"

namespace hci {
namespace {

using V = double __attribute__((vector_size(32)));

V vector_of(double value) { return V{value, value, value, value}; }

V square_root(V v) {
#if defined(__AVX__)
  return V(_mm256_sqrt_pd(__m256d(v)));
#else
  for (int k = 0; k < 4; ++k) v[k] = std::sqrt(v[k]);
  return v;
#endif
}

/// Eight neighbouring lines, or pixels, of a row.
constexpr int kLanes = 8;
struct Lanes {
  V low, high;
};

V load(const float* from) {
#if defined(__AVX__)
  return V(_mm256_cvtps_pd(_mm_loadu_ps(from)));
#else
  return V{from[0], from[1], from[2], from[3]};
#endif
}

/// Several vectors that go through the same arithmetic side by side, to hide its latency.
template <int N>
struct Pack {
  V v[N];
  friend Pack operator*(Pack a, const Pack& b) {
    for (int k = 0; k < N; ++k) a.v[k] *= b.v[k];
    return a;
  }
  friend Pack operator*(Pack a, double b) {
    for (int k = 0; k < N; ++k) a.v[k] *= b;
    return a;
  }
  friend Pack operator+(Pack a, double b) {
    for (int k = 0; k < N; ++k) a.v[k] += b;
    return a;
  }
};

/// disc::half_area() of all values.
template <int N>
Pack<N> half_areas(const Pack<N>& t) {
  Pack<N> d, area;
  for (int k = 0; k < N; ++k) {
    const V size = t.v[k] < 0 ? -t.v[k] : t.v[k];
    d.v[k] = size < 1 ? 1 - size : V{};
  }
  const Pack<N> polynomial = disc::rim_polynomial(d);
  for (int k = 0; k < N; ++k) {
    const V half = disc::kQuarterPi - d.v[k] * square_root(d.v[k]) * polynomial.v[k];
    area.v[k] = t.v[k] < 0 ? -half : half;
  }
  return area;
}

/// The overlaps of one aperture with at most kRows rows of kPixels pixels.
constexpr int kRows = 15, kPixels = kLanes - 1;
struct Patch {
  index_t y = 0, x = 0;
  int rows = 0;
  Lanes overlap[kRows];  // the last lane is 0
};

/// What disc::corner() needs of the lines y: F = inside + a + x y where x² < limit, else
/// both a + (x < 0 ? left : right), a = G(x).
struct LinesY {
  V y[4], limit[4], inside[4], both[4], left[4], right[4];

  void set(int k, V lines, V areas) {
    y[k] = lines;
    limit[k] = 1 - lines * lines;
    inside[k] = disc::kQuarterPi + areas;
    both[k] = lines < 0 ? V{} : vector_of(2);
    left[k] = lines < 0 ? V{} : vector_of(2 * disc::kQuarterPi);
    right[k] = 2 * (lines < 0 ? inside[k] : areas);
  }
};

V broadcast(const V* values, int k) { return vector_of(reinterpret_cast<const double*>(values)[k]); }

/// Eight lines x: their places, their half areas, their squares.
struct LinesX {
  Lanes x, area, square;
};

/// F where the lines x cross line y number l.
Lanes corners(const LinesX& lines, const LinesY& across, int l) {
  const V y = broadcast(across.y, l), limit = broadcast(across.limit, l), base = broadcast(across.inside, l);
  const V both = broadcast(across.both, l), left = broadcast(across.left, l), right = broadcast(across.right, l);
  const auto at = [&](V x, V a, V square) -> V {
    const V inside = base + a + x * y, outside = both * a + (x < 0 ? left : right);
    return square < limit ? inside : outside;
  };
  return {at(lines.x.low, lines.area.low, lines.square.low), at(lines.x.high, lines.area.high, lines.square.high)};
}

/// Lane k becomes lane k + 1 minus lane k; the last lane becomes 0.
Lanes differences(const Lanes& s) {
  const V low = __builtin_shufflevector(s.low, s.high, 1, 2, 3, 4) - s.low;
  const V high = __builtin_shufflevector(s.high, s.high, 1, 2, 3, 3) - s.high;
  return {low, high};
}

/// Overlaps, in units of radius², of the disc about (y, x) with the patch's pixels, whose rows lie
/// between no more than 4 N lines.
template <int N>
[[gnu::noinline]] void cover(double y, double x, double scale, Patch& patch) {
  const double bottom = (static_cast<double>(patch.y) - 0.5 - y) * scale;
  const double left = (static_cast<double>(patch.x) - 0.5 - x) * scale;
  Pack<N + 2> lines;
  for (int k = 0; k < N; ++k) lines.v[k] = bottom + scale * (4.0 * k + V{0, 1, 2, 3});
  lines.v[N] = left + scale * V{0, 1, 2, 3};
  lines.v[N + 1] = left + scale * V{4, 5, 6, 7};
  const Pack<N + 2> areas = half_areas(lines);
  LinesY across;
  for (int k = 0; k < N; ++k) across.set(k, lines.v[k], areas.v[k]);
  const LinesX along{{lines.v[N], lines.v[N + 1]},
                     {areas.v[N], areas.v[N + 1]},
                     {lines.v[N] * lines.v[N], lines.v[N + 1] * lines.v[N + 1]}};
  Lanes below = corners(along, across, 0);
  for (int row = 0; row < patch.rows; ++row) {
    const Lanes above = corners(along, across, row + 1);
    patch.overlap[row] = differences({above.low - below.low, above.high - below.high});
    below = above;
  }
}

/// A frame and its quarter turns, cut to the square that the rings reach, 0 around it.
class TurnedFrames {
 public:
  /// value(y, x) of the pixels of a frame of the given extents.
  template <class Value>
  TurnedFrames(Extents<2> extents, index_t reach, Value value) : reach_(reach), width_(2 * reach + 1 + kLanes) {
    frame_size_ = (2 * reach + 1) * width_;
    pixels_.resize(static_cast<std::size_t>(4 * frame_size_));
    const auto cy = static_cast<index_t>(frame_centre(extents[0])), cx = static_cast<index_t>(frame_centre(extents[1]));
    for (int q = 0; q < 4; ++q)
      for (index_t dy = -reach; dy <= reach; ++dy)
        for (index_t dx = -reach; dx <= reach; ++dx) {
          const Turned from(static_cast<double>(dy), static_cast<double>(dx), q);
          const index_t y = cy + static_cast<index_t>(from.y), x = cx + static_cast<index_t>(from.x);
          if (y < 0 || y >= extents[0] || x < 0 || x >= extents[1]) continue;
          pixels_[static_cast<std::size_t>(q * frame_size_ + (dy + reach) * width_ + dx + reach)] = value(y, x);
        }
  }

  /// Adds the patch's sums in the four turns; side by side, so that eight sums grow in registers.
  void add(const Patch& patch, Lanes (&sums)[4]) const {
    const float* row = pixels_.data() + (patch.y + reach_) * width_ + patch.x + reach_;
    Lanes s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    for (int j = 0; j < patch.rows; ++j, row += width_) {
      const Lanes overlap = patch.overlap[j];
      const auto grow = [&](Lanes& sum, const float* from) {
        sum.low += overlap.low * load(from);
        sum.high += overlap.high * load(from + 4);
      };
      grow(s0, row);
      grow(s1, row + frame_size_);
      grow(s2, row + 2 * frame_size_);
      grow(s3, row + 3 * frame_size_);
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
  }

 private:
  index_t reach_, width_, frame_size_ = 0;
  std::vector<float> pixels_;
};

V total(const Lanes (&sums)[4]) {
  V s[4];
  for (int q = 0; q < 4; ++q) s[q] = sums[q].low + sums[q].high;
  const V a = __builtin_shufflevector(s[0], s[1], 0, 4, 2, 6) + __builtin_shufflevector(s[0], s[1], 1, 5, 3, 7);
  const V b = __builtin_shufflevector(s[2], s[3], 0, 4, 2, 6) + __builtin_shufflevector(s[2], s[3], 1, 5, 3, 7);
  return __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);
}

/// A frame for aperture sums: masked pixels are 0 in `values` and 1 in `masked`.
struct Source {
  TurnedFrames values;
  std::vector<TurnedFrames> masked;  // none where all pixels are finite

  Source(Frame<const float> frame, index_t reach)
      : values(frame.extents(), reach,
               [&](index_t y, index_t x) { return std::isfinite(frame(y, x)) ? frame(y, x) : 0.0F; }) {
    bool all_finite = true;
    for (index_t y = 0; y < frame.extent(0); ++y)
      for (index_t x = 0; x < frame.extent(1); ++x) all_finite = all_finite && std::isfinite(frame(y, x));
    if (!all_finite)
      masked.emplace_back(frame.extents(), reach,
                          [&](index_t y, index_t x) { return std::isfinite(frame(y, x)) ? 0.0F : 1.0F; });
  }
};

/// One aperture in the four turns.
struct Sums {
  V values{};
  V masked{};  ///< area covered of pixels that are masked
};

/// Where sums over patches grow.
struct Growing {
  Lanes values[4], masked[4];
};

/// Sums over the disc about an offset from the centre, of each source that there is.
void sum_apertures(double dy, double dx, double radius, const Source* const (&sources)[2], Sums (&sums)[2]) {
  const double scale = 1 / radius, area = radius * radius;
  const auto first = [&](double at) { return static_cast<index_t>(std::floor(at - radius + 0.5)); };
  const auto last = [&](double at) { return static_cast<index_t>(std::floor(at + radius + 0.5)); };
  Growing growing[2];
  for (int s = 0; s < 2; ++s) {
    if (sources[s] == nullptr) continue;
    std::fill(growing[s].values, growing[s].values + 4, Lanes{});
    if (!sources[s]->masked.empty()) std::fill(growing[s].masked, growing[s].masked + 4, Lanes{});
  }
  Patch patch;
  const index_t last_y = last(dy), last_x = last(dx);
  for (patch.y = first(dy); patch.y <= last_y; patch.y += kRows)
    for (patch.x = first(dx); patch.x <= last_x; patch.x += kPixels) {
      patch.rows = static_cast<int>(std::min<index_t>(kRows, last_y - patch.y + 1));
      patch.rows < 8 ? cover<2>(dy, dx, scale, patch) : cover<4>(dy, dx, scale, patch);
      for (int s = 0; s < 2; ++s) {
        if (sources[s] == nullptr) continue;
        sources[s]->values.add(patch, growing[s].values);
        if (!sources[s]->masked.empty()) sources[s]->masked[0].add(patch, growing[s].masked);
      }
    }
  for (int s = 0; s < 2; ++s) {
    if (sources[s] == nullptr) continue;
    sums[s].values = area * total(growing[s].values);
    if (!sources[s]->masked.empty()) sums[s].masked = area * total(growing[s].masked);
  }
}

/// RingNoise of snr_map.cu, for four rings at once.
struct RingNoise {
  V origin{}, sum{}, squares{}, count{};

  void add(const Sums& aperture) {
    const auto valid = aperture.masked <= disc::kLeastOverlap;
    origin = count == 0 ? aperture.values : origin;
    const V d = valid ? aperture.values - origin : V{};
    sum += d;
    squares += d * d;
    count += valid ? vector_of(1) : V{};
  }
  V snr(V flux) const {
    const V mean = sum / count, variance = (squares - sum * mean) / (count - 1);
    return (flux - origin - mean) / square_root((variance > 0 ? variance : V{}) * (1 + 1 / count));
  }
};

/// S/N of the ring's pixel in the four turns.
V snr_of_ring(const SnrRing& ring, const SnrMapOptions& options, const Source* const (&sources)[2]) {
  const Source* const noise_only[2] = {options.noise_from_second_only ? nullptr : sources[0], sources[1]};
  Sums source, sums[2];
  RingNoise noise;
  double dy = ring.dy, dx = ring.dx;
  for (std::int32_t i = 0; i < ring.apertures; ++i) {
    if (i == 0) {
      sum_apertures(dy, dx, options.fwhm / 2, sources, sums);
      source = sums[0];
    } else if (ring.counts(i, options.exclude_negative_lobes)) {
      sum_apertures(dy, dx, options.fwhm / 2, noise_only, sums);
      if (noise_only[0] != nullptr) noise.add(sums[0]);
    }
    if (sources[1] != nullptr && (i == 0 || ring.counts(i, options.exclude_negative_lobes))) noise.add(sums[1]);
    const double next = ring.cosine * dx + ring.sine * dy;
    dy = ring.cosine * dy - ring.sine * dx;
    dx = next;
  }
  const auto usable = (source.masked <= disc::kLeastOverlap) & (noise.count >= 2);
  return usable ? noise.snr(source.values) : vector_of(std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

void snr_map_cpu(Exec& exec, Frame<const float> frame, Frame<const float> second, const SnrMapOptions& options,
                 const std::vector<SnrRing>& rings, Frame<float> out) {
  const double outermost = std::hypot(rings.back().dy, rings.back().dx);
  const auto reach = static_cast<index_t>(std::ceil(outermost + options.fwhm / 2)) + 2;
  const Source first(frame, reach);
  std::optional<Source> other;
  if (second.data() != nullptr) other.emplace(second, reach);
  const Source* const sources[2] = {&first, other ? &*other : nullptr};
  const auto cy = static_cast<index_t>(frame_centre(frame.extent(0)));
  const auto cx = static_cast<index_t>(frame_centre(frame.extent(1)));
  const auto count = static_cast<index_t>(rings.size());
#pragma omp parallel for schedule(dynamic, 8) num_threads(exec.threads())
  for (index_t r = 0; r < count; ++r) {
    const SnrRing& ring = rings[static_cast<std::size_t>(r)];
    const V snr = snr_of_ring(ring, options, sources);
    for (int q = 0; q < 4; ++q) {
      if ((ring.turns >> q & 1u) == 0) continue;
      const Turned at(ring.dy, ring.dx, q);
      const index_t y = cy + static_cast<index_t>(at.y), x = cx + static_cast<index_t>(at.x);
      const bool zero = options.skip_zeros && frame(y, x) == 0;
      out(y, x) = zero ? 0.0F : static_cast<float>(snr[q]);
    }
  }
}

}  // namespace hci
