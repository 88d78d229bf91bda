// SPDX-License-Identifier: MIT
// Values are compared with the reference by the golden snrmap_approx; here are the facts around it.
#include "kernels/stats/snr_map_approximated.hpp"

#include <cmath>
#include <limits>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

class ApproximatedSnrMap : public OnEveryDevice {
 protected:
  Array<float, 2> map(const Array<float, 2>& frame, double fwhm) {
    const auto in = to_device(exec(), frame.view());
    Array<float, 2> out(exec(), frame.extents());
    snr_map_approximated(exec(), in.view(), fwhm, out.view());
    return to_host(exec(), std::as_const(out).view());
  }
};

TEST_P(ApproximatedSnrMap, CoversItsAnnulusAndIsZeroAround) {
  const auto got = map(noise<2>({32, 41}, 1), 4);
  for (index_t y = 0; y < 32; ++y)
    for (index_t x = 0; x < 41; ++x) {
      const double r = std::hypot(static_cast<double>(y - 16), static_cast<double>(x - 20));
      EXPECT_EQ(got.view()(y, x) != 0, r >= 3 && r < 12) << y << " " << x;
    }
}

TEST_P(ApproximatedSnrMap, DoesNotDependOnTheUnit) {
  auto frame = noise<2>({31, 31}, 2);
  const auto before = map(frame, 4.5);
  for (index_t i = 0; i < frame.size(); ++i) frame.data()[i] *= 4;  // exact
  const auto after = map(frame, 4.5);
  for (index_t i = 0; i < frame.size(); ++i) EXPECT_EQ(after.data()[i], before.data()[i]);
}

// A disc of 8 on noise of unit variance: the averages over 13 pixels have a noise of about 0.28, and
// the flanks of the source, outside the pixels that are hidden, may take half of that S/N of 29.
TEST_P(ApproximatedSnrMap, FindsASourceAtItsPlace) {
  auto frame = noise<2>({41, 41}, 3);
  for (index_t y = 0; y < 41; ++y)
    for (index_t x = 0; x < 41; ++x)
      if ((y - 25) * (y - 25) + (x - 11) * (x - 11) <= 4) frame.view()(y, x) += 8;
  const auto got = map(frame, 4);
  index_t best = 0;
  for (index_t i = 0; i < got.size(); ++i)
    if (got.data()[i] > got.data()[best]) best = i;
  EXPECT_EQ(best, 25 * 41 + 11);
  EXPECT_GT(got.data()[best], 10);
}

TEST_P(ApproximatedSnrMap, LeavesMaskedPixelsOut) {
  auto frame = noise<2>({31, 31}, 4);
  frame.view()(15, 20) = std::numeric_limits<float>::quiet_NaN();
  const auto one = map(frame, 4);
  for (index_t i = 0; i < one.size(); ++i) EXPECT_TRUE(std::isfinite(one.data()[i]));
  for (index_t y = 10; y <= 20; ++y)
    for (index_t x = 18; x <= 28; ++x) frame.view()(y, x) = std::numeric_limits<float>::quiet_NaN();
  const auto many = map(frame, 4);
  EXPECT_TRUE(std::isnan(many.view()(15, 23)));
  EXPECT_TRUE(std::isfinite(many.view()(15, 7)));
}

TEST_P(ApproximatedSnrMap, OfASmallFrameIsZero) {
  EXPECT_EQ(map(noise<2>({1, 1}, 5), 4).data()[0], 0);
  const auto got = map(noise<2>({9, 9}, 6), 4);
  for (index_t i = 0; i < got.size(); ++i) EXPECT_EQ(got.data()[i], 0);
  EXPECT_THROW(map(noise<2>({9, 9}, 7), 0), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(ApproximatedSnrMap);

}  // namespace
}  // namespace hci::test
