// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>
#include <numeric>

#include "kernels/core/error.hpp"
#include "kernels/geometry/annulus.hpp"
#include "models/psfsub/references.hpp"
#include "tests/models/psfsub/cubes.hpp"
#include "tests/support/devices.hpp"

namespace hci::test {
namespace {

class Pca : public OnEveryDevice {};

using Rows = std::vector<std::vector<double>>;

/// Right singular vectors of the rows by one-sided Jacobi rotations, the largest first: no Gram matrix, no
/// library, double throughout.
Rows singular_vectors(Rows rows) {
  for (int sweep = 0; sweep < 30; ++sweep)
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t j = i + 1; j < rows.size(); ++j) {
        const double a = std::inner_product(rows[i].begin(), rows[i].end(), rows[i].begin(), 0.0);
        const double b = std::inner_product(rows[j].begin(), rows[j].end(), rows[j].begin(), 0.0);
        const double c = std::inner_product(rows[i].begin(), rows[i].end(), rows[j].begin(), 0.0);
        if (std::fabs(c) <= 1e-15 * std::sqrt(a * b)) continue;
        const double angle = 0.5 * std::atan2(2 * c, a - b);
        for (std::size_t p = 0; p < rows[i].size(); ++p) {
          const double x = rows[i][p], y = rows[j][p];
          rows[i][p] = std::cos(angle) * x + std::sin(angle) * y;
          rows[j][p] = std::cos(angle) * y - std::sin(angle) * x;
        }
      }
  const auto length = [](const std::vector<double>& row) {
    return std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
  };
  std::sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) { return length(a) > length(b); });
  for (auto& row : rows)
    if (const double size = length(row); size > 0)
      for (double& x : row) x /= size;
  return rows;
}

std::vector<double> residual_by_hand(std::vector<double> frame, const Rows& library, int ncomp) {
  const Rows vectors = singular_vectors(library);
  const std::vector<double> whole = frame;
  for (int j = 0; j < std::min<int>(ncomp, static_cast<int>(vectors.size())); ++j) {
    const auto& v = vectors[static_cast<std::size_t>(j)];
    const double score = std::inner_product(whole.begin(), whole.end(), v.begin(), 0.0);
    for (std::size_t p = 0; p < frame.size(); ++p) frame[p] -= score * v[p];
  }
  return frame;
}

Rows rows_of(const SyntheticCube& cube, const std::vector<index_t>& pixels) {
  Rows rows;
  for (index_t t = 0; t < cube.frames; ++t) {
    std::vector<double> row;
    for (index_t p : pixels)
      row.push_back(static_cast<double>(cube.values[static_cast<std::size_t>(t * cube.n * cube.n + p)]));
    rows.push_back(row);
  }
  return rows;
}
std::vector<index_t> all_pixels(const SyntheticCube& cube) {
  std::vector<index_t> pixels(static_cast<std::size_t>(cube.n * cube.n));
  std::iota(pixels.begin(), pixels.end(), 0);
  return pixels;
}

/// Float sums over `terms` library frames: each product and sum rounds by eps of the largest value.
double rounding(const SyntheticCube& cube, index_t terms) {
  const float largest = *std::max_element(cube.values.begin(), cube.values.end());
  return static_cast<double>(terms + 2) * std::numeric_limits<float>::epsilon() * static_cast<double>(largest);
}

void expect_frame(const Array<float, 3>& residual, index_t t, const std::vector<index_t>& pixels,
                  const std::vector<double>& want, double bound, const std::string& what = "") {
  const index_t n = residual.extent(2);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    ASSERT_NEAR(residual.view()(t, pixels[i] / n, pixels[i] % n), want[i], bound)
        << what << ", frame " << t << ", pixel " << i;
}

TEST_P(Pca, ProjectsThePrincipalComponentsOut) {
  const SyntheticCube cube(12, 21);
  const auto pixels = all_pixels(cube);
  const Rows rows = rows_of(cube, pixels);
  const auto residuals = residuals_of(exec(), *make_psf_subtraction("pca", {{"ncomp", "2,5,1,12"}}), {}, cube);
  ASSERT_EQ(residuals.size(), 4U);
  const std::vector<int> counts{2, 5, 1, 12};
  for (std::size_t v = 0; v < 4; ++v)
    for (index_t t = 0; t < cube.frames; ++t)
      expect_frame(residuals[v], t, pixels, residual_by_hand(rows[static_cast<std::size_t>(t)], rows, counts[v]),
                   rounding(cube, 2 * cube.frames), std::to_string(counts[v]));
}

