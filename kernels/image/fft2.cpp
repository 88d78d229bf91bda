// SPDX-License-Identifier: MIT
#include "kernels/image/fft2.hpp"

#include <fftw3.h>

#include <algorithm>
#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/fftw.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/core/scratch.hpp"
#if HCI_HAVE_CUDA
#include "kernels/core/copy.hpp"
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
  static constexpr auto plan_many_r2c = fftw_plan_many_dft_r2c;
  static constexpr auto plan_many_c2r = fftw_plan_many_dft_c2r;
  static constexpr auto execute = fftw_execute_dft;
  static constexpr auto execute_r2c = fftw_execute_dft_r2c;
  static constexpr auto execute_c2r = fftw_execute_dft_c2r;
  static constexpr auto destroy = fftw_destroy_plan;
};
template <>
struct Fftw<float> {
  using Plan = fftwf_plan;
  using Complex = fftwf_complex;
  static constexpr auto plan_many = fftwf_plan_many_dft;
  static constexpr auto plan_many_r2c = fftwf_plan_many_dft_r2c;
  static constexpr auto plan_many_c2r = fftwf_plan_many_dft_c2r;
  static constexpr auto execute = fftwf_execute_dft;
  static constexpr auto execute_r2c = fftwf_execute_dft_r2c;
  static constexpr auto execute_c2r = fftwf_execute_dft_c2r;
  static constexpr auto destroy = fftwf_destroy_plan;
};

/// FFTW's SIMD codelets want this alignment of every frame.
constexpr std::uintptr_t kFftwAlignment = 16;

/// Whether all frames of a stack that begins there are aligned.
template <class N>
bool frames_are_aligned(const View<N, 3>& frames) {
  const auto frame_bytes = static_cast<std::uintptr_t>(frames.extent(1) * frames.extent(2)) * sizeof(N);
  return (reinterpret_cast<std::uintptr_t>(frames.data()) | frame_bytes) % kFftwAlignment == 0;
}

/// What a plan on the CPU transforms: `count` rows of `length` numbers, `distance` apart.
enum class Rows { complex, real_to_half, half_to_real };
struct CpuShape {
  Rows rows;
  int length, count, distance;
  FftDirection direction;  ///< of complex rows
  bool in_place, aligned;
  auto operator<=>(const CpuShape&) const = default;
};

/// The process's plan of a shape. Plans live as long as the process: there are few shapes. FFTW_ESTIMATE, since a
/// measured plan may differ from run to run, and with it the last bits.
template <class T>
typename Fftw<T>::Plan cpu_plan(const CpuShape& shape) {
  using Complex = typename Fftw<T>::Complex;
  struct Destroy {
    void operator()(typename Fftw<T>::Plan plan) const { Fftw<T>::destroy(plan); }
  };
  static std::map<CpuShape, std::unique_ptr<std::remove_pointer_t<typename Fftw<T>::Plan>, Destroy>> plans;
  const std::lock_guard lock(fftw_planner_mutex());
  auto& plan = plans[shape];
  if (plan) return plan.get();
  // The planner only looks at the alignment of the arrays and whether they are the same one.
  auto* const in = reinterpret_cast<Complex*>(kFftwAlignment * 4096);
  auto* const out = shape.in_place ? in : in + std::ptrdiff_t{shape.count} * shape.distance * 4;
  const unsigned flags = FFTW_ESTIMATE | (shape.aligned ? 0u : FFTW_UNALIGNED);
  const auto& [rows, length, count, distance, direction, in_place, aligned] = shape;
  const int half = length / 2 + 1;
  if (rows == Rows::complex)
    plan.reset(Fftw<T>::plan_many(1, &length, count, in, nullptr, 1, distance, out, nullptr, 1, distance,
                                  direction == FftDirection::forward ? FFTW_FORWARD : FFTW_BACKWARD, flags));
  else if (rows == Rows::real_to_half)
    plan.reset(Fftw<T>::plan_many_r2c(1, &length, count, reinterpret_cast<T*>(in), nullptr, 1, distance, out, nullptr,
                                      1, half, flags));
  else
    plan.reset(Fftw<T>::plan_many_c2r(1, &length, count, in, nullptr, 1, half, reinterpret_cast<T*>(out), nullptr, 1,
                                      distance, flags));
  require(plan != nullptr, "fft2: FFTW has no plan for ", count, " times ", length);
  return plan.get();
}

/// FFTW takes its input as mutable; all but Rows::half_to_real leave it alone.
template <class T>
typename Fftw<T>::Complex* fftw_numbers(const std::complex<T>* numbers) {
  return reinterpret_cast<typename Fftw<T>::Complex*>(const_cast<std::complex<T>*>(numbers));
}

