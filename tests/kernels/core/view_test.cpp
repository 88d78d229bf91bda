// SPDX-License-Identifier: MIT
#include "kernels/core/view.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <numeric>
#include <vector>

namespace hci::test {
namespace {

TEST(View, IsRowMajor) {
  std::vector<int> values(2 * 3 * 4);
  std::iota(values.begin(), values.end(), 0);
  const View<int, 3> view(values.data(), {2, 3, 4});
  EXPECT_EQ(view.strides(), (Extents<3>{12, 4, 1}));
  EXPECT_EQ(view.size(), 24);
  EXPECT_TRUE(view.is_dense());
  for (index_t t = 0; t < 2; ++t)
    for (index_t y = 0; y < 3; ++y)
      for (index_t x = 0; x < 4; ++x) EXPECT_EQ(view(t, y, x), (t * 3 + y) * 4 + x);
}

TEST(View, SubViewsSeeTheSameMemory) {
  std::vector<float> values(5 * 3 * 2, 0.0f);
  const Cube<float> cube(values.data(), {5, 3, 2});
  cube[4](2, 1) = 7;
  frame_of(cube, 3)[1](0) = 8;
  EXPECT_EQ(values[4 * 6 + 2 * 2 + 1], 7);
  EXPECT_EQ(values[3 * 6 + 1 * 2 + 0], 8);
  const Cube<float> part = slice(cube, 3, 2);
  EXPECT_EQ(part.extents(), (Extents<3>{2, 3, 2}));
  EXPECT_EQ(part(1, 2, 1), 7);
  EXPECT_TRUE(part.is_dense());
}

TEST(View, StridesMaySkipAndTurnBack) {
  std::vector<int> values(12);
  std::iota(values.begin(), values.end(), 0);
  const View<int, 2> every_other(values.data(), {3, 2}, {4, 2});
  EXPECT_EQ(every_other(2, 1), 10);
  EXPECT_FALSE(every_other.is_dense());
  const View<int, 1> backwards(values.data() + 11, Extents<1>{12}, Extents<1>{-1});
  EXPECT_EQ(backwards(0), 11);
  EXPECT_EQ(backwards(11), 0);
  const View<int, 2> broadcast(values.data() + 3, {100, 100}, {0, 0});
  EXPECT_EQ(broadcast(99, 99), 3);
}

TEST(View, AMatrixOfACubeKeepsTheDistanceOfItsFrames) {
  std::vector<int> values(4 * 10);
  std::iota(values.begin(), values.end(), 0);
  const Cube<int> cube(values.data(), {4, 2, 3}, {10, 3, 1});  // frames are 4 elements apart
  const Matrix<int> matrix = as_matrix(cube);
  EXPECT_EQ(matrix.extents(), (Extents<2>{4, 6}));
  EXPECT_EQ(matrix.strides(), (Extents<2>{10, 1}));
  EXPECT_EQ(matrix(3, 5), cube(3, 1, 2));
  EXPECT_FALSE(matrix.is_dense());
  EXPECT_EQ(flattened(Cube<int>(values.data(), {4, 2, 5})).extent(0), 40);
}

TEST(View, ReadsThroughAConstView) {
  std::vector<float> values(6, 2.5f);
  const Frame<float> writable(values.data(), {2, 3});
  const Frame<const float> readable = writable;
  EXPECT_EQ(readable(1, 2), 2.5f);
  static_assert(!std::is_convertible_v<Frame<const float>, Frame<float>>);
  static_assert(std::is_trivially_copyable_v<Frame<float>>);
}

TEST(View, IndexesBeyondTwoToThe31) {
  // Address space for 20 GB, of which three pages are touched.
  const Extents<3> extents{2, 50000, 50000};
  const std::size_t bytes = static_cast<std::size_t>(extents.size()) * sizeof(float);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* data = static_cast<float*>(memory);
  const Cube<float> cube(data, extents);
  ASSERT_GT(extents.size(), index_t{1} << 32);
  cube(1, 49999, 49999) = 1;
  EXPECT_EQ(data[4999999999], 1);
  frame_of(cube, 1)(0, 7) = 2;
  EXPECT_EQ(data[2500000007], 2);
  EXPECT_EQ(as_matrix(cube)(1, 2499999999), 1);
  EXPECT_EQ(slice(cube, 1, 1)(0, 49999, 49999), 1);
  munmap(memory, bytes);
}

TEST(View, AnAxisOfNothingMakesAnEmptyView) {
  const Cube<float> cube(nullptr, {0, 5, 5});
  EXPECT_EQ(cube.size(), 0);
  EXPECT_TRUE(cube.is_dense());
}

}  // namespace
}  // namespace hci::test
