// SPDX-License-Identifier: MIT
// Derotated and collapsed residuals of a projection, X - A S: written and then gathered, as the reductions do it, or
// made on the fly for each tile of the output, from X and the scores S, and never written. CPU only.
#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>
#include <utility>

#include "bench/support/bench.hpp"
#include "bench/support/synthetic.hpp"
#include "kernels/geometry/derotate_collapse.hpp"
#include "kernels/geometry/rotate_cpu.hpp"
#include "kernels/linalg/in_register.hpp"
#include "kernels/linalg/subtract_product.hpp"
#include "kernels/stats/collapse_block.hpp"

namespace hci::bench {
namespace {

#if defined(__AVX512F__)
constexpr index_t kLanes = 16;
#elif defined(__AVX__)
constexpr index_t kLanes = 8;
#else
constexpr index_t kLanes = 4;
#endif
constexpr index_t kVectors = 3, kGroup = 4;  // as in subtract_product()
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float)), aligned(4)));

/// What both ways start from: frames, left (t, k) and right (k, t) factors of the projection.
struct Problem {
  Array<float, 3> frames;
  Array<float, 2> left, right;
  std::vector<double> angles;
};

Problem problem_of(Extents<3> shape, index_t k) {
  Problem p{speckle_cube(shape[0], shape[1], shape[2]), host_array<float, 2>({shape[0], k}),
            host_array<float, 2>({k, shape[0]}), even_angles(shape[0])};
  std::mt19937 random(1);
  std::normal_distribution<float> entry(0, 1 / std::sqrt(static_cast<float>(shape[0])));
  for (index_t t = 0; t < shape[0]; ++t)
    for (index_t i = 0; i < k; ++i) p.left.view()(t, i) = p.right.view()(i, t) = entry(random);
  return p;
}

void written(Exec& exec, const Problem& p, const CollapseOptions& options, Frame<float> out) {
  Array<float, 3> residual(exec, p.frames.extents());
  const auto x = as_matrix(p.frames.view());
  subtract_product(exec, p.left.view(), p.right.view(), x, x, as_matrix(residual.view()));
  derotate_collapse(exec, std::as_const(residual).view(), p.angles, {}, options, out);
}

/// What taps of a rectangle of the output read in some frames that lie close together: of each source row from `top`
/// on the columns first .. last, of which none is further left than `left`.
struct Shadow {
  struct Span {
    index_t first, last;
  };
  index_t top, left, right;
  std::vector<Span> spans;

  void cast(const Affine* maps, index_t count, const Rectangle& part, Extents<2> frame) {
    const auto corner = [&](index_t t, int i) {
      const index_t y = part.y + (i == 1 || i == 2 ? part.rows - 1 : 0), x = part.x + (i >= 2 ? part.columns - 1 : 0);
      return std::pair(maps[t].source_y(y, x), maps[t].source_x(y, x));
    };
    double ys[4], xs[4], margin = 0;  // corners in the frame in the middle; how far others' are from there
    for (int i = 0; i < 4; ++i) {
      std::tie(ys[i], xs[i]) = corner(count / 2, i);
      for (index_t t = 0; t < count; ++t) {
        const auto [y, x] = corner(t, i);
        margin = std::max({margin, std::abs(y - ys[i]), std::abs(x - xs[i])});
      }
    }
    const double reach = 4 + 1.0 / 32 + margin;  // of the taps, from a place that is rounded to 1/32
    const auto row = [&](double y) { return std::clamp(index_t(y), index_t{0}, frame[0]); };
    top = row(std::ceil(*std::min_element(ys, ys + 4) - reach));
    const index_t bottom = row(std::floor(*std::max_element(ys, ys + 4) + reach) + 1);
    spans.clear();
    left = frame[1];
    right = 0;
    for (index_t y = top; y < bottom; ++y) {
      double low = 1e9, high = -1e9;  // of the edges between y - reach and y + reach
      for (int i = 0; i < 4; ++i) {
        const int j = (i + 1) % 4;
        const double dy = ys[j] - ys[i], up = double(y) + reach - ys[i], down = double(y) - reach - ys[i];
        if (std::max(0.0, dy) < down || std::min(0.0, dy) > up) continue;
        for (const double limit : {down, up}) {
          const double part_of_it = dy == 0 ? 0 : std::clamp(limit / dy, 0.0, 1.0);
          const double x = xs[i] + part_of_it * (xs[j] - xs[i]);
          low = std::min(low, x);
          high = std::max(high, x);
        }
        if (dy == 0) {
          low = std::min(low, xs[j]);
          high = std::max(high, xs[j]);
        }
      }
      const auto column = [&](double x) { return std::clamp(index_t(x), index_t{0}, frame[1]); };
      Span span{column(std::ceil(low - reach)), column(std::floor(high + reach) + 1)};
      if (span.last > span.first) {  // whole vectors, inside the frame
        span.last = std::min(span.first + (span.last - span.first + kLanes - 1) / kLanes * kLanes, frame[1]);
        span.first = span.last - (span.last - span.first + kLanes - 1) / kLanes * kLanes;
        left = std::min(left, span.first);
        right = std::max(right, span.last);
      }
      spans.push_back(span);
    }
  }
};