/// Columns are transformed this many at a time, in a scratch where they are contiguous: a line of a cache holds four
/// numbers. FFTW's own 2-D plans step through the columns where they are, ten times slower where the
/// rows are a power of two apart (256 x 256: 3.8 ms, this way 0.38), and never faster than this at sizes that occur.
constexpr index_t kColumns = 8;

/// The transform along y of frames of so many rows, in place, on the CPU.
template <class T>
class Columns {
 public:
  using Scratch = Array<std::complex<T>, 2>;

  Columns(index_t rows, FftDirection direction)
      : distance_((static_cast<int>(rows) + 3) / 2 * 2),  // even: keeps their alignment, and is no power of two
        plan_(cpu_plan<T>(
            {Rows::complex, static_cast<int>(rows), static_cast<int>(kColumns), distance_, direction, true, true})) {}

  /// A thread's own.
  Scratch scratch() const {
    auto block = host_array<std::complex<T>, 2>({kColumns, distance_});
    std::fill_n(block.data(), block.size(), std::complex<T>{});  // of the last columns some are not there
    return block;
  }
  void transform(Matrix<std::complex<T>> frame, Scratch& scratch) const {
    const index_t ny = frame.extent(0), nx = frame.extent(1);
    if (ny == 1) return;
    const Matrix<std::complex<T>> block = scratch.view();
    for (index_t first = 0; first < nx; first += kColumns) {
      const index_t count = std::min(kColumns, nx - first);
      for (index_t y = 0; y < ny; ++y)
        for (index_t i = 0; i < count; ++i) block(i, y) = frame(y, first + i);
      auto* const numbers = fftw_numbers<T>(scratch.data());
      Fftw<T>::execute(plan_, numbers, numbers);
      for (index_t y = 0; y < ny; ++y)
        for (index_t i = 0; i < count; ++i) frame(y, first + i) = block(i, y);
    }
  }

 private:
  int distance_;
  typename Fftw<T>::Plan plan_;
};

/// transform(scratch of the columns, t) for each frame, in parallel: a thread keeps its scratch.
template <class T, class TransformFrame>
void each_frame(Exec& exec, index_t frames, const Columns<T>& columns, const TransformFrame& transform) {
  using Scratch = typename Columns<T>::Scratch;
  parallel_for(
      exec.threads(), frames, kEqualShares, [&] { return columns.scratch(); },
      [&](Scratch& scratch, index_t t) { transform(scratch, t); });
}

template <class T>
void fft2_on_cpu(Exec& exec, Cube<const std::complex<T>> in, Cube<std::complex<T>> out, FftDirection direction) {
  const int ny = static_cast<int>(in.extent(1)), nx = static_cast<int>(in.extent(2));
  const bool aligned = frames_are_aligned(in) && frames_are_aligned(out);
  const auto rows = cpu_plan<T>({Rows::complex, nx, ny, nx, direction, in.data() == out.data(), aligned});
  const Columns<T> columns(ny, direction);
  each_frame(exec, in.extent(0), columns, [&](auto& scratch, index_t t) {
    Fftw<T>::execute(rows, fftw_numbers<T>(in[t].data()), fftw_numbers<T>(out[t].data()));
    columns.transform(out[t], scratch);
  });
}

template <class T>
void fft2_real_on_cpu(Exec& exec, Cube<const T> in, Cube<std::complex<T>> spectrum) {
  const int ny = static_cast<int>(in.extent(1)), nx = static_cast<int>(in.extent(2));
  const bool aligned = frames_are_aligned(in) && frames_are_aligned(spectrum);
  const auto rows = cpu_plan<T>({Rows::real_to_half, nx, ny, nx, FftDirection::forward, false, aligned});
  const Columns<T> columns(ny, FftDirection::forward);
  each_frame(exec, in.extent(0), columns, [&](auto& scratch, index_t t) {
    Fftw<T>::execute_r2c(rows, const_cast<T*>(in[t].data()), fftw_numbers<T>(spectrum[t].data()));
    columns.transform(spectrum[t], scratch);
  });
}

template <class T>
void inverse_fft2_real_on_cpu(Exec& exec, Cube<std::complex<T>> spectrum, Cube<T> out) {
  const int ny = static_cast<int>(out.extent(1)), nx = static_cast<int>(out.extent(2));
  const bool aligned = frames_are_aligned(out) && frames_are_aligned(spectrum);
  const auto rows = cpu_plan<T>({Rows::half_to_real, nx, ny, nx, FftDirection::backward, false, aligned});
  const Columns<T> columns(ny, FftDirection::backward);
  each_frame(exec, out.extent(0), columns, [&](auto& scratch, index_t t) {
    columns.transform(spectrum[t], scratch);
    Fftw<T>::execute_c2r(rows, fftw_numbers<T>(spectrum[t].data()), out[t].data());
  });
}

