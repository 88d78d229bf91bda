// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstdint>

#include "kernels/core/view.hpp"
#include "kernels/random/normal_quantile.hpp"

namespace hci {

/// Four words: the state of Philox's counter, and what it makes of it.
struct PhiloxBlock {
  std::uint32_t word[4];
};

// What a number costs a kernel, nothing of it memory: a block of Philox, for two uniforms, is 10 rounds of 2 wide
// products, 2 exclusive ors of three words and 2 additions: 80 integer operations where a wide product counts as two
// (an H200 does 132 x 64 of them a clock, 17 T/s), about 200 on a GTX 1080, which makes products in 16-bit steps
// (20 x 128 a clock, 4.4 T/s). Flops are double: 40 for a log or an exponential (as in kernels/image/psf_fit.cu), 20
// for a root, 10 for a quotient. At most, of 34 and 0.28 TFLOP/s:
//                         flops  blocks   H200       GTX 1080
//   uniform                   3     1/2   0.4 T/s    44 G/s       integers on both
//   normal                  100     1/2   0.3 T/s    2.8 G/s      double on both
//   poisson, mean >= 10     110       1   0.2 T/s    2.5 G/s      where the first trial is taken at once
// Of a normal number 47 are the middle's; the end of minus_log() and the root, 53, are for 15 in 100, so that nearly
// every warp pays for them. Where a Poisson number's first trial is not taken at once, it takes 110 flops more, and
// perhaps another trial: one in three of mean 100, and again nearly every warp. A stream is its item's own: threads
// share nothing, its state stays in registers, and no shape of a block is better than another.

/// Philox4x32-10, a bijection of the 128-bit counter for each 64-bit key (Salmon, Moraes, Dror & Shaw
/// 2011, SC'11, "Parallel random numbers: as easy as 1, 2, 3"). The same integers on every device.
HCI_HD inline PhiloxBlock philox4x32(PhiloxBlock counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter.word[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(b >> 32) ^ counter.word[1] ^ key0, static_cast<std::uint32_t>(b),
                static_cast<std::uint32_t>(a >> 32) ^ counter.word[3] ^ key1, static_cast<std::uint32_t>(a)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

/// Random numbers of one item (a pixel, a mode, a planet) for one purpose: the stream depends on
/// (seed, purpose, item) alone, so that neither the order of work, nor threads, tiles or devices
/// matter. Integers, uniforms and normal numbers are the same bits everywhere; poisson() goes through sums
/// whose last bits may differ between a CPU and a GPU, so that one number in some 10^15 / mean may be another one
/// there. A stream holds 2^33 uniforms.
class RandomStream {
 public:
  HCI_HD RandomStream(std::uint64_t seed, std::uint32_t purpose, std::uint64_t item)
      : seed_(seed), purpose_(purpose), item_(item) {}

  /// Uniform in the open interval (0, 1), 52 bits.
  HCI_HD double uniform() {
    if (have_second_) {
      have_second_ = false;
      return second_;
    }
    const PhiloxBlock r =
        philox4x32({{block_++, purpose_, static_cast<std::uint32_t>(item_), static_cast<std::uint32_t>(item_ >> 32)}},
                   static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32));
    second_ = to_unit(r.word[2], r.word[3]);
    have_second_ = true;
    return to_unit(r.word[0], r.word[1]);
  }

  /// Normal number of mean 0 and variance 1: the quantile of a uniform, so that each takes one. The ends are those of
  /// 52 bits: none is beyond 8.21, where 2^-53 of a normal distribution lies on either side.
  HCI_HD double normal() { return normal_quantile(uniform()); }

  /// Poisson number of the given mean; 0 for a mean that is not above 0, NaN for NaN. Below a mean of
  /// 10 by products of uniforms (Knuth), above by transformed rejection (PTRS, Hormann 1993,
  /// Insurance: Mathematics and Economics 12, 39). Of any mean: beyond 2^53 numbers are as far apart as doubles are,
  /// which is little beside their root, until 1e30 or so.
  HCI_HD double poisson(double mean) {
    if (mean != mean) return mean;
    if (!(mean > 0)) return 0;
    return mean < 10 ? poisson_by_products(mean) : poisson_by_rejection(mean);
  }

 private:
  HCI_HD static double to_unit(std::uint32_t high, std::uint32_t low) {
    const std::uint64_t bits = (std::uint64_t{high} << 32 | low) >> 12;  // 52 bits, and a half: never 0 or 1
    return (static_cast<double>(bits) + 0.5) * (1.0 / 4503599627370496.0);
  }

  HCI_HD double poisson_by_products(double mean) {
    const double limit = std::exp(-mean);
    double product = uniform();
    int k = 0;
    for (; product > limit; ++k) product *= uniform();
    return k;
  }

  HCI_HD double poisson_by_rejection(double mean) {
    const double b = 0.931 + 2.53 * std::sqrt(mean), a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_sure = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
      const double u = uniform() - 0.5, v = uniform();
      const double s = 0.5 - std::fabs(u);
      const double k = std::floor((2 * a / s + b) * u + mean + 0.43);
      if (s >= 0.07 && v <= v_sure) return k;
      if (k < 0 || (s < 0.013 && v > s)) continue;
      if (std::log(v * inverse_alpha / (a / (s * s) + b)) <= log_probability(k, mean)) return k;
    }
  }

  /// The logarithm of the chance of k. Above 9 by Stirling's series (its next term, 1 / 1260 k^5, is below 1e-8 there)
  /// with k log(mean) - mean - k log k + k in one: of a mean of 1e14 each of those has an error of one, their sum none
  /// that matters (Loader 2000, "Fast and accurate computation of binomial probabilities"). Products below. Not
  /// std::lgamma: that one writes a global.
  HCI_HD static double log_probability(double k, double mean) {
    if (k < 10) {
      double product = 1;
      for (int i = 2; i <= k; ++i) product *= i;
      return k * std::log(mean) - mean - std::log(product);
    }
    return -deviance(k, mean) - 0.5 * std::log(k) - 0.9189385332046727 - 1.0 / (12 * k) + 1.0 / (360 * k * k * k);
  }

  /// k log(k / mean) + mean - k. With v = (k - mean) / (k + mean) the logarithm is 2 (v + v^3 / 3 + v^5 / 5 + ...),
  /// whose first term leaves (k - mean) v; eight more are exact for v < 0.1.
  HCI_HD static double deviance(double k, double mean) {
    const double v = (k - mean) / (k + mean);
    if (std::fabs(v) >= 0.1) return k * std::log(k / mean) + mean - k;
    double sum = (k - mean) * v, term = 2 * k * v;
    for (int power = 3; power <= 17; power += 2) {
      term *= v * v;
      sum += term / power;
    }
    return sum;
  }

  std::uint64_t seed_;
  std::uint32_t purpose_;
  std::uint64_t item_;
  std::uint32_t block_ = 0;
  bool have_second_ = false;
  double second_ = 0;
};

}  // namespace hci
