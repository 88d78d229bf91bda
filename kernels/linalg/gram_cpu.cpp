// SPDX-License-Identifier: MIT
// Scalar products of float32 rows in double. The rows become doubles on their way into packed panels,
// where BLAS would pack a copy of doubles once more for each tile, and only half of a symmetric result is
// made: for (489, 44100) 40 Gflop/s a core, where tiles of dgemm gave 29 and dgemm has 41 at best
// (Zen 4, AVX2, 2026-11-23). Of tiles at the edge and on the diagonal only what is wanted is made, which saves next
// to nothing of 489 rows and a third of the products of 61 (12 annuli: 0.39 ms, 0.51 with whole tiles; one core,
// AVX-512, 2026-11-29).

// Nothing of this crosses a library's boundary, so it is no matter how such vectors are passed.
#pragma GCC diagnostic ignored "-Wpsabi"

#include "kernels/linalg/gram_cpu.hpp"

#include <algorithm>

#include "kernels/core/array.hpp"
#include "kernels/linalg/gram_tile.hpp"

namespace hci::cpu {
namespace {

constexpr index_t kDepth = 128;  // columns at once: two panels of them stay in the first-level cache
constexpr index_t kGroup = 8;    // panels of b that make a task with one of a

index_t divided_up(index_t n, index_t by) { return (n + by - 1) / by; }

/// Rows of one operand that are worked on together: packed, they stay in the second-level cache.
struct Block {
  Matrix<const float> x;
  index_t first, rows;
  index_t panels() const { return divided_up(rows, kPanel); }
};

/// Blocks of equal size: which rows meet in which block depends on nothing but the shape.
index_t block_rows(index_t rows) {
  constexpr index_t kMost = 504;
  const index_t blocks = divided_up(rows, kMost);
  return divided_up(divided_up(rows, blocks), kPanel) * kPanel;
}

/// Columns first .. first + width of the rows of a panel, in double, to packed[column * kPanel + row];
/// 0 beyond the last row, for columns that are not used, and for columns up to a multiple of 4.
void pack(const Block& block, index_t panel, UsedColumns used, index_t first, index_t width, double* packed) {
  alignas(64) float rows[kPanel][kDepth];
  const float* row[kPanel];
  for (index_t r = 0; r < kPanel; ++r) {
    const index_t t = panel * kPanel + r;
    const bool there = t < block.rows;
    const float* from = there ? block.x.data() + (block.first + t) * block.x.stride(0) + first : nullptr;
    row[r] = rows[r];
    if (there && used.size() == 0 && width % 4 == 0) {
      row[r] = from;
      continue;
    }
    for (index_t p = 0; p < width; ++p) rows[r][p] = there && (used.size() == 0 || used(first + p) != 0) ? from[p] : 0;
    std::fill(rows[r] + width, rows[r] + divided_up(width, 4) * 4, 0.0F);
  }
  for (index_t p = 0; p < width; p += 4)
    for (index_t r = 0; r < kPanel; r += 4) turn_4x4(&row[r], p, packed + p * kPanel + r);
}

/// The part of g where the rows of two blocks meet. Where `lower`, they are the same block, and its
/// panels above the diagonal are mirror images.
struct Meeting {
  Block a, b;
  bool lower;
  Matrix<double> g;

  index_t groups() const { return divided_up(b.panels(), kGroup); }
  index_t tasks() const { return a.panels() * groups(); }
  index_t rows(index_t panel_of_a) const { return std::min(kPanel, a.rows - panel_of_a * kPanel); }
  bool on_diagonal(index_t panel_of_a, index_t panel_of_b) const { return lower && panel_of_a == panel_of_b; }
};

/// Task number `task` of a meeting: a panel of a with some of b. The last panels of a come first,
/// since they have most to do where only the lower half is made.
struct Task {
  index_t panel, first, last;
  Task(const Meeting& m, index_t task)
      : panel(m.a.panels() - 1 - task / m.groups()), first(task % m.groups() * kGroup), last(first + kGroup) {
    last = std::min(last, m.lower ? panel + 1 : m.b.panels());
  }
};

void store(const Meeting& m, index_t i, index_t j, const double* sums) {
  const index_t rows = m.rows(i), columns = std::min(kPanel, m.b.rows - j * kPanel);
  for (index_t r = 0; r < rows; ++r)
    for (index_t c = 0; c < (m.on_diagonal(i, j) ? r + 1 : columns); ++c) {
      const index_t y = m.a.first + i * kPanel + r, x = m.b.first + j * kPanel + c;
      m.g(y, x) = sums[r * kPanel + c];
      if (m.lower) m.g(x, y) = sums[r * kPanel + c];
    }
}

}  // namespace

void cross_gram(Exec& exec, Matrix<const float> a, Matrix<const float> b, UsedColumns used, Matrix<double> g,
                bool symmetric) {
  const index_t pixels = a.extent(1), a_rows = block_rows(a.extent(0)), b_rows = block_rows(b.extent(0));
  const index_t a_blocks = divided_up(a.extent(0), a_rows), b_blocks = divided_up(b.extent(0), b_rows);
  const index_t a_panels = a_rows / kPanel, b_panels = b_rows / kPanel;
  constexpr index_t kPacked = kPanel * kDepth, kTile = kPanel * kPanel;
  Array<double, 1> packed(exec, {(a_panels + b_panels) * kPacked});
  Array<double, 1> sums(exec, {a_panels * b_panels * kTile});
  double *const of_a = packed.data(), *const of_others = of_a + a_panels * kPacked;

  for (index_t i = 0; i < a_blocks; ++i)
    for (index_t j = 0; j < (symmetric ? i + 1 : b_blocks); ++j) {
      const Meeting m{{a, i * a_rows, std::min(a_rows, a.extent(0) - i * a_rows)},
                      {b, j * b_rows, std::min(b_rows, b.extent(0) - j * b_rows)},
                      symmetric && i == j,
                      g};
      double* const of_b = m.lower ? of_a : of_others;
      const index_t to_pack = m.a.panels() + (m.lower ? 0 : m.b.panels());
#pragma omp parallel num_threads(exec.threads())
      for (index_t first = 0; first < pixels; first += kDepth) {
        const index_t width = std::min(kDepth, pixels - first), depth = divided_up(width, 4) * 4;
#pragma omp for schedule(static)
        for (index_t p = 0; p < to_pack; ++p)
          if (p < m.a.panels())
            pack(m.a, p, used, first, width, of_a + p * kPacked);
          else
            pack(m.b, p - m.a.panels(), used, first, width, of_b + (p - m.a.panels()) * kPacked);
#pragma omp for schedule(dynamic)
        for (index_t t = 0; t < m.tasks(); ++t) {
          const Task task(m, t);
          for (index_t k = task.first; k < task.last; ++k) {
            double* tile = sums.data() + (task.panel * b_panels + k) * kTile;
            add_products(of_a + task.panel * kPacked, of_b + k * kPacked, depth, first == 0, m.rows(task.panel),
                         m.on_diagonal(task.panel, k), tile);
            if (first + kDepth >= pixels) store(m, task.panel, k, tile);
          }
        }
      }
      if (symmetric && i != j)
        for (index_t y = m.a.first; y < m.a.first + m.a.rows; ++y)
          for (index_t x = m.b.first; x < m.b.first + m.b.rows; ++x) g(x, y) = g(y, x);
    }
}

}  // namespace hci::cpu
