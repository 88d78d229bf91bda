// SPDX-License-Identifier: MIT
// Convolution itself, the way back from a starlet transform, and the mending of NaN.
#include "kernels/image/convolve.hpp"

#include <algorithm>
#include <cmath>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/image/convolve_fft.hpp"
#include "kernels/image/starlet.hpp"
#include "kernels/stats/sigma_clip.hpp"

namespace hci::bench {
namespace {

constexpr Extents<3> kSmall{61, 101, 101};
constexpr index_t kKernel = 19;

/// No product of two vectors, and the same from no side.
ConvolutionKernel lopsided() {
  ConvolutionKernel kernel{kKernel, kKernel};
  for (index_t j = 0; j < kKernel; ++j)
    for (index_t i = 0; i < kKernel; ++i)
      kernel.values.push_back(1 / (1 + std::hypot(double(j) - 8, double(i) - 10)) + 0.01 * double(j));
  return kernel;
}

/// Some pixels, the edges too, against the sum that defines them: zeros outside, so many roundings to float.
bool is_convolved(const Array<float, 3>& cube, const ConvolutionKernel& kernel, const Array<float, 3>& found,
                  index_t roundings) {
  for (index_t n = 0; n < 30; ++n) {
    const index_t t = 2 * n, y = (37 * n) % kSmall[1], x = (53 * n + 29) % kSmall[2];
    double want = 0, size = 0;
    for (index_t j = 0; j < kKernel; ++j)
      for (index_t i = 0; i < kKernel; ++i) {
        const index_t v = y + kKernel / 2 - j, u = x + kKernel / 2 - i;
        if (v < 0 || u < 0 || v >= kSmall[1] || u >= kSmall[2]) continue;
        want += kernel(j, i) * double(cube.view()(t, v, u));
        size += kernel(j, i) * std::fabs(double(cube.view()(t, v, u)));
      }
    if (!(std::fabs(double(found.view()(t, y, x)) - want) <= 6e-8 * double(roundings + 2) * size)) return false;
  }
  return true;
}

void time_convolution(benchmark::State& state, Exec& exec, bool by_fft) {
  const auto cube = speckle_cube(kSmall[0], kSmall[1], kSmall[2]);
  const auto kernel = lopsided();
  const ConvolveOptions options{.normalize = false};
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, kSmall);
  const auto go = [&] {
    if (by_fft) return convolve_fft(exec, in.view(), kernel, options, out.view());
    convolve(exec, in.view(), kernel, options, out.view());
  };
  go();
  if (!is_convolved(cube, kernel, to_host(exec, std::as_const(out).view()), kKernel * kKernel))
    return state.SkipWithError("a pixel differs from the sum that defines it");
  const double seconds = timed(state, exec, go);
  report_flops(state, exec, seconds, 2.0 * kKernel * kKernel * double(kSmall.size()), Precision::f32);
  report_bytes(state, exec, seconds, 2.0 * double(cube.bytes()));
}

/// Two vectors that are the same from no side.
void time_separable(benchmark::State& state, Exec& exec) {
  const auto cube = speckle_cube(kSmall[0], kSmall[1], kSmall[2]);
  std::vector<double> along_y, along_x;
  for (index_t i = 0; i < kKernel; ++i) {
    along_y.push_back(1 / (1 + std::fabs(double(i) - 8)));
    along_x.push_back(std::exp(-0.1 * double((i - 10) * (i - 10))) + 0.01 * double(i));
  }
  const ConvolveOptions options{.normalize = false};
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, kSmall);
  const auto go = [&] { convolve_separable(exec, in.view(), along_y, along_x, options, out.view()); };
  go();
  ConvolutionKernel kernel{kKernel, kKernel};
  for (const double of_y : along_y)
    for (const double of_x : along_x) kernel.values.push_back(of_y * of_x);
  if (!is_convolved(cube, kernel, to_host(exec, std::as_const(out).view()), 2 * kKernel))
    return state.SkipWithError("a pixel differs from the sum that defines it");
  const double seconds = timed(state, exec, go);
  report_flops(state, exec, seconds, 2.0 * 2 * kKernel * double(kSmall.size()), Precision::f32);
  report_bytes(state, exec, seconds, 2.0 * double(cube.bytes()));
}

void time_inverse_starlet(benchmark::State& state, Exec& exec) {
  constexpr index_t kScales = 4;
  const auto cube = speckle_cube(kSmall[0], kSmall[1], kSmall[2]);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 4> details(exec, {kSmall[0], kScales, kSmall[1], kSmall[2]});
  Array<float, 3> smooth(exec, kSmall), out(exec, kSmall);
  starlet(exec, in.view(), details.view(), smooth.view());
  const auto go = [&] { inverse_starlet(exec, details.view(), smooth.view(), out.view()); };
  go();
  const auto found = to_host(exec, std::as_const(out).view());
  const float most = *std::max_element(cube.data(), cube.data() + cube.size());
  for (index_t i = 0; i < cube.size(); i += 101)  // each scale: 25 terms of rounding to float, each way
    if (!(std::fabs(found.data()[i] - cube.data()[i]) <= 6e-8F * 2 * 26 * kScales * most))
      return state.SkipWithError("a pixel is not what it was");
  report_bytes(state, exec, timed(state, exec, go), static_cast<double>(details.bytes() + 2 * cube.bytes()));
}

