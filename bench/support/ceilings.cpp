// SPDX-License-Identifier: MIT
#include "bench/support/ceilings.hpp"

#include <cblas.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <string>

#include "kernels/core/copy.hpp"
#if HCI_HAVE_CUDA
#include "kernels/core/cuda.hpp"
#endif

namespace hci::bench {
namespace {

/// Calls a second of the work that takes least time: the ceiling is what the machine can do.
template <class Work>
double best_rate(Exec& exec, Work work) {
  using clock = std::chrono::steady_clock;
  work();
  exec.wait();
  double least = 1e30;
  for (int repeat = 0; repeat < 7; ++repeat) {
    const auto start = clock::now();
    work();
    exec.wait();
    least = std::min(least, std::chrono::duration<double>(clock::now() - start).count());
  }
  return 1 / least;
}

/// memcpy on one thread does not fill the memory bus: every thread copies its share.
void copy_on_all_threads(Exec& exec, Vector<const float> from, Vector<float> to) {
  if (exec.on_cuda()) {
    copy(exec, from, to);
    return;
  }
  const int threads = exec.threads();
  const index_t n = from.extent(0);
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int part = 0; part < threads; ++part) {
    const index_t first = n * part / threads, last = n * (part + 1) / threads;
    std::memcpy(to.data() + first, from.data() + first, static_cast<std::size_t>(last - first) * sizeof(float));
  }
}

void gemm(Exec& exec, int n, const float* a, const float* b, float* c) {
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    const float one = 1, zero = 0;
    check(cublasSgemm(exec.cuda().cublas(), CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, a, n, b, n, &zero, c, n));
    return;
  }
#else
  static_cast<void>(exec);
#endif
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, 0, c, n);
}

void gemm(Exec& exec, int n, const double* a, const double* b, double* c) {
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) {
    const double one = 1, zero = 0;
    check(cublasDgemm(exec.cuda().cublas(), CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, a, n, b, n, &zero, c, n));
    return;
  }
#else
  static_cast<void>(exec);
#endif
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, 0, c, n);
}

template <class T>
double gemm_flop_per_s(Exec& exec) {
  const int n = exec.on_cuda() ? 8192 : 1536;
  const Extents<2> square{n, n};
  Array<T, 2> a(exec, square), b(exec, square), c(exec, square);
  fill_zero(exec, a.view());
  fill_zero(exec, b.view());
  return 2.0 * n * n * n * best_rate(exec, [&] { gemm(exec, n, a.data(), b.data(), c.data()); });
}

double copy_bytes_per_s(Exec& exec) {
  const Extents<1> size{64 << 20};  // 256 MiB: beyond every cache
  Array<float, 1> from(exec, size), to(exec, size);
  fill_zero(exec, from.view());
  const Vector<const float> source = from.view();
  return 2.0 * static_cast<double>(from.bytes()) *
         best_rate(exec, [&] { copy_on_all_threads(exec, source, to.view()); });
}

}  // namespace

const Ceilings& ceilings(Device device) {
  static std::map<std::string, Ceilings> measured;
  const auto known = measured.find(device.name());
  if (known != measured.end()) return known->second;
  Exec exec(device);
  const Ceilings fresh{copy_bytes_per_s(exec), gemm_flop_per_s<float>(exec), gemm_flop_per_s<double>(exec)};
  return measured.emplace(device.name(), fresh).first->second;
}

}  // namespace hci::bench
