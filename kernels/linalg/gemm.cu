// SPDX-License-Identifier: MIT
#include "kernels/linalg/gemm.hpp"

#include <limits>
#include <type_traits>

#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/linalg/fits_blas.hpp"
#include "kernels/linalg/gemm_cpu.hpp"

// Two flops for each number of b and row of a: cuBLAS. With r = 28 rows 7 flops a byte of b in double: bound by memory
// on an H200 (34 TFLOP/s / 4.3 TB/s = 8) where b does not stay in the cache, by products on a GTX 1080 (0.9).

namespace hci {
namespace {

/// Portable, and where BLAS cannot count: a thread for each number of c, neighbours along its row, which read b in
/// whole lines (transposed: rows apart) and a by broadcast. A flop or two for each number that L1 gives: its 128 bytes
/// a clock and multiprocessor are the floor, 30 TB/s on an H200 and 4.4 on a GTX 1080, 8 m n k bytes of double or half
/// of that.
template <class T>
struct Element {
  Gemm<T> what;
  View<T, 3> c;
  HCI_HD void operator()(index_t n, index_t i, index_t j) const {
    const index_t of_a = what.a.extent(0) == 1 ? 0 : n, of_b = what.b.extent(0) == 1 ? 0 : n;
    T sum = 0;
    for (index_t s = 0; s < what.a.extent(2); ++s)
      sum += what.a(of_a, i, s) * (what.transposed ? what.b(of_b, j, s) : what.b(of_b, s, j));
    c(n, i, j) = what.alpha * sum + (what.beta == 0 ? T{0} : what.beta * c(n, i, j));
  }
};

#if HCI_HAVE_CUDA
/// Row-major matrices are cuBLAS's transposed ones: cᵀ = b(ᵀ) aᵀ.
template <class T>
void by_cublas(Exec& exec, const Gemm<T>& what, View<T, 3> c) {
  const DeviceGuard guard(exec.cuda().device());
  cublasHandle_t cublas = exec.cuda().cublas();
  const auto size = [](index_t n) { return static_cast<int>(n); };
  const auto step = [](const View<const T, 3>& v) { return v.extent(0) == 1 ? 0 : v.stride(0); };
  const cublasOperation_t of_b = what.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
  const int columns = size(c.extent(2)), rows = size(c.extent(1)), inner = size(what.a.extent(2));
  const int a_row = size(what.a.stride(1)), b_row = size(what.b.stride(1)), c_row = size(c.stride(1));
  if constexpr (std::is_same_v<T, double>) {
    if (what.lower_only && c.extent(0) == 1)  // half of the products
      return check(cublasDsyrk(cublas, CUBLAS_FILL_MODE_UPPER, CUBLAS_OP_T, rows, inner, &what.alpha, what.a.data(),
                               a_row, &what.beta, c.data(), c_row));
    check(cublasDgemmStridedBatched(cublas, of_b, CUBLAS_OP_N, columns, rows, inner, &what.alpha, what.b.data(), b_row,
                                    step(what.b), what.a.data(), a_row, step(what.a), &what.beta, c.data(), c_row,
                                    c.stride(0), size(c.extent(0))));
  } else {
    check(cublasSgemmStridedBatched(cublas, of_b, CUBLAS_OP_N, columns, rows, inner, &what.alpha, what.b.data(), b_row,
                                    step(what.b), what.a.data(), a_row, step(what.a), &what.beta, c.data(), c_row,
                                    c.stride(0), size(c.extent(0))));
  }
}
#endif

template <class T>
void multiply(Exec& exec, const Gemm<T>& what, View<T, 3> c) {
  const index_t inner = what.transposed ? what.b.extent(2) : what.b.extent(1);
  const index_t columns = what.transposed ? what.b.extent(1) : what.b.extent(2);
  const auto serves = [&](const View<const T, 3>& v) { return v.extent(0) == 1 || v.extent(0) == c.extent(0); };
  require(serves(what.a) && serves(what.b) && what.a.extent(1) == c.extent(1) && what.a.extent(2) == inner &&
              columns == c.extent(2) && (!what.lower_only || c.extent(1) == columns),
          "gemm: (", what.a.extent(1), ", ", what.a.extent(2), ") times (", what.b.extent(1), ", ", what.b.extent(2),
          what.transposed ? ") transposed" : ")", " into (", c.extent(1), ", ", c.extent(2), ")");
  require(what.a.stride(2) == 1 && what.b.stride(2) == 1 && c.stride(2) == 1, "gemm: rows have gaps");
  if (c.size() == 0) return;
  const bool by_blas = exec.tuned() && fits_blas(what.a) && fits_blas(what.b) && fits_blas(c);
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && by_blas && c.extent(0) <= std::numeric_limits<int>::max()) return by_cublas(exec, what, c);
#endif
  if (!exec.on_cuda() && by_blas) return cpu::gemm(exec.threads(), what, c);
  for_each(exec, c.extents(), Element<T>{what, c});
}

}  // namespace

void gemm(Exec& exec, const Gemm<double>& what, View<double, 3> c) { multiply(exec, what, c); }
void gemm(Exec& exec, const Gemm<float>& what, View<float, 3> c) { multiply(exec, what, c); }

}  // namespace hci
