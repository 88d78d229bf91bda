// SPDX-License-Identifier: MIT
// The S/N map on the CPU. What makes it fast: four pixels share one ring pattern (SnrRing), so the
// overlaps of an aperture are made once (kernels/stats/disc_overlap_cpu.hpp) and applied to the frame
// and its three quarter turns.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "kernels/geometry/centre.hpp"
#include "kernels/stats/disc_overlap_cpu.hpp"
#include "kernels/stats/snr_rings.hpp"

namespace hci {
namespace {

using V = disc::Doubles;
using disc::Lanes;
using disc::Patch;

/// A frame and its quarter turns, cut to the square that the rings reach, 0 around it.
class TurnedFrames {
 public:
  /// value(y, x) of the pixels of a frame of the given extents.
  template <class Value>
  TurnedFrames(Extents<2> extents, index_t reach, Value value) : reach_(reach), width_(2 * reach + 1 + disc::kLanes) {
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
        sum.low += overlap.low * disc::load(from);
        sum.high += overlap.high * disc::load(from + 4);
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
  for (patch.y = first(dy); patch.y <= last_y; patch.y += disc::kRows)
    for (patch.x = first(dx); patch.x <= last_x; patch.x += disc::kPixels) {
      patch.rows = static_cast<int>(std::min<index_t>(disc::kRows, last_y - patch.y + 1));
      patch.rows < 8 ? disc::cover<2>(dy, dx, scale, patch) : disc::cover<4>(dy, dx, scale, patch);
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
    count += valid ? disc::vector_of(1) : V{};
  }
  V snr(V flux) const {
    const V mean = sum / count, variance = (squares - sum * mean) / (count - 1);
    return (flux - origin - mean) / disc::square_root((variance > 0 ? variance : V{}) * (1 + 1 / count));
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
  return usable ? noise.snr(source.values) : disc::vector_of(std::numeric_limits<double>::quiet_NaN());
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
