// SPDX-License-Identifier: MIT
#include "kernels/geometry/derotate_collapse.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/kernels/geometry/turn_reference.hpp"
#include "tests/kernels/stats/collapse_reference.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class DerotateCollapse : public OnEveryDevice {};

Array<float, 3> noise_cube(Extents<3> shape, bool with_nan) {
  auto cube = noise<3>(shape, 9, 1, 10);
  if (with_nan)
    for (index_t t = 0; t < shape[0]; t += 2) cube.view()(t, shape[1] / 3, shape[2] / 3) = kNan;
  return cube;
}

std::vector<double> angles_of(index_t frames) {
  std::vector<double> angles;
  for (index_t t = 0; t < frames; ++t) angles.push_back(-80 + 7.3 * double(t));
  return angles;
}

template <class E>
std::string_view word(E value) {
  for (const auto& [name, named] : enum_names(E{}))
    if (named == value) return name;
  return "?";
}

/// Against the two kernels that it is made of, each of which has tests of its own.
void expect_the_bits_of_both(Exec& exec, const Array<float, 3>& cube, const RotateOptions& rotation,
                             const CollapseOptions& collapsing) {
  const Extents<3> shape = cube.extents();
  const auto angles = angles_of(shape[0]);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> derotated(exec, shape);
  Array<float, 2> expected(exec, {shape[1], shape[2]}), out(exec, {shape[1], shape[2]});
  derotate(exec, in.view(), angles, rotation, derotated.view());
  collapse(exec, derotated.view(), collapsing, expected.view());
  derotate_collapse(exec, in.view(), angles, rotation, collapsing, out.view());
  const auto a = to_host(exec, expected.view()), b = to_host(exec, out.view());
  ASSERT_EQ(std::memcmp(a.data(), b.data(), a.bytes()), 0)
      << word(rotation.method) << ", " << word(collapsing.mode) << ", (" << shape[0] << ", " << shape[1] << ", "
      << shape[2] << ")";
}

CollapseOptions options_of(Collapse mode, index_t frames, int trim_keep = 5) {
  CollapseOptions options{.mode = mode, .trim_keep = trim_keep};
  for (index_t t = 0; t < frames && mode == Collapse::wmean; ++t) options.weights.push_back(0.3 + 0.01 * double(t));
  return options;
}

TEST_P(DerotateCollapse, HasTheBitsOfDerotatingAndThenCollapsing) {
  for (const Extents<3> shape : {Extents<3>{1, 1, 1}, {1, 6, 9}, {2, 5, 7}, {6, 9, 13}, {9, 20, 50}})
    for (const auto& [method_name, method] : enum_names(Rotation{}))
      for (const auto& [mode_name, mode] : enum_names(Collapse{})) {
        if (shape[0] == 9 && method != Rotation::lanczos4) continue;
        if (method == Rotation::fft && mode != Collapse::median) continue;
        expect_the_bits_of_both(exec(), noise_cube(shape, true), {.method = method}, options_of(mode, shape[0]));
      }
}

// Against the definitions in double; turned about a point between pixels, since the place of a pixel in the centre is a
// whole one but for rounding, which decides what it reads there. Every collapse but sum and wmean moves by no more than
// the values do; these by the sum of the frames' weights. The result is rounded once.
TEST_P(DerotateCollapse, CollapsesWhatTheDefinitionsTurn) {
  for (const Extents<3> shape : {Extents<3>{1, 1, 1}, {4, 1, 1}, {1, 6, 9}, {2, 5, 7}, {7, 8, 8}, {6, 9, 13}}) {
    auto cube = noise_cube(shape, shape[1] > 1);
    if (shape[0] == 4) cube.data()[1] = kNan;
    const auto angles = angles_of(shape[0]);
    const std::array<double, 2> centre = {double(shape[1] / 2) + 0.25, double(shape[2] / 2) - 0.375};
    const DeviceInput<float, 3> in(exec(), cube.view());
    Array<float, 2> out(exec(), {shape[1], shape[2]});
    for (const auto& [method_name, method] : enum_names(Rotation{})) {
      if (method == Rotation::fft && shape[0] != 7) continue;
      RotateOptions rotation{.method = method};
      if (method != Rotation::fft && shape[1] > 1) rotation.centre = centre;
      std::vector<std::vector<double>> pixels(static_cast<std::size_t>(shape[1] * shape[2]));
      for (index_t t = 0; t < shape[0]; ++t) {
        const Frame<const float> frame(cube.view()[t]);
        const double angle = angles[static_cast<std::size_t>(t)];
        if (method == Rotation::fft) {
          auto turned = turned_by_shears(frame, angle, 4 * shape[1]);
          for (std::size_t p = 0; p < pixels.size(); ++p)
            pixels[p].push_back(std::isnan(frame.data()[p]) ? kNan : turned[p]);
          continue;
        }
        const TurnedFrame turned(frame, angle, rotation);
        for (std::size_t p = 0; p < pixels.size(); ++p)
          pixels[p].push_back(turned(double(index_t(p) / shape[2]), double(index_t(p) % shape[2])));
      }
      for (const auto& [mode_name, mode] : enum_names(Collapse{})) {
        const auto collapsing = options_of(mode, shape[0], shape[0] == 7 ? 3 : 4);
        double gain = 1;
        if (mode == Collapse::sum) gain = double(shape[0]);
        if (mode == Collapse::wmean) gain = std::accumulate(collapsing.weights.begin(), collapsing.weights.end(), 0.0);
        derotate_collapse(exec(), in.view(), angles, rotation, collapsing, out.view());
        const auto host = to_host(exec(), std::as_const(out).view());
        for (std::size_t p = 0; p < pixels.size(); ++p) {
          const double want = collapsed_value(pixels[p], collapsing);
          const std::string where = testing::PrintToString(std::tuple(method_name, mode_name, shape[0], shape[1], p));
          if (std::isnan(want))
            ASSERT_TRUE(std::isnan(host.data()[p])) << where;
          else
            ASSERT_NEAR(host.data()[p], want, gain * rounding_of(method) + 6e-8 * std::abs(want)) << where;
        }
      }
    }
  }
}

