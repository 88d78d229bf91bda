// SPDX-License-Identifier: MIT
#include "engine/png.hpp"

#include <png.h>

#include <cmath>
#include <limits>

#include "engine/origin.hpp"
#include "kernels/core/array.hpp"
#include "tests/engine/files.hpp"

namespace hci {
namespace {

/// CIE L* of an sRGB colour, independent of the Oklab that made it.
double lightness(const std::array<std::uint8_t, 3>& rgb) {
  const auto linear = [](std::uint8_t c) {
    const double e = c / 255.0;
    return e <= 0.04045 ? e / 12.92 : std::pow((e + 0.055) / 1.055, 2.4);
  };
  const double y = 0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2]);
  return y > 0.008856 ? 116 * std::cbrt(y) - 16 : 903.3 * y;
}

// L* from 5 to 96 in 15 steps of 17 colours each. Rounding to 8 bits moves the luminance of a dark
// colour by up to 0.5 / 255 / 12.92 = 1.5e-4, or 0.14 in L*, and twice that in a step; out-of-gamut
// colours are cut by at most 0.1 %: 0.1 in L*.
TEST(ColourMap, RisesInLightnessByEqualSteps) {
  EXPECT_NEAR(lightness(colour_of(0)), 5, 0.3);
  EXPECT_NEAR(lightness(colour_of(1)), 96, 0.3);
  for (int i = 0; i < 15; ++i) {
    const double step = lightness(colour_of((i + 1) / 15.0)) - lightness(colour_of(i / 15.0));
    EXPECT_NEAR(step, 91.0 / 15, 0.4) << i;
  }
  EXPECT_EQ(colour_of(-1), colour_of(0));
  EXPECT_EQ(colour_of(2), colour_of(1));
}

class PictureTest : public ::testing::Test {
 protected:
  static std::array<std::uint8_t, 3> at(const Pixels& pixels, index_t y, index_t x) {
    const std::uint8_t* p = &pixels.rgb[static_cast<std::size_t>((y * pixels.width + x) * 3)];
    return {p[0], p[1], p[2]};
  }
  static Picture range(double low, double high) {
    Picture picture;
    picture.low = low;
    picture.high = high;
    return picture;
  }
  static bool has(const Pixels& pixels, const std::array<std::uint8_t, 3>& colour) {
    for (index_t y = 0; y < pixels.height; ++y)
      for (index_t x = 0; x < pixels.width; ++x)
        if (at(pixels, y, x) == colour) return true;
    return false;
  }
  /// Place of the first pixel of that colour counted from the top left, -1 where there is none.
  static std::array<index_t, 2> place_of(const Pixels& pixels, const std::array<std::uint8_t, 3>& colour) {
    for (index_t y = 0; y < pixels.height; ++y)
      for (index_t x = 0; x < pixels.width; ++x)
        if (at(pixels, y, x) == colour) return {y, x};
    return {-1, -1};
  }
};

TEST_F(PictureTest, HasRowZeroAtTheBottom) {
  auto frame = host_array<float, 2>({8, 8});
  for (index_t i = 0; i < 64; ++i) frame.data()[i] = 5;
  frame.view()(0, 7) = std::numeric_limits<float>::quiet_NaN();  // lower right
  const Pixels pixels = render(frame.view(), range(0, 10));
  const auto grey = place_of(pixels, {92, 92, 98});
  EXPECT_GT(grey[0], pixels.height / 2);
  EXPECT_GT(grey[1], pixels.width / 2);
  EXPECT_TRUE(has(pixels, colour_of(std::lround(255 * 0.5) / 255.0)));
}

TEST_F(PictureTest, EnlargesSmallFramesByAWholeFactorAndLeavesLargeOnesAlone) {
  auto small = host_array<float, 2>({11, 11});
  auto large = host_array<float, 2>({700, 700});
  for (index_t i = 0; i < small.size(); ++i) small.data()[i] = static_cast<float>(i);
  for (index_t i = 0; i < large.size(); ++i) large.data()[i] = static_cast<float>(i);
  EXPECT_GE(render(small.view()).width, 640);
  EXPECT_LT(render(large.view()).width, 900);
}

