// SPDX-License-Identifier: MIT
#pragma once
// __launch_bounds__ for g++, which has no such thing: as many bytes that do nothing before the kernel's first
// instruction as threads are allowed. GCC takes any constant for their number, a template's too, and lists in a section
// of the program or library where each function's begin.

#define HCI_LAUNCH_BOUND(most) __attribute__((patchable_function_entry((most), (most))))

// The section's ends, of the program or library that this is compiled into; both nothing where no kernel has a bound.
extern "C" {
extern const void* const __start___patchable_function_entries[] __attribute__((weak, visibility("hidden")));
extern const void* const __stop___patchable_function_entries[] __attribute__((weak, visibility("hidden")));
}

namespace cuda_emulation {

/// Makes the bounds in such a section known; of many files' the first call counts.
bool know_bounds(const void* const* first, const void* const* last);

/// Threads that a block of this kernel may have.
long most_threads(const void* kernel);

namespace {
[[maybe_unused]] const bool knows_bounds =
    know_bounds(__start___patchable_function_entries, __stop___patchable_function_entries);
}

}  // namespace cuda_emulation
