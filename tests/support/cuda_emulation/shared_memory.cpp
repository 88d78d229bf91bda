// SPDX-License-Identifier: MIT
#include "cuda_emulation/shared_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "cuda_emulation/status.hpp"

namespace cuda_emulation {
namespace {

constexpr std::size_t kAlignment = 16;
constexpr std::size_t kGuard = std::size_t{256} << 10;  // more than any block has: a wrong stride runs far
constexpr std::size_t kRoom = std::size_t{232} << 10;   // pages enough for the largest block and what lies before it
constexpr std::size_t kBefore = 256;                    // bytes before a block that are looked at
constexpr std::byte kFresh{0xFF}, kBeside{0xFB};        // as in device.cpp
static_assert(kRoom >= kSharedBytesOnRequest + kAlignment + kBefore);

thread_local const SharedMemory* of_thread = nullptr;

bool all_are(std::byte value, const std::byte* from, const std::byte* to) {
  return std::all_of(from, to, [value](std::byte each) { return each == value; });
}

}  // namespace

SharedMemory::~SharedMemory() {
  if (mapping_ != nullptr) munmap(mapping_, kRoom + 2 * kGuard);
  of_thread = nullptr;
}

bool SharedMemory::resize(std::size_t bytes) {
  if (mapping_ == nullptr) {
    void* mapping = mmap(nullptr, kRoom + 2 * kGuard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) return false;
    mapping_ = static_cast<std::byte*>(mapping);
    if (mprotect(mapping_ + kGuard, kRoom, PROT_READ | PROT_WRITE) != 0) return false;
  }
  of_thread = this;
  bytes_ = bytes;
  data_ = mapping_ + kGuard + kRoom - (bytes + kAlignment - 1) / kAlignment * kAlignment;
  std::memset(data_ - kBefore, static_cast<int>(kBeside), kBefore);
  std::fill(data_ + bytes_, mapping_ + kGuard + kRoom, kBeside);
  return true;
}

void SharedMemory::poison() { std::memset(data_, static_cast<int>(kFresh), bytes_); }

bool SharedMemory::surroundings_are_whole() const {
  return all_are(kBeside, data_ - kBefore, data_) && all_are(kBeside, data_ + bytes_, mapping_ + kGuard + kRoom);
}

bool describe_shared_fault(const void* address, char* text, std::size_t size) {
  const SharedMemory* shared = of_thread;
  const auto* at = static_cast<const std::byte*>(address);
  if (shared == nullptr || at < shared->mapping_ || at >= shared->mapping_ + kRoom + 2 * kGuard) return false;
  std::snprintf(text, size, "byte %ld of the %zu bytes of dynamic shared memory that the launch asked for",
                static_cast<long>(at - shared->data_), shared->bytes_);
  return true;
}

}  // namespace cuda_emulation
