// SPDX-License-Identifier: MIT
#include "kernels/geometry/rotate.hpp"

#include <cmath>
#include <functional>
#include <utility>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/geometry/rotate_cpu.hpp"
#include "kernels/geometry/rotate_plan.hpp"
#include "kernels/geometry/spline.hpp"

namespace hci {
namespace {

/// One output pixel of a block of rows: gathers where it came from. In blocks of 32 x 8 pixels, whose taps
/// overlap in an oblique patch of about 40 x 30 pixels, 5 KB, so that L1 serves all but the first reading
/// of each; a warp's row of 32 pixels is written in one run.
/// Bytes: 4 read and 4 written a pixel. Flops: lanczos4 144 single (8 x 8 taps) and 14 double or integer
/// for the place; bicubic 40 + 30 for the weights, spline5 84 + 50. (489, 210, 210) is 172 MB and
/// 3.1 GFLOP: floor 0.05 ms on an H200 (67 TFLOP/s; memory 0.04 ms), 0.54 ms on a GTX 1080 by memory
/// (320 GB/s; its double arithmetic, 0.28 TFLOP/s, needs 0.6 ms for the places of the exact methods).
/// 64 loads a pixel from L1 weigh more: 43 M requests of a warp, 0.2 ms on an H200 at one a clock.
/// nvcc 13.0, sm_90: lanczos4 44 registers, bicubic 74, spline5 93, no spills. Not measured on a GPU.
template <Rotation method>
struct DerotatePixel {
  DerotatedValue<method> value;
  index_t first_row;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const { out(t, y, x) = value(t, first_row + y, x); }
};

/// (t, y): the range of a row, NaN left out. 4 bytes and 2 comparisons a pixel: (489, 210, 210) is 86 MB, floor 20 us
/// on an H200 (4.3 TB/s), 0.27 ms on a GTX 1080 (320 GB/s); 43 M comparisons are nothing. A thread has a row, so that
/// no sum crosses threads; neighbours read rows apart, 32 lines a warp, 32 KB a block of 32 x 8, which L1 is to keep
/// for the next 31 columns. The turn that follows takes longer than a poor reading would. Not measured on a GPU.
struct RowRange {
  Cube<const float> in;
  Matrix<ValueRange> rows;

  HCI_HD void operator()(index_t t, index_t y) const {
    ValueRange range{INFINITY, -INFINITY, 0};
    for (index_t x = 0; x < in.extent(2); ++x) {
      const float v = in(t, y, x);
      if (v < range.low) range.low = v;
      if (v > range.high) range.high = v;
    }
    rows(t, y) = range;
  }
};

/// (t): the range of a frame. One without values is held to none. 12 bytes and 2 comparisons a row: 1.2 MB of (489,
/// 210), 0.3 us and 4 us; what counts is a thread's chain of 210 readings from L2, some 50 us, two blocks of 256 for
/// all.
struct FrameRange {
  Matrix<const ValueRange> rows;
  Vector<ValueRange> ranges;
  Vector<float> outside;

