// SPDX-License-Identifier: MIT
#include "kernels/image/fft.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <type_traits>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/image/fft2.hpp"

namespace hci::bench {
namespace {

/// Real rows there and back, as the FFT rotation does them.
void rows(benchmark::State& state, Exec& exec, index_t count, index_t length) {
  const auto numbers = speckle_cube(1, count, length);
  auto input = host_array<double, 2>({count, length});
  for (index_t i = 0; i < input.size(); ++i) input.data()[i] = static_cast<double>(numbers.data()[i]);
  const DeviceInput<double, 2> in(exec, std::as_const(input).view());
  Array<double, 2> back(exec, input.extents());
  Array<Complex, 2> spectrum(exec, {count, length / 2 + 1});
  const auto work = [&] {
    fft_rows(exec, in.view(), spectrum.view());
    inverse_fft_rows(exec, spectrum.view(), back.view());
  };
  work();
  const auto host = to_host(exec, std::as_const(back).view());
  const double n = static_cast<double>(length);
  for (index_t i = 0; i < input.size(); i += 997)
    if (!(std::abs(host.data()[i] / n - input.data()[i]) <= 1e-10 * 2000))
      return state.SkipWithError("there and back is not the same");
  const double seconds = timed(state, exec, work);
  const double points = static_cast<double>(input.size());
  report_flops(state, exec, seconds, 2 * 2.5 * points * std::log2(n), Precision::f64);
  report_bytes(state, exec, seconds, 4 * 8 * points);  // the numbers and as many of the spectrum, there and back
}

/// Frames of T, real or complex; complex ones have imaginary parts of 0.
template <class N>
Array<N, 3> speckles(Extents<3> shape) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  auto frames = host_array<N, 3>(shape);
  for (index_t i = 0; i < frames.size(); ++i) frames.data()[i] = N(cube.data()[i]);
  return frames;
}

/// N: what the frames are made of. Real ones give half spectra.
template <class T, class N>
void frames(benchmark::State& state, Exec& exec, Extents<3> shape) {
  constexpr bool real = std::is_same_v<N, T>;
  const auto input = speckles<N>(shape);
  const DeviceInput<N, 3> in(exec, input.view());
  Array<std::complex<T>, 3> out(exec, {shape[0], shape[1], real ? shape[2] / 2 + 1 : shape[2]});
  const auto work = [&] {
    if constexpr (real)
      fft2_real(exec, in.view(), out.view());
    else
      fft2(exec, in.view(), out.view(), FftDirection::forward);
  };
  work();
  std::complex<double> want = 0;  // frequency (2, 3) of the last frame
  double norm = 0;
  for (index_t y = 0; y < shape[1]; ++y)
    for (index_t x = 0; x < shape[2]; ++x) {
      const double v = std::real(input.view()(shape[0] - 1, y, x));
      want += std::polar(
          v, -2 * std::numbers::pi * (2.0 * double(y) / double(shape[1]) + 3.0 * double(x) / double(shape[2])));
      norm += v * v;
    }
  const auto host = to_host(exec, std::as_const(out).view());
  const std::complex<double> got(host.view()(shape[0] - 1, 2, 3));
  const double points = static_cast<double>(shape[1] * shape[2]), log = std::log2(points);
  const double bound =
      4 * double(std::numeric_limits<T>::epsilon()) * log * std::sqrt(norm * points) + 1e-9 * std::sqrt(norm);
  if (!(std::abs(got - want) <= bound)) return state.SkipWithError("a frequency differs from the sum that defines it");
  const double seconds = timed(state, exec, work);
  report_flops(state, exec, seconds, (real ? 2.5 : 5) * points * log * static_cast<double>(shape[0]),
               sizeof(T) == 4 ? Precision::f32 : Precision::f64);
  report_bytes(state, exec, seconds, static_cast<double>(input.bytes() + out.bytes()));
}

/// Real frames to their half spectra and back: n times what they were.
template <class T>
void real_there_and_back(benchmark::State& state, Exec& exec, Extents<3> shape) {
  const auto input = speckles<T>(shape);
  const DeviceInput<T, 3> in(exec, input.view());
  Array<std::complex<T>, 3> spectrum(exec, {shape[0], shape[1], shape[2] / 2 + 1});
  Array<T, 3> back(exec, shape);
  const auto work = [&] {
    fft2_real(exec, in.view(), spectrum.view());
    inverse_fft2_real(exec, spectrum.view(), back.view());
  };
  work();
  const auto host = to_host(exec, std::as_const(back).view());
  const double points = static_cast<double>(shape[1] * shape[2]), log = std::log2(points);
  double norm = 0;
  for (const T value : std::span(input.data(), static_cast<std::size_t>(points))) norm += double(value) * double(value);
  for (index_t i = 0; i < shape[1] * shape[2]; i += 97)
    if (!(std::abs(double(host.data()[i]) / points - double(input.data()[i])) <=
          8 * double(std::numeric_limits<T>::epsilon()) * log * std::sqrt(norm)))
      return state.SkipWithError("there and back is not the same");
  const double seconds = timed(state, exec, work);
  report_flops(state, exec, seconds, 2 * 2.5 * points * log * static_cast<double>(shape[0]),
               sizeof(T) == 4 ? Precision::f32 : Precision::f64);
  report_bytes(state, exec, seconds, 2 * static_cast<double>(input.bytes() + spectrum.bytes()));
}

template <class T>
bool add_real_there_and_back(const char* name, Extents<3> shape) {
  return on_every_device(name, {shape[0], shape[1], shape[2]},
                         [=](benchmark::State& state, Exec& exec) { real_there_and_back<T>(state, exec, shape); });
}

bool add_rows(index_t count, index_t length) {
  return on_every_device("fft_rows/there_and_back", {count, length},
                         [=](benchmark::State& state, Exec& exec) { rows(state, exec, count, length); });
}

template <class T, class N = std::complex<T>>
bool add_frames(const char* name, Extents<3> shape) {
  return on_every_device(name, {shape[0], shape[1], shape[2]},
                         [=](benchmark::State& state, Exec& exec) { frames<T, N>(state, exec, shape); });
}

const bool registered[] = {
    add_rows(61 * 210, 864),
    add_rows(61 * 101, 420),
    add_frames<double>("fft2/double", {61, 256, 256}),
    add_frames<double>("fft2/double", {61, 210, 210}),
    add_frames<double, double>("fft2_real/double", {61, 256, 256}),
    add_frames<double, double>("fft2_real/double", {61, 210, 210}),
    add_frames<float, float>("fft2_real/float", {61, 256, 256}),
    add_real_there_and_back<double>("fft2_real/there_and_back/double", {61, 256, 256}),
    add_real_there_and_back<float>("fft2_real/there_and_back/float", {61, 256, 256}),
    add_frames<float>("fft2/float", {61, 256, 256}),
    add_frames<float>("fft2/float", {4, 1024, 1024}),
};

}  // namespace
}  // namespace hci::bench
