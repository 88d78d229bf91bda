// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/core/exec.hpp"

namespace hci::test {

/// One way to run a kernel: a device and one of its paths.
struct TestDevice {
  std::string name;  ///< CpuPortable, CpuTuned, CudaPortable, CudaTuned
  Exec::Options options;
  bool available = true;
};

inline void PrintTo(const TestDevice& device, std::ostream* out) { *out << device.name; }

/// All four; those of a device that is not there are marked so, and their cases are skipped visibly.
/// In the emulated build the emulated device is the CUDA device. HCI_TEST_DEVICE=cpu or cuda limits.
std::vector<TestDevice> test_devices();

inline std::string name_of(const ::testing::TestParamInfo<TestDevice>& info) { return info.param.name; }

/// Base of tests that run on every device: use exec().
class OnEveryDevice : public ::testing::TestWithParam<TestDevice> {
 protected:
  void SetUp() override {
    if (!GetParam().available) GTEST_SKIP() << GetParam().options.device.name() << " is not there";
    exec_.emplace(GetParam().options);
  }
  Exec& exec() { return *exec_; }

 private:
  std::optional<Exec> exec_;
};

}  // namespace hci::test

#define HCI_INSTANTIATE_ON_EVERY_DEVICE(Suite) \
  INSTANTIATE_TEST_SUITE_P(, Suite, ::testing::ValuesIn(hci::test::test_devices()), hci::test::name_of)
