// SPDX-License-Identifier: MIT
#include "kernels/linalg/eigh_dense.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/linalg/eigh_crossover.hpp"
#include "kernels/linalg/eigh_top_cpu.hpp"
#include "kernels/linalg/jacobi.hpp"

// Jacobi's floors are at jacobi.cu. cuSOLVER: 4/3 n^3 flops to tridiagonal form, half of them products with a vector,
// which read the matrix once for each column, and 2 to 4 n^3 for the vectors. n = 489: 0.6 GFLOP, 20 us on an H200 and
// 2 ms on a GTX 1080 in double; but n steps one after the other, each of some 15 us: 7 ms on either. What is around it
// here moves 24 n^2 bytes.

namespace hci {
namespace {

#if HCI_HAVE_CUDA
struct RowIsFinite {
  View<const double, 3> a;
  Matrix<std::uint8_t> finite;
  HCI_HD void operator()(index_t b, index_t i) const {
    finite(b, i) = 1;
    for (index_t j = 0; j < a.extent(2); ++j)
      if (!std::isfinite(a(b, i, j))) finite(b, i) = 0;
  }
};
struct AllRowsAre {
  Matrix<const std::uint8_t> finite;
  Vector<std::uint8_t> all;
  HCI_HD void operator()(index_t b) const {
    all(b) = 1;
    for (index_t i = 0; i < finite.extent(1); ++i)
      if (finite(b, i) == 0) all(b) = 0;
  }
};

/// cuSOLVER says nothing of what it makes of NaN: it does not get any.
struct CopyFinite {
  View<const double, 3> a;
  Vector<const std::uint8_t> finite;
  View<double, 3> out;
  HCI_HD void operator()(index_t b, index_t i, index_t j) const { out(b, i, j) = finite(b) != 0 ? a(b, i, j) : 0; }
};

/// From the solver's ascending pairs to the k largest, descending; NaN for a matrix that was not finite.
struct TakeTop {
  Matrix<const double> w;  // (problem, n) ascending
  View<const double, 3> z;
  Vector<const std::uint8_t> finite;
  Matrix<double> values;
  View<double, 3> vectors;
  HCI_HD void operator()(index_t b, index_t j, index_t i) const {
    const index_t from = w.extent(1) - 1 - j;
    vectors(b, j, i) = finite(b) != 0 ? z(b, from, i) : NAN;
    if (i == 0) values(b, j) = finite(b) != 0 ? w(b, from) : NAN;
  }
};

void check_infos(Exec& exec, const Array<int, 1>& infos, const char* routine) {
  const auto host = to_host(exec, infos.view());
  for (index_t b = 0; b < host.size(); ++b)
    if (host.data()[b] != 0)
      throw DeviceError(std::string(routine) + " failed (info " + std::to_string(host.data()[b]) + ")");
}

/// Eigenpairs n - k + 1 .. n of one matrix, which is destroyed, ascending. False where the solver loses some, as
/// those by range may do where many eigenvalues are equal.
bool cusolver_top(Exec& exec, index_t n, double* a, index_t k, Array<double, 1>& w) {
  cusolverDnHandle_t handle = exec.cuda().cusolver();
  cusolverDnParams_t params = exec.cuda().cusolver_params();
  DeviceGuard guard(exec.cuda().device());
  double unused = 0;
  std::int64_t found = 0;
  std::size_t device_bytes = 0, host_bytes = 0;
  check(cusolverDnXsyevdx_bufferSize(handle, params, CUSOLVER_EIG_MODE_VECTOR, CUSOLVER_EIG_RANGE_I,
                                     CUBLAS_FILL_MODE_UPPER, n, CUDA_R_64F, a, n, &unused, &unused, n - k + 1, n,
                                     &found, CUDA_R_64F, w.data(), CUDA_R_64F, &device_bytes, &host_bytes));
  Array<std::byte, 1> work(exec, {static_cast<index_t>(std::max<std::size_t>(device_bytes, 1))});
  std::vector<std::byte> host_work(host_bytes);
  Array<int, 1> info(exec, {1});
  check(cusolverDnXsyevdx(handle, params, CUSOLVER_EIG_MODE_VECTOR, CUSOLVER_EIG_RANGE_I, CUBLAS_FILL_MODE_UPPER, n,
                          CUDA_R_64F, a, n, &unused, &unused, n - k + 1, n, &found, CUDA_R_64F, w.data(), CUDA_R_64F,
                          work.data(), device_bytes, host_work.data(), host_bytes, info.data()));
  return to_host(exec, info.view()).data()[0] == 0 && found == k;
}

/// All eigenpairs of `batch` matrices one after the other, ascending; vectors replace the matrices.
void cusolver_batch(Exec& exec, index_t n, index_t batch, double* a, double* w) {
  cusolverDnHandle_t handle = exec.cuda().cusolver();
  cusolverDnParams_t params = exec.cuda().cusolver_params();
  DeviceGuard guard(exec.cuda().device());
  std::size_t device_bytes = 0, host_bytes = 0;
  check(cusolverDnXsyevBatched_bufferSize(handle, params, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER, n,
                                          CUDA_R_64F, a, n, CUDA_R_64F, w, CUDA_R_64F, &device_bytes, &host_bytes,
                                          batch));
  Array<std::byte, 1> work(exec, {static_cast<index_t>(std::max<std::size_t>(device_bytes, 1))});
  std::vector<std::byte> host_work(host_bytes);
  Array<int, 1> infos(exec, {batch});
  check(cusolverDnXsyevBatched(handle, params, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER, n, CUDA_R_64F, a, n,
                               CUDA_R_64F, w, CUDA_R_64F, work.data(), device_bytes, host_work.data(), host_bytes,
                               infos.data(), batch));
  check_infos(exec, infos, "cusolverDnXsyevBatched");
}

/// As many at once as scratch allows: the copy, and about twice as much for cuSOLVER's work.
void by_cusolver(Exec& exec, View<const double, 3> a, Matrix<double> values, View<double, 3> vectors) {
  const index_t batch = a.extent(0), n = a.extent(1), k = values.extent(1);
  const bool alone = crossover::few_alone_win(n, k);
  const index_t bytes = 3 * n * n * static_cast<index_t>(sizeof(double));
  const index_t most = alone ? 1 : batch_of(batch, bytes);
  if (batch > most) {
    for (index_t first = 0; first < batch; first += most) {
      const index_t count = std::min(most, batch - first);
      by_cusolver(exec, slice(a, first, count), slice(values, first, count), slice(vectors, first, count));
    }
    return;
  }
  Array<double, 3> z(exec, a.extents());
  Array<double, 1> w(exec, {batch * n});
  Array<std::uint8_t, 2> finite_rows(exec, {batch, n});
  Array<std::uint8_t, 1> finite(exec, {batch});
  for_each(exec, finite_rows.extents(), RowIsFinite{a, finite_rows.view()});
  for_each(exec, finite.extents(), AllRowsAre{finite_rows.view(), finite.view()});
  const CopyFinite copy_matrices{a, finite.view(), z.view()};
  for_each(exec, a.extents(), copy_matrices);
  index_t pairs = n;
  if (alone) {
    pairs = k;
    if (!cusolver_top(exec, n, z.data(), k, w)) {
      for_each(exec, a.extents(), copy_matrices);
      pairs = n;
    }
  }
  if (pairs == n) cusolver_batch(exec, n, batch, z.data(), w.data());
  for_each(exec, vectors.extents(),
           TakeTop{{w.data(), {batch, pairs}}, {z.data(), {batch, pairs, n}}, finite.view(), values, vectors});
}
#endif

}  // namespace

void eigh_dense(Exec& exec, View<const double, 3> a, Matrix<double> values, View<double, 3> vectors) {
  const index_t batch = a.extent(0), n = a.extent(1), k = values.extent(1);
  require(n >= 1 && a.extent(2) == n && a.is_dense(), "eigh_dense: the matrices are (", n, ", ", a.extent(2), ")");
  require(k >= 1 && k <= n && values.extent(0) == batch && vectors.extents() == Extents<3>{batch, k, n} &&
              vectors.is_dense(),
          "eigh_dense: the results do not fit ", k, " pairs of ", batch, " matrices of order ", n);
  if (batch == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    if (exec.tuned() && n <= jacobi_most_rows(exec)) return jacobi_eigh(exec, a, values, vectors);
    return by_cusolver(exec, a, values, vectors);
  }
#endif
  std::vector<cpu::EighProblem> problems;
  for (index_t b = 0; b < batch; ++b)
    problems.push_back({.a = &a(b, 0, 0), .stride = n, .n = n, .values = &values(b, 0), .vectors = vectors[b]});
  cpu::eigh_problems(exec, problems, k);
}

}  // namespace hci
