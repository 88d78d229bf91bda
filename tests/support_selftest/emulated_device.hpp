// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <vector>

#include "cuda_emulation/control.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"

namespace hci::test {

/// Every test starts with working devices, and leaves them so.
class EmulatedDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    // A forked child has no OpenMP threads: start the program anew instead.
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    cuda_emulation::revive();
  }
  void TearDown() override {
    cuda_emulation::revive();
    cuda_emulation::set_order(cuda_emulation::Order::mixed);
  }
  static Exec on_device(int index) { return Exec(Device{Device::Kind::cuda, index}); }
};

inline std::vector<float> count_up(index_t n) {
  std::vector<float> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

/// x(i) = value, also where i is beyond the end.
struct Store {
  Vector<float> x;
  float value;
  index_t shift = 0;
  HCI_HD void operator()(index_t i) const { x.data()[i + shift] = value; }
};

/// y(i) = x(i) + 1.
struct AddOne {
  Vector<const float> x;
  Vector<float> y;
  HCI_HD void operator()(index_t i) const { y(i) = x(i) + 1; }
};

}  // namespace hci::test