TEST_F(PictureTest, MarksDetectionsAtTheirPlace) {
  auto frame = host_array<float, 2>({64, 64});
  for (index_t i = 0; i < frame.size(); ++i) frame.data()[i] = 1;
  Picture picture = range(0, 1);
  picture.centre_cross = false;
  const Pixels before = render(frame.view(), picture);
  picture.markers = {{48, 16, 4, ""}};
  const Pixels after = render(frame.view(), picture);
  ASSERT_EQ(before.rgb.size(), after.rgb.size());
  double sum_y = 0, sum_x = 0, count = 0;
  for (index_t y = 0; y < after.height; ++y)
    for (index_t x = 0; x < after.width; ++x)
      if (at(before, y, x) != at(after, y, x)) {
        sum_y += static_cast<double>(y);
        sum_x += static_cast<double>(x);
        ++count;
      }
  ASSERT_GT(count, 50);
  // The frame's picture is 640 px wide; its margins are those of the colours around it.
  std::array<index_t, 2> corner = place_of(before, colour_of(1));
  EXPECT_NEAR(sum_x / count - static_cast<double>(corner[1]), 16.5 * 10 - 0.5, 0.6);
  EXPECT_NEAR(sum_y / count - static_cast<double>(corner[0]), 640 - 48.5 * 10 - 0.5, 0.6);
}

TEST_F(PictureTest, IsMadeOfAnyFrame) {
  for (const index_t ny : {1, 2, 37})
    for (const index_t nx : {1, 5, 1200}) {
      auto frame = host_array<float, 2>({ny, nx});
      for (const float value :
           {0.0F, 3.0F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        std::fill_n(frame.data(), frame.size(), value);
        Picture picture;
        picture.title = "Title (x, y) \xc3\xa9";
        picture.value_label = "S/N";
        picture.pixel_scale = 0.0123;
        picture.markers = {{-5, 1e4, 2, "far"}, {std::nan(""), 0, 2, "nowhere"}, {0, 0, 0, "corner"}};
        EXPECT_GT(render(frame.view(), picture).width, 0);
      }
    }
  EXPECT_THROW(render(Frame<const float>(nullptr, {0, 4})), InvalidInput);
}

/// The text "Software" of a PNG file, as libpng reads it: with a wrong checksum the chunk would not be there.
std::string software_of(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  std::string software;
  png_init_io(png, file);
  png_read_info(png, info);
  png_textp text = nullptr;
  const int count = png_get_text(png, info, &text, nullptr);
  for (int i = 0; i < count; ++i)
    if (std::string(text[i].key) == "Software") software = text[i].text;
  png_destroy_read_struct(&png, &info, nullptr);
  std::fclose(file);
  return software;
}

TEST_F(PictureTest, SaysWhoMadeIt) {
  const test::TemporaryFolder folder;
  auto frame = host_array<float, 2>({20, 30});
  std::fill_n(frame.data(), frame.size(), 1.0F);
  write_png(folder / "x.png", frame.view());
  EXPECT_EQ(software_of(folder / "x.png"), kOrigin);
  EXPECT_TRUE(is_own_product(folder / "x.png"));
  // The same picture without that chunk is someone's.
  std::string bytes = test::read_bytes(folder / "x.png");
  bytes.erase(kPngOriginAt, png_origin_chunk().size());
  test::write_bytes(folder / "y.png", bytes);
  EXPECT_EQ(software_of(folder / "y.png"), "");
  EXPECT_FALSE(is_own_product(folder / "y.png"));
}

TEST_F(PictureTest, IsAPngThatLibpngReads) {
  const test::TemporaryFolder folder;
  auto frame = host_array<float, 2>({20, 30});
  for (index_t i = 0; i < frame.size(); ++i) frame.data()[i] = static_cast<float>(i % 17);
  const Pixels want = render(frame.view());
  write_png(folder / "x.png", frame.view());
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x.png"});
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  ASSERT_NE(png_image_begin_read_from_file(&image, (folder / "x.png").c_str()), 0);
  image.format = PNG_FORMAT_RGB;
  std::vector<std::uint8_t> got(PNG_IMAGE_SIZE(image));
  ASSERT_NE(png_image_finish_read(&image, nullptr, got.data(), 0, nullptr), 0);
  EXPECT_EQ(static_cast<index_t>(image.width), want.width);
  EXPECT_EQ(got, want.rgb);
  test::expect_parts(test::message_of([&] { write_png(folder / "no/x.png", frame.view()); }),
                     {"no/x.png", "cannot be written"});
}

}  // namespace
}  // namespace hci
