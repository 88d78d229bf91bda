// SPDX-License-Identifier: MIT
// The main job on real data, on every device.
#include "models/reduction.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <numbers>

#include "kernels/core/copy.hpp"
#include "models/detect/detection.hpp"
#include "models/preproc/psf.hpp"
#include "tests/support/data.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

Dataset beta_pictoris(const std::string& cube) {
  const std::string folder = (*shared_folder() / "data" / "naco_betapic").string() + "/";
  DatasetOptions files;
  files.cube = folder + cube;
  files.angles = folder + "angles.fits";
  files.psf = folder + "psf.fits";
  Dataset data = load_dataset(files);
  data.fwhm = measure_fwhm(data.psf.view());
  return data;
}

Recipe pca(const std::string& ncomp) {
  return {.algorithm = "pca", .algorithm_settings = {{"ncomp", ncomp}}, .snr = true};
}

Detection peak_of(Exec& exec, const ReductionResult& result) {
  const auto frame = to_device(exec, result.frame.view());
  const auto map = to_device(exec, result.snr.view());
  return find_peak(exec, frame.view(), map.view(), result.fwhm);
}

/// The S/N (f - m) / (s sqrt(1 + 1/n)) of apertures of area A in frames that differ by d at most: f and m
/// differ by A d each, and s, of n >= 5 apertures, by A d sqrt(n / (n - 1)) < 1.12 A d. Sums and quotient
/// are rounded to float32 in the map, 1e-6 of the value and of 1. Only pixels whose noise is known well enough
/// for that bound to say something are looked at.
void expect_same_snr(Exec& cpu, const ReductionResult& ours, const ReductionResult& reference, double d) {
  const auto frame = to_device(cpu, reference.frame.view());
  const double fwhm = reference.fwhm, error = std::numbers::pi * fwhm * fwhm / 4 * d;
  int compared = 0;
  for (index_t y = 0; y < frame.extent(0); y += 5)
    for (index_t x = 0; x < frame.extent(1); x += 5) {
      const double there = ours.snr.view()(y, x), here = reference.snr.view()(y, x);
      ASSERT_EQ(there == 0, here == 0) << y << ", " << x;
      if (here == 0) continue;
      const SnrAt at = snr_at(cpu, frame.view(), {static_cast<double>(y), static_cast<double>(x)}, {.fwhm = fwhm});
      ASSERT_GE(at.noise.size(), 5U);
      ASSERT_GT(at.deviation, 2 * error);
      const double bound = (2 + 1.12 * std::abs(here)) * error / (at.deviation - 1.12 * error);
      EXPECT_NEAR(there, here, bound + 1e-6 * (1 + std::abs(here))) << y << ", " << x;
      ++compared;
    }
  EXPECT_GT(compared, 100);
}

class MainJob : public OnEveryDevice {};

// Absil et al. 2013: 452 mas = 16.6 px; the manifest of the goldens has it at x = 61.74, y = 61.75.
TEST_P(MainJob, FindsBetaPictorisBInTheCentredCube) {
  HCI_NEEDS_SHARED();
  const Dataset data = beta_pictoris("cube_cen.fits");
  for (const char* ncomp : {"7", "20"}) {
    const Detection peak = peak_of(exec(), Reduction(pca(ncomp)).run(exec(), data));
    EXPECT_NEAR(peak.x, 61.74, 0.5) << "ncomp " << ncomp;
    EXPECT_NEAR(peak.y, 61.75, 0.5) << "ncomp " << ncomp;
    EXPECT_GT(peak.significance, 5) << "ncomp " << ncomp;
  }
}

TEST_P(MainJob, FindsBetaPictorisBWhereTheStarIsOffCentre) {
  HCI_NEEDS_SHARED();
  const Detection peak = peak_of(exec(), Reduction(pca("20")).run(exec(), beta_pictoris("cube.fits")));
  EXPECT_NEAR(peak.x, 62, 1.5);
  EXPECT_NEAR(peak.y, 63, 1.5);
}

TEST_P(MainJob, FindsBetaPictorisBInAnnuli) {
  HCI_NEEDS_SHARED();
  Recipe recipe = pca("7");
  recipe.regions.mode = RegionMode::annular;
  recipe.regions.asize = 8;
  const Detection peak = peak_of(exec(), Reduction(recipe).run(exec(), beta_pictoris("cube_cen.fits")));
  EXPECT_NEAR(peak.x, 61.74, 0.5);
  EXPECT_NEAR(peak.y, 61.75, 0.5);
}

