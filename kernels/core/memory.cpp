// SPDX-License-Identifier: MIT
#include "kernels/core/memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <vector>

#include "kernels/core/sanitizers.hpp"

namespace hci {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t rounded_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

#if HCI_SANITIZED
constexpr bool kKeepsBlocks = false;  // these want to see every block come and go
#else
constexpr bool kKeepsBlocks = true;
#endif

/// Large blocks are kept when they are freed, for the next one of the same size: to clear the pages of a
/// fresh cube takes the system as long as it takes us to fill them.
class HostMemory final : public Memory {
 public:
  ~HostMemory() override {
    for (const Block& block : kept_) give_back(block);
  }

  void* allocate(std::size_t bytes) override {
    const std::align_val_t alignment = alignment_of(bytes);
    const std::size_t size = rounded_up(bytes == 0 ? 1 : bytes, static_cast<std::size_t>(alignment));
    if (bytes >= kHugePage)
      if (void* kept = take_kept(size)) return kept;
    void* data = ::operator new(size, alignment);
    // First touch of a cube costs as much as a pass over it with 4 KiB pages; a hint, may fail.
    if (bytes >= kHugePage) static_cast<void>(madvise(data, size, MADV_HUGEPAGE));
    return data;
  }

  void deallocate(void* data, std::size_t bytes) noexcept override {
    if (kKeepsBlocks && bytes >= kHugePage && keep({data, rounded_up(bytes, kHugePage)})) return;
    ::operator delete(data, alignment_of(bytes));
  }

 private:
  static std::align_val_t alignment_of(std::size_t bytes) {
    return std::align_val_t{bytes >= kHugePage ? kHugePage : kAlignment};
  }

  struct Block {
    void* data;
    std::size_t size;
  };

  static void give_back(const Block& block) { ::operator delete(block.data, alignment_of(block.size)); }

  /// The kept block of this size. Where there is none, as many bytes of the others go back, the oldest
  /// first: so there are never more bytes in use and kept than were in use at some time.
  void* take_kept(std::size_t size) {
    const std::lock_guard lock(mutex_);
    const auto same = std::find_if(kept_.rbegin(), kept_.rend(), [=](const Block& b) { return b.size == size; });
    if (same != kept_.rend()) {
      void* data = same->data;
      kept_.erase(std::next(same).base());
      return data;
    }
    std::size_t released = 0, count = 0;
    for (; count < kept_.size() && released < size; ++count) {
      released += kept_[count].size;
      give_back(kept_[count]);
    }
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(count));
    return nullptr;
  }

  bool keep(Block block) noexcept try {
    // Whoever is short of memory may have the pages: then they come back as fresh ones.
    if (madvise(block.data, block.size, MADV_FREE) != 0) return false;
    const std::lock_guard lock(mutex_);
    kept_.push_back(block);
    return true;
  } catch (...) {  // no room in the list, or no lock to be had: then it goes back
    return false;
  }

  std::mutex mutex_;
  std::vector<Block> kept_;  ///< freed large blocks, the newest last
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
