// SPDX-License-Identifier: MIT
#include "kernels/core/memory.hpp"

#include <unistd.h>

#include <gtest/gtest.h>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "kernels/core/sanitizers.hpp"

namespace hci {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

/// Physical memory of this process.
std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void use_once(std::size_t bytes) {
  void* data = host_memory()->allocate(bytes);
  std::memset(data, 1, bytes);
  host_memory()->deallocate(data, bytes);
}

TEST(HostMemory, IsAligned) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{100}, 2 * kMiB, 2 * kMiB + 1, 9 * kMiB}) {
    void* data = host_memory()->allocate(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data) % 64, 0U) << bytes;
    std::memset(data, 1, bytes);
    host_memory()->deallocate(data, bytes);
  }
}

TEST(HostMemory, BlocksInUseAreNotGivenTwice) {
  use_once(4 * kMiB);
  use_once(4 * kMiB);
  auto* a = static_cast<char*>(host_memory()->allocate(4 * kMiB));
  auto* b = static_cast<char*>(host_memory()->allocate(4 * kMiB - 1));  // rounded up to the same size
  EXPECT_TRUE(b >= a + 4 * kMiB || a >= b + 4 * kMiB);
  host_memory()->deallocate(a, 4 * kMiB);
  host_memory()->deallocate(b, 4 * kMiB - 1);
}

// Each block differs in size from those before, so none can be used again. At most two are there at a
// time (the one kept and the fresh one, if the kept one is freed after); 40 of them would be 1.2 GiB.
TEST(HostMemory, DoesNotGrowWithBlocksOfManySizes) {
  use_once(32 * kMiB);
  const std::size_t before = resident_bytes();
  for (std::size_t i = 0; i < 40; ++i) use_once((34 + 2 * i % 20) * kMiB);
#if HCI_SANITIZED
  const std::size_t kept = 256 * kMiB;  // freed memory that a sanitizer holds back
#else
  const std::size_t kept = 0;
#endif
  EXPECT_LT(resident_bytes(), before + kept + 120 * kMiB);
}

TEST(HostMemory, ServesManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([i] {
      for (int repeat = 0; repeat < 50; ++repeat) {
        const std::size_t bytes = (2 + static_cast<std::size_t>(repeat % 3)) * kMiB;
        auto* data = static_cast<char*>(host_memory()->allocate(bytes));
        data[0] = static_cast<char>(i);
        data[bytes - 1] = static_cast<char>(i);
        EXPECT_EQ(data[0], static_cast<char>(i));
        host_memory()->deallocate(data, bytes);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace hci
