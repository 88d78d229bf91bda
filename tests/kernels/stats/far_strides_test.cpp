// SPDX-License-Identifier: MIT
// Frames that lie more than 2^31 elements apart, and frames whose rows do, for every kernel of
// kernels/stats: what comes out must be, to the bit, what comes out of dense memory.
#include <cmath>
#include <limits>

#include "kernels/stats/apertures.hpp"
#include "kernels/stats/clipped_stats.hpp"
#include "kernels/stats/collapse.hpp"
#include "kernels/stats/region_stats.hpp"
#include "kernels/stats/row_medians.hpp"
#include "kernels/stats/sigma_clip.hpp"
#include "kernels/stats/snr_map.hpp"
#include "kernels/stats/snr_map_approximated.hpp"
#include "kernels/stats/temporal.hpp"
#include "tests/support/far_rows.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {
namespace {

constexpr index_t kFrames = 3, kRows = 21, kColumns = 19;
/// Rows of one frame: all its pixels but those of the first eight rows lie beyond 2^31, the last beyond 2^32.
constexpr index_t kRowsApart = (index_t{1} << 28) + 5;

template <int N>
std::vector<float> values_of(const Array<float, N>& array) {
  return {array.data(), array.data() + array.size()};
}

class FarFramesAndRows : public WithFarRows {
 protected:
  FarRows<float> far_frames(const std::vector<float>& dense) {
    return FarRows<float>(exec(), dense, kFrames, kRows * kColumns);
  }
  FarRows<float> far_frame(const std::vector<float>& dense) {
    return FarRows<float>(exec(), dense, kRows, kColumns, kRowsApart);
  }
  /// A frame for results.
  FarRows<float> far_frame() { return far_frame(std::vector<float>(kRows * kColumns, -1)); }
  template <class T, int N>
  std::vector<T> on_host(const Array<T, N>& array) {
    const auto host = to_host(exec(), array.view());
    return {host.data(), host.data() + host.size()};
  }
};

/// Equal, or both NaN.
template <class T>
void expect_same(const std::vector<T>& got, const std::vector<T>& want) {
  ASSERT_EQ(got.size(), want.size());
  std::size_t numbers = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (std::isnan(want[i])) {
      ASSERT_TRUE(std::isnan(got[i])) << i;
      continue;
    }
    ++numbers;
    ASSERT_EQ(got[i], want[i]) << i;
  }
  EXPECT_GT(numbers, 0U);
}

/// Noise with a NaN here and there.
std::vector<float> pixels(index_t frames) {
  auto cube = noise<3>({frames, kRows, kColumns}, 5);
  for (index_t i = 0; i < cube.size(); i += 37) cube.data()[i] = std::numeric_limits<float>::quiet_NaN();
  return values_of(cube);
}

TEST_P(FarFramesAndRows, Collapse) {
  const auto dense = pixels(kFrames);
  const auto near = to_device(exec(), dense);
  auto apart = far_frames(dense), out = far_frame();
  Array<float, 2> want(exec(), {kRows, kColumns});
  for (const auto mode : {Collapse::median, Collapse::mean, Collapse::trimmean, Collapse::max, Collapse::wmean}) {
    CollapseOptions options{.mode = mode, .trim_keep = 2};
    if (mode == Collapse::wmean) options.weights = {0.5, 0.25, 2};
    collapse(exec(), {near.data(), {kFrames, kRows, kColumns}}, options, want.view());
    collapse(exec(), apart.frames(kRows, kColumns), options, out.view());
    expect_same(out.values(), on_host(want));  // the same bits on every path
  }
  auto one = far_frame({dense.begin(), dense.begin() + kRows * kColumns});
  const Cube<const float> cube(one.view().data(), {1, kRows, kColumns}, {0, kRowsApart, 1});
  collapse(exec(), cube, {}, out.view());
  expect_same(out.values(), {dense.begin(), dense.begin() + kRows * kColumns});
}

