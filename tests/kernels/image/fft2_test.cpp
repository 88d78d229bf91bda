// SPDX-License-Identifier: MIT
#include "kernels/image/fft2.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <utility>

#include "kernels/core/copy.hpp"
#include "kernels/core/scratch.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

template <class T>
using Frames = Array<std::complex<T>, 3>;

template <class T>
Frames<T> noise(Extents<3> extents, unsigned seed) {
  auto frames = host_array<std::complex<T>, 3>(extents);
  std::mt19937 random(seed);
  std::normal_distribution<T> normal;
  for (index_t i = 0; i < frames.size(); ++i) {
    const T real = normal(random);  // one statement each: the order of arguments is not fixed
    frames.data()[i] = {real, normal(random)};
  }
  return frames;
}

/// The definition, one sum at a time, in double.
template <class T>
std::complex<double> dft_at(View<const std::complex<T>, 2> frame, index_t v, index_t u, double sign) {
  const index_t ny = frame.extent(0), nx = frame.extent(1);
  std::complex<double> sum = 0;
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) {
      // Whole turns are dropped in integers, so that the reference is exact for large products.
      const double turns = double(v * y % ny) / double(ny) + double(u * x % nx) / double(nx);
      sum += std::complex<double>(frame(y, x)) * std::polar(1.0, sign * 2 * std::numbers::pi * turns);
    }
  return sum;
}

template <class T>
Frames<T> transformed(Exec& exec, const Frames<T>& host, FftDirection direction) {
  auto in = to_device(exec, host.view());
  Frames<T> out(exec, host.extents());
  fft2(exec, static_cast<const Frames<T>&>(in).view(), out.view(), direction);
  return to_host(exec, out.view());
}

/// FFTs of n points err by a small multiple of eps log2(n) of the L2 norm (Higham 2002, theorem 24.2;
/// Bluestein's algorithm for large primes: three transforms of twice the length, and chirps). 16 covers
/// the constants; every coefficient of unit white noise has the size sqrt(n), as the norm.
template <class T>
double bound(index_t n) {
  return 16.0 * std::numeric_limits<T>::epsilon() * std::log2(4.0 * double(n)) * std::sqrt(2.0 * double(n));
}

template <class T>
void expect_the_definition(Exec& exec, Extents<3> extents) {
  const auto host = noise<T>(extents, 7);
  for (const auto direction : {FftDirection::forward, FftDirection::backward}) {
    const auto got = transformed(exec, host, direction);
    const double sign = direction == FftDirection::forward ? -1 : 1;
    for (index_t t = 0; t < extents[0]; ++t)
      for (index_t v = 0; v < extents[1]; ++v)
        for (index_t u = 0; u < extents[2]; ++u) {
          const auto want = dft_at<T>(host.view()[t], v, u, sign);
          ASSERT_LT(std::abs(std::complex<double>(got.view()(t, v, u)) - want), bound<T>(extents[1] * extents[2]))
              << extents[1] << " x " << extents[2] << " at " << t << ", " << v << ", " << u;
        }
  }
}

class Fft2 : public OnEveryDevice {};

TEST_P(Fft2, IsTheDefinitionForEvenOddPrimeAndFlatFrames) {
  for (const auto& extents :
       {Extents<3>{2, 8, 8}, {3, 15, 9}, {1, 13, 17}, {2, 1, 12}, {2, 12, 1}, {1, 1, 1}, {2, 16, 19}}) {
    expect_the_definition<double>(exec(), extents);
    expect_the_definition<float>(exec(), extents);
  }
  expect_the_definition<double>(exec(), {1, 4, 101});
}

TEST_P(Fft2, TransformsMoreFramesThanOneChunk) { expect_the_definition<double>(exec(), {131, 3, 2}); }

// cuFFT's workspace is as large as what a call transforms: 64 MiB, less under a limit, and no frame less than whole.
TEST_P(Fft2, KeepsItsWorkspaceSmall) {
  const Extents<3> extents{21, 24, 32};
  const std::size_t frame_bytes = 24 * 32 * sizeof(std::complex<double>);
  const auto host = noise<double>(extents, 11);
  auto frames = to_device(exec(), host.view());
  Frames<double> whole(exec(), extents), parts(exec(), extents);
  const std::size_t before = exec().memory()->bytes_in_use();
  {
    const ScratchLimit limit(2 * index_t(frame_bytes));
    fft2(exec(), static_cast<const Frames<double>&>(frames).view(), parts.view(), FftDirection::forward);
    EXPECT_LE(exec().memory()->peak_bytes(), before + 2 * frame_bytes);
  }
  fft2(exec(), static_cast<const Frames<double>&>(frames).view(), whole.view(), FftDirection::forward);
  const auto a = to_host(exec(), parts.view()), b = to_host(exec(), whole.view());
  // FFTW takes frame by frame; cuFFT promises no bits for another batch.
  const double most = exec().on_cuda() ? 2 * bound<double>(24 * 32) : 0;
  for (index_t i = 0; i < host.size(); ++i) ASSERT_LE(std::abs(a.data()[i] - b.data()[i]), most);
}

