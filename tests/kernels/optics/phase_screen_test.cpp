// SPDX-License-Identifier: MIT
// Random maps: which numbers are drawn, and what statistics they have.
#include "kernels/optics/phase_screen.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/image/fft2.hpp"
#include "kernels/random/philox.hpp"
#include "tests/kernels/optics/fields.hpp"

namespace hci::test {
namespace {

constexpr std::uint64_t kSeed = 0x123456789abcdefULL;
constexpr std::uint32_t kPurpose = 7;

class PhaseScreen : public OnEveryDevice {
 protected:
  Array<Complex, 3> drawn(const Array<float, 2>& amplitude, const std::vector<ScreenEpoch>& epochs,
                          std::uint64_t seed = kSeed, std::uint32_t purpose = kPurpose) {
    const auto on_device = to_device(exec(), amplitude.view());
    Array<Complex, 3> modes(exec(), {static_cast<index_t>(epochs.size()), amplitude.extent(0), amplitude.extent(1)});
    draw_modes(exec(), seed, purpose, epochs, on_device.view(), modes.view());
    return to_host(exec(), read_only(modes));
  }
  Array<Complex, 2> renewed(const Array<float, 2>& amplitude, std::uint64_t step, double keep,
                            const Array<Complex, 2>& before) {
    const auto on_device = to_device(exec(), amplitude.view());
    auto modes = to_device(exec(), before.view());
    renew_modes(exec(), kSeed, kPurpose, step, keep, on_device.view(), modes.view());
    return to_host(exec(), read_only(modes));
  }
};

/// The two normal numbers of a mode of map `epoch`, of a stream of its own, on the host.
Complexd normals(std::uint64_t epoch, index_t mode, std::uint64_t seed = kSeed, std::uint32_t purpose = kPurpose) {
  RandomStream random(seed, purpose, epoch << 24 | static_cast<std::uint64_t>(mode));
  const double real = random.normal(), imag = random.normal();
  return {real, imag};
}

const Extents<2> kShapes[] = {{1, 1}, {3, 5}, {16, 1}, {2, 33}, {9, 8}};

// A number is the same double on every device and rounded to float once; its weight, their sum and the amplitude round
// once more each, the real part and the imaginary.
TEST_P(PhaseScreen, DrawsTheSameNumbersOnEveryDevice) {
  const std::vector<ScreenEpoch> epochs = {{0, 1, 0}, {5, 0.6F, 0.8F}, {std::uint64_t{1} << 39, 0, 1}, {6, 1, 0}};
  for (const Extents<2>& shape : kShapes) {
    const auto amplitude = grey_aperture(shape[0], shape[1]);
    const auto got = drawn(amplitude, epochs);
    for (index_t e = 0; e < 4; ++e)
      for (index_t v = 0; v < shape[0]; ++v)
        for (index_t u = 0; u < shape[1]; ++u) {
          const ScreenEpoch& epoch = epochs[static_cast<std::size_t>(e)];
          const double a = amplitude.view()(v, u), now = epoch.now, next = epoch.next;
          const index_t mode = v * shape[1] + u;
          const Complexd first = now * normals(epoch.index, mode), second = next * normals(epoch.index + 1, mode);
          ASSERT_LE(std::abs(wide(got.view()(e, v, u)) - a * (first + second)),
                    std::sqrt(2.0) * kRounding * 5.01 * a * (std::abs(first) + std::abs(second)))
              << e << " " << v << " " << u;
        }
  }
}

TEST_P(PhaseScreen, DrawsAMapTheSameBesideAnyOthers) {
  const auto amplitude = grey_aperture(9, 8);
  const ScreenEpoch epoch{41, 0.6F, 0.8F};
  const auto alone = drawn(amplitude, {epoch}), among = drawn(amplitude, {{3, 1, 0}, {42, 1, 0}, epoch, {40, 1, 0}});
  auto sparse = grey_aperture(9, 8);
  for (index_t i = 0; i < sparse.size(); ++i)
    if (i % 2 == 0) sparse.data()[i] = 0;
  const auto fewer = drawn(sparse, {epoch});
  for (index_t i = 0; i < 72; ++i) {
    ASSERT_EQ(among.data()[2 * 72 + i], alone.data()[i]) << i;
    ASSERT_EQ(fewer.data()[i], i % 2 == 0 ? Complex(0, 0) : alone.data()[i]) << i;
  }
}

// Normal numbers of 53 bits: two are never equal.
TEST_P(PhaseScreen, DrawsOthersForAnotherSeedPurposeOrMap) {
  const auto amplitude = grey_aperture(9, 8);
  const auto one = drawn(amplitude, {{41, 1, 0}});
  const Array<Complex, 3> others[] = {drawn(amplitude, {{41, 1, 0}}, kSeed + 1), drawn(amplitude, {{42, 1, 0}}),
                                      drawn(amplitude, {{41, 1, 0}}, kSeed, kPurpose + 1),
                                      drawn(amplitude, {{41, 1, 0}}, kSeed + (std::uint64_t{1} << 32))};
  for (const auto& other : others)
    for (index_t i = 0; i < 72; ++i)
      if (amplitude.data()[i] != 0) {
        ASSERT_NE(one.data()[i], other.data()[i]) << i;
      }
}

// What is fresh is map `step` of draw_modes, to the last bit where nothing is kept, and nothing is read there.
TEST_P(PhaseScreen, RenewsFromTheMapOfTheStep) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Extents<2>& shape : kShapes) {
    const auto amplitude = grey_aperture(shape[0], shape[1]);
    const auto fresh = drawn(amplitude, {{12, 1, 0}});
    auto before = host_array<Complex, 2>(shape);
    std::fill_n(before.data(), before.size(), Complex(nan, nan));
    const auto started = renewed(amplitude, 12, 0, before);
    for (index_t i = 0; i < started.size(); ++i) ASSERT_EQ(started.data()[i], fresh.data()[i]) << i;

    const auto old = complex_noise(shape, 8);
    const auto kept = renewed(amplitude, 12, 1, old);
    for (index_t i = 0; i < kept.size(); ++i) ASSERT_EQ(kept.data()[i], old.data()[i]) << i;

    // Both weights, both products and the sum round once each, the product with the amplitude, too, and `fresh` did.
    const auto mixed = renewed(amplitude, 12, 0.28, old);
    for (index_t i = 0; i < mixed.size(); ++i) {
      const Complexd first = 0.28 * wide(old.data()[i]), second = 0.96 * wide(fresh.data()[i]);
      ASSERT_LE(std::abs(wide(mixed.data()[i]) - (first + second)),
                std::sqrt(2.0) * kRounding * 5.01 * (std::abs(first) + std::abs(second)))
          << i;
    }
  }
}

