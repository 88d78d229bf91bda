// SPDX-License-Identifier: MIT
#include "kernels/geometry/spline.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/geometry/spline_filter.hpp"

namespace hci {
namespace {

/// The filter's poles inside the unit circle: roots of the sampled B-spline's polynomial.
struct Poles {
  int count;
  double z[2];
};

Poles poles_of(int order) {
  switch (order) {
    case 2:
      return {1, {std::sqrt(8.0) - 3, 0}};
    case 3:
      return {1, {std::sqrt(3.0) - 2, 0}};
    case 4:
      return {2,
              {std::sqrt(664 - std::sqrt(438976.0)) + std::sqrt(304.0) - 19,
               std::sqrt(664 + std::sqrt(438976.0)) - std::sqrt(304.0) - 19}};
    default:
      return {2,
              {std::sqrt(67.5 - std::sqrt(4436.25)) + std::sqrt(26.25) - 6.5,
               std::sqrt(67.5 + std::sqrt(4436.25)) - std::sqrt(26.25) - 6.5}};
  }
}

/// After how many pixels a step has decayed to `rest`.
index_t decay_length(double pole, double rest) {
  return static_cast<index_t>(std::ceil(std::log(rest) / std::log(std::abs(pole))));
}

LineFilter filter_of(int order, Border border) {
  const Poles poles = poles_of(order);
  // What lies beyond the padding is level, whatever the level is.
  const Border beyond = border == Border::constant ? Border::edge : border;
  LineFilter filter{poles.count, {}, 1};
  for (int i = 0; i < poles.count; ++i) {
    const double z = poles.z[i];
    filter.poles[i] = {z, decay_length(z, 1e-12), beyond};
    filter.gain *= (1 - z) * (1 - 1 / z);
  }
  return filter;
}

// Portable: these four, one pass after the other through memory. Bytes of a padded pixel: Load 4 + 8, each filter 16
// twice a pole (down and up again), Store 8 + 4 + 4; see the tuned path below for what that makes. A thread has a line:
// 244 threads a frame of 210 x 210 with its padding, 119,000 for 489 frames. Not measured on a GPU.

/// work (t, y, x) = the frames with their padding.
struct Load {
  PaddedPixels pixels;
  Cube<double> work;
  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    work(t, y, x) = pixels.value(t, pixels.row(y), pixels.column(x));
  }
};

/// (t, x): down a column; neighbouring threads have neighbouring columns.
struct FilterColumn {
  LineFilter filter;
  Cube<double> work;
  HCI_HD void operator()(index_t t, index_t x) const { filter(&work(t, 0, x), work.extent(2), work.extent(1)); }
};

/// (t, y): along a row.
struct FilterRow {
  LineFilter filter;
  Cube<double> work;
  HCI_HD void operator()(index_t t, index_t y) const { filter(&work(t, y, 0), 1, work.extent(2)); }
};

/// out = the coefficients, NaN where the pixel was.
struct Store {
  PaddedPixels pixels;
  Cube<const double> work;
  double gain;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const bool masked = pixels.masked(t, pixels.row(y), pixels.column(x));
    out(t, y, x) = masked ? NAN : static_cast<float>(gain * work(t, y, x));
  }
};

#if HCI_HAVE_CUDA
// Tuned: a block holds some lines of a frame in shared memory, filters them there (all poles, both ways; a thread a
// line) and so reads and writes them once. Columns first, straight from the frame; then rows, straight to the
// coefficients, their tile turned in shared memory, so that all accesses to memory run along x.
// Bytes of a pixel: 4 + 8 with the columns, 8 + 4 + 4 (the frame again, for its NaN) with the rows. Flops: 8 a pole in
// double. (489, 210, 210) with spline3, padded to 244 x 244 (border constant), is 0.73 GB and 0.5 GFLOP: floor 0.17 ms
// on an H200 (4.3 TB/s copied), 2.3 ms on a GTX 1080 (320 GB/s; its double arithmetic, 0.28 TFLOP/s, 1.7 ms). A thread
// for each line in memory, which the portable path is, moves 92 bytes a pixel with one pole and 156 with two, rows by
// accesses that share nothing.
// Shape: 32 lines, so that a row of them is 256 bytes, if two blocks fit a multiprocessor, else 16, 8 or 4: 244 x 33
// doubles are 64 KB, three blocks on an H200 (227 KiB), whose steps hide one another's latencies; 16 lines on a GTX
// 1080 (48 KiB a block). The four warps of a block load and store, the first one filters: its 2 x 244 dependent steps
// of some 10 clocks take 3 us on an H200, 27 us in 9 rounds of blocks, less than the memory. One column more than lines
// keeps the turned tile's 32 threads on 32 banks. Not measured on a GPU.
constexpr int kFilterThreads = 128;

