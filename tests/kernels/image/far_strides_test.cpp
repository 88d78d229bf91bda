// SPDX-License-Identifier: MIT
// Frames whose rows are more than 2^27 pixels apart, so that offsets pass 2^31 within a frame, and frames that lie more
// than 2^31 pixels apart, for every kernel of
// kernels/image that takes strides.
#include <cmath>
#include <limits>

#include "kernels/image/convolve.hpp"
#include "kernels/image/convolve_fft.hpp"
#include "kernels/image/filters.hpp"
#include "kernels/image/median_filter.hpp"
#include "kernels/image/psf_fit.hpp"
#include "kernels/image/starlet.hpp"
#include "tests/support/far_cube.hpp"

namespace hci::test {
namespace {

constexpr Extents<3> kShape{2, 21, 19};

using FarImages = WithFarCubes;

ConvolutionKernel some_kernel() {
  ConvolutionKernel kernel{3, 5};
  for (int i = 0; i < 15; ++i) kernel.values.push_back(1 + i % 4);
  return kernel;
}

TEST_P(FarImages, AreNoMatterToAConvolution) {
  for (const Masked masked : {Masked::leave_out, Masked::zero, Masked::spread})
    for (const Border border : {Border::constant, Border::symmetric}) {
      const ConvolveOptions options{.border = border, .masked = masked};
      expect_alike(kShape, kShape,
                   [&](Cube<const float> in, Cube<float> out) { convolve(exec(), in, some_kernel(), options, out); });
      expect_alike(kShape, kShape, [&](Cube<const float> in, Cube<float> out) {
        convolve_separable(exec(), in, {1, 2, 1}, {1, 3, 3, 3, 1}, options, out, 2);
      });
    }
  for (const Masked masked : {Masked::leave_out, Masked::zero})
    for (const Border border : {Border::constant, Border::symmetric})
      expect_alike(kShape, kShape, [&](Cube<const float> in, Cube<float> out) {
        convolve_fft(exec(), in, some_kernel(), {.border = border, .masked = masked}, out);
      });
  std::vector<double> transfer;
  for (int i = 0; i < 21 * 19; ++i) transfer.push_back(1.0 / (1 + i));
  expect_alike(kShape, kShape,
               [&](Cube<const float> in, Cube<float> out) { filter_frequencies(exec(), in, transfer, out); });
}

TEST_P(FarImages, AreNoMatterToFilters) {
  const auto expect_of_low_pass = [&](LowPass mode, const FilterOptions& options) {
    expect_alike(kShape, kShape,
                 [&](Cube<const float> in, Cube<float> out) { low_pass(exec(), in, mode, options, out); });
  };
  for (const LowPass mode : {LowPass::median, LowPass::cmedian}) expect_of_low_pass(mode, {.median_size = 3});
  for (const ConvMode conv : {ConvMode::conv, ConvMode::convfft}) {
    expect_of_low_pass(LowPass::gauss, {.conv_mode = conv});
    expect_of_low_pass(LowPass::psf, {.conv_mode = conv, .psf = some_kernel()});
  }
  for (const HighPass mode : {HighPass::laplacian, HighPass::laplacian_conv, HighPass::median_subt,
                              HighPass::gauss_subt, HighPass::fourier_butter, HighPass::hann})
    expect_alike(kShape, kShape, [&](Cube<const float> in, Cube<float> out) { high_pass(exec(), in, mode, {}, out); });
  expect_alike(kShape, kShape, [&](Cube<const float> in, Cube<float> out) {
    median_filter(exec(), in, disc_footprint(3), Border::edge, out);
  });
}

TEST_P(FarImages, AreNoMatterToStarlets) {
  expect_alike(kShape, kShape, [&](Cube<const float> in, Cube<float> out) { starlet_filter(exec(), in, 2, out); });
  expect_alike(kShape, {4, 21, 19}, [&](Cube<const float> in, Cube<float> out) {
    const SpectralCube<float> details(out.data(), {2, 2, 21, 19},
                                      {2 * out.stride(0), out.stride(0), out.stride(1), out.stride(2)});
    starlet(exec(), in, details, {});
  });
  expect_alike({6, 21, 19}, kShape, [&](Cube<const float> in, Cube<float> out) {
    const SpectralCube<const float> details(in.data(), {2, 2, 21, 19},
                                            {2 * in.stride(0), in.stride(0), in.stride(1), in.stride(2)});
    inverse_starlet(exec(), details, slice(in, 4, 2), out);
  });
}

TEST_P(FarImages, AreNoMatterToFits) {
  auto stamps = host_array<float, 3>({2, 19, 17});
  const auto source = draw_psf({19, 17}, {.amplitude = 3, .y = 9.2, .x = 7.7});
  for (index_t i = 0; i < stamps.size(); ++i)
    stamps.data()[i] = source.data()[i % source.size()] + 0.01F * static_cast<float>(i % 7);
  const auto near = to_device(exec(), stamps.view());
  FarCube far(exec(), stamps.view());
  for (const PsfModel model : {PsfModel::gauss, PsfModel::moff, PsfModel::airy}) {
    const auto want = fit_psfs(exec(), near.view(), model), got = fit_psfs(exec(), far.view(), model);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(got[i].converged);
      EXPECT_EQ(got[i].shape.y, want[i].shape.y);
      EXPECT_EQ(got[i].shape.x, want[i].shape.x);
      EXPECT_EQ(got[i].chi2, want[i].chi2);
    }
  }
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(FarImages);

}  // namespace
}  // namespace hci::test
