// SPDX-License-Identifier: MIT
#pragma once
// How a test looks at the emulated device and makes it fail. Needs no CUDA header.
#include <cstddef>

namespace cuda_emulation {

/// The n-th allocation of device memory from now on (1: the next one, on whatever device; making a
/// library handle or plan counts as one) finds no room.
void fail_allocation(int nth);
/// The n-th launch from now on is refused with an error that goes away.
void fail_launch(int nth);
/// The n-th launch from now on is accepted and faults when it runs: whoever waits gets the error,
/// and the device answers every further call with it.
void fault_in_kernel(int nth);
/// From its n-th call on, this device answers every call with an error, and runs nothing more.
void lose_device(int device, int nth_call);
/// No failure is pending and every device works again; what is still enqueued is dropped.
void revive();

/// How much memory a device has from now on.
void set_memory(int device, std::size_t bytes);
/// How much shared memory a block may ask for (227 KiB, a Hopper's; a GTX 1080 has 48).
void set_shared_on_request(int device, int bytes);
/// As the program sees it: what has been allocated and not yet given back.
std::size_t bytes_in_use(int device);
int live_allocations(int device);
/// Operations that are enqueued and have not run.
std::size_t pending_operations(int device);
/// Plans of cuFFT that have been made and not destroyed, on all devices.
std::size_t live_fft_plans();
/// Kernels launched since the program started.
long launches();

/// In which order the threads of a block run: as CUDA_SHIM_ORDER says (forward, reverse, random, or,
/// where it is not set, mixed: launches take turns) unless set here. A kernel without a missing barrier gives the same
/// result in all of them. Streams that nothing orders run as late as possible under forward, as
/// early as possible under reverse, and either way under random and mixed.
enum class Order { forward, reverse, random, mixed };
void set_order(Order order);

}  // namespace cuda_emulation
