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

/// A matrix on the Exec's device whose rows lie 2^31 + 5 elements apart: on the CPU and the emulated device
/// addresses of which a few pages are used.
template <class T>
class FarRows {
 public:
  /// Rows as those of `dense` (rows, columns).
  FarRows(Exec& exec, const std::vector<T>& dense, index_t rows, index_t columns)
      : exec_(exec),
        store_(exec.on_cuda() ? std::shared_ptr<Memory>(exec.memory()) : std::make_shared<SparseMemory>(),
               {kApart * (rows - 1) + columns}),
        rows_(rows),
        columns_(columns) {
    for (index_t t = 0; t < rows; ++t)
      upload_bytes(exec, dense.data() + t * columns, store_.data() + t * kApart,
                   static_cast<std::size_t>(columns) * sizeof(T));
    exec.wait();
  }
  Matrix<T> view() { return {store_.data(), {rows_, columns_}, {kApart, 1}}; }
  /// The same as a batch of one.
  View<T, 3> batch() { return {store_.data(), {1, rows_, columns_}, {kApart * rows_, kApart, 1}}; }
  /// What is there now, row after row. Waits.
  std::vector<T> values() {
    std::vector<T> dense(static_cast<std::size_t>(rows_ * columns_));
    for (index_t t = 0; t < rows_; ++t)
      download_bytes(exec_, store_.data() + t * kApart, dense.data() + t * columns_,
                     static_cast<std::size_t>(columns_) * sizeof(T));
    exec_.wait();
    return dense;
  }

 private:
  static constexpr index_t kApart = (index_t{1} << 31) + 5;
  Exec& exec_;
  Array<T, 1> store_;
  index_t rows_, columns_;
};

}  // namespace hci::test
