// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CUDA only: a collapse that ranks in shared memory, of values that a source makes. For .cu files,
// like launch.hpp.
#include <algorithm>
#include <cstdint>

#include "kernels/core/array.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/stats/collapse_plan.hpp"

namespace hci::cuda_side {

inline bool ranks(Collapse mode) { return mode == Collapse::median || mode == Collapse::trimmean; }

constexpr int kTileThreads = 256;

/// Which pixels share a tile: 8 of a row and of those below it, or as many of one row as there are. Known when the
/// kernel is compiled: a width to carry along made the cubic interpolations spill (nvcc 13.0, sm_90).
enum class TileShape { square, row };

/// Pixel p of a tile of so many is (p / columns, p % columns).
template <TileShape shape>
HCI_HD constexpr int tile_columns(int pixels) {
  return shape == TileShape::square ? 8 : pixels;
}

/// What a block does: it gathers the values of a tile's pixels into shared memory as order
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

/// The threads that rank one pixel's keys: kTileThreads / pixels neighbours, 8 to 32 of a warp.
struct Ranking {
  const std::uint32_t* mine;  ///< a member's keys lie kTileThreads apart: place() comes round with them
  int count, lanes;

  __device__ Ranking(const std::uint32_t* keys, const TileCollapse& tile, int thread) {
    lanes = kTileThreads / tile.pixels;
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
    for (int i = 0; i < count; ++i) n += mine[i * kTileThreads] < key ? 1 : 0;
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
      const std::uint32_t other = mine[i * kTileThreads];
      found = other >= key && other < found ? other : found;
    }
    return least(found);
  }
  /// The order statistic after k, whose key is `low`.
  __device__ std::uint32_t key_after(index_t k, std::uint32_t low) const {
    int not_above = 0;
    std::uint32_t next = kNanKey;
    for (int i = 0; i < count; ++i) {
      const std::uint32_t key = mine[i * kTileThreads];
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
__device__ inline float trimmed_mean(const std::uint32_t* keys, std::uint32_t* bounds, const TileCollapse& tile,
                                     int thread) {
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

/// One block for each tile of 32 output pixels (16, 8 where so many frames need it). value(t, y, x) makes the values;
/// `blocks` share a multiprocessor, which bounds the registers. All T keys of a mode that ranks must be there: 62 KiB
/// for T = 489, three blocks on an H200's multiprocessor (227 KiB, up to T = 7262 with 8 pixels); a GTX 1080 (48 KiB a
/// block, 96 KiB a multiprocessor) takes 16 pixels for T = 489, 1534 frames at most. A frame's tile is one warp, that
/// writes 32 keys to 32 banks; 8 threads then rank each pixel, so that no barrier stands between the steps. The callers
/// say what it costs.
template <TileShape shape, int blocks, class Value>
__global__ void __launch_bounds__(kTileThreads, blocks) collapse_tiles(Value value, TileCollapse tile) {
  HCI_DYNAMIC_SHARED(std::uint32_t, keys);
  const int thread = static_cast<int>(threadIdx.x);
  const int lanes = kTileThreads / tile.pixels;  // threads of a pixel: they gather other frames
  const int columns = tile_columns<shape>(tile.pixels);
  const index_t ny = tile.out.extent(0), nx = tile.out.extent(1);
  for (index_t b = blockIdx.x; b < tile.tiles; b += gridDim.x) {
    const index_t top = b / tile.across * (tile.pixels / columns), left = b % tile.across * columns;
    const auto row = [&](int p) { return top + p / columns; };
    const auto column = [&](int p) { return left + p % columns; };
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
inline TileCollapse tile_of(Exec& exec, index_t frames, const CollapseOptions& options, Frame<float> out) {
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

/// out(y, x) = the collapse of value(t, y, x) over all frames t, with the bits of collapse(). False, and nothing done,
/// where a block's shared memory does not hold the frames.
template <TileShape shape, int blocks, class Value>
bool collapse_by_tiles(Exec& exec, const Value& value, index_t frames, const CollapseOptions& options,
                       Frame<float> out) {
  TileCollapse tile = tile_of(exec, frames, options, out);
  if (tile.pixels == 0) return false;
  const index_t columns = tile_columns<shape>(tile.pixels), rows = tile.pixels / columns;
  tile.across = (out.extent(1) + columns - 1) / columns;
  tile.tiles = tile.across * ((out.extent(0) + rows - 1) / rows);
  Array<double, 1> weights;
  if (options.mode == Collapse::wmean) weights = to_device(exec, options.weights);
  tile.weights = weights.view();
  const dim3 grid(blocks_for(tile.tiles, 1, kMostBlocksX));
  allow_shared_memory(exec, &collapse_tiles<shape, blocks, Value>, tile.shared_bytes());
  launch(exec, grid, dim3(kTileThreads), tile.shared_bytes(), collapse_tiles<shape, blocks, Value>, value, tile);
  return true;
}

}  // namespace hci::cuda_side
