// SPDX-License-Identifier: MIT
#include "kernels/geometry/derotate_collapse.hpp"

#include <algorithm>

#include "kernels/core/array.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/geometry/rotate_cpu.hpp"
#include "kernels/geometry/rotate_plan.hpp"
#include "kernels/stats/collapse_plan.hpp"

namespace hci {
namespace {

/// Derotated rows that are held at a time.
constexpr index_t kScratchBytes = index_t{64} << 20;

#if HCI_HAVE_CUDA
bool ranks(Collapse mode) { return mode == Collapse::median || mode == Collapse::trimmean; }

constexpr int kThreads = 256;
/// A tile is this wide; pixel p of it is (p / kTileColumns, p % kTileColumns).
constexpr int kTileColumns = 8;

/// What a block does: it gathers the derotated values of a tile's pixels into shared memory as order
/// keys, and collapses them from there.
struct TileCollapse {
  Collapse mode;
  Trim trim;
  Vector<const double> weights;
  index_t frames;
  int held;    ///< frames in shared memory at a time; all of them where the mode ranks
  int pixels;  ///< of a tile: 32, 16 or 8
  index_t across, tiles;
  Frame<float> out;

  std::size_t shared_bytes() const {  // and two bounds for each pixel
    return static_cast<std::size_t>(held + 2) * static_cast<std::size_t>(pixels) * sizeof(std::uint32_t);
  }
  /// Where pixel p of frame t lies. Rows of 32 words hold 32 / pixels frames; the columns of eight such
  /// rows on end are exchanged, so that neither a warp that writes frames nor one that reads a few
  /// pixels' frames meets itself in a bank.
  HCI_HD int place(int t, int p) const {
    const int per_row = 32 / pixels, swap = ((t / per_row) & 7) * (pixels / 8);
    return t * pixels + (p ^ swap);
  }
};

/// The threads that rank one pixel's keys: kThreads / pixels neighbours, 8 to 32 of a warp.
struct Ranking {
  const std::uint32_t* mine;  ///< a member's keys lie kThreads apart: place() comes round with them
  int count, lanes;

