// SPDX-License-Identifier: MIT
#pragma once
// What the tests of the image filters share: frames, and a border of their own making.
#include <sys/mman.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "kernels/core/copy.hpp"
#include "kernels/geometry/rotate.hpp"

namespace hci::test {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// White noise on a slope; about one pixel in `one_masked_in` is NaN (0: none).
inline Array<float, 3> noisy_frames(Extents<3> extents, unsigned one_masked_in = 0, unsigned seed = 1) {
  auto frames = host_array<float, 3>(extents);
  std::mt19937 random(seed);
  std::normal_distribution<float> noise(0, 10);
  for (index_t i = 0; i < frames.size(); ++i) {
    frames.data()[i] = noise(random) + 0.1F * static_cast<float>(i % 97);
    if (one_masked_in > 0 && random() % one_masked_in == 0) frames.data()[i] = kNaN;
  }
  return frames;
}

/// The pixel that lies at i when an axis of n pixels goes on as the border says; -1: a zero. By
/// walking, one pixel at a time.
inline index_t walked(index_t i, index_t n, Border border) {
  if (i >= 0 && i < n) return i;
  if (border == Border::constant) return -1;
  if (border == Border::edge) return i < 0 ? 0 : n - 1;
  if (n == 1) return 0;
  index_t at = i < 0 ? 0 : n - 1;
  int step = i < 0 ? -1 : 1;
  for (index_t left = i < 0 ? -i : i - n + 1; left > 0; --left) {
    const index_t next = at + step;
    if (next >= 0 && next < n) {
      at = next;
    } else if (border == Border::wrap) {
      at = next < 0 ? n - 1 : 0;
    } else {
      step = -step;
      if (border == Border::reflect) at += step;  // symmetric: the edge pixel comes twice
    }
  }
  return at;
}

/// Frames that lie 2^31 + 5 floats apart in host memory: address space of which a few pages are used.
class FarFrames {
 public:
  FarFrames(index_t frames, index_t ny, index_t nx)
      : bytes_(std::size_t(kApart * (frames - 1) + ny * nx) * sizeof(float)),
        data_(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)),
        extents_{frames, ny, nx} {}
  FarFrames(const FarFrames&) = delete;
  FarFrames& operator=(const FarFrames&) = delete;
  ~FarFrames() {
    if (there()) munmap(data_, bytes_);
  }
  bool there() const { return data_ != MAP_FAILED; }
  Cube<float> view() const { return {static_cast<float*>(data_), extents_, {kApart, extents_[2], 1}}; }

 private:
  static constexpr index_t kApart = (index_t{1} << 31) + 5;
  std::size_t bytes_;
  void* data_;
  Extents<3> extents_;
};

inline void copy_pixels(const Cube<const float>& from, const Cube<float>& to) {
  for (index_t t = 0; t < from.extent(0); ++t)
    for (index_t y = 0; y < from.extent(1); ++y)
      for (index_t x = 0; x < from.extent(2); ++x) to(t, y, x) = from(t, y, x);
}

}  // namespace hci::test
