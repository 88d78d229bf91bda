// SPDX-License-Identifier: MIT
// What happens to fields on their way: coronagraph, masks, differences, intensities, and maps made of two.
#include <limits>
#include <vector>

#include "kernels/optics/matrix_fourier.hpp"
#include "kernels/optics/pupil.hpp"
#include "tests/kernels/optics/fields.hpp"

namespace hci::test {
namespace {

class Coronagraph : public OnEveryDevice {
 protected:
  Array<Complex, 3> without_coherent_part(const Array<float, 2>& aperture, double leak, const Array<Complex, 3>& host) {
    const auto on_device = to_device(exec(), aperture.view());
    auto fields = to_device(exec(), host.view());
    remove_coherent_part(exec(), on_device.view(), leak, fields.view());
    return to_host(exec(), read_only(fields));
  }
};

// The coherent field and what is wanted of it are rounded by their making, three times a part; what is taken from it as
// in WeighsByTheAperture. The other one's sum is 0: as many equal terms of either sign.
TEST_P(Coronagraph, TakesThePlaneWaveAndLeavesTheRest) {
  const index_t n = 10;
  auto aperture = host_array<float, 2>({n, n});
  auto host = host_array<Complex, 3>({2, n, n});
  for (index_t y = 0; y < n; ++y)
    for (index_t x = 0; x < n; ++x) {
      aperture.view()(y, x) = 0.7F;
      host.view()(0, y, x) = {0.7F * 0.6F, 0.7F * 0.8F};               // coherent with the aperture
      host.view()(1, y, x) = {(x + y) % 2 == 0 ? 0.7F : -0.7F, 0.0F};  // orthogonal to it
    }
  const auto got = without_coherent_part(aperture, 0.1, host);
  for (index_t i = 0; i < n * n; ++i) {
    EXPECT_LE(std::abs(wide(got.data()[i]) - Complexd(0.042, 0.056)),
              std::sqrt(2.0) * kRounding * (3 * 0.7 + 4 * 0.63 + 0.07) * 1.01);
    EXPECT_EQ(got.data()[n * n + i], host.data()[n * n + i]);
  }
}

// field - (1 - leak) a sum(a field) / sum(a^2). Sums are in double; the mean, 1 - leak, their two products with the
// aperture and the difference are rounded once each, the real part and the imaginary.
TEST_P(Coronagraph, WeighsByTheAperture) {
  for (const Extents<3> shape : {Extents<3>{3, 5, 7}, {1, 1, 1}, {2, 33, 4}, {1, 8, 65}, {40, 3, 3}})
    for (const double leak : {0.0, 0.25, 1.0}) {
      const auto aperture = grey_aperture(shape[1], shape[2]);
      const auto host = complex_noise(shape, 3);
      const auto got = without_coherent_part(aperture, leak, host);
      for (index_t e = 0; e < shape[0]; ++e) {
        Complexd sum = 0;
        double power = 0;
        for (index_t y = 0; y < shape[1]; ++y)
          for (index_t x = 0; x < shape[2]; ++x) {
            const double a = aperture.view()(y, x);
            sum += a * wide(host.view()(e, y, x));
            power += a * a;
          }
        for (index_t y = 0; y < shape[1]; ++y)
          for (index_t x = 0; x < shape[2]; ++x) {
            const Complexd taken = (1 - leak) * static_cast<double>(aperture.view()(y, x)) * sum / power;
            const Complexd want = wide(host.view()(e, y, x)) - taken;
            ASSERT_LE(std::abs(wide(got.view()(e, y, x)) - want),
                      std::sqrt(2.0) * kRounding * (4 * std::abs(taken) + std::abs(want)) * 1.01)
                << e << " " << y << " " << x << ", leak " << leak;
          }
      }
    }
}

TEST_P(Coronagraph, LeavesFieldsAloneWhereThereIsNoAperture) {
  auto dark = host_array<float, 2>({3, 4});
  std::fill_n(dark.data(), dark.size(), 0.0F);
  const auto host = complex_noise(Extents<3>{2, 3, 4}, 6);
  const auto got = without_coherent_part(dark, 0, host);
  for (index_t i = 0; i < host.size(); ++i) EXPECT_EQ(got.data()[i], host.data()[i]);
}

TEST_P(Coronagraph, SpoilsAFieldWithNaNAlone) {
  auto host = complex_noise(Extents<3>{3, 4, 5}, 7);
  host.view()(1, 2, 2) = {std::numeric_limits<float>::quiet_NaN(), 0};
  const auto got = without_coherent_part(grey_aperture(4, 5), 0.1, host);
  for (index_t i = 0; i < got.size(); ++i) EXPECT_EQ(is_nan(got.data()[i]), i / 20 == 1) << i;
}

// A tilt of (ty, tx) moves all light to that frequency: there the sum of n^2 unit phasors is n^2. Each phasor errs by
// 2 (2 pi + 4) roundings, and the two sums of n by n + 2 each.
TEST_P(Coronagraph, SeesATiltedStarWhereItIs) {
  const index_t n = 20;
  auto host = host_array<Complex, 3>({1, n, n});
  std::fill_n(host.data(), host.size(), Complex(1, 0));
  std::vector<double> positions;
  for (index_t i = 0; i < n; ++i) positions.push_back((static_cast<double>(i) + 0.5) / static_cast<double>(n) - 0.5);
  const auto in = to_device(exec(), host.view());
  Array<Complex, 3> tilted(exec(), in.extents()), out(exec(), {1, 1, 1});
  tilt_fields(exec(), in.view(), {{2.3, -4.1}}, tilted.view());
  const auto row = fourier_matrix(exec(), {2.3}, positions, -1, 1.0 / static_cast<double>(n));
  const auto column = fourier_matrix(exec(), {-4.1}, positions, -1, 1.0 / static_cast<double>(n));
  matrix_fourier(exec(), read_only(tilted), row.view(), column.view(), out.view());
  const double bound = std::sqrt(2.0) * kRounding * (2 * (kTwoPi + 4) + 2 * (20 + 2));
  EXPECT_LE(std::abs(wide(to_host(exec(), read_only(out)).data()[0]) - 1.0), bound);
}

// A product or a difference is rounded once, a blend thrice (of what it adds), the real part and the imaginary.
// Intensities are summed in double and rounded with their product and their sum.
TEST_P(Coronagraph, WorksOnFieldsOfAnyShapePointByPoint) {
  for (const Extents<3> shape : {Extents<3>{3, 5, 7}, {1, 1, 1}, {2, 33, 4}, {1, 8, 65}}) {
    const auto host = complex_noise(shape, 4);
    auto masking = host_array<float, 2>({shape[1], shape[2]}), before = host_array<float, 2>({shape[1], shape[2]});
    for (index_t i = 0; i < masking.size(); ++i) {
      masking.data()[i] = 0.3F * static_cast<float>(i % 4);
      before.data()[i] = static_cast<float>(i % 5);
    }
    masking.data()[0] = std::numeric_limits<float>::quiet_NaN();
    const auto mask = to_device(exec(), masking.view());
    const auto fields = to_device(exec(), host.view());
    auto masked = to_device(exec(), host.view()), rest = to_device(exec(), host.view());
    auto light = to_device(exec(), before.view());
    Array<Complex, 2> blend(exec(), {shape[1], shape[2]});
    mask_fields(exec(), mask.view(), masked.view());
    subtract_fields(exec(), read_only(masked), rest.view());
    add_intensity(exec(), fields.view(), 0.5, light.view());
    blend_maps(exec(), fields.view()[0], 0.6, fields.view()[shape[0] - 1], -0.8, 2, blend.view());
    const auto got = to_host(exec(), read_only(masked)), less = to_host(exec(), read_only(rest));
    const auto seen = to_host(exec(), read_only(light));
    const auto mixed = to_host(exec(), read_only(blend));
    for (index_t y = 0; y < shape[1]; ++y)
      for (index_t x = 0; x < shape[2]; ++x) {
        double intensity = 0;
        for (index_t e = 0; e < shape[0]; ++e) {
          const Complexd field = wide(host.view()(e, y, x));
          intensity += std::norm(field);
          const double m = masking.view()(y, x);
          if (std::isnan(m)) {
            ASSERT_TRUE(is_nan(got.view()(e, y, x)) && is_nan(less.view()(e, y, x)));
            continue;
          }
          const double rounding = std::sqrt(2.0) * kRounding * std::abs(field) * 1.01;
          ASSERT_LE(std::abs(wide(got.view()(e, y, x)) - m * field), m * rounding);
          ASSERT_LE(std::abs(wide(less.view()(e, y, x)) - (1 - m) * field), (m + std::fabs(1 - m)) * rounding);
        }
        const double sum = static_cast<double>(before.view()(y, x)) + 0.5 * intensity;
        ASSERT_NEAR(seen.view()(y, x), sum, 2.01 * kRounding * sum);
        const Complexd first = 0.6 * wide(host.view()(0, y, x)), last = -0.8 * wide(host.view()(shape[0] - 1, y, x));
        const Complexd want((first + last).real(), 2 * (first + last).imag());
        ASSERT_LE(std::abs(wide(mixed.view()(y, x)) - want),
                  std::sqrt(2.0) * kRounding * 2 * 3.01 * (std::abs(first) + std::abs(last)));
      }
  }
}

TEST_P(Coronagraph, TakesNoFieldsToo) {
  const auto grey = grey_aperture(3, 5);
  const auto aperture = to_device(exec(), grey.view());
  Array<Complex, 3> none(exec(), {0, 3, 5});
  remove_coherent_part(exec(), aperture.view(), 0, none.view());
  mask_fields(exec(), aperture.view(), none.view());
  subtract_fields(exec(), none.view(), none.view());
  const auto seven = [] {
    auto frame = host_array<float, 2>({3, 5});
    std::fill_n(frame.data(), frame.size(), 7.0F);
    return frame;
  }();
  auto light = to_device(exec(), seven.view());
  add_intensity(exec(), none.view(), 1, light.view());
  const auto after = to_host(exec(), read_only(light));
  for (index_t i = 0; i < 15; ++i) EXPECT_EQ(after.data()[i], 7.0F);
}

TEST_P(Coronagraph, RefusesShapesThatDoNotFit) {
  for (const index_t exposures : {0, 2}) {
    const Array<float, 2> map(exec(), {5, 3});
    Array<float, 2> frame(exec(), {5, 3});
    Array<Complex, 3> fields(exec(), {exposures, 3, 5}), fewer(exec(), {exposures + 1, 3, 5});
    EXPECT_THROW(remove_coherent_part(exec(), map.view(), 0, fields.view()), InvalidInput);
    EXPECT_THROW(mask_fields(exec(), map.view(), fields.view()), InvalidInput);
    EXPECT_THROW(add_intensity(exec(), fields.view(), 1, frame.view()), InvalidInput);
    EXPECT_THROW(subtract_fields(exec(), fewer.view(), fields.view()), InvalidInput);
  }
  Array<Complex, 2> out(exec(), {3, 5}), other(exec(), {5, 3});
  EXPECT_THROW(blend_maps(exec(), other.view(), 1, out.view(), 1, 1, out.view()), InvalidInput);
  EXPECT_THROW(blend_maps(exec(), out.view(), 1, other.view(), 1, 1, out.view()), InvalidInput);
}

TEST_P(Coronagraph, RefusesALeakThatIsNoFraction) {
  const Array<float, 2> aperture(exec(), {3, 5});
  Array<Complex, 3> fields(exec(), {1, 3, 5});
  for (const double leak : {-0.01, 1.01, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_THROW(remove_coherent_part(exec(), aperture.view(), leak, fields.view()), InvalidInput) << leak;
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Coronagraph);

}  // namespace
}  // namespace hci::test