TEST_P(Pca, WithAThresholdLeavesOutFramesThatTurnedTooLittle) {
  const SyntheticCube cube(24, 21);
  RegionParams params;
  params.source_xy = PixelXY{17, 12};
  params.delta_rot = DeltaRot{0.5, 0.5};
  const auto pixels = all_pixels(cube);
  const Rows rows = rows_of(cube, pixels);
  const auto residual = residuals_of(exec(), *make_psf_subtraction("pca", {{"ncomp", "3"}}), params, cube);
  const double threshold = pa_threshold(std::hypot(7.0, 2.0), 4, 0.5);
  for (index_t t : {0, 11, 23}) {
    Rows library;
    for (index_t row : frames_beyond(cube.angles, t, threshold).indices())
      library.push_back(rows[static_cast<std::size_t>(row)]);
    ASSERT_LT(library.size(), 23U);
    expect_frame(residual.front(), t, pixels, residual_by_hand(rows[static_cast<std::size_t>(t)], library, 3),
                 rounding(cube, cube.frames));
  }
}

TEST_P(Pca, OfReferencesUsesThemAlone) {
  const SyntheticCube cube(8, 21), references(6, 21, 0, 12, 9);
  const auto pixels = all_pixels(cube);
  const Rows rows = rows_of(cube, pixels), library = rows_of(references, pixels);
  const auto algorithm = make_psf_subtraction("pca", {{"ncomp", "2,4"}});
  const auto residuals = residuals_of(exec(), *algorithm, {}, cube, &references);
  RegionParams both;
  both.ref_strategy = RefStrategy::ardi;
  const auto of_both = residuals_of(exec(), *algorithm, both, cube, &references);
  Rows joined = rows;
  joined.insert(joined.end(), library.begin(), library.end());
  for (std::size_t v = 0; v < 2; ++v)
    for (index_t t : {0, 7}) {
      const int count = v == 0 ? 2 : 4;
      expect_frame(residuals[v], t, pixels, residual_by_hand(rows[static_cast<std::size_t>(t)], library, count),
                   rounding(cube, 20), "rdi");
      expect_frame(of_both[v], t, pixels, residual_by_hand(rows[static_cast<std::size_t>(t)], joined, count),
                   rounding(cube, 30), "ardi");
    }
}

/// With ten random vectors beyond those wanted, as many as there are frames: nothing is lost, so that what
/// differs is rounding. Of more frames the approximation shows, and with it the seed.
TEST_P(Pca, RandomizedTakesTheComponentsFromTheFrames) {
  const SyntheticCube cube(12, 21), references(9, 21, 0, 12, 9), many(40, 21);
  const auto pixels = all_pixels(cube);
  const Rows rows = rows_of(cube, pixels), library = rows_of(references, pixels);
  const auto algorithm = make_psf_subtraction("pca", {{"ncomp", "5,2"}, {"svd_mode", "randsvd"}, {"seed", "7"}});
  const auto adi = residuals_of(exec(), *algorithm, {}, cube);
  const auto rdi = residuals_of(exec(), *algorithm, {}, cube, &references);
  for (std::size_t v = 0; v < 2; ++v)
    for (index_t t : {0, 11}) {
      const int count = v == 0 ? 5 : 2;
      const auto& frame = rows[static_cast<std::size_t>(t)];
      expect_frame(adi[v], t, pixels, residual_by_hand(frame, rows, count), rounding(cube, 2 * cube.frames), "adi");
      expect_frame(rdi[v], t, pixels, residual_by_hand(frame, library, count), rounding(cube, 20), "rdi");
    }
  const auto run = [&](const char* mode, const char* seed) {
    const auto found = residuals_of(
        exec(), *make_psf_subtraction("pca", {{"ncomp", "8"}, {"svd_mode", mode}, {"seed", seed}}), {}, many);
    return std::vector<float>(found[0].data(), found[0].data() + found[0].size());
  };
  const auto squares = [](const std::vector<float>& residual) {
    return std::inner_product(residual.begin(), residual.end(), residual.begin(), 0.0);
  };
  const auto first = run("randsvd", "1");
  EXPECT_EQ(first, run("randsvd", "1"));
  EXPECT_NE(first, run("randsvd", "2"));
  EXPECT_GT(squares(first), squares(run("lapack", "1")));  // nobody takes more away than the true components
  EXPECT_LT(squares(first), 1.1 * squares(run("arpack", "1")));
}

