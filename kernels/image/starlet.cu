// SPDX-License-Identifier: MIT
#include "kernels/image/starlet.hpp"

#include <cmath>
#include <utility>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
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

/// Gives each scale to take(s, c_s, H_s c_{s+1}); then the smooth frame is in `level`.
template <class Take>
void decompose(Exec& exec, Cube<const float> in, index_t scales, Array<float, 3>& level, const Take& take) {
  Array<float, 3> next(exec, in.extents()), smoother(exec, in.extents());
  level = Array<float, 3>(exec, in.extents());
  Cube<const float> here = in;
  for (index_t s = 0; s < scales; ++s) {
    smooth_scale(exec, here, s, next.view());
    smooth_scale(exec, next.view(), s, smoother.view());
    take(s, here, smoother.view());
    std::swap(level, next);
    here = level.view();
  }
}

}  // namespace

void starlet(Exec& exec, Cube<const float> in, SpectralCube<float> details, Cube<float> smooth) {
  const index_t scales = details.extent(1);
  check_scales("starlet", scales);
  require(scale_of(details, 0).extents() == in.extents(), "starlet: the frames are ", in.extent(0), " x ", in.extent(1),
          " x ", in.extent(2), ", the details have other sizes");
  require(smooth.size() == 0 || smooth.extents() == in.extents(), "starlet: the smooth frames have other sizes");
  Array<float, 3> level;
  decompose(exec, in, scales, level, [&](index_t s, Cube<const float> here, Cube<const float> smoother) {
    for_each(exec, in.extents(), Detail{in, here, smoother, false, scale_of(details, s)});
  });
  if (smooth.size() > 0) for_each(exec, in.extents(), CopyPixel{level.view(), smooth});
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
  Array<float, 3> level;
  decompose(exec, in, kept, level, [&](index_t s, Cube<const float> here, Cube<const float> smoother) {
    for_each(exec, in.extents(), Detail{in, here, smoother, s > 0, out});
  });
}

}  // namespace hci