TEST_P(PhaseScreen, DrawsNoMapsToo) { EXPECT_EQ(drawn(grey_aperture(3, 4), {}).size(), 0); }

TEST_P(PhaseScreen, RefusesWhatDoesNotFit) {
  const Array<float, 2> amplitude(exec(), {3, 4});
  Array<Complex, 3> modes(exec(), {2, 3, 4}), turned(exec(), {1, 4, 3}), none(exec(), {0, 4, 3});
  EXPECT_THROW(draw_modes(exec(), 1, 1, {{0, 1, 0}}, amplitude.view(), modes.view()), InvalidInput);
  EXPECT_THROW(draw_modes(exec(), 1, 1, {{0, 1, 0}}, amplitude.view(), turned.view()), InvalidInput);
  EXPECT_THROW(draw_modes(exec(), 1, 1, {}, amplitude.view(), none.view()), InvalidInput);
  for (const double keep : {-0.01, 1.01, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_THROW(renew_modes(exec(), 1, 1, 0, keep, amplitude.view(), modes.view()[0]), InvalidInput) << keep;
  EXPECT_THROW(renew_modes(exec(), 1, 1, 0, 0.5, amplitude.view(), turned.view()[0]), InvalidInput);
  // Never looked at.
  const Frame<const float> large(nullptr, {4096, 4097});
  EXPECT_THROW(draw_modes(exec(), 1, 1, {{0, 1, 0}}, large, Cube<Complex>(nullptr, {1, 4096, 4097})), InvalidInput);
  EXPECT_THROW(renew_modes(exec(), 1, 1, 0, 0.5, large, Frame<Complex>(nullptr, {4096, 4097})), InvalidInput);
}

/// Amplitudes with power in all modes but piston, steep as turbulence.
Array<float, 2> steep_modes(index_t n) {
  auto amplitude = host_array<float, 2>({n, n});
  for (index_t v = 0; v < n; ++v)
    for (index_t u = 0; u < n; ++u) {
      const double k = std::hypot(static_cast<double>(std::min(v, n - v)), static_cast<double>(std::min(u, n - u)));
      amplitude.view()(v, u) = k == 0 ? 0.0F : static_cast<float>(std::pow(k, -11.0 / 6));
    }
  return amplitude;
}

// The structure function of maps with known mode variances is 2 sum A^2 (1 - cos k.r), exactly. Over S
// independent maps, one pair of points each, its estimate is chi-squared: a relative standard error of
// sqrt(2 / S). Bound: 5 of them.
TEST_P(PhaseScreen, HasTheStructureFunctionOfItsSpectrum) {
  const index_t n = 16, maps = 200;
  const auto host = steep_modes(n);
  const auto amplitude = to_device(exec(), host.view());
  std::vector<ScreenEpoch> epochs;
  for (index_t e = 0; e < maps; ++e) epochs.push_back({static_cast<std::uint64_t>(3 * e), 0.6F, 0.8F});
  Array<Complex, 3> modes(exec(), {maps, n, n});
  draw_modes(exec(), 11, 1, epochs, amplitude.view(), modes.view());
  fft2(exec(), modes.view(), modes.view(), FftDirection::backward);
  const auto screens = to_host(exec(), read_only(modes));
  for (const index_t r : {1, 3, 8}) {
    double got = 0, want = 0;
    for (index_t e = 0; e < maps; ++e)
      got += static_cast<double>(std::norm(screens.view()(e, 5, 2 + r) - screens.view()(e, 5, 2)));
    for (index_t v = 0; v < n; ++v)
      for (index_t u = 0; u < n; ++u)
        want += 2 * std::pow(static_cast<double>(host.view()(v, u)), 2) *
                (1 - std::cos(kTwoPi * static_cast<double>(u * r) / static_cast<double>(n)));
    const auto count = static_cast<double>(2 * maps);
    EXPECT_NEAR(got / count / want, 1, 5 * std::sqrt(2.0 / count)) << "at distance " << r;
  }
}

// AR(1): after one step the correlation is `keep`, and the variance stays. Mean over 2 n^2 independent
// pairs of normal numbers: standard error of a product below sqrt(2 / (2 n^2)). Bound: 5.
TEST_P(PhaseScreen, ForgetsAtTheRateAskedFor) {
  const index_t n = 64;
  auto white = host_array<float, 2>({n, n});
  std::fill_n(white.data(), white.size(), 1.0F);
  const auto amplitude = to_device(exec(), white.view());
  Array<Complex, 2> modes(exec(), {n, n});
  renew_modes(exec(), 5, 2, 0, 0.0, amplitude.view(), modes.view());
  const auto before = to_host(exec(), read_only(modes));
  renew_modes(exec(), 5, 2, 1, 0.8, amplitude.view(), modes.view());
  const auto after = to_host(exec(), read_only(modes));
  double product = 0, variance = 0;
  const double count = 2.0 * static_cast<double>(n * n);
  for (index_t i = 0; i < n * n; ++i) {
    const auto a = before.data()[i], b = after.data()[i];
    product += static_cast<double>(a.real() * b.real() + a.imag() * b.imag()) / count;
    variance += static_cast<double>(std::norm(b)) / count;
  }
  EXPECT_NEAR(product, 0.8, 5 * std::sqrt(2 / count));
  EXPECT_NEAR(variance, 1, 5 * std::sqrt(2 / count));
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(PhaseScreen);

}  // namespace
}  // namespace hci::test