/// Where it has no place the exact solver serves, and a share of the variance is refused.
TEST_P(Pca, RandomizedGivesWayToTheGramMatrixThatIsThere) {
  const SyntheticCube cube(24, 21), references(9, 21, 0, 12, 9);
  RegionParams both, apart;
  both.ref_strategy = RefStrategy::ardi;
  apart.source_xy = PixelXY{17, 12};
  apart.delta_rot = DeltaRot{0.5, 0.5};
  for (const RegionParams& params : {both, apart}) {
    const auto run = [&](const char* mode) {
      return residuals_of(exec(), *make_psf_subtraction("pca", {{"ncomp", "3"}, {"svd_mode", mode}}), params, cube,
                          params.source_xy ? nullptr : &references);
    };
    const auto one = run("randsvd"), other = run("eigen");
    for (index_t i = 0; i < one[0].size(); ++i) ASSERT_EQ(one[0].data()[i], other[0].data()[i]);
  }
  EXPECT_THROW(make_psf_subtraction("pca", {{"ncomp", "0.9"}, {"svd_mode", "randsvd"}}), InvalidInput);
  EXPECT_THROW(make_psf_subtraction("pca", {{"ncomp", "auto"}, {"svd_mode", "randsvd"}}), InvalidInput);
  EXPECT_THROW(make_psf_subtraction("pca", {{"svd_mode", "cupy"}}), InvalidInput);
}

/// A pixel that is masked in one frame: no Gram matrix tells of it.
TEST_P(Pca, RandomizedLeavesMaskedPixelsOut) {
  SyntheticCube cube(12, 21);
  const auto run = [&](const char* mode) {
    return residuals_of(exec(), *make_psf_subtraction("pca", {{"ncomp", "3"}, {"svd_mode", mode}}), {}, cube);
  };
  cube.at(4, 10, 11) = std::numeric_limits<float>::quiet_NaN();
  const auto exact = run("eigen"), randomized = run("randsvd");
  cube.at(4, 10, 11) = 0;
  for (index_t t = 0; t < 12; ++t)
    for (index_t p = 0; p < 441; ++p) {
      const float want = exact[0].data()[t * 441 + p], found = randomized[0].data()[t * 441 + p];
      ASSERT_EQ(std::isnan(found), p == 10 * 21 + 11);
      if (std::isnan(found)) continue;
      ASSERT_NEAR(found, want, rounding(cube, 2 * cube.frames));
    }
}

TEST_P(Pca, InAnnuliLooksAtTheirPixelsOnly) {
  const SyntheticCube cube(16, 31);
  RegionParams params;
  params.mode = RegionMode::annular;
  params.asize = 5;
  params.delta_rot = DeltaRot{0.2, 0.2};
  const auto residual = residuals_of(exec(), *make_psf_subtraction("pca", {{"ncomp", "2"}}), params, cube);
  // 31 / 2 / 5: three annuli, the last from 9 px; the ring of 5 to 9 px belongs to the second one alone.
  const auto annulus = annulus_segments(31, 31, 5, 5).front(), own = annulus_segments(31, 31, 5, 4).front();
  const Rows rows = rows_of(cube, annulus);
  for (index_t t : {0, 8, 15}) {
    Rows library;
    for (index_t row : frames_beyond(cube.angles, t, pa_threshold(7.5, 4, 0.2)).indices())
      library.push_back(rows[static_cast<std::size_t>(row)]);
    const auto by_hand = residual_by_hand(rows[static_cast<std::size_t>(t)], library, 2);
    std::vector<double> want;
    for (index_t p : own)
      want.push_back(
          by_hand[static_cast<std::size_t>(std::lower_bound(annulus.begin(), annulus.end(), p) - annulus.begin())]);
    expect_frame(residual.front(), t, own, want, rounding(cube, cube.frames));
  }
  EXPECT_EQ(residual.front().view()(3, 0, 0), 0.0F);  // outside of all
}

TEST_P(Pca, MaskedCentreIsZeroAndTakesNoPart) {
  const SyntheticCube cube(10, 21);
  RegionParams params;
  params.mask_center = 4;
  const auto residual = residuals_of(exec(), *make_psf_subtraction("pca", {{"ncomp", "3"}}), params, cube);
  const auto centre = circle(21, 21, 4);
  std::vector<index_t> pixels;
  for (index_t p : all_pixels(cube))
    if (!std::binary_search(centre.begin(), centre.end(), p)) pixels.push_back(p);
  const Rows rows = rows_of(cube, pixels);
  expect_frame(residual.front(), 5, pixels, residual_by_hand(rows[5], rows, 3), rounding(cube, cube.frames));
  for (index_t p : centre) EXPECT_EQ(residual.front().view()(5, p / 21, p % 21), 0.0F);
}

TEST_P(Pca, ShareOfTheVarianceTakesTheFirstCountThatHoldsIt) {
  // Rows along unit vectors with squares 16, 9, 4, 1 (of 30): cumulative 0.533, 0.833, 0.967, 1.
  SyntheticCube cube(4, 5);
  std::fill(cube.values.begin(), cube.values.end(), 0.0F);
  for (index_t t = 0; t < 4; ++t) cube.at(t, 0, t) = static_cast<float>(4 - t);
  for (const auto& [share, count] :
       std::vector<std::pair<std::string, index_t>>{{"0.5", 1}, {"0.6", 2}, {"0.9", 3}, {"0.97", 4}, {"1.0", 4}}) {
    const auto residual = residuals_of(exec(), *make_psf_subtraction("pca", {{"ncomp", share}}), {}, cube);
    for (index_t t = 0; t < 4; ++t)
      EXPECT_NEAR(residual.front().view()(t, 0, t), t < count ? 0.0 : static_cast<double>(4 - t), 1e-6) << share;
  }
}

