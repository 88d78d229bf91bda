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

#include "kernels/core/copy.hpp"
#include "kernels/geometry/patches.hpp"
#include "kernels/geometry/patches_augment.hpp"
#include "kernels/geometry/rescale.hpp"
#include "kernels/geometry/rescale_search.hpp"
#include "kernels/geometry/rotate.hpp"
#include "kernels/geometry/shift.hpp"
#include "kernels/geometry/spline.hpp"
#include "kernels/image/convolve.hpp"
#include "kernels/image/convolve_fft.hpp"
#include "kernels/image/fft.hpp"
#include "kernels/image/fft2.hpp"
#include "kernels/image/median_filter.hpp"
#include "kernels/image/psf_fit.hpp"
#include "kernels/image/starlet.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/gram_update.hpp"
#include "kernels/linalg/least_squares.hpp"
#include "kernels/linalg/nmf.hpp"
#include "kernels/linalg/subtract_product.hpp"
#include "kernels/linalg/svd.hpp"
#include "kernels/optics/matrix_fourier.hpp"
#include "kernels/stats/collapse.hpp"
#include "kernels/stats/row_medians.hpp"
#include "kernels/stats/sigma_clip.hpp"
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

TEST_P(NoRoom, InRotationWithEdgesBlended) {
  const std::vector<double> angles(static_cast<std::size_t>(frames), 12.3);
  Array<float, 3> out(exec, {frames, side, side});
  for (const Rotation method : {Rotation::spline3, Rotation::fft}) {
    const RotateOptions options{.method = method, .edge_blend = EdgeBlend::interp_noise};
    EXPECT_GE(fail_each_allocation([&] { derotate(exec, cube(), angles, options, out.view()); }), 8);
  }
}

TEST_P(NoRoom, InPatches) {
  std::vector<Position> centres;
  for (int b = 0; b < 12; ++b) centres.push_back({6 + 0.5 * b, 14 - 0.3 * b});
  Array<float, 4> out(exec, {12, frames, 7, 7});
  PatchOptions options{.scaling = PatchScaling::slice};
  EXPECT_GE(fail_each_allocation([&] { extract_patches(exec, cube(), centres, options, out.view()); }), 2);
  options.angles.assign(static_cast<std::size_t>(frames), 12.3);  // slices are turned where windows overlap much
  EXPECT_GE(fail_each_allocation([&] { extract_patches(exec, cube(), centres, options, out.view()); }), 3);
  const Patches<const float> samples = std::as_const(out).view();
  Array<float, 4> more(exec, out.extents());
  for (const PatchScaling scaling : {PatchScaling::none, PatchScaling::slice}) {
    std::vector<PatchTurn> turns(12);
    for (std::size_t b = 0; b < turns.size(); ++b) turns[b].angle = 10.0 * double(b);
    EXPECT_GE(fail_each_allocation([&] { turn_patches(exec, samples, turns, {.scaling = scaling}, more.view()); }), 1);
    const std::vector<index_t> parents(24, 3);
    EXPECT_GE(fail_each_allocation([&] { average_patches(exec, samples, parents, 2, scaling, more.view()); }), 1);
  }
}

TEST_P(NoRoom, InSplineCoefficients) {
  const index_t padding = spline_padding(5, Border::constant), wide = side + 2 * padding;
  Array<float, 3> out(exec, {frames, wide, wide});
  EXPECT_GE(fail_each_allocation([&] { spline_coefficients(exec, cube(), 5, Border::constant, {}, out.view()); }), 2);
}

TEST_P(NoRoom, InShifts) {
  const std::vector<Shift> shifts(static_cast<std::size_t>(frames), {0.3, -1.2});
  Array<float, 3> out(exec, {frames, side, side});
  for (const Rotation method : {Rotation::lanczos4, Rotation::spline3, Rotation::fft})
    EXPECT_GE(fail_each_allocation([&] { shift(exec, cube(), shifts, {.method = method}, out.view()); }), 2);
}

