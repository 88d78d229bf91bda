// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: how many threads OpenBLAS takes.
#include <cblas.h>
#include <omp.h>

#include <mutex>

namespace hci::cpu {

/// OpenBLAS works on the calling thread alone for a scope: for loops that are parallel themselves.
/// It would see that by itself inside a parallel region, but a region of one thread is none to it,
/// and then the bits would depend on the number of threads.
///
/// Several threads may hold it: OpenBLAS built on pthreads has one number for the whole process, which
/// the first holder sets and the last one puts back; built on OpenMP it asks for the calling thread's.
class OneBlasThread {
 public:
  OneBlasThread() : former_of_thread_(omp_get_max_threads()) {
    const std::lock_guard lock(mutex_);
    if (holders_++ == 0) {
      former_of_process_ = openblas_get_num_threads();
      openblas_set_num_threads(1);
    }
    omp_set_num_threads(1);
  }
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;
  ~OneBlasThread() {
    const std::lock_guard lock(mutex_);
    if (--holders_ == 0) openblas_set_num_threads(former_of_process_);
    omp_set_num_threads(former_of_thread_);
  }

 private:
  inline static std::mutex mutex_;
  inline static int holders_ = 0, former_of_process_ = 1;
  int former_of_thread_;
};

}  // namespace hci::cpu
