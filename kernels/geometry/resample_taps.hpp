// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: resampling of one axis after the other. What a pixel is made of is the same for all pixels of
// a row, and of a column: pixels and weights are listed once, in double, on the host.
#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/geometry/rotate.hpp"

namespace hci {

/// Output pixel i of an axis = sum over j of weight[j size + i] x pixel index[j size + i]; index -1: no pixel.
struct AxisTaps {
  int taps = 0;
  index_t size = 0;  ///< of the output
  std::vector<std::int32_t> index;
  std::vector<float> weight;
};

/// The pixels from `first` on, and their weights.
struct Place {
  index_t first = 0;
  std::vector<double> weights = {};
};
/// At an exact position.
Place place_at(Rotation method, double position);
/// As warpAffine finds where `per_pixel x pixel + offset` is: lanczos4 on its grid, to which columns and rows are
/// rounded in different ways (sampling.hpp), others exactly.
enum class AxisKind { rows, columns };
Place place_of_map(Rotation method, AxisKind kind, double per_pixel, index_t pixel, double offset);

/// places: of each output pixel; pixel(i): which one stands for pixel i, -1 for none; weights are multiplied by
/// factor.
AxisTaps axis_taps(const std::vector<Place>& places, const std::function<index_t(index_t)>& pixel, double factor);

/// One way to resample frames.
struct FrameTaps {
  AxisTaps y, x;
};

/// out(t) = in(t) resampled by ways[way_of[t]]. in (t, y, x), out (t, Y, X) on the Exec's device.
void resample_by_taps(Exec& exec, Cube<const float> in, const std::vector<FrameTaps>& ways,
                      const std::vector<std::int32_t>& way_of, Cube<float> out);

/// One axis of frames that move: pixel i of frame t = sum over j of weight[t taps + j] x pixel first[t] + i + j.
struct AxisMoves {
  int taps = 0;
  std::vector<std::int32_t> first;
  std::vector<float> weight;
};

/// out(t) = in(t), continued by the border, moved. The numbers of a frame are 8 to 72 bytes an axis, where the lists of
/// resample_by_taps() are 8 for each pixel and tap. For CUDA: on the CPU lists are faster.
void resample_by_moves(Exec& exec, Cube<const float> in, const AxisMoves& y, const AxisMoves& x, Border border,
                       Cube<float> out);

/// The CPU's tuned way of resample_by_taps(), for dense x axes.
void resample_by_taps_cpu(Exec& exec, Cube<const float> in, const std::vector<FrameTaps>& ways,
                          const std::vector<std::int32_t>& way_of, Cube<float> out);

}  // namespace hci
