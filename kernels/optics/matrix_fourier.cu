// SPDX-License-Identifier: MIT
#include "kernels/optics/matrix_fourier.hpp"

#include <cmath>
#include <limits>
#include <memory>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/optics/matrix_fourier_cpu.hpp"

// Floors, for frames of (k, l) to (v, u): 8 k u (l + v) flops in float, 8 (k l + 2 k u + v u) bytes. A pupil of 200 x
// 200 to 210 x 210 points: 138 MFLOP and 1.3 MB. H200: 2.1 us of products (67 TFLOP/s), 0.3 us of memory (4.3 TB/s).
// GTX 1080: 16 us (8.9 TFLOP/s) and 4.2 us (0.32 TB/s). Bound by products, so tuned CUDA leaves them to cuBLAS, whose
// tiles use again what they load; its bits are those of cuBLAS for the shape. The portable functors load 16 bytes from
// the cache for 8 flops: 30 TB/s of an H200's L1 let them reach 15 TFLOP/s at most. Their blocks are those of for_each,
// 32 x 8 points: a warp reads consecutive columns in the second product; in the first, one element of the field, which
// serves all, and as many rows of a matrix that stays in L1. The tuned CPU code keeps blocks in registers.

namespace hci {
namespace {

using Complex = std::complex<float>;

/// Sum of f(i) w(i).
HCI_HD Complex sum_of_products(const Vector<const Complex>& f, const Vector<const Complex>& w) {
  float real = 0, imag = 0;
  for (index_t i = 0; i < w.extent(0); ++i) {
    const Complex a = f(i), b = w(i);
    real += a.real() * b.real() - a.imag() * b.imag();
    imag += a.real() * b.imag() + a.imag() * b.real();
  }
  return {real, imag};
}

/// out(t) = in(t) columns^T: along the last axis.
struct AlongRows {
  Cube<const Complex> in;
  Matrix<const Complex> columns;
  Cube<Complex> out;
  HCI_HD void operator()(index_t t, index_t k, index_t u) const {
    out(t, k, u) = sum_of_products(in[t][k], columns[u]);
  }
};

/// out(t) = rows in(t): along the middle axis.
struct AlongColumns {
  Cube<const Complex> in;
  Matrix<const Complex> rows;
  Cube<Complex> out;
  HCI_HD void operator()(index_t t, index_t v, index_t u) const {
    const Vector<const Complex> column(&in(t, 0, u), Extents<1>{in.extent(1)}, Extents<1>{in.stride(1)});
    out(t, v, u) = sum_of_products(column, rows[v]);
  }
};

#if HCI_HAVE_CUDA
bool fits_cublas(const Cube<const Complex>& in, const Cube<Complex>& out) {
  constexpr index_t kMost = std::numeric_limits<int>::max();
  const bool counts_fit =
      in.extent(0) * in.extent(1) <= kMost && in.extent(2) <= kMost && out.extent(1) <= kMost && out.extent(2) <= kMost;
  return counts_fit && in.size() > 0 && out.size() > 0;
}

/// Row-major matrices are cuBLAS's transposed ones: halfᵀ = columns inᵀ for all frames at once, and then
/// out(t)ᵀ = half(t)ᵀ rowsᵀ.
void multiply_by_cublas(Exec& exec, Cube<const Complex> in, Matrix<const Complex> rows, Matrix<const Complex> columns,
                        Cube<Complex> half, Cube<Complex> out) {
  const DeviceGuard guard(exec.cuda().device());
  const cuComplex one{1, 0}, zero{0, 0};
  const auto size = [](index_t n) { return static_cast<int>(n); };
  const auto numbers = [](auto* data) { return reinterpret_cast<const cuComplex*>(data); };
  const auto result = [](Cube<Complex> cube) { return reinterpret_cast<cuComplex*>(cube.data()); };
  const int t = size(in.extent(0)), k = size(in.extent(1)), l = size(in.extent(2)), v = size(out.extent(1)),
            u = size(out.extent(2));
  check(cublasCgemmStridedBatched(exec.cuda().cublas(), CUBLAS_OP_T, CUBLAS_OP_N, u, t * k, l, &one,
                                  numbers(columns.data()), l, 0, numbers(in.data()), l, 0, &zero, result(half), u, 0,
                                  1));
  check(cublasCgemmStridedBatched(exec.cuda().cublas(), CUBLAS_OP_N, CUBLAS_OP_N, u, v, k, &one, numbers(half.data()),
                                  u, half.stride(0), numbers(rows.data()), k, 0, &zero, result(out), u, out.stride(0),
                                  t));
}
#endif

}  // namespace

Array<Complex, 2> fourier_matrix(Exec& exec, const std::vector<double>& frequencies,
                                 const std::vector<double>& positions, double sign, double scale) {
  auto values = std::make_shared<std::vector<Complex>>();
  values->reserve(frequencies.size() * positions.size());
  for (const double f : frequencies)
    for (const double p : positions)
      values->emplace_back(std::polar(scale, sign * 6.283185307179586 * std::remainder(f * p, 1.0)));
  Array<Complex, 2> matrix(exec, {static_cast<index_t>(frequencies.size()), static_cast<index_t>(positions.size())});
  exec.keep_until_wait(values);
  upload_bytes(exec, values->data(), matrix.data(), matrix.bytes());
  return matrix;
}

void matrix_fourier(Exec& exec, Cube<const Complex> in, Matrix<const Complex> rows, Matrix<const Complex> columns,
                    Cube<Complex> out) {
  require(in.extent(0) == out.extent(0), "matrix_fourier: ", in.extent(0), " frames in, ", out.extent(0), " out");
  require(rows.extent(1) == in.extent(1) && columns.extent(1) == in.extent(2),
          "matrix_fourier: the matrices do not fit the frames of ", in.extent(1), " x ", in.extent(2));
  require(rows.extent(0) == out.extent(1) && columns.extent(0) == out.extent(2),
          "matrix_fourier: the matrices do not give frames of ", out.extent(1), " x ", out.extent(2));
  require(in.is_dense() && rows.is_dense() && columns.is_dense() && out.is_dense(),
          "matrix_fourier: the views must be dense");
  if (!exec.on_cuda() && exec.tuned()) {
    matrix_fourier_cpu(exec, in, rows, columns, out);
    return;
  }
  Array<Complex, 3> half(exec, {in.extent(0), in.extent(1), columns.extent(0)});
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned() && fits_cublas(in, out))
    return multiply_by_cublas(exec, in, rows, columns, half.view(), out);
#endif
  for_each(exec, half.extents(), AlongRows{in, columns, half.view()});
  for_each(exec, out.extents(), AlongColumns{half.view(), rows, out});
}

}  // namespace hci
