// SPDX-License-Identifier: MIT
#include "engine/png.hpp"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "engine/atomic_file.hpp"
#include "engine/glyphs.hpp"
#include "engine/origin.hpp"
#include "kernels/core/error.hpp"
#include "kernels/geometry/centre.hpp"

namespace hci {
namespace {

using Colour = std::array<std::uint8_t, 3>;
constexpr Colour kBackground{18, 18, 24}, kText{225, 225, 230}, kMasked{92, 92, 98}, kMarker{90, 255, 190},
    kShade{0, 0, 0};

/// Linear sRGB of an Oklab colour (Ottosson 2020, "A perceptual color space for image processing").
std::array<double, 3> linear_rgb(double lightness, double chroma, double hue) {
  const double a = chroma * std::cos(hue), b = chroma * std::sin(hue);
  const auto cube = [](double x) { return x * x * x; };
  const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
  return {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
          -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
          -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

std::uint8_t encoded(double linear) {
  const double c = std::clamp(linear, 0.0, 1.0);
  const double e = c <= 0.0031308 ? 12.92 * c : 1.055 * std::pow(c, 1 / 2.4) - 0.055;
  return static_cast<std::uint8_t>(std::lround(255 * e));
}

/// The relative luminance of a lightness L* (CIE 1976).
double luminance_of(double lightness) {
  return lightness > 8 ? std::pow((lightness + 16) / 116, 3) : lightness / 903.3;
}

/// The colour of v: L* rises linearly, the hue turns from blue over magenta and orange to yellow in
/// Oklab, where equal turns look equal.
Colour made_colour(double v) {
  const double luminance = luminance_of(5 + 91 * v), hue = (272 + 190 * v) * std::numbers::pi / 180;
  const auto outside = [](double c) { return c < -1e-3 || c > 1.001; };
  std::array<double, 3> rgb{};
  const double most = 0.05 + 0.105 * std::sin(std::numbers::pi * (0.06 + 0.94 * v));
  for (int step = 0; most >= 0.004 * step; ++step) {
    const double chroma = most - 0.004 * step;
    double low = 0, high = 1;
    for (int i = 0; i < 20; ++i) {
      const double middle = (low + high) / 2;
      rgb = linear_rgb(middle, chroma, hue);
      (0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2] < luminance ? low : high) = middle;
    }
    if (std::none_of(rgb.begin(), rgb.end(), outside)) break;  // else less colourful
  }
  return {encoded(rgb[0]), encoded(rgb[1]), encoded(rgb[2])};
}

/// Draws on Pixels; what falls outside is left out. Coordinates count from the top left.
class Canvas {
 public:
  Canvas(index_t height, index_t width) : pixels_{height, width, {}} {
    pixels_.rgb.resize(static_cast<std::size_t>(height * width * 3));
    rectangle(0, 0, height, width, kBackground);
  }
  void blend(index_t y, index_t x, Colour colour, double alpha = 1) {
    if (y < 0 || x < 0 || y >= pixels_.height || x >= pixels_.width) return;
    std::uint8_t* at = &pixels_.rgb[static_cast<std::size_t>((y * pixels_.width + x) * 3)];
    for (std::size_t c = 0; c < 3; ++c)
      at[c] = static_cast<std::uint8_t>(std::lround(at[c] + alpha * (colour[c] - at[c])));
  }
  void rectangle(index_t y, index_t x, index_t height, index_t width, Colour colour, double alpha = 1) {
    for (index_t j = std::max<index_t>(y, 0); j < std::min(y + height, pixels_.height); ++j)
      for (index_t i = std::max<index_t>(x, 0); i < std::min(x + width, pixels_.width); ++i)
        if (alpha < 1)
          blend(j, i, colour, alpha);
        else
          std::copy(colour.begin(), colour.end(), &pixels_.rgb[static_cast<std::size_t>((j * pixels_.width + i) * 3)]);
  }
  /// A circle's line with soft edges.
  void circle(double y, double x, double radius, double thickness, Colour colour, double alpha) {
    const double reach = radius + thickness + 1;
    for (auto j = static_cast<index_t>(y - reach); j <= static_cast<index_t>(y + reach); ++j)
      for (auto i = static_cast<index_t>(x - reach); i <= static_cast<index_t>(x + reach); ++i) {
        const double off = std::abs(std::hypot(static_cast<double>(j) - y, static_cast<double>(i) - x) - radius);
        blend(j, i, colour, alpha * std::clamp(thickness / 2 + 0.5 - off, 0.0, 1.0));
      }
  }
  /// Text whose first letter's top left dot is at (y, x); each dot is `dot` px wide.
  void text(index_t y, index_t x, const std::string& words, index_t dot, Colour colour) {
    for (char letter : words) {
      const auto glyph =
          std::find_if(std::begin(kGlyphs), std::end(kGlyphs), [&](const Glyph& g) { return g.letter == letter; });
      for (int row = 0; row < Glyph::height && glyph != std::end(kGlyphs); ++row)
        for (int column = 0; column < Glyph::width; ++column)
          if ((glyph->rows[static_cast<std::size_t>(row)] >> (Glyph::width - 1 - column) & 1) != 0)
            rectangle(y + row * dot, x + column * dot, dot, dot, colour);
      x += (Glyph::width + 1) * dot;
    }
  }
  /// Text that stays readable on any picture.
  void shaded_text(index_t y, index_t x, const std::string& words, index_t dot, Colour colour) {
    for (index_t dy : {index_t{-1}, index_t{0}, index_t{1}})
      for (index_t dx : {index_t{-1}, index_t{0}, index_t{1}}) text(y + dy, x + dx, words, dot, kShade);
    text(y, x, words, dot, colour);
  }
  Pixels take() { return std::move(pixels_); }

 private:
  Pixels pixels_;
};

index_t text_width(const std::string& words, index_t dot) {
  return words.empty() ? 0 : (static_cast<index_t>(words.size()) * (Glyph::width + 1) - 1) * dot;
}

/// 1, 2 or 5 times a power of ten, at most x.
double round_number_below(double x) {
  const double power = std::pow(10.0, std::floor(std::log10(x)));
  for (double factor : {5.0, 2.0})
    if (factor * power <= x * (1 + 1e-9)) return factor * power;
  return power;
}

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

/// The values at the ends of the colour map.
std::pair<double, double> value_range(Frame<const float> frame, const Picture& picture) {
  std::vector<float> values;
  for (index_t y = 0; y < frame.extent(0); ++y)
    for (index_t x = 0; x < frame.extent(1); ++x)
      if (const float value = frame(y, x); std::isfinite(value) && value != 0) values.push_back(value);
  const auto percentile = [&](double percent) {
    if (values.empty()) return 0.0;
    const auto place = values.begin() + std::lround(percent / 100 * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), place, values.end());
    return static_cast<double>(*place);
  };
  const double low = picture.low ? *picture.low : percentile(std::clamp(picture.low_percentile, 0.0, 100.0));
  double high = picture.high ? *picture.high : percentile(std::clamp(picture.high_percentile, 0.0, 100.0));
  if (!(high > low)) high = low + std::max(1.0, std::abs(low) * 1e-3);  // a flat frame
  return {low, high};
}

/// Where things are on the picture, px.
struct Layout {
  index_t zoom, dot;            ///< px for each pixel of the frame, and for each dot of a letter
  index_t top, left;            ///< of the frame's picture
  index_t height, width;        ///< of the frame's picture
  index_t bar_left, bar_width;  ///< colour bar, as high as the frame's picture
  index_t full_height, full_width;

