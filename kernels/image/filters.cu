// SPDX-License-Identifier: MIT
#include "kernels/image/filters.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/reduce.hpp"
#include "kernels/image/convolve_fft.hpp"
#include "kernels/image/median_filter.hpp"

namespace hci {
namespace {

constexpr double kFwhmToSigma = 0.42466090014400952136;  // 1 / (2 sqrt(2 ln 2))
constexpr index_t kLargestWindow = 4095;                 // px: wider than any frame there is

// What lies around the convolutions and medians: for_each over pixels, in blocks of 32 x 8, neighbours along x, so that
// a warp's accesses are whole lines of 128 bytes. Nothing is used twice, so there is nothing to share: all are bound by
// memory. For (489, 210, 210), 21.6 M pixels, on an H200 (4.3 TB/s) and a GTX 1080 (320 GB/s); a comparison or a
// difference a pixel is 0.3 us of an H200's arithmetic (67 TFLOP/s) and 2.4 us of a GTX 1080's (8.9). Not measured on a
// GPU.

/// 4 bytes read and 4 written a pixel (the mask comes from L2): 173 MB, floor 0.04 ms and 0.54 ms. No flops.
struct MaskPixels {
  Cube<const float> in;
  Frame<const std::uint8_t> mask;
  Cube<float> out;
  HCI_HD void operator()(index_t t, index_t y, index_t x) const { out(t, y, x) = mask(y, x) != 0 ? NAN : in(t, y, x); }
};

/// 4 bytes read a pixel; of lines with holes 4 more are read and written: 86 MB at least, floor 0.02 ms and 0.27 ms, at
/// most three times that. A comparison.
struct FillHoles {
  Cube<const float> from;
  Cube<float> to;
  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    if (std::isnan(to(t, y, x))) to(t, y, x) = from(t, y, x);
  }
};

/// 4 bytes read a pixel, a comparison and an addition: 86 MB, floor 0.02 ms and 0.27 ms. A thread has a row, so that no
/// sum crosses threads; neighbours read rows apart, whose lines L1 is to keep for the next 31 columns (RowRange in
/// kernels/geometry/rotate.cu does the same). The host waits for the sum of the counts, which takes longer.
struct CountHoles {
  Cube<const float> in;
  Matrix<index_t> rows;
  HCI_HD void operator()(index_t t, index_t y) const {
    index_t count = 0;
    for (index_t x = 0; x < in.extent(2); ++x) count += std::isnan(in(t, y, x)) ? 1 : 0;
    rows(t, y) = count;
  }
};

/// 8 bytes read and 4 written a pixel, a difference: 259 MB, floor 0.06 ms and 0.81 ms. Each low pass that it follows
/// takes longer: a tile of a median or a convolution could store the difference, and save 12 of its 20 bytes a pixel,
/// but would be built twice.
struct SubtractFrom {
  Cube<const float> in;
  Cube<float> out;
  HCI_HD void operator()(index_t t, index_t y, index_t x) const { out(t, y, x) = in(t, y, x) - out(t, y, x); }
};

/// 4 bytes read a pixel and nothing written but where it is masked: 86 MB, floor 0.02 ms and 0.27 ms.
struct KeepMasked {
  Cube<const float> in;
  Cube<float> out;
  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    if (!std::isfinite(in(t, y, x))) out(t, y, x) = NAN;
  }
};

index_t holes_in(Exec& exec, Cube<const float> cube) {
  Array<index_t, 2> rows(exec, {cube.extent(0), cube.extent(1)});
  for_each(exec, rows.extents(), CountHoles{cube, rows.view()});
  return sum(exec, flattened(std::as_const(rows).view()));
}

/// A Gaussian's taps along both axes.
struct GaussianTaps {
  std::vector<double> y, x;

