// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "kernels/core/array.hpp"

namespace hci {

/// A file that went into a dataset, for provenance.
struct InputFile {
  std::string role;      ///< "cube", "angles", "psf", ...
  std::string path;      ///< as given
  std::string checksum;  ///< "sha256:..." of the bytes on disk
};

/// One sequence of a target, in host memory, in our order and conventions whatever the files had.
struct Dataset {
  Array<float, 4> cube;               ///< (t, λ, y, x) detector counts; λ = 1 for an ADI sequence; NaN = masked
  std::vector<double> angles;         ///< (t) derotation angles, degrees, VIP's angle_list
  Array<float, 3> psf;                ///< (λ, y, x) off-axis PSF as in the file; empty if none was given
  std::vector<double> wavelengths;    ///< (λ) µm; empty if not given
  Array<float, 4> reference;          ///< (t_ref, λ, y, x) frames of other stars; empty if none were given
  std::optional<double> pixel_scale;  ///< arcsec / px
  std::vector<double> fwhm;           ///< (λ) px, given or measured from the PSF; empty if unknown
  std::vector<InputFile> inputs;
  std::vector<std::string> notes;  ///< what the reader decided (axis order, HDU, ...), for the log

  index_t frames() const { return cube.extent(0); }
  index_t channels() const { return cube.extent(1); }
};

}  // namespace hci
