// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: what derotate() and derotate_collapse() share.
#include "kernels/core/array.hpp"
#include "kernels/geometry/sampling.hpp"

namespace hci {

/// Throws InvalidInput where cube, angles and options do not go together; `caller` opens the message.
void check_rotation(const char* caller, Extents<3> in, const std::vector<double>& angles, const RotateOptions& options);

/// One map for each frame.
std::vector<Affine> derotations(Extents<3> in, const std::vector<double>& angles, const RotateOptions& options);

/// The interpolating methods, ready to work on parts of the output: on the device, one map for each
/// frame and the table of weights.
struct Interpolation {
  Rotation method;
  Border border;
  Array<Affine, 1> maps;
  Array<float, 1> lanczos;
};
Interpolation prepare_interpolation(Exec& exec, Extents<3> in, const std::vector<double>& angles,
                                    const RotateOptions& options);

/// out (t, rows, x) = the derotated rows first_row .. first_row + rows.
void derotate_rows(Exec& exec, Cube<const float> in, const Interpolation& plan, index_t first_row, Cube<float> out);

/// Rotation::fft: all frames.
void derotate_fft(Exec& exec, Cube<const float> in, const std::vector<double>& angles, float mask_value,
                  Cube<float> out);

}  // namespace hci
