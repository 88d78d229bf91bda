// SPDX-License-Identifier: MIT
#include "kernels/image/convolve.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/image/convolve_plan.hpp"

namespace hci {
namespace {

/// A sum of weighted values and that of the weights that count.
struct Weighted {
  float sum = 0, weight = 0;

  HCI_HD void add(float tap, const Weighted& part) {
    sum = fmaf(tap, part.sum, sum);
    weight = fmaf(tap, part.weight, weight);
  }
  HCI_HD void add_pixel(float tap, float v, const MaskRule& rule) {
    sum = fmaf(tap, rule.value(v), sum);
    if (std::isfinite(v)) weight += tap;
  }
};

// Portable: some dozen instructions a tap (the border's index in 64 bits, a read from L1, two sums) decide, not the 8
// bytes a pixel. 19 x 19 taps, 10^6 pixels: 0.14 ms on an H200 (3e13 a second), 1 ms on a GTX 1080 (4.4e12).

/// The row pass at (y, x): all taps along x.
HCI_HD Weighted row_sum(const Frame<const float>& frame, const SeparablePlan& plan, index_t y, index_t x) {
  Weighted total;
  for (index_t tap = 0; tap < plan.x.count(); ++tap) {
    const index_t column = border_index(plan.x.place(x, tap), frame.extent(1), plan.border);
    total.add_pixel(plan.x.weights(tap), column < 0 ? 0.0F : frame(y, column), plan.rule);
  }
  return total;
}

/// The column pass at row y: all taps along y of what row_sum() gave, part(row), in frames of ny rows.
template <class Part>
HCI_HD Weighted column_sum(const SeparablePlan& plan, index_t ny, index_t y, const Part& part) {
  Weighted total;
  for (index_t tap = 0; tap < plan.y.count(); ++tap) {
    const index_t row = border_index(plan.y.place(y, tap), ny, plan.border);
    total.add(plan.y.weights(tap), row < 0 ? Weighted{0, plan.x.sum} : part(row));
  }
  return total;
}

/// Both passes at once, for few taps: what is in a cache need not go through memory twice.
struct SeparablePixel {
  Cube<const float> in;
  SeparablePlan plan;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const Frame<const float> frame = in[t];
    const Weighted total = column_sum(plan, in.extent(1), y, [&](index_t row) { return row_sum(frame, plan, row, x); });
    out(t, y, x) = plan.rule.finish(total.sum, total.weight);
  }
};

struct SeparableRow {
  Cube<const float> in;
  SeparablePlan plan;
  Cube<Weighted> rows;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const { rows(t, y, x) = row_sum(in[t], plan, y, x); }
};

struct SeparableColumn {
  Cube<const Weighted> rows;
  SeparablePlan plan;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const Weighted total = column_sum(plan, rows.extent(1), y, [&](index_t row) { return rows(t, row, x); });
    out(t, y, x) = plan.rule.finish(total.sum, total.weight);
  }
};

struct KernelPixel {
  Cube<const float> in;
  KernelPlan plan;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    Weighted total;
    for (index_t j = 0; j < plan.weights.extent(0); ++j) {
      const index_t row = border_index(y - plan.before_y + j, in.extent(1), plan.border);
      for (index_t i = 0; i < plan.weights.extent(1); ++i) {
        const index_t column = border_index(x - plan.before_x + i, in.extent(2), plan.border);
        total.add_pixel(plan.weights(j, i), row < 0 || column < 0 ? 0.0F : in(t, row, column), plan.rule);
      }
    }
    out(t, y, x) = plan.rule.finish(total.sum, total.weight);
  }
};

/// Taps up to which the rows are made anew for each output: on a GPU 49 reads that hit the L1 cache
/// cost about as much as the 24 bytes that storing them moves.
constexpr index_t kFusedTaps = 49;

void separable_portable(Exec& exec, Cube<const float> in, const SeparablePlan& plan, Cube<float> out) {
  if (plan.y.count() * plan.x.count() <= kFusedTaps) {
    for_each(exec, out.extents(), SeparablePixel{in, plan, out});
    return;
  }
  const index_t frame_bytes = in.extent(1) * in.extent(2) * index_t{sizeof(Weighted)};
  const index_t most = std::clamp(scratch_bytes(index_t{64} << 20) / frame_bytes, index_t{1}, in.extent(0));
  Array<Weighted, 3> rows(exec, {most, in.extent(1), in.extent(2)});
  for (index_t first = 0; first < in.extent(0); first += most) {
    const index_t frames = std::min(most, in.extent(0) - first);
    const auto part = slice(rows.view(), 0, frames);
    for_each(exec, part.extents(), SeparableRow{slice(in, first, frames), plan, part});
    for_each(exec, part.extents(), SeparableColumn{part, plan, slice(out, first, frames)});
  }
}

std::vector<float> backwards(const std::vector<double>& kernel, double scale) {
  std::vector<float> taps(kernel.size());
  std::transform(kernel.rbegin(), kernel.rend(), taps.begin(),
                 [scale](double value) { return static_cast<float>(value * scale); });
  return taps;
}

