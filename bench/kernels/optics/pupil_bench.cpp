// SPDX-License-Identifier: MIT
// The steps of a field on its way, all bound by memory. Each is checked at points spread over its result.
#include "kernels/optics/pupil.hpp"

#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

#include "bench/kernels/optics/fields.hpp"
#include "bench/support/bench.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

constexpr index_t kFields = 100, kSide = 200, kGrid = 256;
constexpr Extents<3> kShape{kFields, kSide, kSide};
constexpr double kPoints = kFields * kSide * kSide, kMapPoints = kSide * kSide;
constexpr double kWavelength = 1600, kTwoPi = 2 * std::numbers::pi;

/// A round hole.
Array<float, 2> aperture() {
  auto map = host_array<float, 2>({kSide, kSide});
  for (index_t y = 0; y < kSide; ++y)
    for (index_t x = 0; x < kSide; ++x)
      map.view()(y, x) = std::hypot(static_cast<double>(2 * y + 1 - kSide), static_cast<double>(2 * x + 1 - kSide)) <
                                 static_cast<double>(kSide)
                             ? 1.0F
                             : 0.0F;
  return map;
}

Complexd wide(Complex z) { return {z.real(), z.imag()}; }

/// Whether numbers (e, y, x) are as wanted at 200 points, to ten roundings of 1 + what is wanted.
bool are_as(const Array<Complex, 3>& found, const std::function<Complexd(index_t, index_t, index_t)>& want) {
  for (index_t i = 0; i < 200; ++i) {
    const index_t e = (7 * i) % found.extent(0), y = (37 * i + 11) % found.extent(1),
                  x = (53 * i + 29) % found.extent(2);
    const Complexd wanted = want(e, y, x);
    if (!(std::abs(wide(found.view()(e, y, x)) - wanted) <= 10 * 0x1p-24 * (1 + std::abs(wanted)))) return false;
  }
  return true;
}

constexpr const char* kWrong = "a point differs from the formula";

/// Path differences of some 100 nm.
void time_pupil_fields(benchmark::State& state, Exec& exec) {
  auto bench = phasors({1, kGrid, kGrid}, 2), air = phasors({kFields / 4, kGrid, kGrid}, 3);
  for (index_t i = 0; i < bench.size(); ++i) bench.data()[i] *= Complex(50, 0);
  for (index_t i = 0; i < bench.size(); ++i) bench.data()[i].imag(0.001F * bench.data()[i].imag());
  for (index_t i = 0; i < air.size(); ++i) air.data()[i] *= Complex(100, 0);
  const auto hole = aperture();
  const auto device_hole = to_device(exec, hole.view());
  const auto device_bench = to_device(exec, bench.view());
  const auto device_air = to_device(exec, air.view());
  Array<Complex, 3> fields(exec, kShape);
  const auto go = [&] {
    pupil_fields(exec, device_hole.view(), device_bench.view()[0], device_air.view(), kWavelength, fields.view());
  };
  go();
  const auto want = [&](index_t e, index_t y, index_t x) {
    const Complexd a = wide(air.view()(e / 4, y, x)), b = wide(bench.view()(0, y, x));
    const double paths[] = {a.real(), -a.real(), a.imag(), -a.imag()};
    const double amplitude = static_cast<double>(hole.view()(y, x)) * (1 + b.imag());
    return std::polar(amplitude, kTwoPi * (paths[e % 4] + b.real()) / kWavelength);
  };
  if (!are_as(to_host(exec, fields.view()), want)) return state.SkipWithError(kWrong);
  report_bytes(state, exec, timed(state, exec, go), 8 * kPoints + 2 * kPoints + 12 * kMapPoints);
}

void time_blend(benchmark::State& state, Exec& exec) {
  const auto maps = phasors({2, kGrid, kGrid});
  const auto in = to_device(exec, maps.view());
  Array<Complex, 3> out(exec, {1, kGrid, kGrid});
  const auto go = [&] { blend_maps(exec, in.view()[0], 0.6, in.view()[1], 0.8, 2, out.view()[0]); };
  go();
  const auto want = [&](index_t, index_t y, index_t x) {
    const Complexd sum = 0.6 * wide(maps.view()(0, y, x)) + 0.8 * wide(maps.view()(1, y, x));
    return Complexd(sum.real(), 2 * sum.imag());
  };
  if (!are_as(to_host(exec, out.view()), want)) return state.SkipWithError(kWrong);
  report_bytes(state, exec, timed(state, exec, go), 24.0 * kGrid * kGrid);
}

