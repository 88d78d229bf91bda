// SPDX-License-Identifier: MIT
#include "kernels/geometry/shift.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <map>
#include <numbers>
#include <utility>

#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/geometry/resample_taps.hpp"
#include "kernels/geometry/sampling.hpp"
#include "kernels/geometry/spline.hpp"
#include "kernels/image/fft.hpp"
#include "kernels/image/fft2.hpp"

namespace hci {
namespace {

/// A frame of the batch: which one it is and how far it moves.
struct Moved {
  index_t frame;
  Shift by;
};

/// Frame in the middle of zeros.
struct Surround {
  Cube<const float> in;
  Vector<const Moved> moved;
  index_t margin;
  Cube<double> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const index_t from_y = y - margin, from_x = x - margin;
    const bool inside = from_y >= 0 && from_y < in.extent(1) && from_x >= 0 && from_x < in.extent(2);
    out(t, y, x) = inside ? in(moved(t).frame, from_y, from_x) : 0.0;
  }
};

/// Frequency k of n, in turns for a whole frame: from the middle on they are negative.
HCI_HD double frequency(index_t k, index_t n) { return static_cast<double>(k < (n + 1) / 2 ? k : k - n); }

/// factors(t, f) = exp(-2 pi i f d / n), d the way of frame t along this axis, n its length.
struct PhasesOfAxis {
  Vector<const Moved> moved;
  bool along_y;
  double two_pi;
  Matrix<Complex> factors;

  HCI_HD void operator()(index_t t, index_t f) const {
    const index_t n = factors.extent(1);
    const double way = along_y ? moved(t).by.dy : moved(t).by.dx;
    const double angle = two_pi * (frequency(f, n) * way / static_cast<double>(n));
    factors(t, f) = {std::cos(angle), -std::sin(angle)};
  }
};

/// Multiplies each coefficient of half a spectrum by exp(-2 pi i (v dy / Y + u dx / X)), which is a factor of its row
/// times one of its column. A Nyquist frequency is its own mirror image and stands for both signs: it gets the mean of
/// their factors, whose sum's real part is the same.
struct Tilt {
  Matrix<const Complex> rows, columns;
  Cube<Complex> spectrum;

  HCI_HD void operator()(index_t t, index_t v, index_t u) const {
    const bool last_v = 2 * v == rows.extent(1), last_u = 2 * u == columns.extent(1);
    Complex along_y = rows(t, v), along_x = columns(t, u);
    if (last_v && !last_u) along_y.im = 0;
    if (last_u && !last_v) along_x.im = 0;
    Complex factor = along_y * along_x;
    if (last_v && last_u) factor.im = 0;
    spectrum(t, v, u) = spectrum(t, v, u) * factor;
  }
};

struct TakeOut {
  Cube<const double> in;
  Vector<const Moved> moved;
  index_t margin;
  double scale;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    out(moved(t).frame, y, x) = static_cast<float>(scale * in(t, y + margin, x + margin));
  }
};

/// Sides of the frame that is transformed.
struct Padding {
  index_t margin = 0;
  Extents<2> sides{};
};

/// Frames that are padded alike. Of each padded pixel, in double: the frame is read and surrounded (4 and 8 bytes),
/// each of two real transforms reads and writes it along both axes (64 bytes), the tilt reads and writes half a
/// spectrum (16; its factors come from the caches), and it is read and stored (8 and 4): 104 bytes. The transforms
/// take 2.5 log2 flops of the frame's pixels each, 77 for both, and the tilt 6. (489, 210, 210) moved by up to 2 px
/// is 22.4 M padded pixels: 2.3 GB and 1.9 GFLOP, floor 0.5 ms on an H200 (4.3 TB/s copied; its arithmetic 0.06 ms) and
/// 7 ms on a GTX 1080 (320 GB/s; its double arithmetic, 0.28 TFLOP/s, 7 ms). One sine and cosine a coefficient would
/// add some 100 flops to each; those of the axes are 0.2 M. A thread has one coefficient, neighbours along x: all
/// accesses are whole lines. Fusing the tilt into the transforms would save 16 of 104 bytes and take cuFFT's device
/// callbacks, which the emulated device cannot run. Not measured on a GPU.
void shift_by_fft(Exec& exec, Cube<const float> in, const std::vector<Moved>& moved, const Padding& padding,
                  Cube<float> out) {
  const auto count = static_cast<index_t>(moved.size()), ny = padding.sides[0], nx = padding.sides[1];
  const auto list = to_device(exec, moved);
  Array<double, 3> pixels(exec, {count, ny, nx});
  Array<std::complex<double>, 3> spectrum(exec, {count, ny, nx / 2 + 1});
  Array<Complex, 2> rows(exec, {count, ny}), columns(exec, {count, nx});
  for_each(exec, rows.extents(), PhasesOfAxis{list.view(), true, 2 * std::numbers::pi, rows.view()});
  for_each(exec, columns.extents(), PhasesOfAxis{list.view(), false, 2 * std::numbers::pi, columns.view()});
  for_each(exec, pixels.extents(), Surround{in, list.view(), padding.margin, pixels.view()});
  fft2_real(exec, std::as_const(pixels).view(), spectrum.view());
  const Cube<Complex> halves(reinterpret_cast<Complex*>(spectrum.data()), spectrum.extents());
  for_each(exec, halves.extents(), Tilt{rows.view(), columns.view(), halves});
  inverse_fft2_real(exec, spectrum.view(), pixels.view());
  for_each(exec, Extents<3>{count, in.extent(1), in.extent(2)},
           TakeOut{std::as_const(pixels).view(), list.view(), padding.margin,
                   1 / static_cast<double>(padding.sides.size()), out});
}

