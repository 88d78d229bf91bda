// SPDX-License-Identifier: MIT
#include "kernels/core/memory.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace hci {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t rounded_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

class HostMemory final : public Memory {
 public:
  void* allocate(std::size_t bytes) override {
    const bool large = bytes >= kHugePage;
    const std::size_t alignment = large ? kHugePage : kAlignment;
    const std::size_t size = rounded_up(bytes == 0 ? 1 : bytes, alignment);
    void* data = std::aligned_alloc(alignment, size);
    if (data == nullptr) throw std::bad_alloc();
    // First touch of a cube costs as much as a pass over it with 4 KiB pages; a hint, may fail.
    if (large) static_cast<void>(madvise(data, size, MADV_HUGEPAGE));
    return data;
  }
  void deallocate(void* data, std::size_t /*bytes*/) noexcept override { std::free(data); }
};

}  // namespace

void* CountedMemory::allocate(std::size_t bytes) {
  void* data = source_->allocate(bytes);
  const std::size_t now = in_use_ += bytes;
  std::size_t peak = peak_;
  while (now > peak && !peak_.compare_exchange_weak(peak, now)) {
  }
  return data;
}

void CountedMemory::deallocate(void* data, std::size_t bytes) noexcept {
  source_->deallocate(data, bytes);
  in_use_ -= bytes;
}

std::shared_ptr<Memory> host_memory() {
  static const std::shared_ptr<Memory> memory = std::make_shared<HostMemory>();
  return memory;
}

}  // namespace hci
