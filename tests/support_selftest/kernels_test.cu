// SPDX-License-Identifier: MIT
// Kernels with barriers, warp collectives and shared memory on the emulated device: the right ones
// are right in every order of their threads, and planted mistakes are found.
#include <cmath>
#include <functional>

#include "tests/support_selftest/emulated_device.hpp"

namespace hci::test {
namespace {

using cuda_emulation::Order;

constexpr Order kOrders[] = {Order::forward, Order::reverse, Order::random, Order::mixed};

enum class Barriers { all, one_missing };

template <int tile, Barriers barriers>
__global__ void __launch_bounds__(tile* tile) multiply(Matrix<const float> a, Matrix<const float> b, Matrix<float> c) {
  __shared__ float part_a[tile][tile + 1];
  __shared__ float part_b[tile][tile + 1];
  const index_t n = a.extent(0), row = index_t{blockIdx.y} * tile + threadIdx.y,
                column = index_t{blockIdx.x} * tile + threadIdx.x;
  float sum = 0;
  for (index_t k = 0; k < n; k += tile) {
    part_a[threadIdx.y][threadIdx.x] = row < n && k + threadIdx.x < n ? a(row, k + threadIdx.x) : 0.0f;
    part_b[threadIdx.y][threadIdx.x] = column < n && k + threadIdx.y < n ? b(k + threadIdx.y, column) : 0.0f;
    __syncthreads();
    for (int j = 0; j < tile; ++j) sum += part_a[threadIdx.y][j] * part_b[j][threadIdx.x];
    if constexpr (barriers == Barriers::all) __syncthreads();
  }
  if (row < n && column < n) c(row, column) = sum;
}

/// The sum and how many are positive, with shuffles, ballots, dynamic shared memory and atomics.
template <Barriers barriers>
__global__ void __launch_bounds__(256) sum_up(Vector<const float> x, double* sum, unsigned* positive) {
  HCI_DYNAMIC_SHARED(double, of_warp);
  const index_t n = x.extent(0), whole_warps = (n + 31) / 32 * 32;
  double mine = 0;
  int count = 0;
  for (index_t i = index_t{blockIdx.x} * blockDim.x + threadIdx.x; i < whole_warps;
       i += index_t{gridDim.x} * blockDim.x) {
    const float value = i < n ? x(i) : 0.0f;
    mine += static_cast<double>(value);
    count += __popc(__ballot_sync(0xffffffffu, value > 0));
  }
  for (unsigned step = 16; step > 0; step >>= 1) mine += __shfl_down_sync(0xffffffffu, mine, step);
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  if (lane == 0) of_warp[warp] = mine;
  if constexpr (barriers == Barriers::all) __syncthreads();
  if (warp == 0) {
    mine = lane < blockDim.x / 32 ? of_warp[lane] : 0.0;
    for (int step = 16; step > 0; step >>= 1) mine += __shfl_xor_sync(0xffffffffu, mine, step);
    if (lane == 0) atomicAdd(sum, mine);
  }
  if (lane == 0) atomicAdd(positive, static_cast<unsigned>(count));
}

/// The median of each pixel over the frames: one block for each pixel sorts in shared memory.
__global__ void __launch_bounds__(256) median_of_pixels(Matrix<const float> cube, Vector<float> out) {
  HCI_DYNAMIC_SHARED(float, sorted);
  const index_t frames = cube.extent(0), pixel = blockIdx.x;
  index_t size = 1;
  while (size < frames) size *= 2;
  for (index_t i = threadIdx.x; i < size; i += blockDim.x) sorted[i] = i < frames ? cube(i, pixel) : INFINITY;
  __syncthreads();
  for (index_t k = 2; k <= size; k *= 2)
    for (index_t j = k / 2; j > 0; j /= 2) {
      for (index_t i = threadIdx.x; i < size; i += blockDim.x) {
        const index_t other = i ^ j;
        const float a = sorted[i], b = sorted[other];
        if (other > i && (a > b) == ((i & k) == 0)) {
          sorted[i] = b;
          sorted[other] = a;
        }
      }
      __syncthreads();
    }
  if (threadIdx.x == 0)
    out(pixel) = frames % 2 == 1 ? sorted[frames / 2] : 0.5f * (sorted[frames / 2 - 1] + sorted[frames / 2]);
}

/// Lanes 0 .. 7 of the second warp call a collective that names all of it.
__global__ void call_without_all_lanes(float* out) {
  float value = static_cast<float>(threadIdx.x);
  if (threadIdx.x < 40) value = __shfl_down_sync(0xffffffffu, value, 1);
  out[threadIdx.x] = value;
}

/// Lanes 0 .. 7 ask one another, and lane 20, which is not in their mask.
__global__ void ask_a_lane_outside_the_mask(Vector<float> in_mask, Vector<float> outside, Vector<int> integers) {
  if (threadIdx.x >= 8) return;
  const float value = static_cast<float>(threadIdx.x);
  in_mask(threadIdx.x) = __shfl_sync(0xffu, value, 7);
  outside(threadIdx.x) = __shfl_sync(0xffu, value, 20);
  integers(threadIdx.x) = __shfl_down_sync(0xffu, 5, 8);
}

/// What is in a static shared array when a block comes upon it, and when it does again.
struct SeenInShared {
  float first, again;
};
__global__ void __launch_bounds__(64) read_static_shared(Vector<SeenInShared> out) {
  float seen[2];
  for (float& each : seen) {
    HCI_SHARED(float, values, 64);
    each = values[threadIdx.x];
    __syncthreads();
    values[threadIdx.x] = 3;
    __syncthreads();
  }
  out(index_t{blockIdx.x} * blockDim.x + threadIdx.x) = {seen[0], seen[1]};
}

/// Half of the threads wait for a barrier, the others for their warp.
__global__ void wait_at_different_places(float* out) {
  if (threadIdx.x % 2 == 0)
    __syncthreads();
  else
    __shfl_sync(0xffffffffu, 1, 0);
  out[threadIdx.x] = 1;
}

/// Without a bound, after one that has one.
__global__ void count_threads(unsigned* count) { atomicAdd(count, 1U); }
template <int rows>
__global__ void __launch_bounds__(rows * 3, 2) count_some_threads(unsigned* count) {
  atomicAdd(count, 1U);
}

class EmulatedKernel : public EmulatedDevice {
 protected:
  Exec exec = on_device(0);

