// SPDX-License-Identifier: MIT
#include "kernels/geometry/resample_fft.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/linalg/gemm.hpp"

namespace hci {
namespace {

/// x (i, y, x) = frames of the list, in double. 12 bytes a pixel, and as many for StoreFrames with its 4 flops in
/// double: (489, 290, 290) is 0.49 GB each, 0.11 ms on an H200 (4.3 TB/s) and 1.5 ms on a GTX 1080 (320 GB/s), a
/// fraction of the products between them. Neighbours along x: whole lines. Not measured on a GPU.
struct TakeFrames {
  Cube<const float> in;
  Vector<const index_t> frames;
  Cube<double> x;
  HCI_HD void operator()(index_t i, index_t row, index_t column) const {
    x(i, row, column) = double(in(frames(i), row, column));
  }
};

/// The way back; the last row and column of `made` take their part away.
struct StoreFrames {
  Cube<const double> made;  ///< (i, y + 1, x + 1): the last of each belongs to v
  Vector<const double> uy, ux;
  Vector<const index_t> frames;
  Cube<float> out;
  HCI_HD void operator()(index_t i, index_t y, index_t x) const {
    const double corner = made(i, out.extent(1), out.extent(2));
    out(frames(i), y, x) = static_cast<float>(made(i, y, x) - uy(y) * ux(x) * corner);
  }
};

/// The products run at the speed of double matrix products: 4 n flops a pixel. (489, 290, 290) is 95 GFLOP: 2.8 ms on
/// an H200 (34 TFLOP/s; half of that if cuBLAS takes the tensor cores), 0.34 s on a GTX 1080 (0.28), where lanczos4 is
/// the method to take. Not measured on a GPU yet.
void products(Exec& exec, const Cube<double>& frames, Matrix<const double> ry, Matrix<const double> rx,
              const Cube<double>& half, const Cube<double>& made) {
  const Matrix<const double> all_rows(frames.data(), {frames.extent(0) * frames.extent(1), frames.extent(2)});
  gemm(exec, {.a = batch_of_one(all_rows), .b = batch_of_one(rx), .transposed = true},
       {half.data(), {1, all_rows.extent(0), rx.extent(0)}});
  gemm(exec, {.a = batch_of_one(ry), .b = half}, made);
}

/// Scratch of a tile of frames.
constexpr index_t kScratchBytes = index_t{256} << 20;

/// The frames of a list, all of one scale.
void resample_alike(Exec& exec, Cube<const float> in, const std::vector<index_t>& frames, const FftAxes& axes,
                    Cube<float> out) {
  const auto& [y, x] = axes;
  const index_t ny = in.extent(1), nx = in.extent(2), total = static_cast<index_t>(frames.size());
  const auto ry = to_device(exec, y.matrix), rx = to_device(exec, x.matrix), uy = to_device(exec, y.u),
             ux = to_device(exec, x.u);
  const auto list = to_device(exec, frames);
  const Matrix<const double> rows(ry.data(), {y.rows + 1, ny}), columns(rx.data(), {x.rows + 1, nx});
  const index_t values = ny * nx + (ny + y.rows + 1) * (x.rows + 1);
  const index_t at_once =
      std::clamp(scratch_bytes(kScratchBytes) / (values * index_t{sizeof(double)}), index_t{1}, total);
  Array<double, 3> taken(exec, {at_once, ny, nx}), half(exec, {at_once, ny, x.rows + 1}),
      made(exec, {at_once, y.rows + 1, x.rows + 1});
  for (index_t first = 0; first < total; first += at_once) {
    const index_t count = std::min(at_once, total - first);
    const Vector<const index_t> some = slice(Vector<const index_t>(list.view()), first, count);
    const Cube<double> frames_in = slice(taken.view(), 0, count), between = slice(half.view(), 0, count);
    const Cube<double> frames_out = slice(made.view(), 0, count);
    for_each(exec, frames_in.extents(), TakeFrames{in, some, frames_in});
    products(exec, frames_in, rows, columns, between, frames_out);
    for_each(exec, Extents<3>{count, out.extent(1), out.extent(2)},
             StoreFrames{frames_out, uy.view(), ux.view(), some, out});
  }
}

}  // namespace

FftSides fft_sides(index_t even_side, double scale) {
  const double half = double(even_side) / 2;
  FftSides best{};
  double least = INFINITY;
  for (index_t k = 0; k <= even_side / 2; ++k) {
    // Rounded one by one: ties are decided by the last bits, and VIP's are these.
    const volatile double stretched = double(k) * scale;
    const volatile double start = half * (scale - 1);
    const double ideal = start + stretched, whole = std::max(std::rint(ideal), 1 - half);
    const double error = std::fabs(ideal - whole);
    if (error >= least) continue;
    least = error;
    best = {even_side + 2 * k, even_side + 2 * static_cast<index_t>(whole)};
  }
  return best;
}

FftAxis fft_axis(index_t in_side, index_t out_side, double scale) {
  const auto [p, q] = fft_sides(in_side + in_side % 2, scale);
  const index_t m = std::min(p, q), larger = std::max(p, q);
  FftAxis axis{out_side, in_side, std::vector<double>(std::size_t((out_side + 1) * in_side)),
               std::vector<double>(std::size_t(out_side), 0.0)};
  const auto centre = [](index_t side) { return static_cast<index_t>(frame_centre(side)); };
  for (index_t i = 0; i < out_side; ++i) {
    const index_t row = i - centre(out_side) + q / 2;
    if (row < 0 || row >= q) continue;
    axis.u[std::size_t(i)] = q <= p ? (row % 2 == 0 ? 1.0 : -1.0) / double(q)
                                    : std::sin(M_PI * double(m * row % (2 * q)) / double(q)) / double(q);
    for (index_t j = 0; j < in_side; ++j) {
      const index_t column = j - centre(in_side) + p / 2;
      // a = pi turns / (p q), m a = pi turns / larger
      const index_t turns = row * p - column * q;
      const double sine = std::sin(M_PI * double(turns % (2 * larger)) / double(larger));
      axis.matrix[std::size_t(i * in_side + j)] =
          (turns == 0 ? double(m) : sine / std::tan(M_PI * double(turns) / (double(p) * double(q)))) / double(q);
    }
  }
  for (index_t j = 0; j < in_side; ++j) {
    const index_t column = j - centre(in_side) + p / 2;
    axis.matrix[std::size_t(out_side * in_side + j)] =
        q <= p ? std::sin(M_PI * double(m * column % (2 * p)) / double(p)) : (column % 2 == 0 ? 1.0 : -1.0);
  }
  return axis;
}

FftAxis folded(const FftAxis& axis, const std::vector<index_t>& pixel, index_t side) {
  FftAxis out{axis.rows, side, std::vector<double>(std::size_t((axis.rows + 1) * side), 0.0), axis.u};
  for (index_t i = 0; i <= axis.rows; ++i)
    for (index_t j = 0; j < axis.columns; ++j)
      if (pixel[std::size_t(j)] >= 0)
        out.matrix[std::size_t(i * side + pixel[std::size_t(j)])] += axis.matrix[std::size_t(i * axis.columns + j)];
  return out;
}

void resample_by_fft(Exec& exec, Cube<const float> in, const std::vector<double>& scales, const MakeFftAxes& axes,
                     Cube<float> out) {
  if (out.size() == 0) return;
  std::vector<index_t> frames(scales.size());
  std::iota(frames.begin(), frames.end(), index_t{0});
  const auto scale_of = [&](index_t t) { return scales[static_cast<std::size_t>(t)]; };
  std::stable_sort(frames.begin(), frames.end(), [&](index_t a, index_t b) { return scale_of(a) < scale_of(b); });
  if (!exec.on_cuda() && exec.tuned() && in.stride(2) == 1 && out.stride(2) == 1)
    return resample_by_fft_cpu(exec, in, frames, scales, axes, out);
  for (auto first = frames.begin(); first != frames.end();) {
    const double scale = scale_of(*first);
    const auto last = std::find_if(first, frames.end(), [&](index_t t) { return scale_of(t) != scale; });
    resample_alike(exec, in, {first, last}, axes(scale), out);
    first = last;
  }
}

}  // namespace hci