// Both sides round a residual of at most 2600 counts (the data's largest value) to float32 in sums of
// k = 20 products and of 64 taps: 2600 x 2^-24 x (20 + 64) = 0.013 counts if all errors had one
// sign. A fixed-point cell of the rotation cannot flip: both sides make the same table on the host.
TEST_P(MainJob, AgreesWithThePortableCpu) {
  HCI_NEEDS_SHARED();
  const Dataset data = beta_pictoris("cube.fits");
  Exec cpu(Exec::Options{.path = Path::portable});
  Recipe annular = pca("5");
  annular.regions.mode = RegionMode::annular;
  annular.regions.asize = 8;
  for (const Recipe& recipe : {pca("20"), annular}) {
    const ReductionResult ours = Reduction(recipe).run(exec(), data), reference = Reduction(recipe).run(cpu, data);
    double worst = 0;
    for (index_t i = 0; i < ours.frame.size(); ++i)
      worst = std::max(worst, std::abs(double{ours.frame.data()[i]} - double{reference.frame.data()[i]}));
    EXPECT_LT(worst, 0.013);
    expect_same_snr(cpu, ours, reference, worst);
  }
}

// The shares of the regions sum up, whatever the algorithm.
TEST_P(MainJob, TellsHowFarItIs) {
  HCI_NEEDS_SHARED();
  Dataset data = beta_pictoris("cube.fits");
  const auto [recipes, names] = [] {
    Recipe median{.algorithm = "median", .algorithm_settings = {}}, annular = pca("3");
    Recipe median_annular = median;
    annular.regions.mode = median_annular.regions.mode = RegionMode::annular;
    annular.regions.asize = median_annular.regions.asize = 16;
    return std::pair(std::vector<Recipe>{median, median_annular, pca("2,4"), annular},
                     std::vector<std::string>{"median", "median, annular", "pca list", "pca, annular"});
  }();
  for (std::size_t i = 0; i < recipes.size(); ++i) {
    std::FILE* stream = std::tmpfile();
    Progress progress(ProgressStyle::json, stream);
    Recipe recipe = recipes[i];
    recipe.snr = false;
    Reduction(recipe).run(exec(), data, progress);
    std::rewind(stream);
    int subtractions = 0;
    for (char line[400]; std::fgets(line, sizeof line, stream) != nullptr;) {
      long done = 0, total = 0;
      if (std::sscanf(line, R"({"event":"end","stage":"subtract","done":%ld,"total":%ld)", &done, &total) != 2)
        continue;
      ++subtractions;
      EXPECT_GT(total, 0) << names[i];
      EXPECT_EQ(done, total) << names[i];
    }
    EXPECT_EQ(subtractions, names[i] == "pca list" ? 2 : 1) << names[i];
    std::fclose(stream);
  }
}

// fft turns in place, and into a cube of its own where the residuals are wanted afterwards.
TEST_P(MainJob, TheFftRotationInPlaceGivesTheSameBits) {
  HCI_NEEDS_SHARED();
  Dataset data = beta_pictoris("cube.fits");
  // A few small frames: the transforms are long on the emulated device.
  const index_t frames = 5, size = 31;
  Array<float, 4> cut = host_array<float, 4>({frames, 1, size, size});
  for (index_t t = 0; t < frames; ++t)
    for (index_t y = 0; y < size; ++y)
      for (index_t x = 0; x < size; ++x) cut.view()(t, 0, y, x) = data.cube.view()(12 * t, 0, y + 35, x + 35);
  data.cube = std::move(cut);
  data.angles = {-40, -20, 0, 15, 50};
  Recipe recipe{.algorithm = "median", .algorithm_settings = {}};
  recipe.combine.rotation = Rotation::fft;
  const ReductionResult in_place = Reduction(recipe).run(exec(), data);
  recipe.save_residuals = true;
  const ReductionResult apart = Reduction(recipe).run(exec(), data);
  ASSERT_TRUE(apart.residuals);
  double sum = 0;
  for (index_t i = 0; i < apart.frame.size(); ++i) {
    ASSERT_EQ(in_place.frame.data()[i], apart.frame.data()[i]);
    sum += std::abs(double{apart.frame.data()[i]});
  }
  EXPECT_GT(sum, 0);
}

