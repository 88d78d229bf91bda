// SPDX-License-Identifier: MIT
// The convolutions of CUDA's tuned path: a block reads a tile of the frame and what lies around it
// into shared memory once, and makes 32 x 32 outputs of it.
//
// Separable, n taps along both axes: 8 bytes and 4 n flops for each pixel (and half as many flops
// again for the rows around a tile, at n = 17). Floors at n = 17, one frame of 10^6 pixels:
//   H200      4.3 TB/s: 1.9 us;  67 Tflop/s: 1.5 us
//   GTX 1080  320 GB/s: 25 us;   8.9 Tflop/s: 11 us
// so it is the memory's to decide, if shared memory does not. That is why each thread makes a run of
// 8 outputs: a value read feeds 8 sums, which leaves (2 n + 7) / 8 reads for an output, 13 in both
// passes at n = 17: 1.8 us of the H200's 128 bytes a clock and core, 12 us of the GTX 1080's. Outputs
// of a run follow each other along the axis of the pass and threads across it; the odd row pitch
// keeps 32 threads on 32 banks. 32 x 32 outputs: at n = 17 the tile reads 2.25 pixels for each (from
// the L2 cache all but one), 64 x 64 would read 1.6 but leave a GTX 1080 two blocks for each core.
//
// Not separable, n x n taps: 8 bytes and 2 n² flops. At n = 19: 12 us on an H200 and 81 us on a GTX
// 1080 for 10^6 pixels, both of arithmetic; runs of 8 leave 107 reads of shared memory for 361 taps.
#include <cmath>

#include "kernels/core/launch.hpp"
#include "kernels/core/unroll.hpp"
#include "kernels/image/convolve_plan.hpp"
#include "kernels/image/tiles.hpp"

#if HCI_HAVE_CUDA
namespace hci {
namespace {

constexpr int kTile = tiles::kSide, kRun = 8, kThreads = kTile * kTile / kRun;

struct AsItIs {
  __device__ float operator()(float v) const { return v; }
};
struct OneIfFinite {
  __device__ float operator()(float v) const { return std::isfinite(v) ? 1.0F : 0.0F; }
};

/// sum[o] += taps[a] * value(a + o) for all taps a in their order; the window of 8 values stays in
/// registers, since all its indices are known when this is compiled.
template <class Read>
__device__ void add_run(const float* first, int pitch, const float* taps, int count, Read read, float (&sum)[kRun]) {
  float window[kRun];
  HCI_UNROLL
  for (int o = 0; o < kRun - 1; ++o) window[o] = read(first[o * pitch]);
  for (int base = 0; base < count; base += kRun) {
    HCI_UNROLL
    for (int b = 0; b < kRun; ++b) {
      if (base + b >= count) break;
      window[(b + kRun - 1) % kRun] = read(first[(base + b + kRun - 1) * pitch]);
      const float tap = taps[base + b];
      HCI_UNROLL
      for (int o = 0; o < kRun; ++o) sum[o] = fmaf(tap, window[(b + o) % kRun], sum[o]);
    }
  }
}

/// What the tile of a block is: outputs from (y, x) on, read with `above` rows and `left` columns more.
struct Tile {
  int rows, columns, pitch;  ///< with all around
  int above, left;

  HCI_HD Tile(int taps_y, int taps_x, int before_y, int before_x)
      : rows(kTile + taps_y - 1), columns(kTile + taps_x - 1), pitch(columns | 1), above(before_y), left(before_x) {}

  /// Reads it; whether any value is not finite. All threads of the block.
  __device__ bool load(const Frame<const float>& frame, Border border, index_t y, index_t x, float* to) const {
    int spoiled = 0;
    tiles::load<kThreads>(frame, border, y - above, x - left, rows, columns, [&](int r, int c, float v) {
      to[r * pitch + c] = v;
      spoiled |= std::isfinite(v) ? 0 : 1;
    });
    return __syncthreads_or(spoiled) != 0;
  }
  __device__ void clean(const MaskRule& rule, float* values) const {
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < rows * pitch; i += kThreads)
      if (i % pitch < columns) values[i] = rule.value(values[i]);
    __syncthreads();
  }
};

__device__ void copy_taps(const float* from, int count, float* to) {
  for (int i = static_cast<int>(threadIdx.x); i < count; i += kThreads) to[i] = from[i];
}

constexpr int kRowPitch = kTile + 1;

/// Both passes over a tile: rows to `row_sums`, then 8 outputs of a column to sum.
template <class Read>
__device__ void sum_separably(const Tile& tile, const float* values, const float* taps_y, int count_y,
                              const float* taps_x, int count_x, Read read, float* row_sums, float (&sum)[kRun]) {
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < tile.rows * (kTile / kRun); i += kThreads) {
    const int r = i % tile.rows, c = i / tile.rows * kRun;
    float run[kRun] = {};
    add_run(values + r * tile.pitch + c, 1, taps_x, count_x, read, run);
    HCI_UNROLL
    for (int o = 0; o < kRun; ++o) row_sums[r * kRowPitch + c + o] = run[o];
  }
  __syncthreads();
  add_run(row_sums + thread / kTile * kRun * kRowPitch + thread % kTile, kRowPitch, taps_y, count_y, AsItIs{}, sum);
  __syncthreads();
}