  explicit GaussianTaps(const FilterOptions& options) {
    // A Gaussian whose 8 sigma are the largest window.
    constexpr double kLargestFwhm = static_cast<double>(kLargestWindow) / (8 * kFwhmToSigma);
    for (const double fwhm : {options.fwhm_y, options.fwhm_x})
      require(fwhm > 0 && fwhm <= kLargestFwhm, "low_pass: the FWHM is ", fwhm,
              " px, it must be positive, and at most ", kLargestFwhm);
    double sigma_y = options.fwhm_y * kFwhmToSigma;
    const double sigma_x = options.fwhm_x * kFwhmToSigma;
    if (options.half_res_y) sigma_y = std::max(1.0, std::floor(sigma_y / 2));
    auto size_x = static_cast<index_t>(std::ceil(8 * std::max(sigma_y, sigma_x)));
    size_x += size_x % 2 == 0;
    index_t size_y = size_x;
    if (options.kernel_sz) {
      size_x = *options.kernel_sz;
      const double along_y = static_cast<double>(size_x) * (options.fwhm_y / options.fwhm_x);
      require(size_x >= 1 && std::max(static_cast<double>(size_x), along_y) <= static_cast<double>(kLargestWindow),
              "low_pass: kernel_sz is ", size_x, " px, which makes ", along_y,
              " px along y: it must be at least 1, and ", kLargestWindow, " px at most along both axes");
      size_y = odd_from(along_y);
      if (options.half_res_y) size_y = odd_from(static_cast<double>(size_y) / 2);
    }
    y = gaussian_taps(sigma_y, size_y);
    x = gaussian_taps(sigma_x, size_x);
  }

 private:
  static index_t odd_from(double size) {
    const auto whole = static_cast<index_t>(size);
    return whole % 2 == 0 ? whole + 1 : whole;
  }
};

ConvolutionKernel product(const GaussianTaps& taps) {
  ConvolutionKernel kernel{static_cast<index_t>(taps.y.size()), static_cast<index_t>(taps.x.size())};
  for (const double y : taps.y)
    for (const double x : taps.x) kernel.values.push_back(y * x);
  return kernel;
}

/// The convolution of a low pass.
void smooth(Exec& exec, Cube<const float> in, LowPass mode, const FilterOptions& options, Cube<float> out) {
  const bool by_fft = options.conv_mode == ConvMode::convfft;
  if (mode == LowPass::psf) {
    (by_fft ? convolve_fft : convolve)(exec, in, options.psf, {}, out);
    return;
  }
  const GaussianTaps taps(options);
  if (by_fft)
    convolve_fft(exec, in, product(taps), {}, out);
  else
    convolve_separable(exec, in, taps.y, taps.x, {}, out);
}

void low_pass_by_convolution(Exec& exec, Cube<const float> in, LowPass mode, const FilterOptions& options,
                             Cube<float> out) {
  Array<float, 3> masked;
  Cube<const float> source = in;
  if (!options.mask.empty()) {
    require(static_cast<index_t>(options.mask.size()) == in.extent(1) * in.extent(2), "low_pass: the mask has ",
            options.mask.size(), " values, the frames have ", in.extent(1), " x ", in.extent(2), " pixels");
    const Array<std::uint8_t, 1> mask = to_device(exec, options.mask);
    masked = Array<float, 3>(exec, in.extents());
    for_each(exec, in.extents(), MaskPixels{in, {mask.data(), {in.extent(1), in.extent(2)}}, masked.view()});
    source = masked.view();
  }
  smooth(exec, source, mode, options, out);
  if (!options.iterate) return;
  Array<float, 3> filled;
  index_t before = in.size() + 1;
  for (index_t holes = holes_in(exec, out); holes > 0 && holes < before; holes = holes_in(exec, out)) {
    before = holes;
    if (!filled) filled = Array<float, 3>(exec, in.extents());
    smooth(exec, out, mode, options, filled.view());
    for_each(exec, out.extents(), FillHoles{filled.view(), out});
  }
}

/// Coefficients of (1 + x)^n, then differenced so often.
std::vector<double> binomial(index_t n, int differences) {
  std::vector<double> row{1};
  const auto times = [&row](double sign) {
    row.push_back(0);
    for (std::size_t i = row.size() - 1; i > 0; --i) row[i] += sign * row[i - 1];
  };
  for (index_t i = 0; i < n - differences; ++i) times(1);
  for (int i = 0; i < differences; ++i) times(-1);
  return row;
}

/// Minus the sum of the second differences along both axes, smoothed across.
ConvolutionKernel sobel_laplacian(index_t size) {
  require(size >= 1 && size <= 31 && size % 2 == 1, "high_pass: the laplacian kernel is ", size,
          " px, it must be odd, 1 to 31");
  if (size == 1) return {3, 3, {0, -1, 0, -1, 4, -1, 0, -1, 0}};
  const auto smooth_taps = binomial(size - 1, 0), second = binomial(size - 1, 2);
  ConvolutionKernel kernel{size, size};
  for (std::size_t y = 0; y < smooth_taps.size(); ++y)
    for (std::size_t x = 0; x < smooth_taps.size(); ++x)
      kernel.values.push_back(-(second[y] * smooth_taps[x] + smooth_taps[y] * second[x]));
  return kernel;
}

