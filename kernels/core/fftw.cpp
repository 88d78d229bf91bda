// SPDX-License-Identifier: MIT
#include "kernels/core/fftw.hpp"

namespace hci {

std::mutex& fftw_planner_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace hci