TEST_P(Fft2, TransformsLargeFramesFewAtATime) {
  Frames<double> frames(exec(), {5, 1024, 1024});  // 16 MiB each: 4 at a time
  fill_zero(exec(), frames.view());
  const std::size_t before = exec().memory()->bytes_in_use();
  fft2(exec(), static_cast<const Frames<double>&>(frames).view(), frames.view(), FftDirection::forward);
  EXPECT_LE(exec().memory()->peak_bytes(), before + (std::size_t{64} << 20));
}

TEST_P(Fft2, BackwardAfterForwardInPlaceGivesTheFrameTimesItsSize) {
  const auto host = noise<double>({3, 30, 21}, 3);
  auto frames = to_device(exec(), host.view());
  fft2(exec(), static_cast<const Frames<double>&>(frames).view(), frames.view(), FftDirection::forward);
  fft2(exec(), static_cast<const Frames<double>&>(frames).view(), frames.view(), FftDirection::backward);
  const auto back = to_host(exec(), frames.view());
  const double n = 30 * 21;
  for (index_t i = 0; i < host.size(); ++i)
    ASSERT_LT(std::abs(back.data()[i] / n - host.data()[i]), 2 * bound<double>(30 * 21) / std::sqrt(n));
}

TEST_P(Fft2, LeavesItsInputAlone) {
  const auto host = noise<float>({2, 16, 12}, 5);
  auto in = to_device(exec(), host.view());
  Frames<float> out(exec(), host.extents());
  fft2(exec(), static_cast<const Frames<float>&>(in).view(), out.view(), FftDirection::backward);
  const auto after = to_host(exec(), in.view());
  for (index_t i = 0; i < host.size(); ++i) ASSERT_EQ(after.data()[i], host.data()[i]);
}

TEST_P(Fft2, SpreadsANaNOverItsOwnFrameOnly) {
  auto host = noise<double>({2, 6, 5}, 5);
  host.view()(1, 2, 3) = std::numeric_limits<double>::quiet_NaN();
  const auto got = transformed(exec(), host, FftDirection::forward);
  for (index_t i = 0; i < 30; ++i) {
    EXPECT_TRUE(std::isfinite(got.data()[i].real()));
    EXPECT_TRUE(std::isnan(got.data()[30 + i].real()));
  }
}

/// A view that begins in the middle of a number of the array: aligned to a real, not to a complex one.
template <class T>
Cube<std::complex<T>> half_a_number_on(Frames<T>& frames, Extents<3> extents) {
  return {reinterpret_cast<std::complex<T>*>(reinterpret_cast<T*>(frames.data()) + 1), extents};
}

template <class T>
void expect_alignment_is_asked_for(Exec& exec) {
  Frames<T> in(exec, {1, 4, 5}), out(exec, {1, 4, 5});
  const auto odd_in = half_a_number_on<T>(in, {1, 4, 4}), odd_out = half_a_number_on<T>(out, {1, 4, 4});
  const Cube<std::complex<T>> even(out.data(), {1, 4, 4});
  EXPECT_THROW(fft2(exec, Cube<const std::complex<T>>(odd_in), even, FftDirection::forward), InvalidInput);
  EXPECT_THROW(fft2(exec, Cube<const std::complex<T>>(even), odd_in, FftDirection::forward), InvalidInput);
  Array<T, 3> frames(exec, {1, 4, 6});
  EXPECT_THROW(fft2_real(exec, Cube<const T>(frames.view()), odd_out), InvalidInput);
  EXPECT_THROW(inverse_fft2_real(exec, odd_out, frames.view()), InvalidInput);
}

TEST_P(Fft2, AsksForAlignmentOnCuda) {
  if (!exec().on_cuda()) GTEST_SKIP() << "FFTW takes any";
  expect_alignment_is_asked_for<double>(exec());
  expect_alignment_is_asked_for<float>(exec());
}

