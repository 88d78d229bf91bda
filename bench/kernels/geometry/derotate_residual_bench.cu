// SPDX-License-Identifier: MIT
// X - A S on CUDA: written and then gathered, as the reductions do it, or evaluated on the fly by whoever gathers it.
// By count the second loses: each of a derotated value's 64 taps is k products instead of a number that is read, and
// reads k numbers more.
#include "kernels/core/launch.hpp"

#if HCI_HAVE_CUDA
#include <cmath>
#include <random>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/geometry/derotate_collapse.hpp"
#include "kernels/geometry/rotate_plan.hpp"
#include "kernels/linalg/gemm.hpp"
#include "kernels/linalg/subtract_product.hpp"
#include "kernels/stats/collapse_tiles.hpp"

namespace hci::bench {
namespace {

/// A frame of the residual.
struct ResidualPixels {
  Frame<const float> x;
  Cube<const float> scores;  // (k, y, x)
  Vector<const float> left;  // (k)
  HCI_HD index_t extent(int axis) const { return x.extent(axis); }
  HCI_HD float operator()(index_t row, index_t column) const {
    float value = x(row, column);
    for (index_t i = 0; i < left.extent(0); ++i) value = fmaf(-left(i), scores(i, row, column), value);
    return value;
  }
};

struct ResidualOnTheFly {
  DerotatedValue<Rotation::lanczos4> of_frames;
  Cube<const float> scores;
  Matrix<const float> left;  // (t, k)
  HCI_HD float operator()(index_t t, index_t y, index_t x) const {
    const ResidualPixels pixels{frame_of(of_frames.in, t), scores, left[t]};
    return sample<Rotation::lanczos4>(pixels, of_frames.maps(t), of_frames.lanczos, of_frames.border, y, x);
  }
};

Array<float, 2> factors(Exec& exec, index_t rows, index_t columns, unsigned seed) {
  auto host = host_array<float, 2>({rows, columns});
  std::mt19937 random(seed);
  std::normal_distribution<float> entry(0, 1 / std::sqrt(static_cast<float>(rows > columns ? rows : columns)));
  for (index_t i = 0; i < host.size(); ++i) host.data()[i] = entry(random);
  auto numbers = to_device(exec, std::as_const(host).view());
  exec.wait();
  return numbers;
}

enum class Way { written, on_the_fly };

void run(benchmark::State& state, Exec& exec, Extents<3> shape, index_t k, Way timed_way) {
  const auto cube = speckle_cube(shape[0], shape[1], shape[2]);
  const DeviceInput<float, 3> in(exec, cube.view());
  const auto left = factors(exec, shape[0], k, 1), right = factors(exec, k, shape[0], 2);
  const auto angles = even_angles(shape[0]);
  const CollapseOptions median{.mode = Collapse::median};
  const auto x = as_matrix(in.view());
  Array<float, 3> residual(exec, shape), scores(exec, {k, shape[1], shape[2]});
  Array<float, 2> out(exec, {shape[1], shape[2]}), expected(exec, {shape[1], shape[2]});
  const auto written = [&](Frame<float> to) {
    subtract_product(exec, left.view(), right.view(), x, x, as_matrix(residual.view()));
    derotate_collapse(exec, std::as_const(residual).view(), angles, {}, median, to);
  };
  const auto on_the_fly = [&](Frame<float> to) {
    gemm(exec, {.a = batch_of_one(right.view()), .b = batch_of_one(x)}, batch_of_one(as_matrix(scores.view())));
    const auto plan = prepare_interpolation(exec, in.view(), angles, {});
    const ResidualOnTheFly value{plan.value<Rotation::lanczos4>(), std::as_const(scores).view(), left.view()};
    if (!cuda_side::collapse_by_tiles<cuda_side::TileShape::square, 2>(exec, value, shape[0], median, to))
      throw std::runtime_error("the frames do not fit shared memory");
  };
  const auto go = [&] { timed_way == Way::written ? written(out.view()) : on_the_fly(out.view()); };
  written(expected.view());
  go();
  const auto got = to_host(exec, std::as_const(out).view()), want = to_host(exec, std::as_const(expected).view());
  float largest = 0, difference = 0;
  for (index_t i = 0; i < got.size(); ++i) {
    largest = std::max(largest, std::abs(want.data()[i]));
    difference = std::max(difference, std::abs(got.data()[i] - want.data()[i]));
  }
  if (!(difference <= 1e-5F * largest)) return state.SkipWithError("the two ways differ");
  report_bytes(state, exec, timed(state, exec, go), static_cast<double>(cube.bytes() + got.bytes()));
}

const bool registered = [] {
  for (const index_t k : {5, 20})
    for (const Extents<3>& shape : {Extents<3>{61, 101, 101}, {200, 210, 210}}) {
      const auto add = [&](const char* name, Way way) {
        on_every_cuda_device(name, {k, shape[0], shape[1], shape[2]},
                             [=](benchmark::State& state, Exec& exec) { run(state, exec, shape, k, way); });
      };
      add("crossover/residual_written", Way::written);
      add("crossover/residual_on_the_fly", Way::on_the_fly);
    }
  return true;
}();

}  // namespace
}  // namespace hci::bench
#endif
