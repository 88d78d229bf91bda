// SPDX-License-Identifier: MIT
// The S/N map on the CPU. What makes it fast: four pixels share one ring pattern (SnrRing), so the
// overlaps of an aperture are made once and applied to the frame and its three quarter turns; F of
// kernels/stats/disc_overlap.hpp is made at the corners of the grid, not for each pixel four times,
// its two transcendental functions at the grid lines only; eight corners of a line at a time.
#include <algorithm>
#include <cmath>
#include <cstring>
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
using F = float __attribute__((vector_size(16)));

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
  F values;
  std::memcpy(&values, from, sizeof values);
  return __builtin_convertvector(values, V);
}

/// disc::half_area() of four values.
V half_area(V t) {
  const V size = t < 0 ? -t : t;
  const V d = size < 1 ? 1 - size : V{};
  const V area = disc::kQuarterPi - d * square_root(d) * disc::rim_polynomial(d);
  return t < 0 ? -area : area;
}

/// The overlaps of one aperture with at most kRows rows of kPixels pixels.
constexpr int kRows = 15, kPixels = kLanes - 1;
struct Patch {
  index_t y = 0, x = 0;
  int rows = 0;
  Lanes overlap[kRows];  // the last lane is 0
};

/// Four lines x (a = G(x), xx = x²) crossed by line y (b = G(y)): F.
V corners(V x, V a, V xx, double y, double b) {
  const V inside = (disc::kQuarterPi + b) + a + x * y;
  const V outside = y < 0 ? (x < 0 ? V{} : vector_of(2 * (disc::kQuarterPi + b)))
                          : 2 * (a + (x < 0 ? vector_of(disc::kQuarterPi) : vector_of(b)));
  return xx < 1 - y * y ? inside : outside;
}

/// Lane k becomes lane k + 1 minus lane k; the last lane becomes 0.
Lanes differences(const Lanes& s) {
  const V low = __builtin_shufflevector(s.low, s.high, 1, 2, 3, 4) - s.low;
  const V high = __builtin_shufflevector(s.high, s.high, 1, 2, 3, 3) - s.high;
  return {low, high};
}

/// Overlaps, in units of radius², of the disc about (y, x) with the patch's pixels.
void cover(double y, double x, double scale, Patch& patch) {
  double line_y[kRows + 1], area_y[16];
  static_assert(kRows + 1 == 16);
  const double bottom = (static_cast<double>(patch.y) - 0.5 - y) * scale;
  for (int l = 0; l <= patch.rows; l += 4) {
    const V lines = bottom + scale * (static_cast<double>(l) + V{0, 1, 2, 3});
    const V areas = half_area(lines);
    std::memcpy(line_y + l, &lines, sizeof lines);
    std::memcpy(area_y + l, &areas, sizeof areas);
  }
  const double left = (static_cast<double>(patch.x) - 0.5 - x) * scale;
  const Lanes line_x{left + scale * V{0, 1, 2, 3}, left + scale * V{4, 5, 6, 7}};
  const Lanes area_x{half_area(line_x.low), half_area(line_x.high)};
  const Lanes square_x{line_x.low * line_x.low, line_x.high * line_x.high};
  const auto line = [&](int l) -> Lanes {
    return {corners(line_x.low, area_x.low, square_x.low, line_y[l], area_y[l]),
            corners(line_x.high, area_x.high, square_x.high, line_y[l], area_y[l])};
  };
  Lanes below = line(0);
  for (int row = 0; row < patch.rows; ++row) {
    const Lanes above = line(row + 1);
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

  /// Adds the patch's sums in the four turns.
  void add(const Patch& patch, Lanes (&sums)[4]) const {
    const float* from = pixels_.data() + (patch.y + reach_) * width_ + patch.x + reach_;
    for (int q = 0; q < 4; ++q) {
      const float* row = from + q * frame_size_;
      Lanes sum = sums[q];
      for (int j = 0; j < patch.rows; ++j, row += width_) {
        sum.low += patch.overlap[j].low * load(row);
        sum.high += patch.overlap[j].high * load(row + 4);
      }
      sums[q] = sum;
    }
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

/// Sums over the disc about an offset from the centre; `last` is the second frame's, if there is one.
void sum_apertures(double dy, double dx, double radius, const Source* const (&sources)[2], Sums (&sums)[2]) {
  const double scale = 1 / radius, area = radius * radius;
  const auto first = [&](double at) { return static_cast<index_t>(std::floor(at - radius + 0.5)); };
  const auto last = [&](double at) { return static_cast<index_t>(std::floor(at + radius + 0.5)); };
  Lanes values[2][4]{}, masked[2][4]{};
  Patch patch;
  for (index_t y = first(dy); y <= last(dy); y += kRows)
    for (index_t x = first(dx); x <= last(dx); x += kPixels) {
      patch.y = y;
      patch.x = x;
      patch.rows = static_cast<int>(std::min<index_t>(kRows, last(dy) - y + 1));
      cover(dy, dx, scale, patch);
      for (int s = 0; s < 2; ++s) {
        if (sources[s] == nullptr) continue;
        sources[s]->values.add(patch, values[s]);
        if (!sources[s]->masked.empty()) sources[s]->masked[0].add(patch, masked[s]);
      }
    }
  for (int s = 0; s < 2; ++s) {
    if (sources[s] == nullptr) continue;
    sums[s].values = area * total(values[s]);
    sums[s].masked = area * total(masked[s]);
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
