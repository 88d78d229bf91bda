// SPDX-License-Identifier: MIT
#include "kernels/image/fft.hpp"

#include <fftw3.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <mutex>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/fftw.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/image/fft_plan.hpp"
#if HCI_HAVE_CUDA
#include "kernels/core/copy.hpp"
#include "kernels/core/cuda.hpp"
#endif

namespace hci {
namespace {

/// Both libraries count in int.
void check_length(const char* caller, index_t n) {
  require(n >= 1 && n <= std::numeric_limits<int>::max(), caller, ": the rows are ", n,
          " long, it must be 1 to 2^31 - 1");
}

void check_shapes(const char* caller, Extents<2> rows, bool rows_dense, Extents<2> spectrum, bool spectrum_dense) {
  require(rows_dense && spectrum_dense, caller, ": rows and spectrum must be dense");
  check_length(caller, rows[1]);
  require(spectrum[0] == rows[0] && spectrum[1] == rows[1] / 2 + 1, caller, ": rows are ", rows[0], " x ", rows[1],
          ", the spectrum is ", spectrum[0], " x ", spectrum[1]);
}

/// A copy of one row: rows of odd length are not aligned where they are.
struct Row {
  Array<double, 1> reals;
  Array<Complex, 1> spectrum;
};

/// transform(fft, scratch, b) for each row, on the CPU.
template <class Transform>
void each_row(Exec& exec, Extents<2> rows, const Transform& transform) {
  const index_t n = rows[1];
  const RealFft& fft = RealFft::of_length(n);
  const auto make = [n] { return Row{host_array<double, 1>({n}), host_array<Complex, 1>({n / 2 + 1})}; };
  parallel_for(exec.threads(), rows[0], kEqualShares, make, [&](Row& row, index_t b) { transform(fft, row, b); });
}

#if HCI_HAVE_CUDA
/// transform(plan, some of the rows, their spectrum) for so many rows at a time that they are 64 MiB or one row: cuFFT
/// wants a workspace as large, and counts rows in int. Two plans for each shape, one for the last rows. Of rows of odd
/// length an even number, so that the next begin on an even double where the first did.
template <class Real, class Transform>
void some_rows(Exec& exec, cufftType type, Matrix<Real> rows, Matrix<Complex> spectrum, const Transform& transform) {
  check_aligned_for_fft("fft_rows", reinterpret_cast<const double*>(spectrum.data()));
  const index_t count = rows.extent(0), n = rows.extent(1), row_bytes = n * index_t{sizeof(double)};
  index_t most = std::clamp(scratch_bytes(index_t{64} << 20) / row_bytes, index_t{1}, count);
  if (n % 2 == 1 && most > 1) most -= most % 2;
  for (index_t first = 0; first < count; first += most) {
    const index_t batch = std::min(most, count - first);
    const FftCall call(exec, exec.cuda().fft_plan(type, static_cast<int>(n), static_cast<int>(batch)));
    transform(call.plan(), Matrix<Real>(rows[first].data(), {batch, n}),
              reinterpret_cast<cufftDoubleComplex*>(spectrum[first].data()));
  }
}
#endif

}  // namespace

RealFft::RealFft(index_t n) {
  check_length("fft", n);
  auto reals = host_array<double, 1>({n});
  auto spectrum = host_array<Complex, 1>({n / 2 + 1});
  auto* complex = reinterpret_cast<fftw_complex*>(spectrum.data());
  forward_ = fftw_plan_dft_r2c_1d(static_cast<int>(n), reals.data(), complex, FFTW_ESTIMATE);
  inverse_ = fftw_plan_dft_c2r_1d(static_cast<int>(n), complex, reals.data(), FFTW_ESTIMATE);
  require(forward_ != nullptr && inverse_ != nullptr, "fft: FFTW has no plan for length ", n);
}

RealFft::~RealFft() {
  fftw_destroy_plan(static_cast<fftw_plan>(forward_));
  fftw_destroy_plan(static_cast<fftw_plan>(inverse_));
}

const RealFft& RealFft::of_length(index_t n) {
  static std::map<index_t, std::unique_ptr<const RealFft>> plans;
  const std::lock_guard lock(fftw_planner_mutex());
  auto& plan = plans[n];
  if (!plan) plan.reset(new RealFft(n));
  return *plan;
}

void RealFft::forward(double* reals, Complex* spectrum) const {
  fftw_execute_dft_r2c(static_cast<fftw_plan>(forward_), reals, reinterpret_cast<fftw_complex*>(spectrum));
}

void RealFft::inverse(Complex* spectrum, double* reals) const {
  fftw_execute_dft_c2r(static_cast<fftw_plan>(inverse_), reinterpret_cast<fftw_complex*>(spectrum), reals);
}

// A row of n reals: 8 n bytes read, 8 n written, and 2.5 n log2 n flops, either way. 12810 rows of 864 (61 frames to be
// rotated): 0.18 GB and 0.27 GFLOP, floor 41 us on an H200 (4.3 TB/s copied; its arithmetic 8 us), 1 ms on a GTX 1080
// (0.28 TFLOP/s in double; its 320 GB/s 0.55 ms). cuFFT reaches the bytes' floor where a row fits a block's shared
// memory, and takes twice as many where it does not. Not measured on a GPU.
void fft_rows(Exec& exec, Matrix<const double> rows, Matrix<Complex> spectrum) {
  check_shapes("fft_rows", rows.extents(), rows.is_dense(), spectrum.extents(), spectrum.is_dense());
  if (rows.extent(0) == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    const auto transform = [&](cufftHandle plan, Matrix<const double> reals, cufftDoubleComplex* to) {
      if (is_aligned_for_fft(reals.data())) return check(cufftExecD2Z(plan, const_cast<double*>(reals.data()), to));
      Array<double, 2> aligned(exec, reals.extents());
      copy(exec, reals, aligned.view());
      check(cufftExecD2Z(plan, aligned.data(), to));
    };
    some_rows(exec, CUFFT_D2Z, rows, spectrum, transform);
    return;
  }
#endif
  each_row(exec, rows.extents(), [&](const RealFft& fft, Row& row, index_t b) {
    std::memcpy(row.reals.data(), rows[b].data(), row.reals.bytes());
    fft.forward(row.reals.data(), row.spectrum.data());
    std::memcpy(spectrum[b].data(), row.spectrum.data(), row.spectrum.bytes());
  });
}

void inverse_fft_rows(Exec& exec, Matrix<Complex> spectrum, Matrix<double> rows) {
  check_shapes("inverse_fft_rows", rows.extents(), rows.is_dense(), spectrum.extents(), spectrum.is_dense());
  if (rows.extent(0) == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    const auto transform = [&](cufftHandle plan, Matrix<double> reals, cufftDoubleComplex* from) {
      if (is_aligned_for_fft(reals.data())) return check(cufftExecZ2D(plan, from, reals.data()));
      Array<double, 2> aligned(exec, reals.extents());
      check(cufftExecZ2D(plan, from, aligned.data()));
      copy(exec, Matrix<const double>(aligned.view()), reals);
    };
    some_rows(exec, CUFFT_Z2D, rows, spectrum, transform);
    return;
  }
#endif
  each_row(exec, rows.extents(), [&](const RealFft& fft, Row& row, index_t b) {
    std::memcpy(row.spectrum.data(), spectrum[b].data(), row.spectrum.bytes());
    fft.inverse(row.spectrum.data(), row.reals.data());
    std::memcpy(rows[b].data(), row.reals.data(), row.reals.bytes());
  });
}

}  // namespace hci
