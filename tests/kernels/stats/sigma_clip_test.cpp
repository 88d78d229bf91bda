// SPDX-License-Identifier: MIT
#include "kernels/stats/sigma_clip.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "kernels/core/copy.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/median_of.hpp"

namespace hci::test {
namespace {

class SigmaClip : public OnEveryDevice {};

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
using Flags = Array<std::uint8_t, 3>;

Array<float, 3> noisy_frames(index_t nt, index_t ny, index_t nx) {
  auto frames = host_array<float>(Extents<3>{nt, ny, nx});
  std::mt19937 generator(4);
  std::normal_distribution<float> normal(0, 10);
  for (index_t i = 0; i < frames.size(); ++i) frames.data()[i] = normal(generator) + (i % 29 == 7 ? 400.0F : 0.0F);
  return frames;
}

/// The box of `side` pixels inside 0 .. n, moved from the edge; all where n is smaller.
std::pair<index_t, index_t> box(index_t at, index_t n, index_t side) {
  const index_t first = std::clamp<index_t>(at - side / 2, 0, std::max<index_t>(n - side, 0));
  return {first, std::min(first + side, n)};
}

std::vector<double> neighbors(Frame<const float> frame, const std::vector<bool>& good, index_t y, index_t x,
                              index_t side_y, index_t side_x, bool with_itself) {
  const auto [top, bottom] = box(y, frame.extent(0), side_y);
  const auto [left, right] = box(x, frame.extent(1), side_x);
  std::vector<double> values;
  for (index_t j = top; j < bottom; ++j)
    for (index_t i = left; i < right; ++i)
      if (good[static_cast<std::size_t>(j * frame.extent(1) + i)] && (with_itself || j != y || i != x))
        values.push_back(static_cast<double>(frame(j, i)));
  return values;
}

TEST_P(SigmaClip, FlagsWhatItsNeighborsDoNotExplain) {
  for (const auto& [nt, ny, nx] :
       std::vector<std::array<index_t, 3>>{{1, 9, 9}, {2, 14, 37}, {1, 1, 1}, {2, 1, 40}, {1, 6, 5}, {1, 20, 33}})
    for (const index_t side : {2, 3, 4, 5, 7, 9, 15})  // an even one counts as the next odd one
      for (const int way : {0, 1, 2, 3}) {
        const bool mad = way % 2 == 1, masked = way >= 2;
        auto host = noisy_frames(nt, ny, nx);
        if (masked) host.data()[host.size() / 2] = kNan;
        if (masked) host.data()[host.size() / 7] = std::numeric_limits<float>::infinity();
        auto known = host_array<std::uint8_t>(Extents<2>{ny, nx});
        for (index_t i = 0; i < known.size(); ++i) known.data()[i] = masked && i % 17 == 3;
        const DeviceInput<float, 3> frames(exec(), host.view());
        const DeviceInput<std::uint8_t, 2> before(exec(), known.view());
        Flags bad(exec(), host.extents());
        sigma_clip(exec(), frames.view(), masked ? before.view() : View<const std::uint8_t, 2>(),
                   {.lower_sigma = 3, .upper_sigma = 4, .neighbor = {side}, .mad = mad}, bad.view());
        const auto found = to_host(exec(), bad.view());
        index_t flagged = 0;
        for (index_t t = 0; t < nt; ++t) {
          std::vector<bool> good;
          for (index_t i = 0; i < known.size(); ++i)
            good.push_back(known.data()[i] == 0 && !std::isnan(host.data()[t * ny * nx + i]));
          for (index_t y = 0; y < ny; ++y)
            for (index_t x = 0; x < nx; ++x) {
              bool want = false;
              if (good[static_cast<std::size_t>(y * nx + x)]) {
                const auto near = neighbors(host.view()[t], good, y, x, side | 1, side | 1, false);
                if (near.empty()) {
                  ASSERT_EQ(found.view()(t, y, x), 0);
                  continue;
                }
                const double centre = median_of(near), value = static_cast<double>(host.view()(t, y, x));
                double sigma = 0, mean = 0;
                std::vector<double> distances;
                for (const double v : near) distances.push_back(std::fabs(v - centre));
                for (const double v : near) mean += v / static_cast<double>(near.size());
                for (const double v : near) sigma += (v - mean) * (v - mean) / static_cast<double>(near.size());
                sigma = mad ? median_of(distances) : std::sqrt(sigma);
                want = value < centre - 3 * sigma || value > centre + 4 * sigma;
              }
              ASSERT_EQ(found.view()(t, y, x) != 0, want) << side << ": " << t << ", " << y << ", " << x;
              flagged += want;
            }
        }
        if (ny * nx > 80) {
          EXPECT_GE(flagged, nt) << "a test of hardly anything";
        }
      }
}

TEST_P(SigmaClip, HalfResolutionTakesHalfAsManyRows) {
  auto host = host_array<float>(Extents<3>{1, 11, 11});
  std::fill_n(host.data(), host.size(), 1.0F);
  host.view()(0, 5, 5) = 2;
  host.view()(0, 7, 5) = 100;  // two rows away: in the box of side 5, not in the low one
  const DeviceInput<float, 3> frames(exec(), host.view());
  for (const bool half : {false, true}) {
    Flags bad(exec(), host.extents());
    sigma_clip(exec(), frames.view(), {}, {.neighbor = {5, half}}, bad.view());
    EXPECT_EQ(to_host(exec(), bad.view()).view()(0, 5, 5), half ? 1 : 0);
  }
}

/// sigma_filter() as its contract says, round by round: mends the frames, leaves the flags of what it could not, and
/// returns how many those are. Boxes are side_y by side_x.
index_t mend(Array<float, 3>& frames, Flags& flags, index_t side_y, index_t side_x, std::size_t least) {
  const index_t nx = frames.extent(2), pixels = frames.extent(1) * nx;
  index_t left = 0;
  for (index_t t = 0; t < frames.extent(0); ++t) {
    std::vector<bool> good;
    for (index_t i = 0; i < pixels; ++i) good.push_back(flags.data()[t * pixels + i] == 0);
    for (bool changed = true; changed;) {
      changed = false;
      const auto before = good;
      for (index_t i = 0; i < pixels; ++i) {
        if (before[static_cast<std::size_t>(i)]) continue;
        const auto near =
            neighbors(View<const float, 3>(frames.view())[t], before, i / nx, i % nx, side_y, side_x, true);
        if (near.size() < least) continue;
        frames.data()[t * pixels + i] = static_cast<float>(median_of(near));
        good[static_cast<std::size_t>(i)] = changed = true;
      }
    }
    for (index_t i = 0; i < pixels; ++i) {
      flags.data()[t * pixels + i] = !good[static_cast<std::size_t>(i)];
      left += !good[static_cast<std::size_t>(i)];
    }
  }
  return left;
}

/// The height of a box of half resolution: a quarter of the side each way, at least 1, and the row itself.
index_t low_side(index_t side) { return 2 * std::max<index_t>(1, side / 4) + 1; }

/// A block at the left edge of the last frame, single pixels elsewhere; all but a corner of the first frame if asked.
Flags holes(Extents<3> extents, bool much) {
  Flags flags = host_array<std::uint8_t>(extents);
  for (index_t t = 0; t < extents[0]; ++t)
    for (index_t y = 0; y < extents[1]; ++y)
      for (index_t x = 0; x < extents[2]; ++x) {
        const bool block = t + 1 == extents[0] && y >= 1 && y < 8 && x < 6, corner = y < 1 && x < 3;
        flags.view()(t, y, x) = (much && t == 0) ? !corner : (block || (y * extents[2] + x) % 11 == 4);
      }
  return flags;
}

// A float's median, of values or of two values' mean, rounded once: the same bits.
TEST_P(SigmaClip, FilterMendsFromTheRimInwards) {
  for (const Extents<3> extents : {Extents<3>{2, 13, 12}, {2, 10, 17}, {3, 1, 30}, {2, 19, 2}, {1, 5, 6}})
    for (const index_t side : {2, 3, 5, 6, 7, 9, 15})
      for (const bool half : {false, true})
        for (const index_t least : {1, 3, 4, 40})
          for (const bool much : {false, true}) {
            auto want = noisy_frames(extents[0], extents[1], extents[2]);
            Flags flags = holes(extents, much);
            auto frames = to_device(exec(), want.view());
            auto bad = to_device(exec(), flags.view());
            const index_t left = mend(want, flags, half ? low_side(side) : side | 1, side | 1, std::size_t(least));
            ASSERT_EQ(sigma_filter(exec(), frames.view(), bad.view(), {side, half}, least), left)
                << side << half << least << much;
            const auto found = to_host(exec(), frames.view());
            const auto flagged = to_host(exec(), bad.view());
            for (index_t i = 0; i < found.size(); ++i) {
              ASSERT_EQ(found.data()[i], want.data()[i]) << side << half << least << much << ": " << i;
              ASSERT_EQ(flagged.data()[i] != 0, flags.data()[i] != 0) << side << half << least << much << ": " << i;
            }
          }
}

TEST_P(SigmaClip, CorrectsNan) {
  for (const bool half : {false, true})
    for (const index_t side : {3, 5, 7}) {
      for (const Extents<3> extents : {Extents<3>{2, 14, 15}, {1, 33, 8}, {3, 1, 40}, {1, 5, 66}}) {
        auto want = noisy_frames(extents[0], extents[1], extents[2]);
        Flags flags = holes(extents, false);
        for (index_t i = 0; i < want.size(); ++i)
          if (flags.data()[i] != 0) want.data()[i] = kNan;
        auto frames = to_device(exec(), want.view());
        EXPECT_EQ(correct_nan(exec(), frames.view(), {side, half}, 3),
                  mend(want, flags, half ? low_side(side) : side, side, 3));
        const auto found = to_host(exec(), frames.view());
        for (index_t i = 0; i < found.size(); ++i) {
          if (std::isnan(want.data()[i]))
            ASSERT_TRUE(std::isnan(found.data()[i])) << side << half << i;
          else
            ASSERT_EQ(found.data()[i], want.data()[i]) << side << half << i;
        }
      }
    }
}

TEST_P(SigmaClip, FlagsWithHalfTheRows) {
  for (const index_t side : {3, 5, 7, 9, 15})
    for (const Extents<3> extents : {Extents<3>{1, 14, 37}, {2, 9, 9}, {1, 2, 20}}) {
      const auto host = noisy_frames(extents[0], extents[1], extents[2]);
      const DeviceInput<float, 3> frames(exec(), host.view());
      Flags bad(exec(), extents);
      sigma_clip(exec(), frames.view(), {},
                 {.lower_sigma = 2, .upper_sigma = 3, .neighbor = {side, true}, .mad = false}, bad.view());
      const auto found = to_host(exec(), bad.view());
      const std::vector<bool> good(std::size_t(extents[1] * extents[2]), true);
      for (index_t t = 0; t < extents[0]; ++t)
        for (index_t y = 0; y < extents[1]; ++y)
          for (index_t x = 0; x < extents[2]; ++x) {
            const auto near = neighbors(View<const float, 3>(host.view())[t], good, y, x, low_side(side), side, false);
            double mean = 0, squares = 0;
            for (const double v : near) mean += v / double(near.size());
            for (const double v : near) squares += (v - mean) * (v - mean) / double(near.size());
            const double centre = median_of(near), sigma = std::sqrt(squares), value = double(host.view()(t, y, x));
            ASSERT_EQ(found.view()(t, y, x) != 0, value < centre - 2 * sigma || value > centre + 3 * sigma)
                << side << ": " << t << ", " << y << ", " << x;
          }
    }
}

TEST_P(SigmaClip, OfASinglePixel) {
  auto host = host_array<float>(Extents<3>{1, 1, 1});
  host.data()[0] = kNan;
  auto frames = to_device(exec(), host.view());
  EXPECT_EQ(correct_nan(exec(), frames.view(), {}), 1);
  EXPECT_TRUE(std::isnan(to_host(exec(), frames.view()).data()[0]));
}

TEST_P(SigmaClip, SaysWhatItCouldNotMend) {
  auto host = host_array<float>(Extents<3>{2, 1, 4});
  std::fill_n(host.data(), host.size(), kNan);
  host.view()(1, 0, 0) = host.view()(1, 0, 1) = 5;
  auto frames = to_device(exec(), host.view());
  EXPECT_EQ(correct_nan(exec(), frames.view(), {}, 1), 4);  // the first frame has none to begin with
  const auto found = to_host(exec(), frames.view());
  for (index_t x = 0; x < 4; ++x) {
    EXPECT_TRUE(std::isnan(found.view()(0, 0, x)));
    EXPECT_EQ(found.view()(1, 0, x), 5);
  }
}

TEST_P(SigmaClip, RefusesWhatDoesNotFit) {
  Array<float, 3> frames(exec(), {1, 4, 4});
  Flags bad(exec(), {1, 4, 4}), other(exec(), {1, 4, 5});
  EXPECT_THROW(sigma_clip(exec(), frames.view(), {}, {}, other.view()), InvalidInput);
  EXPECT_THROW(sigma_clip(exec(), frames.view(), {}, {.neighbor = {17}}, bad.view()), InvalidInput);
  EXPECT_THROW(sigma_clip(exec(), frames.view(), {}, {.lower_sigma = -1}, bad.view()), InvalidInput);
  EXPECT_THROW(sigma_filter(exec(), frames.view(), bad.view(), {}, 0), InvalidInput);
  try {
    sigma_filter(exec(), frames.view(), View<std::uint8_t, 3>(other.view().data(), {1, 4, 4}, {20, 5, 1}), {});
    ADD_FAILURE() << "took flags that are not dense";
  } catch (const InvalidInput& refusal) {
    EXPECT_NE(std::string(refusal.what()).find("not dense"), std::string::npos) << refusal.what();
  }
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(SigmaClip);

}  // namespace
}  // namespace hci::test
