// SPDX-License-Identifier: MIT
#include "kernels/optics/phase_screen.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "bench/kernels/optics/fields.hpp"
#include "bench/support/bench.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

constexpr index_t kSide = 512, kMaps = 25;
constexpr double kPairFlops = 200;  // of two normal numbers: kernels/random/philox.hpp

Array<float, 2> white() {
  auto amplitude = host_array<float, 2>({kSide, kSide});
  std::fill_n(amplitude.data(), amplitude.size(), 1.0F);
  return amplitude;
}

/// Normal numbers of variance 1, and of this correlation with the ones before: to six standard errors.
bool are_normal(const Complex* numbers, const Complex* before, double correlation, index_t count) {
  double squares = 0, products = 0;
  for (index_t i = 0; i < count; ++i) {
    squares += static_cast<double>(std::norm(numbers[i]));
    products += static_cast<double>((numbers[i] * std::conj(before[i])).real());
  }
  const double values = 2 * static_cast<double>(count), error = 6 * std::sqrt(2 / values);
  return std::fabs(squares / values - 1) <= error && std::fabs(products / values - correlation) <= error;
}

/// Epochs between two maps, as in a sequence of exposures: two pairs of numbers for each mode.
void time_draw(benchmark::State& state, Exec& exec) {
  const auto host = white();
  const auto amplitude = to_device(exec, host.view());
  std::vector<ScreenEpoch> epochs;
  for (index_t e = 0; e < kMaps; ++e) epochs.push_back({static_cast<std::uint64_t>(2 * e), 0.6F, 0.8F});
  Array<Complex, 3> modes(exec, {kMaps, kSide, kSide});
  const auto go = [&] { draw_modes(exec, 1, 2, epochs, amplitude.view(), modes.view()); };
  go();
  const auto found = to_host(exec, modes.view());
  const index_t size = kSide * kSide;
  for (index_t e = 1; e < kMaps; ++e)
    if (!are_normal(found.data() + e * size, found.data() + (e - 1) * size, 0, size))
      return state.SkipWithError("variance or correlation is wrong");
  const double seconds = timed(state, exec, go), drawn = static_cast<double>(modes.size());
  report_values(state, seconds, drawn);
  report_bytes(state, exec, seconds, 12 * drawn);
  report_flops(state, exec, seconds, 2 * kPairFlops * drawn, Precision::f64);
}

void time_renew(benchmark::State& state, Exec& exec) {
  constexpr double kKeep = 0.8;
  const auto host = white();
  const auto amplitude = to_device(exec, host.view());
  Array<Complex, 2> modes(exec, {kSide, kSide});
  std::uint64_t step = 0;
  renew_modes(exec, 1, 2, step++, 0, amplitude.view(), modes.view());
  const auto before = to_host(exec, modes.view());
  const auto go = [&] { renew_modes(exec, 1, 2, step++, kKeep, amplitude.view(), modes.view()); };
  go();
  const auto found = to_host(exec, modes.view());
  if (!are_normal(found.data(), before.data(), kKeep, modes.size()))
    return state.SkipWithError("variance or correlation is wrong");
  const double seconds = timed(state, exec, go), renewed = static_cast<double>(modes.size());
  report_values(state, seconds, renewed);
  report_bytes(state, exec, seconds, 20 * renewed);
  report_flops(state, exec, seconds, kPairFlops * renewed, Precision::f64);
}

const bool registered[] = {on_every_device("draw_modes", {kMaps, kSide, kSide}, time_draw),
                           on_every_device("renew_modes", {kSide, kSide}, time_renew)};

}  // namespace
}  // namespace hci::bench
