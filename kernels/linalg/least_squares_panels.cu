// SPDX-License-Identifier: MIT
// Cholesky's decomposition of many problems on CUDA's tuned path, panel of columns by panel.
//
// Floors, n members: n^3 / 3 flops in double, and each panel reads all columns before it once, 8 n^3 / (6 * 16) bytes.
// 489 libraries of 469 of 489 frames (17 GFLOP, 4.2 GB):
//   H200      34 TFLOP/s: 0.5 ms;  4.3 TB/s: 1 ms
//   GTX 1080  0.28 TFLOP/s: 60 ms;  0.28 TB/s: 15 ms
// Column by column it is 4/3 n^3 bytes, 67 GB: 16 ms and 0.24 s, and three barriers a column, which bound small sets.
// Of those what counts is latency: for a panel 1000 clocks until its numbers are there, 16 steps of some 150 for the
// square on its diagonal, 8 for each column before it, and 16 steps of 60 to substitute backwards: 61 members some 10
// us, where column by column takes 61 times some 700 clocks, and twice 61 times 150 to substitute, 34 us. Both are
// clocks of one problem alone; three share a multiprocessor here, four to 16 there.
// Shape: a block has a problem. A panel is 16 columns, and a thread has two of its rows in registers, 32 sums: for each
// column before it two numbers from memory, neighbours side by side, 8 double2 of the panel's own rows from shared
// memory, which all threads read alike, and 32 fmas, twice as many clocks as those reads. Panels of 8 would read twice
// as much memory, which on an H200 is what bounds; of 32 leave no registers. The square on the diagonal is worked on by
// 16 lanes of the first warp, whose rows it is, through shuffles. 168 registers: three blocks a multiprocessor, 12
// warps of 32 sums each. To ask for three makes ptxas spill, four the more (nvcc 13.0, sm_90). The right side is one
// more row: what becomes of it is the forward substitution. Panels lie one behind the other, each with the rows from
// its first column on: n^2 / 2 numbers a problem. cuSOLVER's potrfBatched does not serve: it stops at a pivot that is
// not positive, where this contract goes on without the frame, it knows no pivot that is all rounding, and a batch has
// one order, where libraries differ.
#include "kernels/linalg/least_squares_panels.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <utility>

#include "kernels/core/array.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/core/team.hpp"
#include "kernels/core/unroll.hpp"

