// SPDX-License-Identifier: MIT
#include "kernels/core/array.hpp"

#include "kernels/core/copy.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class OnArray : public OnEveryDevice {};

TEST_P(OnArray, CountsWhatIsInUse) {
  const auto& memory = exec().memory();
  const std::size_t before = memory->bytes_in_use();
  {
    const Array<double, 2> a(exec(), {3, 5});
    EXPECT_EQ(a.bytes(), 15 * sizeof(double));
    EXPECT_EQ(memory->bytes_in_use(), before + 120);
    const Array<float, 1> b(exec(), Extents<1>{10});
    EXPECT_EQ(memory->bytes_in_use(), before + 160);
  }
  EXPECT_EQ(memory->bytes_in_use(), before);
  EXPECT_EQ(memory->peak_bytes(), before + 160);
}

TEST_P(OnArray, Moves) {
  Array<float, 1> a(exec(), Extents<1>{10});
  const float* data = a.data();
  Array<float, 1> b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): that is the question
  EXPECT_EQ(b.data(), data);
  EXPECT_EQ(b.extent(0), 10);
  Array<float, 1> c(exec(), Extents<1>{3});
  c = std::move(b);
  EXPECT_EQ(c.data(), data);
  EXPECT_EQ(exec().memory()->bytes_in_use(), 40u);  // the block of 3 has gone
  static_assert(!std::is_copy_constructible_v<Array<float, 1>>);
}

TEST_P(OnArray, OfNothingIsAnArray) {
  const Array<float, 2> a(exec(), {0, 7});
  EXPECT_EQ(a.size(), 0);
  EXPECT_EQ(a.bytes(), 0u);
}

TEST_P(OnArray, OutlivesItsExec) {
  Array<float, 1> kept;
  {
    Exec other(GetParam().options);
    kept = Array<float, 1>(other, Extents<1>{1000});
    fill_zero(other, kept.view());
    other.wait();
  }
  EXPECT_EQ(to_host(exec(), kept.view()).data()[999], 0.0f);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(OnArray);

TEST(HostArray, IsPlainMemory) {
  Array<int, 2> a = host_array<int, 2>({2, 2});
  a.view()(1, 1) = 5;
  EXPECT_EQ(a.data()[3], 5);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data()) % 64, 0u);
}

#if defined(HCI_CHECKED)
TEST(CheckedArray, StartsAsNaN) {
  Exec exec;
  const Array<float, 1> a(exec, Extents<1>{100});
  for (index_t i = 0; i < 100; ++i) EXPECT_NE(a.view()(i), a.view()(i));
}
#endif

}  // namespace
}  // namespace hci::test