__global__ void __launch_bounds__(kThreads)
    convolve_separable_tiles(Cube<const float> in, SeparablePlan plan, Cube<float> out) {
  HCI_DYNAMIC_SHARED(float, values);
  const int count_y = static_cast<int>(plan.y.count()), count_x = static_cast<int>(plan.x.count());
  const Tile tile(count_y, count_x, static_cast<int>(plan.y.before), static_cast<int>(plan.x.before));
  float* const row_sums = values + tile.rows * tile.pitch;
  float* const taps_y = row_sums + tile.rows * kRowPitch;
  float* const taps_x = taps_y + count_y;
  copy_taps(plan.y.weights.data(), count_y, taps_y);
  copy_taps(plan.x.weights.data(), count_x, taps_x);
  const index_t x = index_t(blockIdx.x) * kTile + threadIdx.x % kTile;
  for (index_t t = blockIdx.z; t < in.extent(0); t += gridDim.z)
    for (index_t top = index_t(blockIdx.y) * kTile; top < in.extent(1); top += index_t(gridDim.y) * kTile) {
      const bool spoiled = tile.load(in[t], plan.border, top, index_t(blockIdx.x) * kTile, values);
      float sum[kRun] = {}, weight[kRun] = {};
      if (spoiled && plan.rule.weighs())
        sum_separably(tile, values, taps_y, count_y, taps_x, count_x, OneIfFinite{}, row_sums, weight);
      if (spoiled) tile.clean(plan.rule, values);
      sum_separably(tile, values, taps_y, count_y, taps_x, count_x, AsItIs{}, row_sums, sum);
      if (x >= in.extent(2)) continue;
      const index_t y = top + index_t(threadIdx.x / kTile) * kRun;
      HCI_UNROLL
      for (int o = 0; o < kRun; ++o)
        if (y + o < in.extent(1)) out(t, y + o, x) = plan.rule.finish(sum[o], spoiled ? weight[o] : plan.rule.whole);
    }
}

/// 8 outputs of a row, all taps, row by row.
template <class Read>
__device__ void sum_taps(const Tile& tile, const float* values, const float* taps, int taps_y, int taps_x, Read read,
                         float (&sum)[kRun]) {
  const int r = static_cast<int>(threadIdx.x) % kTile, c = static_cast<int>(threadIdx.x) / kTile * kRun;
  for (int j = 0; j < taps_y; ++j) add_run(values + (r + j) * tile.pitch + c, 1, taps + j * taps_x, taps_x, read, sum);
}

__global__ void __launch_bounds__(kThreads) convolve_tiles(Cube<const float> in, KernelPlan plan, Cube<float> out) {
  HCI_DYNAMIC_SHARED(float, values);
  const int taps_y = static_cast<int>(plan.weights.extent(0)), taps_x = static_cast<int>(plan.weights.extent(1));
  const Tile tile(taps_y, taps_x, static_cast<int>(plan.before_y), static_cast<int>(plan.before_x));
  float* const taps = values + tile.rows * tile.pitch;
  copy_taps(plan.weights.data(), taps_y * taps_x, taps);
  const index_t x = index_t(blockIdx.x) * kTile + index_t(threadIdx.x / kTile) * kRun;
  for (index_t t = blockIdx.z; t < in.extent(0); t += gridDim.z)
    for (index_t top = index_t(blockIdx.y) * kTile; top < in.extent(1); top += index_t(gridDim.y) * kTile) {
      __syncthreads();  // before the tile is overwritten
      const bool spoiled = tile.load(in[t], plan.border, top, index_t(blockIdx.x) * kTile, values);
      float sum[kRun] = {}, weight[kRun] = {};
      if (spoiled && plan.rule.weighs()) sum_taps(tile, values, taps, taps_y, taps_x, OneIfFinite{}, weight);
      if (spoiled) tile.clean(plan.rule, values);
      sum_taps(tile, values, taps, taps_y, taps_x, AsItIs{}, sum);
      const index_t y = top + threadIdx.x % kTile;
      if (y >= in.extent(1)) continue;
      HCI_UNROLL
      for (int o = 0; o < kRun; ++o)
        if (x + o < in.extent(2)) out(t, y, x + o) = plan.rule.finish(sum[o], spoiled ? weight[o] : plan.rule.whole);
    }
}

}  // namespace

bool convolve_by_tiles(Exec& exec, Cube<const float> in, const SeparablePlan& plan, Cube<float> out) {
  const index_t y = plan.y.count(), x = plan.x.count();
  if (plan.y.step != 1 || y > 1024 || x > 1024) return false;
  const Tile tile(static_cast<int>(y), static_cast<int>(x), 0, 0);
  const std::size_t shared = sizeof(float) * static_cast<std::size_t>(tile.rows * (tile.pitch + kRowPitch) + y + x);
  if (shared > tiles::kMostShared) return false;
  launch(exec, tiles::grid_for(in.extents()), dim3(kThreads), shared, convolve_separable_tiles, in, plan, out);
  return true;
}

bool convolve_by_tiles(Exec& exec, Cube<const float> in, const KernelPlan& plan, Cube<float> out) {
  const index_t y = plan.weights.extent(0), x = plan.weights.extent(1);
  if (y > 1024 || x > 1024) return false;
  const Tile tile(static_cast<int>(y), static_cast<int>(x), 0, 0);
  const std::size_t shared = sizeof(float) * static_cast<std::size_t>(tile.rows * tile.pitch + y * x);
  if (shared > tiles::kMostShared) return false;
  launch(exec, tiles::grid_for(in.extents()), dim3(kThreads), shared, convolve_tiles, in, plan, out);
  return true;
}

}  // namespace hci
#endif
