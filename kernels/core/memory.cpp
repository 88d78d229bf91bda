// SPDX-License-Identifier: MIT
#include "kernels/core/memory.hpp"

#include <sys/mman.h>

#include <new>

namespace hci {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t rounded_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

class HostMemory final : public Memory {
 public:
  void* allocate(std::size_t bytes) override {
    const std::align_val_t alignment = alignment_of(bytes);
    const std::size_t size = rounded_up(bytes == 0 ? 1 : bytes, static_cast<std::size_t>(alignment));
    void* data = ::operator new(size, alignment);
    // First touch of a cube costs as much as a pass over it with 4 KiB pages; a hint, may fail.
    if (bytes >= kHugePage) static_cast<void>(madvise(data, size, MADV_HUGEPAGE));
    return data;
  }
  void deallocate(void* data, std::size_t bytes) noexcept override { ::operator delete(data, alignment_of(bytes)); }

 private:
  static std::align_val_t alignment_of(std::size_t bytes) {
    return std::align_val_t{bytes >= kHugePage ? kHugePage : kAlignment};
  }
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
