// SPDX-License-Identifier: MIT
#include "kernels/random/philox.hpp"

#include <algorithm>
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

/// Uniforms and normals bit by bit. Poisson numbers, whole ones, are the same unless a uniform falls within the
/// rounding of a sum or a logarithm of a border: not once in so few.
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
      ASSERT_EQ(here.view()(i, kOfEach + n), there.view()(i, kOfEach + n)) << i;
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

// The largest distance between the share below a number and its chance: 3 / sqrt(n) is passed once in 3e7 samples
// (2 exp(-2 x 9), Kolmogorov 1933). A number's chance is off by 1e-16 at most, of which this says nothing.
TEST_P(Random, NormalsHaveTheDistributionOfTheNormalDistribution) {
  const auto values = drawn(exec(), Draw::normal, 0, kDraws);
  std::vector<double> sorted(values.data(), values.data() + kDraws);
  std::sort(sorted.begin(), sorted.end());
  double farthest = 0;
  for (index_t i = 0; i < kDraws; ++i) {
    const double chance = 0.5 * std::erfc(-sorted[static_cast<std::size_t>(i)] / std::sqrt(2.0));
    farthest = std::max({farthest, chance - double(i) / double(kDraws), double(i + 1) / double(kDraws) - chance});
  }
  EXPECT_LE(farthest, 3 / kRoot);
}

// Of those beyond so many sigma, on either side, five binomial standard errors (of 3.8: 14 of 200,000 are expected).
TEST_P(Random, NormalsReachAsFarAsTheyShould) {
  const auto values = drawn(exec(), Draw::normal, 0, kDraws);
  for (const double sigma : {1.5, 2.0, 3.0, 3.8})
    for (const double side : {-1.0, 1.0}) {
      const double chance = 0.5 * std::erfc(sigma / std::sqrt(2.0));
      double share = 0;
      for (index_t i = 0; i < kDraws; ++i) share += side * values.data()[i] > sigma ? 1.0 / double(kDraws) : 0;
      EXPECT_NEAR(share, chance, 5 * std::sqrt(chance / double(kDraws))) << side * sigma;
    }
}

// Philox and the quantile by another program, in 50 digits (Python integers, mpmath's erfc), of the same keys. The
// quantile promises 1e-15 of itself.
TEST_P(Random, NormalsAreTheQuantilesOfTheirUniforms) {
  constexpr double kFirst = -0.75929350734457014;
  constexpr double kMany[] = {-0.96143890595324143, 0.27547905860912225, -0.20413218403247638, -0.39990889238965029};
  const auto one = drawn(exec(), Draw::normal, 0, 8);
  EXPECT_NEAR(one.data()[7], kFirst, 1e-15 * std::fabs(kFirst));
  RandomStream random(std::uint64_t{77} << 33, 9, (std::uint64_t{1} << 40) + 5);
  for (const double want : kMany) EXPECT_NEAR(random.normal(), want, 1e-15 * std::fabs(want));
}

struct Quantiles {
  Vector<const double> p;
  Vector<double> out;
  HCI_HD void operator()(index_t i) const { out(i) = normal_quantile(p(i)); }
};
Array<double, 1> quantiles(Exec& exec, const std::vector<double>& p) {
  const auto device = to_device(exec, p);
  Array<double, 1> out(exec, device.extents());
  for_each(exec, out.extents(), Quantiles{device.view(), out.view()});
  return to_host(exec, out.view());
}

// Of mpmath, in 50 digits: the middle, both tails and their borders (0.075; exp(-25) = 1.4e-11), and the ends of 52
// bits.
TEST_P(Random, QuantilesAreThoseOfMpmath) {
  const double end = std::ldexp(1.0, -53);
  const double known[][2] = {{end, -8.2095361516013868556},
                             {1 - end, 8.2095361516013868556},
                             {std::ldexp(1.0, -40), -7.0477002566644087254},
                             {std::ldexp(1.0, -36), -6.6510353798930105467},
                             {1 - std::ldexp(1.0, -30), 6.0093535655307438932},
                             {1e-300, -37.047096299361199237},
                             {1e-10, -6.3613409024040561991},
                             {1e-6, -4.7534243088228989573},
                             {0.001, -3.0902323061678135354},
                             {0.0749, -1.4402382675279636631},
                             {0.0751, -1.4388253927525399824},
                             {0.25, -0.6744897501960817432},
                             {0.4999, -0.00025066283008800749239},
                             {0.5 + 2 * end, 5.5658328493435338445e-16},
                             {0.6, 0.25334710313579974132},
                             {0.9, 1.2815515655446005935},
                             {0.99, 2.3263478740408407676}};
  std::vector<double> p;
  for (const auto& pair : known) p.push_back(pair[0]);
  const auto got = quantiles(exec(), p);
  for (std::size_t i = 0; i < p.size(); ++i)
    EXPECT_NEAR(got.data()[i], known[i][1], 1e-15 * std::fabs(known[i][1])) << p[i];
  EXPECT_EQ(quantiles(exec(), {0.5}).data()[0], 0);
}

// All octaves, 100 numbers in each: the chance below the quantile, by erfc() in long double, is p again. An error e of
// x moves it by x e times the density, which is below (x^2 + 1) e of the chance itself (Gordon 1941); 1e-15 is promised
// of e, and erfc() may err by as much as 1e-18. On either side of 1/2 the same number, and the host's bits.
TEST_P(Random, QuantilesLeadBackToTheirChances) {
  std::vector<double> p;
  for (int octave = 1; octave <= 52; ++octave)
    for (int i = 0; i < 100; ++i) p.push_back(std::ldexp(1 + (i + 0.37) / 100, -octave - 1));
  const auto got = quantiles(exec(), p);
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double x = got.data()[i];
    const long double back = std::erfc(-static_cast<long double>(x) / std::sqrt(2.0L)) / 2;
    ASSERT_NEAR(static_cast<double>(back / static_cast<long double>(p[i]) - 1), 0, 1e-15 * (x * x + 1)) << p[i];
    ASSERT_EQ(x, normal_quantile(p[i])) << p[i];
    const double beyond = 1 - p[i];
    if (1 - beyond == p[i]) {
      ASSERT_EQ(normal_quantile(beyond), -x) << p[i];
    }
  }
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

// Its series promises 2e-16 of the logarithm of what is below 0.1: the frozen bits of normal numbers hang on it.
TEST(MinusLog, IsTheLogarithm) {
  for (double p = 0.1; p > 1e-300; p *= 0.971) {
    const long double want = -std::log(static_cast<long double>(p));
    EXPECT_NEAR(static_cast<double>(static_cast<long double>(minus_log(p)) / want - 1), 0, 2e-16) << p;
  }
}

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
