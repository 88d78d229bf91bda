// SPDX-License-Identifier: MIT
#include "kernels/linalg/rows_operator.hpp"

#include <algorithm>

#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/linalg/gemm.hpp"
#include "kernels/linalg/on_threads.hpp"
#include "kernels/linalg/rows_operator_cpu.hpp"
#include "kernels/linalg/widen.hpp"
#include "kernels/random/philox.hpp"

// CUDA: a product of r vectors with x xᵀ is 4 r t p flops in double by cuBLAS, on tiles of x that are widened on the
// way (12 bytes a number: 4 read, 8 written, and read back twice, from the L2 cache where they fit it).
//   one matrix of 20,000 rows of 2000 pixels, 28 vectors: 4.5 GFLOP and 0.5 GB, 0.13 ms of each on an H200 (34 TFLOP/s,
//     4.3 TB/s), 16 and 1.8 ms on a GTX 1080 (0.28 TFLOP/s, 0.28 TB/s)
//   1000 matrices of 61 rows of 625 pixels, 15 vectors: 2.3 GFLOP and 0.15 GB that must be read, 67 and 36 us there,
//     8 and 0.5 ms here
// One by one the latter would be 3000 launches for a product, 15 ms; here a tile holds as many matrices as 32 MiB take,
// 110, which an H200's L2 of 50 MB keeps between the three calls that work on it: 10 times three calls. A GTX 1080's
// 2 MB keep nothing, but there 16 bytes a number more are 2 ms beside 8 of products. Of one matrix a tile has all
// columns that make a product worth a call (widened_columns()), however many matrices there are: the sums of one are
// made in the same steps beside others.
// The random numbers are the same for all matrices: for each tile r times its columns, some 25 integer operations each,
// which is nothing beside that. They are uniform, 2 ns each on a CPU, where normal_quantile() takes 9 (one core of an
// EPYC (Zen 5), 2026-11-29): for one matrix of 61 rows, 7 million of whose numbers take 170 us, that is half as much
// again. Shape: blocks of 32 x 8 threads of for_each(), neighbours along a row, so that lines of x are read whole.

