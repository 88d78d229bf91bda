// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: small problems by the thousand, each too sequential for one functor call a number
// and too small for the whole device: a team of threads solves one. For .cu files, like launch.hpp.
#include <omp.h>

#include <algorithm>

#include "kernels/core/alone.hpp"
#include "kernels/core/array.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"

namespace hci {

#if HCI_HAVE_CUDA
namespace cuda_side {

/// Four warps: rows of the problems that occur, some hundred numbers, give each thread a few; of a larger team half
/// would idle there, and a sum would take more than its nine barriers. 16 teams share a multiprocessor (2048 threads),
/// 4 where each takes 48 of its 228 KiB (H200; 2 of a GTX 1080's 96). A power of two, for best and sum. Not measured on
/// a GPU.
constexpr int kTeam = 128;

/// The team of a GPU: one block. Bodies are empty on nvcc's host side, where nobody calls them.
struct Block {
#if defined(__CUDA_ARCH__) || defined(HCI_CUDA_EMULATED)
  HCI_HD static index_t rank() { return threadIdx.x; }
  HCI_HD static index_t size() { return blockDim.x; }
  HCI_HD static void sync() { __syncthreads(); }
  HCI_HD static index_t best(double value, index_t index) {
    HCI_SHARED(double, values, kTeam);
    HCI_SHARED(index_t, indices, kTeam);
    const unsigned me = threadIdx.x;
    values[me] = value;
    indices[me] = index;
    __syncthreads();
    for (unsigned step = kTeam / 2; step > 0; step /= 2) {
      if (me < step) {
        const double other = values[me + step];
        const bool equal = other == values[me];
        if (other > values[me] || (equal && indices[me + step] < indices[me])) {
          values[me] = other;
          indices[me] = indices[me + step];
        }
      }
      __syncthreads();
    }
    const index_t winner = indices[0];
    __syncthreads();  // before the next call writes
    return winner;
  }
  HCI_HD static double sum(double value) {
    HCI_SHARED(double, values, kTeam);
    const unsigned me = threadIdx.x;
    values[me] = value;
    __syncthreads();
    for (unsigned step = kTeam / 2; step > 0; step /= 2) {
      if (me < step) values[me] += values[me + step];
      __syncthreads();
    }
    const double total = values[0];
    __syncthreads();
    return total;
  }
#else
  HCI_HD static index_t rank() { return 0; }
  HCI_HD static index_t size() { return 1; }
  HCI_HD static void sync() {}
  HCI_HD static index_t best(double, index_t index) { return index; }
  HCI_HD static double sum(double value) { return value; }
#endif
};

template <class F>
__global__ void __launch_bounds__(kTeam) run_teams(index_t problems, index_t doubles, double* in_memory, F f) {
  HCI_DYNAMIC_SHARED(double, shared);
  double* scratch = in_memory != nullptr ? in_memory + index_t(blockIdx.x) * doubles : shared;
  const Block team;
  for (index_t b = blockIdx.x; b < problems; b += gridDim.x) {
    f(team, b, scratch);
    team.sync();  // the next problem writes the same scratch
  }
}

}  // namespace cuda_side
#endif

/// Calls f(team, b, scratch) for every problem b < problems, in any order. The team has rank(), size()
/// and sync(), which all of it must reach; scratch is `doubles` numbers of the team's own, not
/// initialised: shared memory of a block where 48 KiB hold them, else memory of the device.
template <class F>
void for_each_team(Exec& exec, index_t problems, index_t doubles, F f) {
  if (problems == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    constexpr index_t kSharedBytes = 48 << 10;
    const index_t reserved = static_cast<index_t>(cuda_side::kTeam * (2 * sizeof(double) + sizeof(index_t)));
    const index_t bytes = doubles * static_cast<index_t>(sizeof(double));
    if (bytes <= kSharedBytes - reserved) {
      const unsigned blocks = cuda_side::blocks_for(problems, 1, cuda_side::kMostBlocksX);
      launch(exec, dim3(blocks), dim3(cuda_side::kTeam), static_cast<std::size_t>(bytes), cuda_side::run_teams<F>,
             problems, doubles, static_cast<double*>(nullptr), f);
      return;
    }
    constexpr index_t kMostBytes = index_t{256} << 20;  // more teams at a time than that serve no GPU
    const index_t blocks = std::clamp<index_t>(scratch_bytes(kMostBytes) / bytes, 1, problems);
    Array<double, 2> scratch(exec, {blocks, doubles});
    launch(exec, dim3(static_cast<unsigned>(blocks)), dim3(cuda_side::kTeam), 0, cuda_side::run_teams<F>, problems,
           doubles, scratch.data(), f);
    return;
  }
#endif
  const int threads = static_cast<int>(std::min<index_t>(exec.threads(), problems));
  Array<double, 2> scratch(exec, {threads, doubles});
#pragma omp parallel num_threads(threads)
  {
    double* mine = scratch.data() + omp_get_thread_num() * doubles;
#pragma omp for schedule(dynamic, 1)
    for (index_t b = 0; b < problems; ++b) f(Alone{}, b, mine);
  }
}

}  // namespace hci
