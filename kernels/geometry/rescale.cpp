// SPDX-License-Identifier: MIT
#include "kernels/geometry/rescale.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/geometry/crop_pad.hpp"
#include "kernels/geometry/resample.hpp"
#include "kernels/geometry/resample_fft.hpp"
#include "kernels/geometry/resample_taps.hpp"
#include "kernels/geometry/sampling.hpp"
#include "kernels/geometry/spline.hpp"

namespace hci {
namespace {

/// One axis of frames that are to be magnified: they are looked at as if they had `wide` pixels, centre on centre,
/// which `surround` makes of the `side` that they have; beyond these begins `border`.
struct Axis {
  AxisKind kind;
  index_t side, wide, out;
  double centre;  ///< the pixel that stays, of the wide frame
  Border surround, border;

  index_t margin() const { return wide / 2 - side / 2; }
  /// The pixel of the frame that stands for pixel i of the wide one.
  index_t pixel(index_t i) const {
    const index_t in_wide = border_index(i, wide, border);
    return in_wide < 0 ? -1 : border_index(in_wide - margin(), side, surround);
  }
};

/// other: the scale along the other axis.
AxisTaps magnified_taps(const Axis& axis, Rotation method, double scale, double other) {
  // The inverse of warpAffine's matrix, step by step, since lanczos4 rounds it.
  const double per_pixel = other * (1 / (scale * other)), offset = -per_pixel * ((1 - scale) * axis.centre);
  std::vector<Place> places;
  for (index_t i = 0; i < axis.out; ++i)
    places.push_back(place_of_map(method, axis.kind, per_pixel, i - axis.out / 2 + axis.wide / 2, offset));
  return axis_taps(
      places, [&](index_t i) { return axis.pixel(i); }, 1 / scale);
}

FftAxis magnified_fft(const Axis& axis, double scale) {
  FftAxis wide = fft_axis(axis.wide, axis.out, scale);
  if (axis.wide == axis.side) return wide;
  std::vector<index_t> pixel;
  for (index_t i = 0; i < axis.wide; ++i) pixel.push_back(axis.pixel(i));
  return folded(wide, pixel, axis.side);
}

/// Taps of spline coefficients that go on beyond the frame by `padding`.
AxisTaps magnified_spline_taps(const Axis& axis, Rotation method, double scale, Border continued, index_t padding) {
  std::vector<Place> places;
  for (index_t i = 0; i < axis.out; ++i) {
    const double position = axis.centre + (double(i - axis.out / 2 + axis.wide / 2) - axis.centre) / scale;
    const bool seen = axis.border != Border::constant || (position >= 0 && position <= double(axis.wide - 1));
    places.push_back(seen ? place_at(method, position) : Place{});
  }
  const index_t coefficients = axis.wide + 2 * padding;
  return axis_taps(
      places, [&](index_t i) { return border_index(i + padding, coefficients, continued); }, 1 / scale);
}

/// Frames, or their spline coefficients, that are held at a time.
constexpr index_t kScratchBytes = index_t{256} << 20;

/// Resamples the spline coefficients of the frames, made of `wide` sides first. ways: of coefficients.
void resample_splines(Exec& exec, Cube<const float> in, Extents<2> wide, Rotation method, Border surround,
                      Border continued, const std::vector<FrameTaps>& ways, const std::vector<std::int32_t>& way_of,
                      Cube<float> out) {
  const int order = spline_order(method);
  const index_t padding = spline_padding(order, continued), frames = in.extent(0);
  const Extents<2> sides{wide[0] + 2 * padding, wide[1] + 2 * padding};
  const bool as_is = wide[0] == in.extent(1) && wide[1] == in.extent(2);
  const index_t frame_bytes = (sides.size() + (as_is ? 0 : wide.size())) * static_cast<index_t>(sizeof(float));
  const index_t at_once = std::clamp(scratch_bytes(kScratchBytes) / frame_bytes, index_t{1}, frames);
  Array<float, 3> coefficients(exec, {at_once, sides[0], sides[1]}), surrounded;
  if (!as_is) surrounded = Array<float, 3>(exec, {at_once, wide[0], wide[1]});
  for (index_t first = 0; first < frames; first += at_once) {
    const index_t count = std::min(at_once, frames - first);
    Cube<const float> some = slice(in, first, count);
    if (!as_is) {
      crop_or_pad(exec, some, {.border = surround}, slice(surrounded.view(), 0, count));
      some = slice(surrounded.view(), 0, count);
    }
    const Cube<float> made = slice(coefficients.view(), 0, count);
    spline_coefficients(exec, some, order, continued, {}, made);
    resample_by_taps(exec, made, ways, {way_of.begin() + first, way_of.begin() + first + count},
                     slice(out, first, count));
  }
}

/// scales_x: along x; fft takes those along y.
void magnify(Exec& exec, Cube<const float> in, const std::vector<double>& scales, const std::vector<double>& scales_x,
             Rotation method, const Axis& y, const Axis& x, Cube<float> out) {
  if (method == Rotation::fft)
    return resample_by_fft(
        exec, in, scales,
        [&](double scale) {
          return FftAxes{magnified_fft(y, scale), magnified_fft(x, scale)};
        },
        out);
  std::map<std::array<double, 2>, std::vector<index_t>> frames_of;
  for (std::size_t t = 0; t < scales.size(); ++t)
    frames_of[{scales[t], scales_x[t]}].push_back(static_cast<index_t>(t));
  const bool splines = spline_order(method) > 0;
  const Border continued = y.border == Border::constant ? Border::reflect : y.border;  // of the coefficients
  const index_t padding = splines ? spline_padding(spline_order(method), continued) : 0;
  const auto taps = [&](const Axis& axis, double scale, double other) {
    return splines ? magnified_spline_taps(axis, method, scale, continued, padding)
                   : magnified_taps(axis, method, scale, other);
  };
  std::vector<FrameTaps> ways;
  std::vector<std::int32_t> way_of(scales.size());
  for (const auto& [both, frames] : frames_of) {
    for (const index_t t : frames) way_of[static_cast<std::size_t>(t)] = static_cast<std::int32_t>(ways.size());
    ways.push_back({taps(y, both[0], both[1]), taps(x, both[1], both[0])});
  }
  if (splines) return resample_splines(exec, in, {y.wide, x.wide}, method, y.surround, continued, ways, way_of, out);
  resample_by_taps(exec, in, ways, way_of, out);
}

void check_frames(const char* caller, const Cube<const float>& in, const Cube<float>& out) {
  require(in.size() > 0, caller, ": the cube is empty (", in.extent(0), " x ", in.extent(1), " x ", in.extent(2), ")");
  require(in.extent(0) == out.extent(0), caller, ": ", in.extent(0), " frames in, ", out.extent(0), " out");
  for (const index_t side : {in.extent(1), in.extent(2), out.extent(1), out.extent(2)})
    require(double(side) < kFarthestPosition, caller, ": a side of ", side, " pixels is too long");
}

void check_scales(const char* caller, const std::vector<double>& scales, index_t frames) {
  require(static_cast<index_t>(scales.size()) == frames, caller, ": ", scales.size(), " scales for ", frames,
          " frames: give one for each");
  for (const double scale : scales)
    require(scale >= 0.01 && scale <= 100, caller, ": the scale ", scale, " is not between 0.01 and 100");
}

}  // namespace

void rescale(Exec& exec, Cube<const float> in, const std::vector<double>& scales, const RescaleOptions& options,
             Cube<float> out) {
  check_frames("rescale", in, out);
  check_scales("rescale", scales, in.extent(0));
  const std::vector<double>& scales_x = options.scales_x.empty() ? scales : options.scales_x;
  check_scales("rescale: along x", scales_x, in.extent(0));
  require(options.method != Rotation::fft || scales_x == scales,
          "rescale: fft magnifies alike along y and x; leave scales_x empty, or take another method");
  const double cy = frame_centre(in.extent(1)), cx = frame_centre(in.extent(2));
  const auto centre = options.centre.value_or(std::array<double, 2>{cy, cx});
  for (const double c : centre)
    require(std::isfinite(c) && std::fabs(c) < kFarthestPosition, "rescale: the centre is (", centre[0], ", ",
            centre[1], "): it must be finite and within ", kFarthestPosition, " px");
  require(options.method != Rotation::fft || (centre[0] == cy && centre[1] == cx && options.border == Border::constant),
          "rescale: fft magnifies about the frame's centre only, and zeros are around it");
  const Axis y{AxisKind::rows, in.extent(1), in.extent(1), out.extent(1), centre[0], Border::constant, options.border};
  const Axis x{AxisKind::columns, in.extent(2),     in.extent(2),  out.extent(2),
               centre[1],         Border::constant, options.border};
  magnify(exec, in, scales, scales_x, options.method, y, x, out);
}

Extents<2> rescaled_sides(Extents<2> sides, const std::vector<double>& scales) {
  const double most = scales.empty() ? 1 : *std::max_element(scales.begin(), scales.end());
  if (most <= 1) return sides;
  const auto widened = [most](index_t side) {
    const auto wide = static_cast<index_t>(std::ceil(most * double(side)));
    return wide + (wide - side) % 2;
  };
  return {widened(sides[0]), widened(sides[1])};
}

void rescale_wavelengths(Exec& exec, Cube<const float> in, const std::vector<double>& scales, Rotation method,
                         WavelengthScaling direction, Cube<float> out) {
  check_frames("rescale_wavelengths", in, out);
  check_scales("rescale_wavelengths", scales, in.extent(0));
  if (direction == WavelengthScaling::inverse) {
    std::vector<double> inverse;
    for (const double scale : scales) inverse.push_back(1 / scale);
    return rescale(exec, in, inverse, {.method = method}, out);
  }
  const Extents<2> wide = rescaled_sides({in.extent(1), in.extent(2)}, scales);
  require(out.extent(1) == wide[0] && out.extent(2) == wide[1], "rescale_wavelengths: the rescaled frames are ",
          wide[0], " x ", wide[1], ", the output has ", out.extent(1), " x ", out.extent(2));
  const Axis y{AxisKind::rows,        in.extent(1),    wide[0],         wide[0],
               frame_centre(wide[0]), Border::reflect, Border::constant};
  const Axis x{AxisKind::columns,     in.extent(2),    wide[1],         wide[1],
               frame_centre(wide[1]), Border::reflect, Border::constant};
  magnify(exec, in, scales, scales, method, y, x, out);
}

Extents<2> resampled_sides(Extents<2> sides, double scale, Rotation method, std::optional<double> scale_x) {
  check_scales("resampled_sides", {scale, scale_x.value_or(scale)}, 2);
  const auto resampled = [method](index_t side, double by) {
    if (method != Rotation::fft) return std::max(index_t{1}, static_cast<index_t>(std::nearbyint(double(side) * by)));
    const index_t even = side + side % 2;
    auto made = static_cast<index_t>(std::nearbyint(by * double(even)));
    if (made % 2 != 0) made += made > even ? 1 : -1;
    return std::max(index_t{2}, made) - side % 2;
  };
  return {resampled(sides[0], scale), resampled(sides[1], scale_x.value_or(scale))};
}

void resample(Exec& exec, Cube<const float> in, double scale, const ResampleOptions& options, Cube<float> out) {
  check_frames("resample", in, out);
  const double scale_x = options.scale_x.value_or(scale);
  check_scales("resample", {scale, scale_x}, 2);
  require(options.method != Rotation::fft || scale_x == scale,
          "resample: fft resamples alike along y and x; leave scale_x unset, or take another method");
  const Extents<2> sides = resampled_sides({in.extent(1), in.extent(2)}, scale, options.method, scale_x);
  require(out.extent(1) == sides[0] && out.extent(2) == sides[1], "resample: the new frames are ", sides[0], " x ",
          sides[1], ", the output has ", out.extent(1), " x ", out.extent(2));
  if (options.method == Rotation::fft) {
    const auto axes = [&](double by) {
      return FftAxes{fft_axis(in.extent(1), sides[0], by), fft_axis(in.extent(2), sides[1], by)};
    };
    return resample_by_fft(exec, in, std::vector<double>(static_cast<std::size_t>(in.extent(0)), scale), axes, out);
  }
  const bool splines = spline_order(options.method) > 0;
  const auto taps = [&](index_t side, index_t made, double by) {
    std::vector<Place> places;
    for (index_t i = 0; i < made; ++i) {
      if (splines && !options.keep_centre)
        places.push_back(place_at(options.method, made == 1 ? 0 : double(i * (side - 1)) / double(made - 1)));
      else if (options.keep_centre)
        places.push_back(place_at(options.method, (double(i) - frame_centre(made)) / by + frame_centre(side)));
      else if (options.method == Rotation::nearest)
        places.push_back({static_cast<index_t>(double(i) / by), {1}});
      else
        places.push_back(place_at(options.method, (double(i) + 0.5) / by - 0.5));
    }
    const Border beyond = splines ? Border::reflect : Border::edge;
    return axis_taps(
        places, [=](index_t i) { return border_index(i, side, beyond); }, 1 / by);
  };
  const std::vector<FrameTaps> way = {{taps(in.extent(1), sides[0], scale), taps(in.extent(2), sides[1], scale_x)}};
  const std::vector<std::int32_t> way_of(static_cast<std::size_t>(in.extent(0)), 0);
  if (splines)
    return resample_splines(exec, in, {in.extent(1), in.extent(2)}, options.method, Border::reflect, Border::reflect,
                            way, way_of, out);
  resample_by_taps(exec, in, way, way_of, out);
}

}  // namespace hci
