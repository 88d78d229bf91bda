// SPDX-License-Identifier: MIT
#include "kernels/image/filters.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

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

/// Arithmetic for each pixel.
struct Flops {
  double per_pixel = 0;
  Precision precision = Precision::f32;
};

void run(benchmark::State& state, Exec& exec, Extents<3> shape, const Filter& filter, const Expected& expected,
         const Flops& flops) {
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
  report_flops(state, exec, seconds, flops.per_pixel * static_cast<double>(shape.size()), flops.precision);
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

bool add(const std::string& name, Extents<3> shape, const Filter& filter, const Expected& expected,
         const Flops& flops) {
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
      {4.0 * static_cast<double>(size)});
}

bool add_psf(ConvMode mode, Extents<3> shape) {
  FilterOptions options{.conv_mode = mode, .iterate = false};
  options.psf = gaussian_kernel(4.8, 19);
  return add(
      std::string("low_pass/psf19") + (mode == ConvMode::conv ? "/conv" : "/convfft"), shape,
      [=](Exec& exec, Cube<const float> in, Cube<float> out) { low_pass(exec, in, LowPass::psf, options, out); },
      [=](Frame<const float> frame, index_t y, index_t x) { return weighted(frame, options.psf, y, x); },
      {2.0 * 19 * 19});
}

bool add_median(const std::string& name, const Footprint& footprint, Extents<3> shape) {
  return add(
      "median_filter/" + name, shape,
      [=](Exec& exec, Cube<const float> in, Cube<float> out) { median_filter(exec, in, footprint, Border::edge, out); },
      [=](Frame<const float> frame, index_t y, index_t x) { return median_at(frame, footprint, y, x); },
      {static_cast<double>(footprint.offsets.size())});
}

/// Box and disc, by tiles in shared memory and by a thread for each pixel.
bool add_median_paths(index_t size) {
  constexpr Extents<3> kShape{61, 210, 210};
  const Footprint box = box_footprint(size, size);
  return on_both_paths(
      "median_filter", {size, kShape[0], kShape[1], kShape[2]}, [=](benchmark::State& state, Exec& exec) {
        run(
            state, exec, kShape,
            [=](Exec& one, Cube<const float> in, Cube<float> out) { median_filter(one, in, box, Border::edge, out); },
            [=](Frame<const float> frame, index_t y, index_t x) { return median_at(frame, box, y, x); },
            {static_cast<double>(box.offsets.size())});
      });
}

/// The box or the disc of the default size, taken away.
bool add_median_subt(HighPass mode, Extents<3> shape) {
  const FilterOptions options;
  const bool box = mode == HighPass::median_subt;
  const auto side = static_cast<index_t>(options.median_size);
  const Footprint footprint = box ? box_footprint(side, side) : disc_footprint(options.median_size);
  return add(
      box ? "high_pass/median_subt5" : "high_pass/cmedian_subt5", shape,
      [=](Exec& exec, Cube<const float> in, Cube<float> out) { high_pass(exec, in, mode, options, out); },
      [=](Frame<const float> frame, index_t y, index_t x) {
        return static_cast<double>(frame(y, x)) - median_at(frame, footprint, y, x);
      },
      {static_cast<double>(footprint.offsets.size() + 1)});
}

/// The weight of a frequency of n, given as -n/2 .. n/2 - 1.
using Transfer = std::function<double(Extents<2>, index_t v, index_t u)>;

double butterworth(Extents<2> n, index_t v, index_t u) {
  const auto place = [](index_t f, index_t size) {
    return (static_cast<double>(f + size / 2) / static_cast<double>(size - 1) - 0.5) * static_cast<double>(size);
  };
  const double radius = std::hypot(place(v, n[0]), place(u, n[1]));
  return 1 - 1 / (1 + std::pow(radius / 0.2, 4));
}

