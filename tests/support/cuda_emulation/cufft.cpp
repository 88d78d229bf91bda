// SPDX-License-Identifier: MIT
// cuFFT over FFTW: same layouts, no normalisation on either side. Stricter than cuFFT need be: a transform to reals
// leaves NaN in its input, and one of frames refuses a half spectrum that belongs to no real frame.
#include <cufft.h>
#include <fftw3.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <vector>

#include "cuda_emulation/control.hpp"
#include "cuda_emulation/machine.hpp"

using namespace cuda_emulation;

namespace hci {
__attribute__((weak)) std::mutex& fftw_planner_mutex();  // kernels/core/fftw.hpp
}

namespace {

/// One side of a transform: extents of the storage, distance of neighbours, distance of batches.
struct Layout {
  std::vector<int> embed;
  int stride = 1, step = 0;

  /// Elements from the first to the last that `sizes` transforms of a batch touch.
  std::size_t reach(const std::vector<int>& sizes, int batch) const {
    long offset = 0;
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
      if (axis > 0) offset *= embed[axis];
      offset += sizes[axis] - 1;
    }
    return static_cast<std::size_t>(offset * stride + static_cast<long>(batch - 1) * step + 1);
  }
};

struct Plan {
  cufftType type{};
  std::vector<int> n;
  Layout in, out;
  int batch = 0;  // 0: not made yet
  CUstream_st* stream = nullptr;
  bool own_area = true;  // as cuFFT does unless told otherwise
  void* area = nullptr;  // given by the program

  std::vector<int> halved() const {
    std::vector<int> sizes = n;
    sizes.back() = sizes.back() / 2 + 1;
    return sizes;
  }
  bool real_in() const { return type == CUFFT_R2C || type == CUFFT_D2Z; }
  bool real_out() const { return type == CUFFT_C2R || type == CUFFT_Z2D; }
  std::vector<int> in_sizes() const { return real_out() ? halved() : n; }
  std::vector<int> out_sizes() const { return real_in() ? halved() : n; }
  std::size_t complex_bytes() const {
    const bool in_double = type == CUFFT_D2Z || type == CUFFT_Z2D || type == CUFFT_Z2Z;
    return 2 * (in_double ? sizeof(double) : sizeof(float));
  }
  /// As much as the complex numbers themselves, which is what cuFFT takes for many lengths.
  std::size_t work_bytes() const {
    std::size_t numbers = static_cast<std::size_t>(batch);
    for (int size : real_in() || real_out() ? halved() : n) numbers *= static_cast<std::size_t>(size);
    return numbers * complex_bytes();
  }
};

std::map<cufftHandle, Plan>& plans() {
  static auto* const all = new std::map<cufftHandle, Plan>;
  return *all;
}

Layout layout_of(const std::vector<int>& sizes, const int* embed, int stride, int step) {
  Layout layout;
  if (embed != nullptr) {
    layout = {{embed, embed + sizes.size()}, stride, step};
    return layout;
  }
  layout.embed = sizes;
  layout.step = 1;
  for (int size : sizes) layout.step *= size;
  return layout;
}

Plan* find(cufftHandle handle) {
  const auto found = plans().find(handle);
  return found == plans().end() ? nullptr : &found->second;
}

