// SPDX-License-Identifier: MIT
// Frames whose rows are more than 2^27 pixels apart, so that offsets pass 2^31 within a frame: address
// space that is reserved but, but for a page for each row, never there.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <random>

#include "kernels/core/copy.hpp"
#include "kernels/geometry/derotate_collapse.hpp"
#include "kernels/geometry/shift.hpp"

namespace hci::test {
namespace {

constexpr Extents<3> kShape{2, 21, 19};
constexpr index_t kRowStride = (index_t{1} << 27) + 5, kFrameStride = 24;

class FarStrides : public ::testing::TestWithParam<Path> {
 protected:
  void SetUp() override {
    bytes_ = static_cast<std::size_t>(kShape[1] * kRowStride) * sizeof(float);
    void* reserved = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) GTEST_SKIP() << "no address space of " << bytes_ << " bytes";
    far_ = {static_cast<float*>(reserved), kShape, {kFrameStride, kRowStride, 1}};
    std::mt19937 random(3);
    std::normal_distribution<float> noise;
    for (index_t t = 0; t < kShape[0]; ++t)
      for (index_t y = 0; y < kShape[1]; ++y)
        for (index_t x = 0; x < kShape[2]; ++x) near_.view()(t, y, x) = far_(t, y, x) = noise(random);
  }
  void TearDown() override {
    if (far_.data() != nullptr) munmap(far_.data(), bytes_);
  }
  Cube<const float> dense() const { return near_.view(); }

  Exec exec_{Exec::Options{.path = GetParam()}};
  std::size_t bytes_ = 0;
  Cube<float> far_;
  Array<float, 3> near_ = host_array<float, 3>(kShape), from_near_ = host_array<float, 3>(kShape),
                  from_far_ = host_array<float, 3>(kShape);
};

/// The tuned lanczos4 takes its portable way at such offsets, which adds in another order: 64 products whose
/// weights sum to at most 2.3 in size, of values up to 4, each sum rounded to 6e-8 of that.
void expect_same(const float* a, const float* b, index_t n, Rotation method) {
  for (index_t i = 0; i < n; ++i) {
    if (method == Rotation::lanczos4)
      ASSERT_NEAR(a[i], b[i], 5e-6) << i;
    else
      ASSERT_EQ(a[i], b[i]) << "method " << int(method) << ", " << i;
  }
}

constexpr Rotation kMethods[] = {Rotation::lanczos4, Rotation::bicubic, Rotation::nearest, Rotation::spline3,
                                 Rotation::fft};
const std::vector<double> kAngles = {33, -120};

TEST_P(FarStrides, AreNoMatterToARotation) {
  for (const Rotation method : kMethods) {
    derotate(exec_, dense(), kAngles, {.method = method}, from_near_.view());
    derotate(exec_, far_, kAngles, {.method = method}, from_far_.view());
    expect_same(from_near_.data(), from_far_.data(), from_far_.size(), method);
    if (method == Rotation::fft) continue;
    Array<float, 2> a = host_array<float, 2>({21, 19}), b = host_array<float, 2>({21, 19});
    derotate_collapse(exec_, dense(), kAngles, {.method = method}, {}, a.view());
    derotate_collapse(exec_, far_, kAngles, {.method = method}, {}, b.view());
    expect_same(a.data(), b.data(), a.size(), method);
  }
}

TEST_P(FarStrides, AreNoMatterToAShift) {
  for (const Rotation method : kMethods) {
    const std::vector<Shift> shifts{{1.3, -2.25}, {-4, 0.5}};
    shift(exec_, dense(), shifts, {.method = method}, from_near_.view());
    shift(exec_, far_, shifts, {.method = method}, from_far_.view());
    expect_same(from_near_.data(), from_far_.data(), from_far_.size(), method);
  }
}

TEST_P(FarStrides, AreNoMatterToAnOutput) {
  derotate(exec_, dense(), kAngles, {}, from_near_.view());
  derotate(exec_, dense(), kAngles, {}, far_);
  for (index_t t = 0; t < kShape[0]; ++t)
    for (index_t y = 0; y < kShape[1]; ++y)
      EXPECT_EQ(std::memcmp(&far_(t, y, 0), &from_near_.view()(t, y, 0), 19 * sizeof(float)), 0) << t << " " << y;
}

INSTANTIATE_TEST_SUITE_P(, FarStrides, ::testing::Values(Path::portable, Path::tuned));

}  // namespace
}  // namespace hci::test