/// kGroup frames, a row of them, `vectors` vectors: x - sum of coefficients and scores.
template <int vectors>
void residual_strip(const float* const* x, const float* coefficients, const float* scores, index_t step, index_t k,
                    float* to, index_t frame_step) {
  Lanes sum[kGroup][vectors] = {};
  for (index_t i = 0; i < k; ++i, coefficients += kGroup, scores += step) {
    Lanes score[vectors];
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) {
      score[j] = reinterpret_cast<const Lanes*>(scores)[j];
      HCI_IN_REGISTER(score[j]);
    }
#pragma GCC unroll 4
    for (index_t t = 0; t < kGroup; ++t)
#pragma GCC unroll 4
      for (int j = 0; j < vectors; ++j) sum[t][j] += coefficients[t] * score[j];
  }
#pragma GCC unroll 4
  for (index_t t = 0; t < kGroup; ++t)
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j)
      reinterpret_cast<Lanes*>(to + t * frame_step)[j] = reinterpret_cast<const Lanes*>(x[t])[j] - sum[t][j];
}

void on_the_fly(Exec& exec, const Problem& p, const CollapseOptions& options, Frame<float> out) {
  const Cube<const float> in = p.frames.view();
  const index_t nt = in.extent(0), ny = in.extent(1), nx = in.extent(2), k = p.left.extent(1);
  const auto plan = prepare_interpolation(exec, in, p.angles, {});
  Array<float, 2> scores(exec, {k, ny * nx});  // -(0 - right x)
  {
    auto zero = host_array<float, 2>({k, ny * nx});
    std::fill_n(zero.data(), zero.size(), 0.0F);
    auto minus = host_array<float, 2>({k, nt});
    for (index_t i = 0; i < minus.size(); ++i) minus.data()[i] = -p.right.data()[i];
    subtract_product(exec, std::as_const(minus).view(), as_matrix(in), std::as_const(zero).view(), scores.view());
  }
  const index_t groups = (nt + kGroup - 1) / kGroup;
  std::vector<float> packed(std::size_t(groups * k * kGroup), 0.0F);
  for (index_t t = 0; t < nt; ++t)
    for (index_t i = 0; i < k; ++i)
      packed[std::size_t((t / kGroup * k + i) * kGroup + t % kGroup)] = p.left.view()(t, i);

  const auto side = static_cast<index_t>(std::sqrt(double(block_pixels(nt))));
  const index_t columns = std::max(index_t{1}, (side + 4) / kCollapseLanes) * kCollapseLanes;
  const index_t rows = std::clamp(block_pixels(nt) / columns, index_t{1}, ny);
  collapse_blocks(exec, nt, rows, columns, options, out, [&](const CollapseBlock& block) {
    const Rectangle part{block.y, block.x, block.rows, block.columns};
    thread_local std::vector<float> buffer;
    thread_local Shadow shadow;
    for (index_t g = 0; g < groups; ++g) {
      const index_t first = g * kGroup, count = std::min(kGroup, nt - first);
      shadow.cast(plan.maps.data() + first, count, part, {ny, nx});
      for (index_t t = first + kGroup; t < std::min(nt, first + 2 * kGroup); ++t)
        prefetch_rectangle(frame_of(in, t), plan.maps.data()[t], part);
      const index_t pitch = std::max(index_t{0}, shadow.right - shadow.left);
      const index_t frame_step = static_cast<index_t>(shadow.spans.size()) * pitch;
      buffer.resize(std::max(buffer.size(), std::size_t(frame_step * kGroup)));
      for (index_t y = 0; y < index_t(shadow.spans.size()); ++y) {
        const Shadow::Span span = shadow.spans[std::size_t(y)];
        for (index_t x = span.first; x < span.last;) {
          const float* from[kGroup];
          for (index_t t = 0; t < kGroup; ++t) from[t] = &in(first + std::min(t, count - 1), shadow.top + y, x);
          const float* score = scores.data() + (shadow.top + y) * nx + x;
          float* to = buffer.data() + y * pitch + x - shadow.left;
          const float* coefficients = packed.data() + g * k * kGroup;
          if (span.last - x >= kVectors * kLanes) {
            residual_strip<3>(from, coefficients, score, ny * nx, k, to, frame_step);
            x += 3 * kLanes;
          } else if (span.last - x >= 2 * kLanes) {
            residual_strip<2>(from, coefficients, score, ny * nx, k, to, frame_step);
            x += 2 * kLanes;
          } else {
            residual_strip<1>(from, coefficients, score, ny * nx, k, to, frame_step);
            x += kLanes;
          }
        }
      }
      for (index_t t = 0; t < count; ++t) {
        // The frame's own indices, of which only those of the shadow are read.
        const float* origin = buffer.data() + t * frame_step - shadow.top * pitch - shadow.left;
        derotate_rectangle({origin, {ny, nx}, {pitch, 1}}, plan.maps.data()[first + t], plan, part,
                           {block.group(first + t, 0, 0), block.row_step(), block.group_step()});
      }
    }
  });
}

