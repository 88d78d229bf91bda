// SPDX-License-Identifier: MIT
// The field in the pupil: aperture, bench and air, and tilts.
#include <limits>
#include <vector>

#include "kernels/optics/pupil.hpp"
#include "tests/kernels/optics/fields.hpp"

namespace hci::test {
namespace {

class PupilFields : public OnEveryDevice {
 protected:
  static constexpr double kWavelength = 1600;  // nm

  struct Light {
    Array<float, 2> aperture;
    Array<Complex, 2> bench;
    Array<Complex, 3> air;
  };
  /// Path differences of 200 nm rms; amplitude errors of 5 %.
  static Light light(Extents<2> aperture, Extents<2> bench, Extents<3> air) {
    Light l{grey_aperture(aperture[0], aperture[1]), complex_noise(bench, 1, 200), complex_noise(air, 2, 200)};
    for (index_t i = 0; i < l.bench.size(); ++i) l.bench.data()[i].imag(0.05F * l.bench.data()[i].imag() / 200);
    return l;
  }
  Array<Complex, 3> fields_of(const Light& l, index_t exposures) {
    const auto aperture = to_device(exec(), l.aperture.view());
    const auto bench = to_device(exec(), l.bench.view());
    const auto air = to_device(exec(), l.air.view());
    Array<Complex, 3> fields(exec(), {exposures, l.aperture.extent(0), l.aperture.extent(1)});
    pupil_fields(exec(), aperture.view(), bench.view(), air.view(), kWavelength, fields.view());
    return to_host(exec(), read_only(fields));
  }
};

// Roundings: the path's sum, the wave number and their product, 3 of the phase in all; a sine or cosine errs by 2 more,
// the amplitude by 2, the product by 1. Each counts for the real and for the imaginary part.
TEST_P(PupilFields, AreTheFormulaAtEveryPointOfEveryExposure) {
  struct Case {
    index_t exposures;
    Extents<2> aperture, bench;
    Extents<3> air;
  };
  const Case cases[] = {{4, {6, 6}, {6, 6}, {1, 6, 6}},    {11, {6, 9}, {8, 13}, {3, 7, 16}},
                        {9, {9, 5}, {9, 7}, {4, 16, 16}},  {1, {1, 1}, {1, 1}, {1, 1, 1}},
                        {6, {1, 40}, {2, 41}, {2, 3, 64}}, {2, {37, 3}, {64, 64}, {5, 64, 64}}};
  for (const Case& c : cases) {
    const Light l = light(c.aperture, c.bench, c.air);
    const auto got = fields_of(l, c.exposures);
    for (index_t e = 0; e < c.exposures; ++e)
      for (index_t y = 0; y < c.aperture[0]; ++y)
        for (index_t x = 0; x < c.aperture[1]; ++x) {
          const Complexd bench = wide(l.bench.view()(y, x)), air = wide(l.air.view()(e / 4, y, x));
          const double paths[] = {air.real(), -air.real(), air.imag(), -air.imag()};
          const double phase = kTwoPi * (paths[e % 4] + bench.real()) / kWavelength;
          const double amplitude = static_cast<double>(l.aperture.view()(y, x)) * (1 + bench.imag());
          const double bound = std::sqrt(2.0) * amplitude * kRounding * (3 * std::fabs(phase) + 5);
          ASSERT_LE(std::abs(wide(got.view()(e, y, x)) - std::polar(amplitude, phase)), bound)
              << e << " " << y << " " << x;
        }
  }
}

TEST_P(PupilFields, AreDarkBesideTheApertureWhateverTheMapsSay) {
  Light l = light({4, 5}, {4, 5}, {1, 4, 5});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  l.bench.view()(0, 3) = {nan, nan};  // dark
  l.bench.view()(2, 1) = {nan, 0};    // not
  const auto got = fields_of(l, 4);
  ASSERT_EQ(l.aperture.view()(0, 3), 0.0F);
  for (index_t e = 0; e < 4; ++e)
    for (index_t y = 0; y < 4; ++y)
      for (index_t x = 0; x < 5; ++x) {
        ASSERT_EQ(is_nan(got.view()(e, y, x)), y == 2 && x == 1) << e << " " << y << " " << x;
        if (l.aperture.view()(y, x) == 0) {
          ASSERT_EQ(got.view()(e, y, x), Complex(0, 0));
        }
      }
}

TEST_P(PupilFields, MayBeNoneAtAll) {
  Array<float, 2> aperture(exec(), {3, 5});
  Array<Complex, 2> bench(exec(), {3, 5});
  Array<Complex, 3> none(exec(), {0, 3, 5}), wrong(exec(), {0, 3, 4});
  pupil_fields(exec(), aperture.view(), bench.view(), none.view(), kWavelength, none.view());
  tilt_fields(exec(), none.view(), {}, none.view());
  EXPECT_THROW(pupil_fields(exec(), aperture.view(), bench.view(), none.view(), kWavelength, wrong.view()),
               InvalidInput);
  exec().wait();
}

TEST_P(PupilFields, RefuseMapsThatDoNotFit) {
  const Array<float, 2> aperture(exec(), {3, 5});
  struct Case {
    Extents<2> bench;
    Extents<3> air, fields;
    double wavelength;
  };
  const Case cases[] = {
      {{2, 5}, {2, 3, 5}, {8, 3, 5}, 1000}, {{3, 4}, {2, 3, 5}, {8, 3, 5}, 1000}, {{3, 5}, {2, 2, 5}, {8, 3, 5}, 1000},
      {{3, 5}, {2, 3, 4}, {8, 3, 5}, 1000}, {{3, 5}, {2, 3, 5}, {9, 3, 5}, 1000}, {{5, 5}, {2, 5, 5}, {8, 5, 3}, 1000},
      {{3, 5}, {2, 3, 5}, {8, 3, 5}, 0},    {{3, 5}, {2, 3, 5}, {8, 3, 5}, -1},   {{3, 5}, {2, 3, 5}, {8, 3, 5}, NAN}};
  for (const Case& c : cases) {
    const Array<Complex, 2> bench_of(exec(), c.bench);
    const Array<Complex, 3> air_of(exec(), c.air);
    Array<Complex, 3> fields_of(exec(), c.fields);
    EXPECT_THROW(pupil_fields(exec(), aperture.view(), bench_of.view(), air_of.view(), c.wavelength, fields_of.view()),
                 InvalidInput)
        << &c - cases;
  }
}

// The phase, below 2 pi in float, and the sine or cosine err by 2 pi + 2 roundings, the product by 2.
TEST_P(PupilFields, TiltEachByItsOwn) {
  for (const Extents<3> shape : {Extents<3>{3, 5, 7}, {1, 1, 1}, {4, 1, 33}, {2, 40, 3}}) {
    const auto host = complex_noise(shape, 5);
    std::vector<std::array<double, 2>> tilts;
    for (index_t e = 0; e < shape[0]; ++e)
      tilts.push_back({2.3 - 40.7 * static_cast<double>(e), -4.1 + 3.25 * static_cast<double>(e * e)});
    const auto in = to_device(exec(), host.view());
    Array<Complex, 3> out(exec(), shape);
    tilt_fields(exec(), in.view(), tilts, out.view());
    const auto got = to_host(exec(), read_only(out));
    for (index_t e = 0; e < shape[0]; ++e)
      for (index_t y = 0; y < shape[1]; ++y)
        for (index_t x = 0; x < shape[2]; ++x) {
          const double fy = (static_cast<double>(y) + 0.5) / static_cast<double>(shape[1]) - 0.5;
          const double fx = (static_cast<double>(x) + 0.5) / static_cast<double>(shape[2]) - 0.5;
          const auto& [ty, tx] = tilts[static_cast<std::size_t>(e)];
          const Complexd want = wide(host.view()(e, y, x)) * std::polar(1.0, kTwoPi * (ty * fy + tx * fx));
          ASSERT_LE(std::abs(wide(got.view()(e, y, x)) - want), 2 * std::abs(want) * kRounding * (kTwoPi + 2 + 2))
              << e << " " << y << " " << x;
        }
  }
}

TEST_P(PupilFields, RefuseTiltsThatDoNotFit) {
  Array<Complex, 3> in(exec(), {2, 3, 5}), other(exec(), {2, 5, 3});
  EXPECT_THROW(tilt_fields(exec(), in.view(), {{0, 0}, {0, 0}}, other.view()), InvalidInput);
  EXPECT_THROW(tilt_fields(exec(), in.view(), {{0, 0}}, in.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(PupilFields);

}  // namespace
}  // namespace hci::test