TEST_P(Pca, ScalingsCentreTheResidual) {
  const SyntheticCube cube(9, 15);
  for (const char* scaling : {"temp-mean", "temp-standard"}) {
    const auto residual =
        residuals_of(exec(), *make_psf_subtraction("pca", {{"ncomp", "1,3"}, {"scaling", scaling}}), {}, cube);
    for (const auto& variant : residual)
      for (index_t p = 0; p < 225; ++p) {
        double sum = 0;  // centred columns have centred projections
        for (index_t t = 0; t < 9; ++t) sum += static_cast<double>(variant.data()[t * 225 + p]);
        ASSERT_NEAR(sum, 0, 9 * rounding(cube, 2 * 9)) << scaling;
      }
  }
}

TEST_P(Pca, SaysWhatIsWrong) {
  const SyntheticCube cube(12, 31);
  const auto message = [&](const std::vector<std::pair<std::string, std::string>>& settings,
                           const RegionParams& params) {
    try {
      residuals_of(exec(), *make_psf_subtraction("pca", settings), params, cube);
    } catch (const InvalidInput& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(message({{"ncomp", "13"}}, {}).find("ncomp is 13, but there are only 12"), std::string::npos);
  RegionParams params;
  params.mode = RegionMode::annular;
  params.delta_rot = DeltaRot{4, 4};
  const std::string text = message({{"ncomp", "1"}}, params);
  for (const char* part : {"annulus 1 of 3", "frame 0", "min_frames_lib = 2", "smaller delta_rot", "radius of 2"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
  params = {};
  params.source_xy = PixelXY{28, 15};
  params.delta_rot = DeltaRot{0.5, 0.5};
  EXPECT_NE(message({{"ncomp", "1"}}, params).find("min_frames_pca = 10"), std::string::npos);
  params.min_frames_pca = 1;
  EXPECT_NE(message({{"ncomp", "9"}}, params).find("ncomp is 9, but there are only 7"), std::string::npos);
}

/// In annuli the pixels of one region at a time are copied, also for a list, whose residuals are those
/// of single runs: a component that is taken away twice, or from another region's pixels, would show.
TEST_P(Pca, AListInAnnuliGivesTheResidualsOfSingleRuns) {
  const SyntheticCube cube(12, 33), references(9, 33, 0, 12, 8);
  RegionParams params;
  params.mode = RegionMode::annular;
  params.delta_rot = DeltaRot{0, 0};
  for (const char* scaling : {"none", "temp-standard"})
    for (const auto* others : {static_cast<const SyntheticCube*>(nullptr), &references}) {
      const auto run = [&](const char* ncomp) {
        return residuals_of(exec(), *make_psf_subtraction("pca", {{"ncomp", ncomp}, {"scaling", scaling}}), params,
                            cube, others);
      };
      const auto list = run("2,4"), first = run("2"), second = run("4");
      ASSERT_EQ(list.size(), 2U);
      for (index_t i = 0; i < list[0].size(); ++i) {
        ASSERT_NEAR(list[0].data()[i], first[0].data()[i], rounding(cube, 12)) << scaling << ", " << i;
        ASSERT_NEAR(list[1].data()[i], second[0].data()[i], rounding(cube, 12)) << scaling << ", " << i;
      }
    }
}

/// Tiles and workspaces elsewhere are of fixed size: they do not shrink with a small cube.
TEST(PcaOnTheCpu, NeedsLittleMemoryBesideCubeAndResidual) {
  const SyntheticCube cube(40, 101);
  const auto bytes = static_cast<double>(cube.values.size() * sizeof(float));
  for (const RegionMode mode : {RegionMode::full, RegionMode::annular})
    for (const char* ncomp : {"5", "1,3,5"}) {
      Exec mine;
      RegionParams params;
      params.mode = mode;
      {
        const auto targets = to_device(mine, cube.view());
        Array<float, 3> residual(mine, cube.view().extents());
        subtract_psf(mine, *make_psf_subtraction("pca", {{"ncomp", ncomp}}), params,
                     {targets.view(), {nullptr, {0, 101, 101}}, cube.angles, 4}, residual.view(), [](std::size_t) {});
        mine.wait();
      }
      // The two cubes, 40 x 40 matrices and tiles of columns; in annuli the largest one, 15 % of each cube.
      EXPECT_LT(static_cast<double>(mine.memory()->peak_bytes()), 2.5 * bytes) << ncomp;
    }
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Pca);

}  // namespace
}  // namespace hci::test
