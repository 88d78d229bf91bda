// SPDX-License-Identifier: MIT
#pragma once
// Runs the threads of a kernel on the CPU. A block's threads share one OS thread: each runs until
// it ends or waits (for a barrier or its warp), and one that waits is left on a stack of its own
// while the others go on. A kernel that never waits is thus a plain loop.
#include <vector_types.h>

#include <cstddef>
#include <cstdint>
#include <functional>

/// The running thread, as in CUDA.
extern constinit thread_local uint3 threadIdx __attribute__((tls_model("initial-exec")));
extern constinit thread_local uint3 blockIdx __attribute__((tls_model("initial-exec")));
extern constinit thread_local dim3 blockDim __attribute__((tls_model("initial-exec")));
extern constinit thread_local dim3 gridDim __attribute__((tls_model("initial-exec")));
inline constexpr int warpSize = 32;

namespace cuda_emulation {

/// One kernel with its arguments.
struct Grid {
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  std::function<void()> thread;        ///< the kernel, for the thread that threadIdx and blockIdx name
  std::size_t most_shared = SIZE_MAX;  ///< bytes that static and dynamic shared memory of a block may be together
};

/// Runs every block; order: see control.hpp.
void run_grid(const Grid& grid, int order);

/// Ends the program with a message that says where device code was.
[[noreturn]] void die_in_kernel(const char* why);

/// Dynamic shared memory of the running block.
void* dynamic_shared();
/// A static shared array, where a thread comes upon it: the block's first makes it all NaN, and ends the program where
/// it does not fit beside the others and the dynamic shared memory.
void enter_shared(void* data, std::size_t bytes);
/// Waits for all threads of the block; returns how many of them passed true.
int block_barrier(bool predicate);
/// Waits for the lanes of the mask.
void warp_barrier(unsigned mask);
/// Lanes of the running warp that have not ended.
unsigned live_lanes();
/// Lane of the running thread.
unsigned lane();
/// Mailboxes of the running warp for an exchange among the lanes of the mask: eight bytes each. Where these are the
/// whole warp, two sets take turns: a lane that writes the same one again has met all others in between, so that
/// nobody has to wait until all have read (`kept`).
struct Mail {
  std::uint64_t* box;
  bool kept;
};
Mail mailbox(unsigned mask);

}  // namespace cuda_emulation
