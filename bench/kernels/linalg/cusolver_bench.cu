// SPDX-License-Identifier: MIT
// All ways of cuSOLVER to eigenpairs of many matrices and to the largest singular vectors of one, those that kernels/
// calls and those that it does not, beside ours: what bench/crossovers reads. CUDA only.
#include "kernels/core/launch.hpp"

#if HCI_HAVE_CUDA
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "bench/kernels/linalg/eigen_cases.hpp"
#include "bench/support/bench.hpp"
#include "kernels/linalg/eigh_crossover.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/jacobi.hpp"

namespace hci::bench {
namespace {

/// Workspace as cuSOLVER asks for it.
struct Work {
  Array<std::byte, 1> device;
  std::vector<std::byte> host;
  Array<int, 1> info;
  Work(Exec& exec, std::size_t device_bytes, std::size_t host_bytes, index_t problems)
      : device(exec, {static_cast<index_t>(std::max<std::size_t>(device_bytes, 1))}),
        host(host_bytes),
        info(exec, {problems}) {}
};

/// cuSOLVER's calls. They replace matrices by their vectors, ascending, the lowest first.
enum class Syev {
  batched,         ///< XsyevBatched: all pairs of all problems in a call
  jacobi_batched,  ///< DsyevjBatched: the same by Jacobi
  each,            ///< Xsyevd: all pairs, problem by problem
  top_of_each      ///< Xsyevdx: pairs by range, problem by problem
};

void syev_batched(Exec& exec, index_t n, index_t batch, double* a, double* w) {
  const auto handle = exec.cuda().cusolver();
  const auto params = exec.cuda().cusolver_params();
  std::size_t device = 0, host = 0;
  check(cusolverDnXsyevBatched_bufferSize(handle, params, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER, n,
                                          CUDA_R_64F, a, n, CUDA_R_64F, w, CUDA_R_64F, &device, &host, batch));
  Work work(exec, device, host, batch);
  check(cusolverDnXsyevBatched(handle, params, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER, n, CUDA_R_64F, a, n,
                               CUDA_R_64F, w, CUDA_R_64F, work.device.data(), device, work.host.data(), host,
                               work.info.data(), batch));
  exec.wait();  // the host's workspace goes
}

void syevj_batched(Exec& exec, index_t n, index_t batch, double* a, double* w) {
  const auto handle = exec.cuda().cusolver();
  const int order = static_cast<int>(n), problems = static_cast<int>(batch);
  syevjInfo_t made = nullptr;
  check(cusolverDnCreateSyevjInfo(&made));
  const std::unique_ptr<syevjInfo, cusolverStatus_t (*)(syevjInfo_t)> how(made, cusolverDnDestroySyevjInfo);
  int size = 0;
  check(cusolverDnDsyevjBatched_bufferSize(handle, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER, order, a, order, w,
                                           &size, made, problems));
  Work work(exec, static_cast<std::size_t>(size) * sizeof(double), 0, batch);
  check(cusolverDnDsyevjBatched(handle, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER, order, a, order, w,
                                reinterpret_cast<double*>(work.device.data()), size, work.info.data(), made, problems));
  exec.wait();
}

void syevd(Exec& exec, index_t n, double* a, double* w) {
  const auto handle = exec.cuda().cusolver();
  const auto params = exec.cuda().cusolver_params();
  std::size_t device = 0, host = 0;
  check(cusolverDnXsyevd_bufferSize(handle, params, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER, n, CUDA_R_64F, a,
                                    n, CUDA_R_64F, w, CUDA_R_64F, &device, &host));
  Work work(exec, device, host, 1);
  check(cusolverDnXsyevd(handle, params, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER, n, CUDA_R_64F, a, n,
                         CUDA_R_64F, w, CUDA_R_64F, work.device.data(), device, work.host.data(), host,
                         work.info.data()));
  exec.wait();
}

void syevdx(Exec& exec, index_t n, index_t k, double* a, double* w) {
  const auto handle = exec.cuda().cusolver();
  const auto params = exec.cuda().cusolver_params();
  std::size_t device = 0, host = 0;
  double unused = 0;
  std::int64_t found = 0;
  check(cusolverDnXsyevdx_bufferSize(handle, params, CUSOLVER_EIG_MODE_VECTOR, CUSOLVER_EIG_RANGE_I,
                                     CUBLAS_FILL_MODE_UPPER, n, CUDA_R_64F, a, n, &unused, &unused, n - k + 1, n,
                                     &found, CUDA_R_64F, w, CUDA_R_64F, &device, &host));
  Work work(exec, device, host, 1);
  check(cusolverDnXsyevdx(handle, params, CUSOLVER_EIG_MODE_VECTOR, CUSOLVER_EIG_RANGE_I, CUBLAS_FILL_MODE_UPPER, n,
                          CUDA_R_64F, a, n, &unused, &unused, n - k + 1, n, &found, CUDA_R_64F, w, CUDA_R_64F,
                          work.device.data(), device, work.host.data(), host, work.info.data()));
  exec.wait();
  if (found != k) throw std::runtime_error("pairs were lost");
}

struct CopyNumbers {
  View<const double, 3> from;
  View<double, 3> to;
  HCI_HD void operator()(index_t b, index_t i, index_t j) const { to(b, i, j) = from(b, i, j); }
};

/// The last k of `pairs` ascending ones, descending.
struct LastFirst {
  Matrix<const double> w;
  View<const double, 3> z;
  Matrix<double> values;
  View<double, 3> vectors;
  HCI_HD void operator()(index_t b, index_t j, index_t i) const {
    const index_t from = w.extent(1) - 1 - j;
    vectors(b, j, i) = z(b, from, i);
    if (i == 0) values(b, j) = w(b, from);
  }
};

void by_cusolver(Exec& exec, Syev way, View<const double, 3> a, Matrix<double> values, View<double, 3> vectors) {
  const index_t batch = a.extent(0), n = a.extent(1), k = values.extent(1);
  const index_t pairs = way == Syev::top_of_each ? k : n;
  const DeviceGuard guard(exec.cuda().device());
  Array<double, 3> z(exec, a.extents());
  Array<double, 2> w(exec, {batch, n});
  for_each(exec, a.extents(), CopyNumbers{a, z.view()});
  if (way == Syev::batched) syev_batched(exec, n, batch, z.data(), w.data());
  if (way == Syev::jacobi_batched) syevj_batched(exec, n, batch, z.data(), w.data());
  for (index_t b = 0; b < batch; ++b) {
    if (way == Syev::each) syevd(exec, n, &z.view()(b, 0, 0), &w.view()(b, 0));
    if (way == Syev::top_of_each) syevdx(exec, n, k, &z.view()(b, 0, 0), &w.view()(b, 0));
  }
  for_each(
      exec, vectors.extents(),
      LastFirst{{w.data(), {batch, pairs}, {n, 1}}, {z.data(), {batch, pairs, n}, {n * n, n, 1}}, values, vectors});
}

using Solve = std::function<void(Exec&, View<const double, 3>, Matrix<double>, View<double, 3>)>;

/// counted_us: what the comment in eigh_crossover.hpp takes a problem alone to cost.
Body solving(index_t batch, index_t n, index_t k, const Solve& solve, double counted_us) {
  return [=](benchmark::State& state, Exec& exec) {
    const auto a = grams(exec, batch, n);
    Array<double, 2> values(exec, {batch, k});
    Array<double, 3> vectors(exec, {batch, k, n});
    const auto go = [&] { solve(exec, a.view(), values.view(), vectors.view()); };
    go();
    if (!is_right(exec, a, values, vectors)) return state.SkipWithError("no eigenpair");
    const double seconds = timed(state, exec, go);
    state.counters["us/problem"] = seconds / static_cast<double>(batch) * 1e6;
    state.counters["counted_us"] = counted_us;
    const auto order = static_cast<double>(n);
    report_flops(state, exec, seconds, static_cast<double>(batch) * 4 / 3 * order * order * order, Precision::f64);
  };
}

void add(const char* name, Syev way, index_t batch, index_t n, index_t k) {
  const Solve solve = [way](Exec& exec, View<const double, 3> a, Matrix<double> values, View<double, 3> vectors) {
    by_cusolver(exec, way, a, values, vectors);
  };
  on_every_cuda_device(std::string("crossover/syev/") + name, {batch, n, k},
                       solving(batch, n, k, solve, crossover::cuda_dense(n)));
}

void add_jacobi(index_t batch, index_t n, index_t k) {
  const Solve solve = [](Exec& exec, View<const double, 3> a, Matrix<double> values, View<double, 3> vectors) {
    jacobi_eigh(exec, a, values, vectors);
  };
  on_every_cuda_device("crossover/syev/ours_jacobi", {batch, n, k},
                       solving(batch, n, k, solve, crossover::cuda_jacobi(n)));
}

template <class From, class To>
struct Convert {
  Matrix<const From> from;
  Matrix<To> to;
  HCI_HD void operator()(index_t i, index_t j) const { to(i, j) = static_cast<To>(from(i, j)); }
};
template <class T>
struct Squares {
  Vector<const T> of;
  Vector<double> out;
  HCI_HD void operator()(index_t j) const { out(j) = static_cast<double>(of(j)) * static_cast<double>(of(j)); }
};

/// Xgesvdr of the frames widened to T, as svd_randomized() with its default options. The rows are columns to cuSOLVER:
/// its right vectors are our left ones.
template <class T>
void by_gesvdr(Exec& exec, Matrix<const float> x, Vector<double> squares, Matrix<double> left) {
  constexpr index_t kOversampling = 10, kPower = 2;
  constexpr cudaDataType kType = sizeof(T) == sizeof(float) ? CUDA_R_32F : CUDA_R_64F;
  const index_t m = x.extent(1), n = x.extent(0), k = squares.extent(0), few = std::min(m, n);
  const index_t p = std::min(kOversampling, few - k);
  const auto handle = exec.cuda().cusolver();
  const auto params = exec.cuda().cusolver_params();
  const DeviceGuard guard(exec.cuda().device());
  Array<T, 2> a(exec, {n, m}), u(exec, {few, m}), v(exec, {few, n});
  Array<T, 1> s(exec, {few});
  for_each(exec, x.extents(), Convert<float, T>{x, a.view()});
  std::size_t device = 0, host = 0;
  check(cusolverDnXgesvdr_bufferSize(handle, params, 'S', 'S', m, n, k, p, kPower, kType, a.data(), m, kType, s.data(),
                                     kType, u.data(), m, kType, v.data(), n, kType, &device, &host));
  Work work(exec, device, host, 1);
  check(cusolverDnXgesvdr(handle, params, 'S', 'S', m, n, k, p, kPower, kType, a.data(), m, kType, s.data(), kType,
                          u.data(), m, kType, v.data(), n, kType, work.device.data(), device, work.host.data(), host,
                          work.info.data()));
  exec.wait();
  for_each(exec, squares.extents(), Squares<T>{s.view(), squares});
  for_each(exec, left.extents(), Convert<T, double>{slice(Matrix<const T>(v.view()), 0, k), left});
}

/// The first pair, which any power iteration finds, against the exact one; `share` of its value, and of a right angle.
/// The sum of all values, which tells whether the others are there, against that of as many exact ones: to a hundredth,
/// or a way that finds less would be timed as a rival.
bool is_first(Exec& exec, const Array<double, 2>& g, const Array<double, 1>& squares, const Array<double, 2>& left,
              double share) {
  const index_t n = g.extent(0);
  const index_t k = squares.extent(0);
  Array<double, 1> value(exec, {k});
  Array<double, 2> vector(exec, {k, n});
  eigh_top(exec, g.view(), k, value.view(), vector.view());
  const auto want = to_host(exec, value.view()), got = to_host(exec, squares.view());
  const auto u = to_host(exec, vector.view()), mine = to_host(exec, left.view());
  double along = 0, found = 0, all = 0;
  for (index_t t = 0; t < n; ++t) along += u.view()(0, t) * mine.view()(0, t);
  for (index_t j = 0; j < k; ++j) found += got.data()[j], all += want.data()[j];
  return std::fabs(found / all - 1) <= 0.01 && std::fabs(got.data()[0] / want.data()[0] - 1) <= share &&
         std::fabs(std::fabs(along) - 1) <= share;
}

template <class T>
Body of_gesvdr(index_t n, index_t height, index_t width, index_t k) {
  return [=](benchmark::State& state, Exec& exec) {
    const auto x = speckle_rows(exec, n, height, width);
    Array<double, 2> g(exec, {n, n}), left(exec, {k, n});
    Array<double, 1> squares(exec, {k});
    gram(exec, x.view(), {}, g.view());
    const auto go = [&] { by_gesvdr<T>(exec, x.view(), squares.view(), left.view()); };
    go();
    // In float a sum of n p products, of random signs at best: 1e-7 sqrt(n p) of the value, 6e-4 for the largest.
    if (!is_first(exec, g, squares, left, sizeof(T) == sizeof(float) ? 1e-3 : 1e-9))
      return state.SkipWithError("no singular vector");
    const double flops =
        14 * static_cast<double>(k + 10) * static_cast<double>(n) * static_cast<double>(height * width);
    report_flops(state, exec, timed(state, exec, go), flops, sizeof(T) == 4 ? Precision::f32 : Precision::f64);
  };
}

const bool registered = [] {
  for (const index_t batch : {2, 100})
    for (const index_t n : {16, 32, 64, 96, 128, 192, 256, 384, 512}) {
      add("batched", Syev::batched, batch, n, 10);
      add("jacobi_batched", Syev::jacobi_batched, batch, n, 10);
      if (n >= 64) add("each", Syev::each, batch, n, 10);
      if (n >= 64) add("top_of_each", Syev::top_of_each, batch, n, 10);
      if (n <= crossover::kJacobiRows) add_jacobi(batch, n, 10);
    }
  for (const index_t n : {16, 32, 64, 96}) {
    add("batched", Syev::batched, 1000, n, 10);
    add("jacobi_batched", Syev::jacobi_batched, 1000, n, 10);
    add_jacobi(1000, n, 10);
  }
  for (const index_t k : {43, 64, 86, 128}) {
    add("batched", Syev::batched, 100, 256, k);
    add("top_of_each", Syev::top_of_each, 100, 256, k);
  }
  const auto add_rows = [](index_t n, index_t height, index_t width, index_t k) {
    on_every_cuda_device("crossover/svd_gesvdr", {n, height, width, k}, of_gesvdr<double>(n, height, width, k));
    on_every_cuda_device("crossover/svd_gesvdr_float", {n, height, width, k}, of_gesvdr<float>(n, height, width, k));
  };
  add_rows(61, 25, 25, 5);
  add_rows(489, 50, 50, 20);
  add_rows(489, 210, 210, 20);
  add_rows(1000, 60, 60, 20);
  return true;
}();

}  // namespace
}  // namespace hci::bench
#endif
