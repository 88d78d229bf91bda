// SPDX-License-Identifier: MIT
// No room on the host: whichever allocation of a kernel fails, on whichever thread, the caller gets
// std::bad_alloc. This program's operator new can be told to fail, which reaches all of our libraries.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <new>
#include <numeric>

#include "kernels/geometry/rescale.hpp"
#include "kernels/geometry/rotate.hpp"
#include "kernels/image/fft.hpp"
#include "kernels/image/fft2.hpp"
#include "kernels/image/psf_fit.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/gram_update.hpp"
#include "kernels/linalg/least_squares.hpp"
#include "kernels/linalg/subtract_product.hpp"
#include "kernels/linalg/svd.hpp"
#include "kernels/optics/matrix_fourier.hpp"
#include "kernels/stats/collapse.hpp"
#include "kernels/stats/row_medians.hpp"
#include "kernels/stats/snr_map.hpp"
#include "tests/kernels/linalg/matrices.hpp"

namespace {

constexpr int kNever = -1;
std::atomic<int> allocations = 0, failing = kNever;  ///< the one that fails counts from 0

bool fails() { return failing != kNever && allocations++ == failing; }

}  // namespace

// Not inlined: the compiler would take free() for the wrong end of a new.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  void* data = fails() ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
  if (data == nullptr) throw std::bad_alloc();
  return data;
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  void* data = fails() ? nullptr : std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
  if (data == nullptr) throw std::bad_alloc();
  return data;
}
/// Never fails on purpose: who asks this way (std::stable_sort) can do without.
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return std::malloc(bytes == 0 ? 1 : bytes);
}
[[gnu::noinline]] void operator delete(void* data) noexcept { std::free(data); }
[[gnu::noinline]] void operator delete(void* data, std::size_t) noexcept { std::free(data); }
[[gnu::noinline]] void operator delete(void* data, std::align_val_t) noexcept { std::free(data); }
[[gnu::noinline]] void operator delete(void* data, std::size_t, std::align_val_t) noexcept { std::free(data); }