  /// Pseudo-random numbers with many digits, the same every time.
  static std::vector<float> noise(index_t n) {
    std::vector<float> values;
    std::uint32_t state = 7;
    for (index_t i = 0; i < n; ++i) {
      state = state * 1664525u + 1013904223u;
      values.push_back(static_cast<float>(state >> 8) / 8388608.0f - 1.0f);
    }
    return values;
  }

  /// Largest difference of the tiled product from plain loops.
  template <Barriers barriers>
  double error_of_product(index_t n) {
    constexpr int tile = 16;
    const std::vector<float> a = noise(n * n);
    const std::vector<float> b(a.rbegin(), a.rend());
    const auto on_a = to_device(exec, a), on_b = to_device(exec, b);
    Array<float, 2> c(exec, {n, n});
    const unsigned tiles = static_cast<unsigned>((n + tile - 1) / tile);
    launch(exec, dim3(tiles, tiles), dim3(tile, tile), 0, multiply<tile, barriers>,
           Matrix<const float>(on_a.data(), {n, n}), Matrix<const float>(on_b.data(), {n, n}), c.view());
    const auto host = to_host(exec, c.view());
    double worst = 0;
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j) {
        double want = 0;
        for (index_t k = 0; k < n; ++k)
          want += static_cast<double>(a[static_cast<std::size_t>(i * n + k)]) *
                  static_cast<double>(b[static_cast<std::size_t>(k * n + j)]);
        const double off = std::abs(want - static_cast<double>(host.view()(i, j)));
        worst = off <= worst ? worst : off;  // NaN counts
      }
    return worst;
  }

  struct Sum {
    double sum;
    unsigned positive;
  };
  template <Barriers barriers>
  Sum sum_of(const std::vector<float>& x) {
    const auto on_x = to_device(exec, x);
    Array<double, 1> sum(exec, Extents<1>{1});
    Array<unsigned, 1> positive(exec, Extents<1>{1});
    fill_zero(exec, sum.view());
    fill_zero(exec, positive.view());
    launch(exec, dim3(8), dim3(256), 8 * sizeof(double), sum_up<barriers>, on_x.view(), sum.data(), positive.data());
    const auto host_positive = to_host(exec, positive.view());
    return {to_host(exec, sum.view()).data()[0], host_positive.data()[0]};
  }