#if HCI_HAVE_CUDA
namespace hci {
namespace {

constexpr int kWidth = 16, kRows = 2, kThreads = cuda_side::kTeam;
constexpr int kStaged = 32;  ///< columns of which the panel's own rows are in shared memory at a time, whole panels

/// The lower triangle of order n with one more row, panel by panel; behind it the n numbers of the solution. On the
/// diagonal are the reciprocals, 0 for a column that is zero.
struct Panels {
  double* data;
  index_t n;
  HCI_HD static constexpr index_t doubles(index_t n) {
    const index_t panels = (n + kWidth - 1) / kWidth;
    return kWidth * panels * (n + 1) - kWidth * kWidth * panels * (panels - 1) / 2;
  }
  /// Of the panel that begins with this column: element (i, first + k) is at [k * rows(first) + i - first].
  HCI_HD double* panel(index_t first) const { return data + first * (n + 1) - first * (first - kWidth) / 2; }
  HCI_HD index_t rows(index_t first) const { return n + 1 - first; }
  HCI_HD double* solution() const { return data + doubles(n); }
};

/// The square on a panel's diagonal: after its decomposition the rows of L, reciprocals on the diagonal.
struct Square {
  double* at;  // in shared memory; odd pitch, so that 16 rows are on 16 banks
  __device__ double& operator()(int i, int k) const { return at[i * (kWidth + 1) + k]; }
};

/// By the lanes of a warp, of which lane i has row i in `row`, the first `width` of them those of the square. A pivot
/// of at most `least` makes its column zero. What the others have becomes their rows of L, too.
__device__ void decompose_square(double (&row)[kWidth], int lane, int width, double least, const Square& square) {
  HCI_UNROLL
  for (int j = 0; j < kWidth; ++j) {
    const double pivot = __shfl_sync(0xFFFFFFFFU, row[j], j);
    const double reciprocal = j < width && pivot > least ? 1 / std::sqrt(pivot) : 0;
    row[j] *= reciprocal;
    HCI_UNROLL
    for (int k = j + 1; k < kWidth; ++k) row[k] -= row[j] * __shfl_sync(0xFFFFFFFFU, row[j], k);
    if (lane == j) row[j] = reciprocal;
  }
  if (lane >= kWidth) return;
  HCI_UNROLL
  for (int k = 0; k < kWidth; ++k) square(lane, k) = lane < width ? row[k] : 0;
}

/// Rows i[0], i[1] of a panel, less the products of the columns before it. Its own rows come through `staged`. All
/// threads of the block call it; threads whose rows lie beyond the last have numbers that nobody reads.
__device__ void subtract_products(const Panels& l, index_t first, int width, const index_t (&i)[kRows], double2* staged,
                                  double (&sum)[kRows][kWidth]) {
  for (index_t begin = 0; begin < first; begin += kStaged) {
    const int count = first - begin < kStaged ? static_cast<int>(first - begin) : kStaged;
    __syncthreads();  // before what others still read is overwritten
    for (int e = static_cast<int>(threadIdx.x); e < count * kWidth; e += kThreads) {
      const int k = e / kWidth, row = e % kWidth;
      const index_t panel = begin + k / kWidth * kWidth;
      reinterpret_cast<double*>(staged)[e] =
          row < width ? l.panel(panel)[k % kWidth * l.rows(panel) + first + row - panel] : 0;
    }
    __syncthreads();
    for (index_t panel = begin; panel < begin + count; panel += kWidth) {
      const double* const from = l.panel(panel);
      const index_t rows = l.rows(panel);
      const double2* mine = staged + (panel - begin) * (kWidth / 2);
      HCI_UNROLL_BY_4
      for (int k = 0; k < kWidth; ++k, mine += kWidth / 2) {
        double value[kRows];
        HCI_UNROLL
        for (int r = 0; r < kRows; ++r) value[r] = from[k * rows + i[r] - panel];
        HCI_UNROLL
        for (int c = 0; c < kWidth / 2; ++c) {
          const double2 of = mine[c];
          HCI_UNROLL
          for (int r = 0; r < kRows; ++r) {
            sum[r][2 * c] -= value[r] * of.x;
            sum[r][2 * c + 1] -= value[r] * of.y;
          }
        }
      }
    }
  }
}

/// The columns first .. first + width - 1, of all rows.
__device__ void make_panel(const Problem& problem, const Panels& l, index_t first, double added, double least,
                           double2* staged, const Square& square) {
  const index_t n = l.n, rank = threadIdx.x;
  const int width = n - first < kWidth ? static_cast<int>(n - first) : kWidth;
  double* const to = l.panel(first);
  const index_t rows = l.rows(first);
  for (index_t top = first; top <= n; top += kRows * kThreads) {
    index_t i[kRows];
    double sum[kRows][kWidth];
    HCI_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const index_t row = top + rank + r * kThreads;
      i[r] = row < n ? row : n;  // beyond the last row: that one again
      HCI_UNROLL
      for (int c = 0; c < kWidth; ++c) {  // neighbours of a row of the matrix, which is symmetric
        const index_t j = first + c;
        double value = 0;
        if (c < width) value = i[r] == n ? problem.right(j) : problem.product(j, i[r]) + (i[r] == j ? added : 0);
        sum[r][c] = value;
      }
    }
    subtract_products(l, first, width, i, staged, sum);
    if (top == first) {
      if (rank < 32) decompose_square(sum[0], static_cast<int>(rank), width, least, square);
      __syncthreads();
    }
    HCI_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const index_t row = top + rank + r * kThreads;
      if (row > n) continue;
      const index_t inside = row - first;
      const bool done = r == 0 && inside < 32;  // by decompose_square()
      HCI_UNROLL
      for (int c = 0; c < kWidth; ++c) {
        if (!done) {
          HCI_UNROLL
          for (int k = 0; k < c; ++k) sum[r][c] -= sum[r][k] * square(c, k);
          sum[r][c] *= square(c, c);
        }
        to[c * rows + inside] = c <= inside ? sum[r][c] : 0;
      }
    }
  }
  __syncthreads();
}

