// SPDX-License-Identifier: MIT
#include "kernels/core/launch.hpp"

#include <numeric>

#include "kernels/core/copy.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Launch : public OnEveryDevice {};

/// Every index once: adds a value that tells the index to what is there.
struct Mark1 {
  View<index_t, 1> out;
  HCI_HD void operator()(index_t x) const { out(x) += x + 1; }
};
struct Mark2 {
  View<index_t, 2> out;
  HCI_HD void operator()(index_t y, index_t x) const { out(y, x) += y * out.extent(1) + x + 1; }
};
struct Mark3 {
  View<index_t, 3> out;
  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    out(t, y, x) += (t * out.extent(1) + y) * out.extent(2) + x + 1;
  }
};

template <class Mark, int N>
void expect_each_index_once(Exec& exec, Extents<N> extents) {
  Array<index_t, N> out(exec, extents);
  fill_zero(exec, out.view());
  for_each(exec, extents, Mark{out.view()});
  const auto host = to_host(exec, out.view());
  for (index_t i = 0; i < extents.size(); ++i) ASSERT_EQ(host.data()[i], i + 1);
}

TEST_P(Launch, VisitsEveryIndexOnceWhateverTheTileSize) {
  for (index_t n : {1, 31, 256, 257, 1000}) expect_each_index_once<Mark1>(exec(), Extents<1>{n});
  expect_each_index_once<Mark2>(exec(), Extents<2>{1, 1});
  expect_each_index_once<Mark2>(exec(), Extents<2>{9, 33});
  expect_each_index_once<Mark3>(exec(), Extents<3>{3, 17, 31});
  expect_each_index_once<Mark3>(exec(), Extents<3>{5, 1, 65});
}

TEST_P(Launch, OfNothingDoesNothing) {
  Array<index_t, 2> out(exec(), {0, 5});
  for_each(exec(), out.extents(), Mark2{out.view()});
  exec().wait();
}

TEST_P(Launch, MakesMoreBlocksThanAGridAxisHolds) { expect_each_index_once<Mark3>(exec(), Extents<3>{70000, 1, 1}); }

#if HCI_HAVE_CUDA
__global__ void last_of_shared_memory(index_t values, Vector<float> out) {
  HCI_DYNAMIC_SHARED(float, shared);
  shared[values - 1] = 7;
  out(0) = shared[values - 1];
}

TEST_P(Launch, LessSharedMemoryForOneTakesNoneFromAnother) {
  if (!exec().on_cuda()) GTEST_SKIP() << "shared memory is CUDA's";
  constexpr index_t kMuch = 15 << 10, kLittle = 13 << 10;  // 60 and 52 KiB; without asking, 48 are the most
  Array<float, 1> out(exec(), {1});
  allow_shared_memory(exec(), &last_of_shared_memory, kMuch * sizeof(float));
  allow_shared_memory(exec(), &last_of_shared_memory, kLittle * sizeof(float));  // another thread, say
  launch(exec(), dim3(1), dim3(1), kMuch * sizeof(float), last_of_shared_memory, kMuch, out.view());
  EXPECT_EQ(to_host(exec(), std::as_const(out).view()).data()[0], 7);
}
#endif

HCI_INSTANTIATE_ON_EVERY_DEVICE(Launch);

}  // namespace
}  // namespace hci::test