TEST_P(Fft2, RefusesDifferentShapes) {
  Frames<double> in(exec(), {1, 4, 4}), out(exec(), {1, 4, 5});
  EXPECT_THROW(fft2(exec(), static_cast<const Frames<double>&>(in).view(), out.view(), FftDirection::forward),
               InvalidInput);
  const Cube<std::complex<double>> endless(in.data(), {1, 1, (index_t{1} << 32) + 4});
  EXPECT_THROW(fft2(exec(), endless, endless, FftDirection::forward), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Fft2);

template <class T>
Array<T, 3> real_noise(Extents<3> extents, unsigned seed) {
  const auto both = noise<T>(extents, seed);
  auto frames = host_array<T, 3>(extents);
  for (index_t i = 0; i < frames.size(); ++i) frames.data()[i] = both.data()[i].real();
  return frames;
}

template <class T>
Frames<T> half_spectra(Exec& exec, const Array<T, 3>& host) {
  const DeviceInput<T, 3> in(exec, host.view());
  Frames<T> spectrum(exec, {host.extents()[0], host.extents()[1], host.extents()[2] / 2 + 1});
  fft2_real(exec, in.view(), spectrum.view());
  return to_host(exec, spectrum.view());
}

/// Any spectrum's real frame, frequency by frequency: of those left out, the conjugate of their mirror image.
template <class T>
double inverse_at(View<const std::complex<T>, 2> half, index_t nx, index_t y, index_t x) {
  const index_t ny = half.extent(0);
  double sum = 0;
  for (index_t v = 0; v < ny; ++v)
    for (index_t u = 0; u < nx; ++u) {
      const bool there = u < half.extent(1);
      const std::complex<double> value(there ? half(v, u) : std::conj(half((ny - v) % ny, nx - u)));
      const double turns = double(v * y % ny) / double(ny) + double(u * x % nx) / double(nx);
      sum += (value * std::polar(1.0, 2 * std::numbers::pi * turns)).real();
    }
  return sum;
}

template <class T>
void expect_the_definition_of_real(Exec& exec, Extents<3> extents) {
  const auto host = real_noise<T>(extents, 7);
  const index_t ny = extents[1], nx = extents[2];
  const auto got = half_spectra<T>(exec, host);
  for (index_t t = 0; t < extents[0]; ++t)
    for (index_t v = 0; v < ny; ++v)
      for (index_t u = 0; u <= nx / 2; ++u) {
        std::complex<double> want = 0;
        for (index_t y = 0; y < ny; ++y)
          for (index_t x = 0; x < nx; ++x)
            want += double(host.view()(t, y, x)) *
                    std::polar(1.0, -2 * std::numbers::pi *
                                        (double(v * y % ny) / double(ny) + double(u * x % nx) / double(nx)));
        ASSERT_LT(std::abs(std::complex<double>(got.view()(t, v, u)) - want), bound<T>(ny * nx))
            << ny << " x " << nx << " at " << t << ", " << v << ", " << u;
      }
  // There and back, from a spectrum that has been weighted: the frame's own would hide an axis that is mirrored twice.
  auto weighted = host_array<std::complex<T>, 3>(got.extents());
  for (index_t t = 0; t < extents[0]; ++t)
    for (index_t v = 0; v < ny; ++v)
      for (index_t u = 0; u <= nx / 2; ++u)
        weighted.view()(t, v, u) = got.view()(t, v, u) / T(1 + u + 2 * std::min(v, ny - v));
  auto spectrum = to_device(exec, std::as_const(weighted).view());
  Array<T, 3> back(exec, extents);
  inverse_fft2_real(exec, spectrum.view(), back.view());
  const auto frames = to_host(exec, back.view());
  // Weights only make the spectrum's norm smaller than sqrt(n) times the frame's.
  const double most = bound<T>(ny * nx) * std::sqrt(double(ny * nx));
  for (index_t t = 0; t < extents[0]; ++t)
    for (index_t y = 0; y < ny; ++y)
      for (index_t x = 0; x < nx; ++x)
        ASSERT_LT(std::abs(double(frames.view()(t, y, x)) - inverse_at<T>(weighted.view()[t], nx, y, x)), most)
            << ny << " x " << nx << " at " << t << ", " << y << ", " << x;
}

class RealFft2 : public OnEveryDevice {};
HCI_INSTANTIATE_ON_EVERY_DEVICE(RealFft2);

TEST_P(RealFft2, IsTheDefinitionForEvenOddPrimeAndFlatFrames) {
  for (const auto& extents : {Extents<3>{2, 8, 8},
                              {3, 15, 9},
                              {1, 13, 17},
                              {2, 1, 12},
                              {2, 1, 13},
                              {2, 12, 1},
                              {3, 1, 1},
                              {2, 16, 19},
                              {2, 9, 22},
                              {1, 5, 2}}) {
    expect_the_definition_of_real<double>(exec(), extents);
    expect_the_definition_of_real<float>(exec(), extents);
  }
  expect_the_definition_of_real<double>(exec(), {1, 4, 101});
}

TEST_P(RealFft2, TransformsMoreFramesThanOneChunk) { expect_the_definition_of_real<double>(exec(), {131, 3, 2}); }

TEST_P(RealFft2, KeepsItsWorkspaceSmall) {
  const Extents<3> extents{21, 24, 33}, half{21, 24, 17};
  const std::size_t frame_bytes = 24 * 17 * sizeof(std::complex<double>);
  const auto host = real_noise<double>(extents, 11);
  const DeviceInput<double, 3> in(exec(), host.view());
  Frames<double> whole(exec(), half), parts(exec(), half);
  Array<double, 3> of_whole(exec(), extents), of_parts(exec(), extents);
  const std::size_t before = exec().memory()->bytes_in_use();
  {
    const ScratchLimit limit(2 * index_t(frame_bytes));
    fft2_real(exec(), in.view(), parts.view());
    inverse_fft2_real(exec(), parts.view(), of_parts.view());
    EXPECT_LE(exec().memory()->peak_bytes(), before + 2 * frame_bytes);
  }
  fft2_real(exec(), in.view(), whole.view());
  inverse_fft2_real(exec(), whole.view(), of_whole.view());
  const auto a = to_host(exec(), of_parts.view()), b = to_host(exec(), of_whole.view());
  // FFTW takes frame by frame; cuFFT promises no bits for another batch. Two ways of two transforms each; the way back
  // adds up sqrt(n) times the error of a coefficient, and errs as much itself.
  const double most = exec().on_cuda() ? 4 * bound<double>(24 * 33) * std::sqrt(24.0 * 33) : 0;
  for (index_t i = 0; i < host.size(); ++i) ASSERT_NEAR(a.data()[i], b.data()[i], most);
}

TEST_P(RealFft2, LeavesItsInputAlone) {
  const auto host = real_noise<float>({2, 16, 13}, 5);
  auto in = to_device(exec(), host.view());
  Frames<float> spectrum(exec(), {2, 16, 7});
  fft2_real(exec(), std::as_const(in).view(), spectrum.view());
  const auto after = to_host(exec(), in.view());
  for (index_t i = 0; i < host.size(); ++i) ASSERT_EQ(after.data()[i], host.data()[i]);
}

TEST_P(RealFft2, SpreadsANaNOverItsOwnFrameOnly) {
  auto host = real_noise<double>({2, 6, 5}, 5);
  host.view()(1, 2, 3) = std::numeric_limits<double>::quiet_NaN();
  const DeviceInput<double, 3> in(exec(), host.view());
  Frames<double> spectrum(exec(), {2, 6, 3});
  Array<double, 3> back(exec(), {2, 6, 5});
  fft2_real(exec(), in.view(), spectrum.view());
  inverse_fft2_real(exec(), spectrum.view(), back.view());
  const auto got = to_host(exec(), back.view());
  for (index_t i = 0; i < 30; ++i) {
    EXPECT_TRUE(std::isfinite(got.data()[i]));
    EXPECT_TRUE(std::isnan(got.data()[30 + i]));
  }
}

TEST_P(RealFft2, RefusesDifferentShapes) {
  Array<double, 3> frames(exec(), {1, 4, 4});
  Frames<double> spectrum(exec(), {1, 4, 4}), half(exec(), {1, 4, 3});
  EXPECT_THROW(fft2_real(exec(), std::as_const(frames).view(), spectrum.view()), InvalidInput);
  EXPECT_THROW(inverse_fft2_real(exec(), spectrum.view(), frames.view()), InvalidInput);
  const Cube<double> with_gaps(frames.data(), {1, 2, 4}, {16, 8, 1});
  EXPECT_THROW(fft2_real(exec(), Cube<const double>(with_gaps), slice(half.view(), 0, 1)), InvalidInput);
  constexpr index_t kLong = (index_t{1} << 32) + 4;
  const Cube<double> endless(frames.data(), {1, 1, kLong});
  const Cube<std::complex<double>> endless_half(half.data(), {1, 1, kLong / 2 + 1});
  EXPECT_THROW(fft2_real(exec(), Cube<const double>(endless), endless_half), InvalidInput);
  EXPECT_THROW(inverse_fft2_real(exec(), endless_half, endless), InvalidInput);
}

TEST(Fft2OnTheCpu, GivesTheSameBitsForAnyNumberOfThreads) {
  const auto host = noise<float>({5, 31, 33}, 9);
  Exec one(Exec::Options{.threads = 1}), three(Exec::Options{.threads = 3});
  const auto a = transformed(one, host, FftDirection::forward), b = transformed(three, host, FftDirection::forward);
  for (index_t i = 0; i < a.size(); ++i) ASSERT_EQ(a.data()[i], b.data()[i]);
}

}  // namespace
}  // namespace hci::test