namespace hci::test {
namespace {

/// Runs the kernel with its first allocation failing, then with its second (or that `step` later), until none fails.
/// Returns how many there are.
int fail_each_allocation(const std::function<void()>& kernel, int step = 1) {
  kernel();  // what is made once for the process
  for (int nth = 0;; nth += step) {
    allocations = 0;
    failing = nth;
    bool threw = false;
    try {
      kernel();
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    failing = kNever;
    const bool failed = allocations > nth;
    EXPECT_EQ(threw, failed) << "allocation " << nth;
    if (!failed || !threw) return nth;
  }
}

class NoRoom : public ::testing::TestWithParam<int> {
 protected:
  Exec exec{Exec::Options{.threads = GetParam()}};
  const index_t frames = 9, side = 24, pixels = side * side;
  Array<float, 2> x = device_matrix(exec, speckle_rows(frames, pixels), frames, pixels);
  Matrix<const float> rows() { return x.view(); }
  Cube<const float> cube() { return {x.data(), {frames, side, side}}; }
};

TEST_P(NoRoom, InCollapse) {
  Array<float, 2> out(exec, {side, side});
  for (const Collapse mode : {Collapse::median, Collapse::trimmean, Collapse::mean})
    EXPECT_GE(fail_each_allocation([&] { collapse(exec, cube(), {.mode = mode}, out.view()); }), 2);
  x.data()[5] = std::numeric_limits<float>::infinity();  // such pixels are sorted, in memory of their own
  EXPECT_GE(fail_each_allocation([&] { collapse(exec, cube(), {.mode = Collapse::median}, out.view()); }), 3);
}

TEST_P(NoRoom, InRowsOfTransforms) {
  const auto reals = to_device(exec, std::vector<double>(7 * 12, 1.0));
  Array<Complex, 2> spectrum(exec, {7, 7});
  Array<double, 2> back(exec, {7, 12});
  EXPECT_GE(fail_each_allocation([&] { fft_rows(exec, {reals.data(), {7, 12}}, spectrum.view()); }), 2);
  EXPECT_GE(fail_each_allocation([&] { inverse_fft_rows(exec, spectrum.view(), back.view()); }), 2);
}

TEST_P(NoRoom, InProducts) {
  Array<double, 2> g(exec, {frames, frames});
  EXPECT_GE(fail_each_allocation([&] { gram(exec, rows(), {}, g.view()); }), 1);
  Array<double, 3> grams(exec, {4, frames, frames});
  const std::vector<index_t> first{0, 3, 5, 8, 9};
  EXPECT_GE(fail_each_allocation([&] { gram_batch(exec, rows(), first, {}, grams.view()); }), 2);
  Array<float, 2> out(exec, {frames, pixels});
  const auto c = device_matrix(exec, std::vector<float>(81, 0.1F), frames, frames);
  EXPECT_GE(fail_each_allocation([&] { subtract_product(exec, c.view(), rows(), rows(), out.view()); }), 1);
}

TEST_P(NoRoom, InEigenpairs) {
  Array<double, 2> g(exec, {frames, frames}), values(exec, {9, 3});
  Array<double, 3> vectors(exec, {9, 3, frames});
  gram(exec, rows(), {}, g.view());
  std::vector<IndexSet> sets;
  for (index_t t = 0; t < frames; ++t) {
    sets.emplace_back();
    for (index_t s = 0; s < frames; ++s)
      if (s != t) sets.back().push_back(s);
  }
  EXPECT_GE(fail_each_allocation([&] {
              eigh_top_subsets(exec, {g.data(), {1, frames, frames}}, sets, 3, values.view(), vectors.view());
            }),
            2);
}

TEST_P(NoRoom, InEigenpairsByIteration) {
  const index_t n = 256, k = 1;
  std::vector<double> falling(static_cast<std::size_t>(n * n), 0.0);
  for (index_t i = 0; i < n; ++i)
    falling[static_cast<std::size_t>(i * (n + 1))] = std::pow(0.1, static_cast<double>(i));
  const auto a = device_matrix(exec, falling, n, n);
  IndexSet everyone(static_cast<std::size_t>(n));
  std::iota(everyone.begin(), everyone.end(), 0);
  Array<double, 2> values(exec, {2, k});
  Array<double, 3> vectors(exec, {2, k, n});
  const auto solve = [&] {
    eigh_top_subsets(exec, {a.data(), {1, n, n}}, {everyone, everyone}, k, values.view(), vectors.view());
  };
  EXPECT_GE(fail_each_allocation(solve), 50);
}

/// Of three matrices and of one, for which the threads work together.
TEST_P(NoRoom, InSingularVectors) {
  const index_t k = 2, width = pixels / 3;
  const View<const float, 3> matrices(x.data(), {3, frames, width}, {width, pixels, 1});
  Array<double, 2> squares(exec, {3, k});
  Array<double, 3> left(exec, {3, k, frames});
  for (const index_t count : {3, 1}) {
    const auto some = slice(matrices, 0, count);
    const auto w = slice(squares.view(), 0, count);
    const auto u = slice(left.view(), 0, count);
    EXPECT_GE(fail_each_allocation([&] { svd_randomized_batch(exec, some, {}, w, u); }), 10);
    EXPECT_GE(fail_each_allocation([&] { svd_top_batch(exec, some, {}, w, u); }), 10);
  }
}

TEST_P(NoRoom, InInjectedGrams) {
  Array<double, 2> g(exec, {frames, frames});
  gram(exec, rows(), {}, g.view());
  std::vector<index_t> places;
  for (index_t i = 0; i < 4 * frames; ++i) places.insert(places.end(), {5 * i, 5 * i + 1});
  const auto columns = to_device(exec, places);
  const auto values = to_device(exec, std::vector<float>(places.size(), 1.0F));
  Array<double, 3> out(exec, {4, frames, frames});
  const View<const index_t, 3> at(columns.data(), {4, frames, 2});
  const View<const float, 3> added(values.data(), {4, frames, 2});
  EXPECT_GE(fail_each_allocation([&] { injected_grams(exec, rows(), g.view(), at, added, out.view()); }), 6);
}

TEST_P(NoRoom, InLeastSquares) {
  const index_t n = 210;  // by blocks
  std::vector<double> unit(static_cast<std::size_t>(n * n), 0.0);
  for (index_t i = 0; i < n; ++i) unit[static_cast<std::size_t>(i * (n + 1))] = 1;
  const auto a = device_matrix(exec, unit, n, n);
  const auto rhs = device_matrix(exec, std::vector<double>(static_cast<std::size_t>(4 * n), 1.0), 4, n);
  Array<double, 2> c(exec, {4, n});
  IndexSet everyone(static_cast<std::size_t>(n));
  std::iota(everyone.begin(), everyone.end(), 0);
  const View<const double, 3> one(a.data(), {1, n, n});
  const auto solve = [&] { solve_subsets(exec, one, std::vector<IndexSet>(4, everyone), rhs.view(), 0, c.view()); };
  EXPECT_GE(fail_each_allocation(solve), 10);
}

TEST_P(NoRoom, InRescaling) {
  const std::vector<double> scales(static_cast<std::size_t>(frames), 1.2);
  Array<float, 3> out(exec, {frames, side, side});
  for (const Rotation method : {Rotation::lanczos4, Rotation::fft})
    EXPECT_GE(fail_each_allocation([&] { rescale(exec, cube(), scales, {.method = method}, out.view()); }), 3);
}

TEST_P(NoRoom, InPsfFits) {
  EXPECT_GE(fail_each_allocation([&] { static_cast<void>(fit_psfs(exec, cube())); }), 3);
}

TEST_P(NoRoom, InRotation) {
  const std::vector<double> angles(static_cast<std::size_t>(frames), 12.3);
  Array<float, 3> out(exec, {frames, side, side});
  for (const Rotation method : {Rotation::lanczos4, Rotation::fft})
    EXPECT_GE(fail_each_allocation([&] { derotate(exec, cube(), angles, {.method = method}, out.view()); }), 2);
}

TEST_P(NoRoom, InFourierTransformsByMatrices) {
  const std::vector<double> points(8, 0.01), positions(static_cast<std::size_t>(side), 1.0);
  const auto matrix = fourier_matrix(exec, points, positions, -1, 1);
  const auto in = to_device(exec, std::vector<std::complex<float>>(static_cast<std::size_t>(3 * pixels), 1.0F));
  Array<std::complex<float>, 3> out(exec, {3, 8, 8});
  const Cube<const std::complex<float>> field(in.data(), {3, side, side});
  EXPECT_GE(fail_each_allocation([&] { matrix_fourier(exec, field, matrix.view(), matrix.view(), out.view()); }), 6);
}

TEST_P(NoRoom, InSnrMaps) {
  Array<float, 2> out(exec, {side, side});
  EXPECT_GE(
      fail_each_allocation([&] { snr_map(exec, cube()[0], {}, {.fwhm = 4, .inner = 4, .outer = 8}, out.view()); }), 2);
}

INSTANTIATE_TEST_SUITE_P(Threads, NoRoom, ::testing::Values(1, 3));

}  // namespace
}  // namespace hci::test
