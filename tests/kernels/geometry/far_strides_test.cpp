// SPDX-License-Identifier: MIT
// Frames whose rows are more than 2^27 pixels apart, so that offsets pass 2^31 within a frame, and frames that lie more
// than 2^31 pixels apart, for every kernel of
// kernels/geometry that takes strides.
#include <cmath>
#include <limits>

#include "kernels/geometry/crop_pad.hpp"
#include "kernels/geometry/derotate_collapse.hpp"
#include "kernels/geometry/patches.hpp"
#include "kernels/geometry/patches_augment.hpp"
#include "kernels/geometry/resample.hpp"
#include "kernels/geometry/resample_time.hpp"
#include "kernels/geometry/rescale.hpp"
#include "kernels/geometry/rescale_search.hpp"
#include "kernels/geometry/shift.hpp"
#include "kernels/geometry/spline.hpp"
#include "tests/support/far_cube.hpp"

namespace hci::test {
namespace {

constexpr Extents<3> kShape{2, 21, 19};

using FarFrames = WithFarCubes;

constexpr Rotation kMethods[] = {Rotation::lanczos4, Rotation::bicubic, Rotation::bilinear, Rotation::nearest,
                                 Rotation::spline2,  Rotation::spline3, Rotation::spline5,  Rotation::fft};
const std::vector<double> kAngles = {33, -120};

TEST_P(FarFrames, AreNoMatterToARotation) {
  for (const Rotation method : kMethods)
    expect_alike(kShape, kShape, [&](Cube<const float> in, Cube<float> out) {
      derotate(exec(), in, kAngles, {.method = method}, out);
    });
  for (const Rotation method : {Rotation::bilinear, Rotation::fft})
    expect_alike(kShape, kShape, [&](Cube<const float> in, Cube<float> out) {
      derotate(exec(), in, kAngles, {.method = method, .edge_blend = EdgeBlend::interp_noise}, out);
    });
}

TEST_P(FarFrames, AreNoMatterToARotationWithACollapse) {
  for (const Rotation method : kMethods)
    for (const Collapse mode : {Collapse::median, Collapse::mean})
      expect_alike(kShape, {1, 21, 19}, [&](Cube<const float> in, Cube<float> out) {
        derotate_collapse(exec(), in, kAngles, {.method = method}, {.mode = mode}, out[0]);
      });
}

TEST_P(FarFrames, AreNoMatterUpsideDown) {
  const Extents<3> shape{2, 31, 19};  // taps begin in rows up to 23, 2^31 elements from the first
  const auto cube = noise<3>(shape, 6);
  auto turned = host_array<float, 3>(shape);
  for (index_t t = 0; t < shape[0]; ++t)
    for (index_t y = 0; y < shape[1]; ++y)
      for (index_t x = 0; x < shape[2]; ++x) turned.view()(t, shape[1] - 1 - y, x) = cube.view()(t, y, x);
  const auto near = to_device(exec(), cube.view());
  FarCube far(exec(), turned.view());
  const Cube<float> rows = far.view();  // a pointer only: the first row is the last one there
  const Cube<const float> upside_down(rows.data() + (shape[1] - 1) * rows.stride(1), shape,
                                      {rows.stride(0), -rows.stride(1), 1});
  for (const Rotation method : {Rotation::lanczos4, Rotation::bicubic, Rotation::fft}) {
    Array<float, 3> want(exec(), shape), got(exec(), shape);
    derotate(exec(), near.view(), kAngles, {.method = method}, want.view());
    derotate(exec(), upside_down, kAngles, {.method = method}, got.view());
    const auto a = to_host(exec(), std::as_const(want).view()), b = to_host(exec(), std::as_const(got).view());
    for (index_t i = 0; i < a.size(); ++i) ASSERT_EQ(b.data()[i], a.data()[i]) << int(method);
    Array<float, 2> whole(exec(), {shape[1], shape[2]}), other(exec(), {shape[1], shape[2]});
    derotate_collapse(exec(), near.view(), kAngles, {.method = method}, {}, whole.view());
    derotate_collapse(exec(), upside_down, kAngles, {.method = method}, {}, other.view());
    const auto c = to_host(exec(), std::as_const(whole).view()), d = to_host(exec(), std::as_const(other).view());
    for (index_t i = 0; i < c.size(); ++i) ASSERT_EQ(d.data()[i], c.data()[i]) << int(method);
  }
}

// Places in 1/1024 px pass 32 bits at 2^21 px.
TEST_P(FarFrames, MayBeLongerThanTheirPlacesIn32Bits) {
  constexpr index_t kLength = 2200000;
  auto cube = host_array<float, 3>({1, 1, kLength});
  for (index_t i = 0; i < kLength; ++i) cube.data()[i] = static_cast<float>(i % 8191);
  const auto in = to_device(exec(), cube.view());
  Array<float, 3> out(exec(), cube.extents());
  derotate(exec(), in.view(), {0}, {.centre = std::array<double, 2>{0, 0}}, out.view());
  const auto got = to_host(exec(), std::as_const(out).view());
  for (index_t i = 0; i < kLength; ++i) ASSERT_EQ(got.data()[i], cube.data()[i]) << i;
}

TEST_P(FarFrames, AreNoMatterToAShift) {
  const std::vector<Shift> shifts{{1.3, -2.25}, {-4, 0.5}};
  for (const Rotation method : kMethods)
    expect_alike(kShape, kShape,
                 [&](Cube<const float> in, Cube<float> out) { shift(exec(), in, shifts, {.method = method}, out); });
}

TEST_P(FarFrames, AreNoMatterToSplineCoefficients) {
  for (const int order : {3, 5})
    expect_alike(kShape, kShape, [&](Cube<const float> in, Cube<float> out) {
      spline_coefficients(exec(), in, order, Border::reflect, {}, out);
    });
}

TEST_P(FarFrames, AreNoMatterToAChangeOfScale) {
  for (const Rotation method : kMethods) {
    expect_alike(kShape, kShape, [&](Cube<const float> in, Cube<float> out) {
      rescale(exec(), in, {1.2, 0.8}, {.method = method}, out);
    });
    const Extents<2> wide = rescaled_sides({21, 19}, {1.2, 1}), fine = resampled_sides({21, 19}, 1.5, method);
    expect_alike(kShape, {2, wide[0], wide[1]}, [&](Cube<const float> in, Cube<float> out) {
      rescale_wavelengths(exec(), in, {1.2, 1}, method, WavelengthScaling::forward, out);
    });
    expect_alike(kShape, {2, fine[0], fine[1]},
                 [&](Cube<const float> in, Cube<float> out) { resample(exec(), in, 1.5, {.method = method}, out); });
  }
}

TEST_P(FarFrames, AreNoMatterToWindows) {
  expect_alike(kShape, {2, 17, 11}, [&](Cube<const float> in, Cube<float> out) { crop_or_pad(exec(), in, {}, out); });
  expect_alike(kShape, {2, 25, 30}, [&](Cube<const float> in, Cube<float> out) {
    crop_or_pad(exec(), in, {.border = Border::reflect}, out);
  });
  expect_alike({5, 21, 19}, {2, 21, 19}, [&](Cube<const float> in, Cube<float> out) {
    subsample(exec(), in, 2, {.mode = Collapse::median}, out);
  });
}

TEST_P(FarFrames, AreNoMatterToAScaleSearch) {
  auto cube = noise<3>({3, 21, 19}, 4);
  for (index_t i = 0; i < cube.size(); ++i) cube.data()[i] += 10;
  const auto near = to_device(exec(), cube.view());
  FarCube far(exec(), cube.view()), far_mask(exec(), slice(Cube<const float>(cube.view()), 0, 1));
  const auto mask = to_device(exec(), cube.view()[0]);
  const std::vector<double> wavelengths = {1, 1.1, 1.2}, fluxes = {1, 1, 1};
  const ScaleSearch search{.method = Rotation::bicubic};
  const auto want = find_scales(exec(), near.view(), wavelengths, fluxes, search, mask.view());
  const auto got = find_scales(exec(), far.view(), wavelengths, fluxes, search, far_mask.view()[0]);
  EXPECT_EQ(got.scales, want.scales);
  EXPECT_EQ(got.fluxes, want.fluxes);
}

/// Patches (b, k, 18, 5) as a cube of b k frames.
View<float, 4> as_patches(Cube<float> frames, index_t slices) {
  return {frames.data(),
          {frames.extent(0) / slices, slices, frames.extent(1), frames.extent(2)},
          {slices * frames.stride(0), frames.stride(0), frames.stride(1), frames.stride(2)}};
}
View<const float, 4> as_patches(Cube<const float> frames, index_t slices) {
  return as_patches(Cube<float>(const_cast<float*>(frames.data()), frames.extents(), frames.strides()), slices);
}

TEST_P(FarFrames, AreNoMatterToPatches) {
  const std::vector<Position> whole{{10, 9}, {2, 15}, {20, 0}}, between{{10.3, 9.6}, {2.5, 15}, {20, 0.2}};
  for (const PatchScaling scaling : {PatchScaling::none, PatchScaling::slice, PatchScaling::sample}) {
    expect_alike(kShape, {6, 18, 5}, [&](Cube<const float> in, Cube<float> out) {
      extract_patches(exec(), in, whole, {.scaling = scaling}, as_patches(out, 2));
    });
    for (const Rotation method : {Rotation::bilinear, Rotation::lanczos4})
      expect_alike(kShape, {6, 18, 5}, [&](Cube<const float> in, Cube<float> out) {
        extract_patches(exec(), in, between, {.angles = kAngles, .method = method, .scaling = scaling},
                        as_patches(out, 2));
      });
    expect_alike({6, 18, 5}, {4, 18, 5}, [&](Cube<const float> in, Cube<float> out) {
      turn_patches(exec(), as_patches(in, 2), {{.parent = 2, .angle = 40, .dy = 0.3}, {.mirror_y = true}},
                   {.scaling = scaling}, as_patches(out, 2));
    });
    expect_alike({6, 18, 5}, {4, 18, 5}, [&](Cube<const float> in, Cube<float> out) {
      average_patches(exec(), as_patches(in, 2), {0, 2, 1, 2}, 2, scaling, as_patches(out, 2));
    });
  }
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(FarFrames);

}  // namespace
}  // namespace hci::test
