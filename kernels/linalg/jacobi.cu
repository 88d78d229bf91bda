// SPDX-License-Identifier: MIT
#include "kernels/linalg/jacobi.hpp"

#include <cfloat>
#include <cmath>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/linalg/eigh_crossover.hpp"

namespace hci {
namespace {

constexpr index_t kMostRows = crossover::kJacobiRows;

/// Columns count as orthogonal when their cosine is below this: a few roundings. What is left of the off-diagonal
/// elements then is below 5 eps of the norm each, and most are far below, since the last sweeps converge quadratically.
constexpr double kCosineLimit = 4 * DBL_EPSILON;

/// More than the norm |a|_2, which neither the Frobenius norm nor the widest row sum is below; and not much
/// more, since rounding grows with it. NaN and infinity stay.
HCI_HD double shift_for(double squares, double widest) {
  const double norm = std::sqrt(squares);
  return squares == 0 ? 1 : 1.25 * (widest < norm && std::isfinite(norm) ? widest : norm);
}

/// Power of two that brings the columns of a + shift to lengths between 0.2 and 4: no product of squares overflows.
HCI_HD double scale_for(double shift) { return std::isfinite(shift) ? std::ldexp(1.0, -std::ilogb(shift)) : 1; }

/// Whether columns of squared lengths xx, yy and scalar product xy are not orthogonal yet.
HCI_HD bool are_apart(double xx, double yy, double xy) { return xy * xy > kCosineLimit * kCosineLimit * (xx * yy); }

/// Rotation that makes them so; then their squared lengths are xx - t xy and yy + t xy.
struct Rotation {
  double t, c, s;
};
HCI_HD Rotation rotation(double xx, double yy, double xy) {
  const double difference = yy - xx, twice = difference < 0 ? -2 * xy : 2 * xy;
  const double t = twice / (std::fabs(difference) + std::sqrt(difference * difference + twice * twice));
  const double c = 1 / std::sqrt(1 + t * t);
  return {t, c, c * t};
}

/// One matrix, by one thread: the reference for the kernel below.
struct SolveAlone {
  View<const double, 3> a;
  int most_sweeps;
  View<double, 3> columns;
  Matrix<double> squared_lengths;
  Matrix<double> values;
  View<double, 3> vectors;

