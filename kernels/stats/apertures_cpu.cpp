// SPDX-License-Identifier: MIT
// Aperture sums on the CPU: in tiles of at most 7 x 15 pixels, so a disc of up to 6 px across is one
// tile. Tiles on the rim take their overlaps from kernels/stats/disc_overlap_cpu.hpp, eight pixels at a
// time; tiles inside are plainly added, tiles outside are left out.
#include "kernels/stats/apertures_cpu.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/stats/disc_overlap_cpu.hpp"

namespace hci {
namespace {

using disc::Doubles;
using disc::Lanes;
using disc::Patch;

/// Eight pixels of each row of a tile: in the frame, or a copy of what the frame has of them.
struct Pixels {
  const float* first;
  index_t step;
};

Pixels pixels_of(const Frame<const float>& frame, const Patch& patch, float (&copy)[disc::kRows * disc::kLanes]) {
  if (patch.x + disc::kLanes <= frame.extent(1) && frame.stride(1) == 1)
    return {&frame(patch.y, patch.x), frame.stride(0)};
  const index_t count = std::min<index_t>(disc::kLanes, frame.extent(1) - patch.x);
  for (index_t row = 0; row < patch.rows; ++row)
    for (index_t i = 0; i < disc::kLanes; ++i)
      copy[row * disc::kLanes + i] = i < count ? frame(patch.y + row, patch.x + i) : 0.0F;
  return {copy, disc::kLanes};
}

/// Where tiles lie with respect to a disc.
enum class Place { outside, rim, inside };

Place place_of(const Patch& patch, const Position& at, double radius) {
  const auto nearest = [](double low, double high) { return low > 0 ? low : high < 0 ? -high : 0; };
  const double y = static_cast<double>(patch.y) - 0.5 - at.y, x = static_cast<double>(patch.x) - 0.5 - at.x;
  const double y_end = y + patch.rows, x_end = x + disc::kPixels;
  const double far_y = std::max(-y, y_end), far_x = std::max(-x, x_end);
  if (far_y * far_y + far_x * far_x <= radius * radius) return Place::inside;
  const double near_y = nearest(y, y_end), near_x = nearest(x, x_end);
  return near_y * near_y + near_x * near_x >= radius * radius ? Place::outside : Place::rim;
}

/// Sum of overlaps times pixels; overlaps of rounding's size count as none.
void add_rim(const Patch& patch, const Pixels& pixels, double least, Lanes& sum) {
  const float* from = pixels.first;
  for (int row = 0; row < patch.rows; ++row, from += pixels.step) {
    const Lanes overlap = patch.overlap[row];
    sum.low += (overlap.low > least ? overlap.low : Doubles{}) * disc::load(from);
    sum.high += (overlap.high > least ? overlap.high : Doubles{}) * disc::load(from + 4);
  }
}

/// The same where all of the first seven are inside.
void add_inside(const Patch& patch, const Pixels& pixels, double weight, Lanes& sum) {
  const Doubles low = disc::vector_of(weight), high{weight, weight, weight, 0};
  const float* from = pixels.first;
  for (int row = 0; row < patch.rows; ++row, from += pixels.step) {
    sum.low += low * disc::load(from);
    sum.high += high * disc::load(from + 4);
  }
}

/// Frames that share the overlaps of a disc. Discs of 2.4 px take 26 ns in one frame, 7.2 ns a frame in 61 (2 cores of
/// an EPYC); parts of 64 instead take 6.6, but many large frames would not stay in the cache from one disc to the next.
constexpr index_t kFrames = 16;

/// The sums of at most kFrames frames; not finite where a pixel in or next to a disc is not.
void sums_of_tiles(const Cube<const float>& frames, const Position& at, double radius, double* sums) {
  const double scale = 1 / radius, pixel = scale * scale, least = disc::kLeastOverlap * pixel;
  const disc::Reach rows(at.y, radius, frames.extent(1)), columns(at.x, radius, frames.extent(2));
  float copy[disc::kRows * disc::kLanes];
  Patch patch;
  const index_t count = frames.extent(0);
  Lanes lanes[kFrames];
  std::fill_n(lanes, count, Lanes{});
  const bool one_tile = columns.last - columns.first < disc::kPixels && rows.last - rows.first < disc::kRows;
  for (patch.y = rows.first; patch.y <= rows.last; patch.y += disc::kRows) {
    patch.rows = static_cast<int>(std::min<index_t>(disc::kRows, rows.last - patch.y + 1));
    for (patch.x = columns.first; patch.x <= columns.last; patch.x += disc::kPixels) {
      const Place place = one_tile ? Place::rim : place_of(patch, at, radius);
      if (place == Place::outside) continue;
      if (place == Place::rim)
        patch.rows < 8 ? disc::cover<2>(at.y, at.x, scale, patch) : disc::cover<4>(at.y, at.x, scale, patch);
      for (index_t t = 0; t < count; ++t) {
        const Pixels pixels = pixels_of(frames[t], patch, copy);
        if (place == Place::inside)
          add_inside(patch, pixels, pixel, lanes[t]);
        else
          add_rim(patch, pixels, least, lanes[t]);
      }
    }
  }
  for (index_t t = 0; t < count; ++t) {
    const Doubles four = lanes[t].low + lanes[t].high;
    sums[t] = (four[0] + four[1] + four[2] + four[3]) * radius * radius;
  }
}

/// The sum, NaN where the disc covers a pixel that is not finite: it is then looked at one by one.
double masked_sum(const Frame<const float>& frame, const Position& at, double radius) {
  const disc::KeptEdgeAreas areas({at.x, 1 / radius}, disc::Reach(at.x, radius, frame.extent(1)));
  const disc::Sum sum = disc::sum(frame, at.y, at.x, radius, areas);
  return sum.masked ? std::numeric_limits<double>::quiet_NaN() : sum.value;
}

}  // namespace

void aperture_sums_cpu(int threads, Cube<const float> frames, const std::vector<Position>& positions, double radius,
                       Matrix<double> sums) {
  const index_t nt = frames.extent(0), count = sums.extent(1), parts = (nt + kFrames - 1) / kFrames;
#pragma omp parallel for collapse(2) schedule(static) num_threads(threads)
  for (index_t part = 0; part < parts; ++part)
    for (index_t i = 0; i < count; ++i) {
      const index_t first = part * kFrames;
      const Cube<const float> some = slice(frames, first, std::min(kFrames, nt - first));
      const Position at = positions[static_cast<std::size_t>(i)];
      double found[kFrames];
      sums_of_tiles(some, at, radius, found);
      for (index_t t = 0; t < some.extent(0); ++t)
        sums(first + t, i) = std::isfinite(found[t]) ? found[t] : masked_sum(some[t], at, radius);
    }
}

}  // namespace hci