// A frame of n pixels: 4 passes of 2 numbers each, 64 n bytes in double and 32 n in float, and 5 n log2 n flops.
// (61, 256, 256): 0.26 GB and 0.32 GFLOP in double, floor 60 us on an H200 (4.3 TB/s copied; its arithmetic 9 us) and
// 1.1 ms on a GTX 1080 (0.28 TFLOP/s in double; its 320 GB/s 0.8 ms); in float 30 us and 0.4 ms, of bytes on both. A
// frame of 256 x 256 doubles is 1 MB, so that an H200's L2 (50 MB) may keep some between the passes. Of real frames
// half of everything: 32 n bytes in double, 30 us and 0.56 ms. Not measured on a GPU.
#if HCI_HAVE_CUDA
void execute(cufftHandle plan, const std::complex<double>* in, std::complex<double>* out, int sign) {
  check(cufftExecZ2Z(plan, reinterpret_cast<cufftDoubleComplex*>(const_cast<std::complex<double>*>(in)),
                     reinterpret_cast<cufftDoubleComplex*>(out), sign));
}
void execute(cufftHandle plan, const std::complex<float>* in, std::complex<float>* out, int sign) {
  check(cufftExecC2C(plan, reinterpret_cast<cufftComplex*>(const_cast<std::complex<float>*>(in)),
                     reinterpret_cast<cufftComplex*>(out), sign));
}
void execute_real(cufftHandle plan, const double* in, std::complex<double>* out) {
  check(cufftExecD2Z(plan, const_cast<double*>(in), reinterpret_cast<cufftDoubleComplex*>(out)));
}
void execute_real(cufftHandle plan, const float* in, std::complex<float>* out) {
  check(cufftExecR2C(plan, const_cast<float*>(in), reinterpret_cast<cufftComplex*>(out)));
}
void execute_real(cufftHandle plan, std::complex<double>* in, double* out) {
  check(cufftExecZ2D(plan, reinterpret_cast<cufftDoubleComplex*>(in), out));
}
void execute_real(cufftHandle plan, std::complex<float>* in, float* out) {
  check(cufftExecC2R(plan, reinterpret_cast<cufftComplex*>(in), out));
}

/// transform(plan, first, count) for 64 frames at a time, or as many as are 64 MiB of numbers: cuFFT's workspace is as
/// large as what it transforms. Two batch sizes need a plan, the second for the last frames. An even number, so that
/// real frames of odd size begin on an even number where the first did.
template <class Transform>
void some_frames(Exec& exec, cufftType type, Extents<3> frames, index_t frame_bytes, const Transform& transform) {
  index_t chunk = std::clamp(scratch_bytes(index_t{64} << 20) / frame_bytes, index_t{1}, index_t{64});
  if (chunk > 1) chunk -= chunk % 2;
  for (index_t t = 0; t < frames[0]; t += chunk) {
    const index_t count = std::min(chunk, frames[0] - t);
    const FftCall call(exec, exec.cuda().fft2_plan(type, static_cast<int>(frames[1]), static_cast<int>(frames[2]),
                                                   static_cast<int>(count)));
    transform(call.plan(), t, count);
  }
}

template <class T>
constexpr bool kDouble = sizeof(T) == sizeof(double);

/// Where the first of dense frames is aligned, all are.
template <class N>
void check_aligned(const char* caller, const Cube<N>& frames) {
  using Real = typename std::remove_const_t<N>::value_type;
  check_aligned_for_fft(caller, reinterpret_cast<const Real*>(frames.data()));
}

template <class T>
void fft2_on_cuda(Exec& exec, Cube<const std::complex<T>> in, Cube<std::complex<T>> out, FftDirection direction) {
  check_aligned("fft2", in);
  check_aligned("fft2", out);
  const index_t frame_bytes = in.extent(1) * in.extent(2) * index_t{sizeof(std::complex<T>)};
  const int sign = direction == FftDirection::forward ? CUFFT_FORWARD : CUFFT_INVERSE;
  some_frames(exec, kDouble<T> ? CUFFT_Z2Z : CUFFT_C2C, in.extents(), frame_bytes,
              [&](cufftHandle plan, index_t t, index_t) { execute(plan, in[t].data(), out[t].data(), sign); });
}
#endif

