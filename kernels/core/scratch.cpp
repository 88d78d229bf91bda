// SPDX-License-Identifier: MIT
#include "kernels/core/scratch.hpp"

#include <algorithm>
#include <atomic>
#include <limits>

namespace hci {
namespace {

constexpr index_t kNoLimit = std::numeric_limits<index_t>::max();
std::atomic<index_t> limit{kNoLimit};

}  // namespace

index_t scratch_bytes(index_t wanted) { return std::min(wanted, limit.load()); }

ScratchLimit::ScratchLimit(index_t bytes) { limit = bytes; }
ScratchLimit::~ScratchLimit() { limit = kNoLimit; }

}  // namespace hci
