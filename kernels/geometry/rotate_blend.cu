// SPDX-License-Identifier: MIT
// Rotation of frames with holes: these, and a margin around the frame, are filled before the turn, so
// that there is no edge that rings; then the holes come back where they were.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/geometry/rotate_plan.hpp"
#include "kernels/geometry/shears.hpp"
#include "kernels/random/philox.hpp"
#include "kernels/stats/clipped_stats.hpp"

namespace hci {
namespace {

/// Which pixels are filled: NaN, and the mask value. VIP leaves a mask value of 0 unless it is asked.
struct Holes {
  float mask_value;
  bool zeros_too;

  /// What is filled besides NaN; NaN where that is all.
  HCI_HD float value() const { return mask_value != 0 || zeros_too ? mask_value : NAN; }
  HCI_HD bool operator()(float v) const { return v != v || v == value(); }
};

/// One pixel of the frames with their margins. 4 bytes written, 4 read inside the frame; in holes and margins a window
/// from L1, of 5 x 5 pixels for a FWHM of 1 px (6 flops in double each), and for noise some 100 flops in double and 100
/// integer operations. (489, 210, 210) for fft, 315 x 315 with its margin, 55 % of that holes: 0.28 GB, 65 us on an
/// H200 (4.3 TB/s), 0.9 ms on a GTX 1080 (320 GB/s); 6.7 GFLOP in double, 0.2 ms (34 TFLOP/s) and 24 ms (0.28 TFLOP/s):
/// the floor. The turn that follows takes far longer. Rows of 32 x 8 threads, since neighbours along x share both lines
/// and window; frame and margin part along few rows, so few warps do both. Not measured on a GPU.
struct FillPixel {
  Cube<const float> in;
  index_t down, right;  ///< of the frame in the padded one
  Holes holes;
  EdgeBlend blend;
  Vector<const double> gaussian;  ///< (distance)
  Matrix<const double> noise;     ///< (t, ClippedStat)
  std::uint64_t seed;
  index_t first_frame;
  Cube<float> out;

  HCI_HD bool smooth() const { return blend == EdgeBlend::interp || blend == EdgeBlend::interp_noise; }
  HCI_HD bool noisy() const { return blend == EdgeBlend::noise || blend == EdgeBlend::interp_noise; }
  HCI_HD bool in_frame(index_t y, index_t x) const { return y >= 0 && y < in.extent(1) && x >= 0 && x < in.extent(2); }

  /// The mean of the pixels about, weighted by a Gaussian; 0 where there is none. As in VIP, what is
  /// beyond the margin takes part as zeros.
  HCI_HD double mean_about(index_t t, index_t y, index_t x) const {
    const index_t reach = gaussian.extent(0) - 1;
    double sum = 0, weights = 0;
    for (index_t j = -reach; j <= reach; ++j)
      for (index_t i = -reach; i <= reach; ++i) {
        const index_t sy = y + j, sx = x + i;
        const bool beyond = sy < -down || sy >= out.extent(1) - down || sx < -right || sx >= out.extent(2) - right;
        if (!beyond && (!in_frame(sy, sx) || holes(in(t, sy, sx)))) continue;
        const double w = gaussian(j < 0 ? -j : j) * gaussian(i < 0 ? -i : i);
        weights += w;
        if (!beyond) sum += w * double(in(t, sy, sx));
      }
    return weights > 0 ? sum / weights : 0;
  }