TEST(Recipe, CountsTheMemoryOfItsWork) {
  const Extents<4> cube{200, 1, 210, 210};
  const std::size_t bytes = std::size_t{200} * 210 * 210 * 4;
  const auto need = [&](const Recipe& recipe) { return Reduction(recipe).host_memory(cube, 0, false).bytes; };
  Recipe recipe = pca("20");
  EXPECT_GE(need(recipe), bytes);
  EXPECT_LE(need(recipe), bytes + bytes / 10);
  recipe.combine.rotation = Rotation::fft;
  EXPECT_LE(need(recipe), bytes + bytes / 10);
  recipe.save_residuals = true;
  EXPECT_GE(need(recipe), 2 * bytes);
  EXPECT_EQ(Reduction(recipe).host_memory(cube, 0, true).bytes, bytes);  // those that come back from the device
  recipe = pca("5");
  recipe.regions.mode = RegionMode::annular;
  EXPECT_GE(need(recipe), bytes + bytes / 20);
  EXPECT_GE(Reduction(recipe).device_memory(cube, 0).bytes, 2 * bytes);

  // Splines: coefficients of the frames and of a margin.
  recipe = pca("20");
  recipe.combine.rotation = Rotation::spline3;
  EXPECT_GE(need(recipe), 2 * bytes);

  // A list in annuli: the weights of all annuli are there at once, frames x frames for each of the three.
  recipe = pca("5");
  recipe.regions.mode = RegionMode::annular;
  const std::size_t one = need(recipe), weights = std::size_t{200} * 200 * 4;
  recipe = pca("5,10,15");
  recipe.regions.mode = RegionMode::annular;
  constexpr std::size_t kAnnuli = 26;  // int(105 / 4)
  EXPECT_EQ(need(recipe) - one, (3 * kAnnuli - 1) * weights);

  // Frames of other stars: on the device, in the copies of regions, scaled, and in the Gram matrix.
  constexpr index_t kReferences = 1000;
  const std::size_t frame = std::size_t{210} * 210 * 4, more = kReferences * frame;
  const auto on_device = [&](const Recipe& what, index_t references) {
    return Reduction(what).device_memory(cube, references).bytes;
  };
  recipe = pca("20");
  EXPECT_GE(on_device(recipe, kReferences),
            on_device(recipe, 0) + more + 3 * kReferences * kReferences * 8 - 3 * 200 * 200 * 8);
  const std::size_t plain = on_device(recipe, kReferences);
  recipe.algorithm_settings.emplace_back("scaling", "temp-mean");
  EXPECT_EQ(on_device(recipe, kReferences), plain + more);
  recipe = pca("5");
  recipe.regions.mode = RegionMode::annular;
  const auto both = static_cast<std::size_t>(200 + kReferences);  // rows of the library
  EXPECT_GE(on_device(recipe, kReferences), on_device(recipe, 0) + more + 3 * (both * both - 200 * 200) * 8);
  EXPECT_EQ(Reduction(recipe).host_memory({200, 2, 210, 210}, kReferences, true).bytes, bytes + more);  // the channel
}

TEST_P(MainJob, GivesTheSameBitsAgain) {
  HCI_NEEDS_SHARED();
  const Dataset data = beta_pictoris("cube.fits");
  const Reduction reduction(pca("10"));
  const ReductionResult once = reduction.run(exec(), data);
  Exec::Options one_thread = GetParam().options;
  one_thread.threads = 1;
  Exec alone(one_thread);
  const ReductionResult again = reduction.run(alone, data);
  for (index_t i = 0; i < once.frame.size(); ++i) {
    ASSERT_EQ(once.frame.data()[i], again.frame.data()[i]);
    ASSERT_EQ(once.snr.data()[i], again.snr.data()[i]);
  }
}

// A list is one decomposition; each of its frames is what a run of its own gives. The Gram matrix is
// the same, but the solver may be asked for another number of vectors: 1e-9 relative in the
// components, so the bound above holds with room.
TEST_P(MainJob, AListOfNcompGivesTheFramesOfSingleRuns) {
  HCI_NEEDS_SHARED();
  const Dataset data = beta_pictoris("cube.fits");
  const ReductionResult list = Reduction(pca("3,10")).run(exec(), data);
  ASSERT_EQ(list.variants.size(), 2U);
  ASSERT_EQ(list.highest_snr.size(), 2U);
  EXPECT_GE(list.highest_snr[list.chosen], list.highest_snr[1 - list.chosen]);
  for (index_t v = 0; v < 2; ++v) {
    const ReductionResult single = Reduction(pca(v == 0 ? "3" : "10")).run(exec(), data);
    double worst = 0;
    for (index_t i = 0; i < single.frame.size(); ++i)
      worst = std::max(worst, std::abs(double{list.frames.view()[v].data()[i]} - double{single.frame.data()[i]}));
    EXPECT_LT(worst, 0.013);
  }
}

