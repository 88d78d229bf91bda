// SPDX-License-Identifier: MIT
#include "kernels/geometry/derotate_collapse.hpp"

#include <cstring>
#include <limits>
#include <random>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class DerotateCollapse : public OnEveryDevice {};

Array<float, 3> noise_cube(Extents<3> shape, bool with_nan) {
  std::mt19937 random(9);
  std::normal_distribution<float> noise(1, 10);
  auto cube = host_array<float, 3>(shape);
  for (index_t i = 0; i < cube.size(); ++i) cube.data()[i] = noise(random);
  if (with_nan)
    for (index_t t = 0; t < shape[0]; t += 2)
      cube.view()(t, shape[1] / 3, shape[2] / 3) = std::numeric_limits<float>::quiet_NaN();
  return cube;
}

std::vector<double> angles_of(index_t frames) {
  std::vector<double> angles;
  for (index_t t = 0; t < frames; ++t) angles.push_back(-80 + 7.3 * double(t));
  return angles;
}

TEST_P(DerotateCollapse, HasTheBitsOfDerotatingAndThenCollapsing) {
  for (const Extents<3> shape : {Extents<3>{1, 1, 1}, {6, 33, 33}, {9, 20, 50}, {21, 40, 18}})
    for (const Rotation method : {Rotation::lanczos4, Rotation::bicubic, Rotation::bilinear, Rotation::nearest,
                                  Rotation::spline4, Rotation::fft})
      for (const Collapse mode : {Collapse::median, Collapse::mean, Collapse::trimmean, Collapse::wmean}) {
        if (method == Rotation::fft && mode != Collapse::median) continue;
        const auto cube = noise_cube(shape, true);
        const auto angles = angles_of(shape[0]);
        const RotateOptions rotation{.method = method};
        CollapseOptions collapsing{.mode = mode, .trim_keep = 5};
        collapsing.weights.assign(static_cast<std::size_t>(shape[0]), 0.3);
        const DeviceInput<float, 3> in(exec(), cube.view());
        Array<float, 3> derotated(exec(), shape);
        Array<float, 2> expected(exec(), {shape[1], shape[2]}), out(exec(), {shape[1], shape[2]});
        derotate(exec(), in.view(), angles, rotation, derotated.view());
        collapse(exec(), derotated.view(), collapsing, expected.view());
        derotate_collapse(exec(), in.view(), angles, rotation, collapsing, out.view());
        const auto a = to_host(exec(), expected.view()), b = to_host(exec(), out.view());
        ASSERT_EQ(std::memcmp(a.data(), b.data(), a.bytes()), 0)
            << "method " << int(method) << ", mode " << int(mode) << ", frames " << shape[0];
      }
}

TEST_P(DerotateCollapse, HasTheSameBitsForAnyNumberOfThreads) {
  const Extents<3> shape{15, 45, 47};
  const auto cube = noise_cube(shape, true);
  for (const Rotation method : {Rotation::lanczos4, Rotation::bicubic, Rotation::fft}) {
    std::vector<float> first;
    for (const int threads : {1, 2, 5}) {
      Exec::Options options = GetParam().options;
      options.threads = threads;
      Exec other(options);
      const DeviceInput<float, 3> in(other, cube.view());
      Array<float, 2> out(other, {shape[1], shape[2]});
      derotate_collapse(other, in.view(), angles_of(shape[0]), {.method = method}, {}, out.view());
      const auto host = to_host(other, out.view());
      if (first.empty()) first.assign(host.data(), host.data() + host.size());
      ASSERT_EQ(std::memcmp(first.data(), host.data(), host.bytes()), 0) << threads << " threads";
    }
  }
}

TEST_P(DerotateCollapse, ReadsAPartOfALargerCube) {
  const auto whole = noise_cube({8, 30, 40}, false);
  const auto device = to_device(exec(), View<const float, 3>(whole.view()));
  const Extents<3> shape{4, 21, 25};
  const Cube<const float> part(device.data() + 5 * 40 + 6, shape, {2 * 1200, 40, 1});
  auto copied = host_array<float, 3>(shape);
  for (index_t t = 0; t < 4; ++t)
    for (index_t y = 0; y < 21; ++y)
      for (index_t x = 0; x < 25; ++x) copied.view()(t, y, x) = whole.view()(2 * t, y + 5, x + 6);
  const DeviceInput<float, 3> in(exec(), copied.view());
  for (const Rotation method : {Rotation::lanczos4, Rotation::bilinear, Rotation::fft}) {
    Array<float, 2> expected(exec(), {21, 25}), out(exec(), {21, 25});
    derotate_collapse(exec(), in.view(), angles_of(4), {.method = method}, {}, expected.view());
    derotate_collapse(exec(), part, angles_of(4), {.method = method}, {}, out.view());
    const auto a = to_host(exec(), expected.view()), b = to_host(exec(), out.view());
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.bytes()), 0) << "method " << int(method);
  }
}

TEST_P(DerotateCollapse, SaysWhatIsWrong) {
  const auto cube = noise_cube({2, 4, 4}, false);
  const DeviceInput<float, 3> in(exec(), cube.view());
  Array<float, 2> out(exec(), {4, 4}), wrong(exec(), {4, 3});
  EXPECT_THROW(derotate_collapse(exec(), in.view(), {1.0}, {}, {}, out.view()), InvalidInput);
  EXPECT_THROW(derotate_collapse(exec(), in.view(), {1.0, 2.0}, {}, {}, wrong.view()), InvalidInput);
  EXPECT_THROW(derotate_collapse(exec(), in.view(), {1.0, 2.0}, {}, {.mode = Collapse::wmean}, out.view()),
               InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(DerotateCollapse);

}  // namespace
}  // namespace hci::test
