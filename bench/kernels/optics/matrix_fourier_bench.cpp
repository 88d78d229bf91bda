// SPDX-License-Identifier: MIT
#include "kernels/optics/matrix_fourier.hpp"

#include <cmath>
#include <numbers>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/optics/detector.hpp"

namespace hci::bench {
namespace {

constexpr index_t kPupil = 200, kFocus = 210, kFields = 16;

std::vector<double> steps(index_t count, double step) {
  std::vector<double> at;
  for (index_t i = 0; i < count; ++i) at.push_back(step * (static_cast<double>(i) - 0.5 * static_cast<double>(count)));
  return at;
}

/// Pupil fields to a detector of 0.3 wavelengths / diameter a pixel.
void time_transform(benchmark::State& state, Exec& exec) {
  const auto waves = speckle_cube(kFields, kPupil, kPupil);
  auto fields = host_array<std::complex<float>, 3>(waves.extents());
  for (index_t i = 0; i < fields.size(); ++i) fields.data()[i] = std::polar(1.0F, waves.data()[i]);
  const auto positions = steps(kPupil, 1.0 / kPupil), frequencies = steps(kFocus, 0.3);
  const auto in = to_device(exec, fields.view());
  const auto rows = fourier_matrix(exec, frequencies, positions, -1, 1.0 / kPupil);
  Array<std::complex<float>, 3> out(exec, {kFields, kFocus, kFocus});
  const auto go = [&] { matrix_fourier(exec, in.view(), rows.view(), rows.view(), out.view()); };
  go();
  const auto found = to_host(exec, out.view());
  for (const index_t v : {3, 100, 188}) {
    const index_t u = (7 * v) % kFocus, t = v % kFields;
    std::complex<double> want = 0;
    for (index_t y = 0; y < kPupil; ++y)
      for (index_t x = 0; x < kPupil; ++x) {
        const auto i = [](index_t at) { return static_cast<std::size_t>(at); };
        const double turns = frequencies[i(v)] * positions[i(y)] + frequencies[i(u)] * positions[i(x)];
        want += std::complex<double>(fields.view()(t, y, x)) * std::polar(1.0, -2 * std::numbers::pi * turns);
      }
    // Sums of unit phasors over kPupil^2: two sums of kPupil terms in single precision.
    const double bound = 2 * 6e-8 * (kPupil + 4);
    if (!(std::abs(std::complex<double>(found.view()(t, v, u)) - want / double(kPupil * kPupil)) <= bound))
      return state.SkipWithError("a point differs from the sum that defines it");
  }
  const double products = static_cast<double>(kFields * kFocus * kPupil) * static_cast<double>(kPupil + kFocus);
  report_flops(state, exec, timed(state, exec, go), 8 * products, Precision::f32);
}

/// Photons, sky and read noise, 100 electrons a pixel.
void time_expose(benchmark::State& state, Exec& exec) {
  constexpr double kLight = 100, kSky = 20, kRead = 3;
  const Extents<3> shape{61, 210, 210};
  auto light = host_array<float, 3>(shape);
  std::fill_n(light.data(), light.size(), static_cast<float>(kLight));
  const auto before = to_device(exec, light.view());
  Array<float, 3> cube(exec, shape);
  const auto go = [&] {
    copy(exec, before.view(), cube.view());
    expose(exec, 1, 2, {.sky = kSky, .read_noise = kRead}, cube.view());
  };
  go();
  const auto found = to_host(exec, cube.view());
  double sum = 0, squares = 0;
  for (index_t i = 0; i < found.size(); ++i) {
    const double off = static_cast<double>(found.data()[i]) - kLight;
    sum += off;
    squares += off * off;
  }
  const double variance = kLight + kSky + kRead * kRead, count = static_cast<double>(found.size());
  if (!(std::fabs(sum / count) <= 6 * std::sqrt(variance / count) &&
        std::fabs(squares / count / variance - 1) <= 6 * std::sqrt(2.01 / count)))  // six standard errors
    return state.SkipWithError("mean or variance is wrong");
  const double seconds = timed(state, exec, go);
  report_values(state, seconds, count);
  report_bytes(state, exec, seconds, 4.0 * static_cast<double>(cube.bytes()));
}

const bool registered[] = {on_every_device("matrix_fourier", {kFields, kPupil, kFocus}, time_transform),
                           on_every_device("expose", {61, 210, 210}, time_expose)};

}  // namespace
}  // namespace hci::bench
