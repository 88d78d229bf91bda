// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, for .cu files: how patches are filled from a source and scaled, on any device.
// A source is a functor value(b, k, i, j) that may be called on either side.
#include <algorithm>
#include <cfloat>
#include <cmath>

#include "kernels/core/launch.hpp"
#include "kernels/core/unroll.hpp"
#include "kernels/geometry/patches.hpp"
#include "kernels/geometry/patches_scale.hpp"

namespace hci::patch {

/// The smallest and the largest finite value of some; low > high where there is none.
struct Extremes {
  float low = INFINITY, high = -INFINITY;

  HCI_HD void take(float value) {
    if (value < low && value >= -FLT_MAX) low = value;
    if (value > high && value <= FLT_MAX) high = value;
  }
};

template <class Source>
struct Fill {
  Source source;
  Patches<float> out;

  HCI_HD void operator()(index_t b, index_t k, index_t at) const {
    const index_t i = at / out.extent(3), j = at - i * out.extent(3);
    out(b, k, i, j) = source(b, k, i, j);
  }
};

/// Slices first .. first + group of a sample, scaled together.
struct ScaleGroup {
  Patches<float> patches;
  index_t slices;

  HCI_HD void operator()(index_t b, index_t g) const {
    const index_t first = g * slices, rows = patches.extent(2), width = patches.extent(3), step = patches.stride(3);
    Extremes of;
    for (index_t r = 0; r < slices * rows; ++r) {
      const float* row = &patches(b, first + r / rows, r % rows, 0);
      for (index_t j = 0; j < width; ++j) of.take(row[j * step]);
    }
    const UnitScale unit(of.low, of.high);
    for (index_t r = 0; r < slices * rows; ++r) {
      float* row = &patches(b, first + r / rows, r % rows, 0);
      for (index_t j = 0; j < width; ++j) row[j * step] = unit(row[j * step]);
    }
  }
};

inline bool slices_are_dense(const Patches<float>& patches) {
  return patches.stride(3) == 1 && patches.stride(2) == patches.extent(3);
}

#if HCI_HAVE_CUDA
constexpr int kWarps = 8;

__device__ inline Extremes of_warp(Extremes of) {
  for (int bits = 16; bits > 0; bits /= 2) {
    of.low = fminf(of.low, __shfl_xor_sync(0xFFFFFFFFU, of.low, bits));
    of.high = fmaxf(of.high, __shfl_xor_sync(0xFFFFFFFFU, of.high, bits));
  }
  return of;
}

/// A warp makes a slice, scales it while it is in registers, and writes it once, in one run of addresses: patches of
/// 11 x 11 are 4 values a lane. They are put into their registers by selections: indexed by a loop's counter they would
/// lie in memory, and unrolled the 64 taps of lanczos4 take 108 registers for 4 values and spill 380 bytes for 16. With
/// 16 values two blocks a multiprocessor are asked for: three would make bicubic spill. Rows and columns of a value
/// advance by additions. Bytes: 4 written a value; the stack (0.8 MB for 20 slices of 101 x 101) is read from L2.
/// Flops: 4 to scale; 0 to copy, 4 double + 12 single to turn bilinearly. (3000, 20, 11, 11) is 29 MB: floor 7 us on an
/// H200 (4.3 TB/s), 91 us on a GTX 1080 (320 GB/s), whose double arithmetic (0.28 TFLOP/s) makes it 0.2 ms with the
/// turn. Not measured on a GPU yet.
template <int per_lane, class Source>
__global__ void __launch_bounds__(32 * kWarps, per_lane > 8 ? 2 : 0)
    make_slices(Source source, bool scale, Patches<float> out) {
  const index_t b = blockIdx.x, k = index_t(blockIdx.y) * blockDim.y + threadIdx.y;
  if (k >= out.extent(1)) return;
  const int width = int(out.extent(3)), count = int(out.extent(2)) * width, lane = int(threadIdx.x);
  const int down = 32 / width, right = 32 - down * width;
  int i = lane / width, j = lane - i * width;
  float values[per_lane] = {};
  Extremes of;
  for (int s = 0; s < per_lane; ++s) {
    if (lane + 32 * s < count) {
      const float value = source(b, k, i, j);
      of.take(value);
      HCI_UNROLL
      for (int slot = 0; slot < per_lane; ++slot) values[slot] = slot == s ? value : values[slot];
    }
    i += down;
    j += right;
    if (j >= width) {
      j -= width;
      ++i;
    }
  }
  if (scale) of = of_warp(of);
  const UnitScale unit(of.low, of.high);
  float* to = &out(b, k, 0, 0);
  HCI_UNROLL
  for (int s = 0; s < per_lane; ++s)
    if (lane + 32 * s < count) to[lane + 32 * s] = scale ? unit(values[s]) : values[s];
}

/// A block scales a group of slices: a warp for one slice, 8 warps for a whole sample, so that a lane has 4 values of a
/// slice of 11 x 11 and 10 of a sample of 20 such. 8 bytes a value to memory where L2 serves the second reading, else
/// 12, and 4 flops: (3000, 20, 11, 11) is 58 MB, floor 14 us on an H200 (4.3 TB/s; its L2 holds the 29 MB) and 87 MB,
/// 0.27 ms on a GTX 1080 (320 GB/s); 29 MFLOP are nothing (67 and 8.9 TFLOP/s). Two divisions of 64 bits in each pass
/// for a value's place, some 150 instructions in all, 1.1 G, weigh more on an H200: 0.07 ms. Not measured on a GPU.
__global__ inline void __launch_bounds__(32 * kWarps) scale_groups(Patches<float> patches, index_t slices) {
  HCI_SHARED(float, lows, kWarps);
  HCI_SHARED(float, highs, kWarps);
  const index_t b = blockIdx.x, first = index_t(blockIdx.y) * slices, width = patches.extent(3);
  const index_t count = slices * patches.extent(2) * width;
  const auto value = [&](index_t at) -> float& {
    const index_t row = at / width, k = row / patches.extent(2);
    return patches(b, first + k, row - k * patches.extent(2), at - row * width);
  };
  Extremes of;
  for (index_t at = threadIdx.x; at < count; at += blockDim.x) of.take(value(at));
  of = of_warp(of);
  if (threadIdx.x % 32 == 0) {
    lows[threadIdx.x / 32] = of.low;
    highs[threadIdx.x / 32] = of.high;
  }
  __syncthreads();
  for (unsigned w = 0; w < blockDim.x / 32; ++w) {
    of.low = fminf(of.low, lows[w]);
    of.high = fmaxf(of.high, highs[w]);
  }
  const UnitScale unit(of.low, of.high);
  for (index_t at = threadIdx.x; at < count; at += blockDim.x) value(at) = unit(value(at));
}

template <int per_lane, class Source>
void launch_slices(Exec& exec, const Source& source, bool scale, Patches<float> out) {
  const auto warps = unsigned(std::min(index_t{kWarps}, out.extent(1)));
  const dim3 grid(unsigned(out.extent(0)), unsigned((out.extent(1) + warps - 1) / warps));
  launch(exec, grid, dim3(32, warps), 0, make_slices<per_lane, Source>, source, scale,
         out);  // warps: no more than its bound
}

/// Whether patches are such that a warp can hold a slice: at most this many values.
constexpr index_t kMostInWarp = 32 * 16;
inline bool fit_warps(const Patches<float>& out) {
  return slices_are_dense(out) && out.extent(2) * out.extent(3) <= kMostInWarp &&
         out.extent(0) <= cuda_side::kMostBlocksX && out.extent(1) <= cuda_side::kMostBlocksYZ;
}
#endif

/// out = the source's values, scaled.
template <class Source>
void make(Exec& exec, const Source& source, PatchScaling scaling, Patches<float> out) {
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned() && fit_warps(out)) {
    const index_t count = out.extent(2) * out.extent(3);
    const bool scale = scaling == PatchScaling::slice;
    if (count <= 32 * 4)
      launch_slices<4>(exec, source, scale, out);
    else if (count <= 32 * 8)
      launch_slices<8>(exec, source, scale, out);
    else
      launch_slices<16>(exec, source, scale, out);
    if (scaling == PatchScaling::sample) scale_patches(exec, scaling, out);
    return;
  }
#endif
  for_each(exec, Extents<3>{out.extent(0), out.extent(1), out.extent(2) * out.extent(3)}, Fill<Source>{source, out});
  scale_patches(exec, scaling, out);
}

}  // namespace hci::patch
