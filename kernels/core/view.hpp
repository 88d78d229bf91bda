// SPDX-License-Identifier: MIT
#pragma once
#include <cassert>
#include <cstdint>
#include <type_traits>

/// Marks what runs on both sides. Empty where no CUDA compiler reads the file.
#if defined(__CUDACC__)
#define HCI_HD __host__ __device__
#else
#define HCI_HD
#endif

#if defined(HCI_CHECKED)
#define HCI_ASSERT(condition) assert(condition)
#else
#define HCI_ASSERT(condition) static_cast<void>(0)
#endif

namespace hci {

/// Indices and sizes: 64 bits everywhere, since a cube may hold more than 2^31 pixels.
using index_t = std::int64_t;

/// Sizes (or strides) of N axes, slowest first.
template <int N>
struct Extents {
  index_t n[N];

  HCI_HD constexpr index_t operator[](int axis) const { return n[axis]; }
  HCI_HD constexpr index_t& operator[](int axis) { return n[axis]; }
  HCI_HD constexpr index_t size() const {
    index_t product = 1;
    for (int axis = 0; axis < N; ++axis) product *= n[axis];
    return product;
  }
  HCI_HD constexpr Extents<N> dense_strides() const {
    Extents<N> strides{};
    index_t step = 1;
    for (int axis = N - 1; axis >= 0; --axis) {
      strides.n[axis] = step;
      step *= n[axis];
    }
    return strides;
  }
  HCI_HD friend constexpr bool operator==(const Extents& a, const Extents& b) {
    for (int axis = 0; axis < N; ++axis)
      if (a.n[axis] != b.n[axis]) return false;
    return true;
  }
};
template <class... I>
Extents(I...) -> Extents<int(sizeof...(I))>;

/// A window on memory that somebody else owns: pointer, extents and strides (in elements), passed
/// by value, readable on host and device. It says nothing about which device the memory is on: the
/// Exec that goes with it does. Bounds are checked in checked builds (HCI_CHECKED).
template <class T, int N>
class View {
 public:
  using value_type = std::remove_const_t<T>;

  View() = default;
  /// Dense, row-major.
  HCI_HD View(T* data, Extents<N> extents) : data_(data), extents_(extents), strides_(extents.dense_strides()) {}
  HCI_HD View(T* data, Extents<N> extents, Extents<N> strides) : data_(data), extents_(extents), strides_(strides) {}
  /// A view that may write is a view that may read.
  template <class U>
  requires(std::is_const_v<T>&& std::is_same_v<U, value_type>) HCI_HD
      View(const View<U, N>& other)  // NOLINT(google-explicit-constructor): as T* to const T*
      : data_(other.data()), extents_(other.extents()), strides_(other.strides()) {}

  template <class... I>
  requires(sizeof...(I) == N) HCI_HD T& operator()(I... indices) const {
    const index_t index[N] = {static_cast<index_t>(indices)...};
    index_t offset = 0;
    for (int axis = 0; axis < N; ++axis) {
      HCI_ASSERT(index[axis] >= 0 && index[axis] < extents_[axis]);
      offset += index[axis] * strides_[axis];
    }
    return data_[offset];
  }

  /// The sub-view at index i of the slowest axis: a frame of a cube, a row of a matrix.
  HCI_HD View<T, N - 1> operator[](index_t i) const requires(N > 1) {
    HCI_ASSERT(i >= 0 && i < extents_[0]);
    Extents<N - 1> extents{}, strides{};
    for (int axis = 1; axis < N; ++axis) {
      extents[axis - 1] = extents_[axis];
      strides[axis - 1] = strides_[axis];
    }
    return {data_ + i * strides_[0], extents, strides};
  }

  HCI_HD T* data() const { return data_; }
  HCI_HD index_t extent(int axis) const { return extents_[axis]; }
  HCI_HD index_t stride(int axis) const { return strides_[axis]; }
  HCI_HD const Extents<N>& extents() const { return extents_; }
  HCI_HD const Extents<N>& strides() const { return strides_; }
  HCI_HD index_t size() const { return extents_.size(); }
  HCI_HD bool is_dense() const { return strides_ == extents_.dense_strides(); }

 private:
  T* data_ = nullptr;
  Extents<N> extents_{};
  Extents<N> strides_{};
};

template <class T>
using SpectralCube = View<T, 4>;  ///< (t, λ, y, x)
template <class T>
using Cube = View<T, 3>;  ///< (t, y, x)
template <class T>
using Frame = View<T, 2>;  ///< (y, x)
template <class T>
using Matrix = View<T, 2>;  ///< (row, column)
template <class T>
using Vector = View<T, 1>;  ///< (i)

/// Frame t of a cube.
template <class T>
HCI_HD Frame<T> frame_of(const Cube<T>& cube, index_t t) {
  return cube[t];
}

/// Indices first .. first + count of the slowest axis.
template <class T, int N>
HCI_HD View<T, N> slice(const View<T, N>& view, index_t first, index_t count) {
  HCI_ASSERT(first >= 0 && first + count <= view.extent(0));
  Extents<N> extents = view.extents();
  extents[0] = count;
  return {view.data() + first * view.stride(0), extents, view.strides()};
}

/// A cube seen as a matrix with one row for each frame and one column for each pixel. Frames must
/// be dense; rows may be apart (the stride of the first axis is kept).
template <class T>
HCI_HD Matrix<T> as_matrix(const Cube<T>& cube) {
  HCI_ASSERT(cube.stride(2) == 1 && cube.stride(1) == cube.extent(2));
  return {cube.data(), {cube.extent(0), cube.extent(1) * cube.extent(2)}, {cube.stride(0), 1}};
}

/// A dense view as one long vector.
template <class T, int N>
HCI_HD Vector<T> flattened(const View<T, N>& view) {
  HCI_ASSERT(view.is_dense());
  return {view.data(), Extents<1>{view.size()}};
}

}  // namespace hci