  /// Whether a planted mistake shows in at least one order, as the tests run them.
  static bool shows(const std::function<bool()>& wrong) {
    bool any = false;
    for (Order order : {Order::forward, Order::reverse, Order::random}) {
      cuda_emulation::set_order(order);
      any = any || wrong();
    }
    return any;
  }
};

TEST_F(EmulatedKernel, MultipliesByTilesInEveryOrder) {
  for (Order order : kOrders) {
    cuda_emulation::set_order(order);
    // 121 products of numbers below 1, each rounded: 121 * 121 * 2^-24 at most.
    EXPECT_LT(error_of_product<Barriers::all>(121), 121 * 121 * std::ldexp(1.0, -24));
    EXPECT_LT(error_of_product<Barriers::all>(64), 64 * 64 * std::ldexp(1.0, -24));
  }
}

TEST_F(EmulatedKernel, SumsWithShufflesInEveryOrder) {
  const std::vector<float> x = noise(100003);
  double want = 0;
  unsigned positive = 0;
  for (float value : x) {
    want += static_cast<double>(value);
    positive += value > 0 ? 1 : 0;
  }
  for (Order order : kOrders) {
    cuda_emulation::set_order(order);
    const Sum got = sum_of<Barriers::all>(x);
    EXPECT_NEAR(got.sum, want, 1e-9);  // 1e5 additions of numbers below 1e5 in double: below 1e5 * 1e5 * 2^-53
    EXPECT_EQ(got.positive, positive);
  }
}

TEST_F(EmulatedKernel, SortsInSharedMemoryInEveryOrder) {
  const index_t frames = 61, pixels = 50;
  const std::vector<float> cube = noise(frames * pixels);
  for (Order order : kOrders) {
    cuda_emulation::set_order(order);
    const auto on_cube = to_device(exec, cube);
    Array<float, 1> out(exec, Extents<1>{pixels});
    launch(exec, dim3(static_cast<unsigned>(pixels)), dim3(256), 64 * sizeof(float), median_of_pixels,
           Matrix<const float>(on_cube.data(), {frames, pixels}), out.view());
    const auto host = to_host(exec, out.view());
    for (index_t p = 0; p < pixels; ++p) {
      std::vector<float> values;
      for (index_t t = 0; t < frames; ++t) values.push_back(cube[static_cast<std::size_t>(t * pixels + p)]);
      std::sort(values.begin(), values.end());
      ASSERT_EQ(host.data()[p], values[static_cast<std::size_t>(frames / 2)]);
    }
  }
}

TEST_F(EmulatedKernel, AMissingBarrierBeforeATileIsUsedAgainShows) {
  EXPECT_TRUE(shows([&] { return !(error_of_product<Barriers::one_missing>(64) < 1e-2); }));
}

TEST_F(EmulatedKernel, AMissingBarrierInAReductionShows) {
  const std::vector<float> ones(4096, 1.0f);
  EXPECT_TRUE(shows([&] { return sum_of<Barriers::one_missing>(ones).sum != 4096.0; }));
}

TEST_F(EmulatedKernel, ALaneThatNeverComesEndsTheProgram) {
  Array<float, 1> out(exec, Extents<1>{64});
  EXPECT_DEATH(
      {
        launch(exec, dim3(1), dim3(64), 0, call_without_all_lanes, out.data());
        exec.wait();
      },
      "deadlock|names a lane that has ended");
}

TEST_F(EmulatedKernel, WaitingAtDifferentBarriersEndsTheProgram) {
  Array<float, 1> out(exec, Extents<1>{64});
  EXPECT_DEATH(
      {
        launch(exec, dim3(1), dim3(64), 0, wait_at_different_places, out.data());
        exec.wait();
      },
      "deadlock");
}

TEST_F(EmulatedKernel, SharedMemoryBeyondTheLimitIsRefusedUnlessAskedFor) {
  const auto kernel = median_of_pixels;
  const Matrix<const float> cube(nullptr, {1, 1});
  const auto run = [&](std::size_t bytes) {
    Array<float, 1> out(exec, Extents<1>{1});
    const auto in = to_device(exec, std::vector<float>{3});
    launch(exec, dim3(1), dim3(32), bytes, kernel, Matrix<const float>(in.data(), {1, 1}), out.view());
    exec.wait();
  };
  EXPECT_THROW(run(100 * 1024), DeviceError);
  check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                             100 * 1024));
  run(100 * 1024);
  EXPECT_THROW(run(100 * 1024 + 1), DeviceError);
}