double hann(Extents<2> n, index_t v, index_t u) {
  const auto window = [](index_t f, index_t size) {
    const double reach = std::floor(static_cast<double>(size) / 2 - 0.5);
    return std::abs(static_cast<double>(f)) > reach
               ? 0
               : 0.5 + 0.5 * std::cos(std::numbers::pi * static_cast<double>(f) / reach);
  };
  return 1 - window(v, n[0]) * window(u, n[1]);
}

/// The real part of the weighted frequencies' sum at a pixel, by sums along x and then along y.
double filtered_at(Frame<const float> frame, const Transfer& transfer, index_t y, index_t x) {
  const index_t ny = frame.extent(0), nx = frame.extent(1);
  const auto turned = [](index_t product, index_t n) {
    return std::polar(1.0, 2 * std::numbers::pi * static_cast<double>(product % n) / static_cast<double>(n));
  };
  std::complex<double> sum = 0;
  for (index_t u = -(nx / 2); u < nx - nx / 2; ++u) {
    std::vector<std::complex<double>> along_x(static_cast<std::size_t>(ny)), turn;
    for (index_t i = 0; i < nx; ++i) turn.push_back(turned(u * (x - i), nx));
    for (index_t j = 0; j < ny; ++j)
      for (index_t i = 0; i < nx; ++i)
        along_x[std::size_t(j)] += static_cast<double>(frame(j, i)) * turn[std::size_t(i)];
    turn.clear();
    for (index_t j = 0; j < ny; ++j) turn.push_back(turned(j, ny));
    for (index_t v = -(ny / 2); v < ny - ny / 2; ++v) {
      std::complex<double> frequency = 0;
      for (index_t j = 0; j < ny; ++j)
        frequency += along_x[std::size_t(j)] * turn[std::size_t(((v * (y - j)) % ny + ny) % ny)];
      sum += transfer({ny, nx}, v, u) * frequency;
    }
  }
  return sum.real() / static_cast<double>(ny * nx);
}

/// Flops: of two real transforms and the weights, in double.
bool add_by_frequency(const std::string& name, HighPass mode, const Transfer& transfer, Extents<3> shape) {
  return add(
      "high_pass/" + name, shape,
      [=](Exec& exec, Cube<const float> in, Cube<float> out) { high_pass(exec, in, mode, {}, out); },
      [=](Frame<const float> frame, index_t y, index_t x) { return filtered_at(frame, transfer, y, x); },
      {2 * 2.5 * std::log2(static_cast<double>(shape[1] * shape[2])) + 1, Precision::f64});
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
  return add("starlet/1", shape,
             [](Exec& exec, Cube<const float> in, Cube<float> out) { starlet_filter(exec, in, 1, out); }, first_detail,
             {41});
}

const Extents<3> kCube{489, 210, 210}, kSmall{61, 101, 101};

const bool registered[] = {
    add_median_paths(3),
    add_median_paths(5),
    add_median_paths(11),
    add_median_paths(19),
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
        {50}),
    add(
        "high_pass/laplacian_conv5", kCube,
        [](Exec& exec, Cube<const float> in, Cube<float> out) {
          high_pass(exec, in, HighPass::laplacian_conv, {}, out);
        },
        [](Frame<const float> frame, index_t y, index_t x) {
          double sum = 0;
          for (index_t j = -2; j <= 2; ++j)
            for (index_t i = -2; i <= 2; ++i)
              sum += static_cast<double>(4 - j * j - i * i) * static_cast<double>(frame(y + j, x + i));
          return sum;
        },
        {50}),
    add_median_subt(HighPass::median_subt, kCube),
    add_median_subt(HighPass::median_subt, kSmall),
    add_median_subt(HighPass::cmedian_subt, kSmall),
    add_by_frequency("fourier_butter", HighPass::fourier_butter, butterworth, kCube),
    add_by_frequency("fourier_butter", HighPass::fourier_butter, butterworth, kSmall),
    add_by_frequency("hann", HighPass::hann, hann, kCube),
    add_by_frequency("hann", HighPass::hann, hann, kSmall),
    add_starlet(kCube),
    add_starlet(kSmall),
};

}  // namespace
}  // namespace hci::bench
