// SPDX-License-Identifier: MIT
#pragma once
#include <mutex>

namespace hci {

/// FFTW's planner is one object for the whole process and not thread-safe: whoever makes or destroys
/// an FFTW plan, in either precision, holds this. Executing a plan needs no lock.
std::mutex& fftw_planner_mutex();

}  // namespace hci
