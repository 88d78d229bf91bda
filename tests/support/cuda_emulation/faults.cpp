// SPDX-License-Identifier: MIT
// Says what a fault in device memory means, then lets the program die of it.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "cuda_emulation/machine.hpp"

namespace cuda_emulation {
namespace {

struct sigaction former;

void explain(int signal, siginfo_t* info, void* context) {
  if (Device* device = machine().device_of(info->si_addr)) {
    char where[256], text[400];
    device->describe(info->si_addr, where, sizeof where);
    const int length = std::snprintf(text, sizeof text, "cuda_emulation: fault in device memory: %s touched %s\n",
                                     device->is_open() ? "device work" : "the host", where);
    static_cast<void>(!write(STDERR_FILENO, text, static_cast<std::size_t>(length)));
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
