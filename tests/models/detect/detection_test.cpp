// SPDX-License-Identifier: MIT
#include "models/detect/detection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/image/psf_fit.hpp"
#include "models/detect/snr.hpp"
#include "tests/support/data.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/fits_array.hpp"

namespace hci::test {
namespace {

class FindPeak : public OnEveryDevice {
 protected:
  Detection found(Frame<const float> frame, double fwhm) {
    const auto device_frame = to_device(exec(), frame);
    Array<float, 2> map(exec(), frame.extents());
    snr_map(exec(), device_frame.view(), {.fwhm = fwhm}, map.view());
    return find_peak(exec(), device_frame.view(), std::as_const(map).view(), fwhm);
  }
};

// Position error of a fit: s sqrt(2 / pi) / A = 0.008 px for all pixels (see psf_fit_test); the square
// of 7 x 7 px holds half of that knowledge and more. Five times 0.012 px.
TEST_P(FindPeak, GivesPlaceDirectionAndFluxOfAPlanet) {
  const double fwhm = 4.5, peak = 100;
  for (const Extents<2> extents : {Extents<2>{71, 71}, {70, 64}}) {
    for (const double theta : {20.0, 110.0, 200.0, 290.0}) {
      const double cy = double(extents[0] / 2), cx = double(extents[1] / 2), r = 17.3;
      const double y = cy + r * std::sin(theta * std::numbers::pi / 180);
      const double x = cx + r * std::cos(theta * std::numbers::pi / 180);
      auto frame = draw_psf(extents, {.amplitude = peak, .y = y, .x = x, .fwhm_y = fwhm, .fwhm_x = fwhm});
      std::mt19937 random(7);
      std::normal_distribution<float> noise;
      for (index_t i = 0; i < frame.size(); ++i) frame.data()[i] += noise(random);
      const Detection got = found(std::as_const(frame).view(), fwhm);
      EXPECT_TRUE(got.refined);
      EXPECT_NEAR(got.y, y, 0.06);
      EXPECT_NEAR(got.x, x, 0.06);
      EXPECT_NEAR(got.radius, r, 0.06);
      EXPECT_NEAR(got.theta, theta, 0.3);
      EXPECT_NEAR(got.pa_from_up, theta < 90 ? theta + 270 : theta - 90, 0.3);
      EXPECT_LE(std::hypot(got.y - double(got.pixel_y), got.x - double(got.pixel_x)), fwhm / 2);
      // Half of the Gaussian's flux, 4 % less for pixels' sampling; noise 4.
      const double half = peak * std::numbers::pi * fwhm * fwhm / (8 * std::numbers::ln2);
      EXPECT_NEAR(got.flux, half, 0.06 * half);
      EXPECT_GT(got.snr, 50);
      EXPECT_LT(got.significance, got.snr);
      EXPECT_GT(got.significance, 8.2);
      const auto device_frame = to_device(exec(), std::as_const(frame).view());
      EXPECT_NEAR(flux_ratio(exec(), device_frame.view(), {got.y, got.x}, fwhm, 4 * got.flux), 0.25, 1e-12);
    }
  }
}

TEST_P(FindPeak, StaysAtThePixelWhereNoFitIsGood) {
  // A map that points to a place of the frame with nothing but a slope.
  auto frame = host_array<float, 2>({31, 31});
  for (index_t y = 0; y < 31; ++y)
    for (index_t x = 0; x < 31; ++x) frame.view()(y, x) = static_cast<float>(x);
  auto map = host_array<float, 2>({31, 31});
  std::fill_n(map.data(), map.size(), std::numeric_limits<float>::quiet_NaN());
  map.view()(3, 30) = 2;
  const auto device_frame = to_device(exec(), std::as_const(frame).view());
  const auto device_map = to_device(exec(), std::as_const(map).view());
  const Detection got = find_peak(exec(), device_frame.view(), device_map.view(), 4);
  EXPECT_FALSE(got.refined);
  EXPECT_EQ(got.y, 3);
  EXPECT_EQ(got.x, 30);
  EXPECT_EQ(got.snr, 2);
  map.view()(3, 30) = std::numeric_limits<float>::quiet_NaN();
  const auto empty = to_device(exec(), std::as_const(map).view());
  EXPECT_THROW(find_peak(exec(), device_frame.view(), empty.view(), 4), InvalidInput);
  EXPECT_THROW(flux_ratio(exec(), device_frame.view(), {3, 3}, 4, 0), InvalidInput);
}

// The reference's reduced frame of the real sequence, star centred; position by forward modelling.
TEST_P(FindPeak, SeesBetaPictorisB) {
  HCI_NEEDS_SHARED();
  const FitsArray golden = read_fits_array(*shared_folder() / "goldens/naco_betapic/cen_pca_nc7_opencv.fits");
  const Frame<const float> frame(golden.values.data(), {golden.shape[0], golden.shape[1]});
  const Detection got = found(frame, 4.800919);
  EXPECT_TRUE(got.refined);
  EXPECT_NEAR(got.x, 61.742, 0.5);
  EXPECT_NEAR(got.y, 61.755, 0.5);
  EXPECT_GT(got.snr, 7);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(FindPeak);

}  // namespace
}  // namespace hci::test
