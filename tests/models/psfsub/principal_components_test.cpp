// SPDX-License-Identifier: MIT
#include "models/psfsub/principal_components.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/core/copy.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class PrincipalComponentsTest : public OnEveryDevice {};
HCI_INSTANTIATE_ON_EVERY_DEVICE(PrincipalComponentsTest);

/// Frames s_j u_j v_jᵀ with cosines for the v_j (p = 24): orthogonal images of known strength.
Array<float, 2> known_frames(const std::vector<double>& strengths) {
  const index_t t = static_cast<index_t>(strengths.size()) + 2, p = 24;
  auto frames = host_array<float, 2>({t, p});
  for (index_t i = 0; i < t; ++i)
    for (index_t x = 0; x < p; ++x) {
      double sum = 0;
      for (std::size_t j = 0; j < strengths.size(); ++j) {
        const double k = static_cast<double>(j + 1), row = static_cast<double>(i) + 0.5,
                     pixel = static_cast<double>(x) + 0.5;
        const double u = std::sqrt(2.0 / static_cast<double>(t)) * std::cos(M_PI * k * row / static_cast<double>(t));
        const double v = std::sqrt(2.0 / static_cast<double>(p)) * std::cos(M_PI * k * pixel / static_cast<double>(p));
        sum += strengths[j] * u * v;
      }
      frames.view()(i, x) = static_cast<float>(sum);
    }
  return frames;
}

// The matrix is rounded to float32, 6e-8 of values of 5: singular values move by less than 1e-5, images
// by 1e-5 over the least gap (1).
TEST_P(PrincipalComponentsTest, OfAMatrixMadeFromThem) {
  const std::vector<double> strengths{5, 3, 2};
  const auto host = known_frames(strengths);
  const auto frames = to_device(exec(), host.view());
  const auto found = principal_components(exec(), frames.view(), 4);
  ASSERT_EQ(found.singular_values.size(), 5U);
  const double total = 25 + 9 + 4;
  double sum = 0;
  for (std::size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(found.singular_values[j], strengths[j], 1e-5);
    sum += strengths[j] * strengths[j];
    EXPECT_NEAR(found.explained[j], sum / total, 1e-5);
  }
  EXPECT_NEAR(found.explained[4], 1, 1e-15);
  const auto images = to_host(exec(), found.images.view());
  for (index_t j = 0; j < 3; ++j) {
    const double sign = images.view()(j, 0) > 0 ? 1 : -1;
    for (index_t x = 0; x < 24; ++x) {
      const double want =
          std::sqrt(2.0 / 24) * std::cos(M_PI * static_cast<double>(j + 1) * (static_cast<double>(x) + 0.5) / 24);
      EXPECT_NEAR(sign * images.view()(j, x), want, 1e-5) << "component " << j << ", pixel " << x;
    }
  }
}

// Scaled by temp-mean, equal frames are nothing; a frame with NaN has no components.
TEST_P(PrincipalComponentsTest, RefusesWhatHasNone) {
  auto host = host_array<float, 2>({3, 7});
  for (index_t i = 0; i < host.size(); ++i) host.data()[i] = static_cast<float>(i % 7);
  const auto equal = to_device(exec(), host.view());
  EXPECT_THROW(principal_components(exec(), equal.view(), 1, Scaling::temp_mean), InvalidInput);
  EXPECT_THROW(principal_components(exec(), equal.view(), 0), InvalidInput);
  EXPECT_THROW(principal_components(exec(), equal.view(), 4), InvalidInput);
  host.view()(1, 2) = NAN;
  const auto broken = to_device(exec(), host.view());
  EXPECT_THROW(principal_components(exec(), broken.view(), 1), InvalidInput);
}

TEST(CountForShare, IsTheLeastThatHoldsIt) {
  EXPECT_EQ(count_for_share({6, 3, 1, -1e-9}, 0.6), 1);
  EXPECT_EQ(count_for_share({6, 3, 1, -1e-9}, 0.61), 2);
  EXPECT_EQ(count_for_share({6, 3, 1, -1e-9}, 1.0), 3);
}

}  // namespace
}  // namespace hci::test
