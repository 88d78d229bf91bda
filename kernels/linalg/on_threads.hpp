// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only.
#include "kernels/core/exec.hpp"
#include "kernels/core/parallel.hpp"

namespace hci {

/// Calls solve(exec, b) for every problem of a CPU's batch, from the first on, each thread with an Exec of its own.
template <class F>
void on_threads(Exec& exec, index_t problems, const F& solve) {
  const auto make = [&exec] { return Exec({.memory = exec.memory(), .threads = 1, .path = exec.path()}); };
  parallel_for(exec.threads(), problems, kWhoeverIsFree, make, solve);
}

/// The same where there are as many problems as threads; of fewer each gets all threads, one after the other.
template <class F>
void one_by_one(Exec& exec, index_t problems, const F& solve) {
  if (problems >= exec.threads()) return on_threads(exec, problems, solve);
  for (index_t b = 0; b < problems; ++b) solve(exec, b);
}

}  // namespace hci
