// SPDX-License-Identifier: MIT
#include "kernels/geometry/vip_words.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace hci::test {
namespace {

/// Every word that VIP 2.1.1 knows in any of its functions, and some that none does: wrong case, our own names, a
/// blank.
const char* const kLibraries[] = {"vip-fft", "opencv", "skimage", "ndimage-interp", "ndimage-fourier", "torch-fft",
                                  "VIP-FFT", "fft",    "",        "opencv "};
const char* const kInterpolations[] = {"nearneig", "bilinear", "biquadratic", "bicubic",     "biquartic", "biquintic",
                                       "lanczos4", "nearest",  "spline3",     "catmull-rom", "Lanczos4",  ""};
const char* const kBorders[] = {"constant", "edge",          "symmetric", "reflect",  "wrap", "nearest",
                                "mirror",   "grid-constant", "grid-wrap", "Constant", ""};

using Methods = std::map<std::string, Rotation>;
using Borders = std::map<std::string, Border>;

const Methods kOpencv{{"nearneig", Rotation::nearest},
                      {"bilinear", Rotation::bilinear},
                      {"bicubic", Rotation::bicubic},
                      {"lanczos4", Rotation::lanczos4}};

/// VIP gives these to SciPy and scikit-image as orders 0 to 5; of order 3 the two make different kernels.
Methods by_order(Rotation of_order_3) {
  return {{"nearneig", Rotation::nearest}, {"bilinear", Rotation::bilinear}, {"biquadratic", Rotation::spline2},
          {"bicubic", of_order_3},         {"biquartic", Rotation::spline4}, {"lanczos4", Rotation::spline4},
          {"biquintic", Rotation::spline5}};
}

TEST(VipWords, OfRotationsMeanWhatTheTableSays) {
  const std::map<std::string, Methods> libraries{{"opencv", kOpencv}, {"skimage", by_order(Rotation::catmull_rom)}};
  const Borders borders{{"constant", Border::constant},
                        {"edge", Border::edge},
                        {"symmetric", Border::symmetric},
                        {"reflect", Border::reflect},
                        {"wrap", Border::wrap}};
  std::set<Rotation> met;
  for (const std::string library : kLibraries)
    for (const std::string interpolation : kInterpolations)
      for (const std::string border : kBorders) {
        const std::string words = library + ", " + interpolation + ", " + border;
        const auto options = rotation_in_vip_words(library, interpolation, border);
        const bool by_fft = library == "vip-fft";
        const bool known =
            libraries.count(library) > 0 && libraries.at(library).count(interpolation) > 0 && borders.count(border) > 0;
        ASSERT_EQ(options.has_value(), by_fft || known) << words;
        if (!options) continue;
        EXPECT_EQ(options->method, by_fft ? Rotation::fft : libraries.at(library).at(interpolation)) << words;
        EXPECT_EQ(options->border, by_fft ? Border::constant : borders.at(border)) << words;
        EXPECT_EQ(options->keep_range, library == "skimage") << words;
        met.insert(options->method);
      }
  EXPECT_EQ(met.size(), enum_names(Rotation{}).size() - 1);  // spline3 is a shift's only
}

TEST(VipWords, OfShiftsMeanWhatTheTableSays) {
  const std::map<std::string, Methods> libraries{{"opencv", kOpencv}, {"ndimage-interp", by_order(Rotation::spline3)}};
  const Borders borders{{"constant", Border::constant},
                        {"nearest", Border::edge},
                        {"reflect", Border::symmetric},
                        {"mirror", Border::reflect},
                        {"wrap", Border::wrap}};
  std::set<Rotation> met;
  for (const std::string library : kLibraries)
    for (const std::string interpolation : kInterpolations)
      for (const std::string border : kBorders) {
        const std::string words = library + ", " + interpolation + ", " + border;
        const auto options = shift_in_vip_words(library, interpolation, border);
        const bool by_fft = library == "vip-fft" || library == "ndimage-fourier";
        const bool known =
            libraries.count(library) > 0 && libraries.at(library).count(interpolation) > 0 && borders.count(border) > 0;
        ASSERT_EQ(options.has_value(), by_fft || known) << words;
        if (!options) continue;
        EXPECT_EQ(options->method, by_fft ? Rotation::fft : libraries.at(library).at(interpolation)) << words;
        const Border of_fft = library == "vip-fft" ? Border::constant : Border::wrap;
        EXPECT_EQ(options->border, by_fft ? of_fft : borders.at(border)) << words;
        met.insert(options->method);
      }
  EXPECT_EQ(met.size(), enum_names(Rotation{}).size() - 1);  // catmull_rom is a rotation's only
}

}  // namespace
}  // namespace hci::test
