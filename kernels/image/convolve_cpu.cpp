// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstring>
#if defined(__FMA__)
#include <immintrin.h>
#endif

#include "kernels/core/array.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/image/convolve_plan.hpp"
#include "kernels/image/padded_block.hpp"
#include "kernels/stats/lanes.hpp"

namespace hci {
namespace {

/// Output pixels whose sums are in registers at a time: 8 of AVX2's 16.
constexpr index_t kLanes = 8, kRun = 8 * kLanes;

Floats load_anywhere(const float* from) {
  Floats values;
  std::memcpy(&values, from, sizeof values);
  return values;
}

// Products are added with one rounding where that is an instruction, and else with two: said here, since a compiler
// left to itself does the one in one loop and the other in the next, and windows of equal weights would differ.
#if defined(__FMA__)
Floats add_product(Floats sum, Floats a, Floats b) { return _mm256_fmadd_ps(a, b, sum); }
float add_product(float sum, float a, float b) { return __builtin_fmaf(a, b, sum); }
#else
Floats add_product(Floats sum, Floats a, Floats b) { return sum + a * b; }
float add_product(float sum, float a, float b) { return sum + a * b; }
#endif

/// Rows of taps, and where their values are for the first of some outputs.
struct TapRows {
  const float* weights;  ///< rows of `count`
  index_t rows, count;
  index_t pitch;  ///< from the values of a row of taps to those of the next
  index_t step;   ///< from tap to tap

  /// sums[i] = the sum over all taps, in their order, of weight * values[.. + i], for i < run.
  template <index_t run>
  void sum(const float* values, float* sums) const {
    constexpr index_t vectors = run / kLanes;
    Floats sum[vectors] = {};
    for (index_t row = 0; row < rows; ++row)
      for (index_t tap = 0; tap < count; ++tap) {
        const Floats weight = broadcast(weights[row * count + tap]);
        const float* const from = values + row * pitch + tap * step;
#pragma GCC unroll 8
        for (index_t v = 0; v < vectors; ++v) sum[v] = add_product(sum[v], weight, load_anywhere(from + v * kLanes));
      }
    std::memcpy(sums, sum, sizeof sum);
  }
  float one(const float* values) const {
    float sum = 0;
    for (index_t row = 0; row < rows; ++row)
      for (index_t tap = 0; tap < count; ++tap)
        sum = add_product(sum, weights[row * count + tap], values[row * pitch + tap * step]);
    return sum;
  }

  /// n outputs side by side. The last run ends at the last output, whatever it shares with the one before.
  void row(const float* values, index_t n, float* sums) const {
    if (n >= kRun) {
      for (index_t i = 0; i < n; i += kRun) {
        const index_t from = std::min(i, n - kRun);
        sum<kRun>(values + from, sums + from);
      }
    } else if (n >= kLanes) {
      for (index_t i = 0; i < n; i += kLanes) {
        const index_t from = std::min(i, n - kLanes);
        sum<kLanes>(values + from, sums + from);
      }
    } else {
      for (index_t i = 0; i < n; ++i) sums[i] = one(values + i);
    }
  }
};

/// Sums over a padded block; `sums` has a row for each row of outputs.
struct SeparableSums {
  const SeparablePlan& plan;
  float* row_sums;  ///< scratch: as many rows as the padded block, of nx

  void operator()(const float* padded, index_t pitch, index_t rows, index_t nx, float* sums) const {
    const TapRows along_x{plan.x.weights.data(), 1, plan.x.count(), 0, plan.x.step};
    const TapRows along_y{plan.y.weights.data(), 1, plan.y.count(), 0, plan.y.step * nx};
    for (index_t j = 0; j < rows + plan.y.reach(); ++j) along_x.row(padded + j * pitch, nx, row_sums + j * nx);
    along_y.row(row_sums, rows * nx, sums);
  }
};

struct KernelSums {
  const KernelPlan& plan;

