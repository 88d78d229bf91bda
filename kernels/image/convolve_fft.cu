// SPDX-License-Identifier: MIT
#include "kernels/image/convolve_fft.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/image/convolve_plan.hpp"
#include "kernels/image/fft2.hpp"

namespace hci {
namespace {

using Spectrum = std::complex<double>;

/// The frame in the real part. The masked pixels in the imaginary one, at the height of the frame's
/// largest value, so that neither part drowns in the other's rounding.
struct PadFrame {
  Cube<const float> in;
  Vector<const double> scales;
  bool weighs;
  Cube<Spectrum> padded;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    double value = 0, masked = 0;
    if (y < in.extent(1) && x < in.extent(2)) {
      const float v = in(t, y, x);
      if (std::isfinite(v))
        value = v;
      else if (weighs)
        masked = scales(t);
    }
    auto* parts = reinterpret_cast<double*>(&padded(t, y, x));
    parts[0] = value;
    parts[1] = masked;
  }
};

/// The largest finite value of each row, then of each frame; 1 for a frame of zeros.
struct LargestOfRow {
  Cube<const float> in;
  Matrix<double> largest;

  HCI_HD void operator()(index_t t, index_t y) const {
    double most = 0;
    for (index_t x = 0; x < in.extent(2); ++x) {
      const double v = fabs(double(in(t, y, x)));
      if (std::isfinite(v) && v > most) most = v;
    }
    largest(t, y) = most;
  }
};
struct LargestOfFrame {
  Matrix<const double> rows;
  Vector<double> largest;

  HCI_HD void operator()(index_t t) const {
    double most = 0;
    for (index_t y = 0; y < rows.extent(1); ++y) most = rows(t, y) > most ? rows(t, y) : most;
    largest(t) = most > 0 ? most : 1;
  }
};

struct Multiply {
  Cube<Spectrum> spectra;
  Frame<const Spectrum> by;

  HCI_HD void operator()(index_t t, index_t v, index_t u) const {
    auto* a = reinterpret_cast<double*>(&spectra(t, v, u));
    const auto* b = reinterpret_cast<const double*>(&by(v, u));
    const double re = a[0] * b[0] - a[1] * b[1], im = a[0] * b[1] + a[1] * b[0];
    a[0] = re;
    a[1] = im;
  }
};

struct MultiplyReal {
  Cube<Spectrum> spectra;
  Frame<const double> by;

  HCI_HD void operator()(index_t t, index_t v, index_t u) const {
    auto* a = reinterpret_cast<double*>(&spectra(t, v, u));
    a[0] *= by(v, u);
    a[1] *= by(v, u);
  }
};

/// Cuts the frame out again; all values are 1 / scale times too large.
struct CutFrame {
  Cube<const Spectrum> convolved;
  Vector<const double> scales;
  double scale, kernel_sum;
  bool weighs;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const auto* parts = reinterpret_cast<const double*>(&convolved(t, y, x));
    double value = parts[0] * scale;
    if (weighs) {
      const double share = 1 - parts[1] * scale / (scales(t) * kernel_sum);
      value = share < double(kLeastWeight) ? NAN : value / share;
    }
    out(t, y, x) = static_cast<float>(value);
  }
};

struct RealPart {
  Cube<const Spectrum> filtered;
  Cube<const float> in;
  double scale;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const double value = reinterpret_cast<const double*>(&filtered(t, y, x))[0] * scale;
    out(t, y, x) = std::isfinite(in(t, y, x)) ? static_cast<float>(value) : NAN;
  }
};

/// The next length whose FFT is fast.
index_t fast_length(index_t n) {
  for (;; ++n) {
    index_t rest = n;
    for (const index_t prime : {2, 3, 5, 7})
      while (rest % prime == 0) rest /= prime;
    if (rest == 1) return n;
  }
}

/// How far apart the frame and its periodic images must be: taps that never meet the frame do not count.
index_t padded_length(index_t frame, index_t kernel) { return fast_length(frame + std::min(kernel / 2, frame - 1)); }

Array<Spectrum, 3> kernel_spectrum(Exec& exec, const ConvolutionKernel& kernel, Extents<2> frame, Extents<2> padded,
                                   double scale) {
  std::vector<Spectrum> values(static_cast<std::size_t>(padded.size()));
  for (index_t j = 0; j < kernel.ny; ++j)
    for (index_t i = 0; i < kernel.nx; ++i) {
      const index_t y = j - kernel.ny / 2, x = i - kernel.nx / 2;
      if (std::abs(y) >= frame[0] || std::abs(x) >= frame[1]) continue;
      const index_t at = (y < 0 ? y + padded[0] : y) * padded[1] + (x < 0 ? x + padded[1] : x);
      values[static_cast<std::size_t>(at)] = kernel(j, i) * scale;
    }
  const Array<Spectrum, 1> stored = to_device(exec, std::move(values));
  Array<Spectrum, 3> spectrum(exec, {1, padded[0], padded[1]});
  fft2(exec, {stored.data(), spectrum.extents()}, spectrum.view(), FftDirection::forward);
  return spectrum;
}

