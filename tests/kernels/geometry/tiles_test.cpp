// SPDX-License-Identifier: MIT
// Kernels that take their frames tile by tile: the same bits, whatever the tile. One frame at a time, and some.
// Where cuFFT or cuBLAS makes the sums, another tile is another batch, for which they promise no bits.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <optional>
#include <vector>

#include "kernels/core/copy.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/geometry/derotate_collapse.hpp"
#include "kernels/geometry/patches.hpp"
#include "kernels/geometry/resample.hpp"
#include "kernels/geometry/rescale.hpp"
#include "kernels/geometry/rotate.hpp"
#include "kernels/geometry/shift.hpp"
#include "kernels/geometry/spline.hpp"
#include "kernels/image/convolve.hpp"
#include "kernels/image/convolve_fft.hpp"
#include "kernels/image/starlet.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

constexpr Extents<3> kShape{7, 21, 24};
const std::vector<double> kAngles = {33, -120, 5, 91, -7, 160, 2};

class Tiles : public OnEveryDevice {
 protected:
  using Kernel = std::function<void(Cube<const float> in, Cube<float> out)>;
  enum class Sums { ours, of_a_library };

  /// All frames at once, one by one, and about two at a time: `frame_bytes` is the scratch of one frame, or nearly so.
  void expect_the_same(Extents<3> made, index_t frame_bytes, const Kernel& kernel, Sums sums = Sums::ours) {
    const auto cube = noise<3>(kShape, 3);
    const auto in = to_device(exec(), cube.view());
    const auto run = [&] {
      Array<float, 3> out(exec(), made);
      kernel(in.view(), out.view());
      return to_host(exec(), std::as_const(out).view());
    };
    const auto want = run();
    // The libraries sum in double: some 100 terms in another order differ by 1e-14 of the largest, and the floats they
    // are rounded to by one step, 2^-23 of it.
    double bound = 0;
    if (sums == Sums::of_a_library && exec().on_cuda())
      for (index_t i = 0; i < want.size(); ++i)
        bound = std::fmax(bound, (0x1p-23 + 1e-12) * std::fabs(double(want.data()[i])));
    for (const index_t limit : {index_t{1}, 2 * frame_bytes}) {
      const ScratchLimit tiles(limit);
      const auto got = run();
      for (index_t i = 0; i < want.size(); ++i)
        ASSERT_TRUE(std::fabs(double(got.data()[i]) - double(want.data()[i])) <= bound)
            << limit << ": " << i << ", " << got.data()[i] << ", " << want.data()[i];
    }
  }
};

TEST_P(Tiles, OfRotationsByShears) {
  const index_t bytes = 2 * 60 * 100 * 8;  // 1.9 to 4 sides each way, complex
  const std::optional<std::array<double, 2>> centres[] = {std::nullopt, std::array{11.2, 10.6}};
  for (const auto& centre : centres)
    expect_the_same(
        kShape, bytes,
        [&](Cube<const float> in, Cube<float> out) {
          derotate(exec(), in, kAngles, {.method = Rotation::fft, .centre = centre}, out);
        },
        Sums::of_a_library);
}

TEST_P(Tiles, OfRotationsWithBlendedEdges) {
  for (const Rotation method : {Rotation::bilinear, Rotation::fft})
    expect_the_same(
        kShape, 2 * 32 * 36 * 4,
        [&](Cube<const float> in, Cube<float> out) {
          derotate(exec(), in, kAngles, {.method = method, .edge_blend = EdgeBlend::interp_noise}, out);
        },
        method == Rotation::fft ? Sums::of_a_library : Sums::ours);
}

TEST_P(Tiles, OfChangesOfScale) {
  const std::vector<double> scales = {1.2, 0.8, 1.2, 1.1, 1.2, 0.8, 1.2};
  const Extents<2> wide = rescaled_sides({kShape[1], kShape[2]}, scales);
  for (const Rotation method : {Rotation::spline3, Rotation::fft, Rotation::lanczos4}) {
    const index_t bytes = method == Rotation::fft       ? 3 * 26 * 30 * 8
                          : method == Rotation::spline3 ? (45 * 48 + 26 * 30) * 4
                                                        : 21 * 24 * 4;
    const Sums sums = method == Rotation::fft ? Sums::of_a_library : Sums::ours;
    expect_the_same(
        kShape, bytes,
        [&](Cube<const float> in, Cube<float> out) { rescale(exec(), in, scales, {.method = method}, out); }, sums);
    expect_the_same(
        {7, wide[0], wide[1]}, bytes,
        [&](Cube<const float> in, Cube<float> out) {
          rescale_wavelengths(exec(), in, scales, method, WavelengthScaling::forward, out);
        },
        sums);
  }
}

