// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "kernels/core/array.hpp"
#include "kernels/core/exec.hpp"
#include "kernels/linalg/scale_rows.hpp"

namespace hci {

/// The least number of the largest eigenvalues that hold this share (0 .. 1) of the sum of all. Values
/// descending; negative ones count as 0.
int count_for_share(const std::vector<double>& eigenvalues, double share);

/// What a set of frames is made of, to look at; the subtraction itself needs none of these images.
struct PrincipalComponents {
  /// (k, p) on the Exec's device: orthonormal rows, the strongest first; signs are arbitrary. Rows of
  /// components that the frames do not have (a rank below k) are 0.
  Array<float, 2> images;
  std::vector<double> singular_values;  ///< (t) of the scaled frames, descending, host
  std::vector<double> explained;        ///< (t) share of the variance in the first 1, 2, ... components, host
};

/// The first k principal components of frames, from their Gram matrix in double.
///   frames (t, p) on the Exec's device, one frame a row, rows of unit stride, finite
/// Waits. Throws InvalidInput for k beyond 1 .. t and for frames that are not finite or all 0.
///   Amara & Quanz 2012, MNRAS 427, 948;  Soummer, Pueyo & Larkin 2012, ApJL 755, L28
PrincipalComponents principal_components(Exec& exec, Matrix<const float> frames, index_t k,
                                         Scaling scaling = Scaling::none);

}  // namespace hci