using Way = void (*)(Exec&, const Problem&, const CollapseOptions&, Frame<float>);

void run(benchmark::State& state, Exec& exec, Extents<3> shape, index_t k, Collapse mode, Way way) {
  const Problem problem = problem_of(shape, k);
  Array<float, 2> out(exec, {shape[1], shape[2]}), expected(exec, {shape[1], shape[2]});
  written(exec, problem, {.mode = mode}, expected.view());
  way(exec, problem, {.mode = mode}, out.view());
  float largest = 0, difference = 0;
  for (index_t i = 0; i < out.size(); ++i) {
    largest = std::max(largest, std::abs(expected.data()[i]));
    difference = std::max(difference, std::abs(out.data()[i] - expected.data()[i]));
  }
  if (!(difference <= 1e-5F * largest)) return state.SkipWithError("the two ways differ");
  const double seconds = timed(state, exec, [&] { way(exec, problem, {.mode = mode}, out.view()); });
  report_bytes(state, exec, seconds, static_cast<double>(problem.frames.bytes() + out.bytes()));
}

bool add(Extents<3> shape, index_t k, Collapse mode) {
  for (const auto& [name, way] : {std::pair<const char*, Way>{"written", written}, {"on_the_fly", on_the_fly}})
    on_the_cpu("derotate_residual/" + std::string(name) + "/ncomp" + std::to_string(k) +
                   (mode == Collapse::median ? "/median" : "/mean"),
               {shape[0], shape[1], shape[2]},
               [=, way = way](benchmark::State& state, Exec& exec) { run(state, exec, shape, k, mode, way); });
  return true;
}

const bool registered[] = {
    add({489, 210, 210}, 5, Collapse::median), add({489, 210, 210}, 20, Collapse::median),
    add({489, 210, 210}, 5, Collapse::mean),   add({61, 101, 101}, 5, Collapse::median),
    add({61, 101, 101}, 20, Collapse::median),
};

}  // namespace
}  // namespace hci::bench