__global__ void __launch_bounds__(kFilterThreads)
    filter_columns(PaddedPixels pixels, LineFilter filter, int lines, Cube<double> work) {
  HCI_DYNAMIC_SHARED(double, tile);  // (y, line)
  const index_t across = (work.extent(2) + lines - 1) / lines, left = blockIdx.x % across * lines;
  const index_t t = blockIdx.x / across;
  const int ny = static_cast<int>(work.extent(1)), line = static_cast<int>(threadIdx.x) % lines;
  const bool inside = left + line < work.extent(2);
  const index_t column = inside ? pixels.column(left + line) : 0;
  const int first = static_cast<int>(threadIdx.x) / lines, step = kFilterThreads / lines;
  if (inside)
    for (int y = first; y < ny; y += step) tile[y * lines + line] = pixels.value(t, pixels.row(y), column);
  __syncthreads();
  if (first == 0 && inside) filter(tile + line, lines, ny);
  __syncthreads();
  if (inside)
    for (int y = first; y < ny; y += step) work(t, y, left + line) = tile[y * lines + line];
}

__global__ void __launch_bounds__(kFilterThreads)
    filter_rows(PaddedPixels pixels, LineFilter filter, int lines, Cube<const double> work, Cube<float> out) {
  HCI_DYNAMIC_SHARED(double, tile);  // (x, line), a column more than lines
  const index_t down = (work.extent(1) + lines - 1) / lines, top = blockIdx.x % down * lines, t = blockIdx.x / down;
  const index_t rest = work.extent(1) - top;
  const int nx = static_cast<int>(work.extent(2)), thread = static_cast<int>(threadIdx.x), pitch = lines + 1;
  const int count = rest < lines ? static_cast<int>(rest) : lines;
  for (int line = 0; line < count; ++line)
    for (int x = thread; x < nx; x += kFilterThreads) tile[x * pitch + line] = work(t, top + line, x);
  __syncthreads();
  if (thread < count) filter(tile + thread, pitch, nx);
  __syncthreads();
  const double gain = filter.gain * filter.gain;
  for (int line = 0; line < count; ++line) {
    const index_t row = pixels.row(top + line);
    for (int x = thread; x < nx; x += kFilterThreads) {
      const bool masked = pixels.masked(t, row, pixels.column(x));
      out(t, top + line, x) = masked ? NAN : static_cast<float>(gain * tile[x * pitch + line]);
    }
  }
}

/// Lines of so many pixels that a block holds; 0: shared memory does not hold four.
int lines_of(Exec& exec, index_t pixels) {
  int in_block = 0, in_processor = 0;
  check(cudaDeviceGetAttribute(&in_block, cudaDevAttrMaxSharedMemoryPerBlockOptin, exec.cuda().device()));
  check(cudaDeviceGetAttribute(&in_processor, cudaDevAttrMaxSharedMemoryPerMultiprocessor, exec.cuda().device()));
  constexpr int kReserved = 1024;  // of each block, for CUDA
  for (const int most : {std::min(in_block, in_processor / 2 - kReserved), in_block})
    for (const int lines : {32, 16, 8, 4})
      if (pixels * (lines + 1) * static_cast<index_t>(sizeof(double)) <= most) return lines;
  return 0;
}

