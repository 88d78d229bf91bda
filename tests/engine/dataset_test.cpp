// SPDX-License-Identifier: MIT
#include "engine/dataset.hpp"

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/array_file.hpp"
#include "engine/params.hpp"
#include "engine/progress.hpp"
#include "tests/engine/files.hpp"
#include "tests/support/data.hpp"

namespace hci {
namespace {

using test::cfitsio_image;
using test::counting;
using test::expect_parts;
using test::message_of;

class DatasetTest : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;

  /// A cube of 4 frames of 5 x 6 px with its angles.
  DatasetOptions small() {
    cfitsio_image(folder / "cube.fits", -32, {4, 5, 6}, counting(120));
    cfitsio_image(folder / "pa.fits", -64, {4}, {10, 20, -30, 40.5});
    DatasetOptions options;
    options.cube = folder / "cube.fits";
    options.angles = folder / "pa.fits";
    return options;
  }
  bool noted(const Dataset& data, const std::string& part) {
    for (const std::string& note : data.notes)
      if (note.find(part) != std::string::npos) return true;
    return false;
  }
};

TEST_F(DatasetTest, HoldsAnAdiSequenceAsInItsFiles) {
  DatasetOptions options = small();
  cfitsio_image(folder / "psf.fits", -32, {3, 3}, counting(9));
  options.psf = folder / "psf.fits";
  options.pixel_scale = "0.02719";
  options.fwhm = "4.8";
  const Dataset data = load_dataset(options);
  EXPECT_EQ(data.cube.extents(), (Extents<4>{4, 1, 5, 6}));
  EXPECT_EQ(data.cube.view()(2, 0, 3, 4), 2 * 30 + 3 * 6 + 4 + 1);
  EXPECT_EQ(data.angles, (std::vector<double>{10, 20, -30, 40.5}));
  EXPECT_EQ(data.psf.extents(), (Extents<3>{1, 3, 3}));
  EXPECT_EQ(data.psf.view()(0, 1, 2), 6);
  EXPECT_EQ(data.pixel_scale, 0.02719);
  EXPECT_EQ(data.fwhm, std::vector<double>{4.8});
  ASSERT_EQ(data.inputs.size(), 3U);
  EXPECT_EQ(data.inputs[0].role, "cube");
  EXPECT_EQ(data.inputs[0].checksum().size(), 7U + 64U);
  EXPECT_NE(data.inputs[0].checksum(), data.inputs[1].checksum());
  EXPECT_TRUE(noted(data, "read as (t, y, x)"));
}

/// done and total of the events "end" of a JSON progress.
std::vector<std::pair<long, long>> ends(const std::string& path) {
  std::ifstream lines(path);
  std::vector<std::pair<long, long>> ends;
  for (std::string line; std::getline(lines, line);)
    if (const auto json = nlohmann::json::parse(line); json["event"] == "end")
      ends.emplace_back(json["done"], json["total"]);
  return ends;
}

// 2^22 values are read at a time: frames of 2^20 px in two blocks and a rest.
TEST_F(DatasetTest, ReadsLargeCubesInBlocksAndTellsHowFarItIs) {
  DatasetOptions options = small();
  for (const bool spectral : {false, true}) {
    const std::vector<long> shape = spectral ? std::vector<long>{2, 5, 1024, 1024} : std::vector<long>{10, 1024, 1024};
    const index_t pixels = 1 << 20;
    std::vector<double> values(static_cast<std::size_t>(10 * pixels));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i % 32749 + 1);
    options.cube = folder / ("large" + std::to_string(spectral) + ".fits");
    options.angles.clear();
    cfitsio_image(options.cube, 16, shape, values);
    std::FILE* stream = std::fopen((folder / "log").c_str(), "w");
    Dataset data;
    {
      Progress progress(ProgressStyle::json, stream);
      progress.stage("load");
      data = load_dataset(options, silent_log(), &progress);
      progress.finish();
    }
    std::fclose(stream);
    EXPECT_EQ(ends(folder / "log"), (std::vector<std::pair<long, long>>{{10, 10}}));
    index_t wrong = 0;
    for (index_t image = 0; image < 10; ++image) {
      const auto read = spectral ? data.cube.view()[image % 5][image / 5] : data.cube.view()[image][0];
      for (index_t i = 0; i < pixels; ++i)
        wrong += read.data()[i] != values[static_cast<std::size_t>(image * pixels + i)];
    }
    EXPECT_EQ(wrong, 0);
  }
}

