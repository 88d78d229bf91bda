// SPDX-License-Identifier: MIT
#include "kernels/stats/snr_map.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/stats/disc_overlap.hpp"
#include "kernels/stats/snr_rings.hpp"

// Of each pixel 2 pi r / fwhm apertures, each 2900 flops in double (kernels/stats/apertures.cu): (210, 210) with
// a fwhm of 4.8 px are 3.0 M apertures and 8.7 GFLOP, 0.3 ms on an H200 (34 TFLOP/s), 31 ms on a GTX 1080 (0.28
// TFLOP/s); 0.4 MB of memory are nothing. A thread has a pixel, neighbours those of the next rings: they are sorted
// by radius, so that a warp's threads have equally many apertures, and the longest rings of a block end together. The
// four quarter turns of a ring could share their overlaps, as on the CPU, for a third of the flops; but they would be
// 11,000 threads, too few to hide what a chain of roots and polynomials waits.

namespace hci {
namespace {

/// Mean and standard deviation in one pass. Sums are taken about the first value, so that a large
/// common level does not cancel.
struct RingNoise {
  double origin = 0, sum = 0, squares = 0;
  int count = 0;

  HCI_HD void add(const disc::Sum& aperture) {
    if (aperture.masked) return;
    if (count == 0) origin = aperture.value;
    const double d = aperture.value - origin;
    sum += d;
    squares += d * d;
    ++count;
  }
  HCI_HD double snr(double flux) const {
    const double n = count, mean = sum / n;
    const double variance = (squares - sum * mean) / (n - 1);
    return (flux - origin - mean) / std::sqrt((variance > 0 ? variance : 0) * (1 + 1 / n));
  }
};

/// One pixel: its ring. i: quarter turn after quarter turn, the rings of each in their order.
struct SnrOfPixel {
  Frame<const float> frame, second;
  Vector<const SnrRing> rings;
  index_t cy, cx;
  double radius;
  bool has_second, second_only, exclude_negative_lobes, skip_zeros;
  float masked;  // NaN
  Frame<float> out;

  HCI_HD void operator()(index_t i) const {
    const index_t q = i / rings.size();
    const SnrRing ring = rings(i - q * rings.size());
    if ((ring.turns >> q & 1u) == 0) return;
    const Turned pixel(ring.dy, ring.dx, static_cast<int>(q));
    const index_t y = cy + static_cast<index_t>(pixel.y), x = cx + static_cast<index_t>(pixel.x);
    if (skip_zeros && frame(y, x) == 0) {
      out(y, x) = 0;
      return;
    }
    const auto from_centre_y = static_cast<double>(cy), from_centre_x = static_cast<double>(cx);
    disc::Sum source;
    RingNoise noise;
    double dy = ring.dy, dx = ring.dx;
    for (std::int32_t a = 0; a < ring.apertures; ++a) {
      if (a == 0 || ring.counts(a, exclude_negative_lobes)) {
        const Turned at(dy, dx, static_cast<int>(q));
        const double ay = from_centre_y + at.y, ax = from_centre_x + at.x;
        if (a == 0 || !second_only) {
          const disc::Sum sum = disc::sum(frame, ay, ax, radius);
          if (a == 0)
            source = sum;
          else
            noise.add(sum);
        }
        if (has_second) noise.add(disc::sum(second, ay, ax, radius));
      }
      const double next = ring.cosine * dx + ring.sine * dy;
      dy = ring.cosine * dy - ring.sine * dx;
      dx = next;
    }
    out(y, x) = source.masked || noise.count < 2 ? masked : static_cast<float>(noise.snr(source.value));
  }
};

}  // namespace

std::vector<SnrRing> snr_rings(Extents<2> frame, const SnrMapOptions& options) {
  const index_t ny = frame[0], nx = frame[1];
  const auto cy = static_cast<index_t>(frame_centre(ny)), cx = static_cast<index_t>(frame_centre(nx));
  const index_t reach = std::max(cy, cx);  // the centre is never left of or below the middle
  std::vector<SnrRing> rings;
  for (index_t dy = 0; dy <= reach; ++dy)
    for (index_t dx = 1; dx <= reach; ++dx) {
      const double r = std::sqrt(static_cast<double>(dy * dy + dx * dx));
      if (r < options.inner || r >= options.outer || r <= options.fwhm / 2) continue;
      SnrRing ring{.dy = static_cast<std::int32_t>(dy), .dx = static_cast<std::int32_t>(dx)};
      for (int q = 0; q < 4; ++q) {
        const Turned at(ring.dy, ring.dx, q);
        const index_t y = cy + static_cast<index_t>(at.y), x = cx + static_cast<index_t>(at.x);
        if (y < 0 || y >= ny || x < 0 || x >= nx) continue;
        if (options.wanted.empty() || options.wanted[static_cast<std::size_t>(y * nx + x)] != 0) ring.turns |= 1u << q;
      }
      if (ring.turns == 0) continue;
      const double step = std::asin(options.fwhm / 2 / r) * 2;
      ring.apertures = static_cast<std::int32_t>(std::floor(2 * std::numbers::pi / step));
      ring.cosine = std::cos(step);
      ring.sine = std::sin(step);
      rings.push_back(ring);
    }
  std::stable_sort(rings.begin(), rings.end(), [](const SnrRing& a, const SnrRing& b) {
    const auto square = [](const SnrRing& r) { return index_t{r.dy} * r.dy + index_t{r.dx} * r.dx; };
    return square(a) < square(b);
  });
  return rings;
}

void snr_map(Exec& exec, Frame<const float> frame, Frame<const float> second, const SnrMapOptions& options,
             Frame<float> out) {
  const bool has_second = second.data() != nullptr;
  require(std::isfinite(options.fwhm) && options.fwhm > 0, "snr_map: fwhm is ", options.fwhm,
          " px, it must be positive");
  require(options.inner >= 0 && options.inner < options.outer, "snr_map: the range is from ", options.inner, " to ",
          options.outer, " px; it must begin at 0 or more and end beyond");
  require(out.extents() == frame.extents(), "snr_map: frame and map differ in shape");
  require(!has_second || second.extents() == frame.extents(), "snr_map: the second frame differs in shape");
  require(has_second || !options.noise_from_second_only,
          "snr_map: the noise shall come from a second frame, but none is given");
  require(options.wanted.empty() || static_cast<index_t>(options.wanted.size()) == frame.size(), "snr_map: wanted has ",
          options.wanted.size(), " values, the frame has ", frame.size(), " pixels");
  const auto rings = snr_rings(frame.extents(), options);
  if (rings.empty()) return;
  if (!exec.on_cuda() && exec.tuned()) {
    snr_map_cpu(exec, frame, second, options, rings, out);
    return;
  }
  const auto device_rings = to_device(exec, rings);
  for_each(exec, Extents<1>{4 * device_rings.size()},
           SnrOfPixel{.frame = frame,
                      .second = second,
                      .rings = device_rings.view(),
                      .cy = static_cast<index_t>(frame_centre(frame.extent(0))),
                      .cx = static_cast<index_t>(frame_centre(frame.extent(1))),
                      .radius = options.fwhm / 2,
                      .has_second = has_second,
                      .second_only = options.noise_from_second_only,
                      .exclude_negative_lobes = options.exclude_negative_lobes,
                      .skip_zeros = options.skip_zeros,
                      .masked = std::numeric_limits<float>::quiet_NaN(),
                      .out = out});
}

}  // namespace hci
