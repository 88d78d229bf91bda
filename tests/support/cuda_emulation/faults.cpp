// SPDX-License-Identifier: MIT
// Says what a fault in device memory means, then lets the program die of it.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "cuda_emulation/machine.hpp"
#include "cuda_emulation/shared_memory.hpp"

namespace cuda_emulation {
namespace {

struct sigaction former;

void say(const char* text, int length) {
  static_cast<void>(!write(STDERR_FILENO, text, static_cast<std::size_t>(length)));
}

void explain(int signal, siginfo_t* info, void* context) {
  char where[256], text[400];
  if (describe_shared_fault(info->si_addr, where, sizeof where)) {
    say(text, std::snprintf(text, sizeof text, "cuda_emulation: out of bounds: a kernel touched %s\n", where));
  } else if (Device* device = machine().device_of(info->si_addr)) {
    device->describe(info->si_addr, where, sizeof where);
    say(text, std::snprintf(text, sizeof text, "cuda_emulation: fault in device memory: %s touched %s\n",
                            device->is_open() ? "device work" : "the host", where));
  }
  if ((former.sa_flags & SA_SIGINFO) != 0 && former.sa_sigaction != nullptr) {
    former.sa_sigaction(signal, info, context);  // AddressSanitizer's: tells the place
    return;
  }
  ::signal(signal, SIG_DFL);  // the instruction faults again
}

/// Installed when the library is loaded.
[[maybe_unused]] const bool installed = [] {
  struct sigaction action {};
  action.sa_sigaction = explain;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  return sigaction(SIGSEGV, &action, &former) == 0;
}();

}  // namespace
}  // namespace cuda_emulation
