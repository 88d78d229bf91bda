// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: what the implementations of the convolutions share.
#include <cmath>

#include "kernels/geometry/sampling.hpp"
#include "kernels/image/convolve.hpp"

namespace hci {

/// Less than this share of the kernel's sum: too little to make a value of.
constexpr float kLeastWeight = 1e-10F;

/// A kernel's taps along one axis, in the order of the pixels that they meet (the kernel backwards).
struct Taps {
  Vector<const float> weights;
  index_t before = 0;  ///< the first tap's pixel is this many before the output's
  index_t step = 1;    ///< pixels from tap to tap
  float sum = 0;       ///< of the weights, in the order in which they are added to ones

  HCI_HD index_t count() const { return weights.extent(0); }
  HCI_HD index_t place(index_t i, index_t tap) const { return i - before + tap * step; }
  HCI_HD index_t reach() const { return (count() - 1) * step; }
};

/// What pixels that are not finite do, applied to a finished sum.
struct MaskRule {
  Masked masked = Masked::leave_out;
  float whole = 1;  ///< the kernel's sum, as the weights of a window without masked pixels add up

  /// What a pixel adds to the sum, before its weight.
  HCI_HD float value(float v) const { return masked == Masked::spread || std::isfinite(v) ? v : 0; }
  HCI_HD bool weighs() const { return masked == Masked::leave_out; }
  /// sum: of weights and values; weight: of the weights of pixels that are finite or outside.
  HCI_HD float finish(float sum, float weight) const {
    if (masked == Masked::spread) return std::isfinite(sum) ? sum : NAN;
    if (masked == Masked::zero || weight == whole) return sum;
    return weight < kLeastWeight * whole ? NAN : sum * (whole / weight);
  }
};

struct SeparablePlan {
  Taps y, x;
  Border border;
  MaskRule rule;
};

/// A kernel that is no product: taps row by row, in the order of the pixels that they meet.
struct KernelPlan {
  Matrix<const float> weights;
  index_t before_y = 0, before_x = 0;
  Border border;
  MaskRule rule;
};

/// Throws InvalidInput where the cubes differ in shape.
void check_cubes(const char* caller, const Cube<const float>& in, const Cube<float>& out);

/// Throws InvalidInput where a kernel cannot be used; for all the convolutions.
void check_kernel(const char* caller, const ConvolutionKernel& kernel, const ConvolveOptions& options);

/// CUDA's tuned paths; false, and nothing done, where a kernel is too large for them or its taps are
/// apart.
bool convolve_by_tiles(Exec& exec, Cube<const float> in, const SeparablePlan& plan, Cube<float> out);
bool convolve_by_tiles(Exec& exec, Cube<const float> in, const KernelPlan& plan, Cube<float> out);

/// The CPU's tuned paths. They copy a stripe with all that its taps reach: not where taps are so far
/// apart that this is far larger than the frame.
bool fits_convolve_cpu(Cube<const float> in, const SeparablePlan& plan);
void convolve_cpu(Exec& exec, Cube<const float> in, const SeparablePlan& plan, Cube<float> out);
void convolve_cpu(Exec& exec, Cube<const float> in, const KernelPlan& plan, Cube<float> out);

}  // namespace hci
