// SPDX-License-Identifier: MIT
#include "kernels/geometry/resample_taps.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/geometry/sampling.hpp"

namespace hci {
namespace {

/// Taps of all ways along one axis, listed for each output pixel: (way, tap, output pixel).
struct ListedTaps {
  Vector<const std::int32_t> way_of;
  Cube<const std::int32_t> index;
  Cube<const float> weights;

  HCI_HD index_t count() const { return index.extent(1); }
  HCI_HD index_t pixel(index_t t, index_t j, index_t to) const { return index(way_of(t), j, to); }
  HCI_HD float weight(index_t t, index_t j, index_t to) const { return weights(way_of(t), j, to); }
};

/// Taps of frames that move: the same weights (t, tap) for all pixels of a frame.
struct MovedTaps {
  Vector<const std::int32_t> first;
  Matrix<const float> weights;
  index_t side;
  Border border;

  HCI_HD index_t count() const { return weights.extent(1); }
  HCI_HD index_t pixel(index_t t, index_t j, index_t to) const { return border_index(first(t) + to + j, side, border); }
  HCI_HD float weight(index_t t, index_t j, index_t /*to*/) const { return weights(t, j); }
};

/// out = in resampled along an axis, 1: y, 2: x; frame t has the taps of t + first. For lanczos4: 4 bytes read from
/// memory and 4 written a value, 16 flops; along y the 8 rows come from the cache, and a list is read by broadcast, as
/// are the weights of a move; along x neighbours read neighbours, so that all but the first of the 8 taps come from L1.
template <int axis, class Taps>
struct Along {
  Cube<const float> in;
  Taps taps;
  index_t first;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const index_t to = axis == 1 ? y : x;
    float sum = 0;
    for (index_t j = 0; j < taps.count(); ++j) {
      const index_t from = taps.pixel(first + t, j, to);
      if (from >= 0) sum = fmaf(taps.weight(first + t, j, to), axis == 1 ? in(t, from, x) : in(t, y, from), sum);
    }
    out(t, y, x) = sum;
  }
};

/// Rows in between are made and read again while they are in the L2 cache of an H200 (50 MB): so the memory sees one
/// copy of the cube. (489, 290, 290) is 329 MB: floor 77 us there (4.3 TB/s copied), 1.0 ms on a GTX 1080 (320 GB/s),
/// where the rows in between, which its 2 MB do not hold, cost as much again. 32 flops a pixel, 1.3 GFLOP, take 20 us
/// (67 TFLOP/s) and 0.15 ms (8.9 TFLOP/s). Blocks are those of for_each, 32 x 8 values of a frame: a warp reads and
/// writes runs of 128 bytes on either axis, and along y the 15 rows that a block needs serve its 8, so that L1 gives
/// all but two of each value's 8 readings. Shared memory would take no less from L2. Not measured on a GPU yet.
constexpr index_t kRowBytes = index_t{16} << 20;

/// Along y, then along x.
template <class Taps>
void along_both(Exec& exec, Cube<const float> in, const Taps& y, const Taps& x, Cube<float> out) {
  const index_t frames = in.extent(0), rows = out.extent(1), columns = in.extent(2);
  const index_t frame_bytes = rows * columns * static_cast<index_t>(sizeof(float));
  const index_t at_once = std::clamp(scratch_bytes(kRowBytes) / frame_bytes, index_t{1}, frames);
  Array<float, 3> scratch(exec, {at_once, rows, columns});
  for (index_t first = 0; first < frames; first += at_once) {
    const index_t count = std::min(at_once, frames - first);
    const Cube<float> between = slice(scratch.view(), 0, count), to = slice(out, first, count);
    for_each(exec, between.extents(), Along<1, Taps>{slice(in, first, count), y, first, between});
    for_each(exec, to.extents(), Along<2, Taps>{between, x, first, to});
  }
}

Place lanczos_place(index_t pixel, double fraction) {
  Place place{pixel - 3, std::vector<double>(kLanczosTaps, 0.0)};
  double sum = 0;
  for (int tap = 0; tap < kLanczosTaps; ++tap) {
    const double d = M_PI * (fraction - (tap - 3));
    place.weights[std::size_t(tap)] = d == 0 ? 1 : std::sin(d) * std::sin(d / 4) * 4 / (d * d);
    sum += place.weights[std::size_t(tap)];
  }
  for (double& weight : place.weights) weight /= sum;
  return place;
}

/// The B-spline of an order by the recursion of de Boor: in turn, its values of order 0, 1, ... at the position.
Place spline_place(int order, double position) {
  // values[j]: of the spline that begins j knots before the last knot below the position; u: how far beyond it.
  const double start = position - 0.5 * (order - 1), first = std::floor(start), u = start - first;
  std::vector<double> values(static_cast<std::size_t>(order + 1), 0.0);
  values[0] = 1;
  for (int k = 1; k <= order; ++k)
    for (int j = k; j >= 0; --j) {
      const double here = j < k ? (u + j) / k * values[std::size_t(j)] : 0;
      const double before = j > 0 ? (k + 1 - u - j) / k * values[std::size_t(j - 1)] : 0;
      values[std::size_t(j)] = here + before;
    }
  std::reverse(values.begin(), values.end());
  return {static_cast<index_t>(first), values};
}

/// Device memory of the tables of one axis.
struct DeviceTables {
  Array<std::int32_t, 1> index;
  Array<float, 1> weight;
  Extents<3> extents{};