TEST_P(FarFramesAndRows, StatisticsOverTime) {
  const auto dense = pixels(kFrames);
  const auto near = to_device(exec(), dense);
  const Cube<const float> cube(near.data(), {kFrames, kRows, kColumns});
  auto apart = far_frames(dense), first = far_frame(), second = far_frame();
  Array<float, 2> want_first(exec(), {kRows, kColumns}), want_second(exec(), {kRows, kColumns});
  temporal_moments(exec(), cube, want_first.view(), want_second.view());
  temporal_moments(exec(), apart.frames(kRows, kColumns), first.view(), second.view());
  expect_same(first.values(), on_host(want_first));
  expect_same(second.values(), on_host(want_second));
  temporal_mad(exec(), cube, want_first.view(), want_second.view());
  temporal_mad(exec(), apart.frames(kRows, kColumns), first.view(), second.view());
  expect_same(first.values(), on_host(want_first));
  expect_same(second.values(), on_host(want_second));
  temporal_clipped_stats(exec(), cube, {}, want_first.view(), want_second.view(), {});
  temporal_clipped_stats(exec(), apart.frames(kRows, kColumns), {}, first.view(), second.view(), {});
  expect_same(first.values(), on_host(want_first));
  expect_same(second.values(), on_host(want_second));
  Array<float, 3> want(exec(), {2, kRows, kColumns});
  FarRows<float> quantiles(exec(), std::vector<float>(2 * kRows * kColumns, -1), 2, kRows * kColumns);
  temporal_quantiles(exec(), cube, {0.1, 0.7}, want.view());
  temporal_quantiles(exec(), apart.frames(kRows, kColumns), {0.1, 0.7}, quantiles.frames(kRows, kColumns));
  expect_same(quantiles.values(), on_host(want));
}

TEST_P(FarFramesAndRows, Regions) {
  const auto dense = pixels(kFrames);
  const auto near = to_device(exec(), dense);
  const auto sets = radial_bins(kRows, kColumns);
  const auto count = static_cast<index_t>(sets.size());
  auto apart = far_frames(dense), rows = far_frame({dense.begin(), dense.begin() + kRows * kColumns});
  const auto expect_statistics = [&](Cube<const float> dense_frames, Cube<const float> frames) {
    const index_t nt = frames.extent(0);
    Array<double, 3> want(exec(), {nt, count, kRegionStats}), got(exec(), {nt, count, kRegionStats});
    region_stats(exec(), dense_frames, sets, want.view());
    region_stats(exec(), frames, sets, got.view());
    expect_same(on_host(got), on_host(want));
    Array<double, 3> want_quantiles(exec(), {nt, count, 2}), quantiles(exec(), {nt, count, 2});
    region_quantiles(exec(), dense_frames, sets, {0.1, 0.9}, want_quantiles.view());
    region_quantiles(exec(), frames, sets, {0.1, 0.9}, quantiles.view());
    expect_same(on_host(quantiles), on_host(want_quantiles));
    Array<double, 3> want_clipped(exec(), {nt, count, kClippedStats}), clipped(exec(), {nt, count, kClippedStats});
    region_clipped_stats(exec(), dense_frames, sets, {}, want_clipped.view());
    region_clipped_stats(exec(), frames, sets, {}, clipped.view());
    expect_same(on_host(clipped), on_host(want_clipped));
    Array<double, 2> want_whole(exec(), {nt, kClippedStats}), whole(exec(), {nt, kClippedStats});
    frame_clipped_stats(exec(), dense_frames, {}, want_whole.view());
    frame_clipped_stats(exec(), frames, {}, whole.view());
    expect_same(on_host(whole), on_host(want_whole));
    Array<double, 2> want_means(exec(), {nt, count}), means(exec(), {nt, count});
    radial_profile(exec(), dense_frames, want_means.view());
    radial_profile(exec(), frames, means.view());
    expect_same(on_host(means), on_host(want_means));
  };
  expect_statistics({near.data(), {kFrames, kRows, kColumns}}, apart.frames(kRows, kColumns));
  expect_statistics({near.data(), {1, kRows, kColumns}},
                    {rows.view().data(), {1, kRows, kColumns}, {0, kRowsApart, 1}});
  // Results that lie far apart.
  FarRows<double> out(exec(), std::vector<double>(2 * kRegionStats), 2, kRegionStats);
  region_stats(exec(), Cube<const float>(near.data(), {2, kRows, kColumns}), {sets[5]},
               View<double, 3>(out.view().data(), {2, 1, kRegionStats}, {kFar, 0, 1}));
  Array<double, 3> want(exec(), {2, 1, kRegionStats});
  region_stats(exec(), Cube<const float>(near.data(), {2, kRows, kColumns}), {sets[5]}, want.view());
  expect_same(out.values(), on_host(want));
}

TEST_P(FarFramesAndRows, SigmaClipping) {
  auto dense = pixels(kFrames);
  dense[static_cast<std::size_t>(kRows * kColumns + 45)] = 100;
  auto near = to_device(exec(), dense);
  const Cube<float> cube(near.data(), {kFrames, kRows, kColumns});
  auto apart = far_frames(dense);
  const SigmaClipOptions options{.lower_sigma = 2, .upper_sigma = 2};
  FarRows<std::uint8_t> flags(exec(), std::vector<std::uint8_t>(dense.size(), 7), kFrames, kRows * kColumns);
  Array<std::uint8_t, 3> want(exec(), cube.extents());
  sigma_clip(exec(), Cube<const float>(cube), {}, options, want.view());
  sigma_clip(exec(), apart.frames(kRows, kColumns), {}, options, flags.frames(kRows, kColumns));
  EXPECT_EQ(flags.values(), on_host(want));
  EXPECT_EQ(flags.values()[static_cast<std::size_t>(kRows * kColumns + 45)], 1);
  const index_t left = correct_nan(exec(), cube, {}),
                left_apart = correct_nan(exec(), apart.frames(kRows, kColumns), {});
  EXPECT_EQ(left_apart, left);
  expect_same(apart.values(), on_host(near));
}

