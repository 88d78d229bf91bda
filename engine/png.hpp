// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/core/view.hpp"

namespace hci {

/// A circle on a picture; its label, if any, beside it.
struct Marker {
  double y = 0, x = 0;  ///< px of the frame; pixel centres at integers
  double radius = 0;    ///< px of the frame
  std::string label;
};

/// What is drawn of a frame.
struct Picture {
  std::string title;                  ///< top left; digits, letters and common signs
  std::string value_label;            ///< beside the colour bar: "S/N", "counts"
  std::optional<double> pixel_scale;  ///< arcsec/px; unset: the scale bar is in px
  std::vector<Marker> markers;
  bool centre_cross = true;  ///< where the star is: frame_centre()
  /// Values at the ends of the colour map; unset: from the percentiles of the finite, non-zero values.
  std::optional<double> low, high;
  double low_percentile = 5, high_percentile = 99.9;  ///< dark sky, bright planets
  int least_width = 640;  ///< small frames are enlarged by a whole factor until they are as wide
};

/// An 8-bit RGB image, rows from the top.
struct Pixels {
  index_t height = 0, width = 0;
  std::vector<std::uint8_t> rgb;  ///< (y, x, 3)
};

/// The colour of v in 0 .. 1: dark blue over magenta and orange to pale yellow; the lightness L* rises
/// linearly. Colours are made in Oklab (Ottosson 2020), 256 of them.
std::array<std::uint8_t, 3> colour_of(double v);

/// The frame as a picture: y upward (row 0 at the bottom), colour bar, scale bar, markers. NaN is grey.
///   frame (y, x), host
Pixels render(Frame<const float> frame, const Picture& picture = {});

/// render() into a PNG file, under a temporary name first. Throws InvalidInput if it cannot be written.
void write_png(const std::string& path, Frame<const float> frame, const Picture& picture = {});
void write_png(const std::string& path, const Pixels& pixels);

}  // namespace hci
