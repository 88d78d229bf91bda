// SPDX-License-Identifier: MIT
#include "kernels/geometry/patches_augment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "tests/kernels/geometry/interpolation_reference.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Array<float, 4> noise(Extents<4> extents, unsigned seed) { return test::noise<4>(extents, seed, 0, 10); }

class AugmentPatches : public OnEveryDevice {
 protected:
  Array<float, 4> turned(const Array<float, 4>& patches, const std::vector<PatchTurn>& turns,
                         const TurnOptions& options = {}) {
    const auto in = to_device(exec(), patches.view());
    const auto [n, k, ny, nx] = patches.extents().n;
    Array<float, 4> out(exec(), {static_cast<index_t>(turns.size()), k, ny, nx});
    turn_patches(exec(), std::as_const(in).view(), turns, options, out.view());
    return to_host(exec(), std::as_const(out).view());
  }
  Array<float, 4> averaged(const Array<float, 4>& patches, const std::vector<index_t>& parents, int members,
                           PatchScaling scaling = PatchScaling::none) {
    const auto in = to_device(exec(), patches.view());
    const auto [n, k, ny, nx] = patches.extents().n;
    Array<float, 4> out(exec(), {static_cast<index_t>(parents.size()) / members, k, ny, nx});
    average_patches(exec(), std::as_const(in).view(), parents, members, scaling, out.view());
    return to_host(exec(), std::as_const(out).view());
  }
};

/// Where value (y, x) of the new patch comes from, in double, step by step backwards.
Position origin(Extents<2> sides, const PatchTurn& turn, double y, double x) {
  const double cy = double(sides[0] - 1) / 2, cx = double(sides[1] - 1) / 2;
  const double dy = y - turn.dy - cy, dx = x - turn.dx - cx;
  const double c = std::cos(turn.angle * M_PI / 180), s = std::sin(turn.angle * M_PI / 180);
  const double sy = cy - s * dx + c * dy, sx = cx + c * dx + s * dy;
  return {turn.mirror_y ? double(sides[0] - 1) - sy : sy, turn.mirror_x ? double(sides[1] - 1) - sx : sx};
}

TEST_P(AugmentPatches, MirrorTurnAndMoveInThatOrder) {
  const std::vector<PatchTurn> turns = {{.parent = 1, .angle = 33, .dy = 0.4, .dx = -0.3},
                                        {.parent = 0, .mirror_y = true, .angle = -120, .dy = 1.7},
                                        {.parent = 2, .mirror_x = true, .angle = 200, .dx = 0.5},
                                        {.parent = 1, .mirror_y = true, .mirror_x = true, .angle = 5},
                                        {.parent = 2}};
  for (const Extents<4> extents : {Extents<4>{3, 4, 11, 11}, {3, 2, 8, 8}, {3, 1, 7, 12}, {3, 2, 1, 1}, {3, 1, 33, 32}})
    for (const Rotation method : {Rotation::lanczos4, Rotation::bicubic, Rotation::bilinear, Rotation::nearest})
      for (const Border border : {Border::reflect, Border::constant, Border::edge, Border::symmetric, Border::wrap}) {
        if (extents[2] > 30 && border != Border::reflect) continue;  // the largest shape is there for its size alone
        const auto patches = noise(extents, 1);
        const auto got = turned(patches, turns, {.method = method, .border = border});
        for (index_t b = 0; b < got.extent(0); ++b)
          for (index_t k = 0; k < extents[1]; ++k) {
            const PatchTurn& turn = turns[std::size_t(b)];
            const auto reference = reference_frame(patches.view()[turn.parent][k], method, border);
            for (index_t y = 0; y < extents[2]; ++y)
              for (index_t x = 0; x < extents[3]; ++x) {
                const Position at = origin({extents[2], extents[3]}, turn, double(y), double(x));
                // 8 x 8 products of values up to 50 in float32, in two sums of 8, with fractions rounded to 6e-8 and
                // weights whose sizes sum to 1.75 at most in each axis.
                ASSERT_LT(warp_error(got.view()(b, k, y, x), reference, method, border, at.y, at.x),
                          2 * 16 * 6e-8 * 50 * 1.75 * 1.75)
                    << "method " << int(method) << " border " << int(border) << " turn " << b;
              }
          }
      }
}