// What was found, not given, is told: of a share of the variance and of auto, for the frame and for annuli.
TEST_P(MainJob, TellsHowManyComponentsWereRemoved) {
  HCI_NEEDS_SHARED();
  const Dataset data = beta_pictoris("cube.fits");
  const auto counts = [&](Recipe recipe) { return Reduction(std::move(recipe)).run(exec(), data).components; };
  const auto share = counts(pca("0.9"));
  ASSERT_EQ(share.size(), 1U);
  EXPECT_EQ(share[0].region, "the full frame");
  EXPECT_EQ(share[0].least, share[0].most);
  // So many make the same frame.
  const ReductionResult found = Reduction(pca("0.9")).run(exec(), data);
  const ReductionResult given = Reduction(pca(std::to_string(share[0].most))).run(exec(), data);
  double worst = 0;
  for (index_t i = 0; i < found.frame.size(); ++i)
    worst = std::max(worst, std::abs(double{found.frame.data()[i]} - double{given.frame.data()[i]}));
  EXPECT_LT(worst, 0.013);  // as of a list and single runs

  Recipe annular = pca("auto");
  annular.regions.mode = RegionMode::annular;
  annular.regions.asize = 12;
  const auto found_in_annuli = counts(annular);
  ASSERT_EQ(found_in_annuli.size(), 4U);
  EXPECT_EQ(found_in_annuli[1].region.substr(0, 14), "annulus 2 of 4");
  bool differ = false;
  for (const ComponentCount& count : found_in_annuli) {
    EXPECT_GE(count.least, 1);
    EXPECT_LE(count.most, data.frames());
    differ = differ || count.least < count.most;
  }
  EXPECT_TRUE(differ);
  EXPECT_EQ(Reduction(annular).recipe().regions.delta_rot, (DeltaRot{0.1, 1}));  // told, since it had an effect
}

// All components of frames that are in the library leave nothing but rounding.
TEST_P(MainJob, WarnsWhereNothingIsLeft) {
  HCI_NEEDS_SHARED();
  Dataset data = beta_pictoris("cube.fits");
  const Cube<const float> all(data.cube.data(), {data.frames(), data.cube.extent(2), data.cube.extent(3)});
  auto some = host_array<float, 4>({8, 1, data.cube.extent(2), data.cube.extent(3)});
  std::copy(all.data(), all.data() + some.size(), some.data());
  data.cube = std::move(some);
  data.angles.resize(8);
  EXPECT_TRUE(Reduction(pca("7")).run(exec(), data).warnings.empty());
  const auto warnings = Reduction(pca("8")).run(exec(), data).warnings;
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("all 8 components of the frames themselves"), std::string::npos) << warnings[0];
}

// With a source, a list is judged by what is seen there, not by the highest pixel.
TEST_P(MainJob, AListIsJudgedAtTheSource) {
  HCI_NEEDS_SHARED();
  const Dataset data = beta_pictoris("cube.fits");
  Recipe recipe = pca("1,8,3");
  recipe.regions.source_xy = PixelXY{62, 62};
  const ReductionResult result = Reduction(recipe).run(exec(), data);
  ASSERT_EQ(result.scores.size(), 3U);
  EXPECT_EQ(result.chosen, 1U);  // of VIP's S/N in pca_grid_1_10_source: 1.6, 5.8, 4.7
  for (std::size_t v = 0; v < 3; ++v) {
    const auto frame = to_device(exec(), Frame<const float>(result.frames.view()[static_cast<index_t>(v)]));
    const SourceScore score = source_score(exec(), frame.view(), {62, 62}, {.fwhm = result.fwhm});
    EXPECT_EQ(result.scores[v].snr, score.snr);
    EXPECT_EQ(result.scores[v].flux, score.flux);
  }
}

// VIP's median_sub takes radius_int as the radius of a disc that is 0 in the end, in the full frame and in annuli.
TEST_P(MainJob, MedianWithAnInnerRadiusHasADiscOfZeros) {
  HCI_NEEDS_SHARED();
  Recipe recipe{.algorithm = "median", .algorithm_settings = {}};
  const Dataset data = beta_pictoris("cube.fits");
  recipe.regions.radius_int = 12;
  recipe.regions.asize = 12;
  for (const RegionMode mode : {RegionMode::full, RegionMode::annular}) {
    recipe.regions.mode = mode;
    recipe.save_residuals = true;
    const ReductionResult result = Reduction(recipe).run(exec(), data);
    for (index_t t = 0; t < data.frames(); t += 20) ASSERT_EQ(result.residuals.view()(t, 50, 55), 0) << t;
    const double centre = static_cast<double>(result.frame.extent(0) / 2);
    for (index_t y = 0; y < result.frame.extent(0); ++y)
      for (index_t x = 0; x < result.frame.extent(1); ++x) {
        const double r = std::hypot(static_cast<double>(y) - centre, static_cast<double>(x) - centre);
        if (r < 12) {
          ASSERT_EQ(result.frame.view()(y, x), 0) << y << ", " << x;
        } else if (r > 13 && r < 40) {
          ASSERT_NE(result.frame.view()(y, x), 0) << y << ", " << x;
        }
      }
  }
}

