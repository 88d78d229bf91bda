// SPDX-License-Identifier: MIT
#include "kernels/core/exec.hpp"

#include <cmath>
#include <cstdlib>
#include <thread>

#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class OnExec : public OnEveryDevice {};

struct Add {
  Vector<float> x;
  float value;
  HCI_HD void operator()(index_t i) const { x(i) += value; }
};

/// Reads row 1 of a matrix whose rows are 2^31 elements apart.
struct ReadFarRow {
  Matrix<const float> x;
  Vector<float> out;
  HCI_HD void operator()(index_t i) const { out(i) = x(1, i); }
};

TEST_P(OnExec, RunsInTheOrderOfItsStream) {
  auto x = to_device(exec(), std::vector<float>(500, 1.0f));
  for (int i = 0; i < 10; ++i) for_each(exec(), x.extents(), Add{x.view(), static_cast<float>(i)});
  fill_zero(exec(), slice(x.view(), 0, 100));
  for_each(exec(), x.extents(), Add{x.view(), 0.5f});
  const auto host = to_host(exec(), x.view());
  EXPECT_EQ(host.data()[99], 0.5f);
  EXPECT_EQ(host.data()[100], 46.5f);
}

TEST_P(OnExec, KernelsIndexBeyondTwoToThe31) {
  const index_t far = index_t{1} << 31;
  const auto x = to_device(exec(), std::vector<float>{3, 4, 5});
  Array<float, 1> out(exec(), x.extents());
  // The address before the data that row 0 would have is never touched.
  const auto start = reinterpret_cast<std::uintptr_t>(x.data()) - static_cast<std::uintptr_t>(far) * sizeof(float);
  const Matrix<const float> apart(reinterpret_cast<const float*>(start), {2, 3}, {far, 1});
  for_each(exec(), out.extents(), ReadFarRow{apart, out.view()});
  EXPECT_EQ(to_host(exec(), out.view()).data()[2], 5.0f);
}

TEST_P(OnExec, TwoInTwoThreadsNeverMeet) {
  const auto work = [&](float value, float* result) {
    Exec mine(GetParam().options);
    for (int turn = 0; turn < 20; ++turn) {
      auto x = to_device(mine, std::vector<float>(300, value));
      for (int i = 0; i < 5; ++i) for_each(mine, x.extents(), Add{x.view(), value});
      *result = to_host(mine, x.view()).data()[299];
      if (*result != 6 * value) return;
    }
  };
  float one = 0, two = 0;
  std::thread first(work, 1.0f, &one), second(work, 2.0f, &two);
  first.join();
  second.join();
  EXPECT_EQ(one, 6.0f);
  EXPECT_EQ(two, 12.0f);
}

TEST_P(OnExec, Moves) {
  Exec first(GetParam().options);
  auto x = to_device(first, std::vector<float>(10, 1.0f));
  Exec second = std::move(first);
  for_each(second, x.extents(), Add{x.view(), 1.0f});
  EXPECT_EQ(to_host(second, x.view()).data()[0], 2.0f);
  EXPECT_EQ(second.device(), GetParam().options.device);
}

TEST_P(OnExec, TakesAnothersPlace) {
  Exec first(GetParam().options), second(GetParam().options);
  auto x = to_device(first, std::vector<float>(1000, 3.0f));  // a copy that may still be under way
  auto y = to_device(second, std::vector<float>(10, 1.0f));
  first = std::move(second);
  for_each(first, y.extents(), Add{y.view(), 1.0f});
  EXPECT_EQ(to_host(first, y.view()).data()[9], 2.0f);
  EXPECT_EQ(first.device(), GetParam().options.device);
  EXPECT_EQ(to_host(first, x.view()).data()[999], 3.0f);  // what the former one was told to do is done
  Exec& same = first;
  first = std::move(same);
  EXPECT_EQ(to_host(first, y.view()).data()[0], 2.0f);
}

/// Somebody else's allocator: of another Exec, but good on every stream.
class TracedMemory final : public Memory {
 public:
  explicit TracedMemory(Exec& owner) : owner_(owner), source_(owner.memory()) {}
  void* allocate(std::size_t bytes) override {
    ++allocations;
    void* data = source_->allocate(bytes);
    owner_.wait();
    return data;
  }
  void deallocate(void* data, std::size_t bytes) noexcept override {
    ++deallocations;
    source_->deallocate(data, bytes);
  }
  int allocations = 0, deallocations = 0;

 private:
  Exec& owner_;
  std::shared_ptr<Memory> source_;
};

