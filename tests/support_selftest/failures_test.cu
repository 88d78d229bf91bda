// SPDX-License-Identifier: MIT
// Failures that the emulated device is told to have reach the program as the right exception.
#include "kernels/core/devices.hpp"
#include "tests/support_selftest/emulated_device.hpp"

namespace hci::test {
namespace {

class InjectedFailure : public EmulatedDevice {
 protected:
  Exec exec = on_device(0);

  void store(Exec& on, Array<float, 1>& x) { for_each(on, x.extents(), Store{x.view(), 1.0f}); }
  static std::string message_of(const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
};

TEST_F(InjectedFailure, OutOfMemoryAtTheNthAllocation) {
  cuda_emulation::fail_allocation(3);
  Array<float, 1> one(exec, Extents<1>{10}), two(exec, Extents<1>{10});
  EXPECT_THROW((Array<float, 1>(exec, Extents<1>{10})), OutOfDeviceMemory);
  Array<float, 1> three(exec, Extents<1>{10});  // the device is still good
  store(exec, three);
  exec.wait();
}

TEST_F(InjectedFailure, OutOfMemoryInALibrary) {
  cuda_emulation::fail_allocation(1);
  EXPECT_THROW(static_cast<void>(exec.cuda().cublas()), OutOfDeviceMemory);
  EXPECT_NE(exec.cuda().cublas(), nullptr);
  cuda_emulation::fail_allocation(1);
  EXPECT_THROW(static_cast<void>(exec.cuda().cusolver()), OutOfDeviceMemory);
  cuda_emulation::fail_allocation(1);
  EXPECT_THROW(static_cast<void>(exec.cuda().fft_plan(CUFFT_D2Z, 8, 1)), OutOfDeviceMemory);
  EXPECT_GT(exec.cuda().fft_plan(CUFFT_D2Z, 8, 1).work_bytes, 0u);  // what failed is not remembered
  if (cudnn_version().empty()) return;
  cuda_emulation::fail_allocation(1);
  EXPECT_THROW(static_cast<void>(exec.cuda().cudnn()), OutOfDeviceMemory);
  EXPECT_NE(exec.cuda().cudnn(), nullptr);
}

TEST_F(InjectedFailure, LaunchErrorAtTheNthLaunch) {
  Array<float, 1> x(exec, Extents<1>{10});
  cuda_emulation::fail_launch(2);
  store(exec, x);
  EXPECT_THROW(store(exec, x), DeviceError);
  store(exec, x);
  EXPECT_EQ(to_host(exec, x.view()).data()[0], 1.0f);
}

TEST_F(InjectedFailure, AFaultInAKernelShowsWhenWaitingAndStays) {
  Array<float, 1> x(exec, Extents<1>{10});
  cuda_emulation::fault_in_kernel(1);
  store(exec, x);
  const std::string message = message_of([&] { exec.wait(); });
  EXPECT_NE(message.find("CUDA: an illegal memory access"), std::string::npos) << message;
  EXPECT_NE(message.find("cuda.cpp:"), std::string::npos) << message;
  EXPECT_THROW(exec.wait(), DeviceError);
  EXPECT_THROW(store(exec, x), DeviceError);
  EXPECT_THROW((Array<float, 1>(exec, Extents<1>{10})), DeviceError);
}

TEST_F(InjectedFailure, ALostDeviceLeavesTheOthersAlone) {
  Exec other = on_device(1);
  Array<float, 1> x(other, Extents<1>{10});
  cuda_emulation::lose_device(0, 1);
  EXPECT_THROW(exec.wait(), DeviceError);
  store(other, x);
  EXPECT_EQ(to_host(other, x.view()).data()[9], 1.0f);
  int current = -1;
  check(cudaGetDevice(&current));
  EXPECT_EQ(current, 0);
}

TEST_F(InjectedFailure, ALostDeviceIsNotAvailable) {
  ASSERT_EQ(available_devices().size(), 3u);
  cuda_emulation::lose_device(0, 1);
  const auto devices = available_devices();
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_EQ(devices[1].device.name(), "cuda:1");
  EXPECT_EQ(device_info({}).device.name(), "cpu");
  EXPECT_EQ(device_info({Device::Kind::cuda, 1}).description, devices[1].description);
  EXPECT_THROW(static_cast<void>(device_info({Device::Kind::cuda, 0})), DeviceError);
  EXPECT_EQ(cuda_device_count(), 2);
}

TEST_F(InjectedFailure, ADeviceThatDoesNotExistIsNamed) {
  const std::string message = message_of([] { Exec nowhere(Device{Device::Kind::cuda, 7}); });
  EXPECT_NE(message.find("there is no CUDA device 7"), std::string::npos) << message;
}

}  // namespace
}  // namespace hci::test
