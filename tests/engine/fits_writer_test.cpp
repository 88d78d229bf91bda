// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>

#include "engine/fits.hpp"
#include "kernels/core/array.hpp"
#include "tests/engine/files.hpp"

namespace hci {
namespace {

Array<float, 3> counting_cube() {
  auto cube = host_array<float, 3>({2, 3, 5});
  for (index_t i = 0; i < cube.size(); ++i) cube.data()[i] = static_cast<float>(i);
  cube.data()[7] = std::numeric_limits<float>::quiet_NaN();
  return cube;
}

// Read back through CFITSIO itself: shape, order of the axes, every value, NaN kept.
TEST(FitsWriter, WritesImagesThatCfitsioReads) {
  const test::TemporaryFolder folder;
  const auto cube = counting_cube();
  FitsWriter writer(folder / "x.fits");
  writer.image(cube.view(), {}, "CUBE");
  writer.image(std::vector<double>{0.1, 1e300}, {}, "ANGLES");
  writer.commit();
  fitsfile* in = nullptr;
  int status = 0, bitpix = 0, naxis = 0, any = 0;
  long axes[3] = {};
  fits_open_file(&in, (folder / "x.fits").c_str(), READONLY, &status);
  fits_get_img_param(in, 3, &bitpix, &naxis, axes, &status);
  EXPECT_EQ(bitpix, -32);
  EXPECT_EQ(naxis, 3);
  EXPECT_EQ((std::vector<long>{axes[2], axes[1], axes[0]}), (std::vector<long>{2, 3, 5}));
  std::vector<float> values(30);
  fits_read_img(in, TFLOAT, 1, 30, nullptr, values.data(), &any, &status);
  for (std::size_t i = 0; i < 30; ++i) {
    if (i == 7)
      EXPECT_TRUE(std::isnan(values[i]));
    else
      EXPECT_EQ(values[i], static_cast<float>(i));
  }
  fits_movnam_hdu(in, IMAGE_HDU, const_cast<char*>("ANGLES"), 0, &status);
  std::vector<double> angles(2);
  fits_read_img(in, TDOUBLE, 1, 2, nullptr, angles.data(), &any, &status);
  EXPECT_EQ(angles, (std::vector<double>{0.1, 1e300}));
  fits_close_file(in, &status);
  EXPECT_EQ(status, 0);
}

TEST(FitsWriter, KeepsEveryKindOfCard) {
  const test::TemporaryFolder folder;
  Header header;
  const std::string longer = "it's " + std::string(200, 'x') + "'";
  header.set("OBJECT", "beta Pic", "the star");
  header.set("NCOMP", 20);
  header.set("SCALE", 0.027190000000000002);
  header.set("WHOLE", 3.0);
  header.set("FLAG", false);
  header.set("NAN", std::numeric_limits<double>::quiet_NaN());
  header.set("EMPTY", "");
  header.set("HCI mask_center_px", "4.5");
  header.set("HCI delta_rot", 0.5);
  header.set("HCI INPUT1 SUM", longer);
  header.set("LONGTEXT", longer);
  header.set("ACCENT", "\xc3\xa9t\xc3\xa9");  // headers hold ASCII only
  header.set("NAXIS1", 7);                    // structural: left out
  header.history("made by a test");
  write_fits(folder / "x.fits", counting_cube().view(), header);
  const Header got = FitsFile(folder / "x.fits").header(0);
  EXPECT_EQ(got.text("OBJECT"), "beta Pic");
  EXPECT_EQ(got.find("OBJECT")->comment, "the star");
  EXPECT_EQ(std::get<std::int64_t>(got.find("NCOMP")->value), 20);
  EXPECT_EQ(std::get<double>(got.find("SCALE")->value), 0.027190000000000002);
  EXPECT_EQ(std::get<double>(got.find("WHOLE")->value), 3.0);
  EXPECT_EQ(std::get<bool>(got.find("FLAG")->value), false);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(got.find("NAN")->value));
  EXPECT_EQ(got.text("EMPTY"), "");
  EXPECT_EQ(got.text("HCI MASK_CENTER_PX"), "4.5");
  EXPECT_EQ(got.number("HCI DELTA_ROT"), 0.5);
  EXPECT_EQ(got.text("HCI INPUT1 SUM"), longer);
  EXPECT_EQ(got.text("LONGTEXT"), longer);
  EXPECT_EQ(got.text("ACCENT"), "??t??");
  EXPECT_EQ(got.number("NAXIS1"), 5);
  EXPECT_EQ(got.find("HISTORY")->comment, "made by a test");
}

// Every length around the borders of a card, with quotes (two characters each) at the seam.
TEST(FitsWriter, SplitsLongStringsAtAnyLength) {
  const test::TemporaryFolder folder;
  Header header;
  std::vector<std::string> texts;
  for (std::size_t n = 50; n < 150; ++n) {
    texts.push_back(std::string(n, 'a') + "'b&" + std::string(n % 3, '\''));
    header.set("HCI TEXT" + std::to_string(n), texts.back());
  }
  write_fits(folder / "x.fits", std::vector<double>{1}, header);
  const Header got = FitsFile(folder / "x.fits").header(0);
  for (std::size_t n = 50; n < 150; ++n) EXPECT_EQ(got.text("HCI TEXT" + std::to_string(n)), texts[n - 50]);
}

TEST(FitsWriter, LeavesNothingBehindWithoutCommit) {
  const test::TemporaryFolder folder;
  test::write_bytes(folder / "x.fits", "older");
  {
    FitsWriter writer(folder / "x.fits");
    writer.image(counting_cube().view());
    EXPECT_EQ(folder.names().size(), 2U);
    EXPECT_EQ(test::read_bytes(folder / "x.fits"), "older");
  }
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x.fits"});
  EXPECT_EQ(test::read_bytes(folder / "x.fits"), "older");
  FitsWriter writer(folder / "x.fits");
  writer.image(counting_cube().view());
  writer.commit();
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x.fits"});
  EXPECT_EQ(FitsFile(folder / "x.fits").hdu(0).shape, (std::vector<index_t>{2, 3, 5}));
  EXPECT_THROW(writer.image(counting_cube().view()), InvalidInput);
}

TEST(FitsWriter, SaysWhyAFileCannotBeMade) {
  const test::TemporaryFolder folder;
  test::expect_parts(test::message_of([&] { FitsWriter writer(folder / "absent/x.fits"); }),
                     {"absent/x.fits", "cannot be made"});
  const auto cube = counting_cube();
  FitsWriter writer(folder / "x.fits");
  const View<const float, 2> column(cube.data(), {2, 3}, {15, 5});
  EXPECT_THROW(writer.image(column), InvalidInput);
}

}  // namespace
}  // namespace hci
