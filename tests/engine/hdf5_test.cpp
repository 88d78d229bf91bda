// SPDX-License-Identifier: MIT
#include "engine/hdf5.hpp"

#include <hdf5.h>

#include "tests/engine/files.hpp"

namespace hci {
namespace {

using test::counting;
using test::expect_parts;
using test::message_of;

/// Writes through HDF5 itself, independent of our writer.
class RawHdf5 {
 public:
  explicit RawHdf5(const std::string& path) : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
  RawHdf5(const RawHdf5&) = delete;
  RawHdf5& operator=(const RawHdf5&) = delete;
  ~RawHdf5() { H5Fclose(file_); }

  void dataset(const std::string& name, const std::vector<hsize_t>& shape, const std::vector<double>& values,
               hid_t type) {
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    const hid_t dataset = H5Dcreate2(file_, name.c_str(), type, space, links, H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_GE(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
    H5Dclose(dataset);
    H5Pclose(links);
    H5Sclose(space);
  }
  void attribute(const std::string& object, const std::string& name, double value) {
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate_by_name(file_, object.c_str(), name.c_str(), H5T_IEEE_F64BE, space, H5P_DEFAULT,
                                              H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_GE(H5Awrite(attribute, H5T_NATIVE_DOUBLE, &value), 0);
    H5Aclose(attribute);
    H5Sclose(space);
  }
  void attribute(const std::string& object, const std::string& name, const std::string& value) {
    const hid_t space = H5Screate(H5S_SCALAR), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, value.size() + 3);
    const hid_t attribute =
        H5Acreate_by_name(file_, object.c_str(), name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    std::string padded = value + std::string(3, '\0');
    H5Awrite(attribute, type, padded.data());
    H5Aclose(attribute);
    H5Tclose(type);
    H5Sclose(space);
  }

 private:
  hid_t file_;
};

TEST(Hdf5File, ConvertsEveryTypeAndReadsFramesFromAnyPlace) {
  const test::TemporaryFolder folder;
  {
    RawHdf5 raw(folder / "x.h5");
    raw.dataset("/double", {2, 5, 3, 4}, counting(120, 0), H5T_IEEE_F64BE);
    raw.dataset("/short", {10, 3, 4}, counting(120, -60), H5T_STD_I16LE);
    raw.dataset("/group/frame", {3, 4}, counting(12), H5T_IEEE_F32LE);
    raw.attribute("/double", "PIXSCALE", 0.01227);
    raw.attribute("/double", "INSTRUMENT", "NACO");
  }
  const Hdf5File file(folder / "x.h5");
  ASSERT_EQ(file.datasets().size(), 3U);
  EXPECT_EQ(file.dataset("double").type, "float64");
  EXPECT_EQ(file.dataset("/short").type, "int16");
  EXPECT_EQ(file.dataset("/group/frame").shape, (std::vector<index_t>{3, 4}));
  for (index_t first = 0; first < 10; ++first)
    for (index_t count = 0; first + count <= 10; ++count) {
      std::vector<float> tile(static_cast<std::size_t>(count * 12));
      file.read_frames("double", first, count, tile.data());
      for (std::size_t i = 0; i < tile.size(); ++i)
        ASSERT_EQ(tile[i], static_cast<float>(first * 12) + static_cast<float>(i));
      file.read_frames("short", first, count, tile.data());
      for (std::size_t i = 0; i < tile.size(); ++i)
        ASSERT_EQ(tile[i], static_cast<float>(first * 12 - 60) + static_cast<float>(i));
    }
  EXPECT_EQ(file.read_all("group/frame"), counting(12));
  EXPECT_EQ(file.number("/double", "PIXSCALE"), 0.01227);
  EXPECT_EQ(file.text("/double", "INSTRUMENT"), "NACO");
  EXPECT_EQ(file.number("/double", "INSTRUMENT"), std::nullopt);
  EXPECT_EQ(file.text("/double", "ABSENT"), std::nullopt);
  expect_parts(message_of([&] { static_cast<void>(file.dataset("science")); }), {"x.h5", "'science'", "/short"});
  std::vector<float> one(12);
  EXPECT_THROW(file.read_frames("short", 10, 1, one.data()), InvalidInput);
}

Dataset full_dataset() {
  Dataset data;
  data.cube = host_array<float, 4>({3, 2, 4, 5});
  for (index_t i = 0; i < data.cube.size(); ++i) data.cube.data()[i] = static_cast<float>(i + 1);
  data.psf = host_array<float, 3>({2, 3, 3});
  for (index_t i = 0; i < data.psf.size(); ++i) data.psf.data()[i] = static_cast<float>(i);
  data.reference = host_array<float, 4>({1, 2, 4, 5});
  for (index_t i = 0; i < data.reference.size(); ++i) data.reference.data()[i] = static_cast<float>(-i - 1);
  data.angles = {0.1, -20, 300};
  data.wavelengths = {1.593, 1.667};
  data.fwhm = {4, 4.5};
  data.pixel_scale = 0.01225;
  return data;
}

TEST(OwnLayout, BringsBackAllItWasGiven) {
  const test::TemporaryFolder folder;
  const Dataset data = full_dataset();
  write_hdf5(folder / "target.h5", data);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"target.h5"});
  DatasetOptions options;
  options.cube = folder / "target.h5";
  const Dataset got = load_dataset(options);
  ASSERT_EQ(got.cube.extents(), data.cube.extents());
  EXPECT_TRUE(std::equal(got.cube.data(), got.cube.data() + got.cube.size(), data.cube.data()));
  ASSERT_EQ(got.psf.extents(), data.psf.extents());
  EXPECT_TRUE(std::equal(got.psf.data(), got.psf.data() + got.psf.size(), data.psf.data()));
  ASSERT_EQ(got.reference.extents(), data.reference.extents());
  EXPECT_TRUE(std::equal(got.reference.data(), got.reference.data() + got.reference.size(), data.reference.data()));
  EXPECT_EQ(got.angles, data.angles);
  EXPECT_EQ(got.wavelengths, data.wavelengths);
  EXPECT_EQ(got.fwhm, data.fwhm);
  EXPECT_EQ(got.pixel_scale, data.pixel_scale);
  options.fwhm = "5";  // what is named goes before what the file has
  options.pixel_scale = "0.02";
  const Dataset other = load_dataset(options);
  EXPECT_EQ(other.fwhm, (std::vector<double>{5, 5}));
  EXPECT_EQ(other.pixel_scale, 0.02);
  EXPECT_EQ(describe_file(folder / "target.h5").format, "HDF5");
}

TEST(PynPointDatabase, BringsItsAnglesAndPixelScale) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "PynPoint_database.hdf5";
  {
    RawHdf5 raw(path);
    raw.dataset("/science", {4, 5, 6}, counting(120), H5T_IEEE_F64LE);
    raw.dataset("/psf", {1, 5, 5}, counting(25), H5T_IEEE_F64LE);
    raw.dataset("/header_science/PARANG", {4}, {10, 20, 30, 40}, H5T_IEEE_F64LE);
    raw.dataset("/header_science/INDEX", {4}, {0, 1, 2, 3}, H5T_STD_I64LE);
    raw.attribute("/science", "PIXSCALE", 0.02719);
  }
  DatasetOptions options;
  options.cube = path;
  expect_parts(message_of([&] { load_dataset(options); }), {"PynPoint_database.hdf5", "[NAME]", "psf, science"});
  options.cube = path + "[science]";
  options.psf = path + "[psf]";
  const Dataset data = load_dataset(options);
  EXPECT_EQ(data.cube.extents(), (Extents<4>{4, 1, 5, 6}));
  EXPECT_EQ(data.cube.data()[119], 120);
  EXPECT_EQ(data.angles, (std::vector<double>{10, 20, 30, 40}));
  EXPECT_EQ(data.pixel_scale, 0.02719);
  EXPECT_EQ(data.psf.extents(), (Extents<3>{1, 5, 5}));
  EXPECT_EQ(describe_file(path).format, "HDF5, PynPoint");
  EXPECT_EQ(data.inputs[0].path, path);
}

// The places that are spoiled have names in the format: SNOD is a list of a group's members, HEAP their names.
TEST(Hdf5File, SaysThatAGroupIsDamaged) {
  const test::TemporaryFolder folder;
  {
    RawHdf5 raw(folder / "good.h5");
    raw.dataset("/cube", {4, 5, 6}, counting(120), H5T_IEEE_F32LE);
    raw.dataset("/group/angles", {4}, counting(4), H5T_IEEE_F64LE);
  }
  const std::string good = test::read_bytes(folder / "good.h5");
  ASSERT_EQ(Hdf5File(folder / "good.h5").datasets().size(), 2U);
  for (const std::string mark : {"SNOD", "HEAP", "TREE"}) {
    int found = 0;
    for (std::size_t at = good.find(mark); at != std::string::npos; at = good.find(mark, at + 1), ++found) {
      std::string bad = good;
      bad.replace(at, 4, "\xff\xff\xff\xff");
      test::write_bytes(folder / "bad.h5", bad);
      DatasetOptions options;
      options.cube = folder / "bad.h5";
      expect_parts(message_of([&] { load_dataset(options); }), {"bad.h5", "damaged"});
    }
    EXPECT_EQ(found, 2) << mark;  // of the file and of /group
  }
}

// Chunks that nobody wrote take no place, so that the library makes such a dataset.
TEST(Hdf5File, ExtentsWhoseProductOverflowsAreRefused) {
  const test::TemporaryFolder folder;
  int refused = 0;
  for (const std::vector<hsize_t>& shape : {std::vector<hsize_t>{hsize_t{1} << 31, hsize_t{1} << 31, hsize_t{1} << 31},
                                            std::vector<hsize_t>{hsize_t{1} << 62, 1, 1}}) {
    const std::string path = folder / "huge.h5";
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(3, shape.data(), nullptr), layout = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[3] = {1, 1, 1};
    H5Pset_chunk(layout, 3, chunk);
    const hid_t dataset = H5Dcreate2(file, "cube", H5T_IEEE_F32LE, space, H5P_DEFAULT, layout, H5P_DEFAULT);
    const bool made = dataset >= 0;
    if (made) H5Dclose(dataset);
    H5Pclose(layout);
    if (space >= 0) H5Sclose(space);
    H5Fclose(file);
    if (!made) continue;  // HDF5 itself refuses
    ++refused;
    DatasetOptions options;
    options.cube = path;
    expect_parts(message_of([&] { load_dataset(options); }), {"huge.h5", "/cube", "more values than any file has"});
  }
  EXPECT_GT(refused, 0);
}

TEST(Hdf5File, SaysWhatIsWrongWithAFile) {
  const test::TemporaryFolder folder;
  write_hdf5(folder / "good.h5", full_dataset());
  const std::string good = test::read_bytes(folder / "good.h5");
  test::write_bytes(folder / "cut.h5", good.substr(0, good.size() / 2));
  DatasetOptions options;
  options.cube = folder / "cut.h5";
  expect_parts(message_of([&] { load_dataset(options); }), {"cut.h5", "HDF5", "truncated"});
  expect_parts(message_of([&] { Hdf5File file(folder / "nix.h5"); }), {"nix.h5", "no such file"});
  test::write_bytes(folder / "text.h5", "hello");
  expect_parts(message_of([&] { Hdf5File file(folder / "text.h5"); }), {"text.h5", "not an HDF5 file"});
  options.cube = folder / "good.h5[nix]";
  expect_parts(message_of([&] { load_dataset(options); }), {"good.h5", "'nix'", "/cube"});
  options.cube = folder / "good.h5[angles]";
  expect_parts(message_of([&] { load_dataset(options); }), {"good.h5", "/angles", "expected a cube"});
}

}  // namespace
}  // namespace hci
