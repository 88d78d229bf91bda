// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstring>

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

/// sums[i] += weight(tap) * values[tap * step + i] for all taps in their order, i < run.
template <index_t run>
void add_taps(const float* values, const float* weights, index_t count, index_t step, float* sums) {
  constexpr index_t vectors = run / kLanes;
  Floats sum[vectors];
#pragma GCC unroll 8
  for (index_t v = 0; v < vectors; ++v) sum[v] = load_anywhere(sums + v * kLanes);
  for (index_t tap = 0; tap < count; ++tap) {
    const Floats weight = broadcast(weights[tap]);
    const float* const from = values + tap * step;
#pragma GCC unroll 8
    for (index_t v = 0; v < vectors; ++v) sum[v] += weight * load_anywhere(from + v * kLanes);
  }
  std::memcpy(sums, sum, sizeof sum);
}
template <>
void add_taps<1>(const float* values, const float* weights, index_t count, index_t step, float* sums) {
  for (index_t tap = 0; tap < count; ++tap) *sums += weights[tap] * values[tap * step];
}

/// A row of outputs; zeroes the sums first.
void weighted_row(const float* values, const float* weights, index_t count, index_t step, index_t n, float* sums) {
  std::fill_n(sums, n, 0.0F);
  index_t i = 0;
  for (; i + kRun <= n; i += kRun) add_taps<kRun>(values + i, weights, count, step, sums + i);
  for (; i + kLanes <= n; i += kLanes) add_taps<kLanes>(values + i, weights, count, step, sums + i);
  for (; i < n; ++i) add_taps<1>(values + i, weights, count, step, sums + i);
}

/// Sums over a padded block; `sums` has a row for each row of outputs.
struct SeparableSums {
  const SeparablePlan& plan;
  float* row_sums;  ///< scratch: as many rows as the padded block, of nx

  void operator()(const float* padded, index_t pitch, index_t rows, index_t nx, float* sums) const {
    for (index_t j = 0; j < rows + plan.y.reach(); ++j)
      weighted_row(padded + j * pitch, plan.x.weights.data(), plan.x.count(), plan.x.step, nx, row_sums + j * nx);
    for (index_t j = 0; j < rows; ++j)
      weighted_row(row_sums + j * nx, plan.y.weights.data(), plan.y.count(), plan.y.step * nx, nx, sums + j * nx);
  }
};

struct KernelSums {
  const KernelPlan& plan;

  void operator()(const float* padded, index_t pitch, index_t rows, index_t nx, float* sums) const {
    std::fill_n(sums, rows * nx, 0.0F);
    const index_t count = plan.weights.extent(1);
    for (index_t y = 0; y < rows; ++y)
      for (index_t x = 0; x < nx;) {
        const index_t run = nx - x >= kRun ? kRun : nx - x >= kLanes ? kLanes : 1;
        for (index_t j = 0; j < plan.weights.extent(0); ++j) {
          const float* const values = padded + (y + j) * pitch + x;
          const float* const weights = &plan.weights(j, 0);
          float* const to = sums + y * nx + x;
          run == kRun     ? add_taps<kRun>(values, weights, count, 1, to)
          : run == kLanes ? add_taps<kLanes>(values, weights, count, 1, to)
                          : add_taps<1>(values, weights, count, 1, to);
        }
        x += run;
      }
  }
};

/// Covers all frames with stripes; make(scratch) gives the function that sums.
template <class MakeSums>
void for_each_stripe(Exec& exec, const Cube<const float>& in, const Margins& margins, Border border,
                     const MaskRule& rule, const Cube<float>& out, const MakeSums& make) {
  const index_t ny = in.extent(1), nx = in.extent(2), pitch = margins.left + nx + margins.right;
  const index_t rows = stripe_rows(ny, pitch, margins), stripes = (ny + rows - 1) / rows;
  const index_t padded_rows = margins.above + rows + margins.below;
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
