// SPDX-License-Identifier: MIT
#include "kernels/random/philox.hpp"

#include <cmath>

#include "bench/support/bench.hpp"
#include "kernels/core/array.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"

namespace hci::bench {
namespace {

enum class Kind { uniform, normal, poisson };
constexpr index_t kItems = 489 * 210, kEach = 64;
constexpr double kMean = 100;

/// kEach numbers of each item's stream.
struct Draw {
  Kind kind;
  Matrix<float> out;
  HCI_HD void operator()(index_t item) const {
    RandomStream random(1, 2, static_cast<std::uint64_t>(item));
    for (index_t i = 0; i < kEach; ++i) {
      double number = 0;
      if (kind == Kind::normal) number = random.normal();
      if (kind == Kind::uniform) number = random.uniform();
      if (kind == Kind::poisson) number = random.poisson(kMean);
      out(item, i) = static_cast<float>(number);
    }
  }
};

/// The mean and the variance of all, to six standard errors (variances: of numbers with at most a normal's kurtosis
/// of 3, or 3.01 for Poisson's); 1e-6 for the rounding to float.
bool are_drawn(const Array<float, 2>& numbers, double mean, double variance) {
  const auto count = static_cast<double>(numbers.size());
  double sum = 0, squares = 0;
  for (index_t i = 0; i < numbers.size(); ++i) {
    const double off = static_cast<double>(numbers.data()[i]) - mean;
    sum += off;
    squares += off * off;
  }
  return std::fabs(sum / count) <= 6 * std::sqrt(variance / count) + 1e-6 * std::fabs(mean) &&
         std::fabs(squares / count / variance - 1) <= 6 * std::sqrt(2.01 / count) + 1e-6;
}

bool add(const char* name, Kind kind, double mean, double variance) {
  return on_every_device(name, {kItems, kEach}, [=](benchmark::State& state, Exec& exec) {
    Array<float, 2> out(exec, {kItems, kEach});
    const auto go = [&] { for_each(exec, Extents<1>{kItems}, Draw{kind, out.view()}); };
    go();
    if (!are_drawn(to_host(exec, out.view()), mean, variance)) return state.SkipWithError("mean or variance is wrong");
    const double seconds = timed(state, exec, go);
    report_values(state, seconds, static_cast<double>(out.size()));
    report_bytes(state, exec, seconds, 2.0 * static_cast<double>(out.bytes()));  // of a copy of what is written
  });
}

const bool registered[] = {add("random/uniform", Kind::uniform, 0.5, 1.0 / 12),
                           add("random/normal", Kind::normal, 0, 1),
                           add("random/poisson_100", Kind::poisson, kMean, kMean)};

}  // namespace
}  // namespace hci::bench
