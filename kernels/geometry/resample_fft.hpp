// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: resampling by cropping or extending the Fourier transform, VIP's scale_fft, as two products
// with real matrices.
//
// Frames of even side n are surrounded by k zeros to the side p = n + 2 k, transformed, the transform cropped or
// extended to the side q, transformed back. In one dimension pixel x of p becomes pixel y of q with the weight
//     W(y, x) = 1/q sum of exp(2 pi i f (y / q - x / p)) over f = -m/2 .. m/2 - 1,  m = min(p, q)
//             = (sin(m a) cot(a) - i sin(m a)) / q,  a = pi (y / q - x / p).
// In two, out = Re(W X W^T) = R X R^T - I X I^T. Frequency -m/2 alone makes the imaginary part I: it is minus the
// product of u(y) and v(x), since m a is a multiple of pi plus what depends on x (q < p) or on y alone. So
// I X I^T = u (v^T X v) u^T: v is one more row of R.
#include <functional>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// The sides between which the transform goes.
struct FftSides {
  index_t padded, scaled;  ///< p, q
};
/// p = n + 2 k, with the k of 0 .. n/2 for which q, the even number from 2 on closest to p scale, comes closest.
FftSides fft_sides(index_t even_side, double scale);

/// (R; v), rows + 1 times columns, and u, for one axis. Centres of frames lie on one another.
struct FftAxis {
  index_t rows, columns;
  std::vector<double> matrix;
  std::vector<double> u;
};
FftAxis fft_axis(index_t in_side, index_t out_side, double scale);

/// The axes of frames of one scale.
struct FftAxes {
  FftAxis y, x;
};
/// Makes them, for a scale; from several threads.
using MakeFftAxes = std::function<FftAxes(double)>;

/// out(t) = in(t) resampled along both axes by scales[t]. (t, y, x) on the Exec's device; scales: host, T of them.
void resample_by_fft(Exec& exec, Cube<const float> in, const std::vector<double>& scales, const MakeFftAxes& axes,
                     Cube<float> out);

/// The axis for frames of `side` pixels that are continued: pixel[j] of them stands for column j, -1: none does.
FftAxis folded(const FftAxis& axis, const std::vector<index_t>& pixel, index_t side);

/// The CPU's tuned way. frames: in the order of their scales.
void resample_by_fft_cpu(Exec& exec, Cube<const float> in, const std::vector<index_t>& frames,
                         const std::vector<double>& scales, const MakeFftAxes& axes, Cube<float> out);

}  // namespace hci