/// One pixel in a hundred is NaN.
void time_mending(benchmark::State& state, Exec& exec) {
  const Extents<3> shape{61, 210, 210};
  auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  for (index_t i = 50; i < cube.size(); i += 101) cube.data()[i] = NAN;
  const auto before = to_device(exec, cube.view());
  Array<float, 3> frames(exec, shape);
  index_t rest = -1;
  const auto go = [&] {
    copy(exec, before.view(), frames.view());
    rest = correct_nan(exec, frames.view(), {5});
  };
  go();
  const auto found = to_host(exec, std::as_const(frames).view());
  if (rest != 0) return state.SkipWithError("pixels are left");
  int mended = 0;
  for (index_t i = 50; i < cube.size(); i += 101) {
    const index_t t = i / (shape[1] * shape[2]), y = i / shape[2] % shape[1], x = i % shape[2];
    if (y < 2 || x < 2 || y >= shape[1] - 2 || x >= shape[2] - 2) continue;
    std::vector<float> near;
    for (index_t v = y - 2; v <= y + 2; ++v)
      for (index_t u = x - 2; u <= x + 2; ++u)
        if (!std::isnan(cube.view()(t, v, u))) near.push_back(cube.view()(t, v, u));
    std::sort(near.begin(), near.end());
    const double want = (double(near[(near.size() - 1) / 2]) + double(near[near.size() / 2])) / 2;
    if (found.data()[i] != static_cast<float>(want)) return state.SkipWithError("not the neighbours' median");
    ++mended;
  }
  if (mended < 1000) return state.SkipWithError("too few pixels were looked at");
  report_bytes(state, exec, timed(state, exec, go), 4.0 * static_cast<double>(cube.bytes()));
}

/// Gaussians of some sizes, whole and by rows and columns, with taps `dilation` px apart.
ConvolutionKernel gaussian(index_t size) {
  ConvolutionKernel kernel{size, size};
  const auto taps = gaussian_taps(0.2 * static_cast<double>(size) + 0.5, size);
  for (const double y : taps)
    for (const double x : taps) kernel.values.push_back(y * x);
  return kernel;
}

enum class Pass { whole, separable };

/// A pixel far from the edge against the sum that defines it.
void time_gaussian(benchmark::State& state, Exec& exec, index_t size, Pass pass, index_t dilation) {
  constexpr Extents<3> kCube{61, 210, 210};
  const auto cube = speckle_cube(kCube[0], kCube[1], kCube[2]);
  const auto kernel = gaussian(size);
  const auto taps = gaussian_taps(0.2 * static_cast<double>(size) + 0.5, size);
  const ConvolveOptions options{.normalize = false};
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, kCube);
  const auto go = [&] {
    if (pass == Pass::whole) return convolve(exec, in.view(), kernel, options, out.view());
    convolve_separable(exec, in.view(), taps, taps, options, out.view(), dilation);
  };
  go();
  const auto found = to_host(exec, std::as_const(out).view());
  for (index_t t = 0; t < kCube[0]; t += 7) {
    const index_t y = 90 + t, x = 100 - t / 2;
    double want = 0;
    for (index_t j = 0; j < size; ++j)
      for (index_t i = 0; i < size; ++i)
        want += kernel(j, i) * double(cube.view()(t, y + dilation * (size / 2 - j), x + dilation * (size / 2 - i)));
    if (!(std::fabs(double(found.view()(t, y, x)) - want) <= 6e-8 * double(size * size + 2) * std::fabs(want)))
      return state.SkipWithError("a pixel differs from the sum that defines it");
  }
  report_bytes(state, exec, timed(state, exec, go), 2.0 * double(cube.bytes()));
}

/// Tiles in shared memory against a thread for each pixel; and rows made anew for each output, or stored, where taps
/// that lie apart keep tiles away: both from which size on.
bool of_sizes() {
  const auto add = [](const char* name, index_t size, Pass pass) {
    on_both_paths(name, {size, 61, 210, 210},
                  [=](auto& state, Exec& exec) { time_gaussian(state, exec, size, pass, 1); });
  };
  for (const index_t size : {3, 5, 9, 19}) add("convolve", size, Pass::whole);
  for (const index_t size : {3, 5, 9, 19}) add("convolve_separable", size, Pass::separable);
  for (const index_t size : {3, 5, 7, 9, 11, 13})
    on_every_cuda_device("crossover/separable_apart", {size, size, 61, 210, 210},
                         [=](auto& state, Exec& exec) { time_gaussian(state, exec, size, Pass::separable, 2); });
  return true;
}

const std::vector<index_t> kShape{61, 101, 101};
const bool registered[] = {
    of_sizes(),
    on_every_device("convolve/19", kShape, [](auto& state, Exec& exec) { time_convolution(state, exec, false); }),
    on_every_device("convolve_fft/19", kShape, [](auto& state, Exec& exec) { time_convolution(state, exec, true); }),
    on_every_device("convolve_separable/19", kShape, time_separable),
    on_every_device("inverse_starlet/4", kShape, time_inverse_starlet),
    on_every_device("correct_nan/5", {61, 210, 210}, time_mending)};

}  // namespace
}  // namespace hci::bench
