// SPDX-License-Identifier: MIT
// Products of some 15 to 30 vectors in double with float32 rows, which become doubles in registers. BLAS has tiles of x
// widened for it, copies those once more into its panels, for so few rows of v as much work as the products, and
// does both again for the second product: svd_top() of 20 pairs of (4000, 8100) takes 613 ms by it and 293
// by this, svd_randomized() 417 and 208, of (28800, 1024) and 10 pairs 460 and 178 (in turns, processor time of one
// thread on an EPYC (Zen 5) that others used, too, 2026-11-29; some of svd_randomized() are the random numbers). A
// product of (489, 2500) and 30 vectors runs at 100 Gflop/s, dgemm at 104.
//
// Two products: scores = v x, whose lanes are columns, as x lies: eight vectors (four with AVX) by three registers of
// columns, x read in place; then w += scores xᵀ, scalar products along the columns of as many vectors by three rows,
// whose lanes are added up at the end of each tile of columns. A tile of scores stays in the second-level cache while
// the rows pass by, and of it what eight vectors need in the first one.

// Nothing of this crosses a library's boundary, so it is no matter how such vectors are passed.
#pragma GCC diagnostic ignored "-Wpsabi"

#include "kernels/linalg/rows_operator_cpu.hpp"

#include <algorithm>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#include "kernels/linalg/gram_tile.hpp"
#include "kernels/linalg/in_register.hpp"

