// SPDX-License-Identifier: MIT
// Whatever is registered is tested here, on every device.
#include <algorithm>
#include <limits>

#include "kernels/core/error.hpp"
#include "tests/models/psfsub/cubes.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class AllAlgorithms : public OnEveryDevice {
 protected:
  /// Runs a check for each algorithm in each geometry.
  template <class Check>
  void for_each_algorithm(Check check) {
    ASSERT_FALSE(psf_subtractions().empty());
    for (const auto& [name, info] : psf_subtractions())
      for (const auto mode : {RegionMode::full, RegionMode::annular}) {
        RegionParams params;
        params.mode = mode;
        params.asize = 5;
        if (mode == RegionMode::annular) params.delta_rot = DeltaRot{0.2, 0.5};
        SCOPED_TRACE(name + ", " + to_text(mode));
        check(*make_psf_subtraction(name), params);
      }
  }
};

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST_P(AllAlgorithms, ZeroInGivesZeroOut) {
  SyntheticCube cube(15, 31);
  std::fill(cube.values.begin(), cube.values.end(), 0.0F);
  for_each_algorithm([&](const PsfSubtraction& algorithm, const RegionParams& params) {
    for (const auto& residual : residuals_of(exec(), algorithm, params, cube))
      for (index_t i = 0; i < residual.size(); ++i) ASSERT_EQ(residual.data()[i], 0.0F) << i;
  });
}

TEST_P(AllAlgorithms, MaskedPixelsStayMaskedAndPoisonNothing) {
  SyntheticCube cube(15, 31);
  for (index_t t = 0; t < cube.frames; ++t) cube.at(t, 20, 21) = kNaN;  // masked always
  cube.at(4, 10, 12) = kNaN;                                            // masked in one frame: left out in all
  for_each_algorithm([&](const PsfSubtraction& algorithm, const RegionParams& params) {
    for (const auto& residual : residuals_of(exec(), algorithm, params, cube))
      for (index_t t = 0; t < cube.frames; ++t)
        for (index_t y = 0; y < cube.n; ++y)
          for (index_t x = 0; x < cube.n; ++x)
            ASSERT_EQ(std::isnan(residual.view()(t, y, x)), (y == 20 && x == 21) || (y == 10 && x == 12))
                << t << ", " << y << ", " << x;
  });
}

TEST_P(AllAlgorithms, AgreeWithThePortableCpu) {
  const SyntheticCube cube(20, 41, 50);
  const SyntheticCube references(9, 41, 0, 12, 8);
  const float largest = *std::max_element(cube.values.begin(), cube.values.end());
  // Single-precision sums over at most frames + references = 29 library frames with coefficients below 1: each product
  // and sum rounds by eps of what it holds, on both devices.
  const double bound = 2 * 31 * std::numeric_limits<float>::epsilon() * static_cast<double>(largest);
  Exec reference(Exec::Options{.threads = 1, .path = Path::portable});
  for_each_algorithm([&](const PsfSubtraction& algorithm, const RegionParams& params) {
    for (const SyntheticCube* others : {static_cast<const SyntheticCube*>(nullptr), &references}) {
      const auto want = residuals_of(reference, algorithm, params, cube, others);
      const auto got = residuals_of(exec(), algorithm, params, cube, others);
      ASSERT_EQ(got.size(), want.size());
      for (std::size_t v = 0; v < got.size(); ++v)
        for (index_t i = 0; i < got[v].size(); ++i) ASSERT_NEAR(got[v].data()[i], want[v].data()[i], bound) << i;
    }
  });
}

/// Sum of |frames - mean frame|, for pixels where wanted(t, y, x).
template <class Wanted>
double left_by_the_mean(const SyntheticCube& cube, Wanted wanted) {
  double left = 0;
  for (index_t y = 0; y < cube.n; ++y)
    for (index_t x = 0; x < cube.n; ++x) {
      double mean = 0;
      for (index_t t = 0; t < cube.frames; ++t)
        mean += static_cast<double>(cube.view()(t, y, x)) / static_cast<double>(cube.frames);
      for (index_t t = 0; t < cube.frames; ++t)
        if (wanted(t, y, x)) left += std::fabs(static_cast<double>(cube.view()(t, y, x)) - mean);
    }
  return left;
}

