// SPDX-License-Identifier: MIT
#include "kernels/image/filters.hpp"

#include <algorithm>
#include <cmath>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/image/median_filter.hpp"
#include "kernels/image/starlet.hpp"

namespace hci::bench {
namespace {

using Filter = std::function<void(Exec&, Cube<const float>, Cube<float>)>;
/// What the filter should give at a pixel far from the edge.
using Expected = std::function<double(Frame<const float>, index_t y, index_t x)>;

void run(benchmark::State& state, Exec& exec, Extents<3> shape, const Filter& filter, const Expected& expected,
         double flops_per_pixel) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, shape);
  const auto work = [&] { filter(exec, in.view(), out.view()); };
  work();
  const auto host = to_host(exec, std::as_const(out).view());
  for (index_t i = shape[1] / 3; i < shape[1] / 2; i += 3) {
    const double want = expected(cube.view()[0], i, i + 1), have = host.view()(0, i, i + 1);
    if (!(std::abs(have - want) <= 1e-4 * std::abs(want) + 1e-3)) {
      state.SkipWithError("a pixel differs from the plain loop's");
      return;
    }
  }
  const double seconds = timed(state, exec, work);
  report_bytes(state, exec, seconds, static_cast<double>(2 * cube.bytes()));
  report_flops(state, exec, seconds, flops_per_pixel * static_cast<double>(shape.size()), Precision::f32);
}

double weighted(Frame<const float> frame, const ConvolutionKernel& kernel, index_t y, index_t x) {
  double sum = 0, whole = 0;
  for (index_t j = 0; j < kernel.ny; ++j)
    for (index_t i = 0; i < kernel.nx; ++i) {
      sum += kernel(j, i) * static_cast<double>(frame(y + kernel.ny / 2 - j, x + kernel.nx / 2 - i));
      whole += kernel(j, i);
    }
  return sum / whole;
}

ConvolutionKernel gaussian_kernel(double fwhm, index_t size) {
  ConvolutionKernel kernel{size, size};
  const auto taps = gaussian_taps(fwhm / 2.3548200450309493, size);
  for (const double y : taps)
    for (const double x : taps) kernel.values.push_back(y * x);
  return kernel;
}

double median_at(Frame<const float> frame, const Footprint& footprint, index_t y, index_t x) {
  std::vector<float> values;
  for (const auto& [dy, dx] : footprint.offsets) values.push_back(frame(y + dy, x + dx));
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

bool add(const std::string& name, Extents<3> shape, const Filter& filter, const Expected& expected, double flops) {
  return on_every_device(name, {shape[0], shape[1], shape[2]}, [=](benchmark::State& state, Exec& exec) {
    run(state, exec, shape, filter, expected, flops);
  });
}

bool add_gauss(double fwhm, index_t size, ConvMode mode, Extents<3> shape) {
  const FilterOptions options{.fwhm_y = fwhm, .fwhm_x = fwhm, .kernel_sz = size, .conv_mode = mode, .iterate = false};
  const auto kernel = gaussian_kernel(fwhm, size);
  return add(
      std::string("low_pass/gauss") + std::to_string(size) + (mode == ConvMode::conv ? "/conv" : "/convfft"), shape,
      [=](Exec& exec, Cube<const float> in, Cube<float> out) { low_pass(exec, in, LowPass::gauss, options, out); },
      [=](Frame<const float> frame, index_t y, index_t x) { return weighted(frame, kernel, y, x); },
      4.0 * static_cast<double>(size));
}

bool add_psf(ConvMode mode, Extents<3> shape) {
  FilterOptions options{.conv_mode = mode, .iterate = false};
  options.psf = gaussian_kernel(4.8, 19);
  return add(
      std::string("low_pass/psf19") + (mode == ConvMode::conv ? "/conv" : "/convfft"), shape,
      [=](Exec& exec, Cube<const float> in, Cube<float> out) { low_pass(exec, in, LowPass::psf, options, out); },
      [=](Frame<const float> frame, index_t y, index_t x) { return weighted(frame, options.psf, y, x); },
      2.0 * 19 * 19);
}

bool add_median(const std::string& name, const Footprint& footprint, Extents<3> shape) {
  return add(
      "median_filter/" + name, shape,
      [=](Exec& exec, Cube<const float> in, Cube<float> out) { median_filter(exec, in, footprint, Border::edge, out); },
      [=](Frame<const float> frame, index_t y, index_t x) { return median_at(frame, footprint, y, x); },
      static_cast<double>(footprint.offsets.size()));
}

/// The first detail: the frame minus twice the 5 x 5 spline.
double first_detail(Frame<const float> frame, index_t y, index_t x) {
  const ConvolutionKernel twice{1, 9, {1, 8, 28, 56, 70, 56, 28, 8, 1}};
  ConvolutionKernel kernel{9, 9};
  for (const double a : twice.values)
    for (const double b : twice.values) kernel.values.push_back(a * b);
  return static_cast<double>(frame(y, x)) - weighted(frame, kernel, y, x);
}

bool add_starlet(Extents<3> shape) {
  return add(
      "starlet/1", shape, [](Exec& exec, Cube<const float> in, Cube<float> out) { starlet_filter(exec, in, 1, out); },
      first_detail, 41);
}

const Extents<3> kCube{489, 210, 210}, kSmall{61, 101, 101};

const bool registered[] = {
    add_gauss(4.8, 17, ConvMode::conv, kCube),
    add_gauss(4.8, 17, ConvMode::convfft, kSmall),
    add_gauss(4.8, 17, ConvMode::conv, kSmall),
    add_gauss(20, 69, ConvMode::conv, kSmall),
    add_gauss(20, 69, ConvMode::convfft, kSmall),
    add_psf(ConvMode::conv, kSmall),
    add_psf(ConvMode::convfft, kSmall),
    add_median("box3", box_footprint(3, 3), kSmall),
    add_median("box5", box_footprint(5, 5), kSmall),
    add_median("box7", box_footprint(7, 7), kSmall),
    add_median("box9", box_footprint(9, 9), kSmall),
    add_median("box21", box_footprint(21, 21), kSmall),
    add_median("disc3", disc_footprint(3), kSmall),
    add_median("disc5", disc_footprint(5), kSmall),
    add_median("box9", box_footprint(9, 9), kCube),
    add(
        "high_pass/laplacian5", kCube,
        [](Exec& exec, Cube<const float> in, Cube<float> out) { high_pass(exec, in, HighPass::laplacian, {}, out); },
        [](Frame<const float> frame, index_t y, index_t x) {
          const double s[] = {1, 4, 6, 4, 1}, d[] = {1, 0, -2, 0, 1};
          double sum = 0;
          for (index_t j = 0; j < 5; ++j)
            for (index_t i = 0; i < 5; ++i) sum -= (s[j] * d[i] + d[j] * s[i]) * double(frame(y + j - 2, x + i - 2));
          return sum;
        },
        50),
    add_starlet(kCube),
    add_starlet(kSmall),
};

}  // namespace
}  // namespace hci::bench
