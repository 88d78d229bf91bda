// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>

#include "kernels/core/error.hpp"
#include "models/psfsub/references.hpp"
#include "tests/models/psfsub/cubes.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/median_of.hpp"

namespace hci::test {
namespace {

class Median : public OnEveryDevice {};

TEST_P(Median, SubtractsTheMedianOfAllFrames) {
  for (index_t frames : {1, 2, 7, 40}) {
    const SyntheticCube cube(frames, 11);
    const auto residual = residuals_of(exec(), *make_psf_subtraction("median"), {}, cube);
    for (index_t p = 0; p < 121; ++p) {
      std::vector<float> values;
      for (index_t t = 0; t < frames; ++t) values.push_back(cube.values[static_cast<std::size_t>(t * 121 + p)]);
      for (index_t t = 0; t < frames; ++t)
        ASSERT_EQ(residual.front().data()[t * 121 + p], values[static_cast<std::size_t>(t)] - median_of(values));
    }
  }
}

TEST_P(Median, InAnnuliThenSubtractsTheMedianOfTheNearestThatTurned) {
  const SyntheticCube cube(20, 21);
  RegionParams params;
  params.mode = RegionMode::annular;
  params.asize = 5;
  params.delta_rot = DeltaRot{0.5, 0.5};
  const auto residual = residuals_of(exec(), *make_psf_subtraction("median"), params, cube);
  // 21 / 2 / 5: two annuli, the second from 4 px; pixel (10, 12) is in the first, at 2.5 px on average.
  std::vector<float> values;
  for (index_t t = 0; t < 20; ++t) values.push_back(cube.view()(t, 10, 12));
  const float median = median_of(values);
  for (float& value : values) value -= median;
  const double threshold = std::min(pa_threshold(2.5, 4, 0.5), 0.9 * 57 / 2);
  for (index_t t = 0; t < 20; ++t) {
    std::vector<float> library;
    for (index_t row : frames_beyond(cube.angles, t, threshold, 4).indices())
      library.push_back(values[static_cast<std::size_t>(row)]);
    EXPECT_EQ(residual.front().view()(t, 10, 12), values[static_cast<std::size_t>(t)] - median_of(library)) << t;
  }
}

TEST_P(Median, OfReferencesCanBeScaledToTheFlux) {
  const SyntheticCube cube(4, 11), references(5, 11, 0, 12, 9);
  const auto plain = residuals_of(exec(), *make_psf_subtraction("median"), {}, cube, &references);
  const auto scaled =
      residuals_of(exec(), *make_psf_subtraction("median", {{"collapse_ref", "sc_mean"}}), {}, cube, &references);
  std::vector<float> model, mean;
  double model_flux = 0;
  for (index_t p = 0; p < 121; ++p) {
    std::vector<float> values;
    double sum = 0;
    for (index_t t = 0; t < 5; ++t)
      sum += static_cast<double>(references.values[static_cast<std::size_t>(t * 121 + p)]);
    for (index_t t = 0; t < 5; ++t) values.push_back(references.values[static_cast<std::size_t>(t * 121 + p)]);
    model.push_back(median_of(values));
    mean.push_back(static_cast<float>(sum / 5));
    model_flux += sum / 5;
  }
  for (index_t t = 0; t < 4; ++t) {
    double flux = 0, left = 0;
    for (index_t p = 0; p < 121; ++p) {
      const float value = cube.values[static_cast<std::size_t>(t * 121 + p)];
      ASSERT_EQ(plain.front().data()[t * 121 + p], value - model[static_cast<std::size_t>(p)]);
      flux += static_cast<double>(value);
      left += static_cast<double>(scaled.front().data()[t * 121 + p]);
    }
    // No flux is left on the whole: single precision rounds three times for each pixel.
    EXPECT_NEAR(left, 0, 3 * 1.2e-7 * flux);
    const double ratio = flux / model_flux;
    for (index_t p : {0, 60, 120}) {
      const double value = cube.values[static_cast<std::size_t>(t * 121 + p)];
      EXPECT_NEAR(scaled.front().data()[t * 121 + p],
                  value - ratio * static_cast<double>(mean[static_cast<std::size_t>(p)]), 3 * 1.2e-7 * value);
    }
  }
}

TEST_P(Median, OfReferencesMasksAPixelThatIsNaNInAnyFrame) {
  SyntheticCube cube(4, 11), references(5, 11, 0, 12, 9);
  references.at(3, 2, 7) = std::numeric_limits<float>::quiet_NaN();
  cube.at(1, 8, 4) = std::numeric_limits<float>::quiet_NaN();
  for (const char* how : {"median", "mean", "sc_median", "sc_mean"}) {
    const auto all =
        residuals_of(exec(), *make_psf_subtraction("median", {{"collapse_ref", how}}), {}, cube, &references);
    for (index_t t = 0; t < 4; ++t)
      for (index_t y = 0; y < 11; ++y)
        for (index_t x = 0; x < 11; ++x)
          ASSERT_EQ(std::isnan(all.front().view()(t, y, x)), (y == 2 && x == 7) || (y == 8 && x == 4))
              << how << ": " << t << ", " << y << ", " << x;
  }
}

TEST_P(Median, RefusesOddNumbersOfFramesAndMixedLibraries) {
  EXPECT_THROW(make_psf_subtraction("median", {{"nframes", "3"}}), InvalidInput);
  EXPECT_THROW(make_psf_subtraction("median", {{"nframes", "0"}}), InvalidInput);
  EXPECT_NO_THROW(make_psf_subtraction("median", {{"nframes", "none"}}));
  const SyntheticCube cube(4, 11), references(5, 11, 0, 12, 9);
  RegionParams params;
  params.ref_strategy = RefStrategy::ardi;
  EXPECT_THROW(residuals_of(exec(), *make_psf_subtraction("median"), params, cube, &references), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Median);

}  // namespace
}  // namespace hci::test