/// c - r², with c such that the sum is 0; of 3 x 3 pixels, 8 and -1.
ConvolutionKernel paraboloid_laplacian(index_t size) {
  require(size == 3 || size == 5 || size == 7, "high_pass: the laplacian-conv kernel is ", size,
          " px, it must be 3, 5 or 7");
  if (size == 3) return {3, 3, {-1, -1, -1, -1, 8, -1, -1, -1, -1}};
  const index_t reach = size / 2;
  ConvolutionKernel kernel{size, size};
  for (index_t y = -reach; y <= reach; ++y)
    for (index_t x = -reach; x <= reach; ++x)
      kernel.values.push_back(static_cast<double>(2 * reach * (reach + 1) / 3 - y * y - x * x));
  return kernel;
}

/// A frequency's place when frequency 0 is put at n / 2.
index_t centred(index_t frequency, index_t n) { return (frequency + n / 2) % n; }

/// VIP's Butterworth filter is centred between two frequencies where n is even.
std::vector<double> butterworth(Extents<2> frame, double cutoff, int order) {
  require(cutoff > 0 && cutoff <= 1, "high_pass: butter_cutoff is ", cutoff, ", it must be above 0 and at most 1");
  require(order >= 1, "high_pass: butter_order is ", order, ", it must be at least 1");
  const auto place = [](index_t frequency, index_t n) {
    const auto size = static_cast<double>(n), at = static_cast<double>(centred(frequency, n));
    return n == 1 ? -0.5 : (at / (size - 1) - 0.5) * size;
  };
  const auto value = [&](index_t v, index_t u) {
    const double radius = std::hypot(place(v, frame[0]), place(u, frame[1]));
    return 1 - 1 / (1 + std::pow(radius / cutoff, 2 * order));
  };
  std::vector<double> transfer;
  for (index_t v = 0; v < frame[0]; ++v)
    for (index_t u = 0; u < frame[1]; ++u) transfer.push_back(value(v, u));
  return transfer;
}

/// The Hann window along one axis, in the order of the frequencies; 0 outside of it.
std::vector<double> hann_window(index_t n, double cutoff) {
  const double half = static_cast<double>(n) / 2;
  const auto reach = static_cast<index_t>(std::max(0.0, std::floor(std::min(half * cutoff, half - 1) + 0.5)));
  std::vector<double> window(static_cast<std::size_t>(n));
  for (index_t f = 0; f < n; ++f) {
    const index_t from_centre = centred(f, n) - n / 2;
    if (std::abs(from_centre) > reach) continue;
    const double phase =
        std::numbers::pi * static_cast<double>(from_centre) / static_cast<double>(std::max(reach, index_t{1}));
    window[static_cast<std::size_t>(f)] = 0.5 + 0.5 * std::cos(phase);
  }
  return window;
}

std::vector<double> hann(Extents<2> frame, double cutoff) {
  require(std::isfinite(cutoff) && cutoff > 0, "high_pass: hann_cutoff is ", cutoff, ", it must be positive");
  const auto along_y = hann_window(frame[0], cutoff), along_x = hann_window(frame[1], cutoff);
  std::vector<double> transfer;
  for (const double y : along_y)
    for (const double x : along_x) transfer.push_back(1 - y * x);
  return transfer;
}

LowPass subtracted_by(HighPass mode) {
  return mode == HighPass::median_subt    ? LowPass::median
         : mode == HighPass::cmedian_subt ? LowPass::cmedian
         : mode == HighPass::gauss_subt   ? LowPass::gauss
                                          : LowPass::psf;
}

/// The kinds of options, by who reads them.
enum Reads : unsigned { kMedian = 1, kGauss = 2, kPsf = 4, kLaplacian = 8, kButterworth = 16, kHann = 32 };

unsigned reads_of(LowPass mode) {
  if (mode == LowPass::median || mode == LowPass::cmedian) return kMedian;
  return mode == LowPass::gauss ? kGauss : kPsf;
}
unsigned reads_of(HighPass mode) {
  if (mode == HighPass::laplacian || mode == HighPass::laplacian_conv) return kLaplacian;
  if (mode == HighPass::fourier_butter) return kButterworth;
  return mode == HighPass::hann ? unsigned{kHann} : reads_of(subtracted_by(mode));
}

template <class Mode>
std::string_view name_of(Mode mode) {
  for (const auto& [name, value] : enum_names(mode))
    if (value == mode) return name;
  return "?";
}