  HCI_HD void operator()(index_t b) const {
    const index_t n = a.extent(1), k = values.extent(1);
    const Matrix<double> x = columns[b];
    const Vector<double> square = squared_lengths[b];
    double squares = 0, widest = 0;
    for (index_t i = 0; i < n; ++i) {
      double width = 0;
      for (index_t j = 0; j < n; ++j) {
        squares += a(b, i, j) * a(b, i, j);
        width += std::fabs(a(b, i, j));
      }
      widest = width > widest ? width : widest;
    }
    const double shift = shift_for(squares, widest), scale = scale_for(shift);
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j) x(i, j) = scale * (a(b, i, j) + (i == j ? shift : 0));
    bool solved = false;
    for (int sweep = 0; sweep < most_sweeps && std::isfinite(shift) && !solved; ++sweep) solved = !turn_all(x, square);
    for (index_t i = 0; i < n; ++i) {
      index_t rank = solved ? 0 : i;
      for (index_t j = 0; j < n && solved; ++j)
        rank += square(j) > square(i) || (square(j) == square(i) && j < i) ? 1 : 0;
      if (rank >= k) continue;
      const double length = std::sqrt(square(i));
      values(b, rank) = solved ? rayleigh(a[b], x[i]) / square(i) : NAN;
      for (index_t r = 0; r < n; ++r) vectors(b, rank, r) = solved ? x(i, r) / length : NAN;
    }
  }
  /// Not from the length of the column: each of hundreds of rotations changes that by a rounding.
  HCI_HD static double rayleigh(const Matrix<const double>& a, const Vector<double>& x) {
    double sum = 0;
    for (index_t r = 0; r < x.extent(0); ++r) {
      double ax = 0;
      for (index_t q = 0; q < x.extent(0); ++q) ax += a(q, r) * x(q);
      sum += ax * x(r);
    }
    return sum;
  }
  HCI_HD static double product(const Matrix<double>& x, index_t i, index_t j) {
    double sum = 0;
    for (index_t r = 0; r < x.extent(1); ++r) sum += x(i, r) * x(j, r);
    return sum;
  }
  /// One sweep; whether anything was turned.
  HCI_HD static bool turn_all(const Matrix<double>& x, const Vector<double>& square) {
    const index_t n = x.extent(0);
    bool turned = false;
    for (index_t i = 0; i < n; ++i) square(i) = product(x, i, i);
    for (index_t i = 0; i < n; ++i)
      for (index_t j = i + 1; j < n; ++j) {
        const double xy = product(x, i, j);
        if (!are_apart(square(i), square(j), xy)) continue;
        turned = true;
        const Rotation by = rotation(square(i), square(j), xy);
        square(i) -= by.t * xy;
        square(j) += by.t * xy;
        for (index_t r = 0; r < n; ++r) {
          const double p = x(i, r), q = x(j, r);
          x(i, r) = by.c * p - by.s * q;
          x(j, r) = by.s * p + by.c * q;
        }
      }
    return turned;
  }
};

#if HCI_HAVE_CUDA
// One block for each matrix, which stays in shared memory: global traffic is 16 n^2 bytes a problem,
// 16 n^2 more from the cache, for the norm and the Rayleigh quotients. A sweep is n - 1 rounds of n / 2 independent
// column pairs; a pair costs 2 n (product) + 6 n (rotation) flops and moves 32 n bytes of shared memory,
// so 4 n^3 flops and 16 n^3 bytes a sweep; frames of speckles take 10 to 14 sweeps. For n = 64: 12 x (1.0 MFLOP,
// 4.2 MB).
//
// Floors for n = 64, all multiprocessors busy. H200 (132 x 128 B x 1.8 GHz = 30 TB/s shared, 34 TFLOP/s
// float64): 1.7 us a problem, bound by shared memory (0.4 us of flops). GTX 1080 (20 x 128 B x 1.7 GHz =
// 4.4 TB/s, 0.28 TFLOP/s float64): 45 us, bound by float64. One problem alone has one multiprocessor: a round moves
// 64 KB, 512 cycles, and its four warps wait together for some 300 more (a sum of 16 terms, two shuffles, two roots,
// two divisions, a barrier): 63 x 12 rounds take 220 us by the traffic, 340 us with the latency. In batches the
// other blocks of the multiprocessor fill those waits.
// Not done: Cholesky with pivots first and Jacobi on the factor. It saves 1 to 3 of 10 to 14 sweeps for frames (11 of
// 20 for a spectrum of 16 decades), and itself takes as long as one.
//
// Shape: four lanes hold a pair of columns in registers (n / 4 rows each), so that products and rotation
// read each element once, and two shuffles make a sum; 2 n threads play a whole round at once.
// Column starts are 4 modulo 16 doubles apart: the four pairs of a half-warp, neighbours in the
// tournament, use different banks. n = 64: 38 KiB and 128 threads of 128 registers: four blocks on a
// multiprocessor, for which its registers are the limit; n = 96: 81 KB, two blocks, which both limits allow. On a
// GTX 1080 (96 KiB of a multiprocessor, 48 KiB of a block) n = 64 has two blocks, and 68 rows are the most (with
// the 3840 B of static shared memory; 69 have columns 84 doubles apart).
constexpr int kLanes = 4;

/// Tournament of `players` (even): in each of players - 1 rounds everybody meets somebody else.
struct Pair {
  index_t i, j;
};
HCI_HD Pair opponents(index_t players, index_t round, index_t game) {
  const index_t ring = players - 1;
  if (game == 0) return {ring, round};
  const index_t i = round + game, j = round - game;
  return {i < ring ? i : i - ring, j < 0 ? j + ring : j};
}

HCI_HD constexpr index_t column_stride(index_t n) { return (n + 11) / 16 * 16 + 4; }

std::size_t shared_bytes(index_t n) { return static_cast<std::size_t>(n * column_stride(n)) * sizeof(double); }

__device__ inline double sum_of_group(double v) {
  for (int step = kLanes / 2; step > 0; step /= 2) v += __shfl_xor_sync(~0U, v, step, kLanes);
  return v;
}

/// The part of a column that a lane holds.
template <int kRows>
struct Part {
  double x[kRows];
  __device__ Part(const double* column, int lane, int n) {
    for (int i = 0; i < kRows; ++i) x[i] = lane + i * kLanes < n ? column[lane + i * kLanes] : 0;
  }
  __device__ double dot(const Part& other) const {
    double sum = 0;
    for (int i = 0; i < kRows; ++i) sum += x[i] * other.x[i];
    return sum_of_group(sum);
  }
  __device__ void store(double* column, int lane, int n) const {
    for (int i = 0; i < kRows; ++i)
      if (lane + i * kLanes < n) column[lane + i * kLanes] = x[i];
  }
};

/// A sweep by a block; whether this thread's group turned anything. Every lane takes part in every
/// shuffle: groups without a pair work on nothing. The squared lengths are made anew at its beginning, since each
/// rotation adds a rounding to them: so they are exact for a sweep that turns nothing. Each lane has its own copy of
/// them (all the same bits), so that none of a group waits for another's reading before it writes.
template <int kRows>
__device__ bool sweep_of_block(double* columns, double* squares, int n, int groups, int group, int lane) {
  const int stride = static_cast<int>(column_stride(n)), players = n + n % 2;
  bool turned = false;
  for (int first = 0; first < n; first += groups) {
    const int c = first + group;
    const Part<kRows> x(columns + c * stride, lane, c < n ? n : 0);
    const double square = x.dot(x);
    if (c < n) squares[c * kLanes + lane] = square;
  }
  __syncthreads();
  for (int round = 0; round < players - 1; ++round) {
    for (int first = 0; first < players / 2; first += groups) {
      const int game = first + group;
      Pair pair{0, 0};
      if (game < players / 2) pair = opponents(players, round, game);
      const bool real = game < players / 2 && pair.i < n && pair.j < n;
      double *const at_x = columns + pair.i * stride, *const at_y = columns + pair.j * stride;
      Part<kRows> x(at_x, lane, real ? n : 0), y(at_y, lane, real ? n : 0);
      const int of_x = static_cast<int>(pair.i) * kLanes + lane, of_y = static_cast<int>(pair.j) * kLanes + lane;
      const double xx = real ? squares[of_x] : 0, yy = real ? squares[of_y] : 0, xy = x.dot(y);
      if (are_apart(xx, yy, xy)) {
        turned = true;
        const Rotation by = rotation(xx, yy, xy);
        for (int i = 0; i < kRows; ++i) {
          const double p = x.x[i], q = y.x[i];
          x.x[i] = by.c * p - by.s * q;
          y.x[i] = by.s * p + by.c * q;
        }
        x.store(at_x, lane, n);
        y.store(at_y, lane, n);
        squares[of_x] = xx - by.t * xy;
        squares[of_y] = yy + by.t * xy;
      }
    }
    __syncthreads();
  }
  return turned;
}

/// Threads of a block, and blocks of a multiprocessor for which the registers shall do (ptxas finds room for them
/// without spills; a fifth block of 64 rows would spill).
constexpr int block_threads(int rows) { return 2 * kLanes * rows; }
constexpr int resident_blocks(int rows) { return rows == 24 ? 2 : rows == 16 ? 4 : rows == 8 ? 12 : 32; }

template <int kRows>
__global__ void __launch_bounds__(block_threads(kRows), resident_blocks(kRows))
    solve_in_block(View<const double, 3> a, int most_sweeps, Matrix<double> values, View<double, 3> vectors) {
  HCI_DYNAMIC_SHARED(double, columns);
  HCI_SHARED(double, squares, kMostRows* kLanes);
  HCI_SHARED(double, widths, kMostRows);
  const int n = static_cast<int>(a.extent(1)), stride = static_cast<int>(column_stride(n));
  const int lane = static_cast<int>(threadIdx.x) % kLanes, group = static_cast<int>(threadIdx.x) / kLanes;
  const int groups = static_cast<int>(blockDim.x) / kLanes;
  for (index_t b = blockIdx.x; b < a.extent(0); b += gridDim.x) {
    for (int first = 0; first < n; first += groups) {
      const int c = first + group;
      double square = 0, width = 0;
      for (int r = lane; c < n && r < n; r += kLanes) {
        const double value = a(b, c, r);
        square += value * value;
        width += std::fabs(value);
      }
      square = sum_of_group(square);
      width = sum_of_group(width);
      if (c < n) squares[c * kLanes + lane] = square;
      if (c < n && lane == 0) widths[c] = width;
    }
    __syncthreads();
    double all = 0, widest = 0;
    for (int c = 0; c < n; ++c) {  // by all: cheaper than one more barrier
      all += squares[c * kLanes + lane];
      widest = widths[c] > widest ? widths[c] : widest;
    }
    const double shift = shift_for(all, widest), scale = scale_for(shift);
    for (int first = 0; first < n; first += groups)  // from the cache
      for (int c = first + group, r = lane; c < n && r < n; r += kLanes)
        columns[c * stride + r] = scale * (a(b, c, r) + (r == c ? shift : 0));
    __syncthreads();
    bool solved = false;
    for (int sweep = 0; sweep < most_sweeps && std::isfinite(shift) && !solved; ++sweep)
      solved = __syncthreads_or(sweep_of_block<kRows>(columns, squares, n, groups, group, lane)) == 0;
    for (int first = 0; first < n; first += groups) {
      const int c = first + group;
      const double square = solved && c < n ? squares[c * kLanes + lane] : NAN, length = std::sqrt(square);
      index_t rank = solved ? 0 : c;
      for (int j = 0; j < n && solved; ++j) {
        const double other = squares[j * kLanes + lane];
        rank += other > square || (other == square && j < c) ? 1 : 0;
      }
      const bool wanted = c < n && rank < values.extent(1);
      const double* const x = columns + c * stride;
      double sum = 0;
      for (int r = lane; wanted && r < n; r += kLanes) {
        double ax = 0;  // the matrix comes from the cache, in its rows
        for (int q = 0; q < n; ++q) ax += a(b, q, r) * x[q];
        sum += ax * x[r];
        vectors(b, rank, r) = x[r] / length;
      }
      sum = sum_of_group(sum);
      if (wanted && lane == 0) values(b, rank) = sum / square;
    }
    __syncthreads();
  }
}

template <int kRows>
void launch_blocks(Exec& exec, View<const double, 3> a, int most_sweeps, Matrix<double> values,
                   View<double, 3> vectors) {
  const index_t n = a.extent(1);
  const std::size_t bytes = shared_bytes(n);
  allow_shared_memory(exec, &solve_in_block<kRows>, bytes);
  static_assert((kRows * kLanes + 1) / 2 * kLanes <= block_threads(kRows), "n is up to kRows * kLanes");
  const index_t threads = (n + 1) / 2 * kLanes;
  const dim3 grid(cuda_side::blocks_for(a.extent(0), 1, cuda_side::kMostBlocksX));
  launch(exec, grid, dim3(static_cast<unsigned>((threads + 31) / 32 * 32)), bytes, solve_in_block<kRows>, a,
         most_sweeps, values, vectors);
}

void solve_in_blocks(Exec& exec, View<const double, 3> a, int most_sweeps, Matrix<double> values,
                     View<double, 3> vectors) {
  const index_t n = a.extent(1);
  if (n <= 16) return launch_blocks<4>(exec, a, most_sweeps, values, vectors);
  if (n <= 32) return launch_blocks<8>(exec, a, most_sweeps, values, vectors);
  if (n <= 64) return launch_blocks<16>(exec, a, most_sweeps, values, vectors);
  static_assert(kMostRows <= 24 * kLanes);
  launch_blocks<24>(exec, a, most_sweeps, values, vectors);
}
#endif

}  // namespace