TEST_P(FarFramesAndRows, Apertures) {
  const auto dense = values_of(noise<2>({kRows, kColumns}, 8));
  const auto near = to_device(exec(), dense);
  auto apart = far_frame(dense);
  const std::vector<Position> positions{{10.2, 9.1}, {19.6, 3}, {0, 17.9}};
  FarRows<double> sums(exec(), {0, 0, 0}, 3, 1);
  for (const double radius : {2.4, 9.0}) {
    const auto want = aperture_sums(exec(), Frame<const float>(near.data(), {kRows, kColumns}), positions, radius);
    aperture_sums(exec(), apart.view(), positions, radius, Vector<double>(sums.view().data(), {3}, {kFar}));
    expect_same(sums.values(), want);
  }
}

TEST_P(FarFramesAndRows, AperturesOfManyFrames) {
  const auto dense = values_of(noise<3>({kFrames, kRows, kColumns}, 8));
  const auto near = to_device(exec(), dense);
  auto apart = far_frames(dense);
  const std::vector<Position> positions{{10.2, 9.1}, {19.6, 3}};
  FarRows<double> sums(exec(), std::vector<double>(kFrames * 2), kFrames, 2);
  Array<double, 2> want(exec(), {kFrames, 2});
  aperture_sums(exec(), Cube<const float>(near.data(), {kFrames, kRows, kColumns}), positions, 2.4, want.view());
  aperture_sums(exec(), Cube<const float>(apart.frames(kRows, kColumns)), positions, 2.4, sums.view());
  expect_same(sums.values(), on_host(want));
}

TEST_P(FarFramesAndRows, SignalToNoise) {
  const auto dense = values_of(noise<2>({kRows, kColumns}, 8)),
             dense_second = values_of(noise<2>({kRows, kColumns}, 9));
  const auto near = to_device(exec(), dense), near_second = to_device(exec(), dense_second);
  const Frame<const float> frame(near.data(), {kRows, kColumns}), second(near_second.data(), {kRows, kColumns});
  const std::vector<float> untouched(dense.size(), -1);
  auto want = to_device(exec(), untouched);
  auto apart = far_frame(dense), apart_second = far_frame(dense_second), out = far_frame();
  const SnrMapOptions options{.fwhm = 3, .inner = 3, .outer = 8};
  snr_map(exec(), frame, second, options, {want.data(), {kRows, kColumns}});
  snr_map(exec(), apart.view(), apart_second.view(), options, out.view());
  expect_same(out.values(), on_host(want));
  for (const double fwhm : {3.0, 30.0}) {  // the second leaves no pixel
    snr_map_approximated(exec(), frame, fwhm, {want.data(), {kRows, kColumns}});
    snr_map_approximated(exec(), apart.view(), fwhm, out.view());
    expect_same(out.values(), on_host(want));
  }
}

TEST_P(FarFramesAndRows, MediansOfRows) {
  const auto dense = values_of(noise<2>({2 * kRows, kColumns}, 3));
  const auto near = to_device(exec(), dense);
  constexpr index_t kMany = 2 * kRows, kSets = 2;
  std::vector<index_t> all;
  for (index_t row = 0; row < kMany; ++row) all.push_back(row);
  const std::vector<std::vector<index_t>> sets{{1, 40, 17, 33}, all};  // sorted, and counted
  const Matrix<const float> x(near.data(), {kMany, kColumns});
  FarRows<float> apart(exec(), dense, kMany, kColumns, kRowsApart / 2);
  FarRows<float> medians(exec(), std::vector<float>(kSets * kColumns, -1), kSets, kColumns);
  Array<float, 2> want(exec(), {kSets, kColumns});
  row_medians(exec(), x, sets, want.view());
  row_medians(exec(), apart.view(), sets, medians.view());
  expect_same(medians.values(), on_host(want));
  Array<float, 2> difference(exec(), {kMany, kColumns});
  subtract_rows(exec(), x, x, {}, difference.view());
  const Matrix<const float> models = apart.view();
  subtract_rows(exec(), models, models, {}, apart.view());
  expect_same(apart.values(), on_host(difference));
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(FarFramesAndRows);

}  // namespace
}  // namespace hci::test
