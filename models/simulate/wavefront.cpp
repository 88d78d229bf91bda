// SPDX-License-Identifier: MIT
#include "models/simulate/wavefront.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hci {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;
constexpr double kReferenceNm = 500;  // where r0 and the seeing are given

/// Fills a (v, u) table of mode amplitudes from a power spectrum f(ky, kx), piston 0.
template <class Power>
Array<float, 2> mode_amplitudes(int grid, double sample, Power power) {
  auto amplitudes = host_array<float, 2>({grid, grid});
  const double step = 1 / (grid * sample);
  const auto frequency = [&](int i) { return step * (i < (grid + 1) / 2 ? i : i - grid); };
  for (int v = 0; v < grid; ++v)
    for (int u = 0; u < grid; ++u)
      amplitudes.view()(v, u) =
          v == 0 && u == 0 ? 0.0f : static_cast<float>(step * std::sqrt(power(frequency(v), frequency(u))));
  return amplitudes;
}

}  // namespace

double fried_parameter(double seeing) {
  constexpr double kArcsec = std::numbers::pi / 180 / 3600;
  return 0.98 * kReferenceNm * 1e-9 / (seeing * kArcsec);
}

double residual_power(const Turbulence& t, double ky, double kx) {
  const double per_radian = kReferenceNm / kTwoPi;
  const double outer = 1 / (t.outer_scale * t.outer_scale);
  const double open_loop =
      0.0229 * std::pow(t.fried, -5.0 / 3) * std::pow(ky * ky + kx * kx + outer, -11.0 / 6) * per_radian * per_radian;
  const double control = t.control_frequency;
  if (std::fabs(ky) >= control || std::fabs(kx) >= control) return open_loop;
  const double lag = 2 * (1 - std::cos(kTwoPi * (ky * t.wind_y + kx * t.wind_x) * t.delay));
  return open_loop * lag + t.sensor_noise * t.sensor_noise / (4 * control * control);
}

Array<float, 2> residual_modes(const Turbulence& turbulence, int grid, double sample) {
  return mode_amplitudes(grid, sample, [&](double ky, double kx) { return residual_power(turbulence, ky, kx); });
}

Array<float, 2> quasi_static_modes(double rms, double diameter, int grid, double sample) {
  auto amplitudes = mode_amplitudes(grid, sample, [&](double ky, double kx) {
    const double k = std::hypot(ky, kx);
    return k * diameter < 0.99 ? 0.0 : std::pow(k, -2.5);
  });
  double sum = 0;
  for (index_t i = 0; i < amplitudes.size(); ++i) sum += double(amplitudes.data()[i]) * double(amplitudes.data()[i]);
  const double scale = sum > 0 ? rms / std::sqrt(sum) : 0;
  for (index_t i = 0; i < amplitudes.size(); ++i) amplitudes.data()[i] = float(scale * double(amplitudes.data()[i]));
  return amplitudes;
}

Array<float, 2> pupil_mask(const Instrument& instrument, int n, double outer, double inner, double width) {
  constexpr int kFine = 8;
  const double half_width = 0.5 * width / instrument.diameter;
  const auto open = [&](double y, double x) {  // in diameters from the centre
    const double r = std::hypot(y, x);
    if (r > 0.5 * outer || r < 0.5 * inner) return false;
    return std::none_of(instrument.spiders.begin(), instrument.spiders.end(), [&](double direction) {
      const double c = std::cos(direction * std::numbers::pi / 180), s = std::sin(direction * std::numbers::pi / 180);
      return x * c + y * s > 0 && std::fabs(y * c - x * s) < half_width;
    });
  };
  auto mask = host_array<float, 2>({n, n});
  for (int y = 0; y < n; ++y)
    for (int x = 0; x < n; ++x) {
      int count = 0;
      for (int fy = 0; fy < kFine; ++fy)
        for (int fx = 0; fx < kFine; ++fx)
          count += open((y + (fy + 0.5) / kFine) / n - 0.5, (x + (fx + 0.5) / kFine) / n - 0.5) ? 1 : 0;
      mask.view()(y, x) = static_cast<float>(count) / (kFine * kFine);
    }
  return mask;
}

}  // namespace hci