void shift_by_fft(Exec& exec, Cube<const float> in, const std::vector<Shift>& shifts, Border border, Cube<float> out) {
  require(border == Border::constant || border == Border::wrap,
          "shift: the fft method takes the borders constant and wrap only");
  // Frames with the same margin are transformed together, no more at once than this many bytes.
  const index_t budget = scratch_bytes(index_t{256} << 20);
  std::map<index_t, std::vector<Moved>> by_margin;
  for (index_t t = 0; t < in.extent(0); ++t) {
    const Shift by = shifts[static_cast<std::size_t>(t)];
    const double most = std::max(std::fabs(by.dy), std::fabs(by.dx));
    by_margin[border == Border::wrap ? 0 : static_cast<index_t>(std::ceil(most))].push_back({t, by});
  }
  for (const auto& [margin, frames] : by_margin) {
    const index_t longest = std::max(in.extent(1), in.extent(2)) + 2 * margin, side = longest + longest % 2;
    const Padding padding{margin,
                          border == Border::wrap ? Extents<2>{in.extent(1), in.extent(2)} : Extents{side, side}};
    const index_t bytes = padding.sides.size() * index_t{sizeof(Complex)};
    const auto at_once = static_cast<std::ptrdiff_t>(std::max<index_t>(1, budget / bytes));
    for (auto first = frames.begin(); first != frames.end();) {
      const auto last = first + std::min(at_once, frames.end() - first);
      shift_by_fft(exec, in, {first, last}, padding, out);
      first = last;
    }
  }
}

/// Portable, and on CUDA nearest: 4 bytes read and 4 written a pixel, (489, 210, 210) is 173 MB: 40 us on an H200 (4.3
/// TB/s), 0.54 ms on a GTX 1080 (320 GB/s); the other methods' taps, up to 64 a pixel, come from L1. Not measured on a
/// GPU.
template <Rotation method>
struct ShiftPixel {
  Cube<const float> in;
  Vector<const Affine> maps;
  const float* lanczos;
  Border border;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    out(t, y, x) = sample<method>(frame_of(in, t), maps(t), lanczos, border, y, x);
  }
};

/// What the pixels of one axis are made of when it moves: the same weights for all, from `first` on for pixel 0. Only
/// nearest looks at each place, since halves are rounded to even pixels.
AxisTaps moved_taps(Rotation method, AxisKind kind, double offset, index_t made, index_t side, Border border) {
  const Place start = place_of_map(method, kind, 1, 0, offset);
  AxisTaps taps{static_cast<int>(start.weights.size()), made, {}, {}};
  for (int j = 0; j < taps.taps; ++j)
    for (index_t i = 0; i < made; ++i) {
      const index_t from =
          method == Rotation::nearest ? place_of_map(method, kind, 1, i, offset).first : start.first + i + j;
      taps.index.push_back(static_cast<std::int32_t>(border_index(from, side, border)));
      taps.weight.push_back(static_cast<float>(start.weights[static_cast<std::size_t>(j)]));
    }
  return taps;
}

/// Adds a frame that moves; not for nearest.
void add_move(Rotation method, AxisKind kind, double offset, AxisMoves& moves) {
  const Place start = place_of_map(method, kind, 1, 0, offset);
  moves.taps = static_cast<int>(start.weights.size());
  moves.first.push_back(static_cast<std::int32_t>(start.first));
  for (const double weight : start.weights) moves.weight.push_back(static_cast<float>(weight));
}

