// SPDX-License-Identifier: MIT
// What the emulated device does to code that mistakes its memory, its streams or its libraries.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "kernels/core/cuda.hpp"
#include "tests/support_selftest/emulated_device.hpp"

namespace hci::test {
namespace {

class EmulatedMemory : public EmulatedDevice {
 protected:
  Exec exec = on_device(0);

  Array<float, 1> floats(index_t n) { return Array<float, 1>(exec, Extents<1>{n}); }
};

using EmulatedMemoryDeath = EmulatedMemory;

TEST_F(EmulatedMemory, FreshMemoryIsNaN) {
  const auto x = floats(1000);
  const auto host = to_host(exec, x.view());
  for (index_t i = 0; i < x.size(); ++i) ASSERT_TRUE(std::isnan(host.data()[i]));
}

TEST_F(EmulatedMemory, NothingRunsUntilSomebodyWaits) {
  std::vector<float> source = count_up(10), target(10, -1.0f);
  auto x = floats(10);
  upload_bytes(exec, source.data(), x.data(), x.bytes());
  for_each(exec, x.extents(), Store{x.view(), 5.0f});
  download_bytes(exec, x.data(), target.data(), x.bytes());
  EXPECT_EQ(target, std::vector<float>(10, -1.0f));  // a missing wait shows
  EXPECT_GT(cuda_emulation::pending_operations(0), 0u);
  exec.wait();
  EXPECT_EQ(target, std::vector<float>(10, 5.0f));
  EXPECT_EQ(cuda_emulation::pending_operations(0), 0u);
}

TEST_F(EmulatedMemory, AnUploadReadsItsSourceWhenItRuns) {
  std::vector<float> source = count_up(4);
  auto x = floats(4);
  upload_bytes(exec, source.data(), x.data(), x.bytes());
  source.assign(4, 0.0f);  // too early
  EXPECT_EQ(to_host(exec, x.view()).data()[3], 0.0f);
}

TEST_F(EmulatedMemory, FreeingIsOrderedOnTheStream) {
  auto y = floats(100);
  {
    auto x = floats(100);
    fill_zero(exec, x.view());
    for_each(exec, x.extents(), AddOne{x.view(), y.view()});
  }  // x is given back while the work on it is still to come
  EXPECT_EQ(to_host(exec, y.view()).data()[99], 1.0f);
}

TEST_F(EmulatedMemory, StreamsThatNothingOrdersAreSeenInBothOrders) {
  const auto run = [&](cuda_emulation::Order order) {
    cuda_emulation::set_order(order);
    Exec other = on_device(0);
    auto x = floats(1), y = floats(1);
    fill_zero(exec, x.view());
    exec.wait();
    for_each(exec, x.extents(), Store{x.view(), 41.0f});
    for_each(other, x.extents(), AddOne{x.view(), y.view()});  // should have waited for an event
    other.wait();
    const float got = to_host(other, y.view()).data()[0];
    exec.wait();
    return got;
  };
  EXPECT_EQ(run(cuda_emulation::Order::reverse), 42.0f);
  EXPECT_EQ(run(cuda_emulation::Order::forward), 1.0f);
}

TEST_F(EmulatedMemory, AnEventOrdersStreams) {
  for (auto order : {cuda_emulation::Order::forward, cuda_emulation::Order::reverse, cuda_emulation::Order::random}) {
    cuda_emulation::set_order(order);
    Exec other = on_device(0);
    auto x = floats(1), y = floats(1);
    for_each(exec, x.extents(), Store{x.view(), 41.0f});
    cudaEvent_t event{};
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    check(cudaEventRecord(event, exec.cuda().stream()));
    check(cudaStreamWaitEvent(other.cuda().stream(), event, 0));
    for_each(other, x.extents(), AddOne{x.view(), y.view()});
    EXPECT_EQ(to_host(other, y.view()).data()[0], 42.0f);
    check(cudaEventDestroy(event));
  }
}

TEST_F(EmulatedMemoryDeath, TheHostReadsDeviceMemory) {
  auto x = floats(10);
  fill_zero(exec, x.view());
  exec.wait();
  [[maybe_unused]] volatile float sink = 0;
  EXPECT_DEATH(sink = x.data()[3], "the host touched byte 12 of allocation");
}

TEST_F(EmulatedMemoryDeath, TheHostWritesDeviceMemory) {
  auto x = floats(10);
  exec.wait();
  EXPECT_DEATH(x.view()(0) = 1, "the host touched byte 0 of allocation");
}

TEST_F(EmulatedMemoryDeath, AKernelWritesOneElementTooFar) {
  auto x = floats(1000);
  EXPECT_DEATH(
      {
        for_each(exec, Extents<1>{1}, Store{x.view(), 1.0f, 1000});
        exec.wait();
      },
      "out of bounds: a kernel wrote beside allocation .*4000 bytes");
}

TEST_F(EmulatedMemoryDeath, AKernelWritesBeforeTheBeginning) {
  auto x = floats(10);
  EXPECT_DEATH(
      {
        for_each(exec, Extents<1>{1}, Store{x.view(), 1.0f, -1});
        exec.wait();
      },
      "out of bounds: a kernel wrote beside allocation");
}

TEST_F(EmulatedMemoryDeath, AKernelWritesFarTooFar) {
  auto x = floats(1000);
  EXPECT_DEATH(
      {
        for_each(exec, Extents<1>{2000}, Store{x.view(), 1.0f});
        exec.wait();
      },
      "device work touched byte [4-8][0-9]+ of allocation .*4000 bytes");
}

TEST_F(EmulatedMemoryDeath, AnotherStreamUsesMemoryThatIsNotYetAllocated) {
  cuda_emulation::set_order(cuda_emulation::Order::forward);
  Exec other = on_device(0);
  auto x = floats(10);  // nobody has waited for this stream
  EXPECT_DEATH(
      {
        for_each(other, x.extents(), Store{x.view(), 1.0f});
        other.wait();
      },
      "device work touched byte 0 of not yet allocated in stream order allocation");
}

TEST_F(EmulatedMemoryDeath, AKernelUsesFreedMemory) {
  EXPECT_DEATH(
      {
        Vector<float> gone;
        {
          auto x = floats(100);
          gone = x.view();
        }
        for_each(exec, gone.extents(), Store{gone, 1.0f});
        exec.wait();
      },
      "device work touched byte .* of freed allocation");
}

TEST_F(EmulatedMemory, ACopyOfFreedMemoryIsRefused) {
  Vector<float> gone;
  {
    auto x = floats(100);
    gone = x.view();
  }
  std::vector<float> target(100);
  EXPECT_THROW(download_bytes(exec, gone.data(), target.data(), 400), DeviceError);
}

TEST_F(EmulatedMemory, ACopyBeyondTheEndIsRefused) {
  auto x = floats(10);
  std::vector<float> target(11);
  EXPECT_THROW(download_bytes(exec, x.data(), target.data(), 44), DeviceError);
}

TEST_F(EmulatedMemory, ACopyInTheWrongDirectionIsRefused) {
  auto x = floats(10);
  std::vector<float> host(10);
  EXPECT_THROW(download_bytes(exec, host.data(), x.data(), 40), DeviceError);
  EXPECT_THROW(fill_bytes(exec, host.data(), 0, 40), DeviceError);
}

TEST_F(EmulatedMemoryDeath, MemoryIsFreedTwice) {
  EXPECT_DEATH(
      {
        void* x = exec.memory()->allocate(100);
        exec.memory()->deallocate(x, 100);
        exec.memory()->deallocate(x, 100);
      },
      "was freed before");
}

TEST_F(EmulatedMemoryDeath, AKernelIsGivenAHostPointer) {
  std::vector<float> host(100);
  const Vector<float> view(host.data(), Extents<1>{100});
  EXPECT_DEATH(for_each(exec, view.extents(), Store{view, 1.0f}), "was given the host address");
}

TEST_F(EmulatedMemoryDeath, AKernelIsGivenMemoryOfAnotherDevice) {
  Exec other = on_device(1);
  Array<float, 1> x(other, Extents<1>{10});
  EXPECT_DEATH(for_each(exec, x.extents(), Store{x.view(), 1.0f}),
               "kernel on device 0 was given the address .* of device 1");
}

TEST_F(EmulatedMemoryDeath, AMatrixProductHasAWrongLeadingDimension) {
  // 30 x 20 times 20 x 10, column-major, with the rows of the transposed matrices as leading dimension.
  Array<double, 1> a(exec, Extents<1>{600}), b(exec, Extents<1>{200}), c(exec, Extents<1>{300});
  const double one = 1, zero = 0;
  const auto multiply = [&](int lda, int ldb) {
    check(cublasDgemm(exec.cuda().cublas(), CUBLAS_OP_N, CUBLAS_OP_N, 30, 10, 20, &one, a.data(), lda, b.data(), ldb,
                      &zero, c.data(), 30));
  };
  multiply(30, 20);
  EXPECT_THROW(multiply(20, 20), DeviceError);  // too small: cuBLAS says so
  EXPECT_DEATH(multiply(40, 20), "cuBLAS gemm, matrix A: .* are not a block");
  EXPECT_DEATH(multiply(30, 30), "cuBLAS gemm, matrix B: .* are not a block");
  exec.wait();
}

TEST_F(EmulatedMemoryDeath, AMatrixProductRunsWithAnotherDeviceCurrent) {
  Array<double, 1> a(exec, Extents<1>{4}), c(exec, Extents<1>{4});
  const double one = 1, zero = 0;
  cublasHandle_t handle = exec.cuda().cublas();
  const DeviceGuard guard(1);
  EXPECT_DEATH(static_cast<void>(cublasDgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &one, a.data(), 2, a.data(), 2,
                                             &zero, c.data(), 2)),
               "cuBLAS gemm: the handle is of device 0, but device 1 is current");
  EXPECT_DEATH(static_cast<void>(cublasDsyrk(handle, CUBLAS_FILL_MODE_UPPER, CUBLAS_OP_N, 2, 2, &one, a.data(), 2,
                                             &zero, c.data(), 2)),
               "cuBLAS syrk: the handle is of device 0, but device 1 is current");
  EXPECT_DEATH(static_cast<void>(cublasDestroy(handle)), "cublasDestroy: the handle is of device 0");
}

TEST_F(EmulatedMemoryDeath, ADecompositionRunsWithAnotherDeviceCurrent) {
  Array<double, 1> a(exec, Extents<1>{100}), w(exec, Extents<1>{10}), space(exec, Extents<1>{1000});
  Array<int, 1> info(exec, Extents<1>{1});
  std::vector<char> host_space(1000);
  cusolverDnHandle_t handle = exec.cuda().cusolver();
  const DeviceGuard guard(1);
  EXPECT_DEATH(
      static_cast<void>(cusolverDnXsyevd(handle, exec.cuda().cusolver_params(), CUSOLVER_EIG_MODE_VECTOR,
                                         CUBLAS_FILL_MODE_LOWER, 10, CUDA_R_64F, a.data(), 10, CUDA_R_64F, w.data(),
                                         CUDA_R_64F, space.data(), 8000, host_space.data(), 1000, info.data())),
      "cuSOLVER syevd: the handle is of device 0, but device 1 is current");
  EXPECT_DEATH(static_cast<void>(cusolverDnDestroy(handle)), "cusolverDnDestroy: the handle is of device 0");
}

TEST_F(EmulatedMemoryDeath, ATransformRunsWithAnotherDeviceCurrent) {
  Array<double, 1> in(exec, Extents<1>{8}), out(exec, Extents<1>{10});
  const FftPlan plan = exec.cuda().fft_plan(CUFFT_D2Z, 8, 1);
  const DeviceGuard guard(1);
  EXPECT_DEATH(
      static_cast<void>(cufftExecD2Z(plan.handle, in.data(), reinterpret_cast<cufftDoubleComplex*>(out.data()))),
      "cuFFT: the handle is of device 0, but device 1 is current");
  EXPECT_DEATH(static_cast<void>(cufftDestroy(plan.handle)), "cufftDestroy: the handle is of device 0");
}

TEST_F(EmulatedMemoryDeath, ATransformHasNoWorkArea) {
  Array<double, 1> in(exec, Extents<1>{8}), out(exec, Extents<1>{10});
  const FftPlan plan = exec.cuda().fft_plan(CUFFT_D2Z, 8, 1);
  const auto transform = [&] {
    static_cast<void>(cufftExecD2Z(plan.handle, in.data(), reinterpret_cast<cufftDoubleComplex*>(out.data())));
  };
  EXPECT_DEATH(transform(), "has been given none");
  { const FftCall call(exec, plan); }
  EXPECT_DEATH(transform(), "cuFFT, work area: .* are not a block");  // given back already
}

TEST_F(EmulatedMemory, APoolGivesMemoryOfItsOwnDeviceOnly) {
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location = {cudaMemLocationTypeDevice, 1};
  cudaMemPool_t pool{};
  check(cudaMemPoolCreate(&pool, &properties));
  void* data = nullptr;
  EXPECT_EQ(cudaMallocFromPoolAsync(&data, 100, pool, exec.cuda().stream()), cudaErrorInvalidValue);
  check(cudaMemPoolDestroy(pool));
  EXPECT_EQ(cudaMemPoolDestroy(pool), cudaErrorInvalidValue);
}

TEST_F(EmulatedMemory, ATooSmallWorkspaceIsRefused) {
  Array<double, 1> a(exec, Extents<1>{100}), w(exec, Extents<1>{10});
  Array<int, 1> info(exec, Extents<1>{1});
  fill_zero(exec, a.view());
  std::size_t device_bytes = 0, host_bytes = 0;
  check(cusolverDnXsyevd_bufferSize(exec.cuda().cusolver(), exec.cuda().cusolver_params(), CUSOLVER_EIG_MODE_VECTOR,
                                    CUBLAS_FILL_MODE_LOWER, 10, CUDA_R_64F, a.data(), 10, CUDA_R_64F, w.data(),
                                    CUDA_R_64F, &device_bytes, &host_bytes));
  Array<char, 1> space(exec, Extents<1>{static_cast<index_t>(device_bytes)});
  std::vector<char> host_space(host_bytes);
  const auto decompose = [&](std::size_t bytes) {
    check(cusolverDnXsyevd(exec.cuda().cusolver(), exec.cuda().cusolver_params(), CUSOLVER_EIG_MODE_VECTOR,
                           CUBLAS_FILL_MODE_LOWER, 10, CUDA_R_64F, a.data(), 10, CUDA_R_64F, w.data(), CUDA_R_64F,
                           space.data(), bytes, host_space.data(), host_bytes, info.data()));
  };
  EXPECT_THROW(decompose(device_bytes - 1), DeviceError);
  decompose(device_bytes);
  EXPECT_EQ(to_host(exec, info.view()).data()[0], 0);
}

TEST_F(EmulatedMemory, DevicesHaveTheirOwnBudgets) {
  Exec other = on_device(1);
  const std::size_t before = cuda_emulation::bytes_in_use(1);
  cuda_emulation::set_memory(0, cuda_emulation::bytes_in_use(0) + 1000);
  EXPECT_THROW(floats(251), OutOfDeviceMemory);
  {
    const auto x = floats(250);
    EXPECT_THROW(floats(1), OutOfDeviceMemory);
  }
  const auto again = floats(250);
  const Array<float, 1> elsewhere(other, Extents<1>{251});
  EXPECT_EQ(cuda_emulation::bytes_in_use(1), before + 1004);
  cuda_emulation::set_memory(0, std::size_t{16} << 30);
}

std::ptrdiff_t mappings() {
  std::ifstream maps("/proc/self/maps");
  return std::count(std::istreambuf_iterator<char>(maps), {}, '\n');
}

/// The kernel grants a process some 65,000 of them.
TEST_F(EmulatedMemory, FreedMemoryTakesNoMappings) {
  const std::ptrdiff_t before = mappings();
  for (int i = 0; i < 300; ++i) {
    fill_zero(exec, Array<float, 1>(exec, Extents<1>{2000 + i}).view());
    exec.wait();
  }
  EXPECT_LT(mappings(), before + 30);
}

TEST_F(EmulatedMemory, NothingLeaks) {
  exec.wait();
  const int before = cuda_emulation::live_allocations(0);
  {
    Exec other = on_device(0);
    Array<float, 1> x(other, Extents<1>{10});
    Array<float, 1> y = std::move(x);
    x = Array<float, 1>(other, Extents<1>{5});
    EXPECT_EQ(cuda_emulation::live_allocations(0), before + 2);
  }
  EXPECT_EQ(cuda_emulation::live_allocations(0), before);
}

}  // namespace
}  // namespace hci::test
