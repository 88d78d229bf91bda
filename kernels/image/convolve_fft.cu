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
#include "kernels/image/fft.hpp"
#include "kernels/image/fft2.hpp"

namespace hci {
namespace {

using Spectra = Array<std::complex<double>, 3>;

Cube<Complex> numbers_of(const Cube<std::complex<double>>& spectra) {
  return {reinterpret_cast<Complex*>(spectra.data()), spectra.extents()};
}

/// An axis of the frames on a period of the transform: the frame, `after` pixels that follow it, and at the end of the
/// period what comes before it. No output reads what lies between these.
struct PeriodicAxis {
  index_t side, after, period;

  HCI_HD index_t place(index_t at) const { return at < side + after ? at : at - period; }
};

/// Frames of a list, continued beyond their edges onto a period.
struct Continued {
  Cube<const float> in;
  Vector<const index_t> frames;
  PeriodicAxis y, x;
  Border border;

  index_t pixels() const { return y.period * x.period; }
  HCI_HD float operator()(index_t t, index_t row, index_t column) const {
    const index_t from_y = border_index(y.place(row), y.side, border);
    const index_t from_x = border_index(x.place(column), x.side, border);
    return from_y < 0 || from_x < 0 ? 0.0F : in(frames(t), from_y, from_x);
  }
};

/// Masked pixels count as 0.
struct PadFrame {
  Continued pixels;
  Cube<double> padded;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const float v = pixels(t, y, x);
    padded(t, y, x) = std::isfinite(v) ? v : 0.0;
  }
};

/// The largest finite value of a row or a frame, and how many of its pixels are masked.
struct Extremes {
  double largest;
  index_t masked;
};

/// The frame in the real part. The masked pixels in the imaginary one, at the height of the frame's
/// largest value, so that neither part drowns in the other's rounding.
struct PadWithMask {
  Continued pixels;
  Vector<const Extremes> frames;
  Cube<Complex> padded;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const float v = pixels(t, y, x);
    const bool finite = std::isfinite(v);
    padded(t, y, x) = {finite ? v : 0.0, finite ? 0.0 : frames(pixels.frames(t)).largest};
  }
};

/// Of each row, then of each frame; 1 is the largest of a frame of zeros. A thread has a row, then a frame: see
/// RowRange in kernels/geometry/rotate.cu.
struct ExtremesOfRow {
  Cube<const float> in;
  Matrix<Extremes> rows;

  HCI_HD void operator()(index_t t, index_t y) const {
    Extremes found{0, 0};
    for (index_t x = 0; x < in.extent(2); ++x) {
      const double v = fabs(double(in(t, y, x)));
      if (!std::isfinite(v)) ++found.masked;
      if (std::isfinite(v) && v > found.largest) found.largest = v;
    }
    rows(t, y) = found;
  }
};
struct ExtremesOfFrame {
  Matrix<const Extremes> rows;
  Vector<Extremes> frames;

  HCI_HD void operator()(index_t t) const {
    Extremes found{0, 0};
    for (index_t y = 0; y < rows.extent(1); ++y) {
      const Extremes row = rows(t, y);
      found = {row.largest > found.largest ? row.largest : found.largest, found.masked + row.masked};
    }
    if (!(found.largest > 0)) found.largest = 1;
    frames(t) = found;
  }
};

/// by: half a spectrum. spectra: halves, too.
struct MultiplyHalves {
  Cube<Complex> spectra;
  Frame<const Complex> by;

  HCI_HD void operator()(index_t t, index_t v, index_t u) const { spectra(t, v, u) = spectra(t, v, u) * by(v, u); }
};

/// by: half a spectrum. spectra: whole ones.
struct MultiplyWhole {
  Cube<Complex> spectra;
  Frame<const Complex> by;

