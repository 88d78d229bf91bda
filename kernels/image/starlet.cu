// SPDX-License-Identifier: MIT
#include "kernels/image/starlet.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/image/convolve.hpp"

namespace hci {
namespace {

/// One scale's view of a cube of details.
template <class T>
Cube<T> scale_of(const SpectralCube<T>& details, index_t s) {
  return {details.data() + s * details.stride(1),
          {details.extent(0), details.extent(2), details.extent(3)},
          {details.stride(0), details.stride(2), details.stride(3)}};
}

struct CopyPixel {
  Cube<const float> from;
  Cube<float> to;
  HCI_HD void operator()(index_t t, index_t y, index_t x) const { to(t, y, x) = from(t, y, x); }
};

/// detail = here - smoother, or added to what is there; NaN where the frame is masked.
struct Detail {
  Cube<const float> in, here, smoother;
  bool add;
  Cube<float> detail;
  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const float value = here(t, y, x) - smoother(t, y, x);
    if (!std::isfinite(in(t, y, x)))
      detail(t, y, x) = NAN;
    else
      detail(t, y, x) = add ? detail(t, y, x) + value : value;
  }
};

struct AddDetail {
  Cube<const float> detail;
  Cube<float> to;
  HCI_HD void operator()(index_t t, index_t y, index_t x) const { to(t, y, x) += detail(t, y, x); }
};

void smooth_scale(Exec& exec, Cube<const float> in, index_t scale, Cube<float> out) {
  const std::vector<double> spline{1, 4, 6, 4, 1};
  convolve_separable(exec, in, spline, spline, {.border = Border::symmetric}, out, index_t{1} << scale);
}

void check_scales(const char* caller, index_t scales) {
  require(scales >= 1 && scales <= 20, caller, ": there are to be ", scales, " scales, it must be 1 to 20");
}

/// Frames at a time: on the CPU what its caches hold; on CUDA enough to fill it, while the three arrays in between, 8
/// MB each, and the frames stay in the L2 cache of an H200 (50 MB). A scale is two smoothings (8 bytes and 20 flops a
/// pixel each, convolve_tiles.cu) and a difference (12 bytes read, 4 written): of these 32 bytes a pixel the memory
/// sees 12, the frame read twice at most and the detail written. (489, 210, 210), one scale: 0.26 GB, floor 0.06 ms on
/// an H200 (4.3 TB/s copied); on a GTX 1080 (320 GB/s), whose 2 MB hold none of it, 0.69 GB, 2.2 ms. 41 flops a pixel,
/// 0.9 GFLOP, do not count on either (15 us, 0.1 ms). Not measured on a GPU.
index_t frames_at_a_time(const Exec& exec, Extents<3> cube) {
  const index_t pixels = scratch_bytes(index_t{sizeof(float)} << (exec.on_cuda() ? 21 : 17)) / index_t{sizeof(float)};
  return std::clamp(pixels / std::max(cube[1] * cube[2], index_t{1}), index_t{1}, std::max(cube[0], index_t{1}));
}

/// Gives each scale of some frames to take(first, frames, s, c_s, H_s c_{s+1}), and to
/// finish(first, frames, c) what is left.
template <class Take, class Finish>
void decompose(Exec& exec, Cube<const float> in, index_t scales, const Take& take, const Finish& finish) {
  const index_t most = frames_at_a_time(exec, in.extents());
  const Extents<3> scratch{most, in.extent(1), in.extent(2)};
  Array<float, 3> level(exec, scratch), next(exec, scratch), smoother(exec, scratch);
  for (index_t first = 0; first < in.extent(0); first += most) {
    const index_t frames = std::min(most, in.extent(0) - first);
    const auto part = [frames](Array<float, 3>& array) { return slice(array.view(), 0, frames); };
    Cube<const float> here = slice(in, first, frames);
    for (index_t s = 0; s < scales; ++s) {
      smooth_scale(exec, here, s, part(next));
      smooth_scale(exec, part(next), s, part(smoother));
      take(first, frames, s, here, part(smoother));
      std::swap(level, next);
      here = part(level);
    }
    finish(first, frames, here);
  }
}

}  // namespace

void starlet(Exec& exec, Cube<const float> in, SpectralCube<float> details, Cube<float> smooth) {
  const index_t scales = details.extent(1);
  check_scales("starlet", scales);
  require(scale_of(details, 0).extents() == in.extents(), "starlet: the frames are ", in.extent(0), " x ", in.extent(1),
          " x ", in.extent(2), ", the details have other sizes");
  require(smooth.size() == 0 || smooth.extents() == in.extents(), "starlet: the smooth frames have other sizes");
  decompose(
      exec, in, scales,
      [&](index_t first, index_t frames, index_t s, Cube<const float> here, Cube<const float> smoother) {
        const auto detail = slice(scale_of(details, s), first, frames);
        for_each(exec, here.extents(), Detail{slice(in, first, frames), here, smoother, false, detail});
      },
      [&](index_t first, index_t frames, Cube<const float> rest) {
        if (smooth.size() > 0) for_each(exec, rest.extents(), CopyPixel{rest, slice(smooth, first, frames)});
      });
}

void inverse_starlet(Exec& exec, SpectralCube<const float> details, Cube<const float> smooth, Cube<float> out) {
  check_scales("inverse_starlet", details.extent(1));
  require(scale_of(details, 0).extents() == out.extents() && smooth.extents() == out.extents(),
          "inverse_starlet: details, smooth frames and output differ in size");
  Array<float, 3> level(exec, out.extents()), next(exec, out.extents());
  for_each(exec, out.extents(), CopyPixel{smooth, level.view()});
  for (index_t s = details.extent(1) - 1; s >= 0; --s) {
    smooth_scale(exec, level.view(), s, next.view());
    for_each(exec, out.extents(), AddDetail{scale_of(details, s), next.view()});
    std::swap(level, next);
  }
  for_each(exec, out.extents(), CopyPixel{level.view(), out});
}

void starlet_filter(Exec& exec, Cube<const float> in, int kept, Cube<float> out) {
  check_scales("starlet_filter", kept);
  require(in.extents() == out.extents(), "starlet_filter: input and output differ in size");
  decompose(
      exec, in, kept,
      [&](index_t first, index_t frames, index_t s, Cube<const float> here, Cube<const float> smoother) {
        const auto part = slice(out, first, frames);
        for_each(exec, here.extents(), Detail{slice(in, first, frames), here, smoother, s > 0, part});
      },
      [](index_t, index_t, Cube<const float>) {});
}

}  // namespace hci
