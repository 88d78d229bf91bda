// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <complex>
#include <numbers>
#include <random>
#include <utility>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {

using Complex = std::complex<float>;
using Complexd = std::complex<double>;

constexpr double kTwoPi = 2 * std::numbers::pi;
constexpr double kRounding = 0x1p-24;  // of a float, relative

/// Complex normal deviates in host memory, the same for the same seed.
template <int N>
Array<Complex, N> complex_noise(Extents<N> extents, unsigned seed, float sigma = 1) {
  auto values = host_array<Complex, N>(extents);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, sigma);
  for (index_t i = 0; i < values.size(); ++i) {
    const float real = normal(random);
    values.data()[i] = {real, normal(random)};
  }
  return values;
}

/// An aperture of grey samples, a fifth of them dark: no two rows or columns are alike.
inline Array<float, 2> grey_aperture(index_t ny, index_t nx) {
  auto aperture = host_array<float, 2>({ny, nx});
  for (index_t i = 0; i < aperture.size(); ++i)
    aperture.data()[i] = i % 5 == 3 ? 0.0F : 0.3F + 0.05F * static_cast<float>((7 * i) % 11);
  return aperture;
}

inline Complexd wide(Complex z) { return {z.real(), z.imag()}; }

inline bool is_nan(Complex z) { return std::isnan(z.real()) || std::isnan(z.imag()); }

/// A device array as what kernels read.
template <class T, int N>
View<const T, N> read_only(const Array<T, N>& array) {
  return array.view();
}

}  // namespace hci::test