  HCI_HD void operator()(index_t t) const {
    ValueRange range{INFINITY, -INFINITY, 0};
    for (index_t y = 0; y < rows.extent(1); ++y) {
      const ValueRange row = rows(t, y);
      if (row.low < range.low) range.low = row.low;
      if (row.high > range.high) range.high = row.high;
    }
    if (range.low > range.high)
      range = {-INFINITY, INFINITY, 0};
    else
      range.outside = range.low;
    ranges(t) = range;
    outside(t) = range.outside;
  }
};

/// Whether they have pixels in common, as far as their beginnings and dense cubes tell.
bool overlap(const Cube<const float>& a, const Cube<const float>& b) {
  if (a.data() == b.data()) return true;
  return a.is_dense() && b.is_dense() && std::less<>()(a.data(), b.data() + b.size()) &&
         std::less<>()(b.data(), a.data() + a.size());
}

std::array<double, 2> centre_of(Extents<3> in, const RotateOptions& options) {
  return options.centre.value_or(std::array<double, 2>{frame_centre(in[1]), frame_centre(in[2])});
}

}  // namespace

Affine derotation(double angle, double centre_y, double centre_x) {
  const double radians = -angle * (M_PI / 180);
  const double c = std::cos(radians), s = std::sin(radians);
  const double cx = static_cast<float>(centre_x), cy = static_cast<float>(centre_y);
  const double forward_x0 = (1 - c) * cx - s * cy, forward_y0 = s * cx + (1 - c) * cy;
  const double inverse_determinant = 1 / (c * c + s * s);
  Affine map{};
  map.xx = c * inverse_determinant;
  map.yy = map.xx;
  map.xy = -s * inverse_determinant;
  map.yx = s * inverse_determinant;
  map.x0 = -map.xx * forward_x0 - map.xy * forward_y0;
  map.y0 = -map.yx * forward_x0 - map.yy * forward_y0;
  return map;
}

std::vector<float> lanczos4_weights() {
  std::vector<float> weights(kLanczosPhases * kLanczosTaps, 0.0F);
  weights[3] = 1;  // on the pixel itself, exactly
  for (int phase = 1; phase < kLanczosPhases; ++phase) {
    double values[kLanczosTaps], sum = 0;
    for (int tap = 0; tap < kLanczosTaps; ++tap) {
      const double distance = M_PI * (phase / double(kLanczosPhases) - (tap - 3));
      values[tap] = std::sin(distance) * std::sin(distance / 4) / (distance * distance);
      sum += values[tap];
    }
    for (int tap = 0; tap < kLanczosTaps; ++tap)
      weights[static_cast<std::size_t>(phase * kLanczosTaps + tap)] = static_cast<float>(values[tap] / sum);
  }
  return weights;
}

void check_rotation(const char* caller, Extents<3> in, const std::vector<double>& angles,
                    const RotateOptions& options) {
  require(in.size() > 0, caller, ": the cube is empty (", in[0], " x ", in[1], " x ", in[2], ")");
  require(static_cast<index_t>(angles.size()) == in[0], caller, ": got ", angles.size(), " angles for ", in[0],
          " frames: give one for each");
  for (std::size_t t = 0; t < angles.size(); ++t)
    require(std::isfinite(angles[t]), caller, ": the angle of frame ", t, " is ", angles[t]);
  const auto centre = centre_of(in, options);
  for (const double c : centre)
    require(std::isfinite(c) && std::abs(c) < kFarthestPosition, caller, ": the centre of rotation is (", centre[0],
            ", ", centre[1], "): it must be finite and within ", kFarthestPosition, " px");
  const bool in_frame =
      centre[0] >= 0 && centre[0] <= double(in[1] - 1) && centre[1] >= 0 && centre[1] <= double(in[2] - 1);
  require(options.method != Rotation::fft || in_frame || centre == centre_of(in, {}), caller,
          ": the fft rotation turns about a point in the frame only, not about (", centre[0], ", ", centre[1],
          "): use another method");
  const bool by_fft = options.method == Rotation::fft, blends = options.edge_blend != EdgeBlend::none;
  require(!by_fft || options.border == Border::constant, caller,
          ": the fft rotation has zeros outside the frame: take border constant, or another method");
  require(!by_fft || !options.keep_range, caller, ": the fft rotation keeps no range: take another method");
  require(by_fft || blends || std::isnan(options.mask_value), caller, ": a mask_value (", options.mask_value,
          ") is for the fft method or with an edge_blend only: NaN are masked as they are");
  const bool smooths = options.edge_blend == EdgeBlend::interp || options.edge_blend == EdgeBlend::interp_noise;
  const bool noisy = options.edge_blend == EdgeBlend::noise || options.edge_blend == EdgeBlend::interp_noise;
  require(blends || !options.interpolate_zeros, caller,
          ": interpolate_zeros belongs to an edge_blend, and none is chosen");
  require(smooths || options.blend_fwhm == 1, caller, ": a blend_fwhm (", options.blend_fwhm,
          ") belongs to the edge_blends interp and interp+noise, and none of them is chosen");
  require(noisy || options.seed == 0, caller, ": a seed (", options.seed,
          ") belongs to the edge_blends noise and interp+noise, and none of them is chosen");
  require(options.blend_fwhm > 0 && options.blend_fwhm < 1e4, caller, ": the edge blend's Gaussian has a FWHM of ",
          options.blend_fwhm, " px: it must be above 0 and below 10000");
}

std::vector<Affine> derotations(Extents<3> in, const std::vector<double>& angles, const RotateOptions& options) {
  const auto [cy, cx] = centre_of(in, options);
  std::vector<Affine> maps;
  for (const double angle : angles) maps.push_back(derotation(angle, cy, cx));
  return maps;
}

Interpolation prepare_interpolation(Exec& exec, Cube<const float> in, const std::vector<double>& angles,
                                    const RotateOptions& options) {
  auto maps = derotations(in.extents(), angles, options);
  Interpolation plan{options.method, options.border, in, {}, to_device(exec, lanczos4_weights()), {}, {}};
  Array<float, 1> outside;
  if (options.keep_range) {
    const index_t nt = in.extent(0);
    Array<ValueRange, 2> rows(exec, {nt, in.extent(1)});
    plan.ranges = Array<ValueRange, 1>(exec, {nt});
    outside = Array<float, 1>(exec, {nt});
    for_each(exec, rows.extents(), RowRange{in, rows.view()});
    for_each(exec, plan.ranges.extents(), FrameRange{std::as_const(rows).view(), plan.ranges.view(), outside.view()});
  }
  if (const int order = spline_order(options.method); order > 0) {
    const index_t padding = spline_padding(order, options.border);
    plan.coefficients = Array<float, 3>(exec, {in.extent(0), in.extent(1) + 2 * padding, in.extent(2) + 2 * padding});
    spline_coefficients(exec, in, order, options.border, std::as_const(outside).view(), plan.coefficients.view());
    plan.source = std::as_const(plan.coefficients).view();
    for (Affine& map : maps) {
      map.x0 += static_cast<double>(padding);
      map.y0 += static_cast<double>(padding);
    }
  }
  plan.maps = to_device(exec, std::move(maps));
  return plan;
}

void derotate_rows(Exec& exec, const Interpolation& plan, index_t first_row, Cube<float> out) {
  with_interpolation(plan.method, [&]<Rotation method>(std::integral_constant<Rotation, method>) {
    for_each(exec, out.extents(), DerotatePixel<method>{plan.value<method>(), first_row, out});
  });
}

void derotate(Exec& exec, Cube<const float> in, const std::vector<double>& angles, const RotateOptions& options,
              Cube<float> out) {
  check_rotation("derotate", in.extents(), angles, options);
  require(in.extents() == out.extents(), "derotate: the input is ", in.extent(0), " x ", in.extent(1), " x ",
          in.extent(2), ", the output ", out.extent(0), " x ", out.extent(1), " x ", out.extent(2));
  const bool may_be_in_place = options.method == Rotation::fft || options.edge_blend != EdgeBlend::none;
  const bool in_place = in.data() == out.data() && in.strides() == out.strides();
  require(!overlap(in, out) || (may_be_in_place && in_place),
          "derotate: the output overlaps the input: it may be the input itself for the fft method or with an "
          "edge_blend, else it must lie apart");
  if (options.edge_blend != EdgeBlend::none) return derotate_blended(exec, in, angles, options, out);
  if (options.method == Rotation::fft)
    return derotate_fft(exec, in, angles, options, {in.extent(1), in.extent(2)}, out);
  const auto plan = prepare_interpolation(exec, in, angles, options);
  if (!exec.on_cuda() && exec.tuned() && plan.source.stride(2) == 1 && out.stride(2) == 1)
    derotate_cpu(exec, plan, out);
  else
    derotate_rows(exec, plan, 0, out);
}

}  // namespace hci
