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

TEST_P(AllAlgorithms, ACompanionSurvivesAtItsPlaceAndTheStarDoesNot) {
  const double flux = 100, radius = 14;
  const SyntheticCube cube(30, 51, flux, radius);
  for_each_algorithm([&](const PsfSubtraction& algorithm, const RegionParams& params) {
    const auto residual = residuals_of(exec(), algorithm, params, cube);
    double at_companion = 0, star_before = 0, star_after = 0;
    index_t pixels = 0;
    for (index_t t = 0; t < cube.frames; ++t) {
      const auto [cy, cx] = companion_yx(cube.n, radius, cube.angles[static_cast<std::size_t>(t)]);
      at_companion += static_cast<double>(residual.front().view()(t, std::lround(cy), std::lround(cx)));
      for (index_t y = 0; y < cube.n; ++y)
        for (index_t x = 0; x < cube.n; ++x) {
          const double r = std::hypot(static_cast<double>(y) - 25, static_cast<double>(x) - 25);
          if (r < 10 || r > 18 || std::hypot(static_cast<double>(y) - cy, static_cast<double>(x) - cx) < 8) continue;
          star_before += std::fabs(static_cast<double>(cube.view()(t, y, x)));
          star_after += std::fabs(static_cast<double>(residual.front().view()(t, y, x)));
          ++pixels;
        }
    }
    // The companion moves by 22 px over 90 degrees: most of it is in no library. The star, 250 counts
    // there, goes down to what its two patterns leave.
    EXPECT_GT(at_companion / static_cast<double>(cube.frames), 0.5 * flux);
    EXPECT_LT(at_companion / static_cast<double>(cube.frames), 1.2 * flux);
    EXPECT_LT(star_after, 0.25 * star_before) << star_before / static_cast<double>(pixels);
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