// The companion (100 counts, FWHM 4 px) moves by 0.73 px from frame to frame, 21 px in all; the star has 250 counts
// there, which vary by sqrt(0.1^2 + 0.05^2) = 0.11 or 28 counts from frame to frame, at most by a quarter.
// Full frame: a mean, or a component, of all 30 frames holds 4.26 px (the area under the profile) / (30 x 0.73 px)
// = 0.19 of it, times 1.25 for a bright frame: 0.24. In a median, 11 frames of 30 are raised where it passes (nearer
// than 4 px): rank 15 of the other 19 is their quantile 0.79, 0.8 sigma = 22 counts up, +- 8 for so few: 0.30.
// Annuli, delta_rot 1: it is 4 px off in every library, 1/16 of its peak, times 1.25: 0.08. And projecting on a
// component over the 455 px of its annulus (12 to 17 px) takes its own 18 px / 455 = 0.04.
// Nothing adds to it, but for the square of its part in the star's first component:
// (100^2 x 18) / (250^2 x 455) = 0.01.
// The star: at the worst each frame less the median of 4 others, whose variance is 0.30 of one frame's:
// sqrt(1.30) = 1.14 of what the mean frame leaves, and 1 / sqrt(60) scatter for 30 brightnesses, three times:
// 1.14 x 1.39 = 1.58.
TEST_P(AllAlgorithms, ACompanionSurvivesAtItsPlaceAndTheStarDoesNot) {
  const double flux = 100, radius = 14;
  const SyntheticCube cube(30, 51, flux, radius), star(30, 51, 0, radius);
  const auto far_from_companion = [&](index_t t, index_t y, index_t x) {
    const auto [cy, cx] = companion_yx(cube.n, radius, cube.angles[static_cast<std::size_t>(t)]);
    const double r = std::hypot(static_cast<double>(y) - 25, static_cast<double>(x) - 25);
    return r >= 10 && r <= 18 && std::hypot(static_cast<double>(y) - cy, static_cast<double>(x) - cx) >= 8;
  };
  const double left_by_mean = left_by_the_mean(star, far_from_companion);
  for_each_algorithm([&](const PsfSubtraction& algorithm, RegionParams params) {
    const bool annular = params.mode == RegionMode::annular;
    if (annular) {
      params.radius_int = 7;
      params.delta_rot = DeltaRot{1, 1};
    }
    const auto residual = residuals_of(exec(), algorithm, params, cube),
               without = residuals_of(exec(), algorithm, params, star);
    double kept = 0, injected = 0, left = 0;
    for (index_t t = 0; t < cube.frames; ++t) {
      const auto [cy, cx] = companion_yx(cube.n, radius, cube.angles[static_cast<std::size_t>(t)]);
      const index_t py = std::lround(cy), px = std::lround(cx);
      kept += static_cast<double>(residual.front().view()(t, py, px) - without.front().view()(t, py, px));
      injected += static_cast<double>(cube.view()(t, py, px) - star.view()(t, py, px));
      for (index_t y = 0; y < cube.n; ++y)
        for (index_t x = 0; x < cube.n; ++x)
          if (far_from_companion(t, y, x)) left += std::fabs(static_cast<double>(residual.front().view()(t, y, x)));
    }
    EXPECT_GT(kept, (annular ? 0.88 : 0.70) * injected);
    EXPECT_LT(kept, 1.01 * injected);
    EXPECT_LT(left, 1.58 * left_by_mean);
  });
}

TEST_P(AllAlgorithms, RefuseInputThatDoesNotFit) {
  const SyntheticCube cube(12, 31);
  for_each_algorithm([&](const PsfSubtraction& algorithm, const RegionParams& params) {
    SyntheticCube wrong = cube;
    wrong.angles.pop_back();
    EXPECT_THROW(residuals_of(exec(), algorithm, params, wrong), InvalidInput);
    auto bad = params;
    bad.delta_rot = DeltaRot{-1, 1};
    EXPECT_THROW(residuals_of(exec(), algorithm, bad, cube), InvalidInput);
    bad = params;
    bad.ref_strategy = RefStrategy::rdi;  // there are no references
    EXPECT_THROW(residuals_of(exec(), algorithm, bad, cube), InvalidInput);
  });
  for (const auto& [name, info] : psf_subtractions()) {
    EXPECT_THROW(make_psf_subtraction(name, {{"no_such_parameter", "1"}}), InvalidInput);
    EXPECT_FALSE(info.summary.empty());
    for (const ParameterInfo& parameter : info.parameters) {
      EXPECT_NO_THROW(make_psf_subtraction(name, {{parameter.name, parameter.default_text}})) << parameter.name;
      EXPECT_THROW(make_psf_subtraction(name, {{parameter.name, "nonsense"}}), InvalidInput) << parameter.name;
    }
  }
  EXPECT_THROW(psf_subtraction("no such algorithm"), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(AllAlgorithms);

}  // namespace
}  // namespace hci::test
