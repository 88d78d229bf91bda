// SPDX-License-Identifier: MIT
#include "kernels/linalg/cholesky_qr.hpp"

#include <cmath>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/linalg/gemm.hpp"

namespace hci {
namespace {

/// One matrix by one thread.
struct InvertAlone {
  View<double, 3> s;
  Dependent dependent;
  View<double, 3> t;
  Matrix<std::uint8_t> alive;

  HCI_HD void operator()(index_t b) const {
    const index_t p = s.extent(1);
    const Matrix<double> l = s[b], x = t[b];
    for (index_t j = 0; j < p; ++j) {
      const double square = l(j, j);
      double rest = square;
      for (index_t k = 0; k < j; ++k) rest -= l(j, k) * l(j, k);
      const bool lives = rest > dependent.share * square && rest > dependent.square && std::isfinite(square);
      alive(b, j) = lives ? 1 : 0;
      l(j, j) = lives ? std::sqrt(rest) : 0;
      for (index_t i = j + 1; i < p; ++i) {
        double sum = l(i, j);
        for (index_t k = 0; k < j; ++k) sum -= l(i, k) * l(j, k);
        l(i, j) = lives ? sum / l(j, j) : 0;
      }
    }
    for (index_t c = 0; c < p; ++c) invert_column(l, c, x);
  }
  /// Column c of the inverse of the lower triangle l, in which dead rows have no diagonal.
  HCI_HD static void invert_column(const Matrix<double>& l, index_t c, const Matrix<double>& x) {
    const index_t p = l.extent(0);
    for (index_t i = 0; i < c; ++i) x(i, c) = 0;
    for (index_t i = c; i < p; ++i) {
      double sum = i == c ? 1 : 0;
      for (index_t k = c; k < i; ++k) sum -= l(i, k) * x(k, c);
      x(i, c) = l(i, i) > 0 && l(c, c) > 0 ? sum / l(i, i) : 0;
    }
  }
};

#if HCI_HAVE_CUDA
// One block for each matrix: p^3 / 3 flops for the factor and as many for its inverse, 24 p^2 bytes of
// global memory. p = 28: 15 kFLOP and 19 kB. A thousand of them: 0.4 us of products and 4 us of memory on an H200 (34
// TFLOP/s, 4.3 TB/s), 54 and 59 us on a GTX 1080 (0.28 TFLOP/s, 0.32 TB/s). Of one, what counts is the latency of p
// steps with two barriers each and of p^2 / 2 dependent fmas of the inverse: about 10 us. Right-looking, since a step
// then is one rank-1 update that all threads share; the inverse has a thread for each column, which needs no barrier.
// Up to 64 rows lie in shared memory (32 KiB, which any device has), more stay where they are, in the cache.
constexpr index_t kMostShared = 64;
constexpr unsigned kThreads = 128;

__global__ void __launch_bounds__(kThreads)
    invert_in_block(View<double, 3> s, Dependent dependent, View<double, 3> t, Matrix<std::uint8_t> alive) {
  HCI_DYNAMIC_SHARED(double, shared);
  const index_t p = s.extent(1), b = blockIdx.x;
  const bool in_shared = p <= kMostShared;
  const Matrix<double> l = in_shared ? Matrix<double>(shared, {p, p}) : s[b];
  const Matrix<double> squares(&t(b, 0, 0), {1, p});  // row 0 of the result, until the inverse is written
  if (in_shared)
    for (index_t e = threadIdx.x; e < p * p; e += kThreads) l(e / p, e % p) = s(b, e / p, e % p);
  for (index_t j = threadIdx.x; j < p; j += kThreads) squares(0, j) = s(b, j, j);
  __syncthreads();
  for (index_t j = 0; j < p; ++j) {
    const double rest = l(j, j), square = squares(0, j);
    const bool lives = rest > dependent.share * square && rest > dependent.square && std::isfinite(square);
    const double pivot = lives ? std::sqrt(rest) : 0;
    for (index_t i = j + 1 + threadIdx.x; i < p; i += kThreads) l(i, j) = lives ? l(i, j) / pivot : 0;
    __syncthreads();
    if (threadIdx.x == 0) {
      alive(b, j) = lives ? 1 : 0;
      l(j, j) = pivot;
    }
    const index_t left = p - j - 1;
    for (index_t e = threadIdx.x; e < left * left; e += kThreads) {
      const index_t i = j + 1 + e / left, k = j + 1 + e % left;
      if (k <= i) l(i, k) -= l(i, j) * l(k, j);
    }
    __syncthreads();
  }
  for (index_t c = threadIdx.x; c < p; c += kThreads) InvertAlone::invert_column(l, c, t[b]);
}
#endif

}  // namespace

void inverse_cholesky(Exec& exec, View<double, 3> s, Dependent dependent, View<double, 3> t,
                      Matrix<std::uint8_t> alive) {
  const index_t p = s.extent(1);
  require(s.extent(2) == p && t.extents() == s.extents() && alive.extents() == Extents<2>{s.extent(0), p},
          "inverse_cholesky: shapes differ");
  require(dependent.share >= 0 && dependent.square >= 0, "inverse_cholesky: a share or a square is negative");
  if (s.size() == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned()) {
    const std::size_t bytes = p <= kMostShared ? static_cast<std::size_t>(p * p) * sizeof(double) : 0;
    launch(exec, dim3(static_cast<unsigned>(s.extent(0))), dim3(kThreads), bytes, invert_in_block, s, dependent, t,
           alive);
    return;
  }
#endif
  for_each(exec, Extents<1>{s.extent(0)}, InvertAlone{s, dependent, t, alive});
}

void orthonormalize_once(Exec& exec, View<const double, 3> v, Dependent dependent, View<double, 3> q,
                         Matrix<std::uint8_t> alive) {
  const index_t batch = v.extent(0), p = v.extent(1);
  require(q.extents() == v.extents() && q.data() != v.data(), "orthonormalize_once: the results do not fit");
  Array<double, 3> s(exec, {batch, p, p}), t(exec, {batch, p, p});
  gemm(exec, {.a = v, .b = v, .transposed = true}, s.view());
  inverse_cholesky(exec, s.view(), dependent, t.view(), alive);
  gemm(exec, {.a = t.view(), .b = v}, q);
}

void orthonormalize_rows(Exec& exec, View<double, 3> v, View<double, 3> scratch, Matrix<std::uint8_t> alive) {
  orthonormalize_once(exec, v, kOfAnyRows, scratch, alive);
  orthonormalize_once(exec, scratch, kOfGoodRows, v, alive);
}

}  // namespace hci