/// Checks the plan and both sides, and enqueues run(plan).
template <class In, class Out, class Run>
cufftResult enqueue(cufftHandle handle, cufftType type, In* in, Out* out, Run run) {
  Call call;
  if (call.status() != cudaSuccess) return CUFFT_EXEC_FAILED;
  Plan* plan = find(handle);
  if (plan == nullptr || plan->batch == 0 || plan->type != type) return CUFFT_INVALID_PLAN;
  // There the reals' rows would be padded to twice n / 2 + 1, which is not how Layout has them.
  if ((plan->real_in() || plan->real_out()) && static_cast<const void*>(in) == static_cast<const void*>(out))
    die("cuFFT: transforms between reals and half spectra in place are not emulated");
  // Both sides must be aligned to the complex type, reals too.
  if ((reinterpret_cast<std::uintptr_t>(in) | reinterpret_cast<std::uintptr_t>(out)) % plan->complex_bytes() != 0)
    return CUFFT_INVALID_VALUE;
  expect_current_device(*plan->stream, "cuFFT");
  if (!plan->own_area) {
    if (plan->area == nullptr) die("cuFFT: the plan allocates no work area, and has been given none");
    expect_device_memory(*plan->stream, plan->area, plan->work_bytes(), "cuFFT, work area");
  }
  expect_device_memory(*plan->stream, in, plan->in.reach(plan->in_sizes(), plan->batch) * sizeof(In), "cuFFT, input");
  expect_device_memory(*plan->stream, out, plan->out.reach(plan->out_sizes(), plan->batch) * sizeof(Out),
                       "cuFFT, output");
  machine().enqueue(*plan->stream, "cuFFT", [p = *plan, run] {
    if (!p.own_area) std::memset(p.area, 0xFF, p.work_bytes());
    run(p);
  });
  return CUFFT_SUCCESS;
}

/// FFTW plans one thing at a time; the CPU path's lock, where that library is there.
std::unique_lock<std::mutex> planning() {
  if (hci::fftw_planner_mutex == nullptr) return {};
  return std::unique_lock(hci::fftw_planner_mutex());
}

void execute(const std::function<fftwf_plan()>& make) {
  auto lock = planning();
  const fftwf_plan plan = make();
  if (lock) lock.unlock();
  fftwf_execute(plan);
  lock = planning();
  fftwf_destroy_plan(plan);
}

void execute(const std::function<fftw_plan()>& make) {
  auto lock = planning();
  const fftw_plan plan = make();
  if (lock) lock.unlock();
  fftw_execute(plan);
  lock = planning();
  fftw_destroy_plan(plan);
}

/// Whether dense half spectra of frames are those of real frames: columns 0 and (n even) n / 2 are conjugate to
/// themselves upside down. Frames that are not finite pass.
template <class T>
bool are_of_real_frames(const Plan& p, const std::complex<T>* spectra) {
  const int rows = p.n[0], columns = p.n[1] / 2 + 1;
  for (int b = 0; b < p.batch; ++b) {
    const std::complex<T>* frame = spectra + long{b} * p.in.step;
    T largest = 0;
    for (long i = 0; i < long{rows} * columns; ++i) largest = std::max(largest, std::abs(frame[i]));
    const T rounding = 1000 * std::numeric_limits<T>::epsilon() * largest;
    for (int u = 0; u < columns; u += std::max(1, p.n[1] % 2 == 0 ? columns - 1 : columns))
      for (int v = 0; v < rows; ++v) {
        const std::complex<T> one = frame[long{v} * columns + u], other = frame[long{(rows - v) % rows} * columns + u];
        if (std::abs(one - std::conj(other)) > rounding) return false;
      }
  }
  return true;
}

/// Transforms half spectra to reals by run(), before and after which it does what the head of this file says.
template <class In, class T, class Run>
cufftResult to_reals(cufftHandle handle, cufftType type, In* in, T* out, Run run) {
  return enqueue(handle, type, in, out, [=](const Plan& p) {
    if (p.n.size() == 2 && !are_of_real_frames(p, reinterpret_cast<const std::complex<T>*>(in)))
      die("cuFFT: a half spectrum in column 0 or n / 2 is not conjugate to itself: no real frame has it");
    run(p);
    std::memset(in, 0xFF, p.in.reach(p.in_sizes(), p.batch) * sizeof(In));
  });
}

constexpr unsigned kFlags = FFTW_ESTIMATE | FFTW_UNALIGNED;  // plans without touching the data

}  // namespace

std::size_t cuda_emulation::live_fft_plans() {
  std::lock_guard lock(machine().mutex);
  return plans().size();
}