  Layout(Frame<const float> frame, const Picture& picture, index_t most_label_letters) {
    const index_t ny = frame.extent(0), nx = frame.extent(1);
    zoom = std::max<index_t>(1, (std::max(1, picture.least_width) - 1) / std::max(ny, nx) + 1);
    height = ny * zoom;
    width = nx * zoom;
    dot = std::max<index_t>(1, std::lround(static_cast<double>(std::max(height, width)) / 330.0));
    const index_t gap = 6 * dot;
    top = picture.title.empty() && picture.value_label.empty() ? gap : gap + (Glyph::height + 5) * dot;
    left = gap;
    bar_left = left + width + gap;
    bar_width = 9 * dot;
    full_width = bar_left + std::max(bar_width + 4 * dot + most_label_letters * (Glyph::width + 1) * dot,
                                     text_width(picture.value_label, dot) + gap);
    full_height = top + height + gap;
  }
  /// Centre of the pixel (y, x) of the frame; y upward.
  double row(double y) const { return static_cast<double>(top + height) - (y + 0.5) * static_cast<double>(zoom) - 0.5; }
  double column(double x) const { return static_cast<double>(left) + (x + 0.5) * static_cast<double>(zoom) - 0.5; }
};

void draw_frame(Canvas& canvas, const Layout& at, Frame<const float> frame, double low, double high) {
  for (index_t y = 0; y < frame.extent(0); ++y)
    for (index_t x = 0; x < frame.extent(1); ++x) {
      const double v = (static_cast<double>(frame(y, x)) - low) / (high - low);
      const Colour colour = std::isnan(v) ? kMasked : colour_of(v);
      canvas.rectangle(at.top + at.height - (y + 1) * at.zoom, at.left + x * at.zoom, at.zoom, at.zoom, colour);
    }
}

/// Round values between low and high, with their labels.
std::vector<std::pair<double, std::string>> ticks_between(double low, double high) {
  const double step = round_number_below((high - low) / 4);
  std::vector<std::pair<double, std::string>> ticks;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k)
    ticks.emplace_back(k * step, number_text(k == 0 ? 0 : k * step));
  return ticks;
}

void draw_colour_bar(Canvas& canvas, const Layout& at, double low, double high) {
  for (index_t y = 0; y < at.height; ++y)
    canvas.rectangle(at.top + y, at.bar_left, 1, at.bar_width,
                     colour_of(1 - (static_cast<double>(y) + 0.5) / static_cast<double>(at.height)));
  for (const auto& [value, label] : ticks_between(low, high)) {
    const double share = (value - low) / (high - low);
    const auto y = at.top + static_cast<index_t>(std::lround((1 - share) * static_cast<double>(at.height - 1)));
    canvas.rectangle(y - at.dot / 2, at.bar_left + at.bar_width, at.dot, 2 * at.dot, kText);
    const index_t text_top =
        std::max(at.top, std::min(y - Glyph::above_line * at.dot / 2, at.top + at.height - Glyph::above_line * at.dot));
    canvas.text(text_top, at.bar_left + at.bar_width + 4 * at.dot, label, at.dot, kText);
  }
}

void draw_scale_bar(Canvas& canvas, const Layout& at, const Picture& picture) {
  const double unit = picture.pixel_scale.value_or(1.0);  // of one pixel of the frame
  double length = round_number_below(static_cast<double>(at.width) / static_cast<double>(at.zoom) * unit / 4);
  if (!picture.pixel_scale) length = std::max(1.0, length);
  const auto px = static_cast<index_t>(std::lround(length / unit * static_cast<double>(at.zoom)));
  const std::string label = number_text(length) + (picture.pixel_scale ? " arcsec" : " px");
  const index_t x = at.left + 8 * at.dot, y = at.top + at.height - 10 * at.dot;
  canvas.rectangle(y - 1, x - 1, 2 * at.dot + 2, px + 2, kShade, 0.8);
  canvas.rectangle(y, x, 2 * at.dot, px, kText);
  const index_t text_x = std::max(x, x + (px - text_width(label, at.dot)) / 2);
  canvas.shaded_text(y - (Glyph::height + 2) * at.dot, text_x, label, at.dot, kText);
}

void draw_centre(Canvas& canvas, const Layout& at, Frame<const float> frame) {
  const auto y = static_cast<index_t>(std::lround(at.row(frame_centre(frame.extent(0)))));
  const auto x = static_cast<index_t>(std::lround(at.column(frame_centre(frame.extent(1)))));
  const index_t arm = 5 * at.dot, thick = std::max<index_t>(1, at.dot / 2);
  canvas.rectangle(y - thick - 1, x - arm - 1, 2 * thick + 2, 2 * arm + 2, kShade, 0.35);
  canvas.rectangle(y - arm - 1, x - thick - 1, 2 * arm + 2, 2 * thick + 2, kShade, 0.35);
  canvas.rectangle(y - thick, x - arm, 2 * thick, 2 * arm, kText);
  canvas.rectangle(y - arm, x - thick, 2 * arm, 2 * thick, kText);
}

void draw_marker(Canvas& canvas, const Layout& at, const Marker& marker) {
  if (!std::isfinite(marker.y) || !std::isfinite(marker.x)) return;
  const double y = at.row(marker.y), x = at.column(marker.x);
  const auto thick = static_cast<double>(at.dot);
  const double radius = std::max(marker.radius * static_cast<double>(at.zoom), 4 * thick);
  canvas.circle(y, x, radius, thick + 2, kShade, 0.5);
  canvas.circle(y, x, radius, thick, kMarker, 1);
  const index_t width = text_width(marker.label, at.dot);
  auto label_x = static_cast<index_t>(x + radius) + 4 * at.dot;
  if (label_x + width > at.left + at.width) label_x = static_cast<index_t>(x - radius) - 4 * at.dot - width;
  canvas.shaded_text(static_cast<index_t>(y) - Glyph::above_line * at.dot / 2, label_x, marker.label, at.dot, kMarker);
}

}  // namespace

