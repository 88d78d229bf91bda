// SPDX-License-Identifier: MIT
#include "kernels/image/fft.hpp"

#include <cmath>
#include <complex>
#include <cstddef>
#include <limits>
#include <numbers>
#include <thread>
#include <utility>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/image/fft2.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class RealRows : public OnEveryDevice {};

/// The sums that define the transform, of rows of n, exact to double.
std::vector<Complex> spectrum_of(const Array<double, 2>& rows) {
  const index_t n = rows.extent(1);
  std::vector<Complex> spectrum;
  for (index_t b = 0; b < rows.extent(0); ++b)
    for (index_t f = 0; f < n / 2 + 1; ++f) {
      long double re = 0, im = 0;
      for (index_t j = 0; j < n; ++j) {
        const long double angle = -2 * std::numbers::pi_v<long double> * (f * j % n) / n;
        re += rows.view()(b, j) * std::cos(angle);
        im += rows.view()(b, j) * std::sin(angle);
      }
      spectrum.push_back({static_cast<double>(re), static_cast<double>(im)});
    }
  return spectrum;
}

// n terms of size 1, each rounded by 2^-53 in its product and in the sum. Back, as many frequencies, each off by so
// much.
TEST_P(RealRows, TransformLikeTheSumThatDefinesItAndBack) {
  for (const index_t n : {1, 2, 5, 12, 134, 135, 402})
    for (const index_t batch : {1, 3}) {
      const index_t nf = n / 2 + 1;
      const double most = 2 * 0x1p-53 * double(n);
      auto rows = host_array<double, 2>({batch, n});
      for (index_t i = 0; i < rows.size(); ++i) rows.data()[i] = std::sin(0.7 * double(i * i % 1013));
      const auto in = to_device(exec(), View<const double, 2>(rows.view()));
      Array<Complex, 2> spectrum(exec(), {batch, nf});
      fft_rows(exec(), in.view(), spectrum.view());
      const auto out = to_host(exec(), spectrum.view());
      const auto want = spectrum_of(rows);
      for (std::size_t i = 0; i < want.size(); ++i) {
        EXPECT_NEAR(out.data()[i].re, want[i].re, most) << n << " " << i;
        EXPECT_NEAR(out.data()[i].im, want[i].im, most) << n << " " << i;
      }
      auto from = to_device(exec(), View<const Complex, 2>(want.data(), {batch, nf}));
      Array<double, 2> back(exec(), {batch, n});
      inverse_fft_rows(exec(), from.view(), back.view());
      const auto again = to_host(exec(), back.view());
      for (index_t i = 0; i < rows.size(); ++i)
        EXPECT_NEAR(again.data()[i], double(n) * rows.data()[i], double(n) * most) << n << " " << i;
    }
}

TEST_P(RealRows, KeepANanToThemselves) {
  auto rows = host_array<double, 2>({3, 15});
  for (index_t i = 0; i < rows.size(); ++i) rows.data()[i] = double(i % 7);
  rows.view()(1, 4) = std::numeric_limits<double>::quiet_NaN();
  const auto in = to_device(exec(), View<const double, 2>(rows.view()));
  Array<Complex, 2> spectrum(exec(), {3, 8});
  fft_rows(exec(), in.view(), spectrum.view());
  const auto out = to_host(exec(), spectrum.view());
  for (index_t b = 0; b < 3; ++b)
    for (index_t f = 0; f < 8; ++f) EXPECT_EQ(std::isnan(out.view()(b, f).re), b == 1) << b << " " << f;
}

/// Waves in rows of length n that begin `before` doubles after an aligned address: their spectra, and where they come
/// back to, which begins there, too.
std::pair<Array<Complex, 2>, Array<double, 2>> spectrum_and_back(Exec& exec, const Array<double, 2>& rows,
                                                                 index_t before) {
  const index_t batch = rows.extent(0), n = rows.extent(1);
  Array<double, 1> room(exec, Extents<1>{before + batch * n});
  const Matrix<double> view(room.data() + before, {batch, n});
  upload(exec, rows.view(), view);
  Array<Complex, 2> spectrum(exec, {batch, n / 2 + 1});
  fft_rows(exec, view, spectrum.view());
  auto host = to_host(exec, spectrum.view());
  fill_zero(exec, view);
  inverse_fft_rows(exec, spectrum.view(), view);
  return {std::move(host), to_host(exec, view)};
}