extern "C" {

cufftResult CUFFTAPI cufftCreate(cufftHandle* handle) {
  Call call;
  if (call.status() != cudaSuccess) return CUFFT_SETUP_FAILED;
  static int made = 0;
  *handle = ++made;
  plans()[*handle].stream = &call.device().default_stream();
  return CUFFT_SUCCESS;
}

cufftResult CUFFTAPI cufftSetAutoAllocation(cufftHandle handle, int own_area) {
  Call call;
  Plan* plan = find(handle);
  if (plan == nullptr) return CUFFT_INVALID_PLAN;
  plan->own_area = own_area != 0;
  return CUFFT_SUCCESS;
}

cufftResult CUFFTAPI cufftSetWorkArea(cufftHandle handle, void* area) {
  Call call;
  Plan* plan = find(handle);
  if (plan == nullptr) return CUFFT_INVALID_PLAN;
  if (plan->own_area) die("cufftSetWorkArea: the plan has a work area of its own (cufftSetAutoAllocation)");
  plan->area = area;
  return CUFFT_SUCCESS;
}

cufftResult CUFFTAPI cufftMakePlanMany(cufftHandle handle, int rank, int* n, int* in_embed, int in_stride, int in_step,
                                       int* out_embed, int out_stride, int out_step, cufftType type, int batch,
                                       std::size_t* work_bytes) {
  Call call;
  if (call.status() != cudaSuccess) return CUFFT_SETUP_FAILED;
  Plan* plan = find(handle);
  if (plan == nullptr || plan->batch > 0) return CUFFT_INVALID_PLAN;
  expect_current_device(*plan->stream, "cufftMakePlan");
  if (rank < 1 || rank > 3 || batch < 1) return CUFFT_INVALID_VALUE;
  for (int axis = 0; axis < rank; ++axis)
    if (n[axis] < 1) return CUFFT_INVALID_SIZE;
  if (machine().allocation_fails()) return CUFFT_ALLOC_FAILED;
  plan->type = type;
  plan->n.assign(n, n + rank);
  plan->batch = batch;
  plan->in = layout_of(plan->in_sizes(), out_embed == nullptr ? nullptr : in_embed, in_stride, in_step);
  plan->out = layout_of(plan->out_sizes(), in_embed == nullptr ? nullptr : out_embed, out_stride, out_step);
  *work_bytes = plan->work_bytes();
  return CUFFT_SUCCESS;
}

cufftResult CUFFTAPI cufftMakePlan1d(cufftHandle handle, int n, cufftType type, int batch, std::size_t* work_bytes) {
  return cufftMakePlanMany(handle, 1, &n, nullptr, 1, 0, nullptr, 1, 0, type, batch, work_bytes);
}

cufftResult CUFFTAPI cufftPlanMany(cufftHandle* handle, int rank, int* n, int* in_embed, int in_stride, int in_step,
                                   int* out_embed, int out_stride, int out_step, cufftType type, int batch) {
  if (const cufftResult status = cufftCreate(handle); status != CUFFT_SUCCESS) return status;
  std::size_t work_bytes = 0;
  const cufftResult status = cufftMakePlanMany(*handle, rank, n, in_embed, in_stride, in_step, out_embed, out_stride,
                                               out_step, type, batch, &work_bytes);
  if (status != CUFFT_SUCCESS) cufftDestroy(*handle);
  return status;
}

cufftResult CUFFTAPI cufftPlan1d(cufftHandle* handle, int n, cufftType type, int batch) {
  return cufftPlanMany(handle, 1, &n, nullptr, 1, 0, nullptr, 1, 0, type, batch);
}

cufftResult CUFFTAPI cufftPlan2d(cufftHandle* handle, int n0, int n1, cufftType type) {
  int n[] = {n0, n1};
  return cufftPlanMany(handle, 2, n, nullptr, 1, 0, nullptr, 1, 0, type, 1);
}

cufftResult CUFFTAPI cufftDestroy(cufftHandle handle) {
  Call call;
  const Plan* plan = find(handle);
  if (plan == nullptr) return CUFFT_INVALID_PLAN;
  expect_current_device(*plan->stream, "cufftDestroy");
  plans().erase(handle);
  return CUFFT_SUCCESS;
}

cufftResult CUFFTAPI cufftSetStream(cufftHandle handle, cudaStream_t stream) {
  Call call;
  Plan* plan = find(handle);
  if (plan == nullptr) return CUFFT_INVALID_PLAN;
  if (!machine().is_stream(stream)) return CUFFT_INVALID_VALUE;
  plan->stream = stream == nullptr ? &plan->stream->device->default_stream() : stream;
  return CUFFT_SUCCESS;
}

cufftResult CUFFTAPI cufftExecR2C(cufftHandle handle, cufftReal* in, cufftComplex* out) {
  return enqueue(handle, CUFFT_R2C, in, out, [=](const Plan& p) {
    auto* to = reinterpret_cast<fftwf_complex*>(out);
    execute([&] {
      return fftwf_plan_many_dft_r2c(static_cast<int>(p.n.size()), p.n.data(), p.batch, in, p.in.embed.data(),
                                     p.in.stride, p.in.step, to, p.out.embed.data(), p.out.stride, p.out.step, kFlags);
    });
  });
}

cufftResult CUFFTAPI cufftExecD2Z(cufftHandle handle, cufftDoubleReal* in, cufftDoubleComplex* out) {
  return enqueue(handle, CUFFT_D2Z, in, out, [=](const Plan& p) {
    auto* to = reinterpret_cast<fftw_complex*>(out);
    execute([&] {
      return fftw_plan_many_dft_r2c(static_cast<int>(p.n.size()), p.n.data(), p.batch, in, p.in.embed.data(),
                                    p.in.stride, p.in.step, to, p.out.embed.data(), p.out.stride, p.out.step, kFlags);
    });
  });
}

cufftResult CUFFTAPI cufftExecC2R(cufftHandle handle, cufftComplex* in, cufftReal* out) {
  return to_reals(handle, CUFFT_C2R, in, out, [=](const Plan& p) {
    auto* from = reinterpret_cast<fftwf_complex*>(in);
    execute([&] {
      return fftwf_plan_many_dft_c2r(static_cast<int>(p.n.size()), p.n.data(), p.batch, from, p.in.embed.data(),
                                     p.in.stride, p.in.step, out, p.out.embed.data(), p.out.stride, p.out.step, kFlags);
    });
  });
}

cufftResult CUFFTAPI cufftExecZ2D(cufftHandle handle, cufftDoubleComplex* in, cufftDoubleReal* out) {
  return to_reals(handle, CUFFT_Z2D, in, out, [=](const Plan& p) {
    auto* from = reinterpret_cast<fftw_complex*>(in);
    execute([&] {
      return fftw_plan_many_dft_c2r(static_cast<int>(p.n.size()), p.n.data(), p.batch, from, p.in.embed.data(),
                                    p.in.stride, p.in.step, out, p.out.embed.data(), p.out.stride, p.out.step, kFlags);
    });
  });
}

// CUFFT_FORWARD and CUFFT_INVERSE are FFTW's own signs.

cufftResult CUFFTAPI cufftExecC2C(cufftHandle handle, cufftComplex* in, cufftComplex* out, int direction) {
  return enqueue(handle, CUFFT_C2C, in, out, [=](const Plan& p) {
    auto* from = reinterpret_cast<fftwf_complex*>(in);
    auto* to = reinterpret_cast<fftwf_complex*>(out);
    execute([&] {
      return fftwf_plan_many_dft(static_cast<int>(p.n.size()), p.n.data(), p.batch, from, p.in.embed.data(),
                                 p.in.stride, p.in.step, to, p.out.embed.data(), p.out.stride, p.out.step, direction,
                                 kFlags);
    });
  });
}

cufftResult CUFFTAPI cufftExecZ2Z(cufftHandle handle, cufftDoubleComplex* in, cufftDoubleComplex* out, int direction) {
  return enqueue(handle, CUFFT_Z2Z, in, out, [=](const Plan& p) {
    auto* from = reinterpret_cast<fftw_complex*>(in);
    auto* to = reinterpret_cast<fftw_complex*>(out);
    execute([&] {
      return fftw_plan_many_dft(static_cast<int>(p.n.size()), p.n.data(), p.batch, from, p.in.embed.data(), p.in.stride,
                                p.in.step, to, p.out.embed.data(), p.out.stride, p.out.step, direction, kFlags);
    });
  });
}

}  // extern "C"