std::array<std::uint8_t, 3> colour_of(double v) {
  static const std::array<Colour, 256> map = [] {
    std::array<Colour, 256> colours{};
    for (std::size_t i = 0; i < colours.size(); ++i) colours[i] = made_colour(static_cast<double>(i) / 255);
    return colours;
  }();
  return map[static_cast<std::size_t>(std::lround(255 * std::clamp(v, 0.0, 1.0)))];
}

Pixels render(Frame<const float> frame, const Picture& picture) {
  require(frame.extent(0) > 0 && frame.extent(1) > 0, "render: the frame is empty");
  const auto [low, high] = value_range(frame, picture);
  index_t most_letters = 0;
  for (const auto& [value, label] : ticks_between(low, high))
    most_letters = std::max(most_letters, static_cast<index_t>(label.size()));
  const Layout at(frame, picture, most_letters + 1);
  Canvas canvas(at.full_height, at.full_width);
  draw_frame(canvas, at, frame, low, high);
  draw_colour_bar(canvas, at, low, high);
  draw_scale_bar(canvas, at, picture);
  if (picture.centre_cross) draw_centre(canvas, at, frame);
  for (const Marker& marker : picture.markers) draw_marker(canvas, at, marker);
  canvas.text(6 * at.dot, at.left, picture.title, at.dot, kText);
  canvas.text(6 * at.dot, at.bar_left, picture.value_label, at.dot, kText);
  return canvas.take();
}

void write_png(const std::string& path, const Pixels& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(pixels.width);
  image.height = static_cast<png_uint_32>(pixels.height);
  image.format = PNG_FORMAT_RGB;
  image.flags = PNG_IMAGE_FLAG_FAST;  // a quarter of the time for a tenth more bytes
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string file(bytes, '\0');
  const int written = png_image_write_to_memory(&image, file.data(), &bytes, 0, pixels.rgb.data(), 0, nullptr);
  require(written != 0, path, ": cannot be written: ", image.message);
  file.resize(bytes);
  file.insert(kPngOriginAt, png_origin_chunk());
  write_text_file(path, file);
}

void write_png(const std::string& path, Frame<const float> frame, const Picture& picture) {
  write_png(path, render(frame, picture));
}

}  // namespace hci
