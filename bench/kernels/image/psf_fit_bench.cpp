// SPDX-License-Identifier: MIT
#include "kernels/image/psf_fit.hpp"

#include <cmath>
#include <random>

#include "bench/support/bench.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

constexpr double kX = 9.3, kY = 8.8, kFwhm = 4.8;

/// Stamps of one source with 1 % noise, as bench/peers/image_peers.py makes them.
Array<float, 3> stamps_of(PsfModel model, index_t count, index_t side) {
  const auto clean =
      draw_psf({side, side},
               {.model = model, .amplitude = 100, .y = kY, .x = kX, .fwhm_y = kFwhm, .fwhm_x = kFwhm, .alpha = 2.5});
  auto stamps = host_array<float, 3>({count, side, side});
  std::mt19937 random(1);
  std::normal_distribution<float> noise(0, 1);
  for (index_t i = 0; i < stamps.size(); ++i) stamps.data()[i] = clean.data()[i % clean.size()] + noise(random);
  return stamps;
}

void run(benchmark::State& state, Exec& exec, PsfModel model, index_t count, index_t side) {
  const auto stamps = stamps_of(model, count, side);
  const DeviceInput<float, 3> in(exec, stamps.view());
  double steps = 0;
  for (const PsfFit& fit : fit_psfs(exec, in.view(), model)) {
    steps += fit.steps;
    // The position's error is sqrt(2 / pi) / 100 px; 6 of it, for the largest of thousands.
    if (!fit.converged || std::hypot(fit.shape.x - kX, fit.shape.y - kY) > 0.05) {
      state.SkipWithError("a fit is not where the source is");
      return;
    }
  }
  const double seconds = timed(state, exec, [&] { fit_psfs(exec, in.view(), model); });
  state.counters["fits_per_s"] = static_cast<double>(count) / seconds;
  state.counters["steps_per_fit"] = steps / static_cast<double>(count);
  const double flops_per_pixel = model == PsfModel::gauss  ? 150
                                 : model == PsfModel::moff ? 170
                                                           : 230;  // see psf_fit.cu
  report_flops(state, exec, seconds, (steps + static_cast<double>(count)) * flops_per_pixel * double(side * side),
               Precision::f64);
}

bool add(const std::string& name, PsfModel model, index_t count, index_t side) {
  return on_every_device("fit_psfs/" + name, {count, side, side},
                         [=](benchmark::State& state, Exec& exec) { run(state, exec, model, count, side); });
}

bool add_paths(const char* name, PsfModel model, index_t count) {
  return on_both_paths(name, {count, 19, 19},
                       [=](benchmark::State& state, Exec& exec) { run(state, exec, model, count, 19); });
}

const bool registered[] = {
    add_paths("fit_gauss", PsfModel::gauss, 50), add_paths("fit_gauss", PsfModel::gauss, 5000),
    add_paths("fit_moff", PsfModel::moff, 5000), add("gauss", PsfModel::gauss, 5000, 19),
    add("moff", PsfModel::moff, 5000, 19),       add("airy", PsfModel::airy, 1000, 19),
    add("gauss", PsfModel::gauss, 1, 19),        add("gauss", PsfModel::gauss, 50, 19),
    add("moff", PsfModel::moff, 50, 19),         add("airy", PsfModel::airy, 50, 19),
};

}  // namespace
}  // namespace hci::bench