TEST_P(MainJob, RefusesASourceNearTheStarOrOutsideBeforeItBegins) {
  HCI_NEEDS_SHARED();
  const Dataset data = beta_pictoris("cube.fits");
  for (const PixelXY source : {PixelXY{52, 51}, PixelXY{50, 50}, PixelXY{101, 50}, PixelXY{-1, 50}}) {
    Recipe recipe = pca("2,3");
    recipe.regions.source_xy = source;
    std::FILE* stream = std::tmpfile();
    Progress progress(ProgressStyle::json, stream);
    EXPECT_THROW(Reduction(recipe).run(exec(), data, progress), InvalidInput);
    EXPECT_EQ(std::ftell(stream), 0) << "a stage was begun";
    std::fclose(stream);
  }
}

/// The values of VIP's randsvd in double precision: 0.999998 and more between it and its exact modes for any seed.
TEST_P(MainJob, RandomizedComponentsMakeTheSameFrame) {
  HCI_NEEDS_SHARED();
  const Dataset data = beta_pictoris("cube.fits");
  Recipe recipe{.algorithm_settings = {{"ncomp", "5"}}};
  const auto exact = Reduction(recipe).run(exec(), data);
  recipe.algorithm_settings.emplace_back("svd_mode", "randsvd");
  const auto randomized = Reduction(recipe).run(exec(), data);
  double xy = 0, xx = 0, yy = 0;
  for (index_t i = 0; i < exact.frame.size(); ++i) {
    const double x = exact.frame.data()[i], y = randomized.frame.data()[i];
    xy += x * y;
    xx += x * x;
    yy += y * y;
  }
  EXPECT_GT(xy / std::sqrt(xx * yy), 0.99999);
  EXPECT_NE(xx, yy);
}

/// One pixel of all frames, on the axis of rotation, spread by a Gaussian of FWHM 3: weights that fall by half at 1.5
/// px.
TEST_P(MainJob, SmoothsTheFinalFrame) {
  Dataset data;
  data.cube = host_array<float, 4>({3, 1, 21, 21});
  std::fill(data.cube.data(), data.cube.data() + data.cube.size(), 0.0F);
  data.angles = {0, 0, 0};
  for (index_t t = 0; t < 3; ++t) data.cube.view()(t, 0, 10, 10) = static_cast<float>(t);  // residuals -1, 0, 1
  data.cube.view()(0, 0, 3, 3) = std::numeric_limits<float>::quiet_NaN();
  Recipe recipe{.algorithm = "median", .combine = {.collapse = Collapse::max, .smooth = 3}};
  const auto smooth = Reduction(recipe).run(exec(), data);
  recipe.combine.smooth = 0;
  const auto sharp = Reduction(recipe).run(exec(), data);
  const double peak = smooth.frame.view()(10, 10);
  EXPECT_EQ(sharp.frame.view()(10, 10), 1);
  EXPECT_LT(peak, 0.2);
  for (const index_t d : {1, 2, 3})
    EXPECT_NEAR(smooth.frame.view()(10, 10 + d) / peak, std::exp2(-4.0 * double(d * d) / 9), 1e-5);
  for (index_t i = 0; i < sharp.frame.size(); ++i)
    ASSERT_EQ(std::isnan(smooth.frame.data()[i]), std::isnan(sharp.frame.data()[i])) << i;
  EXPECT_TRUE(std::isnan(smooth.frame.view()(3, 3)));
  recipe.combine.smooth = -1;
  EXPECT_THROW(Reduction{recipe}, InvalidInput);
}

TEST(Recipe, WithAnUnknownSettingIsRefused) {
  EXPECT_THROW(Reduction({.algorithm = "pca", .algorithm_settings = {{"ncompo", "3"}}}), InvalidInput);
  EXPECT_THROW(Reduction({.algorithm = "magic", .algorithm_settings = {}}), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(MainJob);

}  // namespace
}  // namespace hci::test