// Exact at multiples of 90 degrees but for the rounding of places: cos 90 is 6e-17, 11 px rounded to 2e-15, some 1e-14
// px in all, which values feel by their slopes of up to 100 a px.
TEST_P(AugmentPatches, TurnByQuartersExactly) {
  for (const index_t side : {1, 5, 6, 11})
    for (const Rotation method : {Rotation::nearest, Rotation::bilinear, Rotation::bicubic, Rotation::lanczos4}) {
      const auto patches = noise({1, 2, side, side}, 2);
      const auto got = turned(patches, {{.angle = 90}, {.angle = 180}, {.angle = -90}}, {.method = method});
      for (index_t k = 0; k < 2; ++k)
        for (index_t y = 0; y < side; ++y)
          for (index_t x = 0; x < side; ++x) {
            const auto in = patches.view()[0][k];
            // Counter-clockwise with y up: what was on +x comes to +y.
            EXPECT_NEAR(got.view()(0, k, y, x), in(side - 1 - x, y), 1e-12);
            EXPECT_NEAR(got.view()(1, k, y, x), in(side - 1 - y, side - 1 - x), 1e-12);
            EXPECT_NEAR(got.view()(2, k, y, x), in(x, side - 1 - y), 1e-12);
          }
    }
}

TEST_P(AugmentPatches, LetNanThroughWhereItIsRead) {
  auto patches = noise({2, 2, 9, 9}, 3);
  patches.view()(0, 1, 4, 6) = kNan;
  const auto got = turned(patches, {{.dx = 0.5}, {.parent = 1, .dx = 0.5}});
  for (index_t k = 0; k < 2; ++k)
    for (index_t y = 0; y < 9; ++y)
      for (index_t x = 0; x < 9; ++x) {
        // Pixel x reads x - 1 and x, and rows y and y + 1, whose weight is 0.
        const bool reads = k == 1 && (x == 6 || x == 7) && (y == 3 || y == 4);
        EXPECT_EQ(std::isnan(got.view()(0, k, y, x)), reads) << k << " " << y << " " << x;
        EXPECT_FALSE(std::isnan(got.view()(1, k, y, x)));
      }
}

TEST_P(AugmentPatches, AverageSamples) {
  const std::vector<index_t> parents = {0, 1, 3, 2, 1, 1};
  for (const Extents<4> extents : {Extents<4>{4, 3, 5, 6}, {4, 1, 1, 1}, {4, 2, 23, 25}, {4, 1, 33, 32}}) {
    auto patches = noise(extents, 4);
    const index_t values = extents[1] * extents[2] * extents[3];
    patches.data()[2 * values + values / 2] = kNan;
    for (const int members : {1, 2, 3}) {
      const auto got = averaged(patches, parents, members);
      for (index_t b = 0; b < got.extent(0); ++b)
        for (index_t i = 0; i < values; ++i) {
          double sum = 0;
          for (int m = 0; m < members; ++m) sum += patches.view()[parents[std::size_t(b * members + m)]].data()[i];
          const float want = static_cast<float>(sum / members), value = got.view()[b].data()[i];
          if (std::isnan(want))
            ASSERT_TRUE(std::isnan(value));
          else
            ASSERT_EQ(value, want) << extents[2] << ": " << b << " " << i;
        }
    }
  }
}

TEST_P(AugmentPatches, ScaleWhatTheyMake) {
  for (const Extents<4> extents : {Extents<4>{3, 4, 7, 7}, {3, 2, 23, 25}}) {
    const auto patches = noise(extents, 5);
    for (const PatchScaling scaling : {PatchScaling::slice, PatchScaling::sample}) {
      const auto a = turned(patches, {{.parent = 1, .angle = 20}, {.parent = 2, .dy = 0.25}}, {.scaling = scaling});
      const auto b = averaged(patches, {0, 1, 2, 0}, 2, scaling);
      const index_t group = extents[2] * extents[3] * (scaling == PatchScaling::slice ? 1 : extents[1]);
      for (const auto* got : {&a, &b})
        for (index_t first = 0; first < got->size(); first += group) {
          const auto [low, high] = std::minmax_element(got->data() + first, got->data() + first + group);
          EXPECT_EQ(*low, 0);
          EXPECT_EQ(*high, 1);
        }
    }
  }
}

