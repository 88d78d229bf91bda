// SPDX-License-Identifier: MIT
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <thread>

#include "engine/fits.hpp"
#include "tests/engine/files.hpp"

namespace hci {
namespace {

using test::cfitsio_image;
using test::counting;
using test::expect_parts;
using test::header_block;
using test::message_of;
using test::padded;

std::vector<float> all_values(const FitsFile& file, int hdu) {
  std::vector<float> values(static_cast<std::size_t>(file.hdu(hdu).size()));
  file.read(hdu, 0, static_cast<index_t>(values.size()), values.data());
  return values;
}

/// Big-endian bytes of an integer.
std::string big_endian(std::int64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

struct Stored {
  std::string name;
  int bitpix;
  std::string data;               ///< as in the file
  std::vector<double> values;     ///< as a reader shall see them
  std::vector<std::string> more;  ///< BSCALE, BZERO, BLANK
};

class FitsValues : public ::testing::TestWithParam<Stored> {};

// All values are small integers or halves: exact in float32, so nothing but equality will do.
TEST_P(FitsValues, AreWhatTheBytesSayWithScaleZeroAndBlank) {
  const test::TemporaryFolder folder;
  const Stored& stored = GetParam();
  std::vector<std::string> cards = {"SIMPLE  =                    T", "BITPIX  = " + std::to_string(stored.bitpix),
                                    "NAXIS   =                    1",
                                    "NAXIS1  = " + std::to_string(stored.values.size())};
  cards.insert(cards.end(), stored.more.begin(), stored.more.end());
  const std::string path = folder / "x.fits";
  test::write_bytes(path, header_block(cards) + padded(stored.data));
  const FitsFile file(path);
  EXPECT_EQ(file.hdu(0).bitpix, stored.bitpix);
  EXPECT_EQ(file.hdu(0).scaled, !stored.more.empty());
  EXPECT_EQ(file.hdu(0).shape, std::vector<index_t>{static_cast<index_t>(stored.values.size())});
  std::vector<double> wide(stored.values.size());
  file.read(0, 0, static_cast<index_t>(wide.size()), wide.data());
  const std::vector<float> single = all_values(file, 0);
  for (std::size_t i = 0; i < wide.size(); ++i) {
    if (std::isnan(stored.values[i])) {
      EXPECT_TRUE(std::isnan(single[i]) && std::isnan(wide[i])) << i;
    } else {
      EXPECT_EQ(single[i], static_cast<float>(stored.values[i])) << i;
      EXPECT_EQ(wide[i], stored.values[i]) << i;
    }
  }
}

const double kNaN = std::numeric_limits<double>::quiet_NaN();
INSTANTIATE_TEST_SUITE_P(
    , FitsValues,
    ::testing::Values(
        Stored{"uint8", 8, std::string("\x00\x01\x7f\xff", 4), {0, 1, 127, 255}, {}},
        Stored{"int8_by_bzero", 8, std::string("\x00\x80\xff", 3), {-128, 0, 127}, {"BZERO   = -128"}},
        Stored{"int16", 16, big_endian(-2, 2) + big_endian(258, 2) + big_endian(-32768, 2), {-2, 258, -32768}, {}},
        Stored{"uint16_by_bzero",
               16,
               big_endian(-32768, 2) + big_endian(32767, 2),
               {0, 65535},
               {"BZERO   = 32768", "BSCALE  = 1"}},
        Stored{"int16_scaled",
               16,
               big_endian(4, 2) + big_endian(-99, 2) + big_endian(-3, 2),
               {12, kNaN, 8.5},
               {"BSCALE  = 0.5", "BZERO   = 10.", "BLANK   = -99"}},
        Stored{"int32", 32, big_endian(-70000, 4) + big_endian(16777216, 4), {-70000, 16777216}, {}},
        Stored{
            "int32_blank", 32, big_endian(5, 4) + big_endian(-2147483648LL, 4), {5, kNaN}, {"BLANK   = -2147483648"}},
        Stored{"int64", 64, big_endian(-3, 8) + big_endian(1LL << 40, 8), {-3, 1099511627776.0}, {}},
        Stored{"float32",
               -32,
               big_endian(0x3fc00000, 4) + big_endian(0x7fc00000, 4) + big_endian(0xc1200000, 4),
               {1.5, kNaN, -10},
               {}},
        Stored{"float32_scaled", -32, big_endian(0x3fc00000, 4), {7}, {"BSCALE  = 2.", "BZERO   = 4."}},
        Stored{"float64", -64, big_endian(0x3ff8000000000000, 8) + big_endian(0x7ff8000000000000, 8), {1.5, kNaN}, {}}),
    [](const ::testing::TestParamInfo<Stored>& tested) { return tested.param.name; });

// The same file once as it is (our own threads read it) and once compressed (CFITSIO reads it), of
// a size that takes several blocks: the two readers are independent of each other.
TEST(FitsFile, ReadsPlainGzipAndTileCompressedFilesAlike) {
  const test::TemporaryFolder folder;
  const std::vector<long> shape = {7, 150, 201};
  const std::vector<double> values = counting(7 * 150 * 201, -100000);
  for (const int bitpix : {32, 64, -32, -64}) {
    const std::string name = "b" + std::to_string(bitpix);
    cfitsio_image(folder / (name + ".fits"), bitpix, shape, values);
    cfitsio_image(folder / (name + ".fits.gz"), bitpix, shape, values);
    const FitsFile plain(folder / (name + ".fits")), gzip(folder / (name + ".fits.gz"));
    const std::vector<float> want = all_values(plain, 0);
    for (std::size_t i = 0; i < want.size(); ++i) ASSERT_EQ(want[i], static_cast<float>(values[i])) << bitpix;
    EXPECT_EQ(all_values(gzip, 0), want) << bitpix;
  }
  fitsfile *in = nullptr, *out = nullptr;
  int status = 0;
  fits_open_file(&in, (folder / "b32.fits").c_str(), READONLY, &status);
  fits_create_file(&out, (folder / "b32.fits.fz").c_str(), &status);
  fits_set_compression_type(out, RICE_1, &status);
  fits_img_compress(in, out, &status);
  fits_close_file(in, &status);
  fits_close_file(out, &status);
  ASSERT_EQ(status, 0);
  const FitsFile packed(folder / "b32.fits.fz");
  const HduInfo& info = packed.select("");
  EXPECT_TRUE(info.compressed);
  EXPECT_EQ(info.index, 1);  // the primary HDU is empty
  EXPECT_EQ(info.shape, (std::vector<index_t>{7, 150, 201}));
  EXPECT_EQ(all_values(packed, 1), all_values(FitsFile(folder / "b32.fits"), 0));
}

TEST(FitsFile, ReadsTilesOfFramesFromAnyPlace) {
  const test::TemporaryFolder folder;
  cfitsio_image(folder / "x.fits", -32, {2, 5, 3, 4}, counting(120, 0));
  cfitsio_image(folder / "x.fits.gz", -32, {2, 5, 3, 4}, counting(120, 0));
  for (const char* name : {"x.fits", "x.fits.gz"}) {
    const FitsFile file(folder / name);
    std::vector<float> tile(36);
    file.read_frames(0, 4, 3, Cube<float>(tile.data(), {3, 3, 4}));  // across the slowest axis
    for (std::size_t i = 0; i < tile.size(); ++i) EXPECT_EQ(tile[i], static_cast<float>(48 + i)) << name;
    EXPECT_THROW(file.read_frames(0, 8, 3, Cube<float>(tile.data(), {3, 3, 4})), InvalidInput);
    EXPECT_THROW(file.read_frames(0, 0, 3, Cube<float>(tile.data(), {3, 4, 3})), InvalidInput);
  }
}

TEST(FitsFile, FindsHdusByIndexNameAndData) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "mef.fits";
  cfitsio_image(path, 8, {}, {});
  cfitsio_image(path, -32, {2, 3, 4}, counting(24), true);
  cfitsio_image(path, 16, {5}, counting(5), true);
  fitsfile* out = nullptr;
  int status = 0;
  fits_open_file(&out, (path + "[2]").c_str(), READWRITE, &status);
  fits_write_key_str(out, "EXTNAME", "Angles", "", &status);
  fits_close_file(out, &status);
  ASSERT_EQ(status, 0);
  const FitsFile file(path);
  ASSERT_EQ(file.hdus().size(), 3U);
  EXPECT_FALSE(file.hdu(0).has_data());
  EXPECT_EQ(file.select("").index, 1);
  EXPECT_EQ(file.select("2").index, 2);
  EXPECT_EQ(file.select("ANGLES").index, 2);
  EXPECT_EQ(file.hdu(2).description(), "HDU 2 'Angles': image (5), int16");
  expect_parts(message_of([&] { file.select("PSF"); }), {"mef.fits", "'PSF'", "Angles"});
  expect_parts(message_of([&] { file.select("3"); }), {"mef.fits", "HDU 3", "0 to 2"});
  EXPECT_EQ(all_values(file, 2), (std::vector<float>{1, 2, 3, 4, 5}));
}

TEST(FitsFile, TakesFileNamesLiterally) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a[1](b)+2 {c}.fits";
  cfitsio_image(folder / "plain.fits", -32, {2}, {3, 4});
  std::filesystem::rename(folder / "plain.fits", path);
  EXPECT_EQ(all_values(FitsFile(path), 0), (std::vector<float>{3, 4}));
  // CFITSIO would go on to "absent.fits.gz".
  cfitsio_image(folder / "absent.fits.gz", -32, {2}, {3, 4});
  expect_parts(message_of([&] { FitsFile(folder / "absent.fits"); }), {"absent.fits", "no such file"});
}

TEST(FitsFile, ReadsColumnsOfTables) {
  const test::TemporaryFolder folder;
  for (const int kind : {BINARY_TBL, ASCII_TBL}) {
    const std::string path = folder / (kind == BINARY_TBL ? "binary.fits" : "ascii.fits");
    fitsfile* out = nullptr;
    int status = 0;
    fits_create_file(&out, path.c_str(), &status);
    const char* names[] = {"PA", "N", "NAME"};
    const char* binary[] = {"1D", "1J", "4A"};
    const char* ascii[] = {"D20.10", "I6", "A4"};
    fits_create_tbl(out, kind, 3, 3, const_cast<char**>(names), const_cast<char**>(kind == BINARY_TBL ? binary : ascii),
                    nullptr, "OBS", &status);
    double pa[] = {1.25, -3.5, 90};
    int n[] = {7, 8, 9};
    fits_write_col(out, TDOUBLE, 1, 1, 1, 3, pa, &status);
    fits_write_col(out, TINT, 2, 1, 1, 3, n, &status);
    fits_close_file(out, &status);
    ASSERT_EQ(status, 0);
    const FitsFile file(path);
    const HduInfo& info = file.select("");
    EXPECT_EQ(info.index, 1);
    EXPECT_EQ(info.columns, (std::vector<std::string>{"PA", "N", "NAME"}));
    EXPECT_EQ(file.read_column(1, "pa"), (std::vector<double>{1.25, -3.5, 90}));
    EXPECT_EQ(file.read_column(1, "N"), (std::vector<double>{7, 8, 9}));
    expect_parts(message_of([&] { file.read_column(1, "ROT"); }), {"'ROT'", "PA", "HDU 1 'OBS'"});
    expect_parts(message_of([&] { file.read_column(1, "NAME"); }), {"'NAME'", "no real numbers"});
  }
}

TEST(FitsFile, ReadsHeadersWithLongAndHierarchCards) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.fits", note(150, 'q');
  cfitsio_image(path, 8, {2}, {1, 2});
  fitsfile* out = nullptr;
  int status = 0;
  fits_open_file(&out, path.c_str(), READWRITE, &status);
  fits_write_key_str(out, "OBJECT", "O'Neil  ", "a quote", &status);
  fits_write_key_longstr(out, "LONGTEXT", note.c_str(), "", &status);
  fits_write_key_dbl(out, "HIERARCH ESO TEL PARANG START", 12.5, 4, "", &status);
  fits_write_key_lng(out, "NUMBER", -5, "", &status);
  fits_write_key_log(out, "FLAG", 1, "", &status);
  fits_write_record(out, "DEXP    = 1.5D3", &status);
  fits_write_key_null(out, "NOTHING", "", &status);
  fits_close_file(out, &status);
  ASSERT_EQ(status, 0);
  const Header header = FitsFile(path).header(0);
  EXPECT_EQ(header.text("OBJECT"), "O'Neil");
  EXPECT_EQ(header.find("object")->comment, "a quote");
  EXPECT_EQ(header.text("LONGTEXT"), note);
  EXPECT_EQ(header.number("ESO TEL PARANG START"), 12.5);
  EXPECT_EQ(header.number("NUMBER"), -5);
  EXPECT_EQ(std::get<bool>(header.find("FLAG")->value), true);
  EXPECT_EQ(header.number("DEXP"), 1500);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(header.find("NOTHING")->value));
  EXPECT_EQ(header.find("ABSENT"), nullptr);
}

