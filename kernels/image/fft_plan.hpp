// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: FFTW's plans, for CPU code that transforms row by row inside its own loops.
#include "kernels/image/fft.hpp"

namespace hci {

/// Real transforms of one length on the CPU. All threads may use one at the same time. The arrays
/// are aligned to 64 bytes: forward reads n reals and writes n / 2 + 1 complex, inverse destroys
/// its input and does not normalise.
class RealFft {
 public:
  /// The process's plan of length n, made when first asked for (with FFTW_ESTIMATE: a measured plan
  /// could differ from run to run, and the last bits of the result with it).
  static const RealFft& of_length(index_t n);

  void forward(double* reals, Complex* spectrum) const;
  void inverse(Complex* spectrum, double* reals) const;

  RealFft(const RealFft&) = delete;
  RealFft& operator=(const RealFft&) = delete;
  ~RealFft();

 private:
  explicit RealFft(index_t n);
  void* forward_ = nullptr;
  void* inverse_ = nullptr;
};

}  // namespace hci
