// SPDX-License-Identifier: MIT
#pragma once
// What CUDA offers inside kernels, beyond the C++ library: keywords, barriers, warp collectives,
// atomics, some intrinsics. On top of the toolkit's own headers, which give the types.
#include <cuda_runtime_api.h>
#include <vector_functions.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "cuda_emulation/grid.hpp"
#include "cuda_emulation/launch_bounds.hpp"

#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#undef __constant__
#undef __launch_bounds__
#undef __grid_constant__
#define __global__
#define __device__
#define __host__
#define __shared__ static thread_local
#define __constant__ static
#define __launch_bounds__(most, ...) HCI_LAUNCH_BOUND(most)
#define __grid_constant__
#if !defined(__forceinline__)
#define __forceinline__ inline __attribute__((always_inline))
#endif
#if !defined(__noinline__)
#define __noinline__ __attribute__((noinline))
#endif

/// Dynamic shared memory of the running block, as an array of T.
#define HCI_DYNAMIC_SHARED(T, name) T* name = static_cast<T*>(::cuda_emulation::dynamic_shared())
/// A static array of the running block's shared memory.
#define HCI_SHARED(T, name, count) \
  __shared__ T name[count];        \
  ::cuda_emulation::enter_shared(name, sizeof name)

namespace cuda_emulation {

/// Every lane of the mask gives v; calls f(all mailboxes) once all have. What a lane outside the mask gives is not
/// defined: NaN (integers: -1) here.
template <class T, class F>
auto exchange(unsigned mask, T v, F f) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>, "warp collectives take at most eight bytes");
  const auto [box, kept] = mailbox(mask);
  std::memcpy(&box[lane()], &v, sizeof v);
  warp_barrier(mask);
  const auto result = f([box = box, mask](unsigned from) {
    T given;
    if (mask >> (from & 31) & 1)
      std::memcpy(&given, &box[from & 31], sizeof given);
    else
      std::memset(&given, 0xFF, sizeof given);
    return given;
  });
  if (!kept) warp_barrier(mask);
  return result;
}

template <class T>
T value_of(unsigned mask, T v, unsigned from) {
  return exchange(mask, v, [from](auto given) { return given(from); });
}

template <class T, class Op>
T warp_reduce(unsigned mask, T v, Op op) {
  return exchange(mask, v, [mask, op](auto given) {
    T result = given(static_cast<unsigned>(std::countr_zero(mask)));
    for (unsigned left = mask & (mask - 1); left != 0; left &= left - 1)
      result = op(result, given(static_cast<unsigned>(std::countr_zero(left))));
    return result;
  });
}

/// First lane of the part of `width` lanes that this lane is in.
inline unsigned part(int width) { return lane() & ~(static_cast<unsigned>(width) - 1); }

template <class T, class Op>
T atomic_update(T* where, T v, Op op) {
  std::atomic_ref<T> atom(*where);
  T old = atom.load();
  while (!atom.compare_exchange_weak(old, op(old, v))) {
  }
  return old;
}

}  // namespace cuda_emulation

inline void __syncthreads() { cuda_emulation::block_barrier(false); }
inline int __syncthreads_count(int predicate) {
  const int count = cuda_emulation::block_barrier(predicate != 0);
  cuda_emulation::block_barrier(false);
  return count;
}
inline int __syncthreads_or(int predicate) { return __syncthreads_count(predicate) > 0; }
inline int __syncthreads_and(int predicate) { return __syncthreads_count(!predicate) == 0; }
inline unsigned __activemask() { return cuda_emulation::live_lanes(); }
inline void __syncwarp(unsigned mask = ~0u) { cuda_emulation::warp_barrier(mask & __activemask()); }
inline void __threadfence() { std::atomic_thread_fence(std::memory_order_seq_cst); }
inline void __threadfence_block() { std::atomic_thread_fence(std::memory_order_seq_cst); }

