// SPDX-License-Identifier: MIT
#pragma once
#include <utility>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// Owns a dense, uninitialised block of N axes on one device (NaN-filled in checked builds on the
/// CPU). Moves, never copies. Allocation and release are ordered on the Exec's stream.
template <class T, int N>
class Array {
 public:
  Array() = default;
  /// On the Exec's device.
  Array(Exec& exec, Extents<N> extents) : Array(exec.memory(), extents) {
#if defined(HCI_CHECKED)
    if constexpr (std::is_floating_point_v<T>)
      if (!exec.on_cuda())
        for (index_t i = 0; i < extents.size(); ++i) data_[i] = static_cast<T>(__builtin_nan(""));
#endif
  }
  /// In the given memory.
  Array(std::shared_ptr<Memory> memory, Extents<N> extents) : memory_(std::move(memory)), extents_(extents) {
    data_ = static_cast<T*>(memory_->allocate(bytes()));
  }
  Array(Array&& other) noexcept { swap(other); }
  Array& operator=(Array&& other) noexcept {
    Array(std::move(other)).swap(*this);
    return *this;
  }
  ~Array() {
    if (data_ != nullptr) memory_->deallocate(data_, bytes());
  }

  View<T, N> view() { return {data_, extents_}; }
  View<const T, N> view() const { return {data_, extents_}; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  const Extents<N>& extents() const { return extents_; }
  index_t extent(int axis) const { return extents_[axis]; }
  index_t size() const { return extents_.size(); }
  std::size_t bytes() const { return static_cast<std::size_t>(extents_.size()) * sizeof(T); }
  explicit operator bool() const { return data_ != nullptr; }

  void swap(Array& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(extents_, other.extents_);
  }

 private:
  std::shared_ptr<Memory> memory_;
  T* data_ = nullptr;
  Extents<N> extents_{};
};

/// An array in host memory, for whoever has no Exec: readers, tests.
template <class T, int N>
Array<T, N> host_array(Extents<N> extents) {
  return Array<T, N>(host_memory(), extents);
}

}  // namespace hci
