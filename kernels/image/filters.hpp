// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/image/convolve.hpp"

namespace hci {

/// How small structure is taken out of a frame.
///   median   of a box of median_size, even sizes too; edge pixels repeated
///   cmedian  of the disc of pixels within median_size
///   gauss    mean weighted by a Gaussian; zeros outside the frame
///   psf      mean weighted by a PSF; zeros outside
enum class LowPass { median, cmedian, gauss, psf };

/// How large structure is taken out of a frame.
///   laplacian       minus the Laplace operator of Sobel's kind, kernel_size 1, 3, 5, ... 31; pixels
///                   mirrored at the edge ones (OpenCV's Laplacian of the negative frame). NaN spreads.
///   laplacian_conv  a kernel c - r² of sum 0, kernel_size 3 (-1 about 8), 5 or 7; zeros outside, NaN
///                   counts as 0 for its neighbours
///   median_subt, cmedian_subt, gauss_subt, psf_subt   minus the low pass of that name
///   fourier_butter  Butterworth's, of order butter_order
///   hann            one minus a Hann window about frequency 0
enum class HighPass {
  laplacian,
  laplacian_conv,
  median_subt,
  cmedian_subt,
  gauss_subt,
  psf_subt,
  fourier_butter,
  hann
};

constexpr auto enum_names(LowPass) {
  return std::array<std::pair<std::string_view, LowPass>, 4>{
      {{"median", LowPass::median}, {"cmedian", LowPass::cmedian}, {"gauss", LowPass::gauss}, {"psf", LowPass::psf}}};
}
constexpr auto enum_names(HighPass) {
  return std::array<std::pair<std::string_view, HighPass>, 8>{{{"laplacian", HighPass::laplacian},
                                                               {"laplacian-conv", HighPass::laplacian_conv},
                                                               {"median-subt", HighPass::median_subt},
                                                               {"cmedian-subt", HighPass::cmedian_subt},
                                                               {"gauss-subt", HighPass::gauss_subt},
                                                               {"psf-subt", HighPass::psf_subt},
                                                               {"fourier-butter", HighPass::fourier_butter},
                                                               {"hann", HighPass::hann}}};
}

/// conv: term by term; convfft: by FFT. The results agree within rounding; which is faster depends
/// on the kernel's size.
enum class ConvMode { conv, convfft };

constexpr auto enum_names(ConvMode) {
  return std::array<std::pair<std::string_view, ConvMode>, 2>{
      {{"conv", ConvMode::conv}, {"convfft", ConvMode::convfft}}};
}

/// The parameters have VIP's names and defaults (frame_filter_lowpass, frame_filter_highpass). What a mode does not
/// read must be left at its default: InvalidInput says which it is.
struct FilterOptions {
  double median_size = 5;               ///< median: side of the box; cmedian: radius of the disc; px
  double fwhm_y = 5, fwhm_x = 5;        ///< gauss: px
  std::optional<index_t> kernel_sz{};   ///< gauss: cut to so many px, odd; unset: 8 sigma, rounded up to odd
  ConvMode conv_mode = ConvMode::conv;  ///< gauss and psf
  ConvolutionKernel psf{};              ///< psf: divided by its sum
  /// gauss and psf: one value for each pixel, row by row; pixels where it is not 0 count as masked,
  /// so that their low pass comes from their neighbours. Empty: none.
  std::vector<std::uint8_t> mask{};
  /// gauss and psf: pixels too far from any that is finite are filled from those filled before, until
  /// none is left. Waits after each pass.
  bool iterate = true;
  /// gauss: rows come in equal pairs, so half the sigma in y (in whole pixels, at least 1).
  bool half_res_y = false;
  index_t kernel_size = 5;     ///< of the laplacian kernels, px
  double butter_cutoff = 0.2;  ///< fourier_butter: px of frequency space, in (0, 1]
  int butter_order = 2;        ///< fourier_butter
  /// hann: the window reaches to this times half the frame's side, at most to its edge; 5 is as good as 1.
  double hann_cutoff = 5;
};

/// Each frame's large structure. Masked pixels (NaN) are left out of medians and means; they get the
/// value that their neighbours make (median: NaN where the window holds no other).
///   in, out (t, y, x) on the Exec's device, no overlap
/// Throws InvalidInput for sizes that are not positive, for windows of more than 4095 px (a FWHM of 1205 px) and for
/// options that the mode does not read.
void low_pass(Exec& exec, Cube<const float> in, LowPass mode, const FilterOptions& options, Cube<float> out);

/// Each frame's small structure. NaN stays NaN.
///   in, out (t, y, x) on the Exec's device, no overlap
/// fourier_butter and hann take masked pixels for 0 and the frame to be periodic. Throws InvalidInput as low_pass()
/// does; a mask is for gauss_subt and psf_subt: put NaN into the frames of the others.
void high_pass(Exec& exec, Cube<const float> in, HighPass mode, const FilterOptions& options, Cube<float> out);

}  // namespace hci
