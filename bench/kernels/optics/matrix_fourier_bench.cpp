// SPDX-License-Identifier: MIT
#include "kernels/optics/matrix_fourier.hpp"

#include <cmath>
#include <numbers>

#include "bench/kernels/optics/fields.hpp"
#include "bench/support/bench.hpp"
#include "kernels/core/copy.hpp"

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
  const auto fields = phasors({kFields, kPupil, kPupil});
  const auto positions = steps(kPupil, 1.0 / kPupil), frequencies = steps(kFocus, 0.3);
  const auto in = to_device(exec, fields.view());
  const auto rows = fourier_matrix(exec, frequencies, positions, -1, 1.0 / kPupil);
  Array<Complex, 3> out(exec, {kFields, kFocus, kFocus});
  const auto go = [&] { matrix_fourier(exec, in.view(), rows.view(), rows.view(), out.view()); };
  go();
  const auto found = to_host(exec, out.view());
  for (const index_t v : {3, 100, 188}) {
    const index_t u = (7 * v) % kFocus, t = v % kFields;
    Complexd want = 0;
    for (index_t y = 0; y < kPupil; ++y)
      for (index_t x = 0; x < kPupil; ++x) {
        const auto i = [](index_t at) { return static_cast<std::size_t>(at); };
        const double turns = frequencies[i(v)] * positions[i(y)] + frequencies[i(u)] * positions[i(x)];
        want += Complexd(fields.view()(t, y, x)) * std::polar(1.0, -2 * std::numbers::pi * turns);
      }
    // Sums of unit phasors over kPupil^2: two sums of kPupil terms in single precision.
    const double bound = 2 * 6e-8 * (kPupil + 4);
    if (!(std::abs(Complexd(found.view()(t, v, u)) - want / double(kPupil * kPupil)) <= bound))
      return state.SkipWithError("a point differs from the sum that defines it");
  }
  const double products = static_cast<double>(kFields * kFocus * kPupil) * static_cast<double>(kPupil + kFocus);
  report_flops(state, exec, timed(state, exec, go), 8 * products, Precision::f32);
}

const bool registered[] = {on_every_device("matrix_fourier", {kFields, kPupil, kFocus}, time_transform),
                           on_both_paths("matrix_fourier", {kFields, kPupil, kFocus}, time_transform)};

}  // namespace
}  // namespace hci::bench