TEST_P(OnExec, TakesAForeignAllocator) {
  Exec::Options options = GetParam().options;
  const auto foreign = std::make_shared<TracedMemory>(exec());
  options.memory = foreign;
  Exec other(options);
  {
    auto x = to_device(other, std::vector<float>(10, 2.0f));
    EXPECT_EQ(foreign->allocations, 1);
    for_each(other, x.extents(), Add{x.view(), 1.0f});
    EXPECT_EQ(to_host(other, x.view()).data()[9], 3.0f);
  }
  EXPECT_EQ(foreign->deallocations, 1);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(OnExec);

TEST(CpuExec, UsesTheThreadsItIsGiven) {
  EXPECT_EQ(Exec({.threads = 3}).threads(), 3);
  EXPECT_GE(Exec().threads(), 1);
  EXPECT_EQ(Exec().device().name(), "cpu");
}

TEST(CpuExec, RefusesACudaStream) {
  int anything = 0;
  EXPECT_THROW(Exec({.stream = &anything}), InvalidInput);
}

TEST(CpuExec, HasNoCudaSide) {
  Exec exec;
  EXPECT_THROW(static_cast<void>(exec.cuda()), DeviceError);
}

TEST(Devices, TheCpuIsFirst) {
  const auto devices = available_devices();
  ASSERT_FALSE(devices.empty());
  EXPECT_EQ(devices[0].device, Device{});
  EXPECT_GT(devices[0].memory_bytes, 0u);
  for (std::size_t i = 1; i < devices.size(); ++i) {
    EXPECT_EQ(devices[i].device.name(), "cuda:" + std::to_string(i - 1));
    EXPECT_GT(devices[i].memory_bytes, 0u);
    EXPECT_LE(devices[i].free_memory_bytes, devices[i].memory_bytes);
  }
  EXPECT_EQ(built_with_cuda(), HCI_HAVE_CUDA != 0);
}

TEST(Devices, OneThatDoesNotExistIsAnErrorWithItsName) {
  try {
    Exec exec(Device{Device::Kind::cuda, 99});
    FAIL() << "nothing was thrown";
  } catch (const DeviceError& error) {
    const std::string name = built_with_cuda() ? "CUDA device 99" : "cuda:99";
    EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
  }
}

#if HCI_HAVE_CUDA
class ForeignCuda : public ::testing::Test {
 protected:
  void SetUp() override {
    if (available_devices().size() < 2) GTEST_SKIP() << "cuda:0 is not there";
  }
};

TEST_F(ForeignCuda, StreamIsUsedAndLeftOpen) {
  cudaStream_t stream{};
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  {
    Exec exec({.device = {Device::Kind::cuda, 0}, .stream = stream});
    EXPECT_EQ(exec.cuda().stream(), stream);
    auto x = to_device(exec, std::vector<float>(10, 1.0f));
    for_each(exec, x.extents(), Add{x.view(), 1.0f});
    std::vector<float> host(10);
    check(cudaMemcpyAsync(host.data(), x.data(), x.bytes(), cudaMemcpyDeviceToHost, stream));
    check(cudaStreamSynchronize(stream));  // the caller's own wait
    EXPECT_EQ(host, std::vector<float>(10, 2.0f));
  }
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  check(cudaStreamDestroy(stream));
}

TEST_F(ForeignCuda, DevicePointersAreUsedThroughViews) {
  Exec exec(Device{Device::Kind::cuda, 0});
  void* foreign = nullptr;
  check(cudaMalloc(&foreign, 100 * sizeof(float)));
  const Vector<float> x(static_cast<float*>(foreign), Extents<1>{100});
  fill_zero(exec, x);
  for_each(exec, x.extents(), Add{x, 4.0f});
  EXPECT_EQ(to_host(exec, x).data()[99], 4.0f);
  check(cudaFree(foreign));
}

TEST_F(ForeignCuda, CudasDefaultPoolIsLeftAlone) {
  cudaMemPool_t pool{};
  check(cudaDeviceGetDefaultMemPool(&pool, 0));
  std::uint64_t before = 0, after = 1;
  check(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &before));
  Exec exec(Device{Device::Kind::cuda, 0});
  fill_zero(exec, Array<float, 1>(exec, Extents<1>{1000}).view());
  exec.wait();
  check(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &after));
  EXPECT_EQ(before, after);
}

TEST_F(ForeignCuda, TheCallersDeviceStaysCurrent) {
  const int last = static_cast<int>(available_devices().size()) - 2;
  check(cudaSetDevice(last));
  {
    Exec exec(Device{Device::Kind::cuda, 0});
    auto x = to_device(exec, std::vector<float>(10, 1.0f));
    for_each(exec, x.extents(), Add{x.view(), 1.0f});
    static_cast<void>(exec.cuda().cublas());
    static_cast<void>(exec.cuda().cusolver());
    static_cast<void>(exec.cuda().cusolver_params());
    static_cast<void>(exec.cuda().fft_plan(CUFFT_D2Z, 8, 1));
    if (!cudnn_version().empty()) static_cast<void>(exec.cuda().cudnn());
    EXPECT_EQ(to_host(exec, x.view()).data()[0], 2.0f);
    int current = -1;
    check(cudaGetDevice(&current));
    EXPECT_EQ(current, last);
  }  // its handles and plans go on their own device: the emulated libraries insist on that
  int current = -1;
  check(cudaGetDevice(&current));
  EXPECT_EQ(current, last);
  check(cudaSetDevice(0));
}
#endif

}  // namespace
}  // namespace hci::test