// The names of the data challenge, both phases, and of VIP's tutorials.
TEST_F(DatasetTest, TakesTheDataChallengesFilesBesideACube) {
  const auto cube = [&](const std::string& name, const std::vector<long>& shape) {
    std::size_t size = 1;
    for (long n : shape) size *= static_cast<std::size_t>(n);
    cfitsio_image(folder / name, -32, shape, counting(size));
  };
  cube("gpi_cube_2.fits", {2, 3, 5, 5});
  EXPECT_TRUE(companion_files(folder / "gpi_cube_2.fits").empty());
  cfitsio_image(folder / "gpi_psf_2.fits", -32, {2, 3, 3}, counting(18));
  EXPECT_TRUE(companion_files(folder / "gpi_cube_2.fits").empty());  // no angles
  cfitsio_image(folder / "gpi_pa_1.fits", -64, {3}, {7, 8, 9});      // of another cube
  EXPECT_TRUE(companion_files(folder / "gpi_cube_2.fits").empty());
  cfitsio_image(folder / "gpi_pa_2.fits", -64, {3}, {1, 2, 3});
  cfitsio_image(folder / "gpi_wls_2.fits", -64, {2}, {1.5, 1.6});
  cfitsio_image(folder / "gpi_plsc_2.fits", -64, {1}, {0.0141});
  DatasetOptions options;
  options.cube = folder / "gpi_cube_2.fits";
  Dataset data = load_dataset(options);
  EXPECT_EQ(data.angles, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(data.psf.extents(), (Extents<3>{2, 3, 3}));
  EXPECT_EQ(data.wavelengths, (std::vector<double>{1.5, 1.6}));
  EXPECT_EQ(data.pixel_scale, 0.0141);
  for (const char* name :
       {"gpi_pa_2.fits taken", "gpi_psf_2.fits taken", "gpi_wls_2.fits taken", "gpi_plsc_2.fits taken"})
    EXPECT_TRUE(noted(data, name)) << name;
  EXPECT_EQ(data.inputs.size(), 5U);

  options.angles = folder / "gpi_pa_1.fits";  // whoever names the angles names all
  data = load_dataset(options);
  EXPECT_EQ(data.angles, (std::vector<double>{7, 8, 9}));
  EXPECT_FALSE(data.psf);

  cube("image_cube_sphere0.fits", {2, 3, 5, 5});
  cfitsio_image(folder / "parallactic_angles_sphere0.fits", -64, {2, 3}, {4, 5, 6, 1.1, 1.2, 1.3});
  cfitsio_image(folder / "psf_cube_sphere0.fits", -32, {2, 3, 3}, counting(18));
  cfitsio_image(folder / "wavelength_vect_sphere0.fits", -64, {2}, {1.5, 1.6});
  options = {};
  options.cube = folder / "image_cube_sphere0.fits";
  data = load_dataset(options);
  EXPECT_EQ(data.angles, (std::vector<double>{4, 5, 6}));
  EXPECT_TRUE(data.psf);
  EXPECT_EQ(data.wavelengths.size(), 2U);

  cube("star_cube.fits", {2, 5, 5});
  cfitsio_image(folder / "star_pa.fits", -64, {2}, {4, 5});
  options.cube = folder / "star_cube.fits";
  EXPECT_EQ(load_dataset(options).angles, (std::vector<double>{4, 5}));
}

TEST_F(DatasetTest, TheWorkMustFitIntoMemoryBesideTheCube) {
  DatasetOptions options = small();
  Extents<4> asked{};
  options.fwhm = "4.5";
  options.work = [&](const Extents<4>& cube, index_t references, const Dataset& parts) {
    asked = cube;
    EXPECT_EQ(parts.fwhm, std::vector<double>{4.5});
    EXPECT_EQ(references, 0);
    return MemoryNeed{.bytes = std::size_t{40} << 40, .what = "44 TB of residuals"};
  };
  expect_parts(message_of([&] { load_dataset(options); }),
               {"the cube", "cube.fits, HDU 0", "with 44 TB of residuals, needs 44 TB of memory", "are available"});
  EXPECT_EQ(asked, (Extents<4>{4, 1, 5, 6}));
}

TEST_F(DatasetTest, TakesTheOrderOfAxesFromTheFlagOrTheArchive) {
  // λ = 2, t = 3: the value tells the place in the file.
  cfitsio_image(folder / "cube.fits", -32, {2, 3, 4, 5}, counting(120));
  DatasetOptions options;
  options.cube = folder / "cube.fits";
  const auto value = [&](index_t t, index_t channel) { return load_dataset(options).cube.view()(t, channel, 0, 0); };
  Dataset data = load_dataset(options);
  EXPECT_EQ(data.cube.extents(), (Extents<4>{3, 2, 4, 5}));
  EXPECT_TRUE(noted(data, "(λ, t, y, x)"));
  EXPECT_EQ(value(2, 1), 1 * 60 + 2 * 20 + 1);
  options.axes = Axes::t_lambda_yx;
  EXPECT_EQ(load_dataset(options).cube.extents(), (Extents<4>{2, 3, 4, 5}));
  EXPECT_EQ(value(1, 2), 1 * 60 + 2 * 20 + 1);
  options.axes = Axes::automatic;
  options.archive = Archive::vigan_idl;
  EXPECT_EQ(load_dataset(options).cube.extents(), (Extents<4>{2, 3, 4, 5}));
  options.axes = Axes::tyx;
  expect_parts(message_of([&] { load_dataset(options); }), {"cube.fits, HDU 0", "tyx", "4 axes"});
}

// More pixels than the reader's block, so that several blocks are put in place.
TEST_F(DatasetTest, TransposesLargeSpectralCubesInBlocks) {
  const index_t channels = 2, frames = 5, side = 1300;
  std::vector<double> values(static_cast<std::size_t>(channels * frames * side * side));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(1 + i % 16000001);
  cfitsio_image(folder / "cube.fits", -32, {channels, frames, side, side}, values);
  DatasetOptions options;
  options.cube = folder / "cube.fits";
  const Dataset data = load_dataset(options);
  for (index_t t = 0; t < frames; ++t)
    for (index_t c = 0; c < channels; ++c)
      for (const index_t i : {index_t{0}, side * side / 2, side * side - 1})
        EXPECT_EQ(data.cube.data()[(t * channels + c) * side * side + i],
                  static_cast<float>(values[static_cast<std::size_t>((c * frames + t) * side * side + i)]));
}

TEST_F(DatasetTest, AcceptsEveryFormOfAngles) {
  DatasetOptions options = small();
  const std::vector<double> angles = {10, 20, -30, 40.5};
  const auto loaded = [&](const std::string& name) {
    options.angles = folder / name;
    return load_dataset(options).angles;
  };
  cfitsio_image(folder / "column.fits", -32, {4, 1}, angles);
  cfitsio_image(folder / "row.fits", -32, {1, 4}, angles);
  test::write_bytes(folder / "lines.txt", "# degrees\n10\n 20 \n-30.0 # third\n\n4.05e1\n");
  test::write_bytes(folder / "line.csv", "10, +20,-30;40.5");
  EXPECT_EQ(loaded("pa.fits"), angles);
  EXPECT_EQ(loaded("column.fits"), angles);
  EXPECT_EQ(loaded("row.fits"), angles);
  EXPECT_EQ(loaded("lines.txt"), angles);
  EXPECT_EQ(loaded("line.csv"), angles);
  options.angles_sign = -1;
  options.angles_offset = 104.5;
  const Dataset data = load_dataset(options);
  EXPECT_EQ(data.angles, (std::vector<double>{94.5, 84.5, 134.5, 64}));
  EXPECT_TRUE(noted(data, "sign turned"));
}

TEST_F(DatasetTest, TakesAnglesFromTables) {
  DatasetOptions options = small();
  fitsfile* out = nullptr;
  int status = 0;
  fits_create_file(&out, (folder / "table.fits").c_str(), &status);
  const char* names[] = {"PA", "PUPOFF"};
  const char* formats[] = {"1D", "1D"};
  fits_create_tbl(out, BINARY_TBL, 4, 2, const_cast<char**>(names), const_cast<char**>(formats), nullptr, nullptr,
                  &status);
  double pa[] = {1, 2, 3, 4}, offset[] = {135, 135, 135, 136};
  fits_write_col(out, TDOUBLE, 1, 1, 1, 4, pa, &status);
  fits_write_col(out, TDOUBLE, 2, 1, 1, 4, offset, &status);
  fits_close_file(out, &status);
  ASSERT_EQ(status, 0);
  options.angles = folder / "table.fits";
  expect_parts(message_of([&] { load_dataset(options); }), {"table.fits", "HDU 1", "--angles-column", "PA PUPOFF"});
  options.angles_column = "pa";
  EXPECT_EQ(load_dataset(options).angles, (std::vector<double>{1, 2, 3, 4}));
  options.angles_column.clear();
  options.archive = Archive::vigan_idl;
  EXPECT_EQ(load_dataset(options).angles, (std::vector<double>{136, 137, 138, 140}));
}

TEST_F(DatasetTest, TakesTheAngleOfTheDataChallengesPairs) {
  DatasetOptions options = small();
  options.archive = Archive::eidc;
  cfitsio_image(folder / "rows.fits", -32, {2, 4}, {1, 2, 3, 4, 1.1, 1.2, 1.3, 1.4});
  cfitsio_image(folder / "columns.fits", -32, {4, 2}, {1, 1.1, 2, 1.2, 3, 1.3, 4, 1.4});
  for (const char* name : {"rows.fits", "columns.fits"}) {
    options.angles = folder / name;
    EXPECT_EQ(load_dataset(options).angles, (std::vector<double>{1, 2, 3, 4})) << name;
  }
  options.archive = Archive::vip;
  expect_parts(message_of([&] { load_dataset(options); }), {"columns.fits", "expected 4 angles", "(4, 2)"});
}

// Names as field.md has them from public scripts; four exposures of the PSF.
TEST_F(DatasetTest, TakesWhatTheSphereDataCentreLaysBeside) {
  const auto written = [&](const std::string& name, const std::vector<long>& shape, double start) {
    long count = 1;
    for (const long n : shape) count *= n;
    cfitsio_image(folder / name, -32, shape, counting(static_cast<std::size_t>(count), start));
  };
  const auto loaded = [&](const std::string& cube) {
    DatasetOptions options;
    options.cube = folder / cube;
    return load_dataset(options);
  };
  const std::string ird = "ird_convert_recenter_dc5-IRD_SCIENCE_", ifs = "ifs_sortframes_dc-IFS_SCIENCE_";
  written(ird + "REDUCED_MASTER_CUBE-center_im.fits", {2, 3, 4, 5}, 1);
  EXPECT_TRUE(loaded(ird + "REDUCED_MASTER_CUBE-center_im.fits").angles.empty());
  written(ird + "PARA_ROTATION_CUBE-rotnth.fits", {3}, 10);
  written(ird + "PSF_MASTER_CUBE-median_unsat.fits", {2, 4, 3, 3}, 1);
  cfitsio_image(folder / (ird + "LAMBDA_INFO-lam.fits"), -64, {2}, {1.593, 1.667});
  Dataset data = loaded(ird + "REDUCED_MASTER_CUBE-center_im.fits");
  EXPECT_EQ(data.cube.extents(), (Extents<4>{3, 2, 4, 5}));
  EXPECT_EQ(data.cube.data()[20], 61);  // frame 0, channel 1: the fourth image of the file
  EXPECT_EQ(data.angles, (std::vector<double>{10, 11, 12}));
  EXPECT_EQ(data.psf.extents(), (Extents<3>{2, 3, 3}));
  EXPECT_EQ(data.wavelengths, (std::vector<double>{1.593, 1.667}));

  written(ifs + "REDUCED_SPECTRAL_MASTER_CUBE-center_im.fits", {2, 3, 4, 5}, 1);
  written(ifs + "REDUCED_SPECTRAL_MASTER_CUBE_SORTED-center_im_sorted.fits", {2, 2, 4, 5}, 1);
  written(ifs + "PARA_ROTATION_CUBE-rotnth.fits", {3}, 20);
  written(ifs + "PARA_ROTATION_CUBE_SORTED-rotnth_sorted.fits", {2}, 30);
  EXPECT_EQ(loaded(ifs + "REDUCED_SPECTRAL_MASTER_CUBE-center_im.fits").angles, (std::vector<double>{20, 21, 22}));
  EXPECT_EQ(loaded(ifs + "REDUCED_SPECTRAL_MASTER_CUBE_SORTED-center_im_sorted.fits").angles,
            (std::vector<double>{30, 31}));
}

TEST_F(DatasetTest, HoldsAnIfsSequence) {
  cfitsio_image(folder / "cube.fits", -32, {2, 3, 4, 5}, counting(120));
  cfitsio_image(folder / "psf.fits", -32, {2, 3, 3}, counting(18));
  cfitsio_image(folder / "exposures.fits", -32, {2, 2, 1, 1}, {1, 3, 5, 7});
  cfitsio_image(folder / "wl.fits", -64, {2, 1}, {1593, 1667});
  cfitsio_image(folder / "scale.fits", -64, {1, 1}, {0.01225});
  cfitsio_image(folder / "ref.fits", -32, {2, 1, 4, 5}, counting(40, 7));
  DatasetOptions options;
  options.cube = folder / "cube.fits";
  options.psf = folder / "psf.fits";
  options.wavelengths = folder / "wl.fits";
  options.wavelength_unit = WavelengthUnit::nm;
  options.pixel_scale = folder / "scale.fits";
  options.reference = folder / "ref.fits";
  options.fwhm = "4,4.2";
  const Dataset data = load_dataset(options);
  EXPECT_EQ(data.psf.extents(), (Extents<3>{2, 3, 3}));
  EXPECT_DOUBLE_EQ(data.wavelengths[0], 1.593);
  EXPECT_DOUBLE_EQ(data.wavelengths[1], 1.667);
  EXPECT_EQ(data.pixel_scale, 0.01225);
  EXPECT_EQ(data.reference.extents(), (Extents<4>{1, 2, 4, 5}));
  EXPECT_EQ(data.fwhm, (std::vector<double>{4, 4.2}));
  options.wavelengths = "1.593,1.667";
  options.wavelength_unit = WavelengthUnit::um;
  options.fwhm = "4";
  options.psf = folder / "exposures.fits";
  const Dataset again = load_dataset(options);
  EXPECT_EQ(again.wavelengths, (std::vector<double>{1.593, 1.667}));
  EXPECT_EQ(again.fwhm, (std::vector<double>{4, 4}));
  EXPECT_EQ(again.psf.view()(0, 0, 0), 2);  // mean of two exposures
  EXPECT_EQ(again.psf.view()(1, 0, 0), 6);
}

TEST_F(DatasetTest, FindsTheCubeInAnExtension) {
  cfitsio_image(folder / "mef.fits", 8, {}, {});
  cfitsio_image(folder / "mef.fits", -32, {4}, {1, 2, 3, 4}, true);
  cfitsio_image(folder / "mef.fits", 16, {4, 5, 6}, counting(120), true);
  DatasetOptions options;
  options.cube = folder / "mef.fits[2]";
  options.angles = folder / "mef.fits[1]";
  const Dataset data = load_dataset(options);
  EXPECT_EQ(data.frames(), 4);
  EXPECT_EQ(data.angles, (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(data.inputs[0].path, folder / "mef.fits");
  options.cube = folder / "mef.fits";
  options.hdu = "2";
  EXPECT_EQ(load_dataset(options).frames(), 4);
  options.hdu = "";  // the first with data is the vector
  expect_parts(message_of([&] { load_dataset(options); }), {"mef.fits", "HDU 1", "1 axes"});
}

TEST_F(DatasetTest, KeepsNaNAsMaskAndCountsIt) {
  std::vector<double> values = counting(120);
  values[7] = values[100] = std::numeric_limits<double>::quiet_NaN();
  cfitsio_image(folder / "cube.fits", -32, {4, 5, 6}, values);
  DatasetOptions options;
  options.cube = folder / "cube.fits";
  const Dataset data = load_dataset(options);
  EXPECT_TRUE(std::isnan(data.cube.data()[7]));
  EXPECT_TRUE(noted(data, "2 of 120 pixels are NaN"));
}

TEST_F(DatasetTest, ShowsThePixelScaleOfAHeaderAndDoesNotTakeIt) {
  DatasetOptions options = small();
  fitsfile* out = nullptr;
  int status = 0;
  fits_open_file(&out, options.cube.c_str(), READWRITE, &status);
  fits_write_key_dbl(out, "PIXSCAL", 12.25, 4, "mas", &status);
  fits_close_file(out, &status);
  ASSERT_EQ(status, 0);
  const Dataset data = load_dataset(options);
  EXPECT_EQ(data.pixel_scale, std::nullopt);
  EXPECT_TRUE(noted(data, "PIXSCAL = 12.25 is not taken"));
}

TEST_F(DatasetTest, IsReadInTilesLikeTheWhole) {
  cfitsio_image(folder / "cube.fits", -32, {2, 7, 4, 5}, counting(280));
  for (const Axes axes : {Axes::lambda_tyx, Axes::t_lambda_yx}) {
    const CubeReader reader(folder / "cube.fits", "", axes);
    auto whole = host_array<float, 4>({reader.frames(), reader.channels(), 4, 5});
    reader.read(0, reader.frames(), whole.view());
    for (index_t first = 0; first < reader.frames(); ++first)
      for (index_t count = 1; first + count <= reader.frames(); ++count) {
        auto tile = host_array<float, 4>({count, reader.channels(), 4, 5});
        reader.read(first, count, tile.view());
        EXPECT_TRUE(std::equal(tile.data(), tile.data() + tile.size(), &whole.view()(first, 0, 0, 0)));
      }
  }
}

TEST_F(DatasetTest, LoadsOneFrameWithItsLengthOneAxes) {
  cfitsio_image(folder / "frame.fits", -64, {1, 1, 3, 4}, counting(12));
  const Array<float, 2> frame = load_frame(folder / "frame.fits");
  EXPECT_EQ(frame.extents(), (Extents<2>{3, 4}));
  EXPECT_EQ(frame.view()(2, 3), 12);
  cfitsio_image(folder / "two.fits", -64, {2, 3, 4}, counting(24));
  expect_parts(message_of([&] { load_frame(folder / "two.fits"); }), {"two.fits", "one frame", "found 2"});
}

TEST_F(DatasetTest, TellsWhatIsInAFile) {
  cfitsio_image(folder / "mef.fits", 8, {}, {});
  cfitsio_image(folder / "mef.fits", -32, {4, 5, 6}, counting(120), true);
  cfitsio_image(folder / "mef.fits", -64, {4}, counting(4), true);
  const FileDescription description = describe_file(folder / "mef.fits");
  EXPECT_EQ(description.format, "FITS");
  ASSERT_EQ(description.items.size(), 3U);
  EXPECT_EQ(description.items[0].meaning, "no data");
  EXPECT_EQ(description.items[1].name, "HDU 1");
  EXPECT_EQ(description.items[1].type, "float32");
  EXPECT_EQ(description.items[1].meaning, "4 frames of 5 x 6 px");
  EXPECT_EQ(description.items[2].meaning, "4 numbers, as angles or wavelengths");
  cfitsio_image(folder / "x.fits.gz", -32, {5, 6}, counting(30));
  EXPECT_EQ(describe_file(folder / "x.fits.gz").format, "FITS, compressed file");
  EXPECT_EQ(describe_file(folder / "x.fits.gz").items[0].meaning, "a frame of 5 x 6 px");
}

TEST(RealData, LoadsAsItsManifestSays) {
  HCI_NEEDS_SHARED();
  const std::string data = (*test::shared_folder() / "data").string();
  DatasetOptions options;
  options.cube = data + "/naco_betapic/cube.fits";
  options.angles = data + "/naco_betapic/angles.fits";
  options.psf = data + "/naco_betapic/psf.fits";
  const Dataset naco = load_dataset(options);
  EXPECT_EQ(naco.cube.extents(), (Extents<4>{61, 1, 101, 101}));
  EXPECT_EQ(naco.angles.size(), 61U);
  EXPECT_EQ(naco.psf.extents(), (Extents<3>{1, 39, 39}));
  options = {};
  options.cube = data + "/synthetic_ifs/cube.fits";
  options.angles = data + "/synthetic_ifs/angles.fits";
  options.wavelengths = data + "/synthetic_ifs/wavelengths.fits";
  options.psf = data + "/synthetic_ifs/psfn.fits";
  const Dataset ifs = load_dataset(options);
  EXPECT_EQ(ifs.angles.size(), static_cast<std::size_t>(ifs.frames()));
  EXPECT_EQ(ifs.wavelengths.size(), static_cast<std::size_t>(ifs.channels()));
  EXPECT_GT(ifs.channels(), 1);
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data))
    if (entry.path().extension() == ".fits") {
      EXPECT_FALSE(describe_file(entry.path().string()).items.empty()) << entry.path();
      ++files;
    }
  EXPECT_GT(files, 20);
}

}  // namespace
}  // namespace hci
