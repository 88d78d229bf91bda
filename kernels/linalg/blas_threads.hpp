// SPDX-License-Identifier: MIT
#pragma once
#include <cblas.h>

namespace hci::cpu {

/// OpenBLAS works on the calling thread alone for a scope: for loops that are parallel themselves.
/// It would see that by itself inside a parallel region, but a region of one thread is none to it,
/// and then the bits would depend on the number of threads.
class OneBlasThread {
 public:
  OneBlasThread() : former_(openblas_get_num_threads()) { openblas_set_num_threads(1); }
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;
  ~OneBlasThread() { openblas_set_num_threads(former_); }

 private:
  int former_;
};

}  // namespace hci::cpu
