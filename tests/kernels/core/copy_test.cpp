// SPDX-License-Identifier: MIT
#include "kernels/core/copy.hpp"

#include <numeric>

#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Copy : public OnEveryDevice {
 protected:
  static Array<float, 2> numbered(index_t ny, index_t nx) {
    Array<float, 2> array = host_array<float, 2>({ny, nx});
    std::iota(array.data(), array.data() + array.size(), 1.0f);
    return array;
  }
};

TEST_P(Copy, ThereAndBack) {
  Array<float, 2> source = numbered(7, 13), target = host_array<float, 2>({7, 13});
  Array<float, 2> first(exec(), {7, 13}), second(exec(), {7, 13});
  upload(exec(), View<const float, 2>(source.view()), first.view());
  copy(exec(), View<const float, 2>(first.view()), second.view());
  download(exec(), View<const float, 2>(second.view()), target.view());
  exec().wait();
  for (index_t i = 0; i < 7 * 13; ++i) ASSERT_EQ(target.data()[i], static_cast<float>(i + 1));
}

TEST_P(Copy, FramesOfACube) {
  const Array<float, 2> source = numbered(4, 5);
  Array<float, 2> on_device(exec(), {4, 5});
  fill_zero(exec(), on_device.view());
  upload(exec(), slice(source.view(), 2, 1), slice(on_device.view(), 3, 1));
  const auto host = to_host(exec(), on_device.view());
  for (index_t x = 0; x < 5; ++x) {
    EXPECT_EQ(host.view()(3, x), source.view()(2, x));
    EXPECT_EQ(host.view()(2, x), 0.0f);
  }
}

TEST_P(Copy, KeepsAVectorAliveUntilTheWait) {
  std::vector<Array<int, 1>> on_device;
  for (int i = 0; i < 20; ++i) on_device.push_back(to_device(exec(), std::vector<int>(1000, i)));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(to_host(exec(), on_device[static_cast<std::size_t>(i)].view()).data()[999], i);
}

TEST_P(Copy, RefusesWhatDoesNotFit) {
  Array<float, 2> a(exec(), {2, 3}), b(exec(), {3, 2});
  Array<float, 2> host = host_array<float, 2>({2, 3});
  EXPECT_THROW(copy(exec(), View<const float, 2>(a.view()), b.view()), InvalidInput);
  EXPECT_THROW(upload(exec(), View<const float, 2>(host.view()), b.view()), InvalidInput);
  EXPECT_THROW(download(exec(), View<const float, 2>(b.view()), host.view()), InvalidInput);
  const View<float, 2> strided(a.data(), {2, 2}, {3, 1});
  EXPECT_THROW(fill_zero(exec(), strided), InvalidInput);
  EXPECT_THROW(copy(exec(), View<const float, 2>(strided), strided), InvalidInput);
}

TEST_P(Copy, OfNothingDoesNothing) {
  Array<float, 2> empty(exec(), {0, 3});
  fill_zero(exec(), empty.view());
  const auto host = to_host(exec(), empty.view());
  EXPECT_EQ(host.size(), 0);
  EXPECT_EQ(to_device(exec(), std::vector<float>{}).size(), 0);
}

TEST_P(Copy, InputIsCopiedOnlyWhereItMustBe) {
  const Array<float, 2> source = numbered(3, 3);
  const DeviceInput<float, 2> input(exec(), source.view());
  EXPECT_EQ(input.view().data() == source.data(), !exec().on_cuda());
  EXPECT_EQ(to_host(exec(), input.view()).view()(2, 2), 9.0f);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Copy);

}  // namespace
}  // namespace hci::test