// Rows that do not fit one call's workspace: `most` at a time here, 64 MiB of them without a limit. cuFFT refuses what
// is not aligned to 16 bytes: rows of odd length, an odd number at a time; one at a time; and those of a caller's view.
TEST_P(RealRows, AreTransformedInPartsWhereverTheyBegin) {
  for (const index_t batch : {1, 2, 11})
    for (const index_t n : {1, 2, 15, 20, 21}) {
      auto rows = host_array<double, 2>({batch, n});
      for (index_t i = 0; i < rows.size(); ++i) rows.data()[i] = std::sin(0.3 * double(i * i % 1013));
      const auto [whole, whole_back] = spectrum_and_back(exec(), rows, 0);
      // Fewer than 5 passes, each rounding sums of up to n numbers below 1, and n times their size on the way back.
      // FFTW takes row by row; cuFFT promises no bits for another batch.
      const double rounding = 10 * 0x1p-53 * double(n), most_off = exec().on_cuda() ? rounding : 0;
      for (const index_t before : {0, 1})
        for (const index_t most : {1, 3, 4, 100}) {
          const ScratchLimit limit(most * n * index_t{sizeof(double)});
          const auto [parts, back] = spectrum_and_back(exec(), rows, before);
          for (index_t i = 0; i < parts.size(); ++i) {
            ASSERT_NEAR(parts.data()[i].re, whole.data()[i].re, most_off) << batch << " x " << n << ", " << most;
            ASSERT_NEAR(parts.data()[i].im, whole.data()[i].im, most_off) << batch << " x " << n << ", " << most;
          }
          for (index_t i = 0; i < rows.size(); ++i) {
            ASSERT_NEAR(back.data()[i], whole_back.data()[i], double(n) * most_off) << batch << " x " << n;
            ASSERT_NEAR(back.data()[i], double(n) * rows.data()[i], double(n) * rounding) << batch << " x " << n;
          }
        }
    }
}

TEST_P(RealRows, SayWhatIsWrong) {
  Array<double, 2> rows(exec(), {2, 8});
  Array<Complex, 2> spectrum(exec(), {2, 4});
  EXPECT_THROW(fft_rows(exec(), rows.view(), spectrum.view()), InvalidInput);
  EXPECT_THROW(inverse_fft_rows(exec(), spectrum.view(), rows.view()), InvalidInput);
  if (exec().on_cuda()) {
    auto* const odd = reinterpret_cast<Complex*>(reinterpret_cast<std::byte*>(spectrum.data()) + sizeof(double));
    const Matrix<Complex> unaligned(odd, {1, 5});
    EXPECT_THROW(fft_rows(exec(), Matrix<const double>(rows.data(), {1, 8}), unaligned), InvalidInput);
    EXPECT_THROW(inverse_fft_rows(exec(), unaligned, Matrix<double>(rows.data(), {1, 8})), InvalidInput);
  }
  // 2^32 + 6 values in a row are not 6.
  constexpr index_t kLong = (index_t{1} << 32) + 6;
  const Matrix<double> long_rows(rows.data(), {1, kLong});
  const Matrix<Complex> long_spectrum(spectrum.data(), {1, kLong / 2 + 1});
  EXPECT_THROW(fft_rows(exec(), long_rows, long_spectrum), InvalidInput);
  EXPECT_THROW(inverse_fft_rows(exec(), long_spectrum, long_rows), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(RealRows);

/// FFTW's planner is one for the process, whichever of our transforms asks it for a plan.
TEST(RealRowsOnCpu, PlanBesideFft2InAnotherThread) {
  bool rows_are_right = true, frames_are_right = true;
  std::thread first([&] {
    Exec exec;
    for (index_t n = 4; n <= 200; ++n) {
      const auto rows = to_device(exec, std::vector<double>(static_cast<std::size_t>(n), 1.0));
      Array<Complex, 2> spectrum(exec, {1, n / 2 + 1});
      fft_rows(exec, {rows.data(), {1, n}}, spectrum.view());
      // The sum of n ones, to the rounding of at most 200 of them.
      rows_are_right = rows_are_right && std::fabs(spectrum.data()->re - double(n)) < 1e-11;
    }
  });
  std::thread second([&] {
    Exec exec;
    for (index_t n = 4; n <= 100; ++n) {
      const auto ones = to_device(exec, std::vector<std::complex<double>>(static_cast<std::size_t>(n * n), 1.0));
      Array<std::complex<double>, 3> spectrum(exec, {1, n, n});
      fft2(exec, {ones.data(), {1, n, n}}, spectrum.view(), FftDirection::forward);
      frames_are_right = frames_are_right && std::abs(*spectrum.data() - double(n * n)) < 1e-8;
    }
  });
  first.join();
  second.join();
  EXPECT_TRUE(rows_are_right);
  EXPECT_TRUE(frames_are_right);
}

}  // namespace
}  // namespace hci::test