double sum_of(const std::vector<double>& kernel) { return std::accumulate(kernel.begin(), kernel.end(), 0.0); }

/// Adding ones with these weights, in the order of the kernels above.
float sum_in_order(const std::vector<float>& taps, float one = 1) {
  float sum = 0;
  for (const float tap : taps) sum = fmaf(tap, one, sum);
  return sum;
}

Taps taps_of(const std::vector<float>& weights, const Array<float, 1>& stored, index_t step) {
  const auto count = static_cast<index_t>(weights.size());
  return {stored.view(), (count - 1 - count / 2) * step, step, sum_in_order(weights)};
}

}  // namespace

void check_cubes(const char* caller, const Cube<const float>& in, const Cube<float>& out) {
  require(in.extents() == out.extents(), caller, ": the input is ", in.extent(0), " x ", in.extent(1), " x ",
          in.extent(2), ", the output ", out.extent(0), " x ", out.extent(1), " x ", out.extent(2));
}

void check_kernel(const char* caller, const ConvolutionKernel& kernel, const ConvolveOptions& options) {
  const auto count = static_cast<index_t>(kernel.values.size());
  require(kernel.ny >= 1 && kernel.nx >= 1 && count % kernel.ny == 0 && count / kernel.ny == kernel.nx, caller,
          ": the kernel is ", kernel.ny, " x ", kernel.nx, " with ", kernel.values.size(), " values");
  for (const double value : kernel.values) require(std::isfinite(value), caller, ": the kernel holds ", value);
  const double sum = sum_of(kernel.values);
  require((!options.normalize && options.masked != Masked::leave_out) || sum > 0, caller, ": the kernel's sum is ", sum,
          ", which cannot be divided by: it must be positive, or say normalize = false and masked = zero or spread");
}

std::vector<double> gaussian_taps(double sigma, index_t size) {
  require(std::isfinite(sigma) && sigma > 0, "gaussian_taps: sigma is ", sigma, " px, it must be positive");
  require(size >= 1 && size % 2 == 1, "gaussian_taps: the kernel is ", size, " px, it must be odd");
  std::vector<double> taps;
  for (index_t i = -(size / 2); i <= size / 2; ++i)
    taps.push_back(std::exp(-0.5 * static_cast<double>(i * i) / (sigma * sigma)));
  return taps;
}

void convolve_separable(Exec& exec, Cube<const float> in, const std::vector<double>& along_y,
                        const std::vector<double>& along_x, const ConvolveOptions& options, Cube<float> out,
                        index_t dilation) {
  check_cubes("convolve_separable", in, out);
  check_kernel("convolve_separable", {static_cast<index_t>(along_y.size()), 1, along_y}, options);
  check_kernel("convolve_separable", {1, static_cast<index_t>(along_x.size()), along_x}, options);
  require(dilation >= 1, "convolve_separable: the taps are ", dilation, " px apart, it must be at least 1");
  if (out.size() == 0) return;
  const auto y = backwards(along_y, options.normalize ? 1 / sum_of(along_y) : 1);
  const auto x = backwards(along_x, options.normalize ? 1 / sum_of(along_x) : 1);
  const Array<float, 1> stored_y = to_device(exec, y), stored_x = to_device(exec, x);
  SeparablePlan plan{taps_of(y, stored_y, dilation), taps_of(x, stored_x, dilation), options.border, {}};
  plan.rule = {options.masked, sum_in_order(y, plan.x.sum)};
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned() && convolve_by_tiles(exec, in, plan, out)) return;
#endif
  if (!exec.on_cuda() && exec.tuned() && in.stride(2) == 1 && out.stride(2) == 1 && fits_convolve_cpu(in, plan))
    convolve_cpu(exec, in, plan, out);
  else
    separable_portable(exec, in, plan, out);
}

void convolve(Exec& exec, Cube<const float> in, const ConvolutionKernel& kernel, const ConvolveOptions& options,
              Cube<float> out) {
  check_cubes("convolve", in, out);
  check_kernel("convolve", kernel, options);
  if (out.size() == 0) return;
  const auto taps = backwards(kernel.values, options.normalize ? 1 / sum_of(kernel.values) : 1);
  const Array<float, 1> stored = to_device(exec, taps);
  const KernelPlan plan{{stored.data(), {kernel.ny, kernel.nx}},
                        kernel.ny - 1 - kernel.ny / 2,
                        kernel.nx - 1 - kernel.nx / 2,
                        options.border,
                        {options.masked, sum_in_order(taps)}};
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned() && convolve_by_tiles(exec, in, plan, out)) return;
#endif
  if (!exec.on_cuda() && exec.tuned() && in.stride(2) == 1 && out.stride(2) == 1)
    convolve_cpu(exec, in, plan, out);
  else
    for_each(exec, out.extents(), KernelPixel{in, plan, out});
}

}  // namespace hci
