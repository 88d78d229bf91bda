// SPDX-License-Identifier: MIT
#include "kernels/geometry/spline.hpp"

#include <cmath>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"

namespace hci::bench {
namespace {

void run(benchmark::State& state, Exec& exec) {
  const auto cube = speckle_cube(489, 210, 210);
  const DeviceInput<float, 3> in(exec, cube.view());
  Array<float, 3> out(exec, cube.extents());
  const auto work = [&] { spline_coefficients(exec, in.view(), 3, Border::reflect, {}, out.view()); };
  work();
  // The splines go through the pixels: at whole places their weights are 1/6, 4/6, 1/6.
  const auto host = to_host(exec, std::as_const(out).view());
  const double weights[] = {1.0 / 6, 4.0 / 6, 1.0 / 6};
  for (index_t i = 0; i < 40; ++i) {
    const index_t t = 12 * i, y = 1 + (37 * i) % 208, x = 1 + (53 * i) % 208;
    double got = 0, size = 0;
    for (index_t j = 0; j < 3; ++j)
      for (index_t k = 0; k < 3; ++k) {
        const double term = weights[j] * weights[k] * double(host.view()(t, y + j - 1, x + k - 1));
        got += term;
        size += std::fabs(term);
      }
    if (!(std::fabs(got - double(cube.view()(t, y, x))) <= 6e-8 * 4 * size))  // coefficients are rounded to float
      return state.SkipWithError("the splines do not go through a pixel");
  }
  report_bytes(state, exec, timed(state, exec, work), 2.0 * static_cast<double>(cube.bytes()));
}

const bool registered[] = {on_every_device("spline_coefficients/3", {489, 210, 210}, run),
                           on_both_paths("spline_coefficients", {489, 210, 210}, run)};

}  // namespace
}  // namespace hci::bench