  HCI_HD void operator()(index_t t, index_t py, index_t px) const {
    const index_t y = py - down, x = px - right;
    const bool inside = in_frame(y, x);
    if (inside && !holes(in(t, y, x))) {
      out(t, py, px) = in(t, y, x);
      return;
    }
    double value = smooth() ? mean_about(t, y, x) : 0;
    if (noisy() && !inside) {
      const auto pixel = static_cast<std::uint64_t>(((first_frame + t) * out.extent(1) + py) * out.extent(2) + px);
      RandomStream random(seed, 0x626C6E64, pixel);
      if (noise(t, kClippedCount) > 0)
        value += (smooth() ? 0 : noise(t, kClippedMedian)) + noise(t, kClippedDeviation) * random.normal();
    }
    out(t, py, px) = static_cast<float>(value);
  }
};

/// Takes the frame out of its margin and puts the holes back.
struct TakeOut {
  Cube<const float> turned, in;
  index_t down, right;
  float mask_value;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    out(t, y, x) = unless_hole(in(t, y, x), mask_value, turned(t, y + down, x + right));
  }
};

/// VIP's margins: half of the side for fft, else a tenth, in all; the parity stays.
index_t padded_side(index_t n, bool by_fft) {
  const auto side = static_cast<index_t>(double(n) * (by_fft ? 1.5 : 1.1));
  return side + (side % 2 != n % 2 ? 1 : 0);
}

/// Weights by distance, to 4 standard deviations and a little (a window of 8 rounded up to odd).
std::vector<double> gaussian_weights(double fwhm) {
  const double sigma = fwhm / std::sqrt(8 * std::log(2.0));
  auto window = static_cast<index_t>(std::ceil(8 * sigma));
  window += window % 2 == 0 ? 1 : 0;
  std::vector<double> weights;
  for (index_t d = 0; d <= window / 2; ++d) weights.push_back(std::exp(-0.5 * double(d * d) / (sigma * sigma)));
  return weights;
}

constexpr index_t kScratchBytes = index_t{256} << 20;

}  // namespace

void derotate_blended(Exec& exec, Cube<const float> in, const std::vector<double>& angles, const RotateOptions& options,
                      Cube<float> out) {
  const bool by_fft = options.method == Rotation::fft;
  const index_t nt = in.extent(0), ny = padded_side(in.extent(1), by_fft), nx = padded_side(in.extent(2), by_fft);
  const index_t down = ny / 2 - in.extent(1) / 2, right = nx / 2 - in.extent(2) / 2;
  const Holes holes{options.mask_value, options.interpolate_zeros};
  RotateOptions turn{.method = options.method, .border = options.border, .keep_range = options.keep_range};
  if (options.centre) turn.centre = {{(*options.centre)[0] + double(down), (*options.centre)[1] + double(right)}};
  const auto gaussian = to_device(exec, gaussian_weights(options.blend_fwhm));
  Array<double, 2> noise(exec, {nt, kClippedStats});
  if (options.edge_blend != EdgeBlend::interp)
    frame_clipped_stats(exec, in, {.lower_sigma = 1.5, .upper_sigma = 1.5, .mask_value = holes.value()}, noise.view());
  const index_t frame_bytes = 2 * ny * nx * static_cast<index_t>(sizeof(float));
  const index_t frames = std::clamp(scratch_bytes(kScratchBytes) / frame_bytes, index_t{1}, nt);
  Array<float, 3> filled(exec, {frames, ny, nx}), turned(exec, {frames, ny, nx});
  for (index_t first = 0; first < nt; first += frames) {
    const index_t count = std::min(frames, nt - first);
    const Cube<const float> from = slice(in, first, count);
    const Cube<float> source = slice(filled.view(), 0, count), result = slice(turned.view(), 0, count);
    const std::vector<double> some(angles.begin() + first, angles.begin() + first + count);
    for_each(exec, source.extents(),
             FillPixel{from, down, right, holes, options.edge_blend, gaussian.view(),
                       slice(Matrix<const double>(noise.view()), first, count), options.seed, first, source});
    if (by_fft)
      derotate_fft(exec, source, some, turn, {in.extent(1), in.extent(2)}, result);
    else
      derotate(exec, source, some, turn, result);
    for_each(exec, from.extents(), TakeOut{result, from, down, right, options.mask_value, slice(out, first, count)});
  }
}

}  // namespace hci
