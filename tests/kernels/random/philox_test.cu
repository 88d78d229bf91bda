// SPDX-License-Identifier: MIT
#include "kernels/random/philox.hpp"

#include <cmath>
#include <vector>

#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

void expect_words(PhiloxBlock got, PhiloxBlock want) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(got.word[i], want.word[i]) << i;
}

// Known answers that the authors of Philox publish with Random123.
TEST(Philox, GivesThePublishedKnownAnswers) {
  expect_words(philox4x32({{0, 0, 0, 0}}, 0, 0), {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
  const std::uint32_t ones = 0xffffffff;
  expect_words(philox4x32({{ones, ones, ones, ones}}, ones, ones), {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
  expect_words(philox4x32({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0),
               {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

enum class Draw { uniform, normal, poisson };

/// One number of each item's stream.
struct DrawOne {
  Draw draw;
  double mean;
  View<double, 1> out;
  HCI_HD void operator()(index_t i) const {
    RandomStream random(/*seed=*/20261123, /*purpose=*/3, static_cast<std::uint64_t>(i));
    out(i) = draw == Draw::uniform ? random.uniform() : draw == Draw::normal ? random.normal() : random.poisson(mean);
  }
};

Array<double, 1> drawn(Exec& exec, Draw draw, double mean, index_t count) {
  Array<double, 1> out(exec, Extents<1>{count});
  for_each(exec, out.extents(), DrawOne{draw, mean, out.view()});
  return to_host(exec, out.view());
}

/// Mean and the central moments 2 and 3.
struct Moments {
  double mean = 0, second = 0, third = 0;
};
Moments moments(const Array<double, 1>& values) {
  Moments m;
  const double n = static_cast<double>(values.size());
  for (index_t i = 0; i < values.size(); ++i) m.mean += values.data()[i] / n;
  for (index_t i = 0; i < values.size(); ++i) {
    const double d = values.data()[i] - m.mean;
    m.second += d * d / n;
    m.third += d * d * d / n;
  }
  return m;
}

class Random : public OnEveryDevice {};
constexpr index_t kDraws = 200000;
// Every bound below is 5 standard errors of that moment for kDraws draws; the seed is fixed.
const double kRoot = std::sqrt(double(kDraws));

TEST_P(Random, UniformsFillTheOpenUnitInterval) {
  const auto values = drawn(exec(), Draw::uniform, 0, kDraws);
  for (index_t i = 0; i < kDraws; ++i) ASSERT_TRUE(values.data()[i] > 0 && values.data()[i] < 1);
  const Moments m = moments(values);
  EXPECT_NEAR(m.mean, 0.5, 5 * std::sqrt(1.0 / 12) / kRoot);
  EXPECT_NEAR(m.second, 1.0 / 12, 5 * std::sqrt(1.0 / 180) / kRoot);  // var of (x - 1/2)^2: 1/80 - 1/144
}

/// Several numbers of each kind, one kind after the other: each stream goes through many blocks of the generator.
constexpr index_t kOfEach = 5;
struct DrawMany {
  View<double, 2> out;  // (item, 3 * kOfEach): uniforms, normals, Poisson numbers
  HCI_HD void operator()(index_t i) const {
    RandomStream random(/*seed=*/std::uint64_t{77} << 33, /*purpose=*/9, static_cast<std::uint64_t>(i) << 20);
    for (index_t n = 0; n < kOfEach; ++n) out(i, n) = random.uniform();
    for (index_t n = 0; n < kOfEach; ++n) out(i, kOfEach + n) = random.normal();
    for (index_t n = 0; n < kOfEach; ++n) out(i, 2 * kOfEach + n) = random.poisson(n % 2 == 0 ? 2.5 : 700);
  }
};

/// Uniforms bit by bit. Normals to the last bits of log, sqrt and cos (two units in the last place of a GPU's, of
/// numbers up to 8.4, the largest that 52 bits give). Poisson numbers, whole ones, are the same unless a uniform falls
/// within such rounding of a border: not once in so few.
TEST_P(Random, NumbersAreTheSameOnEveryDevice) {
  constexpr index_t kItems = 500;
  const auto many = [](Exec& exec) {
    Array<double, 2> out(exec, {kItems, 3 * kOfEach});
    for_each(exec, Extents<1>{kItems}, DrawMany{out.view()});
    return to_host(exec, out.view());
  };
  Exec cpu;
  const auto here = many(cpu), there = many(exec());
  for (index_t i = 0; i < kItems; ++i)
    for (index_t n = 0; n < kOfEach; ++n) {
      ASSERT_EQ(here.view()(i, n), there.view()(i, n)) << i;
      ASSERT_NEAR(here.view()(i, kOfEach + n), there.view()(i, kOfEach + n), 3 * 2.3e-16 * 8.4) << i;
      ASSERT_EQ(here.view()(i, 2 * kOfEach + n), there.view()(i, 2 * kOfEach + n)) << i;
    }
  for (index_t n = 1; n < kOfEach; ++n) EXPECT_NE(here.view()(0, n), here.view()(0, n - 1));
}

TEST_P(Random, NormalsHaveTheMomentsOfTheNormalDistribution) {
  const Moments m = moments(drawn(exec(), Draw::normal, 0, kDraws));
  EXPECT_NEAR(m.mean, 0, 5 / kRoot);
  EXPECT_NEAR(m.second, 1, 5 * std::sqrt(2.0) / kRoot);
  EXPECT_NEAR(m.third, 0, 5 * std::sqrt(6.0) / kRoot);
}

// A Poisson number of mean m has the central moments m, m, m + 3 m^2, ..., m + 25 m^2 + 15 m^3 (2, 3, 4,
// 6). So the sample's second one has the variance (m + 2 m^2) / n, its third mu6 - mu3^2 + 9 mu2^3 -
// 6 mu2 mu4 = m + 18 m^2 + 6 m^3, over n (Kendall & Stuart, vol. 1, 10.9).
TEST_P(Random, PoissonNumbersHaveMeanVarianceAndSkewnessOfTheirMean) {
  for (const double mean : {0.02, 1.7, 9.9, 10.1, 35.0, 4.0e4, 3.0e7, 1.0e15}) {
    const Moments m = moments(drawn(exec(), Draw::poisson, mean, kDraws));
    EXPECT_NEAR(m.mean, mean, 5 * std::sqrt(mean) / kRoot) << mean;
    EXPECT_NEAR(m.second, mean, 5 * std::sqrt(mean + 2 * mean * mean) / kRoot) << mean;
    EXPECT_NEAR(m.third, mean, 5 * std::sqrt(mean + 18 * mean * mean + 6 * mean * mean * mean) / kRoot) << mean;
  }
}

// The chance of each count near the mean, against the closed form: 5 binomial standard errors.
TEST_P(Random, PoissonNumbersHaveThePoissonProbabilities) {
  for (const double mean : {3.3, 12.0}) {
    const auto values = drawn(exec(), Draw::poisson, mean, kDraws);
    std::vector<double> share(64, 0.0);
    for (index_t i = 0; i < kDraws; ++i) {
      ASSERT_LT(values.data()[i], 64);
      share[static_cast<std::size_t>(values.data()[i])] += 1.0 / double(kDraws);
    }
    for (int k = 0; k < 30; ++k) {
      const double p = std::exp(k * std::log(mean) - mean - std::lgamma(k + 1.0));
      EXPECT_NEAR(share[static_cast<std::size_t>(k)], p, 5 * std::sqrt(p / double(kDraws)) + 5.0 / double(kDraws));
    }
  }
}

TEST_P(Random, PoissonOfNothingIsNothingAndOfNaNIsNaN) {
  for (const double mean : {0.0, -3.0}) EXPECT_EQ(drawn(exec(), Draw::poisson, mean, 1).data()[0], 0);
  EXPECT_TRUE(std::isnan(drawn(exec(), Draw::poisson, std::nan(""), 1).data()[0]));
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Random);

TEST(RandomStreamKeys, SeedPurposeAndItemEachChangeTheStream) {
  const double base = RandomStream(1, 2, 3).uniform();
  EXPECT_EQ(base, RandomStream(1, 2, 3).uniform());
  EXPECT_NE(base, RandomStream(2, 2, 3).uniform());
  EXPECT_NE(base, RandomStream(1, 3, 3).uniform());
  EXPECT_NE(base, RandomStream(1, 2, 4).uniform());
  EXPECT_NE(base, RandomStream(std::uint64_t{1} << 32 | 1, 2, 3).uniform());
  EXPECT_NE(base, RandomStream(1, 2, std::uint64_t{1} << 32 | 3).uniform());
}

}  // namespace
}  // namespace hci::test