  HCI_HD void operator()(index_t t, index_t v, index_t u) const {
    const index_t ny = spectra.extent(1), nx = spectra.extent(2);
    Complex factor = by(u < by.extent(1) || v == 0 ? v : ny - v, u < by.extent(1) ? u : nx - u);
    if (u >= by.extent(1)) factor.im = -factor.im;
    spectra(t, v, u) = spectra(t, v, u) * factor;
  }
};

/// by: real.
struct Weight {
  Cube<Complex> spectra;
  Frame<const double> by;

  HCI_HD void operator()(index_t t, index_t v, index_t u) const {
    const Complex value = spectra(t, v, u);
    spectra(t, v, u) = {value.re * by(v, u), value.im * by(v, u)};
  }
};

/// Cuts the frame out again; all values are 1 / scale times too large.
struct CutFrame {
  Cube<const double> made;
  Vector<const index_t> frames;
  double scale;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    out(frames(t), y, x) = static_cast<float>(made(t, y, x) * scale);
  }
};

/// The same, and what is masked in the frame is NaN.
struct CutWhereFinite {
  CutFrame cut;
  Cube<const float> in;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    cut(t, y, x);
    if (!std::isfinite(in(cut.frames(t), y, x))) cut.out(cut.frames(t), y, x) = NAN;
  }
};

/// The same where the imaginary part says how much of the kernel was masked.
struct CutByShare {
  Cube<const Complex> made;
  Vector<const index_t> frames;
  Vector<const Extremes> extremes;
  double scale, kernel_sum;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const Complex both = made(t, y, x);
    const double share = 1 - both.im * scale / (extremes(frames(t)).largest * kernel_sum);
    const double value = share < double(kLeastWeight) ? NAN : both.re * scale / share;
    out(frames(t), y, x) = static_cast<float>(value);
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

/// How far apart the frame and its periodic images must be: among zeros, which images may share, taps that never meet
/// the frame do not count.
PeriodicAxis periodic_axis(index_t side, index_t kernel, Border border) {
  if (border == Border::constant) return {side, 0, fast_length(side + std::min(kernel / 2, side - 1))};
  return {side, kernel / 2, fast_length(side + kernel - 1)};
}

/// Half the spectrum of the kernel times a scale, its origin at pixel (0, 0).
Spectra kernel_spectrum(Exec& exec, const ConvolutionKernel& kernel, const Continued& like, double scale) {
  const index_t py = like.y.period, px = like.x.period;
  std::vector<double> values(static_cast<std::size_t>(py * px));
  for (index_t j = 0; j < kernel.ny; ++j)
    for (index_t i = 0; i < kernel.nx; ++i) {
      const index_t y = j - kernel.ny / 2, x = i - kernel.nx / 2;
      const bool meets = std::abs(y) < like.y.side && std::abs(x) < like.x.side;
      if (like.border == Border::constant && !meets) continue;
      const index_t at = (y < 0 ? y + py : y) * px + (x < 0 ? x + px : x);
      values[static_cast<std::size_t>(at)] = kernel(j, i) * scale;
    }
  const Array<double, 1> stored = to_device(exec, std::move(values));
  Spectra spectrum(exec, {1, py, px / 2 + 1});
  fft2_real(exec, {stored.data(), {1, py, px}}, spectrum.view());
  return spectrum;
}

/// work(some of the frames, how many at most) for 64 MiB of complex numbers at a time, or one frame.
template <class Work>
void in_batches(Exec& exec, const std::vector<index_t>& frames, Continued pixels, const Work& work) {
  if (frames.empty()) return;
  const auto total = static_cast<index_t>(frames.size());
  const index_t frame_bytes = pixels.pixels() * index_t{sizeof(Complex)};
  const index_t most = std::clamp(scratch_bytes(index_t{64} << 20) / frame_bytes, index_t{1}, total);
  const Array<index_t, 1> list = to_device(exec, frames);
  for (index_t first = 0; first < total; first += most) {
    pixels.frames = slice(list.view(), first, std::min(most, total - first));
    work(pixels, most);
  }
}

/// Frames of a list there, through change(half spectra), and back through cut(reals).
template <class Change, class Cut>
void through_half_spectra(Exec& exec, const std::vector<index_t>& frames, const Continued& pixels, const Change& change,
                          const Cut& cut) {
  Array<double, 3> padded;
  Spectra spectra;
  in_batches(exec, frames, pixels, [&](const Continued& some, index_t most) {
    if (!padded) {
      padded = Array<double, 3>(exec, {most, some.y.period, some.x.period});
      spectra = Spectra(exec, {most, some.y.period, some.x.period / 2 + 1});
    }
    const Cube<double> part = slice(padded.view(), 0, some.frames.extent(0));
    const auto halves = slice(spectra.view(), 0, some.frames.extent(0));
    for_each(exec, part.extents(), PadFrame{some, part});
    fft2_real(exec, part, halves);
    change(numbers_of(halves));
    inverse_fft2_real(exec, halves, part);
    cut(CutFrame{part, some.frames, 1 / static_cast<double>(some.pixels()), {}});
  });
}

std::vector<index_t> all_of(const Cube<const float>& in) {
  std::vector<index_t> frames(static_cast<std::size_t>(in.extent(0)));
  std::iota(frames.begin(), frames.end(), index_t{0});
  return frames;
}

Array<Extremes, 1> extremes_of(Exec& exec, Cube<const float> in) {
  Array<Extremes, 2> rows(exec, {in.extent(0), in.extent(1)});
  Array<Extremes, 1> frames(exec, {in.extent(0)});
  for_each(exec, rows.extents(), ExtremesOfRow{in, rows.view()});
  for_each(exec, frames.extents(), ExtremesOfFrame{rows.view(), frames.view()});
  return frames;
}

}  // namespace