TEST(FitsFile, ReadsAScalarWithoutAxes) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "plsc.fits";
  test::write_bytes(path, header_block({"SIMPLE  =                    T", "BITPIX  =                  -64",
                                        "NAXIS   =                    0"}) +
                              padded(big_endian(std::bit_cast<std::int64_t>(0.01226), 8)));
  const FitsFile file(path);
  EXPECT_TRUE(file.hdu(0).has_data());
  double value = 0;
  file.read(0, 0, 1, &value);
  EXPECT_EQ(value, 0.01226);
}

TEST(FitsFile, IsReadBySeveralThreadsAtOnce) {
  ASSERT_NE(fits_is_reentrant(), 0) << "CFITSIO was built without --enable-reentrant";
  const test::TemporaryFolder folder;
  const std::vector<double> values = counting(20 * 30 * 40);
  cfitsio_image(folder / "x.fits.gz", -32, {20, 30, 40}, values);
  std::vector<std::thread> threads;
  std::array<bool, 4> good{};
  for (bool& same : good)
    threads.emplace_back([&] {
      const std::vector<float> got = all_values(FitsFile(folder / "x.fits.gz"), 0);
      same = std::equal(got.begin(), got.end(), values.begin(), values.end());
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, (std::array<bool, 4>{true, true, true, true}));
}

// 274177 x 67280421310721 = 2^64 + 1: counted in 64 bits that is one value, and so are those of the others.
TEST(FitsFile, AxesWhoseProductOverflowsAreRefused) {
  const test::TemporaryFolder folder;
  const auto wrong = [&](const std::string& name, const std::vector<std::string>& cards) {
    test::write_bytes(folder / name, header_block(cards) + std::string(2880, '\0'));
    expect_parts(message_of([&] { FitsFile file(folder / name); }), {name, "HDU 0", "is truncated", "5760 bytes"});
  };
  const auto axis = [](int number, const std::string& length) {
    return "NAXIS" + std::to_string(number) + "  =" + std::string(21 - length.size(), ' ') + length;
  };
  const std::string simple = "SIMPLE  =                    T", bitpix = "BITPIX  =                  -32";
  wrong("two.fits", {simple, bitpix, axis(0, "2").replace(5, 1, " "), axis(1, "274177"), axis(2, "67280421310721")});
  wrong("bytes.fits", {simple, bitpix, axis(0, "2").replace(5, 1, " "), axis(1, "4611686018427387905"), axis(2, "1")});
  wrong("none.fits",
        {simple, bitpix, axis(0, "3").replace(5, 1, " "), axis(1, "274177"), axis(2, "67280421310721"), axis(3, "0")});
}

TEST(FitsFile, ATableThatIsCutIsRefused) {
  const test::TemporaryFolder folder;
  fitsfile* out = nullptr;
  int status = 0;
  char name[] = "PA", format[] = "D";
  char* names[] = {name};
  char* formats[] = {format};
  fits_create_file(&out, (folder / "pa.fits").c_str(), &status);
  fits_create_tbl(out, BINARY_TBL, 0, 1, names, formats, nullptr, nullptr, &status);
  std::vector<double> angles = counting(1000);
  fits_write_col(out, TDOUBLE, 1, 1, 1, 1000, angles.data(), &status);
  fits_close_file(out, &status);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(FitsFile(folder / "pa.fits").read_column(1, "PA"), angles);
  const std::string good = test::read_bytes(folder / "pa.fits");
  const auto headers = good.size() - 8640;  // 1000 x 8 bytes are three blocks
  test::write_bytes(folder / "cut.fits", good.substr(0, good.size() - 2880));
  expect_parts(message_of([&] { FitsFile file(folder / "cut.fits"); }),
               {"cut.fits", "HDU 1", "is truncated", std::to_string(headers + 8000), std::to_string(headers + 5760)});
}

TEST(FitsFile, SaysWhatIsWrongWithAFile) {
  const test::TemporaryFolder folder;
  cfitsio_image(folder / "good.fits", -32, {10, 50, 50}, counting(25000));
  const std::string good = test::read_bytes(folder / "good.fits");
  const auto wrong = [&](const std::string& name, const std::string& bytes) {
    test::write_bytes(folder / name, bytes);
    return message_of([&] { FitsFile file(folder / name); });
  };
  expect_parts(wrong("empty.fits", ""), {"empty.fits", "empty", "0 bytes"});
  expect_parts(wrong("text.fits", "1.0 2.0\n3.0 4.0\n"), {"text.fits", "not a FITS file", "SIMPLE"});
  expect_parts(wrong("cut.fits", good.substr(0, 50000)),
               {"cut.fits", "HDU 0", "truncated", "102880", "50000"});  // 2880 + 10*50*50*4
  expect_parts(wrong("header.fits", good.substr(0, 400)), {"header.fits", "CFITSIO"});
  expect_parts(wrong("fake.fits.gz", "\x1f\x8bno gzip at all"), {"fake.fits.gz", "CFITSIO"});
  std::string bitpix = good;
  bitpix.replace(bitpix.find("-32"), 3, "-33");
  expect_parts(wrong("bitpix.fits", bitpix), {"bitpix.fits", "BITPIX"});
  expect_parts(message_of([&] { FitsFile file(folder / "absent.fits"); }), {"absent.fits", "no such file"});
  expect_parts(message_of([&] { FitsFile file(folder.path().string()); }), {"is a folder"});
}

}  // namespace
}  // namespace hci