/// Lᵀ x = y, where y is the last row; from the last panel to the first. What a panel's numbers found take from those
/// before it goes to the threads by columns: of each the panel's rows, which lie side by side.
__device__ void substitute_backwards(const Panels& l, const Square& square) {
  const index_t n = l.n;
  double* const x = l.solution();
  for (index_t j = threadIdx.x; j < n; j += kThreads) {
    const index_t panel = j / kWidth * kWidth;
    x[j] = l.panel(panel)[(j - panel) * l.rows(panel) + n - panel];
  }
  for (index_t first = (n - 1) / kWidth * kWidth; first >= 0; first -= kWidth) {
    const int width = n - first < kWidth ? static_cast<int>(n - first) : kWidth;
    for (int e = static_cast<int>(threadIdx.x); e < width * width; e += kThreads)
      square(e % width, e / width) = l.panel(first)[e / width * l.rows(first) + e % width];
    __syncthreads();
    if (threadIdx.x < 32) {
      const int lane = static_cast<int>(threadIdx.x);
      double value = lane < width ? x[first + lane] : 0;
      for (int j = width - 1; j >= 0; --j) {
        const double found = __shfl_sync(0xFFFFFFFFU, value, j) * square(j, j);
        if (lane == j) value = found;
        if (lane < j) value -= square(j, lane) * found;
      }
      if (lane < width) x[first + lane] = value;
    }
    __syncthreads();
    for (index_t j = threadIdx.x; j < first; j += kThreads) {
      const index_t panel = j / kWidth * kWidth;
      const double* const column = l.panel(panel) + (j - panel) * l.rows(panel) + first - panel;
      double value = x[j];
      for (int row = 0; row < width; ++row) value -= column[row] * x[first + row];
      x[j] = value;
    }
    __syncthreads();
  }
}

struct Diagonal {
  double largest, sum;  ///< largest: NaN where the diagonal or the right side holds one
};

/// By all threads of the block.
__device__ Diagonal diagonal_of(const Problem& problem) {
  const cuda_side::Block team;
  double largest = 0, sum = 0;
  bool spoilt = false;
  for (index_t i = threadIdx.x; i < problem.size; i += kThreads) {
    const double here = problem.product(i, i);
    spoilt |= std::isnan(here) || std::isnan(problem.right(i));
    largest = here > largest ? here : largest;
    sum += here;
  }
  HCI_SHARED(double, most, kThreads);
  most[threadIdx.x] = largest;
  spoilt = __syncthreads_or(spoilt ? 1 : 0) != 0;
  largest = most[team.best(largest, threadIdx.x)];
  return {spoilt ? NAN : largest, team.sum(sum)};
}

__global__ void __launch_bounds__(kThreads)
    solve_in_panels(Problems problems, Vector<const index_t> large, double damping, index_t doubles, double* scratch,
                    Matrix<double> c) {
  HCI_SHARED(double2, staged, kStaged * kWidth / 2);
  HCI_SHARED(double, numbers, kWidth*(kWidth + 1));
  const Square square{numbers};
  for (index_t i = blockIdx.x; i < large.extent(0); i += gridDim.x) {
    const index_t b = large(i);
    const Problem problem = problems[b];
    const index_t n = problem.size;
    const Panels l{scratch + index_t(blockIdx.x) * doubles, n};
    const Diagonal diagonal = diagonal_of(problem);
    const double least = static_cast<double>(n) * DBL_EPSILON * diagonal.largest;
    const double added = damping * diagonal.sum / static_cast<double>(n);
    for (index_t first = 0; first < n; first += kWidth) make_panel(problem, l, first, added, least, staged, square);
    substitute_backwards(l, square);
    for (index_t j = threadIdx.x; j < c.extent(1); j += kThreads) c(b, j) = 0;
    __syncthreads();
    for (index_t j = threadIdx.x; j < n; j += kThreads)
      c(b, problem.member[j]) = std::isnan(diagonal.largest) ? NAN : l.solution()[j];
    __syncthreads();  // the next problem writes the same scratch
  }
}

}  // namespace

void solve_by_panels(Exec& exec, const Problems& problems, const std::vector<IndexSet>& sets, double damping,
                     Matrix<double> c) {
  std::vector<index_t> large;
  index_t most = 0;
  for (std::size_t b = 0; b < sets.size(); ++b) {
    const auto members = static_cast<index_t>(sets[b].size());
    if (members >= kPanelsFrom) large.push_back(static_cast<index_t>(b));
    most = std::max(most, members);
  }
  // 438 problems of 469 members: three blocks on each of 132 multiprocessors.
  constexpr index_t kMostBytes = index_t{384} << 20;
  const index_t doubles = Panels::doubles(most) + most;
  const index_t blocks = std::clamp<index_t>(scratch_bytes(kMostBytes) / (doubles * index_t{sizeof(double)}), 1,
                                             static_cast<index_t>(large.size()));
  const auto numbers = to_device(exec, std::move(large));
  Array<double, 2> scratch(exec, {blocks, doubles});
  launch(exec, dim3(static_cast<unsigned>(blocks)), dim3(kThreads), 0, solve_in_panels, problems, numbers.view(),
         damping, doubles, scratch.data(), c);
}

}  // namespace hci
#endif
