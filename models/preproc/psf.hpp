// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <vector>

#include "kernels/core/array.hpp"
#include "kernels/geometry/rotate.hpp"
#include "kernels/image/psf_fit.hpp"

namespace hci {

struct NormalizePsfParams {
  /// Unset: measured from the PSF. One value serves all channels.
  std::vector<double> fwhm{};
  /// Side of the frames that come back, px; unset: that of the PSF. One more where it is even and
  /// force_odd is set (one less where it is the PSF's own).
  std::optional<int> size{};
  /// Values of the normalised PSF below it become 0.
  std::optional<double> threshold{};
  /// Pixels at this radius (px) and beyond become 0.
  std::optional<double> mask_core{};
  PsfModel model = PsfModel::gauss;
  bool force_odd = true;
  /// How the star is brought to the centre.
  Rotation shift = Rotation::fft;
};

struct NormalizedPsf {
  Array<float, 3> psf;       ///< (λ, y, x), host; centred on frame_centre(), flux 1 in the aperture
  std::vector<double> flux;  ///< (λ) what the aperture of diameter fwhm held before, unit of the input
  std::vector<double> fwhm;  ///< (λ) px
};

/// The PSF cropped about the frame's centre, brought to it and scaled so that the sum over the
/// aperture of diameter FWHM is 1, channel by channel (VIP's normalize_psf). The FWHM is measured on
/// the cropped frame; the centre is found by three fits of the model with a shift after each,
/// unless the centre of mass is within 0.01 px of it already.
///   psf (λ, y, x) host, square frames, the star near the centre; pixels that are not finite count 0
/// A channel whose fit fails takes the mean FWHM of its neighbours; the first, the last or the only
/// one throws InvalidInput. Where this differs from VIP: docs/differences.md.
NormalizedPsf normalize_psf(Exec& exec, Cube<const float> psf, const NormalizePsfParams& params = {});

/// (λ) FWHM of each channel, px: the mean of the two widths of a Gaussian fit. Throws as above.
std::vector<double> measure_fwhm(Cube<const float> psf, PsfModel model = PsfModel::gauss);

}  // namespace hci
