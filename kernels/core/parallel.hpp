// SPDX-License-Identifier: MIT
#pragma once
// CPU loops that may throw. OpenMP ends the program when an exception leaves one of its regions, and
// whatever allocates may throw; so such loops run here. What neither allocates nor throws may have
// its plain #pragma.
#include <atomic>
#include <exception>
#include <optional>

#include "kernels/core/view.hpp"

namespace hci {

/// Keeps the first exception of several threads.
class FirstFailure {
 public:
  /// Calls f unless something has failed before.
  template <class F>
  void guard(const F& f) noexcept {
    if (failed_.load(std::memory_order_relaxed)) return;
    try {
      f();
    } catch (...) {
      if (!failed_.exchange(true)) first_ = std::current_exception();
    }
  }
  /// After the threads have met again.
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::atomic<bool> failed_ = false;
  std::exception_ptr first_;
};

/// Which thread gets which indices: all an equal share, or `chunk` more whenever one is free.
struct Schedule {
  int chunk = 0;  ///< 0: equal shares
};
constexpr Schedule kEqualShares{};
constexpr Schedule kWhoeverIsFree{1};

/// Calls body(scratch, i) for i = 0 .. count - 1, in any order, on up to `threads` threads, each with
/// the scratch that make() gave it. If anything throws, the rest is left out and one of the exceptions
/// comes out here.
template <class Make, class Body>
void parallel_for(int threads, index_t count, Schedule schedule, const Make& make, const Body& body) {
  FirstFailure failure;
#pragma omp parallel num_threads(threads)
  {
    std::optional<decltype(make())> scratch;
    failure.guard([&] { scratch.emplace(make()); });
    if (schedule.chunk == 0) {
#pragma omp for schedule(static) nowait
      for (index_t i = 0; i < count; ++i) failure.guard([&] { body(*scratch, i); });
    } else {
#pragma omp for schedule(dynamic, schedule.chunk) nowait
      for (index_t i = 0; i < count; ++i) failure.guard([&] { body(*scratch, i); });
    }
  }
  failure.rethrow();
}

}  // namespace hci
