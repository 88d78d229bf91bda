// SPDX-License-Identifier: MIT
#include <functional>
#include <limits>

#include "engine/dataset.hpp"
#include "engine/system_memory.hpp"
#include "tests/engine/files.hpp"

namespace hci {
namespace {

using test::cfitsio_image;
using test::counting;
using test::TemporaryFolder;

const double kNaN = std::numeric_limits<double>::quiet_NaN();
const double kInfinity = std::numeric_limits<double>::infinity();

/// A way to spoil a good dataset of 4 frames of 6 x 6 px, and what the message must say: file,
/// expected, found.
struct Spoiled {
  std::string name;
  std::function<void(const TemporaryFolder&, DatasetOptions&)> spoil;
  std::vector<std::string> message;
};

void image(const TemporaryFolder& folder, const std::string& name, const std::vector<long>& shape,
           std::vector<double> values) {
  std::filesystem::remove(folder / name);
  cfitsio_image(folder / name, -32, shape, values);
}

std::vector<double> with(std::vector<double> values, std::size_t first, std::size_t count, double value) {
  std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(first), count, value);
  return values;
}

const std::vector<double> kCube = counting(144);

using F = const TemporaryFolder&;
using O = DatasetOptions&;

const std::vector<Spoiled> kSpoiled = {
    {"NoCubeNamed", [](F, O o) { o.cube.clear(); }, {"name of a cube"}},
    {"CubeMissing", [](F f, O o) { o.cube = f / "nix.fits"; }, {"nix.fits", "no such file"}},
    {"CubeIsAFolder", [](F f, O o) { o.cube = f.path().string(); }, {"is a folder", "expected a file"}},
    {"CubeIsEmpty", [](F f, O) { test::write_bytes(f / "cube.fits", ""); }, {"cube.fits", "empty"}},
    {"CubeIsText", [](F f, O) { test::write_bytes(f / "cube.fits", "1 2 3\n"); }, {"cube.fits", "not a FITS file"}},
    {"CubeIsBinaryRubbish",
     [](F f, O o) { test::write_bytes(o.cube = f / "cube.dat", std::string("\x01\x02\xff\xfe", 4)); },
     {"cube.dat", "neither FITS, HDF5 nor text of numbers", "line 1 has '\\x01\\x02\\xff\\xfe'"}},
    {"CubeTruncated",
     [](F f, O) { test::write_bytes(f / "cube.fits", test::read_bytes(f / "cube.fits").substr(0, 3000)); },
     {"cube.fits", "HDU 0", "truncated", "3456", "3000"}},
    {"CubeGzipTruncated",
     [](F f, O o) {
       cfitsio_image(o.cube = f / "cube.fits.gz", 16, {4, 100, 100}, counting(40000, -20000));
       const std::string bytes = test::read_bytes(o.cube);
       test::write_bytes(o.cube, bytes.substr(0, bytes.size() / 2));
     },
     {"cube.fits.gz", "CFITSIO"}},
    {"CubeTileCompressedTruncated",
     [](F f, O o) {
       cfitsio_image((f / "cube.fits.fz") + "[compress R]", 32, {4, 100, 100}, counting(40000));
       o.cube = f / "cube.fits.fz";
       const std::string bytes = test::read_bytes(o.cube);
       test::write_bytes(o.cube, bytes.substr(0, bytes.size() / 2));
     },
     {"cube.fits.fz", "HDU 1", "CFITSIO"}},
    {"CubeOfTwoAxes",
     [](F f, O) {
       image(f, "cube.fits", {12, 12}, kCube);
     },
     {"cube.fits", "HDU 0", "expected a cube", "2 axes"}},
    {"CubeOfFiveAxes",
     [](F f, O) {
       image(f, "cube.fits", {1, 1, 4, 6, 6}, kCube);
     },
     {"cube.fits", "5 axes"}},
    {"CubeWithoutData", [](F f, O) { image(f, "cube.fits", {}, {}); }, {"cube.fits", "expected an HDU with data"}},
    {"CubeOfLengthZero",
     [](F f, O o) {
       image(f, "cube.fits", {4, 0, 6}, {});
       o.hdu = "0";
     },
     {"cube.fits", "HDU 0", "data"}},
    {"HduMissing", [](F, O o) { o.hdu = "3"; }, {"cube.fits", "no HDU 3"}},
    {"HduNameMissing", [](F, O o) { o.cube += "[SCI]"; }, {"cube.fits", "'SCI'"}},
    {"FrameOfNaN",
     [](F f, O) {
       image(f, "cube.fits", {4, 6, 6}, with(kCube, 72, 36, kNaN));
     },
     {"cube.fits", "HDU 0", "frame 2", "NaN", "remove"}},
    {"FrameOfZeros",
     [](F f, O) {
       image(f, "cube.fits", {4, 6, 6}, with(kCube, 0, 36, 0));
     },
     {"cube.fits", "frame 0", "zero"}},
    {"FrameOfZerosAndNaN",
     [](F f, O) {
       image(f, "cube.fits", {4, 6, 6}, with(with(kCube, 0, 36, 0), 3, 9, kNaN));
     },
     {"cube.fits", "frame 0", "zero"}},
    {"TwoBadFrames",
     [](F f, O) {
       image(f, "cube.fits", {4, 6, 6}, with(kCube, 72, 72, kNaN));
     },
     {"frame 2", "2 of 4 frames"}},
    {"CubeOfZeros",
     [](F f, O) {
       image(f, "cube.fits", {4, 6, 6}, with(kCube, 0, 144, 0));
     },
     {"cube.fits", "every frame is entirely zero"}},
    {"InfinitePixel",
     [](F f, O) {
       image(f, "cube.fits", {4, 6, 6}, with(kCube, 50, 1, kInfinity));
     },
     {"cube.fits", "frame 1", "infinite"}},
    {"ChannelOfNaN",
     [](F f, O o) {
       image(f, "cube.fits", {2, 2, 6, 6}, with(kCube, 108, 36, kNaN));
       o.angles.clear();
     },
     {"frame 1, channel 1", "NaN"}},
    {"AnglesMissing", [](F f, O o) { o.angles = f / "nix.txt"; }, {"nix.txt", "no such file"}},
    {"OneAngleTooMany",
     [](F f, O) { image(f, "pa.fits", {5}, counting(5)); },
     {"pa.fits", "HDU 0", "expected 4", "found 5"}},
    {"OneAngleTooFew", [](F f, O) { image(f, "pa.fits", {3}, counting(3)); }, {"pa.fits", "expected 4", "found 3"}},
    {"AnglesAreAnImage",
     [](F f, O) {
       image(f, "pa.fits", {2, 2}, counting(4));
     },
     {"pa.fits", "one row or column", "(2, 2)"}},
    {"AngleIsNaN",
     [](F f, O) {
       image(f, "pa.fits", {4}, {1, kNaN, 3, 4});
     },
     {"pa.fits", "angle 1", "nan"}},
    {"AngleIsInfinite",
     [](F f, O) {
       image(f, "pa.fits", {4}, {1, 2, 3, kInfinity});
     },
     {"pa.fits", "angle 3", "inf"}},
    {"AngleIsAWord",
     [](F f, O o) { test::write_bytes(o.angles = f / "pa.txt", "1\n2\nthree\n4\n"); },
     {"pa.txt", "line 3", "'three'"}},
    {"AnglesCountChannels",
     [](F f, O) {
       image(f, "cube.fits", {4, 2, 3, 6}, kCube);
     },
     {"pa.fits", "expected 2", "found 4", "channels", "--axes"}},
    {"AnglesSignOfTwo", [](F, O o) { o.angles_sign = 2; }, {"angles_sign", "1 or -1", "2"}},
    {"AnglesFileWithoutNumbers",
     [](F f, O o) { test::write_bytes(o.angles = f / "pa.txt", "# nothing\n"); },
     {"pa.txt", "found none"}},
    {"PsfIsAVector",
     [](F f, O o) {
       image(f, "psf.fits", {9}, counting(9));
       o.psf = f / "psf.fits";
     },
     {"psf.fits", "expected a PSF", "(9)"}},
    {"PsfNotSquare",
     [](F f, O o) {
       image(f, "psf.fits", {3, 4}, counting(12));
       o.psf = f / "psf.fits";
     },
     {"psf.fits", "square", "3 x 4"}},
    {"PsfOfOtherChannels",
     [](F f, O o) {
       image(f, "psf.fits", {3, 3, 3}, counting(27));
       o.psf = f / "psf.fits";
     },
     {"psf.fits", "expected 1", "found 3"}},
    {"PsfOfZeros",
     [](F f, O o) {
       image(f, "psf.fits", {3, 3}, std::vector<double>(9));
       o.psf = f / "psf.fits";
     },
     {"psf.fits", "expected a star"}},
    {"PsfOfNaN",
     [](F f, O o) {
       image(f, "psf.fits", {3, 3}, std::vector<double>(9, kNaN));
       o.psf = f / "psf.fits";
     },
     {"psf.fits", "expected a star"}},
    {"WavelengthCount", [](F, O o) { o.wavelengths = "1.6,1.7"; }, {"expected 1 wavelengths", "found 2"}},
    {"WavelengthUnit", [](F, O o) { o.wavelengths = "1650"; }, {"1650 um", "wavelength_unit"}},
    {"WavelengthNegative", [](F, O o) { o.wavelengths = "-1.6"; }, {"-1.6 um"}},
    {"ReferenceOfOtherSize",
     [](F f, O o) {
       image(f, "ref.fits", {4, 5, 6}, counting(120));
       o.reference = f / "ref.fits";
     },
     {"ref.fits", "6 x 6 px", "5 x 6 px"}},
    {"PixelScaleNegative", [](F, O o) { o.pixel_scale = "-0.01"; }, {"pixel_scale", "-0.01", "above 0"}},
    {"PixelScaleZero", [](F, O o) { o.pixel_scale = "0"; }, {"pixel_scale", "above 0"}},
    {"PixelScaleIsAWord", [](F, O o) { o.pixel_scale = "small"; }, {"small", "no such file"}},
    {"PixelScaleOfTwoNumbers", [](F, O o) { o.pixel_scale = "0.1,0.2"; }, {"pixel_scale", "one number", "2"}},
    {"FwhmNegative", [](F, O o) { o.fwhm = "-4"; }, {"fwhm", "-4", "above 0"}},
    {"FwhmNaN", [](F, O o) { o.fwhm = "nan"; }, {"fwhm", "nan"}},
    {"FwhmOfOtherCount", [](F, O o) { o.fwhm = "4,5,6"; }, {"fwhm", "expected one number, found 3"}},
};

class Malformed : public ::testing::TestWithParam<Spoiled> {};

TEST_P(Malformed, IsRefusedWithFileExpectedAndFound) {
  const TemporaryFolder folder;
  image(folder, "cube.fits", {4, 6, 6}, kCube);
  image(folder, "pa.fits", {4}, {1, 2, 3, 4});
  DatasetOptions options;
  options.cube = folder / "cube.fits";
  options.angles = folder / "pa.fits";
  GetParam().spoil(folder, options);
  test::expect_parts(test::message_of([&] { load_dataset(options); }), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(, Malformed, ::testing::ValuesIn(kSpoiled),
                         [](const ::testing::TestParamInfo<Spoiled>& tested) { return tested.param.name; });

// A header may promise more than any machine has; the file itself is sparse.
TEST(TooLarge, ACubeIsRefusedBeforeMemoryIsTaken) {
  const TemporaryFolder folder;
  const std::string path = folder / "huge.fits";
  test::write_bytes(path, test::header_block({"SIMPLE  =                    T", "BITPIX  =                    8",
                                              "NAXIS   =                    3", "NAXIS1  =               100000",
                                              "NAXIS2  =               100000", "NAXIS3  =                 1000"}));
  std::error_code error;
  std::filesystem::resize_file(path, std::uintmax_t{2880} + 10'000'000'000'000 + 2880, error);
  if (error) GTEST_SKIP() << "this file system has no sparse files of 10 TB: " << error.message();
  DatasetOptions options;
  options.cube = path;
  test::expect_parts(test::message_of([&] { load_dataset(options); }),
                     {"huge.fits", "HDU 0", "needs 40 TB", "are available"});
}

TEST(SystemMemory, IsKnownAndWrittenForPeople) {
  EXPECT_GT(available_memory(), std::size_t{1} << 20);
  EXPECT_EQ(bytes_text(12), "12 bytes");
  EXPECT_EQ(bytes_text(86260000), "86.3 MB");
  EXPECT_EQ(bytes_text(4e13), "40 TB");
  EXPECT_NO_THROW(require_memory(1, "a byte", "none"));
  EXPECT_THROW(require_memory(std::size_t{1} << 60, "all", "none"), InvalidInput);
}

}  // namespace
}  // namespace hci