namespace hci {
namespace {

constexpr std::uint32_t kPurpose = 0x5FD;
constexpr index_t kColumnsCpu = 256;  // on the portable path at once: few enough for the tile to stay near

/// Four neighbouring rows of one column, from one block of Philox: -1 + (i + 1/2) / 2^31 for its 32 bits i.
struct RandomFours {
  std::uint64_t seed;
  index_t first;
  Matrix<double> out;
  HCI_HD void operator()(index_t four, index_t p) const {
    const auto item = static_cast<std::uint64_t>(four) << 40 | static_cast<std::uint64_t>(first + p);
    const PhiloxBlock random =
        philox4x32({{0, kPurpose, static_cast<std::uint32_t>(item), static_cast<std::uint32_t>(item >> 32)}},
                   static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
    for (int i = 0; i < 4; ++i)
      if (4 * four + i < out.extent(0))
        out(4 * four + i, p) = (static_cast<double>(random.word[i]) + 0.5) * (1.0 / 2147483648.0) - 1.0;
  }
};

/// Columns first .. of some matrices in double, 0 where they are not used. 12 bytes a number, no flops: see above.
struct WidenEach {
  View<const float, 3> x;
  UsedColumnsOfEach used;
  index_t first;
  View<double, 3> out;
  HCI_HD void operator()(index_t b, index_t t, index_t p) const {
    const bool in_use = used.size() == 0 || used(used.extent(0) == 1 ? 0 : b, first + p) != 0;
    out(b, t, p) = in_use ? static_cast<double>(x(b, t, first + p)) : 0.0;
  }
};

/// The flags of some matrices.
UsedColumnsOfEach flags_of(const UsedColumnsOfEach& used, index_t first, index_t count) {
  return used.extent(0) > 1 ? slice(used, first, count) : used;
}

/// Calls use(first matrix, how many, tile, first column) with tiles of columns of some matrices in double.
template <class Use>
void over_tiles(Exec& exec, View<const float, 3> x, UsedColumnsOfEach used, const Use& use) {
  constexpr index_t kBytes = index_t{32} << 20;
  const index_t batch = x.extent(0), rows = x.extent(1), columns = x.extent(2);
  const index_t width = std::min(exec.on_cuda() ? widened_columns(rows) : kColumnsCpu, columns);
  const index_t most =
      std::clamp<index_t>(scratch_bytes(kBytes) / (rows * width * static_cast<index_t>(sizeof(double))), 1, batch);
  Array<double, 3> wide(exec, {most, rows, width});
  for (index_t b = 0; b < batch; b += most)
    for (index_t first = 0; first < columns; first += width) {
      const index_t some = std::min(most, batch - b), count = std::min(width, columns - first);
      const View<double, 3> tile(wide.data(), {some, rows, count}, wide.view().strides());
      for_each(exec, tile.extents(), WidenEach{slice(x, b, some), flags_of(used, b, some), first, tile});
      use(b, some, View<const double, 3>(tile), first);
    }
}

}  // namespace

RowsOperator::RowsOperator(View<const float, 3> x, UsedColumnsOfEach used) : x_(x), used_(used) {
  require(x.extent(1) > 0 && x.extent(2) > 0 && x.stride(2) == 1, "RowsOperator: the matrices are (", x.extent(1), ", ",
          x.extent(2), "), or their rows have gaps");
  require(used.size() == 0 || (used.extent(1) == x.extent(2) && (used.extent(0) == 1 || used.extent(0) == x.extent(0))),
          "RowsOperator: the flags are (", used.extent(0), ", ", used.extent(1), ") for ", x.extent(0), " matrices of ",
          x.extent(2), " columns");
}

RowsOperator::RowsOperator(Matrix<const float> x, UsedColumns used)
    : RowsOperator(batch_of_one(x),
                   UsedColumnsOfEach(used.data(), {used.size() > 0 ? 1 : 0, used.size()}, {0, used.stride(0)})) {}

UsedColumns RowsOperator::used_of(index_t b) const {
  return used_.size() == 0 ? UsedColumns{} : used_[used_.extent(0) == 1 ? 0 : b];
}

RowsOperator RowsOperator::some(index_t first, index_t count) const {
  return {slice(x_, first, count), flags_of(used_, first, count)};
}

void RowsOperator::apply(Exec& exec, View<const double, 3> v, View<double, 3> w) const {
  if (batch() == 0) return;
  if (!exec.on_cuda() && exec.tuned())
    return one_by_one(exec, batch(),
                      [&](Exec& one, index_t b) { cpu::multiply_by_rows(one, x_[b], used_of(b), v[b], w[b]); });
  over_tiles(exec, x_, used_, [&](index_t b, index_t some, View<const double, 3> tile, index_t first) {
    Array<double, 3> scores(exec, {some, v.extent(1), tile.extent(2)});
    gemm(exec, {.a = slice(v, b, some), .b = tile}, scores.view());
    gemm(exec, {.a = scores.view(), .b = tile, .transposed = true, .beta = first == 0 ? 0.0 : 1.0}, slice(w, b, some));
  });
}

void RowsOperator::sketch(Exec& exec, std::uint64_t seed, View<double, 3> w) const {
  if (batch() == 0) return;
  const index_t vectors = w.extent(1), columns = x_.extent(2);
  if (exec.on_cuda() || !exec.tuned())
    return over_tiles(exec, x_, used_, [&](index_t b, index_t some, View<const double, 3> tile, index_t first) {
      Array<double, 3> random(exec, {1, vectors, tile.extent(2)});
      random_vectors(exec, seed, first, random.view()[0]);
      gemm(exec, {.a = random.view(), .b = tile, .transposed = true, .beta = first == 0 ? 0.0 : 1.0},
           slice(w, b, some));
    });
  constexpr index_t kBytes = index_t{16} << 20, kStep = cpu::kTileOfVectors;
  const index_t of_step = vectors * kStep * static_cast<index_t>(sizeof(double));
  const index_t most = std::max<index_t>(scratch_bytes(kBytes) / of_step, 1) * kStep;
  for (index_t first = 0; first < columns; first += most) {
    const index_t count = std::min(most, columns - first);
    Array<double, 2> random(exec, {vectors, count});
    random_vectors(exec, seed, first, random.view());
    const auto packed = cpu::pack_vectors(exec, random.view());
    one_by_one(exec, batch(), [&](Exec& one, index_t b) {
      const UsedColumns used = used_of(b);
      cpu::multiply_with_rows(one, packed, {&x_(b, 0, first), {order(), count}, {x_.stride(1), 1}},
                              used.size() == 0 ? used : slice(used, first, count), first > 0, w[b]);
    });
  }
}

void random_vectors(Exec& exec, std::uint64_t seed, index_t first, Matrix<double> out) {
  for_each(exec, Extents<2>{(out.extent(0) + 3) / 4, out.extent(1)}, RandomFours{seed, first, out});
}

}  // namespace hci