TEST_P(AugmentPatches, RefuseWhatMakesNoSense) {
  const auto patches = noise({2, 1, 5, 5}, 6);
  EXPECT_THROW(turned(patches, {{.parent = 2}}), InvalidInput);
  EXPECT_THROW(turned(patches, {{.parent = -1}}), InvalidInput);
  EXPECT_THROW(turned(patches, {{.angle = kNan}}), InvalidInput);
  EXPECT_THROW(turned(patches, {{.dx = 1e6}}), InvalidInput);
  EXPECT_THROW(turned(patches, {{}}, {.method = Rotation::fft}), InvalidInput);
  EXPECT_THROW(averaged(patches, {0, 2}, 2), InvalidInput);
  EXPECT_EQ(turned(patches, {}).size(), 0);
  const auto in = to_device(exec(), patches.view());
  Array<float, 4> out(exec(), {1, 1, 5, 5});
  EXPECT_THROW(average_patches(exec(), std::as_const(in).view(), {0, 1, 1}, 2, PatchScaling::none, out.view()),
               InvalidInput);
  EXPECT_THROW(turn_patches(exec(), std::as_const(in).view(), {{}, {}}, {}, out.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(AugmentPatches);

// 20000 draws: a mean of uniforms has a standard error of 1/sqrt(12 x 20000) = 0.002 of its range.
TEST(DrawTurns, AreSpreadAsTheLawSays) {
  constexpr index_t kCount = 20000, kParents = 40;
  const TurnLaw law{.least_shift = 0.5, .most_shift = 2, .mirrors = true};
  const auto turns = draw_turns(42, 0, kCount, kParents, law);
  double angle = 0, dy = 0, dx = 0, size = 0, mirror_y = 0, mirror_x = 0, both = 0;
  std::vector<int> used(kParents, 0);
  for (const PatchTurn& turn : turns) {
    ASSERT_TRUE(turn.angle >= 0 && turn.angle < 359);
    for (const double d : {turn.dy, turn.dx}) ASSERT_TRUE(std::abs(d) >= 0.5 && std::abs(d) <= 2);
    ++used.at(std::size_t(turn.parent));
    angle += turn.angle / kCount;
    dy += turn.dy / kCount;
    dx += turn.dx / kCount;
    size += std::abs(turn.dy) / kCount;
    mirror_y += turn.mirror_y / double(kCount);
    mirror_x += turn.mirror_x / double(kCount);
    both += (turn.mirror_y && turn.mirror_x) / double(kCount);
  }
  EXPECT_NEAR(angle, 179.5, 5 * 0.002 * 359);
  EXPECT_NEAR(dy, 0, 5 * 0.0095);  // |d| has a mean square of 1.75: its mean errs by sqrt(1.75 / 20000)
  EXPECT_NEAR(dx, 0, 5 * 0.0095);
  EXPECT_NEAR(size, 1.25, 5 * 0.002 * 1.5);
  for (const auto& [share, want] : {std::pair{mirror_y, 0.5}, {mirror_x, 0.5}, {both, 0.25}})
    EXPECT_NEAR(share, want, 5 * 0.5 / std::sqrt(double(kCount)));
  for (const int times : used) EXPECT_NEAR(times, 500, 5 * std::sqrt(500.0));
}

TEST(DrawTurns, DependOnSeedAndNumberAlone) {
  const auto all = draw_turns(7, 0, 100, 10, {}), part = draw_turns(7, 60, 40, 10, {}),
             other = draw_turns(8, 0, 100, 10, {});
  int same = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(part[i].parent, all[60 + i].parent);
    EXPECT_EQ(part[i].angle, all[60 + i].angle);
    EXPECT_EQ(part[i].dy, all[60 + i].dy);
    EXPECT_EQ(part[i].dx, all[60 + i].dx);
    EXPECT_FALSE(part[i].mirror_y || part[i].mirror_x);
    same += other[i].angle == all[i].angle;
  }
  EXPECT_EQ(same, 0);
  // Whole degrees: the same draws, rounded down.
  const auto whole = draw_turns(7, 0, 100, 10, {.whole_degrees = true});
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(whole[i].angle, std::floor(all[i].angle));
    EXPECT_EQ(whole[i].dy, all[i].dy);
  }
}

TEST(DrawParents, AreDifferentAndEvenlySpread) {
  constexpr index_t kCount = 10000, kParents = 20;
  const auto parents = draw_parents(3, 0, kCount, kParents, 3), part = draw_parents(3, 9000, 10, kParents, 3);
  ASSERT_EQ(parents.size(), std::size_t(3 * kCount));
  EXPECT_TRUE(std::equal(part.begin(), part.end(), parents.begin() + 3 * 9000));
  std::vector<int> used(kParents, 0);
  for (std::size_t i = 0; i < parents.size(); i += 3) {
    EXPECT_EQ(std::set<index_t>(parents.begin() + std::ptrdiff_t(i), parents.begin() + std::ptrdiff_t(i) + 3).size(),
              3U);
    for (std::size_t m = 0; m < 3; ++m) ++used.at(std::size_t(parents[i + m]));
  }
  for (const int times : used) EXPECT_NEAR(times, 1500, 5 * std::sqrt(1500.0));
  EXPECT_EQ(draw_parents(3, 0, 1, 2, 2).size(), 2U);
  EXPECT_THROW(draw_parents(3, 0, 1, 2, 3), InvalidInput);
  EXPECT_THROW(draw_turns(3, 0, 1, 0, {}), InvalidInput);
  EXPECT_THROW(draw_turns(3, 0, 1, 5, {.least_shift = 1, .most_shift = 0.5}), InvalidInput);
}

}  // namespace
}  // namespace hci::test
