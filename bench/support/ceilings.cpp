// SPDX-License-Identifier: MIT
#include "bench/support/ceilings.hpp"

#include <cblas.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <utility>

#include "kernels/core/copy.hpp"
#if HCI_HAVE_CUDA
#include "kernels/core/cuda.hpp"
#endif

namespace hci::bench {
namespace {

/// Calls a second of the work that takes least time: the ceiling is what the machine can do. For at least a second,
/// since neighbours on the same memory bus come and go.
template <class Work>
double best_rate(Exec& exec, Work work) {
  using clock = std::chrono::steady_clock;
  constexpr double kLeastSeconds = 1;
  constexpr int kLeastCalls = 7;
  work();
  exec.wait();
  double least = 1e30, all = 0;
  for (int calls = 0; calls < kLeastCalls || all < kLeastSeconds; ++calls) {
    const auto start = clock::now();
    work();
    exec.wait();
    const double seconds = std::chrono::duration<double>(clock::now() - start).count();
    least = std::min(least, seconds);
    all += seconds;
  }
  return 1 / least;
}

/// Numbers of which every bit changes: products of zeros take less power, and let a GPU clock higher.
template <class T>
Array<T, 2> random_numbers(Exec& exec, Extents<2> extents) {
  auto host = host_array<T, 2>(extents);
  std::mt19937 random(1);
  std::uniform_real_distribution<T> uniform(-1, 1);
  std::generate_n(host.data(), host.size(), [&] { return uniform(random); });
  auto numbers = to_device(exec, std::as_const(host).view());
  exec.wait();
  return numbers;
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
    const DeviceGuard guard(exec.device().index);
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
    const DeviceGuard guard(exec.device().index);
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
  const auto a = random_numbers<T>(exec, square), b = random_numbers<T>(exec, square);
  Array<T, 2> c(exec, square);
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

namespace {

/// What kCeilingsVariable says of this device, in the form of told().
std::optional<Ceilings> known_before(const std::string& device) {
  const char* const all = std::getenv(kCeilingsVariable);
  std::istringstream words(all == nullptr ? "" : all);
  std::string name;
  for (Ceilings one; words >> name >> one.copy_bytes_per_s >> one.sgemm_flop_per_s >> one.dgemm_flop_per_s;)
    if (name == device) return one;
  return std::nullopt;
}

}  // namespace

const Ceilings& ceilings(Device device) {
  static std::map<std::string, Ceilings> measured;
  const auto known = measured.find(device.name());
  if (known != measured.end()) return known->second;
  if (const auto before = known_before(device.name())) return measured.emplace(device.name(), *before).first->second;
  Exec exec(device);
  const Ceilings fresh{copy_bytes_per_s(exec), gemm_flop_per_s<float>(exec), gemm_flop_per_s<double>(exec)};
  return measured.emplace(device.name(), fresh).first->second;
}

std::string told(Device device) {
  const Ceilings& most = ceilings(device);
  std::ostringstream text;
  text << device.name() << ' ' << most.copy_bytes_per_s << ' ' << most.sgemm_flop_per_s << ' ' << most.dgemm_flop_per_s;
  return text.str();
}

}  // namespace hci::bench