/// Throws where an option is set that this mode does not read.
template <class Mode>
void refuse_ignored(const char* caller, Mode mode, const FilterOptions& options) {
  const FilterOptions unset;
  const unsigned reads = reads_of(mode);
  const auto refuse = [&](const char* option, auto value, auto default_value, unsigned read_by, const char* readers) {
    require(value == default_value || (reads & read_by) != 0, caller, ": ", option, " is ", value, ", but mode ",
            name_of(mode), " does not read it: it is for ", readers, ". Leave it at ", default_value);
  };
  refuse("median_size", options.median_size, unset.median_size, kMedian, "median and cmedian");
  refuse("fwhm_y", options.fwhm_y, unset.fwhm_y, kGauss, "gauss");
  refuse("fwhm_x", options.fwhm_x, unset.fwhm_x, kGauss, "gauss");
  require(!options.kernel_sz || (reads & kGauss) != 0, caller, ": kernel_sz is ", options.kernel_sz.value_or(0),
          ", but mode ", name_of(mode), " does not read it: it cuts the Gaussian of gauss. Leave it unset");
  refuse("half_res_y", options.half_res_y, unset.half_res_y, kGauss, "gauss");
  require(options.psf.values.empty() || (reads & kPsf) != 0, caller, ": there is a psf of ", options.psf.ny, " x ",
          options.psf.nx, ", but mode ", name_of(mode), " does not read it: it is for psf. Leave it empty");
  refuse("conv_mode", name_of(options.conv_mode), name_of(unset.conv_mode), kGauss | kPsf, "gauss and psf");
  refuse("iterate", options.iterate, unset.iterate, kGauss | kPsf, "gauss and psf");
  require(options.mask.empty() || (reads & (kGauss | kPsf)) != 0, caller, ": there is a mask of ", options.mask.size(),
          " pixels, but mode ", name_of(mode), " does not read it: it is for gauss and psf. Put NaN into the frames");
  refuse("kernel_size", options.kernel_size, unset.kernel_size, kLaplacian, "laplacian and laplacian-conv");
  refuse("butter_cutoff", options.butter_cutoff, unset.butter_cutoff, kButterworth, "fourier-butter");
  refuse("butter_order", options.butter_order, unset.butter_order, kButterworth, "fourier-butter");
  refuse("hann_cutoff", options.hann_cutoff, unset.hann_cutoff, kHann, "hann");
}

}  // namespace

void low_pass(Exec& exec, Cube<const float> in, LowPass mode, const FilterOptions& options, Cube<float> out) {
  refuse_ignored("low_pass", mode, options);
  if (mode == LowPass::gauss || mode == LowPass::psf) return low_pass_by_convolution(exec, in, mode, options, out);
  if (mode == LowPass::cmedian) {
    constexpr double kLargestRadius = static_cast<double>(kLargestWindow) / 2;
    require(options.median_size >= 0 && options.median_size < kLargestRadius, "low_pass: median_size is ",
            options.median_size, ", the radius of a disc must be 0 or more, and below ", kLargestRadius);
    return median_filter(exec, in, disc_footprint(options.median_size), Border::edge, out);
  }
  require(options.median_size >= 1 && options.median_size <= static_cast<double>(kLargestWindow) &&
              options.median_size == std::floor(options.median_size),
          "low_pass: median_size is ", options.median_size, ", the side of a box is a whole number of pixels, 1 to ",
          kLargestWindow);
  const auto side = static_cast<index_t>(options.median_size);
  median_filter(exec, in, box_footprint(side, side), Border::edge, out);
}

void high_pass(Exec& exec, Cube<const float> in, HighPass mode, const FilterOptions& options, Cube<float> out) {
  const Extents<2> frame{in.extent(1), in.extent(2)};
  refuse_ignored("high_pass", mode, options);
  switch (mode) {
    case HighPass::laplacian:
      return convolve(exec, in, sobel_laplacian(options.kernel_size),
                      {.border = Border::reflect, .masked = Masked::spread, .normalize = false}, out);
    case HighPass::laplacian_conv:
      convolve(exec, in, paraboloid_laplacian(options.kernel_size), {.masked = Masked::zero, .normalize = false}, out);
      return for_each(exec, out.extents(), KeepMasked{in, out});
    case HighPass::fourier_butter:
      return filter_frequencies(exec, in, butterworth(frame, options.butter_cutoff, options.butter_order), out);
    case HighPass::hann:
      return filter_frequencies(exec, in, hann(frame, options.hann_cutoff), out);
    default:
      low_pass(exec, in, subtracted_by(mode), options, out);
      for_each(exec, out.extents(), SubtractFrom{in, out});
  }
}

}  // namespace hci