TEST_P(NoRoom, InSigmaClips) {
  Array<std::uint8_t, 3> bad(exec, {frames, side, side});
  for (const bool mad : {false, true})
    EXPECT_GE(fail_each_allocation([&] { sigma_clip(exec, cube(), {}, {.mad = mad}, bad.view()); }), 1);
  for (index_t t = 0; t < frames; ++t) x.view()(t, 40) = std::numeric_limits<float>::quiet_NaN();
  Array<float, 3> mended(exec, {frames, side, side});
  EXPECT_GE(fail_each_allocation([&] {
              copy(exec, cube(), mended.view());
              EXPECT_EQ(correct_nan(exec, mended.view(), {}), 0);
            }),
            2);
}

TEST_P(NoRoom, InConvolutions) {
  Array<float, 3> out(exec, {frames, side, side});
  const std::vector<double> taps = gaussian_taps(1.5, 7);
  ConvolutionKernel kernel{.ny = 7, .nx = 7};
  for (const double p : taps)
    for (const double q : taps) kernel.values.push_back(p * q);
  x.data()[100] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_GE(fail_each_allocation([&] { convolve(exec, cube(), kernel, {}, out.view()); }), 2);
  EXPECT_GE(fail_each_allocation([&] { convolve_separable(exec, cube(), taps, taps, {}, out.view()); }), 2);
  EXPECT_GE(fail_each_allocation([&] { convolve_fft(exec, cube(), kernel, {}, out.view()); }), 4);
  EXPECT_GE(fail_each_allocation(
                [&] { filter_frequencies(exec, cube(), std::vector<double>(std::size_t(pixels), 0.5), out.view()); }),
            3);
}

TEST_P(NoRoom, InMedianFilters) {
  Array<float, 3> out(exec, {frames, side, side});
  for (const Footprint& footprint : {box_footprint(5, 5), disc_footprint(4)})
    EXPECT_GE(fail_each_allocation([&] { median_filter(exec, cube(), footprint, Border::edge, out.view()); }), 2);
}

TEST_P(NoRoom, InStarlets) {
  Array<float, 4> details(exec, {frames, 3, side, side});
  Array<float, 3> smooth(exec, {frames, side, side}), out(exec, {frames, side, side});
  EXPECT_GE(fail_each_allocation([&] { starlet(exec, cube(), details.view(), smooth.view()); }), 3);
  const SpectralCube<const float> levels = std::as_const(details).view();
  EXPECT_GE(fail_each_allocation([&] { inverse_starlet(exec, levels, std::as_const(smooth).view(), out.view()); }), 3);
  EXPECT_GE(fail_each_allocation([&] { starlet_filter(exec, cube(), 2, out.view()); }), 3);
}

TEST_P(NoRoom, InNonNegativeFactors) {
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] = std::fabs(x.data()[i]);
  Array<float, 2> w(exec, {frames, 3}), h(exec, {3, pixels});
  for (const NmfSolver solver : {NmfSolver::cd, NmfSolver::mu})
    for (const NmfStart start : {NmfStart::nndsvda, NmfStart::random}) {
      const NmfOptions options{.solver = solver, .start = start, .max_iter = 3};
      EXPECT_GE(fail_each_allocation([&] { static_cast<void>(nmf(exec, rows(), options, w.view(), h.view())); }), 5);
    }
  EXPECT_GE(fail_each_allocation([&] {
              static_cast<void>(nmf_weights(exec, rows(), std::as_const(h).view(), {.max_iter = 3}, w.view()));
            }),
            3);
}

/// Some of the thousands of allocations: a grid of scales after another asks for the same.
TEST_P(NoRoom, InSearchesForScales) {
  const Cube<const float> channels = slice(cube(), 0, 2);
  const auto search = [&] {
    static_cast<void>(find_scales(exec, channels, {1.0, 1.1}, {1, 1}, {.method = Rotation::bilinear}, {}));
  };
  EXPECT_GE(fail_each_allocation(search, 41), 200);
}

TEST_P(NoRoom, InTransformsOfFrames) {
  Array<std::complex<float>, 3> half(exec, {frames, side, side / 2 + 1}), whole(exec, {frames, side, side});
  Array<float, 3> back(exec, {frames, side, side});
  const auto transform = [&] { fft2(exec, std::as_const(whole).view(), whole.view(), FftDirection::forward); };
  EXPECT_GE(fail_each_allocation(transform), 1);
  EXPECT_GE(fail_each_allocation([&] { fft2_real(exec, cube(), half.view()); }), 1);
  EXPECT_GE(fail_each_allocation([&] { inverse_fft2_real(exec, half.view(), back.view()); }), 1);
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
