// SPDX-License-Identifier: MIT
#include "tests/support/devices.hpp"

#include <cstdlib>

namespace hci::test {

std::vector<TestDevice> test_devices() {
  static const bool cuda = available_devices().size() > 1;
  const char* limit = std::getenv("HCI_TEST_DEVICE");
  const std::string only = limit == nullptr ? "" : limit;
  const Device cpu_device{}, cuda_device{Device::Kind::cuda, 0};
  std::vector<TestDevice> devices;
  if (only != "cuda") {
    devices.push_back({"CpuPortable", {.device = cpu_device, .path = Path::portable}});
    devices.push_back({"CpuTuned", {.device = cpu_device, .path = Path::tuned}});
  }
  if (only != "cpu") {
    devices.push_back({"CudaPortable", {.device = cuda_device, .path = Path::portable}, cuda});
    devices.push_back({"CudaTuned", {.device = cuda_device, .path = Path::tuned}, cuda});
  }
  return devices;
}

}  // namespace hci::test