void time_tilt(benchmark::State& state, Exec& exec) {
  const auto host = phasors(kShape);
  const auto in = to_device(exec, host.view());
  std::vector<std::array<double, 2>> tilts;
  for (index_t e = 0; e < kFields; ++e) tilts.push_back({0.31 * static_cast<double>(e), -4.7});
  Array<Complex, 3> out(exec, kShape);
  const auto go = [&] { tilt_fields(exec, in.view(), tilts, out.view()); };
  go();
  const auto want = [&](index_t e, index_t y, index_t x) {
    const auto place = [](index_t i) { return (static_cast<double>(i) + 0.5) / kSide - 0.5; };
    const auto& [ty, tx] = tilts[static_cast<std::size_t>(e)];
    return wide(host.view()(e, y, x)) * std::polar(1.0, kTwoPi * (ty * place(y) + tx * place(x)));
  };
  if (!are_as(to_host(exec, out.view()), want)) return state.SkipWithError(kWrong);
  report_bytes(state, exec, timed(state, exec, go), 16 * kPoints);
}

/// Calls after the first find nothing to take, at the same cost.
void time_coronagraph(benchmark::State& state, Exec& exec) {
  const auto host = phasors(kShape);
  const auto hole = aperture();
  const auto device_hole = to_device(exec, hole.view());
  auto fields = to_device(exec, host.view());
  const auto go = [&] { remove_coherent_part(exec, device_hole.view(), 0, fields.view()); };
  go();
  const auto want = [&](index_t e, index_t y, index_t x) {
    Complexd sum = 0;
    double power = 0;
    for (index_t i = 0; i < kSide * kSide; ++i) {
      sum += static_cast<double>(hole.data()[i]) * wide(host.data()[e * kSide * kSide + i]);
      power += static_cast<double>(hole.data()[i]);
    }
    return wide(host.view()(e, y, x)) - static_cast<double>(hole.view()(y, x)) * sum / power;
  };
  if (!are_as(to_host(exec, fields.view()), want)) return state.SkipWithError(kWrong);
  report_bytes(state, exec, timed(state, exec, go), 24 * kPoints);
}

void time_mask(benchmark::State& state, Exec& exec) {
  const auto host = phasors(kShape);
  const auto hole = aperture();
  const auto device_hole = to_device(exec, hole.view());
  auto fields = to_device(exec, host.view());
  const auto go = [&] { mask_fields(exec, device_hole.view(), fields.view()); };
  go();
  const auto want = [&](index_t e, index_t y, index_t x) {
    return static_cast<double>(hole.view()(y, x)) * wide(host.view()(e, y, x));
  };
  if (!are_as(to_host(exec, fields.view()), want)) return state.SkipWithError(kWrong);
  report_bytes(state, exec, timed(state, exec, go), 16 * kPoints + 4 * kMapPoints);
}

void time_subtract(benchmark::State& state, Exec& exec) {
  const auto host = phasors(kShape), less = phasors(kShape, 2);
  const auto other = to_device(exec, less.view());
  auto fields = to_device(exec, host.view());
  const auto go = [&] { subtract_fields(exec, other.view(), fields.view()); };
  go();
  const auto want = [&](index_t e, index_t y, index_t x) {
    return wide(host.view()(e, y, x)) - wide(less.view()(e, y, x));
  };
  if (!are_as(to_host(exec, fields.view()), want)) return state.SkipWithError(kWrong);
  report_bytes(state, exec, timed(state, exec, go), 24 * kPoints);
}

void time_intensity(benchmark::State& state, Exec& exec) {
  const auto host = phasors(kShape);
  const auto fields = to_device(exec, host.view());
  Array<float, 2> light(exec, {kSide, kSide});
  fill_zero(exec, light.view());
  const auto go = [&] { add_intensity(exec, fields.view(), 0.25, light.view()); };
  go();
  const auto found = to_host(exec, light.view());
  for (index_t i = 3; i < found.size(); i += 397) {
    double sum = 0;
    for (index_t e = 0; e < kFields; ++e) sum += 0.25 * std::norm(wide(host.data()[e * found.size() + i]));
    if (!(std::fabs(static_cast<double>(found.data()[i]) - sum) <= 2 * 0x1p-24 * sum))
      return state.SkipWithError(kWrong);
  }
  report_bytes(state, exec, timed(state, exec, go), 8 * kPoints + 8 * kMapPoints);
}

const bool registered[] = {on_every_device("pupil_fields", {kFields, kSide, kSide}, time_pupil_fields),
                           on_every_device("blend_maps", {kGrid, kGrid}, time_blend),
                           on_every_device("tilt_fields", {kFields, kSide, kSide}, time_tilt),
                           on_every_device("remove_coherent_part", {kFields, kSide, kSide}, time_coronagraph),
                           on_every_device("mask_fields", {kFields, kSide, kSide}, time_mask),
                           on_every_device("subtract_fields", {kFields, kSide, kSide}, time_subtract),
                           on_every_device("add_intensity", {kFields, kSide, kSide}, time_intensity)};

}  // namespace
}  // namespace hci::bench
