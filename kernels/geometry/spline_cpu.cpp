// SPDX-License-Identifier: MIT
#include <algorithm>
#include <vector>

#include "kernels/core/array.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/geometry/spline_filter.hpp"

namespace hci {
namespace {

#if defined(__AVX512F__)
constexpr int kWidth = 8;
#elif defined(__AVX__)
constexpr int kWidth = 4;
#else
constexpr int kWidth = 2;
#endif
using Vector = double __attribute__((vector_size(kWidth * sizeof(double))));

/// Lines that are filtered side by side: a recursion alone would wait for itself at each step.
constexpr index_t kLines = 8;
constexpr int kParts = kLines / kWidth;

/// A number of each line. The compiler takes vectors that are wider than the machine's apart, to single numbers.
struct Lanes {
  Vector part[kParts];

  double& operator[](index_t line) { return reinterpret_cast<double*>(part)[line]; }
  friend Lanes operator+(const Lanes& a, const Lanes& b) {
    Lanes sum;
    for (int i = 0; i < kParts; ++i) sum.part[i] = a.part[i] + b.part[i];
    return sum;
  }
  friend Lanes operator-(const Lanes& a, const Lanes& b) {
    Lanes difference;
    for (int i = 0; i < kParts; ++i) difference.part[i] = a.part[i] - b.part[i];
    return difference;
  }
  friend Lanes operator*(double factor, const Lanes& a) {
    Lanes product;
    for (int i = 0; i < kParts; ++i) product.part[i] = factor * a.part[i];
    return product;
  }
  Lanes& operator+=(const Lanes& b) { return *this = *this + b; }
};

/// Frames between the two axes, as many as the caches may hold, and one at least.
constexpr index_t kScratchBytes = index_t{4} << 20;

}  // namespace

void spline_coefficients_cpu(Exec& exec, const PaddedPixels& pixels, const LineFilter& filter, Cube<float> out) {
  const index_t nt = out.extent(0), ny = out.extent(1), nx = out.extent(2);
  const index_t frame_bytes = ny * nx * static_cast<index_t>(sizeof(double));
  const index_t frames =
      std::clamp(scratch_bytes(kScratchBytes) / frame_bytes, std::min<index_t>(exec.threads(), nt), nt);
  const index_t across = (nx + kLines - 1) / kLines, down = (ny + kLines - 1) / kLines;
  Array<double, 3> scratch(exec, {frames, ny, nx});
  std::vector<index_t> rows, columns;
  for (index_t y = 0; y < ny; ++y) rows.push_back(pixels.row(y));
  for (index_t x = 0; x < nx; ++x) columns.push_back(pixels.column(x));
  const auto at = [](const std::vector<index_t>& list, index_t i) { return list[static_cast<std::size_t>(i)]; };
  const auto make = [&] { return std::vector<Lanes>(static_cast<std::size_t>(std::max(ny, nx))); };
  for (index_t first = 0; first < nt; first += frames) {
    const index_t count = std::min(frames, nt - first);
    const Cube<double> work = slice(scratch.view(), 0, count);
    parallel_for(exec.threads(), count * across, kEqualShares, make, [&](std::vector<Lanes>& line, index_t i) {
      const index_t t = i / across, left = i % across * kLines, width = std::min(kLines, nx - left);
      for (index_t y = 0; y < ny; ++y)
        for (index_t l = 0; l < width; ++l)
          line[static_cast<std::size_t>(y)][l] = pixels.value(first + t, at(rows, y), at(columns, left + l));
      filter(line.data(), 1, ny);
      for (index_t y = 0; y < ny; ++y)
        for (index_t l = 0; l < width; ++l) work(t, y, left + l) = line[static_cast<std::size_t>(y)][l];
    });
    parallel_for(exec.threads(), count * down, kEqualShares, make, [&](std::vector<Lanes>& line, index_t i) {
      const index_t t = i / down, top = i % down * kLines, height = std::min(kLines, ny - top);
      for (index_t l = 0; l < height; ++l)
        for (index_t x = 0; x < nx; ++x) line[static_cast<std::size_t>(x)][l] = work(t, top + l, x);
      filter(line.data(), 1, nx);
      for (index_t l = 0; l < height; ++l)
        for (index_t x = 0; x < nx; ++x) {
          const bool masked = pixels.masked(first + t, at(rows, top + l), at(columns, x));
          const double value = filter.gain * filter.gain * line[static_cast<std::size_t>(x)][l];
          out(first + t, top + l, x) = masked ? NAN : static_cast<float>(value);
        }
    });
  }
}

}  // namespace hci
