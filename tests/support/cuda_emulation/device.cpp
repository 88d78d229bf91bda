// SPDX-License-Identifier: MIT
// The memory of one emulated device: a range of addresses of its own, of which only what work has
// allocated can be touched, and only while work runs.
#include <sys/mman.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "cuda_emulation/machine.hpp"

namespace cuda_emulation {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kAlignment = 256;  // what CUDA promises
constexpr std::size_t kGuard = std::size_t{64} << 10;
constexpr std::size_t kRemembered = 1000;  // released blocks, for messages
constexpr std::byte kFresh{0xFF};          // NaN, or -1
constexpr std::byte kBeside{0xFB};         // -2.6e36 as float or double: no mask, and conspicuous

std::size_t rounded_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }

/// At most a page and an alignment lie beside a block.
bool untouched(const std::byte* from, const std::byte* to) {
  static const auto pattern = [] {
    std::array<std::byte, kPage + kAlignment> bytes;
    bytes.fill(kBeside);
    return bytes;
  }();
  return std::memcmp(from, pattern.data(), static_cast<std::size_t>(to - from)) == 0;
}

}  // namespace

Device::Device(int index, std::size_t memory_bytes) : memory(memory_bytes), index_(index) {
  default_stream_.device = this;
  default_pool_.device = this;
  for (arena_bytes_ = std::size_t{4} << 40; arena_bytes_ >= std::size_t{64} << 30; arena_bytes_ /= 2) {
    void* arena = mmap(nullptr, arena_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena == MAP_FAILED) continue;
    madvise(arena, arena_bytes_, MADV_DONTDUMP);
    arena_ = static_cast<std::byte*>(arena);
    return;
  }
  die("no address space for the memory of device %d", index);
}

bool Device::owns(const void* address) const {
  const auto* at = static_cast<const std::byte*>(address);
  return at >= arena_ && at < arena_ + arena_bytes_;
}

/// Addresses are not used again before all others have been: what has been freed stays unreachable.
std::byte* Device::find_room(std::size_t bytes) {
  for (int turn = 0; turn < 2; ++turn) {
    while (next_ + bytes <= arena_bytes_) {
      std::byte* start = arena_ + next_;
      auto block = blocks_.lower_bound(start);
      if (block != blocks_.begin()) {
        const Block& before = std::prev(block)->second;
        if (before.pages + before.page_bytes + kGuard > start) block = std::prev(block);
      }
      if (block == blocks_.end() || block->first >= start + bytes) return start;
      next_ = rounded_up(static_cast<std::size_t>(block->second.pages + block->second.page_bytes - arena_) + kGuard,
                         kGuard);
    }
    next_ = 0;
  }
  return nullptr;
}

Block* Device::reserve(std::size_t bytes) {
  if (in_use + bytes > memory) return nullptr;
  const std::size_t rounded = rounded_up(bytes == 0 ? 1 : bytes, kAlignment), page_bytes = rounded_up(rounded, kPage);
  // A wrong leading dimension runs far: leave as much behind a block as it has itself.
  std::byte* room = find_room(2 * page_bytes + 2 * kGuard);
  if (room == nullptr) return nullptr;
  Block block;
  block.pages = room + kGuard;
  block.page_bytes = page_bytes;
  block.data = block.pages + page_bytes - rounded;
  block.bytes = bytes;
  block.number = ++numbers_;
  next_ = rounded_up(static_cast<std::size_t>(room - arena_) + 2 * page_bytes + 2 * kGuard, kGuard);
  in_use += bytes;
  return &(blocks_[block.pages] = block);
}

void Device::give_back(Block& block) {
  block.freed = true;
  in_use -= block.bytes;
}

Block* Device::holding(const void* data, std::size_t bytes) {
  auto* at = static_cast<std::byte*>(const_cast<void*>(data));
  auto found = blocks_.upper_bound(at);
  if (found == blocks_.begin()) return nullptr;
  Block& block = std::prev(found)->second;
  const bool inside = at >= block.data && at + bytes <= block.data + block.bytes;
  return inside && !block.freed ? &block : nullptr;
}