// On CUDA tiles have 32 pixels of up to about 900 frames, then 16, then 8; beyond 7262 there is no room in a
// block. The modes that need no ranks take 64 frames in turn.
TEST_P(DerotateCollapse, HasTheseBitsOfAnyNumberOfFrames) {
  for (const Extents<3> shape :
       {Extents<3>{63, 5, 9}, {64, 5, 9}, {65, 5, 9}, {130, 3, 5}, {950, 5, 9}, {1900, 3, 10}, {7300, 2, 3}})
    for (const auto& [name, mode] : enum_names(Collapse{})) {
      if (shape[0] > 130 && mode != Collapse::median && mode != Collapse::trimmean && mode != Collapse::absmean)
        continue;
      const int keep = static_cast<int>(shape[0] / 3);
      expect_the_bits_of_both(exec(), noise_cube(shape, true), {.method = Rotation::bilinear},
                              options_of(mode, shape[0], keep));
    }
}

TEST_P(DerotateCollapse, HasTheseBitsWithEveryBorderAndRange) {
  for (const auto& [name, border] : enum_names(Border{}))
    for (const bool keep_range : {false, true})
      for (const Collapse mode : {Collapse::median, Collapse::sum})
        for (const Rotation method : {Rotation::lanczos4, Rotation::spline3})
          expect_the_bits_of_both(exec(), noise_cube({5, 11, 14}, true),
                                  {.method = method, .border = border, .keep_range = keep_range}, options_of(mode, 5));
}

// A turn by nothing with the nearest pixel is a copy: what is collapsed is what is written here.
TEST_P(DerotateCollapse, IgnoresNanAndTellsZerosAndTiesApart) {
  constexpr float nan = kNan, inf = std::numeric_limits<float>::infinity();
  const std::vector<std::vector<float>> pixels = {{nan, nan, nan, nan}, {nan, -3, nan, nan},  {nan, -3, 8, -nan},
                                                  {4, 4, 4, nan},       {-0.0F, 0, -0.0F, 0}, {-inf, 1, 2, 5},
                                                  {-inf, -inf, inf, 3}, {7, -7, 1, 1}};
  struct Case {
    Collapse mode;
    std::vector<float> expected;
  };
  // trimmean keeps the two of four in the middle, NaN sorted last.
  for (const auto& [mode, expected] :
       {Case{Collapse::median, {nan, -3, 2.5F, 4, 0, 1.5F, -inf, 1}},
        Case{Collapse::trimmean, {nan, nan, 8, 4, 0, 1.5F, -inf, 1}},
        Case{Collapse::max, {nan, -3, 8, 4, 0, 5, inf, 7}}, Case{Collapse::absmean, {nan, 3, 5.5F, 4, 0, inf, inf, 4}},
        Case{Collapse::sum, {0, -3, 5, 12, 0, -inf, nan, 2}}}) {
    auto cube = host_array<float, 3>({4, 2, 4});
    for (index_t t = 0; t < 4; ++t)
      for (index_t i = 0; i < 8; ++i)
        cube.view()(t, i / 4, i % 4) = pixels[static_cast<std::size_t>(i)][static_cast<std::size_t>(t)];
    const DeviceInput<float, 3> in(exec(), cube.view());
    Array<float, 2> out(exec(), {2, 4});
    derotate_collapse(exec(), in.view(), std::vector<double>(4, 0.0), {.method = Rotation::nearest},
                      {.mode = mode, .trim_keep = 2}, out.view());
    const auto host = to_host(exec(), out.view());
    for (std::size_t i = 0; i < 8; ++i) {
      const float value = host.data()[i];
      if (std::isnan(expected[i]))
        EXPECT_TRUE(std::isnan(value)) << word(mode) << ", pixel " << i << ": " << value;
      else
        EXPECT_EQ(value, expected[i]) << word(mode) << ", pixel " << i;
    }
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
