// SPDX-License-Identifier: MIT
// The three steps of PCA apart: Gram matrix, eigenpairs, projection; and the products that they are made of.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "bench/kernels/linalg/speckle_rows.hpp"
#include "bench/support/bench.hpp"
#include "kernels/linalg/components.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/gemm.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/subtract_product.hpp"

namespace hci::bench {
namespace {

constexpr index_t kFrames = 489, kSize = 210, kComponents = 20;
/// What sums of frames and of components in single precision err by, relative to the sum of the sizes.
constexpr double kFloatSums = 6e-8 * (kFrames + kComponents + 2);

/// Three rows of g against products in double: p eps of the sum of the sizes, whatever the order.
bool is_gram(Exec& exec, const Array<float, 2>& x, const Array<double, 2>& g) {
  const auto found = to_host(exec, g.view());
  const auto rows = to_host(exec, x.view());
  const index_t pixels = rows.extent(1);
  for (const index_t i : {index_t{0}, index_t{7}, rows.extent(0) - 1})
    for (index_t j = 0; j < rows.extent(0); ++j) {
      double want = 0, size = 0;
      for (index_t p = 0; p < pixels; ++p) {
        const double term = static_cast<double>(rows.view()(i, p)) * static_cast<double>(rows.view()(j, p));
        want += term;
        size += std::fabs(term);
      }
      const double bound = 2.3e-16 * static_cast<double>(2 * pixels) * size;
      if (!(std::fabs(found.view()(i, j) - want) <= bound && found.view()(i, j) == found.view()(j, i))) return false;
    }
  return true;
}

void time_gram(benchmark::State& state, Exec& exec) {
  const auto x = speckle_rows(exec, kFrames, kSize, kSize);
  Array<double, 2> g(exec, {kFrames, kFrames});
  const auto go = [&] { gram(exec, x.view(), {}, g.view()); };
  go();
  if (!is_gram(exec, x, g)) return state.SkipWithError("the Gram matrix is wrong");
  const auto flops = static_cast<double>(kFrames * (kFrames + 1) * kSize * kSize);
  report_flops(state, exec, timed(state, exec, go), flops, Precision::f64);
}

void time_projection(benchmark::State& state, Exec& exec) {
  const auto x = speckle_rows(exec, kFrames, kSize, kSize);
  auto factor = host_array<float, 2>({kFrames, kComponents});
  for (index_t i = 0; i < factor.size(); ++i) factor.data()[i] = 0.05F * std::sin(static_cast<float>(7 * i + 1));
  const auto left = to_device(exec, factor.view());
  const auto right = to_device(exec, Matrix<const float>(factor.data(), {kComponents, kFrames}));
  Array<float, 2> out(exec, x.extents());
  const auto go = [&] { subtract_product(exec, left.view(), right.view(), x.view(), x.view(), out.view()); };
  go();
  const auto found = to_host(exec, out.view()), frames = to_host(exec, x.view());
  const Matrix<const float> b(factor.data(), {kComponents, kFrames});
  for (index_t p = 5; p < kSize * kSize; p += 997) {
    const index_t t = p % kFrames;
    double want = static_cast<double>(frames.view()(t, p)), size = std::fabs(want);
    for (index_t j = 0; j < kComponents; ++j)
      for (index_t s = 0; s < kFrames; ++s) {
        const double term = static_cast<double>(factor.view()(t, j)) * static_cast<double>(b(j, s)) *
                            static_cast<double>(frames.view()(s, p));
        want -= term;
        size += std::fabs(term);
      }
    if (!(std::fabs(static_cast<double>(found.view()(t, p)) - want) <= kFloatSums * size))
      return state.SkipWithError("a residual differs from that in double");
  }
  const double flops = 4.0 * static_cast<double>(kFrames * kComponents * kSize * kSize);
  report_flops(state, exec, timed(state, exec, go), flops, Precision::f32);
}

/// Checks one pair: |A v - w v| against n eps |A|.
bool is_pair(const Array<double, 2>& a, const double* v, double w) {
  const index_t n = a.extent(0);
  double residual = 0, norm = 0;
  for (index_t i = 0; i < n; ++i) {
    double sum = -w * v[i];
    for (index_t j = 0; j < n; ++j) {
      sum += a.view()(i, j) * v[j];
      norm += a.view()(i, j) * a.view()(i, j);
    }
    residual += sum * sum;
  }
  return std::sqrt(residual) <= 10 * 2.3e-16 * static_cast<double>(n) * std::sqrt(norm);
}

void time_eigh(benchmark::State& state, Exec& exec) {
  const auto x = speckle_rows(exec, kFrames, 60, 60);
  Array<double, 2> g(exec, {kFrames, kFrames}), vectors(exec, {kComponents, kFrames});
  Array<double, 1> values(exec, {kComponents});
  gram(exec, x.view(), {}, g.view());
  const auto go = [&] { eigh_top(exec, g.view(), kComponents, values.view(), vectors.view()); };
  go();
  const auto w = to_host(exec, values.view());
  const auto v = to_host(exec, vectors.view());
  if (!is_pair(to_host(exec, g.view()), &v.view()(19, 0), w.data()[19])) return state.SkipWithError("no eigenpair");
  // Counted by what a tridiagonalization takes, whatever is done, so that the ways compare.
  report_flops(state, exec, timed(state, exec, go), 4.0 / 3 * kFrames * kFrames * kFrames, Precision::f64);
}

/// Some pixels of row t against a projection in double on eigenvectors that are checked themselves.
bool is_residual(Exec& exec, const Array<float, 2>& x, const Array<float, 2>& out, index_t t) {
  Array<double, 2> g(exec, {kFrames, kFrames}), vectors(exec, {kComponents, kFrames});
  Array<double, 1> values(exec, {kComponents});
  gram(exec, x.view(), {}, g.view());
  eigh_top(exec, g.view(), kComponents, values.view(), vectors.view());
  const auto matrix = to_host(exec, g.view()), u = to_host(exec, vectors.view());
  const auto w = to_host(exec, values.view());
  const auto found = to_host(exec, out.view()), frames = to_host(exec, x.view());
  for (index_t j = 0; j < kComponents; ++j)
    if (!is_pair(matrix, &u.view()(j, 0), w.data()[j])) return false;
  for (index_t p = 3; p < frames.extent(1); p += 97) {
    double want = static_cast<double>(frames.view()(t, p)), size = std::fabs(want);
    for (index_t j = 0; j < kComponents; ++j)
      for (index_t s = 0; s < kFrames; ++s) {
        const double term = u.view()(j, t) * u.view()(j, s) * static_cast<double>(frames.view()(s, p));
        want -= term;
        size += std::fabs(term);
      }
    if (!(std::fabs(static_cast<double>(found.view()(t, p)) - want) <= kFloatSums * size)) return false;
  }
  return true;
}

/// All of it: Gram matrix, eigenpairs, residual of the same frames.
void time_pca(benchmark::State& state, Exec& exec) {
  const auto x = speckle_rows(exec, kFrames, kSize, kSize);
  Array<float, 2> out(exec, x.extents());
  const auto go = [&] {
    Array<double, 2> g(exec, {kFrames, kFrames}), vectors(exec, {kComponents, kFrames});
    Array<double, 1> values(exec, {kComponents});
    Array<float, 2> left(exec, {kFrames, kComponents}), right(exec, {kComponents, kFrames});
    gram(exec, x.view(), {}, g.view());
    eigh_top(exec, g.view(), kComponents, values.view(), vectors.view());
    to_single(exec, vectors.view(), values.view(), false, right.view());
    to_single(exec, Matrix<const double>(vectors.data(), {kFrames, kComponents}, {1, kFrames}), values.view(), true,
              left.view());
    subtract_product(exec, left.view(), right.view(), x.view(), x.view(), out.view());
  };
  go();
  if (!is_residual(exec, x, out, 7)) return state.SkipWithError("a row differs from the residual in double");
  const double flops = static_cast<double>(kFrames * (kFrames + 1) * kSize * kSize);
  report_flops(state, exec, timed(state, exec, go), flops, Precision::f64);
}

/// shape: products, rows, numbers in a sum, columns.
template <class T>
void time_gemm(benchmark::State& state, Exec& exec, const Extents<4>& shape) {
  const auto [products, rows, inner, columns] = shape.n;
  auto left = host_array<T>(Extents<3>{products, rows, inner});
  auto right = host_array<T>(Extents<3>{products, inner, columns});
  for (index_t i = 0; i < left.size(); ++i) left.data()[i] = static_cast<T>(std::sin(static_cast<double>(7 * i + 1)));
  for (index_t i = 0; i < right.size(); ++i) right.data()[i] = static_cast<T>(std::cos(static_cast<double>(3 * i + 2)));
  const auto a = to_device(exec, left.view()), b = to_device(exec, right.view());
  Array<T, 3> c(exec, {products, rows, columns});
  const auto go = [&] { gemm(exec, {.a = a.view(), .b = b.view()}, c.view()); };
  go();
  const auto found = to_host(exec, c.view());
  for (index_t i = 5; i < found.size(); i += found.size() / 97) {
    const index_t n = i / (rows * columns), row = i / columns % rows, column = i % columns;
    double want = 0, size = 0;
    for (index_t s = 0; s < inner; ++s) {
      const double term = static_cast<double>(left.view()(n, row, s)) * static_cast<double>(right.view()(n, s, column));
      want += term;
      size += std::fabs(term);
    }
    const double eps = std::is_same_v<T, float> ? 6e-8 : 1.1e-16;
    if (!(std::fabs(static_cast<double>(found.data()[i]) - want) <= 2 * eps * static_cast<double>(inner) * size))
      return state.SkipWithError("a product is wrong");
  }
  report_flops(state, exec, timed(state, exec, go), 2.0 * static_cast<double>(products * rows * inner * columns),
               std::is_same_v<T, float> ? Precision::f32 : Precision::f64);
}
template <class T>
bool add_gemm(const char* name, const Extents<4>& shape) {
  return on_every_device(name, {shape[0], shape[1], shape[2], shape[3]},
                         [=](benchmark::State& state, Exec& exec) { time_gemm<T>(state, exec, shape); });
}

/// Each number read once.
void time_row_sums(benchmark::State& state, Exec& exec) {
  const auto x = speckle_rows(exec, kFrames, kSize, kSize);
  Array<double, 1> sums(exec, {kFrames});
  const auto go = [&] { row_sums(exec, x.view(), {}, sums.view()); };
  go();
  const auto found = to_host(exec, sums.view());
  const auto rows = to_host(exec, x.view());
  for (const index_t t : {index_t{0}, kFrames - 1}) {
    double want = 0, size = 0;
    for (index_t p = 0; p < kSize * kSize; ++p) {
      want += static_cast<double>(rows.view()(t, p));
      size += std::fabs(static_cast<double>(rows.view()(t, p)));
    }
    if (!(std::fabs(found.view()(t) - want) <= 2 * 1.1e-16 * kSize * kSize * size))
      return state.SkipWithError("a sum is wrong");
  }
  report_bytes(state, exec, timed(state, exec, go), static_cast<double>(x.bytes()));
}

const bool registered[] = {add_gemm<double>("gemm/f64", {100, 28, 489, 489}),
                           add_gemm<float>("gemm/f32", {1, 489, 489, 44100}),
                           on_every_device("row_sums", {kFrames, kSize, kSize}, time_row_sums),
                           on_every_device("gram", {kFrames, kSize, kSize}, time_gram),
                           on_every_device("subtract_product/ncomp20", {kFrames, kSize, kSize}, time_projection),
                           on_every_device("gram_top_residual/ncomp20", {kFrames, kSize, kSize}, time_pca),
                           on_every_device("eigh_top/ncomp20", {kFrames}, time_eigh)};

}  // namespace
}  // namespace hci::bench
