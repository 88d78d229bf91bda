// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/rotate.hpp"

namespace hci {

/// What pixels that are not finite do to a convolution.
///   leave_out  the kernel's remaining weights share their part: sum of k v / sum of k over the
///              finite pixels, times the kernel's sum. The zeros of Border::constant count as finite.
///              NaN where less than 1e-10 of the kernel's sum is left.
///   zero       they count as 0
///   spread     every pixel whose window holds one is NaN
enum class Masked { leave_out, zero, spread };

constexpr auto enum_names(Masked) {
  return std::array<std::pair<std::string_view, Masked>, 3>{
      {{"leave_out", Masked::leave_out}, {"zero", Masked::zero}, {"spread", Masked::spread}}};
}

struct ConvolveOptions {
  Border border = Border::constant;  ///< what lies outside the frame; constant: 0
  Masked masked = Masked::leave_out;
  /// Divides the kernel by its sum first.
  bool normalize = true;
};

/// A kernel (y, x), row by row, in host memory. Its origin is at (ny / 2, nx / 2).
struct ConvolutionKernel {
  index_t ny = 0, nx = 0;
  std::vector<double> values{};

  double operator()(index_t y, index_t x) const { return values[static_cast<std::size_t>(y * nx + x)]; }
};

/// out(t, y, x) = sum over j, i of kernel(j, i) in(t, y + ny/2 - j, x + nx/2 - i): each frame
/// convolved with a small kernel, term by term in float32.
///   in, out (t, y, x) on the Exec's device, no overlap
/// The rounding error is at most (terms + 2) 6e-8 times the same sum over absolute values. Frames of
/// less than 2^31 rows and columns; kernels of any size, but see convolve_fft() for large ones.
/// Throws InvalidInput for an empty or not finite kernel, and for one whose sum is not positive where
/// it has to divide by it (normalize, leave_out).
void convolve(Exec& exec, Cube<const float> in, const ConvolutionKernel& kernel, const ConvolveOptions& options,
              Cube<float> out);

/// The same for a kernel that is a product, kernel(j, i) = along_y(j) along_x(i): first along x, then
/// along y, ny + nx terms instead of ny nx. With dilation d, the taps are d pixels apart.
/// normalize divides both by their sums; both sums have to be positive where one has to be.
void convolve_separable(Exec& exec, Cube<const float> in, const std::vector<double>& along_y,
                        const std::vector<double>& along_x, const ConvolveOptions& options, Cube<float> out,
                        index_t dilation = 1);

/// A Gaussian of so many pixels (odd) with its maximum, 1, in the middle. sigma in px.
std::vector<double> gaussian_taps(double sigma, index_t size);

}  // namespace hci
