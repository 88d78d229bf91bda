// SPDX-License-Identifier: MIT
#pragma once
#include <cstring>
#include <vector>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"

namespace hci {

/// Raw copies on the Exec's stream, dense memory. The host memory of an upload must stay as it is,
/// and that of a download is valid, only from the next exec.wait(). On the CPU all three are
/// memcpy at once.
void upload_bytes(Exec& exec, const void* host, void* device, std::size_t bytes);
void download_bytes(Exec& exec, const void* device, void* host, std::size_t bytes);
void copy_bytes(Exec& exec, const void* from, void* to, std::size_t bytes);
/// Sets bytes on the Exec's device.
void fill_bytes(Exec& exec, void* device, unsigned char value, std::size_t bytes);

template <class T, int N>
std::size_t bytes_of(const View<T, N>& view) {
  return static_cast<std::size_t>(view.size()) * sizeof(T);
}

/// Host to the Exec's device; dense views of the same extents. See upload_bytes for lifetimes.
template <class T, int N>
void upload(Exec& exec, View<const T, N> host, View<T, N> device) {
  require(host.extents() == device.extents() && host.is_dense() && device.is_dense(),
          "upload: shapes differ or are not dense");
  upload_bytes(exec, host.data(), device.data(), bytes_of(host));
}

/// The Exec's device to the host; valid after exec.wait().
template <class T, int N>
void download(Exec& exec, View<const T, N> device, View<T, N> host) {
  require(host.extents() == device.extents() && host.is_dense() && device.is_dense(),
          "download: shapes differ or are not dense");
  download_bytes(exec, device.data(), host.data(), bytes_of(host));
}

/// Within the Exec's device.
template <class T, int N>
void copy(Exec& exec, View<const T, N> from, View<T, N> to) {
  require(from.extents() == to.extents() && from.is_dense() && to.is_dense(), "copy: shapes differ or are not dense");
  copy_bytes(exec, from.data(), to.data(), bytes_of(from));
}

/// Zeros (all bits) everywhere in a dense view on the Exec's device.
template <class T, int N>
void fill_zero(Exec& exec, View<T, N> view) {
  require(view.is_dense(), "fill_zero: the view is not dense");
  fill_bytes(exec, view.data(), 0, bytes_of(view));
}

/// A new array on the Exec's device with the host view's values; the view must live until exec.wait().
template <class T, int N>
Array<std::remove_const_t<T>, N> to_device(Exec& exec, View<T, N> host) {
  Array<std::remove_const_t<T>, N> array(exec, host.extents());
  upload(exec, View<const std::remove_const_t<T>, N>(host), array.view());
  return array;
}

/// A new vector on the Exec's device; the Exec keeps the host values as long as it needs them.
template <class T>
Array<T, 1> to_device(Exec& exec, std::vector<T> values) {
  auto kept = std::make_shared<const std::vector<T>>(std::move(values));
  Array<T, 1> array(exec, Extents<1>{static_cast<index_t>(kept->size())});
  exec.keep_until_wait(kept);  // before: keeping may throw, and then nothing may be under way
  upload_bytes(exec, kept->data(), array.data(), array.bytes());
  return array;
}

/// A new host array with the device view's values. Waits.
template <class T, int N>
Array<std::remove_const_t<T>, N> to_host(Exec& exec, View<T, N> device) {
  auto array = host_array<std::remove_const_t<T>, N>(device.extents());
  download(exec, View<const std::remove_const_t<T>, N>(device), array.view());
  exec.wait();
  return array;
}

/// Input on the Exec's device without a needless copy: on the CPU the host view itself, on CUDA an
/// uploaded copy that lives as long as this object. The host view must live until exec.wait().
template <class T, int N>
class DeviceInput {
 public:
  DeviceInput(Exec& exec, View<const T, N> host) : view_(host) {
    if (!exec.on_cuda()) return;
    copy_ = to_device(exec, host);
    view_ = static_cast<const Array<T, N>&>(copy_).view();
  }
  View<const T, N> view() const { return view_; }

 private:
  Array<T, N> copy_;
  View<const T, N> view_;
};

}  // namespace hci
