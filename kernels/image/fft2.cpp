// SPDX-License-Identifier: MIT
#include "kernels/image/fft2.hpp"

#include <fftw3.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/fftw.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/core/scratch.hpp"
#if HCI_HAVE_CUDA
#include "kernels/core/cuda.hpp"
#endif

namespace hci {
namespace {

/// The names of FFTW's two libraries under one roof.
template <class T>
struct Fftw;
template <>
struct Fftw<double> {
  using Plan = fftw_plan;
  using Complex = fftw_complex;
  static constexpr auto plan_many = fftw_plan_many_dft;
  static constexpr auto execute = fftw_execute_dft;
  static constexpr auto destroy = fftw_destroy_plan;
};
template <>
struct Fftw<float> {
  using Plan = fftwf_plan;
  using Complex = fftwf_complex;
  static constexpr auto plan_many = fftwf_plan_many_dft;
  static constexpr auto execute = fftwf_execute_dft;
  static constexpr auto destroy = fftwf_destroy_plan;
};

/// FFTW's SIMD codelets want this alignment of every frame.
constexpr std::uintptr_t kFftwAlignment = 16;

template <class T>
bool every_frame_is_aligned(const void* in, const void* out, int ny, int nx) {
  const auto frame_bytes = std::uintptr_t(ny) * std::uintptr_t(nx) * 2 * sizeof(T);
  return (reinterpret_cast<std::uintptr_t>(in) | reinterpret_cast<std::uintptr_t>(out) | frame_bytes) %
             kFftwAlignment ==
         0;
}

/// The process's plan of `count` transforms of `length` numbers each, `distance` apart. Plans live as long as the
/// process: there are few shapes. FFTW_ESTIMATE, since a measured plan may differ from run to run, and with it the
/// last bits.
template <class T>
typename Fftw<T>::Plan cpu_plan(int length, int count, int distance, FftDirection direction, bool in_place,
                                bool aligned) {
  using Key = std::tuple<int, int, int, FftDirection, bool, bool>;
  struct Destroy {
    void operator()(typename Fftw<T>::Plan plan) const { Fftw<T>::destroy(plan); }
  };
  static std::map<Key, std::unique_ptr<std::remove_pointer_t<typename Fftw<T>::Plan>, Destroy>> plans;
  const std::lock_guard lock(fftw_planner_mutex());
  auto& plan = plans[Key{length, count, distance, direction, in_place, aligned}];
  if (plan) return plan.get();
  // The planner only looks at the alignment of the arrays and whether they are the same one.
  auto* const in = reinterpret_cast<typename Fftw<T>::Complex*>(kFftwAlignment * 4096);
  auto* const out = in_place ? in : in + std::ptrdiff_t{count} * distance * 4;
  plan.reset(Fftw<T>::plan_many(1, &length, count, in, nullptr, 1, distance, out, nullptr, 1, distance,
                                direction == FftDirection::forward ? FFTW_FORWARD : FFTW_BACKWARD,
                                FFTW_ESTIMATE | (aligned ? 0u : FFTW_UNALIGNED)));
  require(plan != nullptr, "fft2: FFTW has no plan for ", count, " times ", length);
  return plan.get();
}

/// Columns are transformed this many at a time, in a scratch where they are contiguous: a line of a cache holds four
/// numbers. FFTW's own 2-D plans step through the columns where they are, ten times slower where the
/// rows are a power of two apart (256 x 256: 3.8 ms, this way 0.38), and never faster than this at sizes that occur.
constexpr int kColumns = 8;

template <class T>
void fft2_on_cpu(Exec& exec, Cube<const std::complex<T>> in, Cube<std::complex<T>> out, FftDirection direction) {
  using Complex = typename Fftw<T>::Complex;
  const int ny = static_cast<int>(in.extent(1)), nx = static_cast<int>(in.extent(2));
  // FFTW takes its input as mutable but leaves it alone: an out-of-place complex transform preserves it.
  auto* const from = reinterpret_cast<Complex*>(const_cast<std::complex<T>*>(in.data()));
  auto* const to = reinterpret_cast<Complex*>(out.data());
  const bool aligned = every_frame_is_aligned<T>(from, to, ny, nx);
  const int distance = (ny + 3) / 2 * 2;  // of columns: even, which keeps their alignment, and never a power of two
  const auto rows = cpu_plan<T>(nx, ny, nx, direction, from == to, aligned);
  const auto columns = cpu_plan<T>(ny, kColumns, distance, direction, true, true);
  const index_t frame_size = index_t{ny} * nx;
  const auto make = [distance] {
    auto scratch = host_array<std::complex<T>, 2>({kColumns, distance});
    std::fill_n(scratch.data(), scratch.size(), std::complex<T>{});  // of the last columns some are not there
    return scratch;
  };
  parallel_for(exec.threads(), in.extent(0), kEqualShares, make, [&](Array<std::complex<T>, 2>& scratch, index_t t) {
    Fftw<T>::execute(rows, from + t * frame_size, to + t * frame_size);
    if (ny == 1) return;
    const Matrix<std::complex<T>> frame = out[t], block = scratch.view();
    for (index_t first = 0; first < nx; first += kColumns) {
      const index_t count = std::min<index_t>(kColumns, nx - first);
      for (index_t y = 0; y < ny; ++y)
        for (index_t i = 0; i < count; ++i) block(i, y) = frame(y, first + i);
      auto* const numbers = reinterpret_cast<Complex*>(scratch.data());
      Fftw<T>::execute(columns, numbers, numbers);
      for (index_t y = 0; y < ny; ++y)
        for (index_t i = 0; i < count; ++i) frame(y, first + i) = block(i, y);
    }
  });
}

// A frame of n pixels: 4 passes of 2 numbers each, 64 n bytes in double and 32 n in float, and 5 n log2 n flops.
// (61, 256, 256): 0.26 GB and 0.32 GFLOP in double, floor 60 us on an H200 (4.3 TB/s copied; its arithmetic 9 us) and
// 1.1 ms on a GTX 1080 (0.28 TFLOP/s in double; its 320 GB/s 0.8 ms); in float 30 us and 0.4 ms, of bytes on both. A
// frame of 256 x 256 doubles is 1 MB, so that an H200's L2 (50 MB) may keep some between the passes. Not measured on a
// GPU.
#if HCI_HAVE_CUDA
void execute(cufftHandle plan, const std::complex<double>* in, std::complex<double>* out, int sign) {
  check(cufftExecZ2Z(plan, reinterpret_cast<cufftDoubleComplex*>(const_cast<std::complex<double>*>(in)),
                     reinterpret_cast<cufftDoubleComplex*>(out), sign));
}
void execute(cufftHandle plan, const std::complex<float>* in, std::complex<float>* out, int sign) {
  check(cufftExecC2C(plan, reinterpret_cast<cufftComplex*>(const_cast<std::complex<float>*>(in)),
                     reinterpret_cast<cufftComplex*>(out), sign));
}

template <class T>
void fft2_on_cuda(Exec& exec, Cube<const std::complex<T>> in, Cube<std::complex<T>> out, FftDirection direction) {
  // 64 frames, or as many as are 64 MiB: cuFFT's workspace is as large as what it transforms. Two batch sizes need a
  // plan, the second for the last frames.
  const index_t frame_bytes = in.extent(1) * in.extent(2) * index_t{sizeof(std::complex<T>)};
  const index_t chunk = std::clamp(scratch_bytes(index_t{64} << 20) / frame_bytes, index_t{1}, index_t{64});
  for (index_t t = 0; t < in.extent(0); t += chunk) {
    const index_t frames = std::min(chunk, in.extent(0) - t);
    const FftPlan plan =
        exec.cuda().fft2_plan(sizeof(T) == sizeof(double) ? CUFFT_Z2Z : CUFFT_C2C, static_cast<int>(in.extent(1)),
                              static_cast<int>(in.extent(2)), static_cast<int>(frames));
    const FftCall call(exec, plan);
    execute(call.plan(), in[t].data(), out[t].data(),
            direction == FftDirection::forward ? CUFFT_FORWARD : CUFFT_INVERSE);
  }
}
#endif

template <class T>
void fft2_checked(Exec& exec, Cube<const std::complex<T>> in, Cube<std::complex<T>> out, FftDirection direction) {
  require(in.extents() == out.extents(), "fft2: in and out differ in shape");
  require(in.is_dense() && out.is_dense(), "fft2: the frames must be dense");
  constexpr index_t most = std::numeric_limits<int>::max() - 3;  // a column's scratch is up to 3 longer, in int
  require(in.extent(1) <= most && in.extent(2) <= most, "fft2: frames of ", in.extent(1), " x ", in.extent(2),
          " are too large");
  if (in.size() == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) return fft2_on_cuda(exec, in, out, direction);
#endif
  fft2_on_cpu(exec, in, out, direction);
}

}  // namespace

void fft2(Exec& exec, Cube<const std::complex<double>> in, Cube<std::complex<double>> out, FftDirection direction) {
  fft2_checked(exec, in, out, direction);
}

void fft2(Exec& exec, Cube<const std::complex<float>> in, Cube<std::complex<float>> out, FftDirection direction) {
  fft2_checked(exec, in, out, direction);
}

}  // namespace hci