/// Whether it could: else nothing was done.
bool filter_tiles(Exec& exec, const PaddedPixels& pixels, const LineFilter& filter, Cube<double> work,
                  Cube<float> out) {
  const index_t ny = work.extent(1), nx = work.extent(2);
  const int down = lines_of(exec, ny), along = lines_of(exec, nx);
  if (down == 0 || along == 0) return false;
  const auto bytes = [](index_t n, int lines) { return static_cast<std::size_t>(n * lines) * sizeof(double); };
  const auto blocks = [&](index_t n, int lines) {
    return dim3(static_cast<unsigned>(work.extent(0) * ((n + lines - 1) / lines)));
  };
  allow_shared_memory(exec, &filter_columns, bytes(ny, down));
  allow_shared_memory(exec, &filter_rows, bytes(nx, along + 1));
  launch(exec, blocks(nx, down), dim3(kFilterThreads), bytes(ny, down), filter_columns, pixels, filter, down, work);
  launch(exec, blocks(ny, along), dim3(kFilterThreads), bytes(nx, along + 1), filter_rows, pixels, filter, along,
         Cube<const double>(work), out);
  return true;
}
#endif

/// Frames between the two axes.
constexpr index_t kScratchBytes = index_t{256} << 20;

}  // namespace

index_t spline_padding(int order, Border border) {
  if (border != Border::constant && border != Border::edge) return 0;
  const Poles poles = poles_of(order);
  return decay_length(poles.z[0], 1e-8) + order / 2 + 1;
}

void spline_coefficients(Exec& exec, Cube<const float> in, int order, Border border, Vector<const float> outside,
                         Cube<float> out) {
  require(order >= kLowestSplineOrder && order <= kHighestSplineOrder, "spline_coefficients: the order is ", order,
          ": it must be ", kLowestSplineOrder, " to ", kHighestSplineOrder);
  const index_t padding = spline_padding(order, border), nt = in.extent(0);
  require(in.size() > 0, "spline_coefficients: the cube is empty");
  require(
      out.extent(0) == nt && out.extent(1) == in.extent(1) + 2 * padding && out.extent(2) == in.extent(2) + 2 * padding,
      "spline_coefficients: frames of ", in.extent(1), " x ", in.extent(2), " with ", padding,
      " pixels beyond each edge do not make ", out.extent(1), " x ", out.extent(2));
  require(outside.extent(0) == 0 || outside.extent(0) == nt, "spline_coefficients: got ", outside.extent(0),
          " values outside for ", nt, " frames");
  const LineFilter filter = filter_of(order, border);
  if (!exec.on_cuda() && exec.tuned())
    return spline_coefficients_cpu(exec, {in, border, padding, outside}, filter, out);
  const index_t frame_bytes = out.extent(1) * out.extent(2) * static_cast<index_t>(sizeof(double));
  const index_t frames = std::clamp(scratch_bytes(kScratchBytes) / frame_bytes, index_t{1}, nt);
  Array<double, 3> scratch(exec, {frames, out.extent(1), out.extent(2)});
  for (index_t first = 0; first < nt; first += frames) {
    const index_t count = std::min(frames, nt - first);
    const Cube<double> work = slice(scratch.view(), 0, count);
    const Cube<float> to = slice(out, first, count);
    const PaddedPixels pixels{slice(in, first, count), border, padding,
                              outside.extent(0) > 0 ? slice(outside, first, count) : outside};
#if HCI_HAVE_CUDA
    if (exec.on_cuda() && exec.tuned() && filter_tiles(exec, pixels, filter, work, to)) continue;
#endif
    for_each(exec, work.extents(), Load{pixels, work});
    for_each(exec, Extents<2>{count, work.extent(2)}, FilterColumn{filter, work});
    for_each(exec, Extents<2>{count, work.extent(1)}, FilterRow{filter, work});
    for_each(exec, work.extents(), Store{pixels, work, filter.gain * filter.gain, to});
  }
}

}  // namespace hci
