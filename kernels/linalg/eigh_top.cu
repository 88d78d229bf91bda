// SPDX-License-Identifier: MIT
#include "kernels/linalg/eigh_top.hpp"

#include <algorithm>
#include <functional>
#include <string>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/linalg/eigh_top_cpu.hpp"

namespace hci {
namespace {

#if HCI_HAVE_CUDA
/// Problem b: a where both indices are in its set, 0 elsewhere.
struct CutOut {
  Matrix<const double> a;
  Matrix<const std::uint8_t> member;  // (problem, index)
  View<double, 3> cut;
  HCI_HD void operator()(index_t b, index_t i, index_t j) const {
    cut(b, i, j) = member(b, i) != 0 && member(b, j) != 0 ? a(i, j) : 0.0;
  }
};

/// From the solver's `found` ascending pairs to the k largest, descending. The eigenvalue 0 of what
/// was cut out may stand among them: such pairs are surplus.
struct TakeTop {
  Matrix<const double> w;  // (problem, found) ascending
  View<const double, 3> z;
  Matrix<const std::uint8_t> member;
  Vector<const index_t> sizes;  // members of each problem
  Matrix<double> values;
  View<double, 3> vectors;
  HCI_HD void operator()(index_t b, index_t j, index_t i) const {
    const index_t from = w.extent(1) - 1 - j;
    const bool real = j < sizes(b);
    vectors(b, j, i) = real && member(b, i) != 0 ? z(b, from, i) : 0.0;
    if (i == 0) values(b, j) = real ? w(b, from) : 0.0;
  }
};

void check_infos(Exec& exec, const Array<int, 1>& infos, const char* routine) {
  const auto host = to_host(exec, infos.view());
  for (index_t b = 0; b < host.size(); ++b)
    if (host.data()[b] != 0)
      throw DeviceError(std::string(routine) + " failed (info " + std::to_string(host.data()[b]) +
                        "): does the matrix hold NaN or infinity?");
}

/// Eigenpairs n - k + 1 .. n of one matrix, which is destroyed. False where the solver loses some, as
/// those by range may do where many eigenvalues are equal.
bool cusolver_top(Exec& exec, index_t n, double* a, index_t k, Vector<double> w, Matrix<double> z) {
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
  copy_bytes(exec, a, z.data(), static_cast<std::size_t>(k * n) * sizeof(double));
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

/// Bytes of one problem of a batch: the matrix, and about twice as much for cuSOLVER to work in.
constexpr index_t problem_bytes(index_t n) { return 3 * n * n * index_t{sizeof(double)}; }

void subsets_on_cuda(Exec& exec, Matrix<const double> a, const std::vector<IndexSet>& sets, index_t k,
                     Matrix<double> values, View<double, 3> vectors) {
  const index_t n = a.extent(0), problems = static_cast<index_t>(sets.size());
  const auto budget = static_cast<index_t>(scratch_budget(exec));
  const index_t most = std::clamp<index_t>(budget / problem_bytes(n), 1, problems);
  std::vector<std::uint8_t> flags(static_cast<std::size_t>(problems * n), 0);
  std::vector<index_t> counts;
  for (index_t b = 0; b < problems; ++b) {
    const IndexSet& set = sets[static_cast<std::size_t>(b)];
    counts.push_back(static_cast<index_t>(set.size()));
    for (index_t i : set) flags[static_cast<std::size_t>(b * n + i)] = 1;
  }
  const auto member_flags = to_device(exec, std::move(flags));
  const auto sizes = to_device(exec, std::move(counts));
  const Matrix<const std::uint8_t> member(member_flags.data(), {problems, n});
  Array<double, 3> cut(exec, {most, n, n});
  Array<double, 2> w(exec, {most, n});
  for (index_t first = 0; first < problems; first += most) {
    const index_t batch = std::min(most, problems - first);
    const auto mine = slice(member, first, batch);
    for_each(exec, Extents<3>{batch, n, n}, CutOut{a, mine, cut.view()});
    cusolver_batch(exec, n, batch, cut.data(), w.data());
    for_each(exec, Extents<3>{batch, k, n},
             TakeTop{w.view(), cut.view(), mine, slice(sizes.view(), first, batch), slice(values, first, batch),
                     slice(vectors, first, batch)});
  }
}
#endif

}  // namespace

void eigh_top(Exec& exec, Matrix<const double> a, index_t k, Vector<double> values, Matrix<double> vectors) {
  const index_t n = a.extent(0);
  require(n > 0 && a.extent(1) == n && a.is_dense(), "eigh_top: the matrix is (", n, ", ", a.extent(1), ")");
  require(k >= 1 && k <= n, "eigh_top: ", k, " eigenpairs of a matrix of order ", n);
  require(values.extent(0) == k && vectors.extent(0) == k && vectors.extent(1) == n && vectors.is_dense(),
          "eigh_top: the results are not (", k, ") and (", k, ", ", n, ")");
  Array<double, 2> scratch(exec, {n, n});
  copy(exec, a, scratch.view());
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    Array<double, 1> w(exec, {n});
    Array<double, 2> z(exec, {k, n});
    index_t pairs = k;
    if (!cusolver_top(exec, n, scratch.data(), k, w.view(), z.view())) {
      z = Array<double, 2>(exec, {n, n});
      copy(exec, a, z.view());
      cusolver_batch(exec, n, 1, z.data(), w.data());
      pairs = n;
    }
    const auto member = to_device(exec, std::vector<std::uint8_t>(static_cast<std::size_t>(n), 1));
    const auto size = to_device(exec, std::vector<index_t>{n});
    for_each(exec, Extents<3>{1, k, n},
             TakeTop{{w.data(), {1, pairs}},
                     {z.data(), {1, pairs, n}},
                     {member.data(), {1, n}},
                     size.view(),
                     {values.data(), {1, k}},
                     {vectors.data(), {1, k, n}}});
    return;
  }
#endif
  cpu::lapack_eigh_top(n, scratch.data(), k, values.data(), vectors.data(), n);
}

void eigh_top_subsets(Exec& exec, Matrix<const double> a, const std::vector<IndexSet>& sets, index_t k,
                      Matrix<double> values, View<double, 3> vectors) {
  const index_t n = a.extent(0), problems = static_cast<index_t>(sets.size());
  require(n > 0 && a.extent(1) == n && a.is_dense(), "eigh_top_subsets: the matrix is (", n, ", ", a.extent(1), ")");
  require(k >= 1 && k <= n, "eigh_top_subsets: ", k, " eigenpairs of matrices of order ", n, " at most");
  require(values.extents() == Extents<2>{problems, k} && values.is_dense() &&
              vectors.extents() == Extents<3>{problems, k, n} && vectors.is_dense(),
          "eigh_top_subsets: the results do not fit ", problems, " problems");
  for (const IndexSet& set : sets)
    require(std::adjacent_find(set.begin(), set.end(), std::greater_equal<>()) == set.end() &&
                (set.empty() || (set.front() >= 0 && set.back() < n)),
            "eigh_top_subsets: an index set is not ascending or outside 0 .. ", n - 1);
  if (problems == 0) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) return subsets_on_cuda(exec, a, sets, k, values, vectors);
#endif
  cpu::eigh_top_subsets(exec.threads(), exec.tuned(), a, sets, k, values, vectors);
}

}  // namespace hci