/// Frames of `source` (frames, or their coefficients), maps: one for each of them. Portable: tap by tap for each pixel.
/// Tuned: along y, then along x, since all pixels of a frame have the same weights:
/// lanczos4 adds 16 products for a pixel instead of 64 (bench: 42 times as fast on a CPU). On CUDA the weights alone
/// are uploaded, 35 KB for 489 frames; lists for each pixel and tap, 13 MB for (489, 210, 210), would be more than a
/// millisecond on the bus (some 10 GB/s) beside 0.1 ms of work. Nearest has one tap: there the portable way is one
/// pass.
void shift_frames(Exec& exec, Cube<const float> source, const std::vector<Affine>& maps, const ShiftOptions& options,
                  Cube<float> out) {
  if (exec.tuned() && exec.on_cuda() && options.method != Rotation::nearest) {
    AxisMoves y, x;
    for (const Affine& map : maps) {
      add_move(options.method, AxisKind::rows, map.y0, y);
      add_move(options.method, AxisKind::columns, map.x0, x);
    }
    return resample_by_moves(exec, source, y, x, options.border, out);
  }
  if (exec.tuned() && !exec.on_cuda()) {
    std::vector<FrameTaps> ways;
    std::vector<std::int32_t> way_of;
    for (const Affine& map : maps) {
      way_of.push_back(static_cast<std::int32_t>(ways.size()));
      ways.push_back(
          {moved_taps(options.method, AxisKind::rows, map.y0, out.extent(1), source.extent(1), options.border),
           moved_taps(options.method, AxisKind::columns, map.x0, out.extent(2), source.extent(2), options.border)});
    }
    return resample_by_taps(exec, source, ways, way_of, out);
  }
  const auto device_maps = to_device(exec, maps);
  const auto lanczos = to_device(exec, lanczos4_weights());
  with_interpolation(options.method, [&]<Rotation method>(std::integral_constant<Rotation, method>) {
    for_each(exec, out.extents(), ShiftPixel<method>{source, device_maps.view(), lanczos.data(), options.border, out});
  });
}

void shift_by_samples(Exec& exec, Cube<const float> in, const std::vector<Shift>& shifts, const ShiftOptions& options,
                      Cube<float> out) {
  const int order = spline_order(options.method);
  const index_t padding = order > 0 ? spline_padding(order, options.border) : 0, frames = in.extent(0);
  const Extents<2> sides{in.extent(1) + 2 * padding, in.extent(2) + 2 * padding};
  // Coefficients, or a CPU's tables of taps, that are held at a time. CUDA has no such tables: all frames at once then.
  constexpr index_t kScratchBytes = index_t{64} << 20;
  const index_t frame_bytes = order > 0        ? sides.size() * index_t{sizeof(float)}
                              : exec.on_cuda() ? 0
                                               : (in.extent(1) + in.extent(2)) * taps_of(options.method) * index_t{8};
  const index_t at_once =
      frame_bytes == 0 ? frames : std::clamp(scratch_bytes(kScratchBytes) / frame_bytes, index_t{1}, frames);
  Array<float, 3> coefficients;
  if (order > 0) coefficients = Array<float, 3>(exec, {at_once, sides[0], sides[1]});
  for (index_t first = 0; first < frames; first += at_once) {
    const index_t count = std::min(at_once, frames - first);
    Cube<const float> source = slice(in, first, count);
    if (order > 0) {
      const Cube<float> made = slice(coefficients.view(), 0, count);
      spline_coefficients(exec, source, order, options.border, {}, made);
      source = made;
    }
    std::vector<Affine> maps;
    for (index_t t = first; t < first + count; ++t) {
      const Shift by = shifts[static_cast<std::size_t>(t)];
      const double dy = order > 0 ? by.dy : static_cast<float>(by.dy);
      const double dx = order > 0 ? by.dx : static_cast<float>(by.dx);
      maps.push_back({1, 0, static_cast<double>(padding) - dx, 0, 1, static_cast<double>(padding) - dy});
    }
    shift_frames(exec, source, maps, options, slice(out, first, count));
  }
}

}  // namespace

void shift(Exec& exec, Cube<const float> in, const std::vector<Shift>& shifts, const ShiftOptions& options,
           Cube<float> out) {
  require(in.extents() == out.extents(), "shift: in and out differ in shape");
  require(static_cast<index_t>(shifts.size()) == in.extent(0), "shift: ", shifts.size(), " shifts for ", in.extent(0),
          " frames");
  const auto far = static_cast<double>(in.extent(1) + in.extent(2));
  for (const Shift& by : shifts)
    require(std::isfinite(by.dy) && std::isfinite(by.dx) && std::fabs(by.dy) <= far && std::fabs(by.dx) <= far,
            "shift: a frame is to move by (", by.dy, ", ", by.dx, ") px, further than it is wide");
  if (out.size() == 0) return;
  if (options.method == Rotation::fft)
    shift_by_fft(exec, in, shifts, options.border, out);
  else
    shift_by_samples(exec, in, shifts, options, out);
}

}  // namespace hci
