// SPDX-License-Identifier: MIT
// Rotation by three shears on the CPU, one frame to a thread. The padded length M is what VIP's is,
// and may have a large prime factor (842 = 2 x 421 for frames of 210 px), which makes transforms ten
// times slower than those of a length of small factors. A shear by s is also a convolution with
//   k(n - s) = sin(pi (n - s)) cot(pi (n - s) / M) / M,
// the sum of all M frequencies in closed form; so here each shear is a convolution by transforms of
// a convenient length that is long enough for the pixels that exist and are wanted, with the same
// result up to rounding in double. Kernels of opposite shifts have conjugate spectra, which about the frame's centre
// saves half of them: 61 frames of 210 px take 0.20 s, and 0.24 s about another point, where the transforms of length M
// took 1.66 s (one core of an EPYC, Zen 5, processor time, 2026-11-29).
#include <algorithm>
#include <cmath>

#include "kernels/core/array.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/geometry/rotate_plan.hpp"
#include "kernels/geometry/shears.hpp"
#include "kernels/image/fft_plan.hpp"

namespace hci {
namespace {

/// The least even length from n on with factors 2, 3, 5 and 7 only.
index_t convenient_length(index_t n) {
  for (index_t length = std::max(index_t{2}, n + n % 2);; length += 2) {
    index_t rest = length;
    for (const index_t factor : {2, 3, 5, 7})
      while (rest % factor == 0) rest /= factor;
    if (rest == 1) return length;
  }
}

/// Convolution with the kernel of a shear, at offsets from -reach to reach.
class ShearConvolution {
 public:
  ShearConvolution(index_t period, index_t reach)
      : period_(period),
        reach_(reach),
        length_(convenient_length(2 * reach + 1)),
        fft_(RealFft::of_length(length_)),
        cosines_(host_array<double, 1>({3 * period})),
        sines_(host_array<double, 1>({3 * period})) {
    for (index_t m = 0; m < 3 * period; ++m) {
      // The cotangent has this period. From the nearer end, so that the sine of a whole period is 0.
      const index_t past = m % period, left = period - past;
      cosines_.data()[m] = past < left ? std::cos(M_PI * double(past) / double(period))
                                       : -std::cos(M_PI * double(left) / double(period));
      sines_.data()[m] = std::sin(M_PI * double(std::min(past, left)) / double(period));
    }
  }
  index_t length() const { return length_; }
  index_t frequencies() const { return length_ / 2 + 1; }
  index_t index(index_t offset) const { return offset < 0 ? offset + length_ : offset; }
  const RealFft& fft() const { return fft_; }

  /// Spectrum of the kernel, divided by the length so that going there and back needs no more.
  void kernel_spectrum(double shift, double* reals, Complex* spectrum) const {
    const double whole = std::rint(shift), rest = shift - whole;
    const index_t first = (((-reach_ - static_cast<index_t>(whole)) % period_) + period_) % period_;
    std::fill_n(reals, length_, 0.0);
    const double scale = 1 / double(length_);
    if (rest == 0) {  // whole pixels
      for (index_t i = 0; i <= 2 * reach_; ++i)
        if ((first + i) % period_ == 0) reals[index(i - reach_)] = scale;
    } else {
      const double c = std::cos(M_PI * rest / double(period_)), s = std::sin(M_PI * rest / double(period_));
      const double amplitude = -std::sin(M_PI * rest) / double(period_) * scale;
      const double *cosines = cosines_.data() + first, *sines = sines_.data() + first;
      const auto fill = [&](index_t from, index_t to, double* out) {
        const double sign = alternate(first + from) * amplitude;
        for (index_t i = from; i < to; ++i) {
          const double up = cosines[i] * c + sines[i] * s, down = sines[i] * c - cosines[i] * s;
          out[i - from] = ((i - from) % 2 == 0 ? sign : -sign) * up / down;
        }
      };
      fill(0, reach_, reals + length_ - reach_);
      fill(reach_, 2 * reach_ + 1, reals);
    }
    fft_.forward(reals, spectrum);
  }