/// Of each padded pixel, in double: the frame is padded (4 bytes read, where it is, and 16 written), two transforms
/// read and write it along both axes (128), the product reads and writes it (32 bytes, the kernel's spectrum from L2),
/// and the middle is cut out (16 and 4): 200 bytes, and 8 of the frame for its largest values. The transforms take 5
/// log2 flops of the frame's pixels each, some 160, the product 6. (489, 210, 210) by a kernel of 41 x 41 is padded to
/// 240 x 240 (230 rounded to a fast length: the zeros cost 1.3 times the work), 28 M pixels: 5.6 GB and 4.7 GFLOP,
/// floor 1.3 ms on an H200 (4.3 TB/s copied; its arithmetic 0.1 ms) and 18 ms on a GTX 1080 (320 GB/s; its double
/// arithmetic, 0.28 TFLOP/s, 17 ms). Complex transforms, since the imaginary part carries the mask: one pair of
/// transforms gives both sums. Batches of 64 MiB of spectra bound the memory; they do not stay in an H200's L2
/// (50 MB), nor would less save more than part of 200 bytes. A thread has one pixel, neighbours along x: all accesses
/// but cuFFT's own are whole lines. Not measured on a GPU.
/// Frames at a time: 64 MiB of spectra, or one.
index_t frames_at_a_time(index_t frames, Extents<2> padded) {
  const index_t frame_bytes = padded.size() * index_t{sizeof(Spectrum)};
  return std::clamp(scratch_bytes(index_t{64} << 20) / frame_bytes, index_t{1}, std::max(frames, index_t{1}));
}

}  // namespace

void convolve_fft(Exec& exec, Cube<const float> in, const ConvolutionKernel& kernel, const ConvolveOptions& options,
                  Cube<float> out) {
  check_cubes("convolve_fft", in, out);
  check_kernel("convolve_fft", kernel, options);
  require(options.border == Border::constant, "convolve_fft: only zeros can lie outside the frame (constant)");
  require(options.masked != Masked::spread, "convolve_fft: masked pixels cannot spread: use convolve()");
  if (out.size() == 0) return;
  const double sum = std::accumulate(kernel.values.begin(), kernel.values.end(), 0.0);
  const double norm = options.normalize ? 1 / sum : 1;
  const bool weighs = options.masked == Masked::leave_out;
  const Extents<2> frame{in.extent(1), in.extent(2)};
  const Extents<2> size{padded_length(frame[0], kernel.ny), padded_length(frame[1], kernel.nx)};
  const auto spectrum = kernel_spectrum(exec, kernel, frame, size, norm);
  Array<double, 2> largest_of_rows(exec, {in.extent(0), in.extent(1)});
  Array<double, 1> scales(exec, {in.extent(0)});
  for_each(exec, largest_of_rows.extents(), LargestOfRow{in, largest_of_rows.view()});
  for_each(exec, scales.extents(), LargestOfFrame{largest_of_rows.view(), scales.view()});
  const index_t most = frames_at_a_time(in.extent(0), size);
  Array<Spectrum, 3> padded(exec, {most, size[0], size[1]});
  for (index_t first = 0; first < in.extent(0); first += most) {
    const index_t frames = std::min(most, in.extent(0) - first);
    const auto part = slice(padded.view(), 0, frames);
    const auto scale = slice(std::as_const(scales).view(), first, frames);
    for_each(exec, part.extents(), PadFrame{slice(in, first, frames), scale, weighs, part});
    fft2(exec, part, part, FftDirection::forward);
    for_each(exec, part.extents(), Multiply{part, spectrum.view()[0]});
    fft2(exec, part, part, FftDirection::backward);
    const auto result = slice(out, first, frames);
    for_each(exec, result.extents(),
             CutFrame{part, scale, 1 / static_cast<double>(size.size()), sum * norm, weighs, result});
  }
}

// Of each pixel, in double: the frame is read and written as complex (20 bytes), two transforms take 128, the weights
// read and write it (32, they themselves from L2), and the real part goes out where the frame is finite (24): 204 bytes
// and 10 log2 flops of the frame's pixels, some 154. (489, 210, 210): 4.4 GB and 3.4 GFLOP, floor 1.0 ms on an H200
// (4.3 TB/s copied; its arithmetic 0.1 ms) and 14 ms on a GTX 1080 (320 GB/s; its double arithmetic, 0.28 TFLOP/s, 12
// ms). Not measured on a GPU.
void filter_frequencies(Exec& exec, Cube<const float> in, const std::vector<double>& transfer, Cube<float> out) {
  check_cubes("filter_frequencies", in, out);
  const Extents<2> frame{in.extent(1), in.extent(2)};
  require(static_cast<index_t>(transfer.size()) == frame.size(), "filter_frequencies: the transfer function has ",
          transfer.size(), " values, the frames have ", frame[0], " x ", frame[1], " pixels");
  if (out.size() == 0) return;
  const Array<double, 1> stored = to_device(exec, transfer);
  const index_t most = frames_at_a_time(in.extent(0), frame);
  Array<Spectrum, 3> spectra(exec, {most, frame[0], frame[1]});
  for (index_t first = 0; first < in.extent(0); first += most) {
    const index_t frames = std::min(most, in.extent(0) - first);
    const auto part = slice(spectra.view(), 0, frames);
    const auto source = slice(in, first, frames);
    for_each(exec, part.extents(), PadFrame{source, {}, false, part});
    fft2(exec, part, part, FftDirection::forward);
    for_each(exec, part.extents(), MultiplyReal{part, {stored.data(), frame}});
    fft2(exec, part, part, FftDirection::backward);
    for_each(exec, part.extents(),
             RealPart{part, source, 1 / static_cast<double>(frame.size()), slice(out, first, frames)});
  }
}

}  // namespace hci