template <class T>
T __shfl_sync(unsigned mask, T v, int from, int width = 32) {
  const unsigned in_part = static_cast<unsigned>(from) & (static_cast<unsigned>(width) - 1);
  return cuda_emulation::value_of(mask, v, cuda_emulation::part(width) | in_part);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T v, int bits, int width = 32) {
  const unsigned me = cuda_emulation::lane(), from = me ^ static_cast<unsigned>(bits), w = static_cast<unsigned>(width);
  return cuda_emulation::value_of(mask, v, from / w > me / w ? me : from);
}
template <class T>
T __shfl_down_sync(unsigned mask, T v, unsigned by, int width = 32) {
  const unsigned me = cuda_emulation::lane(), w = static_cast<unsigned>(width);
  return cuda_emulation::value_of(mask, v, me % w + by < w ? me + by : me);
}
template <class T>
T __shfl_up_sync(unsigned mask, T v, unsigned by, int width = 32) {
  const unsigned me = cuda_emulation::lane(), w = static_cast<unsigned>(width);
  return cuda_emulation::value_of(mask, v, me % w >= by ? me - by : me);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  const unsigned mine = predicate != 0 ? 1u << cuda_emulation::lane() : 0u;
  return cuda_emulation::warp_reduce(mask, mine, [](unsigned a, unsigned b) { return a | b; });
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }
template <class T>
T __reduce_add_sync(unsigned mask, T v) {
  return cuda_emulation::warp_reduce(mask, v, [](T a, T b) { return static_cast<T>(a + b); });
}
template <class T>
T __reduce_max_sync(unsigned mask, T v) {
  return cuda_emulation::warp_reduce(mask, v, [](T a, T b) { return a < b ? b : a; });
}
template <class T>
T __reduce_min_sync(unsigned mask, T v) {
  return cuda_emulation::warp_reduce(mask, v, [](T a, T b) { return b < a ? b : a; });
}

template <class T>
T atomicAdd(T* where, std::type_identity_t<T> v) {
  return cuda_emulation::atomic_update(where, v, [](T a, T b) { return static_cast<T>(a + b); });
}
template <class T>
T atomicSub(T* where, std::type_identity_t<T> v) {
  return cuda_emulation::atomic_update(where, v, [](T a, T b) { return static_cast<T>(a - b); });
}
template <class T>
T atomicMax(T* where, std::type_identity_t<T> v) {
  return cuda_emulation::atomic_update(where, v, [](T a, T b) { return a < b ? b : a; });
}
template <class T>
T atomicMin(T* where, std::type_identity_t<T> v) {
  return cuda_emulation::atomic_update(where, v, [](T a, T b) { return b < a ? b : a; });
}
template <class T>
T atomicAnd(T* where, std::type_identity_t<T> v) {
  return std::atomic_ref<T>(*where).fetch_and(v);
}
template <class T>
T atomicOr(T* where, std::type_identity_t<T> v) {
  return std::atomic_ref<T>(*where).fetch_or(v);
}
template <class T>
T atomicExch(T* where, std::type_identity_t<T> v) {
  return std::atomic_ref<T>(*where).exchange(v);
}
template <class T>
T atomicCAS(T* where, std::type_identity_t<T> expected, std::type_identity_t<T> v) {
  std::atomic_ref<T>(*where).compare_exchange_strong(expected, v);
  return expected;
}

template <class T>
T __ldg(const T* p) {
  return *p;
}
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int bit = 0; bit < 32; ++bit, x >>= 1) reversed = reversed << 1 | (x & 1);
  return reversed;
}
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline int __float2int_rn(float x) { return static_cast<int>(std::nearbyint(x)); }
inline int __float2int_rd(float x) { return static_cast<int>(std::floor(x)); }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __saturatef(float x) { return std::clamp(x, 0.0f, 1.0f); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline void sincospif(float x, float* s, float* c) {
  constexpr double pi = 3.14159265358979323846;
  *s = static_cast<float>(std::sin(pi * x));
  *c = static_cast<float>(std::cos(pi * x));
}
inline void sincospi(double x, double* s, double* c) {
  constexpr double pi = 3.14159265358979323846;
  *s = std::sin(pi * x);
  *c = std::cos(pi * x);
}

/// As CUDA's own: also of two different arithmetic types.
template <class A, class B>
requires(std::is_arithmetic_v<A>&& std::is_arithmetic_v<B>) constexpr std::common_type_t<A, B> min(A a, B b) {
  return b < a ? static_cast<std::common_type_t<A, B>>(b) : static_cast<std::common_type_t<A, B>>(a);
}
template <class A, class B>
requires(std::is_arithmetic_v<A>&& std::is_arithmetic_v<B>) constexpr std::common_type_t<A, B> max(A a, B b) {
  return a < b ? static_cast<std::common_type_t<A, B>>(b) : static_cast<std::common_type_t<A, B>>(a);
}