/// A column's scratch is up to 3 longer, and counted in int.
void check_size(const char* caller, Extents<3> frames) {
  constexpr index_t most = std::numeric_limits<int>::max() - 3;
  require(frames[1] <= most && frames[2] <= most, caller, ": frames of ", frames[1], " x ", frames[2],
          " are too large");
}

template <class T>
void fft2_checked(Exec& exec, Cube<const std::complex<T>> in, Cube<std::complex<T>> out, FftDirection direction) {
  require(in.extents() == out.extents(), "fft2: in and out differ in shape");
  require(in.is_dense() && out.is_dense(), "fft2: the frames must be dense");
  check_size("fft2", in.extents());
  if (in.size() == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) return fft2_on_cuda(exec, in, out, direction);
#endif
  fft2_on_cpu(exec, in, out, direction);
}

template <class T>
void check_real(const char* caller, const Cube<const T>& frames, const Cube<const std::complex<T>>& spectrum) {
  const Extents<3> all = frames.extents(), half = spectrum.extents();
  require(half[0] == all[0] && half[1] == all[1] && half[2] == all[2] / 2 + 1, caller, ": the spectrum of ", all[0],
          " frames of ", all[1], " x ", all[2], " is ", half[0], " of ", half[1], " x ", half[2],
          ": it must have x / 2 + 1 columns");
  require(frames.is_dense() && spectrum.is_dense(), caller, ": frames and spectrum must be dense");
  check_size(caller, all);
}

template <class T>
void fft2_real_checked(Exec& exec, Cube<const T> in, Cube<std::complex<T>> spectrum) {
  check_real<T>("fft2_real", in, spectrum);
  if (in.size() == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    check_aligned("fft2_real", spectrum);
    return some_frames(exec, kDouble<T> ? CUFFT_D2Z : CUFFT_R2C, in.extents(),
                       index_t(spectrum[0].size() * sizeof(std::complex<T>)),
                       [&](cufftHandle plan, index_t t, index_t count) {
                         const Cube<const T> frames = slice(in, t, count);
                         if (is_aligned_for_fft(frames.data()))
                           return execute_real(plan, frames.data(), spectrum[t].data());
                         Array<T, 3> aligned(exec, frames.extents());
                         copy(exec, frames, aligned.view());
                         execute_real(plan, std::as_const(aligned).data(), spectrum[t].data());
                       });
  }
#endif
  fft2_real_on_cpu(exec, in, spectrum);
}

template <class T>
void inverse_fft2_real_checked(Exec& exec, Cube<std::complex<T>> spectrum, Cube<T> out) {
  check_real<T>("inverse_fft2_real", out, spectrum);
  if (out.size() == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    check_aligned("inverse_fft2_real", spectrum);
    return some_frames(exec, kDouble<T> ? CUFFT_Z2D : CUFFT_C2R, out.extents(),
                       index_t(spectrum[0].size() * sizeof(std::complex<T>)),
                       [&](cufftHandle plan, index_t t, index_t count) {
                         const Cube<T> frames = slice(out, t, count);
                         if (is_aligned_for_fft(frames.data()))
                           return execute_real(plan, spectrum[t].data(), frames.data());
                         Array<T, 3> aligned(exec, frames.extents());
                         execute_real(plan, spectrum[t].data(), aligned.data());
                         copy(exec, std::as_const(aligned).view(), frames);
                       });
  }
#endif
  inverse_fft2_real_on_cpu(exec, spectrum, out);
}

}  // namespace

void fft2(Exec& exec, Cube<const std::complex<double>> in, Cube<std::complex<double>> out, FftDirection direction) {
  fft2_checked(exec, in, out, direction);
}

void fft2(Exec& exec, Cube<const std::complex<float>> in, Cube<std::complex<float>> out, FftDirection direction) {
  fft2_checked(exec, in, out, direction);
}

void fft2_real(Exec& exec, Cube<const double> in, Cube<std::complex<double>> spectrum) {
  fft2_real_checked(exec, in, spectrum);
}
void fft2_real(Exec& exec, Cube<const float> in, Cube<std::complex<float>> spectrum) {
  fft2_real_checked(exec, in, spectrum);
}

void inverse_fft2_real(Exec& exec, Cube<std::complex<double>> spectrum, Cube<double> out) {
  inverse_fft2_real_checked(exec, spectrum, out);
}
void inverse_fft2_real(Exec& exec, Cube<std::complex<float>> spectrum, Cube<float> out) {
  inverse_fft2_real_checked(exec, spectrum, out);
}

}  // namespace hci