namespace hci::cpu {
namespace {

constexpr int kLanes = kTileLanes, kVectors = 3;
constexpr int kGroup = kLanes;                   // vectors of v that are worked on together
constexpr index_t kColumns = kVectors * kLanes;  // of x in registers
constexpr index_t kStrip = 168;                  // columns of scores that one thread makes
constexpr index_t kTile = 3 * kStrip;            // columns of a scalar product
constexpr index_t kRowsAtOnce = 256;             // of a few columns of x, which stay in the first-level cache
constexpr index_t kBlock = 2 * kVectors;         // rows of x, of a tile, that stay there, too
static_assert(kStrip % kColumns == 0 && kTile == kTileOfVectors);

using Lanes = double __attribute__((vector_size(kLanes * sizeof(double))));

index_t divided_up(index_t n, index_t by) { return (n + by - 1) / by; }

// What gcc 12 makes of __builtin_convertvector takes the registers apart by way of memory: 18 Gflop/s with AVX in place
// of 48, for (489, 2500) and 30 vectors (one core of an EPYC (Zen 5), 2026-11-29). And without a mask it warns of its
// own header.
#if defined(__AVX512F__)
Lanes widened(const float* from) { return _mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(from)); }
#elif defined(__AVX__)
Lanes widened(const float* from) { return _mm256_cvtps_pd(_mm_loadu_ps(from)); }
#else
using Floats = float __attribute__((vector_size(kLanes * sizeof(float)), aligned(4)));
Lanes widened(const float* from) { return __builtin_convertvector(*reinterpret_cast<const Floats*>(from), Lanes); }
#endif

template <int... kFrom>
auto taken(const Lanes& a, const Lanes& b) {
  return __builtin_shufflevector(a, b, kFrom...);
}

/// Lane i: the sum of the lanes of v[i].
Lanes sums_of_lanes(const Lanes* v) {
#if defined(__AVX512F__)
  const auto pairs = [](const Lanes& a, const Lanes& b) {
    return taken<0, 8, 2, 10, 4, 12, 6, 14>(a, b) + taken<1, 9, 3, 11, 5, 13, 7, 15>(a, b);
  };
  const auto fours = [](const Lanes& a, const Lanes& b) {
    return taken<0, 1, 8, 9, 4, 5, 12, 13>(a, b) + taken<2, 3, 10, 11, 6, 7, 14, 15>(a, b);
  };
  const Lanes low = fours(pairs(v[0], v[1]), pairs(v[2], v[3])), high = fours(pairs(v[4], v[5]), pairs(v[6], v[7]));
  return taken<0, 1, 2, 3, 8, 9, 10, 11>(low, high) + taken<4, 5, 6, 7, 12, 13, 14, 15>(low, high);
#elif defined(__AVX__)
  const auto pairs = [](const Lanes& a, const Lanes& b) { return taken<0, 4, 2, 6>(a, b) + taken<1, 5, 3, 7>(a, b); };
  const Lanes low = pairs(v[0], v[1]), high = pairs(v[2], v[3]);
  return taken<0, 1, 4, 5>(low, high) + taken<2, 3, 6, 7>(low, high);
#else
  return taken<0, 2>(v[0], v[1]) + taken<1, 3>(v[0], v[1]);
#endif
}

/// scores(i, 0 .. kColumns - 1) (+)= the sum over t of v(t, i) x(t, :), for the kGroup rows i of a tile of scores.
void add_scores(const float* x, index_t stride, index_t rows, const double* v, bool start, double* scores) {
  Lanes sum[kGroup][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kGroup; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j)
      sum[i][j] = start ? Lanes{} : reinterpret_cast<const Lanes*>(scores + i * kTile)[j];
  for (index_t t = 0; t < rows; ++t, x += stride, v += kGroup) {
    Lanes of_x[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      of_x[j] = widened(x + j * kLanes);
      HCI_IN_REGISTER(of_x[j]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < kGroup; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[i][j] += v[i] * of_x[j];
  }
#pragma GCC unroll 8
  for (int i = 0; i < kGroup; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) reinterpret_cast<Lanes*>(scores + i * kTile)[j] = sum[i][j];
}

/// out(t, i) += scores(i, :) . x(t, :) over `depth` columns, for the kGroup rows i of a tile of scores and the first
/// `rows` of kVectors rows of x.
void add_dots(const double* scores, const float* x, index_t stride, index_t depth, index_t rows, double* out) {
  Lanes sum[kVectors][kGroup] = {};
  for (index_t p = 0; p < depth; p += kLanes) {
    Lanes of_x[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      of_x[j] = widened(x + j * stride + p);
      HCI_IN_REGISTER(of_x[j]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < kGroup; ++i) {
      Lanes score = *reinterpret_cast<const Lanes*>(scores + i * kTile + p);
      HCI_IN_REGISTER(score);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[j][i] += score * of_x[j];
    }
  }
#pragma GCC unroll 4
  for (int j = 0; j < kVectors; ++j) {
    const Lanes sums = sums_of_lanes(sum[j]);
    if (j < rows) reinterpret_cast<Lanes*>(out)[j] += sums;
  }
}

/// A matrix of floats and its flags, without the columns behind the last one in use.
struct Rows {
  Matrix<const float> x;
  UsedColumns used;
  index_t count, columns;
  Rows(Matrix<const float> of, UsedColumns flags) : x(of), used(flags), count(of.extent(0)), columns(of.extent(1)) {
    while (used.size() > 0 && columns > 0 && used(columns - 1) == 0) --columns;
  }
  /// Columns first .. first + width of row t, 0 for what is not used, up to `padded` and beyond the last row.
  void copy(index_t t, index_t first, index_t width, index_t padded, float* to) const {
    if (t >= count) width = 0;
    if (width > 0) {
      const float* const from = &x(t, first);
      if (used.size() == 0) {
        std::copy_n(from, width, to);
      } else {
        const std::uint8_t* const flag = &used(first);
        const index_t step = used.stride(0);
        if (step == 1)
          for (index_t p = 0; p < width; ++p) to[p] = flag[p] != 0 ? from[p] : 0.0F;
        else
          for (index_t p = 0; p < width; ++p) to[p] = flag[p * step] != 0 ? from[p] : 0.0F;
      }
    }
    std::fill(to + width, to + padded, 0.0F);
  }
};

/// Scores of r vectors: tile after tile of columns, of it group after group of vectors.
index_t groups_of(index_t vectors) { return divided_up(vectors, kGroup); }
index_t tile_size(index_t groups) { return groups * kGroup * kTile; }

/// Columns first .. first + width, at most a strip of them, of all scores.
///   v (group, t, kGroup)   scores: where the strip begins in its tile
void make_scores(const Rows& rows, index_t first, index_t width, const double* v, index_t groups, double* scores) {
  alignas(64) float last[kRowsAtOnce * kColumns];
  for (index_t t = 0; t < rows.count; t += kRowsAtOnce) {
    const index_t some = std::min(kRowsAtOnce, rows.count - t);
    for (index_t p = 0; p < width; p += kColumns) {
      const float* x = &rows.x(t, first + p);
      index_t stride = rows.x.stride(0);
      if (p + kColumns > width) {
        for (index_t i = 0; i < some; ++i) {
          std::copy_n(x + i * stride, width - p, last + i * kColumns);
          std::fill(last + i * kColumns + width - p, last + (i + 1) * kColumns, 0.0F);
        }
        x = last;
        stride = kColumns;
      }
      for (index_t g = 0; g < groups; ++g)
        add_scores(x, stride, some, v + (g * rows.count + t) * kGroup, t == 0, scores + g * kGroup * kTile + p);
    }
  }
  if (rows.used.size() == 0) return;
  for (index_t p = 0; p < width; ++p)
    if (rows.used(first + p) == 0)
      for (index_t i = 0; i < groups * kGroup; ++i) scores[i * kTile + p] = 0;
}

/// sums (group, t, kGroup) += scores xᵀ for columns first .. first + width. To be called by all threads of a team,
/// which share the rows in the same way each time: whoever waits for them before and after.
void add_tiles(const Rows& rows, index_t first, index_t width, const double* scores, index_t groups, double* sums) {
  for (index_t begin = 0; begin < width; begin += kTile) {
    const double* const tile = scores + begin / kTile * tile_size(groups);
    const index_t across = std::min(kTile, width - begin), depth = divided_up(across, kColumns) * kColumns;
#pragma omp for schedule(static) nowait
    for (index_t block = 0; block < divided_up(rows.count, kBlock); ++block) {
      alignas(64) float copies[kBlock][kTile];
      const index_t top = block * kBlock, column = first + begin;
      const bool in_place = rows.used.size() == 0 && depth == across && top + kBlock <= rows.count;
      const float* const x = in_place ? &rows.x(top, column) : copies[0];
      const index_t stride = in_place ? rows.x.stride(0) : kTile;
      for (index_t i = 0; i < kBlock && !in_place; ++i) rows.copy(top + i, column, across, depth, copies[i]);
      for (index_t g = 0; g < groups; ++g)
        for (index_t i = 0; i < kBlock && top + i < rows.count; i += kVectors)
          add_dots(tile + g * kGroup * kTile, x + i * stride, stride, depth, rows.count - top - i,
                   sums + (g * rows.count + top + i) * kGroup);
    }
  }
}

/// How many tiles of scores are made before they are multiplied: of few rows so many that x is read from memory once,
/// of many enough for all threads.
index_t tiles_at_once(const Rows& rows) {
  constexpr index_t kBytes = index_t{8} << 20, kLeast = 8, kMost = 64;
  const index_t of_tile = rows.count * kTile * static_cast<index_t>(sizeof(float));
  return std::min(std::clamp(kBytes / of_tile, kLeast, kMost), divided_up(rows.columns, kTile));
}

/// A team's share of w to the sums by groups, or of zeros; and back.
void begin_sums(const Matrix<double>& w, bool add, index_t groups, double* sums) {
  const index_t count = w.extent(1);
#pragma omp for schedule(static)
  for (index_t r = 0; r < groups * kGroup; ++r) {
    double* const to = sums + r / kGroup * count * kGroup + r % kGroup;
    for (index_t t = 0; t < count; ++t) to[t * kGroup] = add && r < w.extent(0) ? w(r, t) : 0;
  }
}
void end_sums(const double* sums, const Matrix<double>& w) {
  const index_t count = w.extent(1);
#pragma omp for schedule(static)
  for (index_t r = 0; r < w.extent(0); ++r) {
    const double* const from = sums + r / kGroup * count * kGroup + r % kGroup;
    for (index_t t = 0; t < count; ++t) w(r, t) = from[t * kGroup];
  }
}

}  // namespace

void multiply_by_rows(Exec& exec, Matrix<const float> x, UsedColumns used, Matrix<const double> v, Matrix<double> w) {
  const Rows rows(x, used);
  const index_t vectors = v.extent(0), groups = groups_of(vectors), tiles = tiles_at_once(rows);
  Array<double, 1> scores(exec, {tiles * tile_size(groups)}), packed(exec, {groups * rows.count * kGroup});
  Array<double, 1> sums(exec, packed.extents());
#pragma omp parallel num_threads(exec.threads())
  {
    begin_sums(w, false, groups, sums.data());
#pragma omp for schedule(static)
    for (index_t item = 0; item < groups * rows.count; ++item)
      for (index_t i = 0; i < kGroup; ++i) {
        const index_t r = item / rows.count * kGroup + i;
        packed.data()[item * kGroup + i] = r < vectors ? v(r, item % rows.count) : 0;
      }
    for (index_t first = 0; first < rows.columns; first += tiles * kTile) {
      const index_t width = std::min(tiles * kTile, rows.columns - first);
#pragma omp for schedule(static)
      for (index_t strip = 0; strip < divided_up(width, kStrip); ++strip) {
        const index_t begin = strip * kStrip;
        double* const to = scores.data() + begin / kTile * tile_size(groups) + begin % kTile;
        make_scores(rows, first + begin, std::min(kStrip, width - begin), packed.data(), groups, to);
      }
      add_tiles(rows, first, width, scores.data(), groups, sums.data());
#pragma omp barrier
    }
    end_sums(sums.data(), w);
  }
}

PackedVectors pack_vectors(Exec& exec, Matrix<const double> v) {
  const index_t vectors = v.extent(0), columns = v.extent(1), groups = groups_of(vectors);
  const index_t tiles = divided_up(columns, kTile);
  PackedVectors made{Array<double, 1>(exec, {tiles * tile_size(groups)}), vectors};
#pragma omp parallel for schedule(static) num_threads(exec.threads())
  for (index_t row = 0; row < tiles * groups * kGroup; ++row) {
    const index_t first = row / (groups * kGroup) * kTile, r = row % (groups * kGroup);
    const index_t width = r < vectors ? std::min(kTile, columns - first) : 0;
    double* const to = made.packed.data() + row * kTile;
    if (width > 0) std::copy_n(&v(r, first), width, to);
    std::fill(to + width, to + kTile, 0.0);
  }
  return made;
}

void multiply_with_rows(Exec& exec, const PackedVectors& v, Matrix<const float> x, UsedColumns used, bool add,
                        Matrix<double> w) {
  const Rows rows(x, used);
  const index_t groups = groups_of(v.count);
  Array<double, 1> sums(exec, {groups * rows.count * kGroup});
#pragma omp parallel num_threads(exec.threads())
  {
    begin_sums(w, add, groups, sums.data());
    add_tiles(rows, 0, rows.columns, v.packed.data(), groups, sums.data());
#pragma omp barrier
    end_sums(sums.data(), w);
  }
}

}  // namespace hci::cpu
