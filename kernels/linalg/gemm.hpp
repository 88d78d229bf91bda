// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// Products of matrices, for a batch: c(i) = alpha a(i) b(i) + beta c(i), or with b(i) transposed. T: float or double,
/// in which the sums are made, too.
///   a (n, r, s)   b (n, s, t), transposed: (n, t, s)   c (n, r, t); all with rows of unit stride on the Exec's device,
///   rows and matrices may be apart; a batch of one in a or b serves all of c
/// c overlaps neither a nor b. With beta = 0 what c held does not matter, not even NaN.
template <class T>
struct Gemm {
  View<const T, 3> a, b;
  bool transposed = false;
  T alpha = 1, beta = 0;
  /// c is symmetric (b is a, transposed; so is what c held): of what lies above its diagonal nothing is promised.
  bool lower_only = false;
};

/// The one place from which the BLAS of the device is called for real matrices: OpenBLAS, cuBLAS. Complex ones are
/// multiplied by matrix_fourier() (kernels/optics) alone, which calls cuBLAS itself: on the CPU it has code of its own,
/// and portable functors that make both its products, so that two of three paths here would serve nobody. A functor
/// serves on the portable path, and where rows, or what lies between them, are more than BLAS counts in its 32 bits.
/// The same bits for any number of threads. Throws InvalidInput where shapes do not fit.
void gemm(Exec& exec, const Gemm<double>& what, View<double, 3> c);
void gemm(Exec& exec, const Gemm<float>& what, View<float, 3> c);

/// A matrix as a batch of one.
template <class T>
View<T, 3> batch_of_one(const View<T, 2>& m) {
  return {m.data(), {1, m.extent(0), m.extent(1)}, {0, m.stride(0), m.stride(1)}};
}

}  // namespace hci