  /// reals = reals convolved with the kernel (of the opposite shift where mirrored).
  void apply(const Complex* kernel, bool mirrored, double* reals, Complex* spectrum) const {
    fft_.forward(reals, spectrum);
    const double sign = mirrored ? -1 : 1;
    for (index_t f = 0; f < frequencies(); ++f) spectrum[f] = spectrum[f] * Complex{kernel[f].re, sign * kernel[f].im};
    fft_.inverse(spectrum, reals);
  }

 private:
  index_t period_, reach_, length_;
  const RealFft& fft_;
  Array<double, 1> cosines_, sines_;
};

/// One thread's memory: the sheared frame (index of x, row) and what the steps need.
struct Workspace {
  Array<double, 1> sheared, reals, q, middle;
  Array<Complex, 1> spectrum, kernel;
  Array<Complex, 2> row_kernels;  ///< (|y|, f), padded so that each is aligned

  Workspace(const ShearGrid& grid, const ShearConvolution& rows)
      : sheared(host_array<double, 1>({grid.length * grid.rows()})),
        reals(host_array<double, 1>({std::max(rows.length(), grid.length)})),
        q(host_array<double, 1>({grid.length})),
        middle(host_array<double, 1>({grid.length})),
        spectrum(host_array<Complex, 1>({std::max(rows.frequencies(), grid.length / 2 + 1)})),
        kernel(host_array<Complex, 1>({rows.frequencies()})),
        row_kernels(host_array<Complex, 2>({grid.reach + 1, (rows.frequencies() + 3) / 4 * 4})) {}
};

/// What the imaginary parts give back; see shears.hpp.
struct Nyquist {
  double nq = 0, c = 0;
};

class FrameRotation {
 public:
  FrameRotation(const ShearGrid& grid, const ShearConvolution& rows, const ShearConvolution& columns, Workspace& work)
      : grid_(grid), rows_(rows), columns_(columns), work_(work) {}

  void derotate(const Frame<const float>& in, const Shears& shears, float mask_value, const Frame<float>& out) {
    shear_rows_first(in, shears, mask_value);
    shear_columns(shears);
    const Nyquist nyquist = nyquist_of(shears);
    shear_rows_last(in, shears, nyquist, mask_value, out);
  }

 private:
  double* sheared(index_t dx) { return work_.sheared.data() + grid_.index(dx) * grid_.rows(); }
  Complex* row_kernel(index_t dy) { return work_.row_kernels.view()[std::abs(dy)].data(); }

  void shear_rows_first(const Frame<const float>& in, const Shears& shears, float mask_value) {
    const index_t reach = grid_.reach, half = grid_.length / 2;
    double* reals = work_.reals.data();
    std::fill_n(work_.q.data(), grid_.length, 0.0);
    for (index_t dy = 0; dy <= reach; ++dy) rows_.kernel_spectrum(shears.a * double(dy), reals, row_kernel(dy));
    for (index_t dy = -reach; dy <= reach; ++dy) {
      const bool shared = shears.row_shift == 0;
      if (!shared) rows_.kernel_spectrum(shears.of_row(dy), reals, work_.kernel.data());
      std::fill_n(reals, rows_.length(), 0.0);
      double middle = 0;
      for (index_t dx = -reach; dx <= reach; ++dx) {
        const double value = turned_pixel(in, shears.quarters, mask_value, dy, dx);
        reals[rows_.index(dx)] = value;
        middle += alternate(dx) * value;
      }
      work_.q.data()[grid_.index(dy)] = middle * std::sin(M_PI * shears.of_row(dy)) / double(grid_.length);
      rows_.apply(shared ? row_kernel(dy) : work_.kernel.data(), shared && dy < 0, reals, work_.spectrum.data());
      for (index_t dx = -half; dx < half; ++dx) sheared(dx)[dy + reach] = reals[rows_.index(dx)];
    }
  }

  void shear_columns(const Shears& shears) {
    const index_t half = grid_.length / 2;
    const auto take_kernel = [&](index_t dx) {
      columns_.kernel_spectrum(shears.of_column(dx), work_.reals.data(), work_.kernel.data());
    };
    for (index_t dx = 0; dx <= half; ++dx) {
      take_kernel(dx);
      if (dx < half) shear_column(dx, false);
      if (dx > 0 && shears.column_shift != 0) take_kernel(-dx);
      if (dx > 0) shear_column(-dx, shears.column_shift == 0);
    }
  }