  __device__ Ranking(const std::uint32_t* keys, const TileCollapse& tile, int thread) {
    lanes = kThreads / tile.pixels;
    const int member = thread % lanes;
    mine = keys + tile.place(member, thread / lanes);
    count = (tile.held - member + lanes - 1) / lanes;
  }
  __device__ int sum(int n) const {
    for (int bit = lanes / 2; bit > 0; bit /= 2) n += __shfl_xor_sync(~0U, n, bit);
    return n;
  }
  __device__ int below(std::uint32_t key) const {
    int n = 0;
    for (int i = 0; i < count; ++i) n += mine[i * kThreads] < key ? 1 : 0;
    return sum(n);
  }
  __device__ std::uint32_t least(std::uint32_t key) const {
    for (int bit = lanes / 2; bit > 0; bit /= 2) {
      const std::uint32_t other = __shfl_xor_sync(~0U, key, bit);
      key = other < key ? other : key;
    }
    return key;
  }
  /// Order statistic k of the n values: its key grows bit by bit from the top, until no other key of any
  /// pixel of the warp begins like it (about 20 bits for hundreds of values, 32 for equal ones).
  __device__ std::uint32_t key_of_rank(index_t k, int n) const {
    const std::uint32_t key = key_prefix_of_rank(
        static_cast<int>(k), n, KeyRange{}, [this](std::uint32_t tried) { return below(tried); },
        [](int left) { return __all_sync(~0U, left <= 1 ? 1 : 0) != 0; });
    std::uint32_t found = kNanKey;
    for (int i = 0; i < count; ++i) {
      const std::uint32_t other = mine[i * kThreads];
      found = other >= key && other < found ? other : found;
    }
    return least(found);
  }
  /// The order statistic after k, whose key is `low`.
  __device__ std::uint32_t key_after(index_t k, std::uint32_t low) const {
    int not_above = 0;
    std::uint32_t next = kNanKey;
    for (int i = 0; i < count; ++i) {
      const std::uint32_t key = mine[i * kThreads];
      if (key <= low)
        ++not_above;
      else
        next = key < next ? key : next;
    }
    not_above = sum(not_above);
    next = least(next);
    return not_above > k + 1 ? low : next;
  }
  __device__ float median() const {
    const int n = below(kNanKey);
    const index_t k = (n - 1) / 2;
    const std::uint32_t low = key_of_rank(k, n), after = key_after(k, low);
    if (n == 0) return NAN;
    return middle_of(from_order_key(low), from_order_key(n % 2 == 1 ? low : after));
  }
};

/// The keys' trimmed means: ranks by all threads, then the sums in the order of t by one for each pixel.
/// bounds: 2 keys of each pixel.
__device__ float trimmed_mean(const std::uint32_t* keys, std::uint32_t* bounds, const TileCollapse& tile, int thread) {
  const Ranking ranking(keys, tile, thread);
  const Trim trim = tile.trim;
  const int valid = ranking.below(kNanKey);
  const std::uint32_t low = ranking.key_of_rank(trim.first, valid);
  const std::uint32_t high = ranking.key_of_rank(last_kept(trim, valid), valid);
  if (thread % ranking.lanes == 0) {
    bounds[2 * (thread / ranking.lanes)] = low;
    bounds[2 * (thread / ranking.lanes) + 1] = high;
  }
  __syncthreads();
  if (thread >= tile.pixels) return NAN;
  RunningTrim running{from_order_key(bounds[2 * thread]), from_order_key(bounds[2 * thread + 1])};
  index_t n = 0;  // of this thread's pixel now
  for (int t = 0; t < tile.held; ++t) {
    const float v = from_order_key(keys[tile.place(t, thread)]);
    n += v == v ? 1 : 0;
    running.add(v);
  }
  return n <= trim.first ? NAN : running.result(trim.first, last_kept(trim, n));
}

/// One block for each tile of 8 x 4 output pixels (8 x 2, 8 x 1 where so many frames need it).
/// Bytes for an output pixel of T frames: 4 T read, once if L2 holds what neighbouring tiles share, and 4
/// written. Flops: lanczos4 144 T single and 14 T double or integer; a rank about 20 x 3 T integer (load,
/// compare, add). (489, 210, 210) with lanczos4 and median is 86 MB, 3.1 GFLOP and 1.3 G integer operations:
/// floor 0.07 ms on an H200 (67 TFLOP/s; memory 0.02 ms at 4.3 TB/s), 0.5 ms on a GTX 1080 (8.9 TFLOP/s;
/// memory 0.27 ms at 320 GB/s; the places in double at 0.28 TFLOP/s 0.6 ms). Loads weigh more, at one of a
/// warp a clock: 43 M from L1 (taps) and 14 M from shared memory (ranks), 0.25 ms on an H200, 1.7 ms on a
/// GTX 1080. derotate() with collapse() moves four cubes, 345 MB, and ranks from L2 at best.
/// Shape: neighbours are 8 x 4 rather than 32 x 1, since a turned row of 32 touches 30 source rows, a
/// turned 8 x 4 about 17, and takes half as much from L2; a frame's tile is one warp, that writes 32 keys to
/// 32 banks; 8 threads then rank each pixel, so that no barrier stands between the steps. All T keys must
/// be there: 62 KiB for T = 489, three blocks on an H200's multiprocessor (227 KiB, up to T = 7262 with 8
/// pixels); a GTX 1080 (48 KiB a block, 96 KiB a multiprocessor) takes 16 pixels for T = 489, 1534 frames
/// at most. Registers: bench/results/ptxas-sm_90.md. Not measured on a GPU.
template <Rotation method>
__global__ void __launch_bounds__(kThreads, spline_order(method) > 3 ? 2 : 3)
    collapse_tiles(DerotatedValue<method> value, TileCollapse tile) {
  HCI_DYNAMIC_SHARED(std::uint32_t, keys);
  const int thread = static_cast<int>(threadIdx.x);
  const int lanes = kThreads / tile.pixels;  // threads of a pixel: they gather other frames
  const index_t ny = tile.out.extent(0), nx = tile.out.extent(1);
  for (index_t b = blockIdx.x; b < tile.tiles; b += gridDim.x) {
    const index_t top = b / tile.across * (tile.pixels / kTileColumns), left = b % tile.across * kTileColumns;
    const auto row = [&](int p) { return top + p / kTileColumns; };
    const auto column = [&](int p) { return left + p % kTileColumns; };
    const int mine = thread % tile.pixels;
    // What reaches beyond the frame repeats its last pixels; nobody writes them.
    const index_t y = row(mine) < ny ? row(mine) : ny - 1, x = column(mine) < nx ? column(mine) : nx - 1;
    RunningCollapse running;
    for (index_t first = 0; first < tile.frames; first += tile.held) {
      const int count = static_cast<int>(tile.frames - first < tile.held ? tile.frames - first : tile.held);
      for (int t = thread / tile.pixels; t < count; t += lanes) {
        const float v = value(first + t, y, x);
        keys[tile.place(t, mine)] = order_key_or_nan(v);
      }
      __syncthreads();
      int p = thread;
      float result = NAN;
      bool done = p < tile.pixels;
      if (tile.mode == Collapse::median) {
        result = Ranking(keys, tile, thread).median();
        p = thread / lanes;
        done = thread % lanes == 0;
      } else if (tile.mode == Collapse::trimmean) {
        result = trimmed_mean(keys, keys + tile.held * tile.pixels, tile, thread);
      } else if (done) {
        for (int t = 0; t < count; ++t)
          running.add(tile.mode, from_order_key(keys[tile.place(t, p)]),
                      tile.mode == Collapse::wmean ? tile.weights(first + t) : 1);
        result = running.result(tile.mode);
        done = first + count == tile.frames;
      }
      if (done && row(p) < ny && column(p) < nx) tile.out(row(p), column(p)) = result;
      __syncthreads();  // the next values go to the same place
    }
  }
}

/// Frames that a tile holds at a time where the mode needs no more: enough for eight rounds of the block.
constexpr index_t kFramesInTurn = 64;

/// The tile of the launch: as many pixels as leave room for two blocks on a multiprocessor, else 8.
/// Without pixels: shared memory does not hold so many frames.
TileCollapse tile_of(Exec& exec, index_t frames, const CollapseOptions& options, Frame<float> out) {
  int in_block = 0, in_processor = 0;
  check(cudaDeviceGetAttribute(&in_block, cudaDevAttrMaxSharedMemoryPerBlockOptin, exec.cuda().device()));
  check(cudaDeviceGetAttribute(&in_processor, cudaDevAttrMaxSharedMemoryPerMultiprocessor, exec.cuda().device()));
  constexpr std::size_t kReserved = 1024;  // of each block, for CUDA
  const auto most = static_cast<std::size_t>(in_block);
  const auto half = std::min(most, static_cast<std::size_t>(in_processor) / 2 - kReserved);
  TileCollapse tile{options.mode, trim_of(frames, options.trim_keep), {}, frames, 0, 0, 0, 0, out};
  const index_t held = ranks(options.mode) ? frames : std::min(frames, kFramesInTurn);
  if (held > in_block) return tile;  // bytes: far too many, and too many for an int
  tile.held = static_cast<int>(held);
  for (const int pixels : {32, 16, 8}) {
    tile.pixels = pixels;
    if (tile.shared_bytes() <= half) break;
  }
  if (tile.shared_bytes() > most) tile.pixels = 0;
  return tile;
}

/// Whether it could: else nothing was done.
bool derotate_collapse_tiles(Exec& exec, const Interpolation& plan, const CollapseOptions& options, Frame<float> out) {
  TileCollapse tile = tile_of(exec, plan.source.extent(0), options, out);
  if (tile.pixels == 0) return false;
  const index_t rows = tile.pixels / kTileColumns;
  tile.across = (out.extent(1) + kTileColumns - 1) / kTileColumns;
  tile.tiles = tile.across * ((out.extent(0) + rows - 1) / rows);
  Array<double, 1> weights;
  if (options.mode == Collapse::wmean) weights = to_device(exec, options.weights);
  tile.weights = weights.view();
  const dim3 grid(cuda_side::blocks_for(tile.tiles, 1, cuda_side::kMostBlocksX));
  with_interpolation(plan.method, [&]<Rotation method>(std::integral_constant<Rotation, method>) {
    allow_shared_memory(exec, &collapse_tiles<method>, tile.shared_bytes());
    launch(exec, grid, dim3(kThreads), tile.shared_bytes(), collapse_tiles<method>, plan.value<method>(), tile);
  });
  return true;
}
#endif

}  // namespace

void derotate_collapse(Exec& exec, Cube<const float> in, const std::vector<double>& angles,
                       const RotateOptions& rotation, const CollapseOptions& collapsing, Frame<float> out) {
  check_rotation("derotate_collapse", in.extents(), angles, rotation);
  check_collapse("derotate_collapse", in.extent(0), collapsing);
  const index_t nt = in.extent(0), ny = in.extent(1), nx = in.extent(2);
  require(out.extent(0) == ny && out.extent(1) == nx, "derotate_collapse: frames are ", ny, " x ", nx,
          ", the output is ", out.extent(0), " x ", out.extent(1));
  if (rotation.method == Rotation::fft || rotation.edge_blend != EdgeBlend::none) {
    Array<float, 3> derotated(exec, in.extents());
    derotate(exec, in, angles, rotation, derotated.view());
    collapse(exec, derotated.view(), collapsing, out);
    return;
  }
  const auto plan = prepare_interpolation(exec, in, angles, rotation);
  if (!exec.on_cuda() && exec.tuned() && plan.source.stride(2) == 1) {
    derotate_collapse_cpu(exec, plan, collapsing, out);
    return;
  }
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned() && derotate_collapse_tiles(exec, plan, collapsing, out)) return;
#endif
  const index_t row_bytes = nt * nx * static_cast<index_t>(sizeof(float));
  const index_t rows = std::clamp(kScratchBytes / row_bytes, index_t{1}, ny);
  Array<float, 3> scratch(exec, {nt, rows, nx});
  for (index_t first = 0; first < ny; first += rows) {
    const index_t count = std::min(rows, ny - first);
    const Cube<float> block(scratch.data(), {nt, count, nx});
    derotate_rows(exec, plan, first, block);
    collapse(exec, block, collapsing, slice(out, first, count));
  }
}

}  // namespace hci
