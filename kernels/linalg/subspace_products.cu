// SPDX-License-Identifier: MIT
#include "kernels/linalg/subspace_products.hpp"

#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/linalg/fits_blas.hpp"
#include "kernels/linalg/subspace_products_cpu.hpp"

// Two flops for each number of m and row of a: cuBLAS. With r = 28 rows 7 flops a byte of m in double: bound by memory
// on an H200 (34 TFLOP/s / 4.3 TB/s = 8) where m does not stay in the cache, by products on a GTX 1080 (0.9).

namespace hci {
namespace {

struct Element {
  BatchedProduct what;
  View<double, 3> c;
  HCI_HD void operator()(index_t b, index_t i, index_t j) const {
    const index_t of_a = what.a.extent(0) == 1 ? 0 : b, of_m = what.m.extent(0) == 1 ? 0 : b;
    double sum = 0;
    for (index_t s = 0; s < what.a.extent(2); ++s)
      sum += what.a(of_a, i, s) * (what.transposed ? what.m(of_m, j, s) : what.m(of_m, s, j));
    c(b, i, j) = what.alpha * sum + (what.beta == 0 ? 0.0 : what.beta * c(b, i, j));
  }
};

#if HCI_HAVE_CUDA
/// Row-major matrices are cuBLAS's transposed ones: cᵀ = m(ᵀ) aᵀ.
void product_by_cublas(Exec& exec, const BatchedProduct& what, View<double, 3> c) {
  const DeviceGuard guard(exec.cuda().device());
  const auto size = [](index_t n) { return static_cast<int>(n); };
  const auto step = [](const View<const double, 3>& v) { return v.extent(0) == 1 ? 0 : v.stride(0); };
  check(cublasDgemmStridedBatched(exec.cuda().cublas(), what.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, CUBLAS_OP_N,
                                  size(c.extent(2)), size(c.extent(1)), size(what.a.extent(2)), &what.alpha,
                                  what.m.data(), size(what.m.stride(1)), step(what.m), what.a.data(),
                                  size(what.a.stride(1)), step(what.a), &what.beta, c.data(), size(c.stride(1)),
                                  c.stride(0), size(c.extent(0))));
}
#endif

}  // namespace

void batched_product(Exec& exec, const BatchedProduct& what, View<double, 3> c) {
  const index_t inner = what.transposed ? what.m.extent(2) : what.m.extent(1);
  const index_t columns = what.transposed ? what.m.extent(1) : what.m.extent(2);
  const auto serves = [&](const View<const double, 3>& v) { return v.extent(0) == 1 || v.extent(0) == c.extent(0); };
  require(serves(what.a) && serves(what.m) && what.a.extent(1) == c.extent(1) && what.a.extent(2) == inner &&
              columns == c.extent(2),
          "batched_product: (", what.a.extent(1), ", ", what.a.extent(2), ") times (", what.m.extent(1), ", ",
          what.m.extent(2), what.transposed ? ") transposed" : ")", " into (", c.extent(1), ", ", c.extent(2), ")");
  require(what.a.stride(2) == 1 && what.m.stride(2) == 1 && c.stride(2) == 1, "batched_product: rows have gaps");
  if (c.size() == 0) return;
  const bool by_blas = exec.tuned() && fits_blas(what.a) && fits_blas(what.m) && fits_blas(c);
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && by_blas) return product_by_cublas(exec, what, c);
#endif
  if (!exec.on_cuda() && by_blas) return cpu::batched_product(exec.threads(), what, c);
  for_each(exec, c.extents(), Element{what, c});
}

}  // namespace hci
