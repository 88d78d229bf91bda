// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <cstddef>
#include <memory>

namespace hci {

/// Where arrays get their bytes. Derive from it to make cuHCI allocate from your own pool: an Exec
/// takes one in its options. allocate() and deallocate() may be called from several threads.
class Memory {
 public:
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  virtual ~Memory() = default;

  /// At least `bytes` bytes, aligned to 64. For CUDA: device memory, usable by work that is
  /// enqueued on the Exec's stream from now on. Throws OutOfDeviceMemory, or std::bad_alloc on
  /// the host.
  virtual void* allocate(std::size_t bytes) = 0;
  /// Gives back what allocate() returned, with the same size. For CUDA: the memory may be reused
  /// by work enqueued later on the same stream.
  virtual void deallocate(void* data, std::size_t bytes) noexcept = 0;
};

/// Counts what passes through another Memory.
class CountedMemory final : public Memory {
 public:
  explicit CountedMemory(std::shared_ptr<Memory> source) : source_(std::move(source)) {}
  void* allocate(std::size_t bytes) override;
  void deallocate(void* data, std::size_t bytes) noexcept override;

  std::size_t bytes_in_use() const { return in_use_; }
  /// The largest bytes_in_use() since construction.
  std::size_t peak_bytes() const { return peak_; }

 private:
  std::shared_ptr<Memory> source_;
  std::atomic<std::size_t> in_use_ = 0;
  std::atomic<std::size_t> peak_ = 0;
};

/// Plain host memory; large blocks ask for huge pages, and are kept when freed: see memory.cpp.
std::shared_ptr<Memory> host_memory();

}  // namespace hci
