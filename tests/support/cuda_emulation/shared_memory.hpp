// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

namespace cuda_emulation {

/// The dynamic shared memory of the block that an OS thread runs: exactly the bytes that the launch asked for, right
/// before pages that fault.
class SharedMemory {
 public:
  SharedMemory() = default;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();

  /// For the blocks of a launch; false where the kernel has no mapping left.
  [[nodiscard]] bool resize(std::size_t bytes);
  /// For a block: all of it is NaN.
  void poison();
  /// After a block: whether nothing was written right beside it.
  bool surroundings_are_whole() const;
  /// Aligned to 16 bytes, as HCI_DYNAMIC_SHARED promises.
  std::byte* data() const { return data_; }

 private:
  std::byte* mapping_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;

  friend bool describe_shared_fault(const void* address, char* text, std::size_t size);
};

/// For a signal handler: says which byte of the running thread's shared memory was touched; false if it is none.
bool describe_shared_fault(const void* address, char* text, std::size_t size);

}  // namespace cuda_emulation