  DeviceTables(Exec& exec, const std::vector<FrameTaps>& ways, AxisTaps FrameTaps::*axis) {
    std::vector<std::int32_t> indices;
    std::vector<float> weights;
    for (const FrameTaps& way : ways) {
      indices.insert(indices.end(), (way.*axis).index.begin(), (way.*axis).index.end());
      weights.insert(weights.end(), (way.*axis).weight.begin(), (way.*axis).weight.end());
    }
    const AxisTaps& first = ways.front().*axis;
    extents = {static_cast<index_t>(ways.size()), first.taps, first.size};
    index = to_device(exec, std::move(indices));
    weight = to_device(exec, std::move(weights));
  }
  ListedTaps view(Vector<const std::int32_t> way_of) const {
    return {way_of, {index.data(), extents}, {weight.data(), extents}};
  }
};

/// Device memory of the moves along one axis.
struct DeviceMoves {
  Array<std::int32_t, 1> first;
  Array<float, 1> weight;
  int taps;

  DeviceMoves(Exec& exec, const AxisMoves& moves)
      : first(to_device(exec, moves.first)), weight(to_device(exec, moves.weight)), taps(moves.taps) {}
  MovedTaps view(index_t side, Border border) const {
    return {first.view(), {weight.data(), {first.size(), taps}}, side, border};
  }
};

}  // namespace

Place place_at(Rotation method, double position) {
  if (const int order = spline_order(method); order > 0) return spline_place(order, position);
  const double whole = std::floor(position), f = position - whole, g = 1 - f;
  const auto pixel = static_cast<index_t>(whole);
  switch (method) {
    case Rotation::nearest:
      return {static_cast<index_t>(std::rint(position)), {1}};
    case Rotation::lanczos4:
      return lanczos_place(pixel, f);
    case Rotation::bicubic:
    case Rotation::catmull_rom: {
      const double a = method == Rotation::bicubic ? -0.75 : -0.5;
      const auto near = [a](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
      const double before = ((a * (f + 1) - 5 * a) * (f + 1) + 8 * a) * (f + 1) - 4 * a;
      return {pixel - 1, {before, near(f), near(g), 1 - before - near(f) - near(g)}};
    }
    default:
      return {pixel, {g, f}};
  }
}

Place place_of_map(Rotation method, AxisKind kind, double per_pixel, index_t pixel, double offset) {
  if (method != Rotation::lanczos4) return place_at(method, std::fma(per_pixel, double(pixel), offset));
  const index_t fine = kind == AxisKind::rows ? lanczos4_row(per_pixel, pixel, offset)
                                              : lanczos4_column(per_pixel, pixel) + lanczos4_row(0, 0, offset);
  const index_t at = fine >> 5;
  static const std::vector<float> table = lanczos4_weights();
  const float* weights = table.data() + (at & (kLanczosPhases - 1)) * kLanczosTaps;
  return {(at >> 5) - 3, {weights, weights + kLanczosTaps}};
}

AxisTaps axis_taps(const std::vector<Place>& places, const std::function<index_t(index_t)>& pixel, double factor) {
  AxisTaps taps{0, static_cast<index_t>(places.size()), {}, {}};
  for (const Place& place : places) taps.taps = std::max(taps.taps, static_cast<int>(place.weights.size()));
  const auto count = static_cast<std::size_t>(taps.taps) * places.size();
  taps.index.assign(count, -1);
  taps.weight.assign(count, 0.0F);
  for (std::size_t i = 0; i < places.size(); ++i)
    for (std::size_t j = 0; j < places[i].weights.size(); ++j) {
      taps.index[j * places.size() + i] = static_cast<std::int32_t>(pixel(places[i].first + static_cast<index_t>(j)));
      taps.weight[j * places.size() + i] = static_cast<float>(places[i].weights[j] * factor);
    }
  return taps;
}

void resample_by_taps(Exec& exec, Cube<const float> in, const std::vector<FrameTaps>& ways,
                      const std::vector<std::int32_t>& way_of, Cube<float> out) {
  if (out.size() == 0) return;
  if (!exec.on_cuda() && exec.tuned() && in.stride(2) == 1 && out.stride(2) == 1)
    return resample_by_taps_cpu(exec, in, ways, way_of, out);
  const DeviceTables y(exec, ways, &FrameTaps::y), x(exec, ways, &FrameTaps::x);
  const auto device_ways = to_device(exec, way_of);
  along_both(exec, in, y.view(device_ways.view()), x.view(device_ways.view()), out);
}

void resample_by_moves(Exec& exec, Cube<const float> in, const AxisMoves& y, const AxisMoves& x, Border border,
                       Cube<float> out) {
  if (out.size() == 0) return;
  const DeviceMoves of_y(exec, y), of_x(exec, x);
  along_both(exec, in, of_y.view(in.extent(1), border), of_x.view(in.extent(2), border), out);
}

}  // namespace hci
