// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/support/devices.hpp"
#if defined(HCI_CUDA_EMULATED)
#include "cuda_emulation/control.hpp"
#endif

namespace hci::test {

/// Host memory of which only what is touched is taken.
class SparseMemory final : public Memory {
 public:
  void* allocate(std::size_t bytes) override {
    void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED) throw std::bad_alloc();
    return data;
  }
  void deallocate(void* data, std::size_t bytes) noexcept override { munmap(data, bytes); }
};

/// From one row to the next: each is beyond 2^31 elements from the first.
constexpr index_t kFar = (index_t{1} << 31) + 5;

/// A matrix on the Exec's device whose rows lie far apart: on the CPU and the emulated device addresses of
/// which a few pages are used.
template <class T>
class FarRows {
 public:
  /// Rows as those of `dense` (rows, columns).
  FarRows(Exec& exec, const std::vector<T>& dense, index_t rows, index_t columns, index_t apart = kFar)
      : exec_(exec),
        store_(exec.on_cuda() ? std::shared_ptr<Memory>(exec.memory()) : std::make_shared<SparseMemory>(),
               {apart * (rows - 1) + columns}),
        rows_(rows),
        columns_(columns),
        apart_(apart) {
    for (index_t t = 0; t < rows; ++t)
      upload_bytes(exec, dense.data() + t * columns, store_.data() + t * apart,
                   static_cast<std::size_t>(columns) * sizeof(T));
    exec.wait();
  }
  Matrix<T> view() { return {store_.data(), {rows_, columns_}, {apart_, 1}}; }
  /// The same as a batch of one.
  View<T, 3> batch() { return {store_.data(), {1, rows_, columns_}, {apart_ * rows_, apart_, 1}}; }
  /// Each row as a frame of ny x nx = columns.
  Cube<T> frames(index_t ny, index_t nx) { return {store_.data(), {rows_, ny, nx}, {apart_, nx, 1}}; }
  /// What is there now, row after row. Waits.
  std::vector<T> values() {
    std::vector<T> dense(static_cast<std::size_t>(rows_ * columns_));
    for (index_t t = 0; t < rows_; ++t)
      download_bytes(exec_, store_.data() + t * apart_, dense.data() + t * columns_,
                     static_cast<std::size_t>(columns_) * sizeof(T));
    exec_.wait();
    return dense;
  }

 private:
  Exec& exec_;
  Array<T, 1> store_;
  index_t rows_, columns_, apart_;
};

/// Base of tests with such rows: the emulated device has addresses enough; skips where there are none.
class WithFarRows : public OnEveryDevice {
 protected:
  void SetUp() override {
    OnEveryDevice::SetUp();
    if (IsSkipped()) return;
#if defined(HCI_CUDA_EMULATED)
    if (exec().on_cuda()) cuda_emulation::set_memory(0, std::size_t{100} << 30);
#endif
    try {  // as much as any test takes
      const std::vector<double> values{0, 0};
      const FarRows<double> one(exec(), values, 2, 1), two(exec(), values, 2, 1), three(exec(), values, 2, 1);
    } catch (const OutOfDeviceMemory&) {
      GTEST_SKIP() << "the device has no room for rows so far apart";
    } catch (const std::bad_alloc&) {
      GTEST_SKIP() << "this machine has no addresses for rows so far apart";
    }
  }
  void TearDown() override {
#if defined(HCI_CUDA_EMULATED)
    if (!IsSkipped() && exec().on_cuda()) cuda_emulation::set_memory(0, std::size_t{16} << 30);
#endif
  }
};

}  // namespace hci::test
