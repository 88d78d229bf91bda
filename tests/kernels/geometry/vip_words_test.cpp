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

/// Asks for all words. What is known has the method of its library's table and the border of that table; fft, by the
/// libraries in `by_fft`, takes any words and has the border given there. Every method but `missing` is met.
template <class Ask>
void expect_words(const Ask& ask, const std::map<std::string, Methods>& libraries, const Borders& borders,
                  const Borders& by_fft, Rotation missing) {
  std::set<Rotation> met;
  for (const std::string library : kLibraries)
    for (const std::string interpolation : kInterpolations)
      for (const std::string border : kBorders) {
        const std::string words = library + ", " + interpolation + ", " + border;
        const auto options = ask(library, interpolation, border);
        const bool fft = by_fft.count(library) > 0;
        const bool known =
            libraries.count(library) > 0 && libraries.at(library).count(interpolation) > 0 && borders.count(border) > 0;
        ASSERT_EQ(options.has_value(), fft || known) << words;
        if (!options) continue;
        EXPECT_EQ(options->method, fft ? Rotation::fft : libraries.at(library).at(interpolation)) << words;
        EXPECT_EQ(options->border, fft ? by_fft.at(library) : borders.at(border)) << words;
        if constexpr (requires { options->keep_range; }) {
          EXPECT_EQ(options->keep_range, library == "skimage") << words;
        }
        met.insert(options->method);
      }
  EXPECT_EQ(met.size(), enum_names(Rotation{}).size() - 1);
  EXPECT_EQ(met.count(missing), 0U);
}

TEST(VipWords, OfRotationsMeanWhatTheTableSays) {
  const Borders borders{{"constant", Border::constant},
                        {"edge", Border::edge},
                        {"symmetric", Border::symmetric},
                        {"reflect", Border::reflect},
                        {"wrap", Border::wrap}};
  expect_words(rotation_in_vip_words, {{"opencv", kOpencv}, {"skimage", by_order(Rotation::catmull_rom)}}, borders,
               {{"vip-fft", Border::constant}}, Rotation::spline3);
}

TEST(VipWords, OfShiftsMeanWhatTheTableSays) {
  const Borders borders{{"constant", Border::constant},
                        {"nearest", Border::edge},
                        {"reflect", Border::symmetric},
                        {"mirror", Border::reflect},
                        {"wrap", Border::wrap}};
  expect_words(shift_in_vip_words, {{"opencv", kOpencv}, {"ndimage-interp", by_order(Rotation::spline3)}}, borders,
               {{"vip-fft", Border::constant}, {"ndimage-fourier", Border::wrap}}, Rotation::catmull_rom);
}

}  // namespace
}  // namespace hci::test
