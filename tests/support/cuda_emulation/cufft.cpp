// SPDX-License-Identifier: MIT
// cuFFT over FFTW: same layouts, no normalisation on either side.
#include <cufft.h>
#include <fftw3.h>

#include <functional>
#include <map>
#include <mutex>
#include <vector>

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
  int batch = 1;
  CUstream_st* stream = nullptr;

  std::vector<int> halved() const {
    std::vector<int> sizes = n;
    sizes.back() = sizes.back() / 2 + 1;
    return sizes;
  }
  bool real_in() const { return type == CUFFT_R2C || type == CUFFT_D2Z; }
  bool real_out() const { return type == CUFFT_C2R || type == CUFFT_Z2D; }
  std::vector<int> in_sizes() const { return real_out() ? halved() : n; }
  std::vector<int> out_sizes() const { return real_in() ? halved() : n; }
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
  if (plan == nullptr || plan->type != type) return CUFFT_INVALID_PLAN;
  expect_device_memory(*plan->stream, in, plan->in.reach(plan->in_sizes(), plan->batch) * sizeof(In), "cuFFT, input");
  expect_device_memory(*plan->stream, out, plan->out.reach(plan->out_sizes(), plan->batch) * sizeof(Out),
                       "cuFFT, output");
  machine().enqueue(*plan->stream, "cuFFT", [p = *plan, run] { run(p); });
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

constexpr unsigned kFlags = FFTW_ESTIMATE | FFTW_UNALIGNED;  // plans without touching the data

}  // namespace

extern "C" {

cufftResult CUFFTAPI cufftPlanMany(cufftHandle* handle, int rank, int* n, int* in_embed, int in_stride, int in_step,
                                   int* out_embed, int out_stride, int out_step, cufftType type, int batch) {
  Call call;
  if (call.status() != cudaSuccess) return CUFFT_SETUP_FAILED;
  if (rank < 1 || rank > 3 || batch < 1) return CUFFT_INVALID_VALUE;
  for (int axis = 0; axis < rank; ++axis)
    if (n[axis] < 1) return CUFFT_INVALID_SIZE;
  if (machine().allocation_fails()) return CUFFT_ALLOC_FAILED;
  Plan plan;
  plan.type = type;
  plan.n.assign(n, n + rank);
  plan.batch = batch;
  plan.in = layout_of(plan.in_sizes(), out_embed == nullptr ? nullptr : in_embed, in_stride, in_step);
  plan.out = layout_of(plan.out_sizes(), in_embed == nullptr ? nullptr : out_embed, out_stride, out_step);
  plan.stream = &call.device().default_stream();
  static int made = 0;
  *handle = ++made;
  plans().emplace(*handle, std::move(plan));
  return CUFFT_SUCCESS;
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
  return plans().erase(handle) == 1 ? CUFFT_SUCCESS : CUFFT_INVALID_PLAN;
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
  return enqueue(handle, CUFFT_C2R, in, out, [=](const Plan& p) {
    auto* from = reinterpret_cast<fftwf_complex*>(in);
    execute([&] {
      return fftwf_plan_many_dft_c2r(static_cast<int>(p.n.size()), p.n.data(), p.batch, from, p.in.embed.data(),
                                     p.in.stride, p.in.step, out, p.out.embed.data(), p.out.stride, p.out.step, kFlags);
    });
  });
}

cufftResult CUFFTAPI cufftExecZ2D(cufftHandle handle, cufftDoubleComplex* in, cufftDoubleReal* out) {
  return enqueue(handle, CUFFT_Z2D, in, out, [=](const Plan& p) {
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
