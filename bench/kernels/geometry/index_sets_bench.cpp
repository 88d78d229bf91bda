// SPDX-License-Identifier: MIT
// Index sets and polar coordinates: made on the host, once for a job.
#include <cmath>
#include <numbers>

#include "bench/support/bench.hpp"
#include "kernels/geometry/annulus.hpp"
#include "kernels/geometry/polar.hpp"

namespace hci::bench {
namespace {

/// Whether the set has the area's number of pixels, to those that its edges may cross.
bool fills(index_t found, double area, double edges) { return std::abs(double(found) - area) <= 3 * std::sqrt(edges); }

/// All annuli of a frame, each of some segments.
void annuli(benchmark::State& state, Exec& exec, index_t side, double width, int segments) {
  const auto work = [&] {
    index_t pixels = 0;
    for (double inner = 0; inner + width <= double(side) / 2; inner += width)
      for (const PixelSet& set : annulus_segments(side, side, inner, width, segments))
        pixels += static_cast<index_t>(set.size());
    return pixels;
  };
  const double radius = std::floor(double(side) / 2 / width) * width;
  const index_t pixels = work();
  if (!fills(pixels, std::numbers::pi * radius * radius, 2 * std::numbers::pi * radius))
    return state.SkipWithError("the annuli do not fill the circle");
  const double seconds = timed(state, exec, [&] { benchmark::DoNotOptimize(work()); });
  report_bytes(state, exec, seconds, static_cast<double>(pixels * index_t(sizeof(index_t))));
  state.counters["ns_per_pixel"] = 1e9 * seconds / static_cast<double>(pixels);
}

void one_set(benchmark::State& state, Exec& exec, double area, double edges, const std::function<PixelSet()>& make) {
  const auto pixels = static_cast<index_t>(make().size());
  if (!fills(pixels, area, edges)) return state.SkipWithError("the set does not fill its area");
  const double seconds = timed(state, exec, [&] { benchmark::DoNotOptimize(make()); });
  report_bytes(state, exec, seconds, static_cast<double>(pixels * index_t(sizeof(index_t))));
  state.counters["ns_per_pixel"] = 1e9 * seconds / static_cast<double>(pixels);
}

void polar(benchmark::State& state, Exec& exec, index_t places) {
  double furthest = 0;
  const auto work = [&] {
    furthest = 0;
    for (index_t i = 0; i < places; ++i) {
      const UncertainPosition at{0.37 * double(i % 1000), 0.61 * double(i % 777), 0.1, 0.2};
      const auto back = to_cartesian(to_polar(at, {100, 100}, AngleOrigin::north), {100, 100}, AngleOrigin::north);
      furthest = std::max(furthest, std::hypot(back.y - at.y, back.x - at.x));
    }
  };
  work();
  if (!(furthest < 1e-10)) return state.SkipWithError("there and back is another place");
  const double seconds = timed(state, exec, work);
  report_bytes(state, exec, seconds, static_cast<double>(places) * 4 * sizeof(PolarPosition));
  state.counters["ns_per_place"] = 1e9 * seconds / static_cast<double>(places);
}

bool add_annuli(index_t side, double width, int segments) {
  return on_the_cpu("annulus_segments/" + std::to_string(segments), {side, side},
                    [=](benchmark::State& state, Exec& exec) { annuli(state, exec, side, width, segments); });
}

bool add_set(const char* name, double area, double edges, const std::function<PixelSet()>& make) {
  return on_the_cpu(name, {1024, 1024},
                    [=](benchmark::State& state, Exec& exec) { one_set(state, exec, area, edges, make); });
}

constexpr double kPi = std::numbers::pi;
const bool registered[] = {
    add_annuli(210, 4, 1),
    add_annuli(210, 4, 4),
    add_annuli(1024, 4, 1),
    add_set("circle", kPi * 300 * 300, 600 * kPi, [] { return circle(1024, 1024, 300); }),
    add_set("annulus", kPi*(300 * 300 - 292 * 292), 1184 * kPi, [] { return annulus(1024, 1024, 292, 8); }),
    add_set("annular_wedge", kPi*(300 * 300 - 292 * 292) / 4, 296 * kPi,
            [] { return annular_wedge(1024, 1024, 292, 8, 20, 110); }),
    add_set("ellipse", kPi * 300 * 200, 500 * kPi, [] { return ellipse(1024, 1024, 300, 200, 30); }),
    on_the_cpu("polar_and_back", {100000}, [](benchmark::State& state, Exec& exec) { polar(state, exec, 100000); }),
};

}  // namespace
}  // namespace hci::bench