Block* Device::starting_at(const void* data) {
  Block* block = holding(data, 0);
  return block != nullptr && block->data == data ? block : nullptr;
}

void Device::map(Block& block) {
  block.mapped = true;
  if (mprotect(block.pages, block.page_bytes, PROT_READ | PROT_WRITE) != 0)
    die("the kernel has no mapping left for allocation %ld of device %d", block.number, index_);
  if (block.page_bytes >= 2 * kHugePage) madvise(block.pages, block.page_bytes, MADV_HUGEPAGE);
  std::memset(block.pages, static_cast<int>(kBeside), static_cast<std::size_t>(block.data - block.pages));
  // Of an immense block only the ends are filled: whoever makes one wants its addresses, not its memory.
  constexpr std::size_t kImmense = std::size_t{4} << 30, kFilled = std::size_t{1} << 20;
  if (block.bytes >= kImmense)
    for (std::byte* from : {block.data, block.data + block.bytes - kFilled})
      std::memset(from, static_cast<int>(kFresh), kFilled);
  else
    std::memset(block.data, static_cast<int>(kFresh), block.bytes);
  std::byte* end = block.data + block.bytes;
  std::memset(end, static_cast<int>(kBeside), static_cast<std::size_t>(block.pages + block.page_bytes - end));
  if (open_ == 0) mprotect(block.pages, block.page_bytes, PROT_NONE);
}

void Device::release(Block& block) {
  mmap(block.pages, block.page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  madvise(block.pages, block.page_bytes, MADV_DONTDUMP);  // as the arena, so that the kernel merges the mappings
  released_[block.pages] = block;
  if (released_.size() > kRemembered) released_.erase(released_.begin());
  blocks_.erase(block.pages);
}

void Device::recover() {
  broken = cudaSuccess;
  calls_until_lost = 0;
  for (auto block = blocks_.begin(); block != blocks_.end();) {
    Block& each = (block++)->second;
    if (each.freed) release(each);
  }
}

void Device::open() {
  if (open_++ > 0) return;
  for (const auto& [pages, block] : blocks_)
    if (block.mapped) mprotect(pages, block.page_bytes, PROT_READ | PROT_WRITE);
}

void Device::close() {
  if (--open_ > 0) return;
  for (const auto& [pages, block] : blocks_)
    if (block.mapped) mprotect(pages, block.page_bytes, PROT_NONE);
}

void Device::check_surroundings(const char* after) const {
  for (const auto& [pages, block] : blocks_) {
    if (!block.mapped) continue;
    const std::byte* end = block.data + block.bytes;
    if (!untouched(pages, block.data) || !untouched(end, pages + block.page_bytes))
      die("out of bounds: %s wrote beside allocation %ld of device %d (%zu bytes)", after, block.number, index_,
          block.bytes);
  }
}

void Device::describe(const void* address, char* text, std::size_t size) const {
  const auto* at = static_cast<const std::byte*>(address);
  const Block* nearest = nullptr;
  const auto reach = [&](const std::map<std::byte*, Block>& blocks) {
    for (const auto& [pages, block] : blocks)
      if (at + kGuard >= pages && at < pages + 2 * block.page_bytes + kGuard) nearest = &block;
  };
  reach(released_);
  reach(blocks_);
  if (nearest == nullptr) {
    std::snprintf(text, size, "no block of device %d", index_);
    return;
  }
  const Block& block = *nearest;
  const long offset = static_cast<long>(at - block.data);
  const char* state = blocks_.count(block.pages) == 0 ? "freed "
                      : block.mapped                  ? ""
                                                      : "not yet allocated in stream order ";
  std::snprintf(text, size, "byte %ld of %sallocation %ld of device %d (%zu bytes)", offset, state, block.number,
                index_, block.bytes);
}

}  // namespace cuda_emulation