// Of each padded pixel of a frame without masked ones, in double: it is padded (4 bytes read, where the frame is, and 8
// written), two real transforms read and write it along both axes (64), the product reads and writes half a spectrum
// (16; the kernel's comes from L2), and the middle is cut out (8 and 4): 104 bytes, and 4 of the frame to look for
// masked pixels. The transforms take 2.5 log2 flops of the frame's pixels each, some 80, the product 3. (489, 210, 210)
// by a kernel of 41 x 41 is padded to 240 x 240 (230 rounded to a fast length: the zeros cost 1.3 times the work), 28 M
// pixels: 2.9 GB and 2.3 GFLOP, floor 0.7 ms on an H200 (4.3 TB/s copied; its arithmetic 0.07 ms) and 9 ms on a GTX
// 1080 (320 GB/s; its double arithmetic, 0.28 TFLOP/s, 8 ms). A frame with masked pixels costs twice as much: the
// imaginary part of a complex transform carries the mask, so that one pair of them gives both sums. Batches of 64 MiB
// of numbers bound the memory; they do not stay in an H200's L2 (50 MB), nor would less save more than part of the 104
// bytes. A thread has one pixel, neighbours along x, in blocks of 32 x 8: all accesses but cuFFT's own are whole
// lines. Not measured on a GPU.
void convolve_fft(Exec& exec, Cube<const float> in, const ConvolutionKernel& kernel, const ConvolveOptions& options,
                  Cube<float> out) {
  check_cubes("convolve_fft", in, out);
  check_kernel("convolve_fft", kernel, options);
  require(options.masked != Masked::spread, "convolve_fft: masked pixels cannot spread: use convolve()");
  if (out.size() == 0) return;
  const double sum = std::accumulate(kernel.values.begin(), kernel.values.end(), 0.0);
  const double norm = options.normalize ? 1 / sum : 1;
  const Continued pixels{in,
                         {},
                         periodic_axis(in.extent(1), kernel.ny, options.border),
                         periodic_axis(in.extent(2), kernel.nx, options.border),
                         options.border};
  auto spectrum = kernel_spectrum(exec, kernel, pixels, norm);
  const Frame<const Complex> by = numbers_of(spectrum.view())[0];
  std::vector<index_t> whole, masked;
  Array<Extremes, 1> extremes;
  if (options.masked == Masked::leave_out) {
    extremes = extremes_of(exec, in);
    const auto host = to_host(exec, std::as_const(extremes).view());
    for (index_t t = 0; t < in.extent(0); ++t) (host.view()(t).masked > 0 ? masked : whole).push_back(t);
  } else {
    whole = all_of(in);
  }
  const auto frame = [&](index_t frames) { return Extents<3>{frames, out.extent(1), out.extent(2)}; };
  through_half_spectra(
      exec, whole, pixels,
      [&](Cube<Complex> halves) {
        for_each(exec, halves.extents(), MultiplyHalves{halves, by});
      },
      [&](CutFrame cut) {
        cut.out = out;
        for_each(exec, frame(cut.frames.extent(0)), cut);
      });
  Spectra spectra;
  in_batches(exec, masked, pixels, [&](const Continued& some, index_t most) {
    if (!spectra) spectra = Spectra(exec, {most, some.y.period, some.x.period});
    const auto part = slice(spectra.view(), 0, some.frames.extent(0));
    const Cube<Complex> numbers = numbers_of(part);
    for_each(exec, part.extents(), PadWithMask{some, extremes.view(), numbers});
    fft2(exec, part, part, FftDirection::forward);
    for_each(exec, part.extents(), MultiplyWhole{numbers, by});
    fft2(exec, part, part, FftDirection::backward);
    for_each(
        exec, frame(some.frames.extent(0)),
        CutByShare{numbers, some.frames, extremes.view(), 1 / static_cast<double>(some.pixels()), sum * norm, out});
  });
}

