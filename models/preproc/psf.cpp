// SPDX-License-Identifier: MIT
#include "models/preproc/psf.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/core/copy.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/geometry/shift.hpp"
#include "kernels/stats/apertures.hpp"

namespace hci {
namespace {

int cropped_side(index_t side, const NormalizePsfParams& params) {
  const int own = static_cast<int>(side);
  if (!params.size) return params.force_odd && own % 2 == 0 ? own - 1 : own;
  require(*params.size > 0, "normalize_psf: size is ", *params.size, " px, it must be positive");
  const int asked = params.force_odd && *params.size % 2 == 0 ? *params.size + 1 : *params.size;
  return asked < own ? asked : own;
}

Array<float, 3> cropped(Cube<const float> psf, int side) {
  auto out = host_array<float, 3>({psf.extent(0), side, side});
  // As VIP cuts: from the centre less (side - 1) / 2, rounded down.
  const auto first = static_cast<index_t>(frame_centre(psf.extent(1)) - (side - 1) / 2.0);
  for (index_t c = 0; c < psf.extent(0); ++c)
    for (index_t y = 0; y < side; ++y)
      for (index_t x = 0; x < side; ++x) {
        const float value = psf(c, first + y, first + x);
        out.view()(c, y, x) = std::isfinite(value) ? value : 0.0F;
      }
  return out;
}

bool centred(Frame<const float> frame) {
  double sum = 0, sum_y = 0, sum_x = 0;
  for (index_t y = 0; y < frame.extent(0); ++y)
    for (index_t x = 0; x < frame.extent(1); ++x) {
      sum += frame(y, x);
      sum_y += frame(y, x) * static_cast<double>(y);
      sum_x += frame(y, x) * static_cast<double>(x);
    }
  constexpr double near = 0.01;
  return std::fabs(sum_y / sum - frame_centre(frame.extent(0))) < near &&
         std::fabs(sum_x / sum - frame_centre(frame.extent(1))) < near;
}

/// Moves each channel's star to the centre, as often as VIP does.
void recentre(Exec& exec, Array<float, 3>& psf, PsfModel model, Rotation method) {
  const index_t channels = psf.extent(0);
  std::vector<bool> done;
  for (index_t c = 0; c < channels; ++c) done.push_back(centred(std::as_const(psf).view()[c]));
  // What comes in at the edge: nothing, or, as in VIP, the edge seen in a mirror.
  const Border border = method == Rotation::fft ? Border::constant : Border::symmetric;
  for (int turn = 0; turn < 3; ++turn) {
    std::vector<Shift> shifts(static_cast<std::size_t>(channels));
    for (index_t c = 0; c < channels; ++c) {
      const auto channel = static_cast<std::size_t>(c);
      if (done[channel]) continue;
      const PsfFit fit = fit_psf(std::as_const(psf).view()[c], model);
      const double dy = frame_centre(psf.extent(1)) - fit.shape.y, dx = frame_centre(psf.extent(2)) - fit.shape.x;
      // A fit that fails or runs away tells nothing about the centre.
      const double limit = static_cast<double>(psf.extent(1)) / 2;
      if (fit.converged && std::fabs(dy) < limit && std::fabs(dx) < limit)
        shifts[channel] = {dy, dx};
      else
        done[channel] = true;
    }
    const auto in = to_device(exec, std::as_const(psf).view());
    Array<float, 3> out(exec, psf.extents());
    shift(exec, in.view(), shifts, {.method = method, .border = border}, out.view());
    const auto moved = to_host(exec, std::as_const(out).view());
    for (index_t c = 0; c < channels; ++c)
      if (!done[static_cast<std::size_t>(c)])
        std::copy_n(&moved.view()(c, 0, 0), psf.extent(1) * psf.extent(2), &psf.view()(c, 0, 0));
  }
}

void scale_and_mask(Frame<float> frame, double flux, const NormalizePsfParams& params) {
  const double cy = frame_centre(frame.extent(0)), cx = frame_centre(frame.extent(1));
  for (index_t y = 0; y < frame.extent(0); ++y)
    for (index_t x = 0; x < frame.extent(1); ++x) {
      double value = frame(y, x) / flux;
      const double dy = static_cast<double>(y) - cy, dx = static_cast<double>(x) - cx;
      if (params.threshold && value < *params.threshold) value = 0;
      if (params.mask_core && dy * dy + dx * dx >= *params.mask_core * *params.mask_core) value = 0;
      frame(y, x) = static_cast<float>(value);
    }
}

}  // namespace

std::vector<double> measure_fwhm(Cube<const float> psf, PsfModel model) {
  std::vector<double> fwhm;
  const auto side = static_cast<double>(std::max(psf.extent(1), psf.extent(2)));
  for (index_t c = 0; c < psf.extent(0); ++c) {
    // A source wider than its frame is a background that the model was bent to.
    const double width = fit_psf(psf[c], model).shape.fwhm();
    fwhm.push_back(width < side ? width : std::numeric_limits<double>::quiet_NaN());
  }
  const std::size_t n = fwhm.size();
  for (std::size_t c = 0; c < n; ++c) {
    if (std::isfinite(fwhm[c])) continue;
    require(c > 0 && c + 1 < n && std::isfinite(fwhm[c - 1] + fwhm[c + 1]), "the FWHM of the PSF (channel ", c,
            ") cannot be measured: no fit converges; give the FWHM, or a PSF near the centre of its frame");
    fwhm[c] = (fwhm[c - 1] + fwhm[c + 1]) / 2;
  }
  return fwhm;
}

NormalizedPsf normalize_psf(Exec& exec, Cube<const float> psf, const NormalizePsfParams& params) {
  const index_t channels = psf.extent(0);
  require(psf.extent(1) == psf.extent(2), "normalize_psf: the PSF's frames have ", psf.extent(1), " x ", psf.extent(2),
          " pixels, they must be square");
  NormalizedPsf result{cropped(psf, cropped_side(psf.extent(1), params)), {}, params.fwhm};
  const Cube<const float> frames = std::as_const(result.psf).view();
  if (result.fwhm.empty()) result.fwhm = measure_fwhm(frames, params.model);
  if (result.fwhm.size() == 1) result.fwhm.assign(static_cast<std::size_t>(channels), result.fwhm[0]);
  for (const double fwhm : result.fwhm)
    require(std::isfinite(fwhm) && fwhm > 0, "normalize_psf: fwhm is ", fwhm, " px, it must be positive");
  require(static_cast<index_t>(result.fwhm.size()) == channels, "normalize_psf: ", result.fwhm.size(),
          " values of the FWHM for ", channels, " channels");
  recentre(exec, result.psf, params.model, params.shift);
  const Position centre{frame_centre(frames.extent(1)), frame_centre(frames.extent(2))};
  for (index_t c = 0; c < channels; ++c) {
    const DeviceInput<float, 2> frame(exec, frames[c]);
    const double fwhm = result.fwhm[static_cast<std::size_t>(c)];
    const double flux = aperture_sums(exec, frame.view(), {centre}, fwhm / 2)[0];
    require(flux > 0, "normalize_psf: channel ", c, " of the PSF holds a flux of ", flux,
            " at its centre, it must be positive");
    result.flux.push_back(flux);
    scale_and_mask(result.psf.view()[c], flux, params);
  }
  return result;
}

}  // namespace hci