  void operator()(const float* padded, index_t pitch, index_t rows, index_t nx, float* sums) const {
    const TapRows taps{plan.weights.data(), plan.weights.extent(0), plan.weights.extent(1), pitch, 1};
    for (index_t y = 0; y < rows; ++y) taps.row(padded + y * pitch, nx, sums + y * nx);
  }
};

/// What a window of ones gives, by the code that sums the weights of the others: a window without masked pixels has
/// exactly this weight.
template <class MakeSums>
float sum_over_ones(const Margins& margins, index_t nx, const MakeSums& make) {
  const index_t n = std::min(nx, kRun), pitch = margins.left + n + margins.right;
  const index_t rows = margins.above + 1 + margins.below;
  auto ones = host_array<float, 1>({rows * pitch}), partial = host_array<float, 1>({rows * n});
  float sums[kRun];
  std::fill_n(ones.data(), ones.size(), 1.0F);
  make(partial.data())(ones.data(), pitch, 1, n, sums);
  return sums[0];
}

/// Covers all frames with stripes; make(scratch) gives the function that sums.
template <class MakeSums>
void for_each_stripe(Exec& exec, const Cube<const float>& in, const Margins& margins, Border border, MaskRule rule,
                     const Cube<float>& out, const MakeSums& make) {
  const index_t ny = in.extent(1), nx = in.extent(2), pitch = margins.left + nx + margins.right;
  const index_t rows = stripe_rows(ny, pitch, margins), stripes = (ny + rows - 1) / rows;
  const index_t padded_rows = margins.above + rows + margins.below;
  rule.whole = sum_over_ones(margins, nx, make);
  struct Scratch {
    Array<float, 1> padded, partial, sums, weights, ones;
  };
  const auto make_scratch = [&] {
    return Scratch{host_array<float, 1>({padded_rows * pitch}),
                   host_array<float, 1>({padded_rows * nx}),
                   host_array<float, 1>({rows * nx}),
                   host_array<float, 1>({rows * nx}),
                   {}};
  };
  parallel_for(exec.threads(), in.extent(0) * stripes, kEqualShares, make_scratch, [&](Scratch& scratch, index_t i) {
    const auto sum = make(scratch.partial.data());
    float *const padded = scratch.padded.data(), *const sums = scratch.sums.data();
    float* const weights = scratch.weights.data();
    const index_t t = i / stripes, first = i % stripes * rows, here = std::min(rows, ny - first);
    const index_t covered = (here + margins.above + margins.below) * pitch;
    const bool spoiled = copy_padded(in[t], first, here, margins, border, padded, pitch);
    const bool weighs = spoiled && rule.weighs();
    if (weighs) {
      if (!scratch.ones) scratch.ones = host_array<float, 1>({padded_rows * pitch});
      for (index_t k = 0; k < covered; ++k) scratch.ones.data()[k] = std::isfinite(padded[k]) ? 1.0F : 0.0F;
      sum(scratch.ones.data(), pitch, here, nx, weights);
    }
    if (spoiled)
      for (index_t k = 0; k < covered; ++k) padded[k] = rule.value(padded[k]);
    sum(padded, pitch, here, nx, sums);
    for (index_t y = 0; y < here; ++y)
      for (index_t x = 0; x < nx; ++x)
        out(t, first + y, x) = rule.finish(sums[y * nx + x], weighs ? weights[y * nx + x] : rule.whole);
  });
}

}  // namespace

bool fits_convolve_cpu(Cube<const float> in, const SeparablePlan& plan) {
  constexpr index_t kMostFloats = index_t{1} << 20;  // 4 MB for each thread
  const index_t rows = in.extent(1) + plan.y.reach(), columns = in.extent(2) + plan.x.reach();
  return columns <= std::max(kMostFloats, 9 * in.extent(1) * in.extent(2)) / rows;
}

void convolve_cpu(Exec& exec, Cube<const float> in, const SeparablePlan& plan, Cube<float> out) {
  const Margins margins{plan.y.before, plan.y.reach() - plan.y.before, plan.x.before, plan.x.reach() - plan.x.before};
  for_each_stripe(exec, in, margins, plan.border, plan.rule, out, [&](float* scratch) {
    return SeparableSums{plan, scratch};
  });
}

void convolve_cpu(Exec& exec, Cube<const float> in, const KernelPlan& plan, Cube<float> out) {
  const Margins margins{plan.before_y, plan.weights.extent(0) - 1 - plan.before_y, plan.before_x,
                        plan.weights.extent(1) - 1 - plan.before_x};
  for_each_stripe(exec, in, margins, plan.border, plan.rule, out, [&](float*) { return KernelSums{plan}; });
}

}  // namespace hci