TEST_P(Tiles, OfShifts) {
  std::vector<Shift> shifts;
  for (int t = 0; t < 7; ++t) shifts.push_back({1.3 - 0.4 * t, 0.7 * t - 2});
  for (const Rotation method : {Rotation::fft, Rotation::spline3, Rotation::bicubic})
    for (const Border border : {Border::constant, Border::wrap})
      expect_the_same(
          kShape,
          method == Rotation::fft       ? 30 * 30 * 16
          : method == Rotation::bicubic ? 45 * 32
                                        : 45 * 48,
          [&](Cube<const float> in, Cube<float> out) {
            shift(exec(), in, shifts, {.method = method, .border = border}, out);
          },
          method == Rotation::fft ? Sums::of_a_library : Sums::ours);
}

TEST_P(Tiles, OfSplineCoefficients) {
  // Frames that are padded by what lies outside, another value for each of them.
  const auto outside = to_device(exec(), std::vector<float>{1, -2, 3, 0, 5, -6, 7});
  for (const Border border : {Border::constant, Border::reflect}) {
    const index_t padding = spline_padding(3, border), ny = kShape[1] + 2 * padding, nx = kShape[2] + 2 * padding;
    expect_the_same({7, ny, nx}, ny * nx * 8, [&](Cube<const float> in, Cube<float> out) {
      spline_coefficients(exec(), in, 3, border, border == Border::constant ? outside.view() : Vector<const float>{},
                          out);
    });
  }
}

/// Rows of the derotated frames, a few at a time: those of all frames are 7 x 24 numbers.
TEST_P(Tiles, OfDerotatedRows) {
  for (const Collapse mode : {Collapse::median, Collapse::trimmean, Collapse::mean, Collapse::max})
    expect_the_same({1, kShape[1], kShape[2]}, 7 * 24 * 4, [&](Cube<const float> in, Cube<float> out) {
      derotate_collapse(exec(), in, kAngles, {.method = Rotation::bicubic}, {.mode = mode, .trim_keep = 4}, out[0]);
    });
}

TEST_P(Tiles, OfPatches) {
  // Windows that overlap so much that the region is turned first.
  std::vector<Position> centres;
  for (int i = 0; i < 16; ++i) centres.push_back({8.0 + i / 4, 9.0 + i % 4});
  for (const PatchScaling scaling : {PatchScaling::none, PatchScaling::slice, PatchScaling::sample})
    expect_the_same({16 * 7, 7, 7}, 10 * 10 * 4, [&](Cube<const float> in, Cube<float> out) {
      extract_patches(exec(), in, centres, {.angles = kAngles, .scaling = scaling}, {out.data(), {16, 7, 7, 7}});
    });
}

TEST_P(Tiles, OfConvolutions) {
  ConvolutionKernel kernel{9, 9, {}};
  for (int i = 0; i < 81; ++i) kernel.values.push_back(1.0 + i % 5);
  for (const Masked masked : {Masked::zero, Masked::leave_out})
    expect_the_same(
        kShape, 25 * 28 * 16,
        [&](Cube<const float> in, Cube<float> out) {
          convolve_fft(exec(), in, kernel, {.border = Border::constant, .masked = masked}, out);
        },
        Sums::of_a_library);
  const std::vector<double> transfer(21 * 24, 0.5);
  expect_the_same(
      kShape, 21 * 24 * 16,
      [&](Cube<const float> in, Cube<float> out) { filter_frequencies(exec(), in, transfer, out); },
      Sums::of_a_library);
  const std::vector<double> row(9, 1.0);
  expect_the_same(kShape, 21 * 24 * 8,
                  [&](Cube<const float> in, Cube<float> out) { convolve_separable(exec(), in, row, row, {}, out); });
}

TEST_P(Tiles, OfStarlets) {
  expect_the_same({14, 21, 24}, 21 * 24 * 4, [&](Cube<const float> in, Cube<float> out) {
    Array<float, 3> smooth(exec(), kShape);
    starlet(exec(), in, {out.data(), {7, 2, 21, 24}}, smooth.view());
  });
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Tiles);

}  // namespace
}  // namespace hci::test