  void shear_column(index_t dx, bool mirrored) {
    const index_t reach = grid_.reach;
    double *reals = work_.reals.data(), *column = sheared(dx) + reach, middle = 0;
    std::fill_n(reals, columns_.length(), 0.0);
    for (index_t dy = -reach; dy <= reach; ++dy) {
      reals[columns_.index(dy)] = column[dy];
      middle += alternate(dy) * column[dy];
    }
    work_.middle.data()[grid_.index(dx)] = middle;
    columns_.apply(work_.kernel.data(), mirrored, reals, work_.spectrum.data());
    for (index_t dy = -reach; dy <= reach; ++dy) column[dy] = reals[columns_.index(dy)];
  }

  /// Turns q into u.
  Nyquist nyquist_of(const Shears& shears) {
    const double m = double(grid_.length);
    const RealFft& fft = RealFft::of_length(grid_.length);
    Complex* spectrum = work_.spectrum.data();
    fft.forward(work_.q.data(), spectrum);
    Nyquist nyquist{spectrum[grid_.length / 2].re, 0};
    for (index_t f = 0; f <= grid_.length / 2; ++f) {
      const double moved = -2 * M_PI * double(f) / m * shears.column_shift;
      const Complex sum = sum_of_phases(grid_, shears.b, f) * Complex{std::cos(moved), std::sin(moved)};
      const Complex turned = spectrum[f] * sum;
      spectrum[f] = {turned.re / m, 2 * f < grid_.length ? turned.im / m : 0};
    }
    fft.inverse(spectrum, work_.q.data());
    for (index_t j = 0; j < grid_.length; ++j)
      nyquist.c += alternate(j) * std::sin(M_PI * shears.of_column(grid_.offset(j))) * work_.middle.data()[j];
    nyquist.c /= m;
    return nyquist;
  }

  void shear_rows_last(const Frame<const float>& in, const Shears& shears, const Nyquist& nyquist, float mask_value,
                       const Frame<float>& out) {
    const index_t cy = in.extent(0) / 2, cx = in.extent(1) / 2, half = grid_.length / 2;
    const double m = double(grid_.length);
    double *reals = work_.reals.data(), *back = work_.middle.data();
    for (index_t dx = -half; dx < half; ++dx)
      back[grid_.index(dx)] = alternate(dx) * std::sin(M_PI * shears.of_column(dx)) * nyquist.nq / m;
    for (index_t y = 0; y < in.extent(0); ++y) {
      const index_t dy = y - cy;
      std::fill_n(reals, rows_.length(), 0.0);
      for (index_t dx = -half; dx < half; ++dx)
        reals[rows_.index(dx)] = sheared(dx)[dy + grid_.reach] - alternate(dy) * back[grid_.index(dx)];
      rows_.apply(row_kernel(dy), dy < 0, reals, work_.spectrum.data());
      const double imaginary = work_.q.data()[grid_.index(dy)] + alternate(dy) * nyquist.c;
      const double ripple = imaginary * std::sin(M_PI * shears.a * double(dy)) / m;
      for (index_t x = 0; x < in.extent(1); ++x) {
        const double value = reals[rows_.index(x - cx)] - alternate(x - cx) * ripple;
        out(y, x) = unless_hole(in(y, x), mask_value, static_cast<float>(value));
      }
    }
  }

  const ShearGrid& grid_;
  const ShearConvolution& rows_;
  const ShearConvolution& columns_;
  Workspace& work_;
};

}  // namespace

void derotate_fft_cpu(Exec& exec, Cube<const float> in, const std::vector<Shears>& shears, float mask_value,
                      const ShearGrid& grid, Cube<float> out) {
  const ShearConvolution rows(grid.length, grid.length / 2 + grid.reach), columns(grid.length, 2 * grid.reach);
  RealFft::of_length(grid.length);
  const auto make = [&] { return Workspace(grid, rows); };
  parallel_for(exec.threads(), in.extent(0), kWhoeverIsFree, make, [&](Workspace& work, index_t t) {
    FrameRotation rotation(grid, rows, columns, work);
    rotation.derotate(frame_of(in, t), shears[static_cast<std::size_t>(t)], mask_value, frame_of(out, t));
  });
}

}  // namespace hci
