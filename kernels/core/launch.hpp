// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: one functor, run by CUDA or by OpenMP. For .cu files (kernels and their tests),
// since it holds the CUDA half where there is one.
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#if HCI_HAVE_CUDA
#if defined(HCI_CUDA_EMULATED)
#include "cuda_emulation/launch.hpp"  // the test build's launch(): fibers on the CPU
#else
#include "kernels/core/cuda_launch.hpp"
#endif
#endif

namespace hci {

#if HCI_HAVE_CUDA
namespace cuda_side {

// Blocks of 256 threads, eight warps: a multiprocessor holds eight of them (2048 threads on both an H200 and a GTX
// 1080) where a functor takes up to 32 registers, and no functor is held below 255 by the bound (65536 / 256), so that
// none spills for it. 32 in x: a warp's accesses are one run of addresses where the last axis is dense; 8 in y:
// neighbouring rows, which a functor that interpolates reads together, meet in one L1. Not measured on a GPU.

template <class F>
__global__ void __launch_bounds__(256) run_1d(Extents<1> extents, F f) {
  const index_t step = index_t(gridDim.x) * blockDim.x;
  for (index_t x = index_t(blockIdx.x) * blockDim.x + threadIdx.x; x < extents[0]; x += step) f(x);
}

template <class F>
__global__ void __launch_bounds__(256) run_2d(Extents<2> extents, F f) {
  const index_t x = index_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (x >= extents[1]) return;
  const index_t step = index_t(gridDim.y) * blockDim.y;
  for (index_t y = index_t(blockIdx.y) * blockDim.y + threadIdx.y; y < extents[0]; y += step) f(y, x);
}

template <class F>
__global__ void __launch_bounds__(256) run_3d(Extents<3> extents, F f) {
  const index_t x = index_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (x >= extents[2]) return;
  const index_t step = index_t(gridDim.y) * blockDim.y;
  for (index_t t = blockIdx.z; t < extents[0]; t += gridDim.z)
    for (index_t y = index_t(blockIdx.y) * blockDim.y + threadIdx.y; y < extents[1]; y += step) f(t, y, x);
}

inline unsigned blocks_for(index_t n, index_t per_block, index_t most) {
  const index_t blocks = (n + per_block - 1) / per_block;
  return static_cast<unsigned>(blocks < most ? blocks : most);
}

constexpr index_t kMostBlocksX = (index_t{1} << 31) - 1;
constexpr index_t kMostBlocksYZ = 65535;

}  // namespace cuda_side
#endif

/// Calls f(x) for every x of the extents, in any order.
template <class F>
void for_each(Exec& exec, Extents<1> extents, F f) {
  if (extents.size() == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    const dim3 grid(cuda_side::blocks_for(extents[0], 256, cuda_side::kMostBlocksX));
    launch(exec, grid, dim3(256), 0, cuda_side::run_1d<F>, extents, f);
    return;
  }
#endif
  const index_t nx = extents[0];
#pragma omp parallel for schedule(static) num_threads(exec.threads())
  for (index_t x = 0; x < nx; ++x) f(x);
}

/// Calls f(y, x) for every point of the extents, in any order; on the CPU x runs fastest.
template <class F>
void for_each(Exec& exec, Extents<2> extents, F f) {
  if (extents.size() == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    const dim3 grid(cuda_side::blocks_for(extents[1], 32, cuda_side::kMostBlocksX),
                    cuda_side::blocks_for(extents[0], 8, cuda_side::kMostBlocksYZ));
    launch(exec, grid, dim3(32, 8), 0, cuda_side::run_2d<F>, extents, f);
    return;
  }
#endif
  const index_t ny = extents[0], nx = extents[1];
#pragma omp parallel for schedule(static) num_threads(exec.threads())
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) f(y, x);
}

/// Calls f(t, y, x) for every point of the extents, in any order; on the CPU x runs fastest.
template <class F>
void for_each(Exec& exec, Extents<3> extents, F f) {
  if (extents.size() == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    const dim3 grid(cuda_side::blocks_for(extents[2], 32, cuda_side::kMostBlocksX),
                    cuda_side::blocks_for(extents[1], 8, cuda_side::kMostBlocksYZ),
                    cuda_side::blocks_for(extents[0], 1, cuda_side::kMostBlocksYZ));
    launch(exec, grid, dim3(32, 8), 0, cuda_side::run_3d<F>, extents, f);
    return;
  }
#endif
  const index_t nt = extents[0], ny = extents[1], nx = extents[2];
#pragma omp parallel for collapse(2) schedule(static) num_threads(exec.threads())
  for (index_t t = 0; t < nt; ++t)
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x) f(t, y, x);
}

}  // namespace hci