// Of each pixel, in double: the frame is read and written (12 bytes), two real transforms take 64, the weights read and
// write half a spectrum (16, they themselves from L2), and the frame goes out where it was finite (16): 108 bytes and 5
// log2 flops of the frame's pixels, some 77. (489, 210, 210): 2.3 GB and 1.7 GFLOP, floor 0.5 ms on an H200 (4.3 TB/s
// copied; its arithmetic 0.05 ms) and 7 ms on a GTX 1080 (320 GB/s; its double arithmetic, 0.28 TFLOP/s, 6 ms). Not
// measured on a GPU.
void filter_frequencies(Exec& exec, Cube<const float> in, const std::vector<double>& transfer, Cube<float> out) {
  check_cubes("filter_frequencies", in, out);
  const index_t ny = in.extent(1), nx = in.extent(2), half = nx / 2 + 1;
  require(static_cast<index_t>(transfer.size()) == ny * nx, "filter_frequencies: the transfer function has ",
          transfer.size(), " values, the frames have ", ny, " x ", nx, " pixels");
  if (out.size() == 0) return;
  // A real frame's frequencies (v, u) and (-v, -u) are conjugates, and so is what they add to the sum's real part: as
  // much as if both had the mean of their weights.
  std::vector<double> means(static_cast<std::size_t>(ny * half));
  const auto weight = [&](index_t v, index_t u) { return transfer[static_cast<std::size_t>(v * nx + u)]; };
  for (index_t v = 0; v < ny; ++v)
    for (index_t u = 0; u < half; ++u)
      means[static_cast<std::size_t>(v * half + u)] = (weight(v, u) + weight((ny - v) % ny, (nx - u) % nx)) / 2;
  const Array<double, 1> stored = to_device(exec, std::move(means));
  const Frame<const double> by(stored.data(), {ny, half});
  through_half_spectra(
      exec, all_of(in), {in, {}, {ny, 0, ny}, {nx, 0, nx}, Border::constant},
      [&](Cube<Complex> halves) {
        for_each(exec, halves.extents(), Weight{halves, by});
      },
      [&](CutFrame cut) {
        cut.out = out;
        for_each(exec, Extents<3>{cut.frames.extent(0), ny, nx}, CutWhereFinite{cut, in});
      });
}

}  // namespace hci