TEST_F(EmulatedKernel, SharedMemoryIsAskedForOnEachDevice) {
  const auto kernel = sum_up<Barriers::all>;
  check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                             100 * 1024));
  Exec other = on_device(1);
  for (Exec* each : {&exec, &other}) {
    const auto x = to_device(*each, std::vector<float>{1});
    Array<double, 1> sum(*each, Extents<1>{1});
    Array<unsigned, 1> positive(*each, Extents<1>{1});
    fill_zero(*each, sum.view());
    fill_zero(*each, positive.view());
    const auto run = [&] {
      launch(*each, dim3(1), dim3(32), 100 * 1024, kernel, x.view(), sum.data(), positive.data());
      each->wait();
    };
    if (each == &exec)
      run();
    else
      EXPECT_THROW(run(), DeviceError);
  }
}

TEST_F(EmulatedKernel, StaticSharedMemoryIsNaNInEveryBlock) {
  constexpr unsigned kBlocks = 40;  // more than workers, so that each runs several
  Array<SeenInShared, 1> out(exec, Extents<1>{kBlocks * 64});
  launch(exec, dim3(kBlocks), dim3(64), 0, read_static_shared, out.view());
  const auto host = to_host(exec, out.view());
  for (index_t i = 0; i < host.size(); ++i) {
    ASSERT_TRUE(std::isnan(host.data()[i].first)) << i;
    ASSERT_EQ(host.data()[i].again, 3) << i;
  }
}

TEST_F(EmulatedKernel, StaticAndDynamicSharedMemoryTogetherPassNoLimit) {
  Array<SeenInShared, 1> out(exec, Extents<1>{64});
  const auto run = [&](std::size_t dynamic) {
    launch(exec, dim3(1), dim3(64), dynamic, read_static_shared, out.view());
    exec.wait();
  };
  run(48 * 1024 - 64 * sizeof(float));
  EXPECT_DEATH(run(48 * 1024 - 63 * sizeof(float)), "static and dynamic shared memory together");
}

TEST_F(EmulatedKernel, ALaneOutsideTheMaskGivesNaN) {
  Array<float, 1> in_mask(exec, Extents<1>{8}), outside(exec, Extents<1>{8});
  Array<int, 1> integers(exec, Extents<1>{8});
  launch(exec, dim3(1), dim3(32), 0, ask_a_lane_outside_the_mask, in_mask.view(), outside.view(), integers.view());
  const auto right = to_host(exec, in_mask.view()), wrong = to_host(exec, outside.view());
  const auto wrong_integers = to_host(exec, integers.view());
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(right.data()[i], 7);
    EXPECT_TRUE(std::isnan(wrong.data()[i]));
    EXPECT_EQ(wrong_integers.data()[i], -1);
  }
}

TEST_F(EmulatedKernel, TooManyThreadsAreRefused) {
  Array<float, 1> out(exec, Extents<1>{1});
  EXPECT_THROW(launch(exec, dim3(1), dim3(1025), 0, wait_at_different_places, out.data()), DeviceError);
  EXPECT_THROW(launch(exec, dim3(1, 65536), dim3(1), 0, wait_at_different_places, out.data()), DeviceError);
}

TEST_F(EmulatedKernel, IsNotLaunchedWithMoreThreadsThanItsBound) {
  Array<unsigned, 1> count(exec, Extents<1>{1});
  const auto counted = [&](void (*kernel)(unsigned*), dim3 block) {
    fill_zero(exec, count.view());
    launch(exec, dim3(2), block, 0, kernel, count.data());
    return to_host(exec, std::as_const(count).view()).data()[0];
  };
  EXPECT_EQ(counted(count_some_threads<11>, dim3(33)), 66U);
  EXPECT_EQ(counted(count_some_threads<11>, dim3(11, 3)), 66U);
  EXPECT_THROW(counted(count_some_threads<11>, dim3(34)), DeviceError);
  EXPECT_THROW(counted(count_some_threads<11>, dim3(2, 17)), DeviceError);
  EXPECT_EQ(counted(count_some_threads<64>, dim3(192)), 384U);
  EXPECT_THROW(counted(count_some_threads<64>, dim3(193)), DeviceError);
  EXPECT_EQ(counted(count_threads, dim3(1024)), 2048U);  // and the device still works
}

}  // namespace
}  // namespace hci::test
