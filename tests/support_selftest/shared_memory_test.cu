// SPDX-License-Identifier: MIT
// Launches that ask for too little shared memory end the program, whatever was launched before them.
#include <cmath>

#include "tests/support_selftest/emulated_device.hpp"

namespace hci::test {
namespace {

/// The block writes `count` numbers from `first` on; what was in the first of all goes out before.
__global__ void write_shared(int first, int count, float* out) {
  HCI_DYNAMIC_SHARED(float, values);
  if (threadIdx.x == 0) out[blockIdx.x] = values[0];
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x))
    values[first + i] = static_cast<float>(i);
}

__global__ void read_shared(int at, float* out) {
  HCI_DYNAMIC_SHARED(float, values);
  out[blockIdx.x] = values[at];
}

constexpr int kBlocks = 40;  // more than workers, so that each runs several

class EmulatedSharedMemoryDeath : public EmulatedDevice {
 protected:
  Exec exec = on_device(0);

  /// What was in the first number of each block.
  Array<float, 1> write(int asked_for, int first, int count) {
    Array<float, 1> out(exec, Extents<1>{kBlocks});
    launch(exec, dim3(kBlocks), dim3(64), sizeof(float) * static_cast<std::size_t>(asked_for), write_shared, first,
           count, out.data());
    return to_host(exec, out.view());
  }
  void write_after_a_larger_launch(int asked_for, int first, int count) {
    write(10000, 0, 10000);
    write(asked_for, first, count);
  }
};

using EmulatedSharedMemory = EmulatedSharedMemoryDeath;

TEST_F(EmulatedSharedMemory, IsNaNInEveryBlock) {
  for (const int count : {10000, 1, 777, 12288}) {
    const auto seen = write(count, 0, count);
    for (int b = 0; b < kBlocks; ++b) ASSERT_TRUE(std::isnan(seen.data()[b])) << count << ", block " << b;
  }
}

TEST_F(EmulatedSharedMemoryDeath, ALaunchAsksForOneRowTooFew) {
  EXPECT_DEATH(write_after_a_larger_launch(4 * 100, 0, 5 * 100),
               "a kernel touched byte 1[6-9][0-9]+ of the 1600 bytes of dynamic shared memory");
}

TEST_F(EmulatedSharedMemoryDeath, ALaunchAsksForNone) {
  EXPECT_DEATH(write_after_a_larger_launch(0, 0, 1), "a kernel touched byte 0 of the 0 bytes");
}

TEST_F(EmulatedSharedMemoryDeath, OneElementTooFarWherePagesCannotEnd) {
  write(61, 0, 61);
  EXPECT_DEATH(write_after_a_larger_launch(61, 0, 62), "wrote beside the dynamic shared memory");
}

TEST_F(EmulatedSharedMemoryDeath, OneElementBeforeTheBeginning) {
  EXPECT_DEATH(write_after_a_larger_launch(64, -1, 1), "wrote beside the dynamic shared memory");
}

TEST_F(EmulatedSharedMemoryDeath, AStrideRunsFar) {
  EXPECT_DEATH(write_after_a_larger_launch(64, 50000, 1), "a kernel touched byte 200000 of the 256 bytes");
}

TEST_F(EmulatedSharedMemoryDeath, AKernelReadsTooFar) {
  const auto read = [this] {
    Array<float, 1> out(exec, Extents<1>{kBlocks});
    launch(exec, dim3(kBlocks), dim3(1), 64 * sizeof(float), read_shared, 64, out.data());
    exec.wait();
  };
  EXPECT_DEATH(read(), "a kernel touched byte 256 of the 256 bytes");
}

}  // namespace
}  // namespace hci::test