index_t jacobi_most_rows([[maybe_unused]] Exec& exec) {
  index_t most = kMostRows;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    int bytes = 0;
    check(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, exec.cuda().device()));
    while (shared_bytes(most) + (kLanes + 1) * kMostRows * sizeof(double) > static_cast<std::size_t>(bytes)) --most;
  }
#endif
  return most;
}

void jacobi_eigh(Exec& exec, View<const double, 3> a, Matrix<double> values, View<double, 3> vectors, int most_sweeps) {
  const index_t n = a.extent(1), k = values.extent(1);
  require(n >= 1 && a.extent(2) == n && a.is_dense(), "jacobi_eigh: the matrices are (", n, ", ", a.extent(2), ")");
  require(n <= jacobi_most_rows(exec), "jacobi_eigh: matrices of order ", n, "; here ", jacobi_most_rows(exec),
          " is the most: use eigh_top_batch");
  require(k >= 1 && k <= n && values.extent(0) == a.extent(0), "jacobi_eigh: ", k, " pairs of order ", n);
  require(vectors.extents() == Extents<3>{a.extent(0), k, n}, "jacobi_eigh: the vectors do not fit");
  require(most_sweeps > 0, "jacobi_eigh: ", most_sweeps, " sweeps; one at least sees whether there is anything to do");
  if (a.extent(0) == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned()) return solve_in_blocks(exec, a, most_sweeps, values, vectors);
#endif
  Array<double, 3> columns(exec, a.extents());
  Array<double, 2> squares(exec, {a.extent(0), n});
  for_each(exec, Extents<1>{a.extent(0)}, SolveAlone{a, most_sweeps, columns.view(), squares.view(), values, vectors});
}

}  // namespace hci
