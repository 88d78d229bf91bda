// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: what derotate() and derotate_collapse() share.
#include "kernels/core/array.hpp"
#include "kernels/geometry/sampling.hpp"

namespace hci {

/// Throws InvalidInput where cube, angles and options do not go together; `caller` opens the message.
void check_rotation(const char* caller, Extents<3> in, const std::vector<double>& angles, const RotateOptions& options);

/// One map for each frame.
std::vector<Affine> derotations(Extents<3> in, const std::vector<double>& angles, const RotateOptions& options);

/// What a frame's values are held to, and what lies beyond its constant border.
struct ValueRange {
  float low, high, outside;
  HCI_HD float held(float value) const { return value < low ? low : value > high ? high : value; }
};

/// The derotated value of pixel (y, x) of frame t, for functors on either device: one code for all who
/// promise the same bits.
template <Rotation method>
struct DerotatedValue {
  Cube<const float> in;
  Vector<const Affine> maps;
  const float* lanczos;
  Border border;
  const ValueRange* ranges;

  HCI_HD float operator()(index_t t, index_t y, index_t x) const {
    const float outside = ranges == nullptr ? 0 : ranges[t].outside;
    const float value = sample<method>(frame_of(in, t), maps(t), lanczos, border, y, x, outside);
    return ranges == nullptr ? value : ranges[t].held(value);
  }
};

/// The interpolating methods, ready to work on parts of the output: what they read (the frames, or
/// their spline coefficients), and on the device one map for each frame, the table of weights, and
/// with keep_range the ranges of the frames (else none).
struct Interpolation {
  Rotation method;
  Border border;
  Cube<const float> source;
  Array<Affine, 1> maps;
  Array<float, 1> lanczos;
  Array<float, 3> coefficients;
  Array<ValueRange, 1> ranges;

  /// Of frame t, for the host; nullptr where values are free.
  const ValueRange* range(index_t t) const { return ranges ? ranges.data() + t : nullptr; }

  template <Rotation which>
  DerotatedValue<which> value() const {
    return {source, maps.view(), lanczos.data(), border, ranges.data()};
  }
};
Interpolation prepare_interpolation(Exec& exec, Cube<const float> in, const std::vector<double>& angles,
                                    const RotateOptions& options);

/// out (t, rows, x) = the derotated rows first_row .. first_row + rows.
void derotate_rows(Exec& exec, const Interpolation& plan, index_t first_row, Cube<float> out);

/// Rotation::fft: all frames, about the centre of the options, on a grid as long as that of frames of ny x nx
/// pixels (smaller than in where these have a margin).
void derotate_fft(Exec& exec, Cube<const float> in, const std::vector<double>& angles, const RotateOptions& options,
                  Extents<2> unpadded, Cube<float> out);

/// derotate() with an edge blend.
void derotate_blended(Exec& exec, Cube<const float> in, const std::vector<double>& angles, const RotateOptions& options,
                      Cube<float> out);

}  // namespace hci
